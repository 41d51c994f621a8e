//! The control plane's handle: negotiates sessions and hands everything else to the workers.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use media_rules::layer::Pin;
use media_rules::{FeedId, TapItem};
use tokio::sync::{mpsc, oneshot, watch};

use crate::abilities::Abilities;
use crate::answer::Local;
use crate::candidate::Transport;
use crate::clock::NtpClock;
use crate::command::{COMMAND_PAUSE, Command, NewPeer, Restart, Silence, WorkerLink};
use crate::config::Config;
use crate::dtls::Identity;
use crate::event::{Channel, CloseReason, Event, PeerId, Stats};
use crate::fragment::Fragment;
use crate::listen::Listeners;
use crate::local_feed::LocalFeed;
use crate::negotiate::{Agreement, Direction};
use crate::offer::Offer;
use crate::packet::SourceId;
use crate::peer_stats::PeerStats;
use crate::socket::Waker;
use crate::tap::{ChannelTap, Tap};
use crate::tcp::{Door, OpenDoor, Streams};
use crate::ufrag;
use crate::worker::{Setup, Worker};

/// One bit per worker has to fit a word.
const MAX_WORKERS: usize = 64;
const COMMAND_QUEUE: usize = 4_096;
const MEDIA_QUEUE: usize = 256;
const EVENT_QUEUE: usize = 4_096;
const TAP_QUEUE: usize = 2_048;
const COMMAND_TRIES: u32 = 200;
const STOP_TRIES: u32 = 20;

/// The media server. Cheap to clone; the workers end when the last clone and the last
/// [`LocalFeed`] are gone.
#[derive(Clone)]
pub struct Sfu {
    shared: Arc<Shared>,
}

/// A negotiated session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Whom later requests and events speak of.
    pub peer: PeerId,
    /// The SDP answer.
    pub answer: String,
    /// Identifies this ICE session (RFC 9725 section 4.3.2), without quotes.
    pub etag: String,
}

/// Why an offer was turned down.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NegotiateError {
    /// The text is no usable SDP offer.
    #[error("malformed offer: {0}")]
    Malformed(&'static str),
    /// The offer is fine but has nothing that we could take.
    #[error("nothing to agree on: {0}")]
    Unsupported(&'static str),
    /// There are too many peers, or the workers cannot keep up.
    #[error("the media server is full")]
    Busy,
}

/// What a restart of ICE is answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceRestart {
    /// The SDP fragment with our new credentials and candidates.
    pub fragment: String,
    /// Identifies the new ICE session (RFC 9725 section 4.3.3), without quotes.
    pub etag: String,
}

/// Why ICE is not restarted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RestartError {
    /// The text is too long, no SDP fragment, or has no credentials.
    #[error("malformed fragment, or one without ice-ufrag and ice-pwd")]
    Malformed,
    /// There is no such peer any more.
    #[error("the session is gone")]
    Gone,
    /// The worker cannot keep up.
    #[error("the media server is busy")]
    Busy,
}

/// Why a trickled fragment was turned down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrickleError {
    /// The text is too long or no SDP fragment.
    #[error("malformed fragment")]
    Malformed,
}

/// A worker has no room for another request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the media worker is busy")]
pub struct QueueFull;

struct Shared {
    config: Config,
    identity: Arc<Identity>,
    workers: Vec<WorkerLink>,
    /// Peers and local feeds are counted together, so that a greater number is always younger.
    next: AtomicU64,
    peer_count: Arc<AtomicUsize>,
    /// Whether a worker has panicked.
    has_failed: watch::Sender<bool>,
    /// Lets TCP connections in while it lives.
    _door: Option<OpenDoor>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        for worker in &self.workers {
            for _ in 0..STOP_TRIES {
                if !matches!(worker.try_command(Command::Stop), Err(Some(_))) {
                    break;
                }
                std::thread::sleep(COMMAND_PAUSE);
            }
        }
    }
}

