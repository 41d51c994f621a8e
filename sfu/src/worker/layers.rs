//! Keeps viewers on the picture that suits them, and hosts from sending what nobody takes.

use media_rules::FeedId;
use media_rules::layer::{EncodingSet, Pin};

use super::{Part, Peer, Worker};
use crate::command::Command;
use crate::event::{Event, PeerId};
use crate::packet::{Slot, SourceId};

/// Says to a host anew what it shall send, once in so many rounds: its page may have been reloaded
/// or have missed it.
const REPEAT_ROUNDS: u32 = 50;
/// Says anew what is taken of what this process makes, once in so many rounds: it was lost perhaps.
const LOCAL_REPEAT_ROUNDS: u32 = 10;

impl Worker {
    /// Measures every feed, lets every viewer choose and tells homes what is taken here. Called a
    /// few times a second.
    pub(super) fn choose_layers(&mut self) {
        let now = self.now.media;
        let mut asked: Vec<(FeedId, Slot)> = Vec::new();
        let mut taken: Vec<(FeedId, SourceId, EncodingSet)> = Vec::new();
        for (id, feed) in &mut self.feeds {
            let Some(source) = feed.source else {
                continue;
            };
            feed.refresh_ladder(now);
            if !feed.taps.is_empty() && feed.tapped != feed.best {
                asked.push((id.clone(), feed.best));
            }
            let mut slots: Vec<Slot> = Vec::new();
            for peer in &feed.viewers {
                if let Some(Peer { part: Part::Viewer(viewer), .. }) = self.peers.get_mut(peer)
                    && viewer.feed == *id
                {
                    self.suspect = Some(*peer);
                    viewer.choose_layers(feed, now);
                    slots.extend(viewer.taken());
                }
            }
            self.suspect = None;
            if feed.has_choice() || feed.offers.is_some() {
                taken.push((id.clone(), source, feed.taken_here(slots.into_iter())));
            }
        }
        for (feed, slot) in asked {
            self.want_keyframe(&feed, slot);
        }
        for (feed, source, taken) in taken {
            let (home, worker) = (source.peer().worker(), self.setup.index);
            if home == worker {
                self.handle_taken(&feed, source, worker, taken);
            } else if home < self.setup.workers.len() {
                // Lost if the home is busy: it is said again a moment later.
                let _ = self.setup.workers[home].try_command(Command::Taken {
                    feed,
                    source,
                    worker,
                    taken,
                });
            }
        }
        self.tell_hosts();
        self.tell_local();
    }

    /// Notes which encodings a worker's viewers take of a source that lives here.
    pub(super) fn handle_taken(
        &mut self,
        id: &FeedId,
        source: SourceId,
        worker: usize,
        taken: EncodingSet,
    ) {
        let workers = self.setup.workers.len();
        if let Some(feed) = self.feeds.get_mut(id)
            && feed.source == Some(source)
        {
            feed.taken.resize(workers, EncodingSet::default());
            feed.taken[worker] = taken;
        }
    }

    /// Notes which encodings the host of a source rests.
    pub(super) fn handle_resting(&mut self, id: &FeedId, source: SourceId, resting: EncodingSet) {
        if let Some(feed) = self.feeds.get_mut(id)
            && feed.source == Some(source)
        {
            feed.resting = resting;
        }
    }

    /// Lets a viewer say itself which picture it wants.
    pub(super) fn pin(&mut self, id: PeerId, pin: Option<Pin>) {
        if let Some(Peer { part: Part::Viewer(viewer), .. }) = self.peers.get_mut(&id) {
            viewer.pin(pin);
            if let Some(feed) = self.feeds.get(&viewer.feed) {
                viewer.choose_layers(feed, self.now.media);
            }
        }
    }

    /// Tells what is taken of the feeds whose encodings this process makes on demand.
    fn tell_local(&mut self) {
        let is_repeat = self.layer_rounds.is_multiple_of(LOCAL_REPEAT_ROUNDS);
        let mut told = Vec::new();
        for (id, feed) in &mut self.feeds {
            if feed.local.is_some()
                && feed.local == feed.source
                && let Some(taken) = feed.poll_taken(is_repeat)
            {
                told.push((id.clone(), taken));
            }
        }
        for (feed, taken) in told {
            self.emit(Event::EncodingsTaken { feed, taken });
        }
    }

    /// Asks hosts with several encodings for those that somebody takes.
    fn tell_hosts(&mut self) {
        let now = self.now.media;
        self.layer_rounds = self.layer_rounds.wrapping_add(1);
        let is_repeat = self.layer_rounds.is_multiple_of(REPEAT_ROUNDS);
        let mut told = Vec::new();
        for &peer in &self.publishers {
            let Some(Peer { part: Part::Publisher(publisher, id), .. }) = self.peers.get(&peer)
            else {
                continue;
            };
            let rids = publisher.rids();
            let Some(feed) = self
                .feeds
                .get_mut(id)
                .filter(|feed| rids.len() > 1 && feed.source == Some(publisher.source()))
            else {
                continue;
            };
            // Nobody's wishes are known before there is something to choose from.
            if !feed.has_choice() {
                continue;
            }
            let all = (0..rids.len()).filter_map(|number| u8::try_from(number).ok()).collect();
            let before = feed.resting;
            let resting = feed.poll_resting(all, now);
            if resting != before || is_repeat && resting != EncodingSet::default() {
                told.push((id.clone(), publisher.source(), resting, peer, rids.to_vec()));
            }
        }
        for (feed, source, resting, peer, rids) in told {
            self.post_all(|| Command::Resting { feed: feed.clone(), source, resting });
            let layers = (0..).zip(rids).map(|(number, rid)| (rid, !resting.contains(number)));
            self.emit(Event::LayersWanted { peer, feed, layers: layers.collect() });
        }
    }
}
