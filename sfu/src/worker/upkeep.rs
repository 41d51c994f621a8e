//! What is due by the clock: feedback to publishers, reports to viewers, goodbyes to the silent.

use std::time::Duration;

use media_rules::FeedId;

use super::isolation::guard;
#[cfg(test)]
use super::isolation::{Haunt, haunt};
use super::{Map, Part, Peer, Worker};
use crate::clock::{Now, NtpClock};
use crate::config::Config;
use crate::egress::Egress;
use crate::event::{CloseReason, Event, PeerId};
use crate::feed::Feed;
use crate::packet::{Slot, StreamId};
use crate::publisher::News;

/// Every peer is looked at once in so many steps, a share of them in each: to look at thousands at once
/// would keep media waiting.
pub(super) const SWEEP_SHARES: usize = 10;
/// How often viewers choose among a feed's pictures.
const CHOICE: Duration = Duration::from_millis(100);

impl Worker {
    /// Looks at the timers of publishers and feeds, and of so many shares of the peers.
    pub(super) fn tick(&mut self, shares: usize) {
        self.feed_back();
        self.reopen_gates();
        for _ in 0..shares {
            self.sweep_share = (self.sweep_share + 1) % SWEEP_SHARES;
            self.sweep();
            if self.sweep_share == 0 {
                self.sweep_feeds();
            }
        }
        if self.now.media >= self.next_choice {
            self.next_choice = self.now.media + CHOICE;
            self.shielded(Self::choose_layers);
        }
    }

    /// Asks publishers for what is missing and reports to them.
    fn feed_back(&mut self) {
        let (now, clock) = (self.now.media, self.setup.clock);
        let mut broken: Vec<(FeedId, Slot)> = Vec::new();
        let mut panicked: Vec<PeerId> = Vec::new();
        let mut news: Vec<(PeerId, FeedId, News)> = Vec::new();
        for id in &self.publishers {
            let Some(Peer { link, part: Part::Publisher(publisher, feed), .. }) =
                self.peers.get_mut(id)
            else {
                continue;
            };
            let egress = &mut self.egress;
            let slots = guard(|| {
                #[cfg(test)]
                haunt(&self.haunted, *id, Haunt::Feedback);
                let mut feedback = Vec::new();
                let slots = publisher.poll_feedback(now, clock, &mut feedback);
                if !feedback.is_empty() {
                    link.send_rtcp(&feedback, egress);
                }
                let told = publisher.poll_news(now);
                if told.voice.is_some() || told.health.is_some() {
                    news.push((*id, feed.clone(), told));
                }
                slots
            });
            match slots {
                Some(slots) => broken.extend(slots.into_iter().map(|slot| (feed.clone(), slot))),
                None => panicked.push(*id),
            }
        }
        for (peer, feed, told) in news {
            self.tell_news(peer, &feed, told);
        }
        for (feed, slot) in broken {
            self.want_keyframe(&feed, slot);
        }
        for id in panicked {
            self.handle_panic(Some(id));
        }
    }

