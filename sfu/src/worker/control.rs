//! What the control plane and the other workers ask for.

use std::sync::Arc;

use bytes::Bytes;
use media_rules::FeedId;

#[cfg(test)]
use super::isolation::{Haunt, haunt};
use super::{Part, Peer, Worker};
use crate::command::{Command, Description, NewPeer, Restart, Silence};
use crate::data::{DataChannels, Sent};
use crate::event::{Channel, CloseReason, Event, PeerId, Stats};
use crate::feed::Feed;
use crate::link::Link;
use crate::negotiate::Direction;
use crate::packet::{Item, Slot, StreamId};
use crate::publisher::Publisher;
use crate::viewer::{PlayoutDelay, Viewer, Wishes};

impl Worker {
    /// Carries out one command.
    pub(super) fn handle_command(&mut self, command: Command) {
        match command {
            Command::Add(peer) => self.add(*peer),
            Command::Switch(peer, feed) => self.switch(peer, &feed),
            Command::Pin(peer, pin) => self.pin(peer, pin),
            Command::Silence(peer, silence) => self.silence(peer, silence),
            Command::Taken { feed, source, worker, taken } => {
                self.handle_taken(&feed, source, worker, taken);
            }
            Command::Resting { feed, source, resting } => {
                self.handle_resting(&feed, source, resting);
            }
            Command::RestartIce(restart) => self.restart_ice(*restart),
            Command::AdoptTcp(arrival) => self.adopt(arrival),
            Command::Close(peer, reason) => self.close(peer, reason),
            Command::Data(peer, channel, text) => self.send_data(peer, channel, text),
            Command::WantKeyframe(feed) => self.want_best_keyframe(&feed),
            Command::AskSource(feed, stream) => self.handle_ask_source(&feed, stream),
            Command::Tap(feed, tap) => {
                self.feed(&feed).taps.push(tap);
                self.want_best_keyframe(&feed);
            }
            Command::Interest { feed, worker, has_viewers } => {
                self.handle_interest(&feed, worker, has_viewers);
            }
            Command::SourceUp(feed, source) => {
                self.feed(&feed).handle_source(source);
                self.want_keyframe_if_watched(&feed);
            }
            Command::SourceGone(feed, peer) => self.handle_source_gone(&feed, peer),
            Command::AddLocal(feed, source) => {
                let slot = self.feed(&feed);
                // The younger one stays, whichever was announced last.
                slot.local = slot.local.max(Some(source));
                slot.handle_source(source);
                self.post_all(|| Command::SourceUp(feed.clone(), source));
                self.want_keyframe_if_watched(&feed);
            }
            Command::DropLocal(feed, source) => {
                self.handle_source_gone(&feed, source.peer());
                self.post_all(|| Command::SourceGone(feed.clone(), source.peer()));
            }
            Command::Inspect(peer, reply) => {
                if let Some(stats) = self.inspect(peer) {
                    // Whoever asked may have left meanwhile.
                    let _ = reply.send(stats);
                }
            }
            Command::Describe(reply) => {
                // Whoever asked may have left meanwhile.
                let _ = reply.send(self.describe());
            }
            Command::Stop => self.is_stopping = true,
            #[cfg(test)]
            Command::Panic => panic!("asked to"),
            #[cfg(test)]
            Command::Haunt(peer, place) => self.haunted.push((peer, place)),
        }
    }

    /// Returns this worker's view of a feed, made on first use and dropped by the sweep.
    pub(super) fn feed(&mut self, id: &FeedId) -> &mut Feed {
        let interval = self.setup.config.keyframe_interval;
        self.feeds.entry(id.clone()).or_insert_with(|| Feed::new(interval))
    }

    /// Forgets a publisher's sources.
    pub(super) fn handle_source_gone(&mut self, feed: &FeedId, peer: PeerId) {
        if let Some(feed) = self.feeds.get_mut(feed) {
            feed.handle_source_gone(peer);
        }
    }

