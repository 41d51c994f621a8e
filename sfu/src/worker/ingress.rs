//! From a datagram to whoever it is for (RFC 7983), and what a peer's packets set off.

use std::time::Duration;

use media_rules::packet::RtpHeader;
use media_rules::{MediaKind, MediaTime, SenderReport, TapItem};

use super::fan_out::{feeds_of, note_copies};
#[cfg(test)]
use super::isolation::{Haunt, haunt};
use super::{Part, Peer, Worker};
use crate::clock::{Now, media_now};
use crate::data::Outcome;
use crate::demux::Class;
use crate::event::{Channel, CloseReason, Event, PeerId};
use crate::link::LinkEvent;
use crate::packet::{Item, Slot};
use crate::rtcp::{self, Message};
use crate::socket::RECEIVE_BATCH;
use crate::stun::{BindingRequest, BindingSuccess};
use crate::{command::Command, ufrag};

/// Datagram batches per turn. More would keep the first of them waiting for the send.
const BATCHES_PER_TURN: usize = 4;
/// How long feedback, checks and handshakes may lie while peers keep saying something, so that many
/// are taken at once: a worker that wakes up for each spends more on waking up than on them.
const REST: Duration = Duration::from_millis(5);
/// How long packets of a picture may lie while the rest of it is coming: it does not leave before it is
/// whole, or only a little later than this. With many peers there is always something else to do.
const BREATH: Duration = Duration::from_millis(2);

impl Worker {
    /// Takes what has come in.
    pub(super) fn take_datagrams(&mut self) {
        (self.rest, self.breath) = (None, None);
        for _ in 0..BATCHES_PER_TURN {
            let count = self.setup.socket.receive();
            let taken = media_now().nanos();
            for at in 0..count {
                let waited = u64::try_from(self.setup.socket.waited(at).as_nanos());
                let received = taken.saturating_sub(waited.unwrap_or(u64::MAX));
                self.received = MediaTime::from_nanos(received);
                self.foresee(at);
                self.shielded(|worker| worker.handle_datagram(at));
            }
            if self.setup.socket.took_aside() {
                self.rest = Some(self.now.media + REST);
            }
            // The rest of a picture comes while its first packets are decrypted.
            let may_be_more = count > 0 && self.breath.is_some();
            if count < RECEIVE_BATCH && !may_be_more {
                break;
            }
        }
        self.received = self.now.media;
        self.breath = self.breath.filter(|_| self.has_few());
    }

    /// Has memory bring what is known of those who sent the next datagrams, while this one is taken: a
    /// viewer speaks ten times a second, and meanwhile all of it has left the caches.
    fn foresee(&self, at: usize) {
        let find = |at: usize| {
            let from = self.setup.socket.sender(at)?;
            match self.peers.get(self.addresses.get(&from)?)? {
                Peer { link, part: Part::Viewer(viewer), .. } => Some((link, viewer)),
                Peer { part: Part::Publisher(..), .. } => None,
            }
        };
        let behind = find(at + 1).map_or(0, |(link, viewer)| {
            link.touch_keys_of_feedback().wrapping_add(viewer.touch_estimate())
        });
        let itself = find(at + 2).map_or(0, |(link, viewer)| link.touch() ^ viewer.touch());
        std::hint::black_box((behind, itself));
    }

    /// Takes the `at`-th datagram of the last receive.
    pub(super) fn handle_datagram(&mut self, at: usize) {
        let (from, datagram) = self.setup.socket.datagram(at);
        let class = Class::of(datagram);
        let owner = self.addresses.get(&from).copied();
        self.suspect = owner.filter(|_| class != Class::Stun);
        #[cfg(test)]
        self.suspect.iter().for_each(|id| haunt(&self.haunted, *id, Haunt::Datagram));
        let is_taken = match (class, owner) {
            (Class::Stun, _) => self.handle_stun(at),
            (Class::Dtls, Some(peer)) => self.handle_dtls(at, peer),
            (Class::Rtp, Some(peer)) => self.handle_rtp(at, peer),
            (Class::Rtcp, Some(peer)) => self.handle_rtcp(at, peer),
            (Class::Dtls | Class::Rtp | Class::Rtcp, None) | (Class::Garbage, _) => false,
        };
        if !is_taken {
            self.tally.garbage += 1;
            self.tally.garbage_total += 1;
        }
    }

