//! One worker's view of a feed: who watches it here, where else it goes, what it sent lately.
//!
//! A feed outlives its publisher: viewers and taps wait for one to come, and for the next one after
//! it. Two publishers of the same feed may overlap; the younger source wins, on every worker.

use std::sync::Arc;
use std::time::Duration;

use media_rules::layer::{Demand, EncodingSet, Offers, Rung};
use media_rules::{KeyframeGate, Log, MediaKind, MediaTime, TapItem};

use crate::event::PeerId;
use crate::ladder::Quality;
use crate::packet::{Anchor, Packet, STREAMS, Slot, SourceId, StreamId};
use crate::tap::Tap;

/// At 2.5 Mbit/s about four seconds of video.
const VIDEO_LOG: usize = 1_024;
/// A bit more than a second of audio.
const AUDIO_LOG: usize = 64;
/// What is older comes too late to be shown.
const REPAIR_AGE: Duration = Duration::from_secs(2);
/// How long packets wait for others of their frame before they are sent to the viewers.
const EGRESS_TICK: Duration = Duration::from_millis(5);

/// What of a feed waits for others of its kind before it is sent to the viewers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gathering {
    /// Everything: with many viewers every call that sends saves much.
    All,
    /// Packets of a picture. Sound leaves at once, because to wake up for it later costs more.
    Pictures,
}

/// One worker's view of a feed.
pub(crate) struct Feed {
    /// This worker's viewers.
    pub(crate) viewers: Vec<PeerId>,
    /// One bit for each other worker that has viewers.
    pub(crate) elsewhere: u64,
    /// Who else gets a copy: programs that are made of it.
    pub(crate) taps: Vec<Arc<dyn Tap>>,
    /// The publisher whose packets count; the youngest so far.
    pub(crate) source: Option<SourceId>,
    /// The source that this process feeds in itself, if it does so at this worker.
    pub(crate) local: Option<SourceId>,
    /// When the viewers are to be served; `None` if there is nothing for them.
    pub(crate) due: Option<MediaTime>,
    /// What viewers choose from, smallest first.
    pub(crate) ladder: Vec<Rung>,
    /// Of what the host sends the encoding that the taps want.
    pub(crate) best: Slot,
    /// The same of what it could send; `None` before anything is known.
    pub(crate) wanted: Option<u8>,
    /// The encoding that the taps get.
    pub(crate) tapped: Slot,
    /// Encodings that the host does not send because nobody takes them.
    pub(crate) resting: EncodingSet,
    /// At the source's home, by worker: the encodings that somebody takes there.
    pub(crate) taken: Vec<EncodingSet>,
    /// At the source's home, if it sends several encodings.
    pub(crate) demand: Option<Demand>,
    /// What a source that makes encodings on demand offers; `None` of one that sends what it has.
    pub(crate) offers: Option<Offers>,
    /// At the home of such a source: what was told last of what is taken.
    pub(crate) told: EncodingSet,
    keyframe_interval: Duration,
    /// The publisher that was let go last. Its packets may still be on their way, on another queue.
    gone: Option<PeerId>,
    streams: [Option<Box<Stream>>; STREAMS],
}

/// One of the current source's streams.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) log: Log<Packet>,
    /// Where the newest keyframe begins.
    pub(crate) entry: Option<u64>,
    pub(crate) anchor: Option<Anchor>,
    pub(crate) gate: KeyframeGate,
    pub(crate) quality: Quality,
}

impl Stream {
    fn new(id: StreamId, keyframe_interval: Duration) -> Self {
        let capacity = match id.slot.kind() {
            MediaKind::Audio => AUDIO_LOG,
            MediaKind::Video => VIDEO_LOG,
        };
        Self {
            id,
            log: Log::new(capacity, REPAIR_AGE),
            entry: None,
            anchor: None,
            gate: KeyframeGate::new(keyframe_interval),
            quality: Quality::default(),
        }
    }
}

impl Feed {
    /// Creates a feed that nobody publishes, watches or taps.
    pub(crate) fn new(keyframe_interval: Duration) -> Self {
        Self {
            viewers: Vec::new(),
            elsewhere: 0,
            taps: Vec::new(),
            source: None,
            local: None,
            due: None,
            ladder: Vec::new(),
            best: Slot::VIDEO,
            wanted: None,
            tapped: Slot::VIDEO,
            resting: EncodingSet::default(),
            taken: Vec::new(),
            demand: None,
            offers: None,
            told: EncodingSet::default(),
            keyframe_interval,
            gone: None,
            streams: [const { None }; STREAMS],
        }
    }

