//! From a publisher's packets to this worker's viewers, to the other workers and to the taps.
//!
//! Packets are collected while a turn takes its datagrams and sent feed by feed, viewer by viewer,
//! so that a frame's packets to one viewer lie together. Another worker gets each packet once,
//! however many viewers it has.

use media_rules::{FeedId, TapItem, TapPacket};

use super::{Part, Peer, Worker};
use crate::packet::{Batch, Item};
use crate::srtp::MAX_OVERHEAD;
use crate::viewer::Forward;

impl Worker {
    /// Takes something that a feed did. At the source's home it is also passed on.
    pub(super) fn take_item(&mut self, id: FeedId, item: Item, is_home: bool) {
        if !is_home && !self.feeds.contains_key(&id) {
            // The last viewer here left while it was under way.
            return;
        }
        let now = self.now.media;
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
                if is_home {
                    feed.tap(|| {
                        TapItem::Packet(TapPacket {
                            feed: id.clone(),
                            kind: packet.kind,
                            arrival: packet.arrival,
                            rtp: packet.rtp.clone(),
                        })
                    });
                }
                let is_first = feed.pending.is_empty();
                feed.push(packet, now);
                if is_first {
                    self.dirty.push(id);
                }
            }
            Item::Anchor(source, kind, anchor) => {
                let Some(feed) = self.feeds.get_mut(&id) else {
                    return;
                };
                feed.set_anchor(kind, anchor);
                for viewer in &feed.viewers {
                    if let Some(Peer { part: Part::Viewer(viewer), .. }) =
                        self.peers.get_mut(viewer)
                    {
                        viewer.handle_anchor(source, kind, anchor);
                    }
                }
            }
        }
    }

    /// Sends this turn's packets to this worker's viewers.
    pub(super) fn fan_out(&mut self) {
        for id in std::mem::take(&mut self.dirty) {
            self.fan_out_feed(&id);
        }
    }

    fn fan_out_feed(&mut self, id: &FeedId) {
        let Some(feed) = self.feeds.get_mut(id) else {
            return;
        };
        let mut packets = std::mem::take(&mut feed.pending);
        // A newer source may have taken over within the turn; what the older one sent has no
        // history any more, but is still good to be shown.
        let mut needs_keyframe = false;
        let burst: usize = packets.iter().map(|packet| packet.rtp.len() + MAX_OVERHEAD).sum();
        for viewer in &feed.viewers {
            if !self.egress.has_room(burst) {
                self.tally.send(&mut self.setup.socket, &mut self.egress);
            }
            let Some(Peer { link, part: Part::Viewer(viewer), .. }) = self.peers.get_mut(viewer)
            else {
                continue;
            };
            for packet in &packets {
                let anchor = feed.anchor(packet.kind);
                let forwarded = viewer.forward(id, packet, anchor, link, &mut self.egress);
                needs_keyframe |= forwarded == Forward::NeedsKeyframe && link.is_connected();
            }
        }
        packets.clear();
        // The memory is used again in the next turn.
        feed.pending = packets;
        if needs_keyframe {
            self.want_keyframe(id);
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
                    self.want_keyframe(&feed);
                }
            }
        }
    }
}
