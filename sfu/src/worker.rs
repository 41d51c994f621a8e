//! A media worker: one thread that owns its socket and its peers, and waits only for the kernel.
//!
//! A turn takes everything that is there (commands, other workers' media, datagrams), fans out what
//! came of it, and sends it all in one go. Nothing in a turn blocks, so a slow viewer costs the
//! others nothing: what the kernel does not take at once is dropped.

mod control;
mod fan_out;
mod handshakes;
mod ingress;
mod inspect;
pub(crate) mod isolation;
mod layers;
mod punctuality;
mod rhythm;
#[cfg(test)]
mod rig;
mod streams;
mod upkeep;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use media_rules::{FeedId, Later, MediaTime};
use tokio::sync::mpsc;

use crate::clock::{Now, NtpClock, media_now};
use crate::command::{Command, Delivery, WorkerLink};
use crate::config::Config;
use crate::data::DataChannels;
use crate::dtls::Identity;
use crate::egress::Egress;
use crate::event::{CloseReason, Event, PeerId};
use crate::feed::Feed;
use crate::link::Link;
use crate::packet::Batch;
use crate::publisher::Publisher;
use crate::route::Route;
use crate::socket::{self, Attention, Socket};
use crate::tcp::Streams;
use crate::viewer::{Served, Viewer};
use handshakes::Handshakes;
use punctuality::Punctuality;
use rhythm::{Crowd, Rhythm};
use upkeep::SWEEP_SHARES;

/// A table whose keys are not for strangers to choose: ids are ours, and routes have proven themselves.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// With no more peers and feeds than this, a worker knows when there is something to do for them.
const FEW: usize = 16;
/// How long an idle worker sleeps; a datagram or a command wakes it.
const IDLE: Duration = Duration::from_secs(1);
const COMMANDS_PER_TURN: usize = 512;
/// How long commands may keep media waiting: a chat line to a thousand viewers is a thousand of them.
const COMMANDS_MOMENT: Duration = Duration::from_millis(2);
const DELIVERIES_PER_TURN: usize = 64;

/// Everything a worker starts with.
pub(crate) struct Setup {
    pub(crate) index: usize,
    pub(crate) config: Config,
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: NtpClock,
    pub(crate) socket: Socket,
    pub(crate) streams: Streams,
    pub(crate) commands: Receiver<Command>,
    pub(crate) media: Receiver<Delivery>,
    /// Every worker, this one included.
    pub(crate) workers: Vec<WorkerLink>,
    /// Full: events wait in the worker; messages of data channels are dropped and counted.
    pub(crate) events: mpsc::Sender<Event>,
    /// Peers of all workers together.
    pub(crate) peer_count: Arc<AtomicUsize>,
}

/// A media worker.
pub(crate) struct Worker {
    setup: Setup,
    now: Now,
    /// When the kernel had what is being taken now.
    received: MediaTime,
    peers: Map<PeerId, Peer>,
    /// The same, dealt out to the ticks that look at their timers.
    shares: [Vec<PeerId>; SWEEP_SHARES],
    /// Those of them that publish.
    publishers: Vec<PeerId>,
    /// Every proven address of every peer.
    addresses: Map<Route, PeerId>,
    feeds: Map<FeedId, Feed>,
    /// Feeds with packets that their viewers have not been sent.
    due_feeds: Vec<FeedId>,
    /// Viewers that are to be sent something again. Bounded by the peers: one entry each.
    copies: Later<PeerId>,
    /// Viewers whose pictures wait for their time, and when they are served next. Bounded by the
    /// peers: one entry each.
    waiting: Vec<PeerId>,
    waiting_due: MediaTime,
    handshakes: Handshakes,
    /// Whether a queue was left that nothing wakes the worker for any more.
    has_more: bool,
    /// Until when nothing but media and timers wakes the worker.
    rest: Option<MediaTime>,
    /// Until when not even media does, because the rest of a picture is coming.
    breath: Option<MediaTime>,
    egress: Egress,
    /// By worker: what crosses at the end of the turn.
    outboxes: Vec<Batch>,
    /// Commands that a worker had no room for. Bounded by feeds and peers: one each in flight.
    unsent: VecDeque<(usize, Command)>,
    /// Events that the control plane had no room for. Bounded by peers and feeds.
    waiting_events: VecDeque<Event>,
    rhythm: Rhythm,
    next_tick: MediaTime,
    /// Which share of the peers was looked at last.
    sweep_share: usize,
    next_choice: MediaTime,
    /// How often viewers have chosen.
    layer_rounds: u32,
    tally: Tally,
    /// Whose doing it is what runs now.
    suspect: Option<PeerId>,
    #[cfg(test)]
    haunted: Vec<(PeerId, isolation::Haunt)>,
    is_stopping: bool,
}