impl Sfu {
    /// Binds the sockets and starts the workers.
    ///
    /// # Errors
    ///
    /// Fails if a port is taken or a certificate cannot be made.
    pub fn start(config: Config) -> io::Result<(Self, mpsc::Receiver<Event>)> {
        let count = config.workers.clamp(1, MAX_WORKERS);
        let identity = Arc::new(Identity::generate().map_err(io::Error::other)?);
        let (events, received) = mpsc::channel(EVENT_QUEUE);
        let peer_count = Arc::new(AtomicUsize::new(0));
        let clock = NtpClock::start();
        let has_failed = watch::Sender::new(false);
        let count = u16::try_from(count).expect("at most 64 workers");
        let listeners = Listeners::bind(&config, count)?;
        let (mut workers, mut ends) = (Vec::new(), Vec::new());
        for (socket, candidates) in listeners.workers {
            let (commands, command_end) = sync_channel(COMMAND_QUEUE);
            let (media, media_end) = sync_channel(MEDIA_QUEUE);
            let waker = Arc::new(Waker::new()?);
            workers.push(WorkerLink { commands, media, waker, candidates: candidates.into() });
            ends.push((socket, command_end, media_end));
        }
        for (index, (socket, commands, media)) in ends.into_iter().enumerate() {
            let worker = Worker::new(Setup {
                index,
                config: config.clone(),
                identity: Arc::clone(&identity),
                clock,
                socket,
                streams: Streams::new()?,
                commands,
                media,
                workers: workers.clone(),
                events: events.clone(),
                peer_count: Arc::clone(&peer_count),
            });
            let notice = DeathNotice(has_failed.clone());
            std::thread::Builder::new().name(format!("sfu-{index}")).spawn(move || {
                let _notice = notice;
                worker.run();
            })?;
        }
        let next = AtomicU64::new(1);
        let door = listeners.door.map(|door| open(door, workers.clone())).transpose()?;
        let shared =
            Shared { config, identity, workers, next, peer_count, has_failed, _door: door };
        Ok((Self { shared: Arc::new(shared) }, received))
    }

    /// Takes a WHIP offer: the peer will publish `feed`.
    ///
    /// # Errors
    ///
    /// Returns why the offer was turned down.
    #[expect(clippy::unused_async, reason = "callers need not know that it never waits")]
    pub async fn publish(&self, feed: FeedId, offer: &str) -> Result<Session, NegotiateError> {
        self.negotiate(feed, offer, Direction::Publish)
    }

    /// Takes a WHEP offer: the peer will watch `feed`, which need not exist yet.
    ///
    /// # Errors
    ///
    /// Returns why the offer was turned down.
    #[expect(clippy::unused_async, reason = "callers need not know that it never waits")]
    pub async fn play(&self, feed: FeedId, offer: &str) -> Result<Session, NegotiateError> {
        self.negotiate(feed, offer, Direction::Play)
    }

    /// Shows a viewer another feed, on the same streams, from the new feed's next keyframe on.
    pub async fn switch(&self, peer: PeerId, feed: FeedId) {
        self.command(peer, Command::Switch(peer, feed)).await;
    }

    /// Lets a viewer choose the size of its picture itself, or (`None`) leaves it to its network.
    pub async fn pin(&self, peer: PeerId, pin: Option<Pin>) {
        self.command(peer, Command::Pin(peer, pin)).await;
    }

    /// Drops this of what a publisher sends, for whoever takes it, and nothing else any more. Waits
    /// for as long as the worker has no room.
    pub async fn silence(&self, peer: PeerId, silence: Silence) {
        if let Some(worker) = self.shared.workers.get(peer.worker()) {
            worker.deliver(Command::Silence(peer, silence)).await;
        }
    }

    /// Lets a peer go, however long its worker has no room. [`Event::Closed`] follows.
    #[expect(clippy::unused_async, reason = "callers need not know that it never waits")]
    pub async fn close(&self, peer: PeerId) {
        self.hand_over(peer.worker(), Command::Close(peer, CloseReason::Requested));
    }

    /// Asks a feed's publisher for a keyframe, at most one per interval whoever asks.
    pub fn request_keyframe(&self, feed: &FeedId) {
        for worker in &self.shared.workers {
            // Every worker knows where the source is; a busy one may stay silent.
            if worker.try_command(Command::WantKeyframe(feed.clone())).is_ok() {
                return;
            }
        }
    }

    /// Takes trickled candidates, which an ICE-lite agent has no use for: it answers whoever proves
    /// to know the password.
    ///
    /// # Errors
    ///
    /// Fails if the text is no fragment.
    #[expect(clippy::unused_async, reason = "callers need not know that it never waits")]
    pub async fn trickle(&self, peer: PeerId, fragment: &str) -> Result<(), TrickleError> {
        let _ = peer;
        Fragment::parse(fragment).map(|_| ()).ok_or(TrickleError::Malformed)
    }

