//! The RTMP server that players pull programs from: `rtmp://host:1935/live/{stream}`.
//!
//! It accepts, counts and limits; each player is a task of its own (see `player.rs`). Publishing
//! to it is refused: programs come from the mixer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::player;
use crate::subscription::Subscription;

/// About two seconds of program, inherited by every accepted socket.
const SEND_BUFFER: u32 = 256 << 10;
const BACKLOG: u32 = 256;
/// After `accept` failed, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A future that can be kept without knowing its type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows which streams can be played.
pub trait Catalog: Send + Sync + 'static {
    /// Begins a playback of `stream`, or returns `None` if there is no such stream.
    fn open<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Option<Subscription>>;
}

/// What players may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PullLimits {
    /// Connections at a time; more are closed at once.
    pub connections: usize,
    /// For the handshake.
    pub handshake: Duration,
    /// From the handshake to `play`.
    pub request: Duration,
    /// For the network to take one frame.
    pub write: Duration,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            handshake: Duration::from_secs(5),
            request: Duration::from_secs(10),
            write: Duration::from_secs(5),
        }
    }
}

/// A running RTMP server. Dropping it ends it, without waiting.
#[derive(Debug)]
pub struct PullServer {
    address: SocketAddr,
    players: TaskTracker,
    stop: DropGuard,
}

impl PullServer {
    /// Listens on `address` with the default limits.
    ///
    /// # Errors
    ///
    /// Returns why the address cannot be listened on.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub fn start(address: SocketAddr, catalog: Arc<dyn Catalog>) -> io::Result<Self> {
        Self::start_with(address, catalog, PullLimits::default())
    }

    /// Listens on `address` with limits of the caller's choice.
    ///
    /// # Errors
    ///
    /// Returns why the address cannot be listened on.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub fn start_with(
        address: SocketAddr,
        catalog: Arc<dyn Catalog>,
        limits: PullLimits,
    ) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;

        let stop = CancellationToken::new();
        let players = TaskTracker::new();
        let door = Door {
            catalog,
            limits,
            free: Arc::new(Semaphore::new(limits.connections)),
            players: players.clone(),
            stop: stop.clone(),
        };
        players.spawn(door.run(listener));
        Ok(Self { address, players, stop: stop.drop_guard() })
    }

    /// Returns where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many connections are open.
    pub fn connections(&self) -> usize {
        // One of the tasks is the door.
        self.players.len().saturating_sub(1)
    }

    /// Says goodbye to every player and closes the port; takes two seconds at most.
    pub async fn stop(self) {
        drop(self.stop);
        self.players.close();
        // Whoever is not done by then is cut when the runtime ends.
        let _ = timeout(STOP_LIMIT, self.players.wait()).await;
    }
}

/// Lets players in.
struct Door {
    catalog: Arc<dyn Catalog>,
    limits: PullLimits,
    /// None left: the newcomer is closed and counted.
    free: Arc<Semaphore>,
    players: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => self.admit(stream, from),
                Err(error) => {
                    warn!(%error, "A player could not be accepted.");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, from: SocketAddr) {
        metrics::counter!("relay_pull_connections_total").increment(1);
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            count_closed("full");
            return;
        };
        // It fails only for a connection that is gone already, which shows at the first read.
        let _ = stream.set_nodelay(true);
        let serving =
            player::serve(stream, Arc::clone(&self.catalog), self.limits, self.stop.clone());
        self.players.spawn(async move {
            let reason = serving.await;
            debug!(%from, reason, "Player's connection closed.");
            count_closed(reason);
            drop(place);
        });
    }
}

fn count_closed(reason: &'static str) {
    metrics::counter!("relay_pull_closed_total", "reason" => reason).increment(1);
}