/// One connection.
struct Peer {
    link: Link,
    part: Part,
    data: Option<Box<DataChannels>>,
}

/// What a peer is here for.
#[expect(clippy::large_enum_variant, reason = "nearly all peers are viewers")]
enum Part {
    Publisher(Box<Publisher>, FeedId),
    Viewer(Viewer),
}

/// This turn's counts, told to the metrics at its end.
#[derive(Default)]
struct Tally {
    packets_in: u64,
    packets_out: u64,
    garbage: u64,
    garbage_total: u64,
    punctuality: Punctuality,
}

impl Tally {
    /// Notes how long packets that were just written have waited.
    fn note_written(&mut self, served: &Served) {
        if let Some(since) = served.since {
            self.punctuality.handle_written(since, served.packets);
        }
    }

    /// Sends what waits and counts it.
    fn send(&mut self, setup: &mut Setup, egress: &mut Egress) {
        if egress.is_empty() {
            return;
        }
        let by_tcp = setup.streams.send(egress);
        self.packets_out += by_tcp.taken;
        if by_tcp.dropped > 0 {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "tcp_full")
                .increment(by_tcp.dropped);
        }
        let count = egress.len() as u64;
        let refused = setup.socket.send(egress) as u64;
        if self.punctuality.is_waiting() {
            self.punctuality.handle_sent(media_now());
        }
        self.packets_out += count.saturating_sub(refused);
        if refused > 0 {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "socket_full")
                .increment(refused);
        }
    }
}

