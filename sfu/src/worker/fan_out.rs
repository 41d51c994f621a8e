//! From a publisher's packets to this worker's viewers, to the other workers and to the taps.
//!
//! Packets are collected until their frame is whole, or for a few milliseconds, and then sent feed by
//! feed, viewer by viewer, so that a frame's packets to one viewer lie together. Another worker gets
//! each packet once, however many viewers it has.

use media_rules::{FeedId, Later, MediaTime, TapItem, TapPacket};

use super::isolation::guard;
#[cfg(test)]
use super::isolation::{Haunt, haunt};
use super::{FEW, Map, Part, Peer, Setup, Tally, Worker};
use crate::egress::Egress;
use crate::event::PeerId;
use crate::feed::{Feed, Gathering};
use crate::link::Link;
use crate::packet::{Batch, Item, STREAMS, Slot, SourceId};
use crate::viewer::{Feeds, PACE_TICK, Viewer};

/// As many viewers of one feed that set off a bug at once show that it lies in the feed.
const MAX_PANICKED: usize = 2;

/// Borrows what [`Serving`] needs, and leaves peers and feeds alone.
macro_rules! serving {
    ($worker:expr) => {
        Serving {
            now: $worker.now.media,
            egress: &mut $worker.egress,
            tally: &mut $worker.tally,
            #[cfg(test)]
            haunted: &$worker.haunted,
            setup: &mut $worker.setup,
            copies: &mut $worker.copies,
            waiting: &mut $worker.waiting,
            waiting_due: &mut $worker.waiting_due,
        }
    };
}

impl Worker {
    /// Takes something that a feed did. At the source's home it is also passed on.
    pub(super) fn take_item(&mut self, id: FeedId, item: Item, is_home: bool) {
        if !is_home && !self.feeds.contains_key(&id) {
            // The last viewer here left while it was under way.
            return;
        }
        let now = self.now.media;
        let is_quiet = self.has_few();
        let feed = self.feed(&id);
        if !feed.handle_source(item.source()) {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "replaced").increment(1);
            return;
        }
        let elsewhere = if is_home { feed.elsewhere } else { 0 };
        for (worker, outbox) in self.outboxes.iter_mut().enumerate() {
            if elsewhere >> worker & 1 == 1 {
                outbox.push((id.clone(), item.clone()));
            }
        }
        match item {
            Item::Packet(packet) => {
                let feed = self.feed(&id);
                if is_home && !feed.taps.is_empty() && feed.is_for_taps(&packet) {
                    feed.tap(|| {
                        TapItem::Packet(TapPacket {
                            feed: id.clone(),
                            codec: packet.codec,
                            arrival: packet.arrival,
                            rtp: packet.rtp.clone(),
                        })
                    });
                }
                let was_due = feed.due.is_some();
                let gathering = match is_quiet && feed.viewers.len() <= FEW {
                    true => Gathering::Pictures,
                    false => Gathering::All,
                };
                feed.push(packet, gathering, now);
                if !was_due && feed.due.is_some() {
                    self.due_feeds.push(id);
                }
            }
            Item::Offers(_, offers) => self.feed(&id).offers = Some(offers),
            Item::Anchor(stream, anchor) => {
                let Some(feed) = self.feeds.get_mut(&id) else {
                    return;
                };
                feed.set_anchor(stream, anchor);
                for viewer in &feed.viewers {
                    if let Some(Peer { part: Part::Viewer(viewer), .. }) =
                        self.peers.get_mut(viewer)
                    {
                        viewer.handle_anchor(stream, anchor);
                    }
                }
            }
        }
    }

    /// Returns when the next feed is to be sent to its viewers.
    pub(super) fn next_due(&self) -> Option<MediaTime> {
        self.due_feeds.iter().filter_map(|id| self.feeds.get(id)?.due).min()
    }

    /// Sends what is due to this worker's viewers. When one feed is due, all that have something
    /// go with it, so that a worker with many quiet rooms wakes up for all of them at once.
    pub(super) fn fan_out(&mut self) {
        if self.next_due().is_some_and(|due| due <= self.now.media) {
            for id in std::mem::take(&mut self.due_feeds) {
                self.fan_out_feed(&id);
            }
        }
    }

    fn fan_out_feed(&mut self, id: &FeedId) {
        let Some(feed) = self.feeds.get_mut(id) else {
            return;
        };
        feed.due = None;
        let viewers = std::mem::take(&mut feed.viewers);
        let mut lacking = [false; STREAMS];
        let mut panicked: Vec<PeerId> = Vec::new();
        let Some(feed) = self.feeds.get(id) else {
            return;
        };
        let only = Feeds { wanted: feed, previous: None };
        let mut serving = serving!(self);
        for (at, &viewer_id) in viewers.iter().enumerate() {
            foresee(&self.peers, &viewers[at + 1..]);
            let Some(Peer { link, part: Part::Viewer(viewer), .. }) =
                self.peers.get_mut(&viewer_id)
            else {
                continue;
            };
            // Who is not between two feeds is on the list of the one that it wants.
            let is_settled = viewer.previous.is_none();
            let among = || feeds_of(&self.feeds, viewer);
            let Some(feeds) = is_settled.then_some(only).or_else(among) else {
                continue;
            };
            match serving.serve(viewer_id, viewer, feeds, link) {
                Some(Some(slot)) => lacking[slot.index()] = true,
                Some(None) => {}
                None => {
                    panicked.push(viewer_id);
                    if panicked.len() == MAX_PANICKED {
                        break;
                    }
                }
            }
        }
        if let Some(feed) = self.feeds.get_mut(id) {
            // The list's memory is used again.
            feed.viewers = viewers;
        }
        if panicked.len() == MAX_PANICKED {
            // It is hardly the viewers' fault.
            let source = self.feeds.get(id).and_then(|feed| feed.source);
            panicked.extend(source.map(SourceId::peer));
        }
        for peer in panicked {
            self.handle_panic(Some(peer));
        }
        for slot in Slot::encodings().filter(|slot| lacking[slot.index()]) {
            self.want_keyframe(id, slot);
        }
    }

    /// Serves the viewers whose pictures waited for their time.
    pub(super) fn serve_waiting(&mut self) {
        if self.waiting.is_empty() || self.now.media < self.waiting_due {
            return;
        }
        let mut lacking: Vec<(FeedId, Slot)> = Vec::new();
        let mut panicked: Vec<PeerId> = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        let mut serving = serving!(self);
        for id in waiting {
            let Some(Peer { link, part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id)
            else {
                continue;
            };
            viewer.is_listed = false;
            if let Some(feeds) = feeds_of(&self.feeds, viewer) {
                match serving.serve(id, viewer, feeds, link) {
                    Some(lacks) => lacking.extend(lacks.map(|slot| (viewer.feed.clone(), slot))),
                    None => panicked.push(id),
                }
            }
        }
        for id in panicked {
            self.handle_panic(Some(id));
        }
        for (feed, slot) in lacking {
            self.want_keyframe(&feed, slot);
        }
    }

    /// Sends again what is due to viewers whose network loses packets.
    pub(super) fn send_copies(&mut self) {
        let now = self.now.media;
        while let Some(id) = self.copies.poll(now) {
            let Some(Peer { link, part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id)
            else {
                continue;
            };
            viewer.has_alarm = false;
            let sent = guard(|| {
                if let Some(feeds) = feeds_of(&self.feeds, viewer) {
                    viewer.send_copies(feeds, now, link, &mut self.egress);
                }
                note_copies(&mut self.copies, id, viewer);
            });
            if sent.is_none() {
                self.handle_panic(Some(id));
            }
        }
    }

    /// Hands each other worker what it has viewers for.
    pub(super) fn flush_outboxes(&mut self) {
        for worker in 0..self.outboxes.len() {
            if self.outboxes[worker].is_empty() {
                continue;
            }
            let batch: Batch = std::mem::take(&mut self.outboxes[worker]);
            if let Err(batch) = self.setup.workers[worker].try_media(batch, false) {
                // Its viewers have a hole that only a keyframe closes.
                let mut feeds: Vec<FeedId> = batch.into_iter().map(|(feed, _)| feed).collect();
                feeds.dedup();
                for feed in feeds {
                    self.want_keyframes(&feed);
                }
            }
        }
    }
}

/// Has memory bring what the next viewers are served from, while another one is: a picture later all
/// of it has left the caches. All that is read at once must be independent, or one miss waits for
/// another; so what a viewer points to is read a viewer later than the viewer.
fn foresee(peers: &Map<PeerId, Peer>, coming: &[PeerId]) {
    let find = |at: usize| match peers.get(coming.get(at)?)? {
        Peer { link, part: Part::Viewer(viewer), .. } => Some((link, viewer)),
        Peer { part: Part::Publisher(..), .. } => None,
    };
    let behind = find(0).map_or(0, |(link, viewer)| {
        link.touch_keys().wrapping_add(viewer.touch_what_it_points_to())
    });
    let itself = find(1).map_or(0, |(link, viewer)| link.touch().wrapping_add(viewer.touch()));
    std::hint::black_box((behind, itself));
}

/// What is needed to serve a viewer, beside the viewer.
struct Serving<'a> {
    now: MediaTime,
    egress: &'a mut Egress,
    tally: &'a mut Tally,
    #[cfg(test)]
    haunted: &'a [(PeerId, Haunt)],
    setup: &'a mut Setup,
    copies: &'a mut Later<PeerId>,
    waiting: &'a mut Vec<PeerId>,
    waiting_due: &'a mut MediaTime,
}

