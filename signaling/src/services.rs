//! What every request needs: keys, the clock, the rooms and the limits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use room_rules::{GiftCatalog, SessionId};
use tokio_util::sync::CancellationToken;

use crate::{DeadLetters, Directory, Hooks, IceServers, Lobby, OutboxLimits, RoomClock, TokenKey};

/// What the router needs to answer. Cheap to clone; all clones share the same rooms.
#[derive(Clone)]
pub struct Services {
    /// Checks tokens.
    pub tokens: TokenKey,
    /// Tells room time.
    pub clock: RoomClock,
    /// The rooms that are here.
    pub directory: Directory,
    /// Makes new rooms.
    pub lobby: Arc<dyn Lobby>,
    /// Numbers sessions; shared with whoever else makes sessions.
    pub sessions: SessionNumbers,
    /// Where players pull programs, such as `rtmp://127.0.0.1:1935/live`; a room's name is appended.
    pub rtmp_base: Arc<str>,
    /// The gifts that can be given.
    pub gifts: GiftCatalog,
    /// Which STUN and TURN servers clients are told of.
    pub ice_servers: IceServers,
    /// The server that has the rooms which are not here, such as `https://two.example`: whoever
    /// wants to publish or play there is sent on. `None`: they hear that there is no such room.
    pub other_server: Option<Arc<str>>,
    /// The letters to back ends that were given up.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Who is asked before something happens.
    pub hooks: Arc<dyn Hooks>,
    /// Whether `GET /v1/dev/token` gives tokens to whoever asks from this machine.
    pub dev_tokens: bool,
    /// How much is too much.
    pub limits: Limits,
    /// Cancelled when the server shuts down: sockets are closed with 4012.
    pub shutdown: CancellationToken,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("directory", &self.directory)
            .field("dev_tokens", &self.dev_tokens)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How much is too much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Open connections. Full: the next ones wait in the kernel until one closes.
    pub connections: usize,
    /// Open WebSockets. Full: `BUSY`.
    pub sockets: usize,
    /// How long the head of a request may take to arrive, and again its body.
    pub request_timeout: Duration,
    /// How long a WebSocket may stay without its `hello`.
    pub hello_timeout: Duration,
    /// How often a WebSocket is pinged.
    pub ping_every: Duration,
    /// A WebSocket from which nothing came for this long is dead.
    pub dead_after: Duration,
    /// How much may wait for one session.
    pub outbox: OutboxLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            sockets: 12_288,
            request_timeout: Duration::from_secs(10),
            hello_timeout: Duration::from_secs(5),
            ping_every: Duration::from_secs(15),
            dead_after: Duration::from_secs(40),
            outbox: OutboxLimits::default(),
        }
    }
}

/// Gives every session of this process its own number.
#[derive(Clone, Debug, Default)]
pub struct SessionNumbers(Arc<AtomicU64>);

impl SessionNumbers {
    /// Returns a number that was never used before.
    pub fn next(&self) -> SessionId {
        // Only uniqueness matters, nothing is ordered by it.
        SessionId(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