    fn add(&mut self, new: NewPeer) {
        let NewPeer { id, feed, local, remote, role, fingerprint, .. } = new;
        let identity = Arc::clone(&self.setup.identity);
        let link = Link::new((&local, remote), identity, role, fingerprint, self.now);
        let part = match new.direction {
            Direction::Publish => {
                let max_bps = self.setup.config.publish_max_bps;
                Part::Publisher(Box::new(Publisher::new(id, &new.tracks, max_bps)), feed)
            }
            Direction::Play => {
                self.join(&feed, id);
                let config = &self.setup.config;
                let delay = config.playout_delay.map(|(min, max)| PlayoutDelay::new(min, max));
                let wishes = Wishes { clock: self.setup.clock, playout_delay: delay };
                Part::Viewer(Viewer::new(feed, &new.tracks, new.cname, wishes))
            }
        };
        if new.direction == Direction::Publish {
            self.publishers.push(id);
        }
        let share = self.share_of(id);
        self.shares[share].push(id);
        let data = new.has_data.then(|| Box::new(DataChannels::new()));
        self.peers.insert(id, Peer { link, part, data });
    }

    fn restart_ice(&mut self, restart: Restart) {
        let Restart { peer, local, remote, is_there } = restart;
        let peer = self.peers.get_mut(&peer);
        // Whoever asked may have left meanwhile.
        let _ = is_there.send(peer.is_some());
        if let Some(peer) = peer {
            peer.link.restart(&local, remote, self.now);
        }
    }

    /// Puts a viewer on a feed's list, and tells the other workers if it is the first.
    fn join(&mut self, feed: &FeedId, id: PeerId) {
        let slot = self.feed(feed);
        let is_first = slot.viewers.is_empty();
        if !slot.viewers.contains(&id) {
            slot.viewers.push(id);
        }
        if is_first {
            self.tell_interest(feed, true);
        }
    }

    /// Takes a viewer off a feed's list, and tells the other workers if it was the last.
    pub(super) fn leave(&mut self, feed: &FeedId, id: PeerId) {
        let Some(slot) = self.feeds.get_mut(feed) else {
            return;
        };
        let before = slot.viewers.len();
        slot.viewers.retain(|viewer| *viewer != id);
        if before > 0 && slot.viewers.is_empty() {
            self.tell_interest(feed, false);
        }
    }

    fn tell_interest(&mut self, feed: &FeedId, has_viewers: bool) {
        let worker = self.setup.index;
        self.post_all(|| Command::Interest { feed: feed.clone(), worker, has_viewers });
    }

    /// Notes whether another worker has viewers; its first one learns how our clocks relate.
    fn handle_interest(&mut self, id: &FeedId, worker: usize, has_viewers: bool) {
        let index = self.setup.index;
        let feed = self.feed(id);
        feed.handle_interest(worker, has_viewers);
        if !has_viewers {
            return;
        }
        let Some(source) = feed.source.filter(|source| source.peer().worker() == index) else {
            return;
        };
        // Without them its viewers would have no lip sync until the publisher's next report.
        let anchors = feed.streams().filter(|stream| stream.id.source == source);
        let anchors = anchors.filter_map(|stream| Some(Item::Anchor(stream.id, stream.anchor?)));
        let offers = feed.offers.map(|offers| Item::Offers(source, offers));
        let items: Vec<_> = anchors.chain(offers).map(|item| (id.clone(), item)).collect();
        self.outboxes[worker].extend(items);
    }