    /// Takes note of a source. Returns `false` if it has ended, or if a younger one is there.
    pub(crate) fn handle_source(&mut self, source: SourceId) -> bool {
        let is_gone = self.gone == Some(source.peer());
        if is_gone || self.source.is_some_and(|current| source < current) {
            return false;
        }
        if self.source != Some(source) {
            self.source = Some(source);
            self.forget_streams();
        }
        true
    }

    /// Forgets a publisher's sources, and takes nothing of them any more.
    pub(crate) fn handle_source_gone(&mut self, peer: PeerId) {
        self.gone = Some(peer);
        if self.source.is_some_and(|source| source.peer() == peer) {
            self.source = None;
            self.forget_streams();
        }
        if self.local.is_some_and(|source| source.peer() == peer) {
            self.local = None;
        }
    }

    fn forget_streams(&mut self) {
        self.streams = [const { None }; STREAMS];
        self.ladder.clear();
        (self.best, self.tapped) = (Slot::VIDEO, Slot::VIDEO);
        self.resting = EncodingSet::default();
        self.taken.clear();
        self.demand = None;
        (self.offers, self.told) = (None, EncodingSet::default());
    }

    /// Notes whether another worker has viewers. One without takes nothing, and says nothing any more.
    pub(crate) fn handle_interest(&mut self, worker: usize, has_viewers: bool) {
        let bit = 1 << worker;
        self.elsewhere = if has_viewers { self.elsewhere | bit } else { self.elsewhere & !bit };
        if let Some(taken) = self.taken.get_mut(worker).filter(|_| !has_viewers) {
            *taken = EncodingSet::default();
        }
    }

    /// Remembers a packet of the current source, to be sent when the feed is due.
    pub(crate) fn push(&mut self, packet: Packet, gathering: Gathering, now: MediaTime) {
        // Sound that comes between the packets of a picture may leave when that does.
        let is_alone = packet.kind() == MediaKind::Audio && self.due.is_none();
        let ends_frame = packet.kind() == MediaKind::Video && packet.marker;
        let stream = self.stream_mut(packet.stream);
        if packet.frame.is_entry && packet.kind() == MediaKind::Video {
            stream.gate.handle_keyframe();
            stream.entry = Some(stream.log.end());
        }
        if packet.kind() == MediaKind::Video {
            stream.quality.handle_packet(&packet, now);
        }
        stream.log.push(packet.sequence, packet, now);
        if self.viewers.is_empty() {
            return;
        }
        let leaves = ends_frame || is_alone && gathering == Gathering::Pictures;
        let due = if leaves { now } else { now + EGRESS_TICK };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Notes how a stream's clock relates to ours.
    pub(crate) fn set_anchor(&mut self, id: StreamId, anchor: Anchor) {
        self.stream_mut(id).anchor = Some(anchor);
    }

    /// Returns one of the current source's streams, once it has begun.
    pub(crate) fn stream(&self, slot: Slot) -> Option<&Stream> {
        self.streams[slot.index()].as_deref()
    }

    /// Returns a stream if it is of the current source.
    pub(crate) fn stream_of(&self, id: StreamId) -> Option<&Stream> {
        self.stream(id.slot).filter(|stream| stream.id == id)
    }

    /// Returns a stream of the current source, made on first use: most workers never see one.
    pub(crate) fn stream_mut(&mut self, id: StreamId) -> &mut Stream {
        let interval = self.keyframe_interval;
        self.streams[id.slot.index()].get_or_insert_with(|| Box::new(Stream::new(id, interval)))
    }

    /// Returns the streams of the current source that have begun.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().flatten().map(Box::as_ref)
    }

    /// Returns the streams whose waiting requests for a keyframe may go out now.
    pub(crate) fn poll_gates(&mut self, now: MediaTime) -> impl Iterator<Item = StreamId> {
        let streams = self.streams.iter_mut().flatten();
        streams.filter_map(move |stream| stream.gate.handle_timeout(now).then_some(stream.id))
    }

    /// Whether `peer` is who the feed is about now: nobody younger has taken over.
    pub(crate) fn is_of(&self, peer: PeerId) -> bool {
        self.source.is_none_or(|source| source.peer() == peer)
    }

