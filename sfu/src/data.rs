//! The pre-negotiated data channels of one peer, over SCTP.
//!
//! Both sides know the five channels beforehand, so nothing is negotiated inside SCTP: a channel is
//! open as soon as the association is. SCTP buffers whatever it is given, so the bound is here:
//! before a message goes in, the bytes that its channel still holds are looked at.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig,
    Event as SctpEvent, Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig,
    StreamEvent, TransportConfig,
};
use rtc_shared::TransportProtocol;

use crate::chunk_guard::ChunkGuard;
use crate::event::Channel;

/// SCTP never sees a real address either.
const TUNNEL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const MAX_MESSAGE_LEN: u32 = 65_536;
const RECEIVE_WINDOW: u32 = 256 * 1_024;
/// A reliable channel with more than this outstanding belongs to a peer that cannot keep up.
const RELIABLE_LIMIT: usize = 256 * 1_024;
/// Beyond this, chat waits in our own queue, where the oldest can still be dropped.
const CHAT_LIMIT: usize = 8 * 1_024;
const CHAT_QUEUE: usize = 64;
/// Beyond this, what is ambient is dropped: a newer value is on its way anyway.
const AMBIENT_LIMIT: usize = 8 * 1_024;
/// Each stream and each association takes memory that SCTP itself does not bound. Other clients may
/// have channels of their own, and a lost answer begins an association anew, but not this often.
const MAX_STRANGE_STREAMS: u32 = 32;
const MAX_ASSOCIATIONS: u32 = 32;

/// What came of the channels.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// All channels can be used.
    Open,
    /// A message came in.
    Message(Channel, Bytes),
    /// The association ended; the channels are gone.
    Closed,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    /// It, or for chat the oldest line before it, may have been dropped.
    Dropped,
    /// It is on its way.
    Taken,
    /// A channel that must not lose anything is full.
    Full,
}

/// One peer's channels.
pub(crate) struct DataChannels {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    guard: ChunkGuard,
    is_open: bool,
    /// Streams that the other side opened beside the channels.
    strange_streams: u32,
    associations: u32,
    has_panicked: bool,
    /// Full: the oldest line is dropped.
    chat: VecDeque<Bytes>,
    outcomes: VecDeque<Outcome>,
}

impl DataChannels {
    /// Creates channels that wait for the other side to begin.
    pub(crate) fn new() -> Self {
        let server = Some(Arc::new(ServerConfig::new(transport())));
        let config = Arc::new(EndpointConfig::new());
        Self {
            endpoint: Endpoint::new(TUNNEL, TransportProtocol::UDP, config, server),
            association: None,
            guard: ChunkGuard::new(),
            is_open: false,
            strange_streams: 0,
            associations: 0,
            has_panicked: false,
            chat: VecDeque::new(),
            outcomes: VecDeque::new(),
        }
    }

    /// Begins the association, for the side that is the DTLS client.
    pub(crate) fn connect(&mut self, now: Instant) {
        if self.association.is_none() {
            let config = ClientConfig::new(transport());
            self.association = self.endpoint.connect(now, config, TUNNEL).ok();
        }
    }