    fn switch(&mut self, id: PeerId, feed: &FeedId) {
        let now = self.now.media;
        let Some(Peer { part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id) else {
            return;
        };
        let left = viewer.switch(feed.clone(), now);
        if let Some(left) = left {
            self.leave(&left, id);
        }
        self.join(feed, id);
        let mut slot = Slot::VIDEO;
        if let Some(Peer { part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id)
            && let Some(feed) = self.feeds.get(feed)
        {
            viewer.choose_layers(feed, now);
            slot = viewer.wanted_slot().unwrap_or(slot);
        }
        self.want_keyframe(feed, slot);
    }

    fn silence(&mut self, id: PeerId, silence: Silence) {
        let Some(Peer { part: Part::Publisher(publisher, feed), .. }) = self.peers.get_mut(&id)
        else {
            return;
        };
        if let Some(source) = publisher.set_silence(silence) {
            let feed = feed.clone();
            self.feed(&feed).handle_source(source);
            self.post_all(|| Command::SourceUp(feed.clone(), source));
            self.want_best_keyframe(&feed);
        }
    }

    fn send_data(&mut self, id: PeerId, channel: Channel, text: Bytes) {
        #[cfg(test)]
        haunt(&self.haunted, id, Haunt::Command);
        let Some(Peer { data: Some(data), .. }) = self.peers.get_mut(&id) else {
            return;
        };
        match data.send(self.now.instant, channel, text) {
            Sent::Taken => self.drain_data(id),
            Sent::Dropped => {
                metrics::counter!("sfu_data_dropped_total", "reason" => "channel_full")
                    .increment(1);
                self.drain_data(id);
            }
            Sent::Full => self.close(id, CloseReason::TooSlow),
        }
    }

    /// Asks the source for a keyframe of one stream, wherever it is, unless it was asked just now.
    pub(super) fn want_keyframe(&mut self, id: &FeedId, slot: Slot) {
        let now = self.now.media;
        if let Some(feed) = self.feeds.get_mut(id)
            && let Some(source) = feed.source
        {
            let stream = StreamId { source, slot };
            if feed.stream_mut(stream).gate.handle_request(now) {
                self.ask_source(id, stream);
            }
        }
    }

    /// Asks the source for a keyframe of everything that it has.
    pub(super) fn want_keyframes(&mut self, id: &FeedId) {
        let slots: Vec<Slot> = self.feeds.get(id).map_or_else(Vec::new, |feed| {
            feed.streams()
                .map(|stream| stream.id.slot)
                .filter(|slot| *slot != Slot::AUDIO)
                .collect()
        });
        for slot in slots {
            self.want_keyframe(id, slot);
        }
    }

    /// Asks for a keyframe of what the taps get.
    pub(super) fn want_best_keyframe(&mut self, id: &FeedId) {
        if let Some(slot) = self.feeds.get(id).map(|feed| feed.tapped) {
            self.want_keyframe(id, slot);
        }
    }

    fn want_keyframe_if_watched(&mut self, id: &FeedId) {
        if self.feeds.get(id).is_some_and(|feed| !feed.viewers.is_empty()) {
            self.want_keyframe(id, Slot::VIDEO);
        }
    }

    fn handle_ask_source(&mut self, id: &FeedId, stream: StreamId) {
        if self.feeds.get(id).is_some_and(|feed| feed.source == Some(stream.source)) {
            self.want_keyframe(id, stream.slot);
        }
    }

    /// Asks the source for a keyframe; the gate has let the request through.
    pub(super) fn ask_source(&mut self, id: &FeedId, stream: StreamId) {
        let publisher = stream.source.peer();
        let home = publisher.worker();
        if home != self.setup.index {
            if home < self.setup.workers.len() {
                self.post(home, Command::AskSource(id.clone(), stream));
            }
            return;
        }
        if self.feeds.get(id).is_some_and(|feed| feed.local == Some(stream.source)) {
            self.emit(Event::KeyframeWanted { feed: id.clone() });
        } else if let Some(Peer { link, part: Part::Publisher(publisher, _), .. }) =
            self.peers.get_mut(&publisher)
        {
            let mut request = Vec::new();
            publisher.push_keyframe_request(stream.slot, self.now.media, &mut request);
            if !request.is_empty() {
                link.send_rtcp(&request, &mut self.egress);
            }
        }
    }

    fn describe(&self) -> Description {
        let publishers = self.publishers.len();
        let taps = self.feeds.values().map(|feed| feed.taps.len()).sum();
        let stats = Stats {
            peers: self.peers.len(),
            publishers,
            viewers: self.peers.len() - publishers,
            feeds: 0,
            addresses: self.addresses.len(),
            taps,
            garbage: self.tally.garbage_total,
        };
        Description { stats, feeds: self.feeds.keys().cloned().collect() }
    }
}