    /// Returns when a request for a keyframe that had to wait may go out.
    pub(crate) fn poll_timeout(&self) -> Option<MediaTime> {
        self.streams().filter_map(|stream| stream.gate.poll_timeout()).min()
    }

    /// Hands an item to every tap.
    pub(crate) fn tap(&self, make: impl Fn() -> TapItem) {
        for tap in &self.taps {
            tap.take(make());
        }
    }

    /// Whether nobody has anything to do with it any more.
    pub(crate) fn is_idle(&self) -> bool {
        self.viewers.is_empty()
            && self.elsewhere == 0
            && self.taps.is_empty()
            && self.source.is_none()
            && self.local.is_none()
    }

    /// Drops the taps that are closed.
    pub(crate) fn prune_taps(&mut self) {
        self.taps.retain(|tap| !tap.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use media_rules::packet::PlainHeader;
    use media_rules::{Codec, RtpHeader};

    use super::*;
    use crate::packet::PacketExtensions;

    const NOW: MediaTime = MediaTime::from_millis(1_000);

    /// Takes packets of one moment; returns when the first of them is to leave.
    fn due(viewers: usize, gathering: Gathering, packets: &[(Codec, bool)]) -> Option<MediaTime> {
        let mut feed = Feed::new(Duration::from_millis(500));
        let source = SourceId::new(PeerId::new(1, 0), 0);
        assert!(feed.handle_source(source));
        feed.viewers = (0..viewers as u64).map(|number| PeerId::new(2 + number, 0)).collect();
        for (sequence, &(codec, marker)) in (7..).zip(packets) {
            let plain = PlainHeader { marker, payload_type: 96, sequence, timestamp: 7, ssrc: 1 };
            let rtp = [&plain.to_bytes()[..], &[1; 20]].concat();
            let header = RtpHeader::parse(&rtp).unwrap();
            let slot = if codec == Codec::Opus { Slot::AUDIO } else { Slot::VIDEO };
            let extensions = PacketExtensions::default();
            let stream = StreamId { source, slot };
            let packet = Packet::new(stream, codec, NOW, &header, extensions, rtp.into());
            feed.push(packet, gathering, NOW);
        }
        feed.due
    }

    #[test]
    fn what_nobody_watches_here_is_never_due() {
        let picture = [(Codec::H264, false), (Codec::Opus, false), (Codec::H264, true)];
        assert_eq!(due(0, Gathering::Pictures, &picture), None);
        assert_eq!(due(1, Gathering::Pictures, &picture), Some(NOW));
    }

    #[test]
    fn sound_waits_where_many_listen_or_a_picture_is_on_its_way() {
        let later = Some(NOW + EGRESS_TICK);
        let (sound, part) = ((Codec::Opus, false), (Codec::H264, false));
        assert_eq!(due(1, Gathering::Pictures, &[sound]), Some(NOW));
        assert_eq!(due(1, Gathering::All, &[sound]), later);
        assert_eq!(due(1, Gathering::Pictures, &[part, sound]), later);
    }

    #[test]
    fn a_publisher_that_is_gone_stays_gone_and_another_may_come() {
        let (first, second) = (PeerId::new(1, 0), PeerId::new(2, 1));
        let mut feed = Feed::new(Duration::from_millis(500));
        assert!(feed.handle_source(SourceId::new(first, 0)));
        feed.handle_source_gone(first);
        // What crosses from another worker is on a queue of its own and may be later than the news.
        assert!(!feed.handle_source(SourceId::new(first, 0)));
        assert!(feed.is_idle());
        assert!(feed.handle_source(SourceId::new(second, 0)));
        assert!(!feed.handle_source(SourceId::new(first, 0)));
        assert!(feed.is_of(second) && !feed.is_of(first));
    }

    #[test]
    fn what_was_taken_is_taken_of_one_source_and_by_those_who_have_viewers() {
        let mut feed = Feed::new(Duration::from_millis(500));
        let both: EncodingSet = [0, 1].into_iter().collect();
        feed.handle_source(SourceId::new(PeerId::new(1, 0), 0));
        feed.handle_interest(1, true);
        feed.taken = vec![EncodingSet::default(), both];
        feed.handle_interest(1, false);
        assert_eq!((feed.elsewhere, feed.taken[1]), (0, EncodingSet::default()));

        feed.taken = vec![EncodingSet::default(), both];
        feed.handle_source(SourceId::new(PeerId::new(2, 0), 0));
        assert!(feed.taken.is_empty(), "nobody has taken anything of the new one");
    }
}