    /// Takes a decrypted SCTP packet.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        if !self.guard.admits(&packet, now) {
            tracing::debug!(
                "An SCTP packet that no honest peer sends, or sends again, was refused."
            );
            return;
        }
        self.shield(|this| {
            match this.endpoint.handle(now, TUNNEL, None, packet) {
                Some((handle, DatagramEvent::NewAssociation(association))) => {
                    // A second one replaces the first: the other side started over.
                    this.association = Some((handle, association));
                    this.associations += 1;
                }
                Some((handle, DatagramEvent::AssociationEvent(event))) => {
                    if let Some((current, association)) = &mut this.association
                        && *current == handle
                    {
                        association.handle_event(event);
                    }
                }
                None | Some(_) => {}
            }
            this.drain();
            this.send_chat(now);
        });
    }

    /// Whether the channels can go on. If not, the peer has to go: it found a bug in SCTP, or makes
    /// streams and associations without end.
    pub(crate) fn is_sound(&self) -> bool {
        !self.has_panicked
            && self.strange_streams <= MAX_STRANGE_STREAMS
            && self.associations <= MAX_ASSOCIATIONS
    }

    /// Sends a message, or does with it what the channel's rule says.
    pub(crate) fn send(&mut self, now: Instant, channel: Channel, text: Bytes) -> Sent {
        if !self.is_open {
            // Nobody has been told that the channel is open, so nobody misses the message.
            return Sent::Dropped;
        }
        match channel {
            Channel::Ctl | Channel::Gift => {
                if self.buffered(channel) > RELIABLE_LIMIT {
                    return Sent::Full;
                }
                if self.write(now, channel, &text) { Sent::Taken } else { Sent::Full }
            }
            Channel::Chat => {
                let is_full = self.chat.len() == CHAT_QUEUE;
                if is_full {
                    self.chat.pop_front();
                }
                self.chat.push_back(text);
                self.send_chat(now);
                if is_full { Sent::Dropped } else { Sent::Taken }
            }
            Channel::React | Channel::Clk => {
                let fits = self.buffered(channel) <= AMBIENT_LIMIT;
                if fits && self.write(now, channel, &text) { Sent::Taken } else { Sent::Dropped }
            }
        }
    }

    /// Repeats what was lost.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.shield(|this| {
            if let Some((_, association)) = &mut this.association
                && association.poll_timeout().is_some_and(|at| at <= now)
            {
                association.handle_timeout(now);
                this.drain();
            }
            this.send_chat(now);
        });
    }

    /// Returns the packets to encrypt and send.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Vec<Bytes> {
        let mut packets = Vec::new();
        self.shield(|this| {
            if let Some((_, association)) = &mut this.association {
                while let Some(transmit) = association.poll_transmit(now) {
                    if let Payload::RawEncode(raw) = transmit.message {
                        raw.iter().for_each(|packet| this.guard.handle_sent(packet));
                        packets.extend(raw);
                    }
                }
            }
        });
        packets
    }

    /// Returns what happened.
    pub(crate) fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// Runs SCTP's code: a bug in it must cost this peer, not every peer of the worker.
    fn shield(&mut self, run: impl FnOnce(&mut Self)) {
        if !self.has_panicked && catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.has_panicked = true;
            self.is_open = false;
            self.association = None;
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that may grow")]
    fn drain(&mut self) {
        let Some((handle, association)) = &mut self.association else {
            return;
        };
        while let Some(event) = association.poll() {
            match event {
                SctpEvent::Connected => {
                    self.is_open = open_streams(association);
                    self.outcomes.push_back(Outcome::Open);
                    // A message may have come in with the last packet of the handshake.
                    for channel in Channel::ALL {
                        read(association, channel.stream(), &mut self.outcomes);
                    }
                }
                SctpEvent::Stream(StreamEvent::Readable { id }) if self.is_open => {
                    read(association, id, &mut self.outcomes);
                }
                SctpEvent::Stream(StreamEvent::Opened { id }) => {
                    self.strange_streams += u32::from(Channel::from_stream(id).is_none());
                }
                SctpEvent::HandshakeFailed { .. } | SctpEvent::AssociationLost { .. } => {
                    if self.is_open {
                        self.outcomes.push_back(Outcome::Closed);
                    }
                    self.is_open = false;
                }
                _ => {}
            }
        }
        let mut is_drained = false;
        while let Some(event) = association.poll_endpoint_event() {
            is_drained = true;
            self.endpoint.handle_event(*handle, event);
        }
        if is_drained {
            self.association = None;
        }
    }

    fn send_chat(&mut self, now: Instant) {
        while self.is_open && !self.chat.is_empty() && self.buffered(Channel::Chat) <= CHAT_LIMIT {
            if let Some(line) = self.chat.pop_front() {
                self.write(now, Channel::Chat, &line);
            }
        }
    }

    fn buffered(&mut self, channel: Channel) -> usize {
        let Some((_, association)) = &mut self.association else {
            return 0;
        };
        let stream = association.stream(channel.stream());
        stream.and_then(|stream| stream.buffered_amount()).unwrap_or(0)
    }

    fn write(&mut self, now: Instant, channel: Channel, text: &Bytes) -> bool {
        let Some((_, association)) = &mut self.association else {
            return false;
        };
        association.stream(channel.stream()).is_ok_and(|mut stream| {
            stream.write_chunk_with_ppi(now, text, PayloadProtocolIdentifier::String).is_ok()
        })
    }
}

fn transport() -> TransportConfig {
    TransportConfig::default()
        .with_max_message_size(MAX_MESSAGE_LEN)
        .with_max_receive_buffer_size(RECEIVE_WINDOW)
}

/// Opens our side of every channel as PROTOCOL.md section 3 describes it.
fn open_streams(association: &mut Association) -> bool {
    Channel::ALL.into_iter().all(|channel| {
        let (is_unordered, reliability, value) = match channel {
            Channel::Ctl => (false, ReliabilityType::Reliable, 0),
            Channel::Gift => (true, ReliabilityType::Reliable, 0),
            Channel::Chat => (false, ReliabilityType::Timed, 2_000),
            Channel::React | Channel::Clk => (true, ReliabilityType::Rexmit, 0),
        };
        let id = channel.stream();
        // The other side's first message may have opened it already.
        if association.stream(id).is_err()
            && association.open_stream(id, PayloadProtocolIdentifier::String).is_err()
        {
            return false;
        }
        association.stream(id).is_ok_and(|mut stream| {
            stream.set_reliability_params(is_unordered, reliability, value).is_ok()
        })
    })
}

fn read(association: &mut Association, id: u16, outcomes: &mut VecDeque<Outcome>) {
    let Ok(mut stream) = association.stream(id) else {
        return;
    };
    while let Ok(Some(chunks)) = stream.read_sctp() {
        // Read even what is not wanted, or it would fill the window.
        let is_text = chunks.ppi == PayloadProtocolIdentifier::String;
        if let (Some(channel), true) = (Channel::from_stream(id), is_text)
            && let Ok(text) = chunks.to_payload(MAX_MESSAGE_LEN as usize)
        {
            outcomes.push_back(Outcome::Message(channel, text.freeze()));
        }
    }
}