impl Serving<'_> {
    /// Sends one viewer what has come for it. Returns the stream whose keyframe it waits for; `None`
    /// if that set off a bug.
    fn serve(
        &mut self,
        id: PeerId,
        viewer: &mut Viewer,
        feeds: Feeds<'_>,
        link: &mut Link,
    ) -> Option<Option<Slot>> {
        guard(|| {
            #[cfg(test)]
            haunt(self.haunted, id, Haunt::Serve);
            let mut served = viewer.serve(feeds, self.now, link, self.egress);
            while served.is_cut_short {
                self.tally.note_written(&served);
                self.tally.send(self.setup, self.egress);
                served = viewer.serve(feeds, self.now, link, self.egress);
            }
            self.tally.note_written(&served);
            note_copies(self.copies, id, viewer);
            if viewer.is_waiting && !std::mem::replace(&mut viewer.is_listed, true) {
                if self.waiting.is_empty() {
                    *self.waiting_due = self.now + PACE_TICK;
                }
                self.waiting.push(id);
            }
            served.lacks
        })
    }
}

/// Notes when a viewer has something to be sent again, once for each viewer.
pub(super) fn note_copies(copies: &mut Later<PeerId>, id: PeerId, viewer: &mut Viewer) {
    if let Some(due) = viewer.next_copy().filter(|_| !viewer.has_alarm) {
        viewer.has_alarm = copies.push(due, id);
    }
}

/// Returns the feeds that a viewer is served from; `None` if the one that it wants is not known.
pub(super) fn feeds_of<'a>(feeds: &'a Map<FeedId, Feed>, viewer: &Viewer) -> Option<Feeds<'a>> {
    let previous = viewer.previous.as_ref().and_then(|feed| feeds.get(feed));
    Some(Feeds { wanted: feeds.get(&viewer.feed)?, previous })
}