impl Worker {
    /// Creates a worker without peers.
    pub(crate) fn new(setup: Setup) -> Self {
        let outboxes = setup.workers.iter().map(|_| Batch::new()).collect();
        Self {
            setup,
            now: Now::read(),
            received: MediaTime::default(),
            peers: Map::default(),
            shares: [const { Vec::new() }; SWEEP_SHARES],
            publishers: Vec::new(),
            addresses: Map::default(),
            feeds: Map::default(),
            due_feeds: Vec::new(),
            copies: Later::new(usize::MAX),
            waiting: Vec::new(),
            waiting_due: MediaTime::default(),
            handshakes: Handshakes::default(),
            has_more: false,
            rest: None,
            breath: None,
            egress: Egress::new(),
            outboxes,
            unsent: VecDeque::new(),
            waiting_events: VecDeque::new(),
            rhythm: Rhythm::default(),
            next_tick: MediaTime::default(),
            sweep_share: 0,
            next_choice: MediaTime::default(),
            layer_rounds: 0,
            tally: Tally::default(),
            suspect: None,
            #[cfg(test)]
            haunted: Vec::new(),
            is_stopping: false,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        while !self.is_stopping {
            let waker = Arc::clone(&self.setup.workers[self.setup.index].waker);
            let Setup { socket, streams, .. } = &self.setup;
            let (attention, patience) = (self.attention(), self.patience());
            socket::wait(socket, &waker, Some(streams.descriptor()), attention, patience);
            self.turn();
        }
        let everybody: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in everybody {
            self.close(peer, CloseReason::Shutdown);
        }
        self.flush();
    }

    fn turn(&mut self) {
        self.now = Now::read();
        self.received = self.now.media;
        self.take_commands();
        self.take_deliveries();
        self.take_datagrams();
        self.take_streams();
        self.fan_out();
        self.serve_waiting();
        self.send_copies();
        if let Some(shares) = self.rhythm.handle_turn(self.crowd(), self.now.media) {
            self.tick(shares);
        }
        self.next_tick = self.rhythm.poll_timeout(self.crowd());
        self.flush();
        self.shake_hands();
    }

    fn take_commands(&mut self) {
        let end = self.now.media + COMMANDS_MOMENT;
        self.has_more = true;
        for _ in 0..COMMANDS_PER_TURN {
            let Ok(command) = self.setup.commands.try_recv() else {
                self.has_more = false;
                break;
            };
            self.take_command(command);
            if media_now() >= end {
                break;
            }
        }
        self.repeat_unsent();
    }

    fn take_command(&mut self, command: Command) {
        match command.peer() {
            Some(peer) => self.shielded(|worker| {
                worker.suspect = Some(peer);
                worker.handle_command(command);
            }),
            None => self.handle_command(command),
        }
    }

    /// Tries again what a worker had no room for, in the order in which it came up.
    fn repeat_unsent(&mut self) {
        let mut full = 0_u64;
        for _ in 0..self.unsent.len() {
            let Some((worker, command)) = self.unsent.pop_front() else {
                break;
            };
            if full >> worker & 1 == 1 {
                self.unsent.push_back((worker, command));
            } else if let Err(Some(command)) = self.setup.workers[worker].try_command(command) {
                full |= 1 << worker;
                self.unsent.push_back((worker, command));
            }
        }
    }

    fn take_deliveries(&mut self) {
        for _ in 0..DELIVERIES_PER_TURN {
            let Ok(Delivery { batch, is_home }) = self.setup.media.try_recv() else {
                return;
            };
            for (feed, item) in batch {
                // A local feed's last frames may arrive after the word that it has ended.
                if is_home && self.feeds.get(&feed).and_then(|f| f.local) != Some(item.source()) {
                    metrics::counter!("sfu_packets_dropped_total", "reason" => "replaced")
                        .increment(1);
                    continue;
                }
                self.shielded(|worker| worker.take_item(feed, item, is_home));
            }
        }
        self.has_more = true;
    }

    /// What a wait is ended by. Who has just taken feedback lets more of it come together.
    fn attention(&self) -> Attention {
        match (self.breath, self.rest) {
            (Some(_), _) => Attention::Nothing,
            (None, Some(_)) if !self.peers.is_empty() => Attention::Media,
            (None, Some(_) | None) => Attention::All,
        }
    }

    /// How long there is nothing to do unless something arrives.
    fn patience(&self) -> Duration {
        let has_timers = !self.peers.is_empty()
            || !self.feeds.is_empty()
            || !self.unsent.is_empty()
            || !self.waiting_events.is_empty();
        if !has_timers {
            return IDLE;
        }
        if self.has_more || !self.handshakes.is_empty() {
            return Duration::ZERO;
        }
        let waiting = (!self.waiting.is_empty()).then_some(self.waiting_due);
        let dues = [self.next_due(), self.copies.poll_timeout(), waiting, self.rest, self.breath];
        let dues = dues.into_iter().flatten();
        let next = dues.fold(self.next_tick, MediaTime::min);
        next.since(self.now.media)
    }

    /// Whether there are few peers and feeds.
    fn has_few(&self) -> bool {
        self.peers.len() <= FEW && self.feeds.len() <= FEW
    }

    fn crowd(&self) -> Crowd {
        if !self.has_few() || !self.unsent.is_empty() || !self.waiting_events.is_empty() {
            return Crowd::Many;
        }
        let publishers = self.publishers.iter().filter_map(|id| match &self.peers.get(id)?.part {
            Part::Publisher(publisher, _) => publisher.poll_timeout(),
            Part::Viewer(_) => None,
        });
        Crowd::Few(publishers.chain(self.feeds.values().filter_map(Feed::poll_timeout)).min())
    }

    /// Sends everything that the turn brought about.
    fn flush(&mut self) {
        self.tally.send(&mut self.setup, &mut self.egress);
        self.heed_pressure();
        self.flush_outboxes();
        self.flush_events();
        let tally = &mut self.tally;
        tally.punctuality.report();
        for (name, count) in [
            ("sfu_packets_received_total", std::mem::take(&mut tally.packets_in)),
            ("sfu_packets_sent_total", std::mem::take(&mut tally.packets_out)),
            ("sfu_garbage_datagrams_total", std::mem::take(&mut tally.garbage)),
        ] {
            if count > 0 {
                metrics::counter!(name).increment(count);
            }
        }
    }

    /// Tells the control plane; events that must not get lost wait if it is busy.
    fn emit(&mut self, event: Event) {
        if !self.waiting_events.is_empty() {
            self.waiting_events.push_back(event);
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(event)) = self.setup.events.try_send(event) {
            self.waiting_events.push_back(event);
        }
    }

    /// Tells the control plane of a message, unless it cannot keep up.
    fn emit_data(&self, event: Event) {
        if !self.waiting_events.is_empty() || self.setup.events.try_send(event).is_err() {
            metrics::counter!("sfu_data_dropped_total", "reason" => "events_full").increment(1);
        }
    }

    /// Tells the control plane of what it will be told again soon, unless it cannot keep up.
    fn emit_news(&self, event: Event) {
        if !self.waiting_events.is_empty() || self.setup.events.try_send(event).is_err() {
            metrics::counter!("sfu_news_dropped_total").increment(1);
        }
    }

    fn flush_events(&mut self) {
        while let Some(event) = self.waiting_events.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.setup.events.try_send(event) {
                self.waiting_events.push_front(event);
                break;
            }
        }
    }