    fn handle_stun(&mut self, at: usize) -> bool {
        let (from, datagram) = self.setup.socket.datagram(at);
        if let Some(answer) = BindingSuccess::parse(datagram) {
            self.suspect = self.addresses.get(&from).copied();
            let owner = self.suspect.and_then(|id| self.peers.get_mut(&id));
            return owner.is_some_and(|peer| {
                peer.link.handle_answer(&answer, from, self.now, &mut self.egress)
            });
        }
        let Some(request) = BindingRequest::parse(datagram) else {
            return false;
        };
        let Some(id) = ufrag::peer(request.local_ufrag()) else {
            return false;
        };
        // Whoever knows the name could be anybody until the check proves authentic.
        self.suspect = self.addresses.get(&from).copied().filter(|owner| *owner == id);
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        let Some(checked) = peer.link.handle_check(&request, from, self.now, &mut self.egress)
        else {
            return false;
        };
        // An address belongs to whoever proved it last; ports are used again.
        self.addresses.insert(from, id);
        if let Some(forgotten) = checked.forgotten
            && self.addresses.get(&forgotten) == Some(&id)
        {
            self.addresses.remove(&forgotten);
            self.close_stream(forgotten);
        }
        true
    }

    fn handle_dtls(&mut self, at: usize, id: PeerId) -> bool {
        let (_, datagram) = self.setup.socket.datagram(at);
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        if !peer.link.is_connected() {
            self.handshakes.push(id, datagram);
            return true;
        }
        let events = peer.link.handle_dtls(datagram, self.now, &mut self.egress);
        self.handle_link_events(id, events);
        true
    }

    /// Acts upon what came of a DTLS datagram.
    pub(super) fn handle_link_events(&mut self, id: PeerId, events: Vec<LinkEvent>) {
        for event in events {
            match event {
                LinkEvent::Connected => self.handle_connected(id),
                LinkEvent::Closed(reason) => self.close(id, reason),
                LinkEvent::Data(packet) => {
                    let data = self.peers.get_mut(&id).and_then(|peer| peer.data.as_mut());
                    if let Some(data) = data {
                        data.handle_packet(self.now.instant, packet);
                        self.drain_data(id);
                    }
                }
            }
        }
    }

    fn handle_connected(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if let Some(data) = &mut peer.data
            && peer.link.is_client()
        {
            data.connect(self.now.instant);
        }
        let watched = match &peer.part {
            Part::Viewer(viewer) => Some(viewer.feed.clone()),
            Part::Publisher(..) => None,
        };
        self.drain_data(id);
        self.emit(Event::Connected { peer: id });
        if let Some(feed) = watched {
            self.want_keyframe(&feed, Slot::VIDEO);
        }
    }

    /// Sends what SCTP has to say and passes on what it delivered.
    pub(super) fn drain_data(&mut self, id: PeerId) {
        let mut outcomes = Vec::new();
        let mut is_sound = true;
        if let Some(Peer { link, data: Some(data), .. }) = self.peers.get_mut(&id) {
            let packets = data.poll_transmit(self.now.instant);
            link.send_data(&packets, self.now, &mut self.egress);
            outcomes.extend(std::iter::from_fn(|| data.poll_outcome()));
            is_sound = data.is_sound();
        }
        for outcome in outcomes {
            match outcome {
                Outcome::Open => {
                    for channel in Channel::ALL {
                        self.emit(Event::DataOpen { peer: id, channel });
                    }
                }
                Outcome::Message(channel, text) => {
                    self.emit_data(Event::Data { peer: id, channel, text });
                }
                // The browser closed its channels; its media may go on.
                Outcome::Closed => tracing::debug!(peer = %id, "The data channels are closed."),
            }
        }
        if !is_sound {
            self.close(id, CloseReason::Protocol);
        }
    }

    fn handle_rtp(&mut self, at: usize, id: PeerId) -> bool {
        let now = self.now.media;
        let (from, datagram) = self.setup.socket.datagram(at);
        let Ok(header) = RtpHeader::parse_sealed(datagram) else {
            return false;
        };
        let Some(Peer { link, part: Part::Publisher(publisher, feed), .. }) =
            self.peers.get_mut(&id)
        else {
            return false;
        };
        let Some((srtp, _)) = link.media() else {
            return false;
        };
        let Some(len) = srtp.open_rtp(datagram, header.header_len, header.ssrc, header.sequence)
        else {
            return false;
        };
        link.handle_authentic(from, self.now);
        self.tally.packets_in += 1;
        let before = publisher.newest().map(|_| publisher.source());
        let Some(packet) = publisher.handle_rtp(&datagram[..len], now) else {
            return true;
        };
        let recovered = publisher.take_recovered();
        let feed = feed.clone();
        let source = packet.stream.source;
        let starts = !publisher.is_live && packet.frame.is_entry;
        publisher.is_live |= starts;
        let is_live = publisher.is_live;
        let silence = publisher.silence();
        if packet.kind() == MediaKind::Video {
            self.breath = (!packet.marker).then_some(self.now.media + BREATH);
        }
        if before != Some(source) {
            self.post_all(|| Command::SourceUp(feed.clone(), source));
        }
        if starts {
            self.emit(Event::MediaStarted { feed: feed.clone() });
        }
        for mut packet in recovered.into_iter().chain([packet]) {
            packet.received = self.received;
            match packet.kind() {
                MediaKind::Audio if silence.audio => packet = packet.into_silence(),
                MediaKind::Video if silence.video => continue,
                MediaKind::Audio | MediaKind::Video => {}
            }
            self.take_item(feed.clone(), Item::Packet(packet), true);
        }
        if !is_live {
            // Without sound only a keyframe starts the feed.
            self.want_keyframe(&feed, Slot::VIDEO);
        }
        true
    }