    /// Tells of voice and network. What the control plane has no room for is told again soon.
    fn tell_news(&self, peer: PeerId, feed: &FeedId, News { voice, health }: News) {
        if let Some(voice) = voice {
            self.emit_news(Event::Voice { feed: feed.clone(), voice });
        }
        if let Some(health) = health {
            metrics::histogram!("sfu_uplink_score").record(f64::from(health.score));
            self.emit_news(Event::Uplink { peer, feed: feed.clone(), health });
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
        let mut found = Findings::default();
        let mut panicked: Vec<PeerId> = Vec::new();
        let share = std::mem::take(&mut self.shares[self.sweep_share]);
        for &id in &share {
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            let around = Around {
                now: self.now,
                config: &self.setup.config,
                clock: self.setup.clock,
                feeds: &self.feeds,
            };
            let (found, egress) = (&mut found, &mut self.egress);
            let looked = guard(|| {
                #[cfg(test)]
                haunt(&self.haunted, id, Haunt::Sweep);
                look_at(id, peer, around, egress, found);
            });
            if looked.is_none() {
                panicked.push(id);
            }
        }
        self.shares[self.sweep_share] = share;
        for id in panicked {
            self.handle_panic(Some(id));
        }
        self.act_upon(found);
    }

    /// Returns when a peer has its turn among the ticks. Peers are dealt out to the workers one by one.
    pub(super) fn share_of(&self, id: PeerId) -> usize {
        let workers = self.setup.workers.len().max(1) as u64;
        usize::try_from(id.count() / workers % SWEEP_SHARES as u64).expect("less than a handful")
    }

    fn act_upon(&mut self, found: Findings) {
        for (id, reason) in found.gone {
            self.close(id, reason);
        }
        for id in found.with_data {
            self.shielded(|worker| {
                worker.suspect = Some(id);
                worker.drain_data(id);
            });
        }
        for clock in found.clocks {
            self.emit_news(clock);
        }
        for feed in found.fell_silent {
            self.emit(Event::MediaStopped { feed });
        }
        for (feed, id) in found.left {
            self.leave(&feed, id);
        }
        // Asked again until a keyframe comes: the request, or its answer, may have got lost.
        for (feed, slot) in found.blind {
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

/// What a look at all peers brought to light.
#[derive(Default)]
struct Findings {
    gone: Vec<(PeerId, CloseReason)>,
    with_data: Vec<PeerId>,
    clocks: Vec<Event>,
    fell_silent: Vec<FeedId>,
    /// Feeds that a viewer needs no more.
    left: Vec<(FeedId, PeerId)>,
    /// Streams that somebody lacks a keyframe of.
    blind: Vec<(FeedId, Slot)>,
}

/// What a peer is looked at in the light of.
#[derive(Clone, Copy)]
struct Around<'a> {
    now: Now,
    config: &'a Config,
    clock: NtpClock,
    feeds: &'a Map<FeedId, Feed>,
}

/// Looks at one peer's timers.
fn look_at(
    id: PeerId,
    peer: &mut Peer,
    around: Around<'_>,
    egress: &mut Egress,
    found: &mut Findings,
) {
    let Around { now, config, clock, feeds } = around;
    let Peer { link, part, data } = peer;
    if let Some(reason) = link.handle_timeout(now, config, egress) {
        found.gone.push((id, reason));
        return;
    }
    if let Some(data) = data {
        data.handle_timeout(now.instant);
        found.with_data.push(id);
    }
    match part {
        Part::Publisher(publisher, feed) => {
            let silence = publisher.newest().map(|newest| now.media.since(newest));
            let is_silent = silence >= Some(config.silence_timeout);
            if publisher.is_live && is_silent {
                publisher.is_live = false;
                // Somebody who was replaced falls silent without the feed doing so.
                if feeds.get(feed).is_none_or(|feed| feed.is_of(id)) {
                    found.fell_silent.push(feed.clone());
                }
            }
        }
        Part::Viewer(viewer) => {
            let mut reports = Vec::new();
            viewer.poll_redundancy(now.media);
            viewer.poll_reports(now.media, clock, &mut reports);
            if !reports.is_empty() {
                link.send_rtcp(&reports, egress);
            }
            if let Some((rtp_timestamp, at)) = viewer.poll_media_clock(now.media) {
                found.clocks.push(Event::MediaClock { peer: id, rtp_timestamp, at });
            }
            let source = feeds.get(&viewer.feed).and_then(|feed| feed.source);
            found.left.extend(viewer.poll_left(now.media, source).map(|feed| (feed, id)));
            let lacks = source.and_then(|source| viewer.lacks_picture_of(source, now.media));
            if let Some(slot) = lacks.filter(|_| link.is_connected()) {
                found.blind.push((viewer.feed.clone(), slot));
            }
        }
    }
}