    /// Restarts ICE for a living peer: media goes on, on the old path until the client checks with
    /// the new credentials, then wherever it checks from.
    ///
    /// # Errors
    ///
    /// Returns why ICE is not restarted; the session is then as it was.
    pub async fn restart_ice(
        &self,
        peer: PeerId,
        fragment: &str,
    ) -> Result<IceRestart, RestartError> {
        let fragment = Fragment::parse(fragment).ok_or(RestartError::Malformed)?;
        let remote = fragment.remote.clone().ok_or(RestartError::Malformed)?;
        let worker = self.shared.workers.get(peer.worker()).ok_or(RestartError::Gone)?;
        let local = ufrag::credentials(peer);
        let (is_there, answer) = oneshot::channel();
        let restart = Restart { peer, local: local.clone(), remote, is_there };
        worker
            .try_command(Command::RestartIce(Box::new(restart)))
            .map_err(|_| RestartError::Busy)?;
        match answer.await {
            Ok(true) => Ok(IceRestart {
                fragment: fragment.answer(&local, &worker.candidates),
                etag: local.fragment,
            }),
            Ok(false) | Err(_) => Err(RestartError::Gone),
        }
    }

    /// Copies a feed's packets and sender reports to the returned receiver, for as long as it
    /// lives: before the publisher is there and after it came back.
    #[expect(clippy::needless_pass_by_value, reason = "as all the others take it")]
    pub fn tap(&self, feed: FeedId) -> mpsc::Receiver<TapItem> {
        let (sender, receiver) = mpsc::channel(TAP_QUEUE);
        self.tap_into(&feed, &(Arc::new(ChannelTap(sender)) as Arc<dyn Tap>));
        receiver
    }

    /// Copies a feed's packets and sender reports to a tap until it is closed.
    pub fn tap_into(&self, feed: &FeedId, tap: &Arc<dyn Tap>) {
        for worker in 0..self.shared.workers.len() {
            self.hand_over(worker, Command::Tap(feed.clone(), Arc::clone(tap)));
        }
    }

    /// Returns a feed that this process makes itself.
    pub fn local_feed(&self, feed: FeedId) -> LocalFeed {
        let (worker, id) = self.assign();
        let home = self.shared.workers[worker].clone();
        LocalFeed::new(feed, SourceId::new(id, 0), home, Arc::clone(&self.shared) as _)
    }

    /// Sends a message on a data channel, by the channel's rule for a peer that is too slow.
    ///
    /// # Errors
    ///
    /// Fails if the worker itself is too busy; the message is not sent.
    pub fn send_data(&self, peer: PeerId, channel: Channel, text: Bytes) -> Result<(), QueueFull> {
        let worker = self.shared.workers.get(peer.worker()).ok_or(QueueFull)?;
        worker.try_command(Command::Data(peer, channel, text)).map_err(|_| {
            metrics::counter!("sfu_data_dropped_total", "reason" => "worker_full").increment(1);
            QueueFull
        })
    }

    /// Waits until a worker has panicked, which is a bug.
    ///
    /// Its peers are lost without an event, and what they published with them. The others go on,
    /// but nobody brings the worker back: the process should end, so that it is started anew.
    pub async fn failed(&self) {
        // The sender is ours, so this ends only with the news.
        let _ = self.shared.has_failed.subscribe().wait_for(|has_failed| *has_failed).await;
    }

    /// Tells what is known of a peer; `None` if it is not there or its worker cannot keep up.
    pub async fn peer_stats(&self, peer: PeerId) -> Option<PeerStats> {
        let worker = self.shared.workers.get(peer.worker())?;
        let (reply, answer) = oneshot::channel();
        worker.try_command(Command::Inspect(peer, reply)).ok()?;
        answer.await.ok()
    }

    /// Counts what is there.
    pub async fn stats(&self) -> Stats {
        let mut total = Stats::default();
        let mut feeds = HashSet::new();
        for worker in &self.shared.workers {
            let (reply, answer) = oneshot::channel();
            if worker.try_command(Command::Describe(reply)).is_err() {
                continue;
            }
            if let Ok(part) = answer.await {
                total.peers += part.stats.peers;
                total.publishers += part.stats.publishers;
                total.viewers += part.stats.viewers;
                total.addresses += part.stats.addresses;
                // Every worker holds every tap, so that it survives a publisher that moves.
                total.taps = total.taps.max(part.stats.taps);
                total.garbage += part.stats.garbage;
                feeds.extend(part.feeds);
            }
        }
        total.feeds = feeds.len();
        total
    }