    fn handle_rtcp(&mut self, at: usize, id: PeerId) -> bool {
        let (from, datagram) = self.setup.socket.datagram(at);
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        let Some(clear) = peer.link.open_rtcp(datagram) else {
            return false;
        };
        peer.link.handle_authentic(from, self.now);
        let messages = rtcp::parse(clear);
        if let Part::Viewer(viewer) = &mut peer.part {
            for feedback in rtcp::transport_feedback(clear) {
                viewer.handle_feedback(&feedback, self.now.media);
            }
        }
        match &peer.part {
            Part::Publisher(..) => {
                for message in messages {
                    self.handle_publisher_report(id, &message);
                }
            }
            Part::Viewer(_) => {
                for message in messages {
                    self.handle_viewer_feedback(id, &message);
                }
            }
        }
        true
    }

    fn handle_publisher_report(&mut self, id: PeerId, message: &Message) {
        // A report may have lain for a moment.
        let now = self.received;
        let ntp = self.setup.clock.at(now);
        if let Message::LastReference { reference, delay } = *message
            && let Some(Peer { part: Part::Publisher(publisher, _), .. }) = self.peers.get_mut(&id)
            && let Some(rtt) = rtcp::round_trip(ntp, reference, delay)
        {
            publisher.handle_rtt(rtt);
        }
        // A goodbye says no more than the DTLS alert or the silence that follows it.
        let Message::SenderReport { ssrc, ntp, rtp_timestamp } = *message else {
            return;
        };
        let Some(Peer { part: Part::Publisher(publisher, feed), .. }) = self.peers.get_mut(&id)
        else {
            return;
        };
        let Some((stream, anchor)) = publisher.handle_sender_report(ssrc, ntp, rtp_timestamp, now)
        else {
            return;
        };
        let (feed, round_trip) = (feed.clone(), publisher.measured_rtt());
        if let Some(current) = self.feeds.get(&feed)
            && current.source == Some(stream.source)
            && (stream.slot == Slot::AUDIO || stream.slot == current.tapped)
        {
            let kind = stream.slot.kind();
            current.tap(|| {
                TapItem::Report(SenderReport {
                    feed: feed.clone(),
                    kind,
                    ntp,
                    rtp_timestamp,
                    arrival: now,
                    round_trip,
                })
            });
        }
        self.take_item(feed, Item::Anchor(stream, anchor), true);
    }

    fn handle_viewer_feedback(&mut self, id: PeerId, message: &Message) {
        let Now { media: now, .. } = self.now;
        let Some(Peer { link, part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id) else {
            return;
        };
        match message {
            Message::Nack { ssrc, lost } => {
                metrics::counter!("sfu_nacks_received_total").increment(1);
                if let Some(feeds) = feeds_of(&self.feeds, viewer) {
                    viewer.handle_nack(*ssrc, lost, now, feeds, link, &mut self.egress);
                }
                note_copies(&mut self.copies, id, viewer);
            }
            Message::KeyframeRequest { ssrc } => {
                metrics::counter!("sfu_plis_received_total").increment(1);
                if let Some(slot) = viewer.handle_keyframe_request(*ssrc, now) {
                    let feed = viewer.feed.clone();
                    self.want_keyframe(&feed, slot);
                }
            }
            Message::Reception(report) => {
                // The report may have lain for a moment.
                let heard = self.setup.clock.at(self.received);
                viewer.handle_reception(report, heard, now);
            }
            Message::MostWanted { bps } => viewer.handle_remb(*bps, now),
            Message::ReferenceTime { sender, reference } => {
                let mut answer = Vec::new();
                viewer.push_last_reference(*sender, *reference, &mut answer);
                link.send_rtcp(&answer, &mut self.egress);
            }
            Message::SenderReport { .. } | Message::LastReference { .. } | Message::Bye => {}
        }
    }
}
