//! One worker's view of a feed: who watches it here, where else it goes, what it sent lately.
//!
//! A feed outlives its publisher: viewers and taps wait for one to come, and for the next one after
//! it. Two publishers of the same feed may overlap; the younger source wins, on every worker.

use std::time::Duration;

use media_rules::{History, KeyframeGate, MediaKind, MediaTime, TapItem};
use tokio::sync::mpsc;

use crate::event::PeerId;
use crate::packet::{Anchor, Packet, SourceId, slot};

/// At 2.5 Mbit/s about four seconds of video.
const VIDEO_HISTORY: usize = 1_024;
/// A bit more than a second of audio.
const AUDIO_HISTORY: usize = 64;
/// What is older comes too late to be shown.
const HISTORY_AGE: Duration = Duration::from_secs(2);

/// One worker's view of a feed.
pub(crate) struct Feed {
    /// This worker's viewers.
    pub(crate) viewers: Vec<PeerId>,
    /// One bit for each other worker that has viewers.
    pub(crate) elsewhere: u64,
    /// Full: the item is dropped and counted; the mixer asks for a keyframe.
    pub(crate) taps: Vec<mpsc::Sender<TapItem>>,
    /// The publisher whose packets count; the youngest so far.
    pub(crate) source: Option<SourceId>,
    /// The source that this process feeds in itself, if it does so at this worker.
    pub(crate) local: Option<SourceId>,
    pub(crate) gate: KeyframeGate,
    /// This turn's packets.
    pub(crate) pending: Vec<Packet>,
    /// The publisher that was let go last. Its packets may still be on their way, on another queue.
    gone: Option<PeerId>,
    anchors: [Option<Anchor>; 2],
    /// Made with the first packet: most workers never see one.
    histories: Option<Box<[History<Packet>; 2]>>,
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
            gate: KeyframeGate::new(keyframe_interval),
            pending: Vec::new(),
            gone: None,
            anchors: [None; 2],
            histories: None,
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
            self.anchors = [None; 2];
            self.histories = None;
        }
        true
    }

    /// Forgets a publisher's sources, and takes nothing of them any more.
    pub(crate) fn handle_source_gone(&mut self, peer: PeerId) {
        self.gone = Some(peer);
        if self.source.is_some_and(|source| source.peer() == peer) {
            self.source = None;
            self.histories = None;
        }
        if self.local.is_some_and(|source| source.peer() == peer) {
            self.local = None;
        }
    }

    /// Remembers a packet of the current source and queues it for this turn's fan-out.
    pub(crate) fn push(&mut self, packet: Packet, now: MediaTime) {
        if packet.kind == MediaKind::Video && packet.is_entry {
            self.gate.handle_keyframe();
        }
        let histories = self.histories.get_or_insert_with(|| {
            Box::new([
                History::new(AUDIO_HISTORY, HISTORY_AGE),
                History::new(VIDEO_HISTORY, HISTORY_AGE),
            ])
        });
        histories[slot(packet.kind)].push(packet.sequence, packet.clone(), now);
        self.pending.push(packet);
    }

    /// Notes how a track's clock relates to ours.
    pub(crate) fn set_anchor(&mut self, kind: MediaKind, anchor: Anchor) {
        self.anchors[slot(kind)] = Some(anchor);
    }

    /// Returns how a track's clock relates to ours, once it is known.
    pub(crate) fn anchor(&self, kind: MediaKind) -> Option<Anchor> {
        self.anchors[slot(kind)]
    }

    /// Returns the last packets of the current source.
    pub(crate) fn history(&self, kind: MediaKind) -> Option<&History<Packet>> {
        self.histories.as_ref().map(|histories| &histories[slot(kind)])
    }

    /// Whether `peer` is who the feed is about now: nobody younger has taken over.
    pub(crate) fn is_of(&self, peer: PeerId) -> bool {
        self.source.is_none_or(|source| source.peer() == peer)
    }

    /// Hands an item to every tap.
    pub(crate) fn tap(&self, make: impl Fn() -> TapItem) {
        for tap in &self.taps {
            if let Err(mpsc::error::TrySendError::Full(_)) = tap.try_send(make()) {
                metrics::counter!("sfu_packets_dropped_total", "reason" => "tap_full").increment(1);
            }
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

    /// Drops the taps whose receivers are gone.
    pub(crate) fn prune_taps(&mut self) {
        self.taps.retain(|tap| !tap.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