    /// Sends a command to another worker, later if it has no room now.
    fn post(&mut self, worker: usize, command: Command) {
        // Behind what waits already, or "no viewers any more" would overtake "there are viewers".
        if self.unsent.iter().any(|(waiting, _)| *waiting == worker) {
            self.unsent.push_back((worker, command));
            return;
        }
        // A worker that is gone needs to hear of nothing.
        if let Err(Some(command)) = self.setup.workers[worker].try_command(command) {
            self.unsent.push_back((worker, command));
        }
    }

    /// Sends a command to every other worker.
    fn post_all(&mut self, make: impl Fn() -> Command) {
        for worker in 0..self.setup.workers.len() {
            if worker != self.setup.index {
                self.post(worker, make());
            }
        }
    }

    /// Lets a peer go and forgets everything about it.
    fn close(&mut self, id: PeerId, reason: CloseReason) {
        let Some(mut peer) = self.peers.remove(&id) else {
            return;
        };
        // It may be what it is closed for.
        let _ = isolation::guard(|| peer.link.close(self.now, &mut self.egress));
        self.forget_routes(id, &peer.link);
        match peer.part {
            Part::Publisher(publisher, feed) => {
                self.publishers.retain(|publisher| *publisher != id);
                let is_current = self.feeds.get(&feed).is_none_or(|feed| feed.is_of(id));
                if publisher.is_live && is_current {
                    self.emit(Event::MediaStopped { feed: feed.clone() });
                }
                self.handle_source_gone(&feed, id);
                self.post_all(|| Command::SourceGone(feed.clone(), id));
            }
            Part::Viewer(viewer) => {
                self.leave(&viewer.feed, id);
                if let Some(previous) = &viewer.previous {
                    self.leave(previous, id);
                }
            }
        }
        let share = self.share_of(id);
        self.shares[share].retain(|peer| *peer != id);
        self.setup.peer_count.fetch_sub(1, Ordering::Relaxed);
        metrics::counter!("sfu_peers_closed_total", "reason" => reason.as_str()).increment(1);
        tracing::debug!(peer = %id, reason = reason.as_str(), "A peer is gone.");
        self.emit(Event::Closed { peer: id, reason });
    }
}
