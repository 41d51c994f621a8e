//! What the SFU reports, and the names it reports it under.

use bytes::Bytes;
use media_rules::health::Health;
use media_rules::layer::EncodingSet;
use media_rules::{FeedId, MediaTime, Voice};

/// One connection: a publisher or a viewer. Never used twice in a process.
///
/// The low byte is the worker that owns the peer, the rest a counter, so a greater id is a younger
/// peer whoever owns it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PeerId(u64);

impl PeerId {
    pub(crate) fn new(counter: u64, worker: usize) -> Self {
        Self(counter << 8 | (worker as u64 & 0xff))
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    /// Returns the counter.
    pub(crate) fn count(self) -> u64 {
        self.0 >> 8
    }

    pub(crate) fn worker(self) -> usize {
        (self.0 & 0xff) as usize
    }
}

impl std::fmt::Display for PeerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// A pre-negotiated data channel; the discriminant is its SCTP stream id.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Channel {
    /// Ordered, reliable: sale and control. Never dropped.
    Ctl = 0,
    /// Unordered, reliable: gifts. Never dropped.
    Gift = 1,
    /// Ordered, given up after 2 s: chat. The oldest line is dropped.
    Chat = 2,
    /// Unordered, never sent twice: likes and counts.
    React = 3,
    /// Unordered, never sent twice: clock pings.
    Clk = 4,
}

impl Channel {
    /// Every channel, in order of stream id.
    pub const ALL: [Self; 5] = [Self::Ctl, Self::Gift, Self::Chat, Self::React, Self::Clk];

    /// Returns the SCTP stream id.
    pub const fn stream(self) -> u16 {
        self as u16
    }

    /// Returns the channel of a stream id.
    pub fn from_stream(stream: u16) -> Option<Self> {
        Self::ALL.get(usize::from(stream)).copied()
    }
}

/// Why a peer is gone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CloseReason {
    /// [`Sfu::close`](crate::Sfu::close) was called.
    Requested,
    /// The other side said goodbye (DTLS close_notify).
    Left,
    /// ICE or DTLS did not finish in time.
    ConnectTimeout,
    /// DTLS failed, or its certificate is not the one that the SDP promised.
    Handshake,
    /// No authenticated STUN for too long.
    ConsentLost,
    /// A channel that must not lose anything is full.
    TooSlow,
    /// The peer broke a protocol beyond repair.
    Protocol,
    /// It set off a bug of ours; the others go on.
    Internal,
    /// The SFU is stopping.
    Shutdown,
}

impl CloseReason {
    /// Returns a fixed word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Left => "left",
            Self::ConnectTimeout => "connect_timeout",
            Self::Handshake => "handshake",
            Self::ConsentLost => "consent_lost",
            Self::TooSlow => "too_slow",
            Self::Protocol => "protocol",
            Self::Internal => "internal",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Something that happened on the media side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// ICE and DTLS are done.
    Connected {
        /// Who.
        peer: PeerId,
    },
    /// The peer is gone; the last event of this peer.
    Closed {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: CloseReason,
    },
    /// A published feed delivered its first keyframe or sound.
    MediaStarted {
        /// Whose.
        feed: FeedId,
    },
    /// A published feed fell silent or its publisher is gone.
    MediaStopped {
        /// Whose.
        feed: FeedId,
    },
    /// The voice of a published feed, a few times a second while it speaks. May get lost.
    Voice {
        /// Whose.
        feed: FeedId,
        /// How loud.
        voice: Voice,
    },
    /// How well a published feed arrives, once a second and when it turns. May get lost.
    Uplink {
        /// Who sends it.
        peer: PeerId,
        /// Whose.
        feed: FeedId,
        /// How well.
        health: Health,
    },
    /// What the timestamps of a viewer's picture stand for; said again now and then. May get lost.
    MediaClock {
        /// Whose picture.
        peer: PeerId,
        /// A timestamp at 90 kHz, as the viewer sees it.
        rtp_timestamp: u32,
        /// The moment of the media clock that it stands for.
        at: MediaTime,
    },
    /// Somebody needs a keyframe of a local feed. Already rate-limited.
    KeyframeWanted {
        /// Whose.
        feed: FeedId,
    },
    /// A host that sends several encodings is asked to send some of them only, or all again. Said
    /// again now and then while some rest.
    LayersWanted {
        /// The publishing connection.
        peer: PeerId,
        /// Whose.
        feed: FeedId,
        /// By the encoding's name in the offer: whether somebody takes it.
        layers: Vec<(String, bool)>,
    },
    /// What viewers take of a local feed whose encodings are made on demand, or wait for; said again
    /// now and then. May get lost.
    EncodingsTaken {
        /// Whose.
        feed: FeedId,
        /// 0 is the whole picture.
        taken: EncodingSet,
    },
    /// A data channel can be used.
    DataOpen {
        /// By whom.
        peer: PeerId,
        /// Which.
        channel: Channel,
    },
    /// A message came in on a data channel.
    Data {
        /// From whom.
        peer: PeerId,
        /// Where.
        channel: Channel,
        /// What it says, at most 64 KiB; nobody has checked that it is UTF-8.
        text: Bytes,
    },
}

/// What the SFU holds at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Connections, finished or not.
    pub peers: usize,
    /// Peers that publish.
    pub publishers: usize,
    /// Peers that watch.
    pub viewers: usize,
    /// Feeds that somebody publishes, watches or taps.
    pub feeds: usize,
    /// Client addresses known to the demultiplexers.
    pub addresses: usize,
    /// Live taps.
    pub taps: usize,
    /// Datagrams that belonged to nobody or made no sense, since the start.
    pub garbage: u64,
}
