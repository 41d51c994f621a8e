//! What the control plane and the other workers ask of a worker.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use bytes::Bytes;
use media_rules::FeedId;
use media_rules::layer::{EncodingSet, Pin};
use tokio::sync::oneshot;

use crate::candidate::Candidate;
use crate::dtls::{Fingerprint, Role};
use crate::event::{Channel, CloseReason, PeerId, Stats};
use crate::ice::Remote;
use crate::negotiate::{Direction, Track};
use crate::packet::{Batch, SourceId, StreamId};
use crate::peer_stats::PeerStats;
use crate::socket::Waker;
use crate::tap::Tap;
use crate::tcp::Arrival;
use crate::ufrag::Credentials;
#[cfg(test)]
use crate::worker::isolation::Haunt;

/// Between two tries of giving a busy worker a command.
pub(crate) const COMMAND_PAUSE: Duration = Duration::from_millis(5);

/// A request to a worker.
pub(crate) enum Command {
    /// Wait for this peer's first connectivity check.
    Add(Box<NewPeer>),
    /// Show a viewer another feed.
    Switch(PeerId, FeedId),
    /// Take new ICE credentials; whoever asked hears whether the peer is there.
    RestartIce(Box<Restart>),
    /// A TCP connection came in whose first frame names a peer of this worker.
    AdoptTcp(Arrival),
    /// Let a viewer choose its picture itself, or leave that to its network.
    Pin(PeerId, Option<Pin>),
    /// A worker's viewers take these encodings of a source that lives here.
    Taken { feed: FeedId, source: SourceId, worker: usize, taken: EncodingSet },
    /// The host of a source does not send these encodings, because nobody takes them.
    Resting { feed: FeedId, source: SourceId, resting: EncodingSet },
    /// Drop this of what a publisher sends, and nothing else any more.
    Silence(PeerId, Silence),
    /// Let a peer go.
    Close(PeerId, CloseReason),
    /// Send a message on a data channel.
    Data(PeerId, Channel, Bytes),
    /// Somebody outside needs a keyframe.
    WantKeyframe(FeedId),
    /// Another worker's viewers need a keyframe of a source that lives here.
    AskSource(FeedId, StreamId),
    /// Copy a feed's packets to this tap, if its publisher lives here.
    Tap(FeedId, Arc<dyn Tap>),
    /// A worker has viewers of the feed, or has no more.
    Interest { feed: FeedId, worker: usize, has_viewers: bool },
    /// A source began to send.
    SourceUp(FeedId, SourceId),
    /// A publisher is gone.
    SourceGone(FeedId, PeerId),
    /// This process will feed in packets of this source here.
    AddLocal(FeedId, SourceId),
    /// This process will not feed in packets of this source any more.
    DropLocal(FeedId, SourceId),
    /// Tell what is known of a peer; nothing if it is not there.
    Inspect(PeerId, oneshot::Sender<PeerStats>),
    /// Count what is there.
    Describe(oneshot::Sender<Description>),
    /// Let everybody go and end.
    Stop,
    /// Do what a bug would do.
    #[cfg(test)]
    Panic,
    /// Do what a bug would do, when it is this peer's turn there.
    #[cfg(test)]
    Haunt(PeerId, Haunt),
}

impl Command {
    /// Returns the peer that it is about, whose own state is all that it touches.
    pub(crate) fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Add(new) => Some(new.id),
            Self::RestartIce(restart) => Some(restart.peer),
            Self::Switch(peer, _)
            | Self::Pin(peer, _)
            | Self::Silence(peer, _)
            | Self::Inspect(peer, _)
            | Self::Close(peer, _)
            | Self::Data(peer, ..) => Some(*peer),
            Self::AdoptTcp(_)
            | Self::Taken { .. }
            | Self::Resting { .. }
            | Self::WantKeyframe(_)
            | Self::AskSource(..)
            | Self::Tap(..)
            | Self::Interest { .. }
            | Self::SourceUp(..)
            | Self::SourceGone(..)
            | Self::AddLocal(..)
            | Self::DropLocal(..)
            | Self::Describe(_)
            | Self::Stop => None,
            #[cfg(test)]
            Self::Panic | Self::Haunt(..) => None,
        }
    }
}

/// Everything a worker needs to know of a new peer.
pub(crate) struct NewPeer {
    pub(crate) id: PeerId,
    pub(crate) feed: FeedId,
    pub(crate) direction: Direction,
    pub(crate) local: Credentials,
    pub(crate) remote: Remote,
    pub(crate) role: Role,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) tracks: Vec<Track>,
    pub(crate) has_data: bool,
    pub(crate) cname: String,
}

/// What of a publisher's media goes no further than here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Silence {
    /// The sound: silence goes on in its place.
    pub audio: bool,
    /// The picture: it stops.
    pub video: bool,
}

/// A peer's new ICE credentials.
pub(crate) struct Restart {
    pub(crate) peer: PeerId,
    pub(crate) local: Credentials,
    pub(crate) remote: Remote,
    pub(crate) is_there: oneshot::Sender<bool>,
}

/// One worker's share of [`Stats`].
pub(crate) struct Description {
    pub(crate) stats: Stats,
    pub(crate) feeds: Vec<FeedId>,
}

/// Media on its way to a worker.
pub(crate) struct Delivery {
    pub(crate) batch: Batch,
    /// Whether this worker is the source's home, which passes it on to the others.
    pub(crate) is_home: bool,
}

/// How to reach a worker.
#[derive(Clone)]
pub(crate) struct WorkerLink {
    /// Full: the caller is told, and either says "busy" or tries again.
    pub(crate) commands: SyncSender<Command>,
    /// Full: the batch is dropped and counted; viewers ask for what they miss.
    pub(crate) media: SyncSender<Delivery>,
    pub(crate) waker: Arc<Waker>,
    /// Where clients are told to send to.
    pub(crate) candidates: Arc<[Candidate]>,
}

impl WorkerLink {
    /// Sends a command; gives it back if the worker's queue is full, nothing if the worker is gone.
    pub(crate) fn try_command(&self, command: Command) -> Result<(), Option<Command>> {
        let sent = self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(command) => Some(command),
            TrySendError::Disconnected(_) => None,
        });
        self.waker.wake();
        sent
    }

    /// Sends a command that must not get lost, however long there is no room. It ends without that
    /// only if the worker is gone, or whom it would serve.
    pub(crate) async fn deliver(&self, command: Command) {
        let mut command = command;
        loop {
            if let Command::Tap(_, tap) = &command
                && tap.is_closed()
            {
                return;
            }
            match self.try_command(command) {
                Ok(()) | Err(None) => return,
                Err(Some(back)) => command = back,
            }
            tokio::time::sleep(COMMAND_PAUSE).await;
        }
    }

    /// Sends media; gives it back, counted as dropped, if the worker cannot keep up.
    pub(crate) fn try_media(&self, batch: Batch, is_home: bool) -> Result<(), Batch> {
        let sent = self.media.try_send(Delivery { batch, is_home }).map_err(|error| match error {
            TrySendError::Full(delivery) | TrySendError::Disconnected(delivery) => delivery.batch,
        });
        if let Err(batch) = &sent {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "worker_full")
                .increment(batch.len() as u64);
        }
        self.waker.wake();
        sent
    }
}