    /// Returns the UDP addresses that clients are told to send to, worker by worker.
    pub fn candidates(&self) -> Vec<SocketAddr> {
        let all = self.shared.workers.iter().flat_map(|worker| worker.candidates.iter());
        all.filter(|one| one.transport == Transport::Udp).map(|one| one.address).collect()
    }

    fn negotiate(
        &self,
        feed: FeedId,
        offer: &str,
        direction: Direction,
    ) -> Result<Session, NegotiateError> {
        let shared = &self.shared;
        let offer = Offer::parse(offer)?;
        let agreement = Agreement::new(&offer, direction, &Abilities::of(direction))?;
        // Taken before it is used, given back by the worker when the peer is closed.
        let before = shared.peer_count.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(&shared.peer_count);
        if before >= shared.config.max_peers {
            return Err(NegotiateError::Busy);
        }
        let (index, id) = self.assign();
        let worker = &shared.workers[index];
        let local = ufrag::credentials(id);
        let cname = format!("lianmai-{id}");
        let answer = agreement.answer(
            &offer,
            direction,
            &Local {
                ufrag: &local.fragment,
                password: &local.password,
                fingerprint: shared.identity.fingerprint(),
                candidates: &worker.candidates,
                cname: &cname,
                session: id.raw(),
                start_kbps: shared.config.publish_start_kbps,
            },
        );
        let peer = NewPeer {
            id,
            feed,
            direction,
            local: local.clone(),
            remote: offer.ice,
            role: agreement.role,
            fingerprint: offer.fingerprint,
            tracks: agreement.tracks,
            has_data: agreement.has_data,
            cname,
        };
        worker.try_command(Command::Add(Box::new(peer))).map_err(|_| NegotiateError::Busy)?;
        std::mem::forget(slot);
        Ok(Session { peer: id, answer, etag: local.fragment })
    }

    /// Sends a command to the worker of `peer`, without waiting.
    #[cfg(test)]
    pub(crate) fn order(&self, peer: PeerId, command: Command) -> bool {
        self.shared.workers[peer.worker()].try_command(command).is_ok()
    }

    /// Picks the next worker in turn, and a name that tells it.
    fn assign(&self) -> (usize, PeerId) {
        let counter = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let count = self.shared.workers.len() as u64;
        let worker = usize::try_from(counter % count).expect("less than the number of workers");
        (worker, PeerId::new(counter, worker))
    }

    /// Sends a command that must not get lost; if there is no room, a task of its own waits for it,
    /// so that nobody who is given up can take it along.
    fn hand_over(&self, worker: usize, command: Command) {
        let Some(worker) = self.shared.workers.get(worker) else { return };
        if let Err(Some(back)) = worker.try_command(command) {
            let worker = worker.clone();
            tokio::spawn(async move { worker.deliver(back).await });
        }
    }

    /// Sends a command, waiting a while for room.
    async fn command(&self, peer: PeerId, command: Command) {
        let Some(worker) = self.shared.workers.get(peer.worker()) else {
            return;
        };
        let mut command = command;
        for _ in 0..COMMAND_TRIES {
            match worker.try_command(command) {
                Ok(()) => return,
                Err(Some(back)) => command = back,
                Err(None) => return,
            }
            tokio::time::sleep(COMMAND_PAUSE).await;
        }
        tracing::error!(%peer, "A media worker does not take commands.");
    }
}

/// Lets connections in and hands each to the worker that its first frame names.
fn open(door: Door, workers: Vec<WorkerLink>) -> io::Result<OpenDoor> {
    door.open(move |worker, arrival| {
        let command = Command::AdoptTcp(arrival);
        // Otherwise the connection is closed with the command, and the other side tries again.
        if workers.get(worker).is_none_or(|worker| worker.try_command(command).is_err()) {
            metrics::counter!("sfu_tcp_refused_total", "reason" => "no_worker").increment(1);
        }
    })
}

/// Tells that a worker's thread ends by a panic.
struct DeathNotice(watch::Sender<bool>);

impl Drop for DeathNotice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(true);
        }
    }
}

/// A place among the peers, given back unless the peer got to its worker.
struct Slot<'a>(&'a AtomicUsize);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
