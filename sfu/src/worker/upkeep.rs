//! What is due by the clock: feedback to publishers, reports to viewers, goodbyes to the silent.

use std::time::Duration;

use media_rules::FeedId;

use super::{Part, Peer, Worker};
use crate::event::{CloseReason, Event, PeerId};
use crate::packet::{Slot, StreamId};

/// How often every peer is looked at.
const SWEEP: Duration = Duration::from_millis(50);

impl Worker {
    /// Looks at the timers. Called every few milliseconds while there is anything to look at.
    pub(super) fn tick(&mut self) {
        self.feed_back();
        self.reopen_gates();
        if self.now.media >= self.next_sweep {
            self.next_sweep = self.now.media + SWEEP;
            self.sweep();
            self.sweep_feeds();
        }
    }

    /// Asks publishers for what is missing and reports to them.
    fn feed_back(&mut self) {
        let now = self.now.media;
        let mut broken: Vec<FeedId> = Vec::new();
        for id in &self.publishers {
            let Some(Peer { link, part: Part::Publisher(publisher, feed), .. }) =
                self.peers.get_mut(id)
            else {
                continue;
            };
            let mut feedback = Vec::new();
            if !publisher.poll_feedback(now, &mut feedback) {
                broken.push(feed.clone());
            }
            if !feedback.is_empty() {
                link.send_rtcp(&feedback, &mut self.egress);
            }
        }
        for feed in broken {
            self.want_keyframe(&feed, Slot::VIDEO);
        }
    }

    /// Lets keyframe requests through that had to wait.
    fn reopen_gates(&mut self) {
        let now = self.now.media;
        let mut asked: Vec<(FeedId, StreamId)> = Vec::new();
        for (id, feed) in &mut self.feeds {
            asked.extend(feed.poll_gates(now).map(|stream| (id.clone(), stream)));
        }
        for (id, stream) in asked {
            self.ask_source(&id, stream);
        }
    }

    fn sweep(&mut self) {
        let now = self.now;
        let mut gone: Vec<(PeerId, CloseReason)> = Vec::new();
        let mut with_data: Vec<PeerId> = Vec::new();
        let mut fell_silent: Vec<FeedId> = Vec::new();
        let mut left: Vec<(FeedId, PeerId)> = Vec::new();
        let mut blind: Vec<(FeedId, Slot)> = Vec::new();
        for (&id, Peer { link, part, data }) in &mut self.peers {
            if let Some(reason) = link.handle_timeout(now, &self.setup.config, &mut self.egress) {
                gone.push((id, reason));
                continue;
            }
            if let Some(data) = data {
                data.handle_timeout(now.instant);
                with_data.push(id);
            }
            match part {
                Part::Publisher(publisher, feed) => {
                    let silence = publisher.newest().map(|newest| now.media.since(newest));
                    let is_silent = silence >= Some(self.setup.config.silence_timeout);
                    if publisher.is_live && is_silent {
                        publisher.is_live = false;
                        // Somebody who was replaced falls silent without the feed doing so.
                        if self.feeds.get(feed).is_none_or(|feed| feed.is_of(id)) {
                            fell_silent.push(feed.clone());
                        }
                    }
                }
                Part::Viewer(viewer) => {
                    let mut reports = Vec::new();
                    viewer.poll_redundancy(now.media);
                    viewer.poll_reports(now.media, self.setup.clock, &mut reports);
                    if !reports.is_empty() {
                        link.send_rtcp(&reports, &mut self.egress);
                    }
                    let source = self.feeds.get(&viewer.feed).and_then(|feed| feed.source);
                    left.extend(viewer.poll_left(now.media, source).map(|feed| (feed, id)));
                    let lacks = source.and_then(|source| viewer.lacks_picture_of(source));
                    if let Some(slot) = lacks.filter(|_| link.is_connected()) {
                        blind.push((viewer.feed.clone(), slot));
                    }
                }
            }
        }
        for (id, reason) in gone {
            self.close(id, reason);
        }
        for id in with_data {
            self.drain_data(id);
        }
        for feed in fell_silent {
            self.emit(Event::MediaStopped { feed });
        }
        for (feed, id) in left {
            self.leave(&feed, id);
        }
        // Asked again until a keyframe comes: the request, or its answer, may have got lost.
        for (feed, slot) in blind {
            self.want_keyframe(&feed, slot);
        }
    }

    fn sweep_feeds(&mut self) {
        self.feeds.retain(|_, feed| {
            feed.prune_taps();
            !feed.is_idle()
        });
    }
}
