//! A running server with one room, `a`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use room_rules::{GiftCatalog, Member, Role, RoomId, ServerTime, UserId};
use signaling::{
    Claims, DeadLetter, DeadLetters, Directory, IceServers, Limits, NoHooks, Refused, RoomClock,
    RoomHandle, Services, SessionNumbers, TokenKey, serve,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::room::{self, Sessions, TestLobby};

/// More than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) directory: Directory,
    pub(crate) sessions: Sessions,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<()>,
    clock: RoomClock,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::build(limits, true).await
    }

    pub(crate) async fn build(limits: Limits, dev_tokens: bool) -> Self {
        Self::start(|services| Services { limits, dev_tokens, ..services }).await
    }

    /// Starts a server with what `change` makes of the usual.
    pub(crate) async fn start(change: impl FnOnce(Services) -> Services) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let directory = Directory::new();
        let clock = RoomClock::start();
        let shutdown = CancellationToken::new();
        let services = Services {
            tokens: TokenKey::new(SECRET).unwrap(),
            clock,
            directory: directory.clone(),
            lobby: Arc::new(TestLobby { directory: directory.clone() }),
            sessions: SessionNumbers::default(),
            rtmp_base: "rtmp://127.0.0.1:1935/live".into(),
            gifts: GiftCatalog::default(),
            ice_servers: IceServers::default(),
            other_server: None,
            dead_letters: Arc::new(OneLetter),
            hooks: Arc::new(NoHooks),
            dev_tokens: true,
            limits: Limits::default(),
            shutdown: shutdown.clone(),
        };
        let server = tokio::spawn(serve(listener, change(services)));

        let sessions = Sessions::default();
        let mut world = Self { address, directory, sessions, shutdown, server, clock };
        world.sessions = world.open_room("a", 16);
        world
    }

    /// Opens one more room, with place for so many requests at once.
    pub(crate) fn open_room(&self, name: &str, capacity: usize) -> Sessions {
        let (handle, inbox) = RoomHandle::new(room_id(name), capacity);
        self.directory.enter(handle);
        let sessions = Sessions::default();
        tokio::spawn(room::run(room_id(name), inbox, sessions.clone()));
        sessions
    }

    /// Returns a token that is good for an hour.
    pub(crate) fn token(&self, room: &str, user: &str, role: Role) -> String {
        sign(room, user, role, self.clock.now(), Duration::from_secs(3600))
    }

    /// Returns the token of an admin of all rooms.
    pub(crate) fn admin_of_all(&self) -> String {
        let claims = claims("a", "root", Role::Admin, self.clock.now(), Duration::from_secs(3600));
        TokenKey::new(SECRET).unwrap().sign(&Claims { room: None, ..claims })
    }

    /// Returns a token whose time was over long ago.
    pub(crate) fn expired_token(&self) -> String {
        let past = ServerTime::from_unix_millis(self.clock.now().unix_millis() - 3_600_000);
        sign("a", "alice", Role::Host, past, Duration::from_secs(60))
    }

    /// Returns a token whose holder is let in and must go within two seconds.
    pub(crate) fn token_about_to_end(&self) -> String {
        // The server allows five seconds of leeway after the last second.
        let from = ServerTime::from_unix_millis(self.clock.now().unix_millis() - 3_500 - 60_000);
        sign("a", "vi", Role::Viewer, from, Duration::from_secs(60))
    }

    /// Waits until exactly `count` sessions are in room `a`.
    pub(crate) async fn sessions_become(&self, count: usize) {
        let wait = async {
            while self.sessions.lock().unwrap().len() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the room should hear of it");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn room_id(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

fn sign(room: &str, user: &str, role: Role, from: ServerTime, lifetime: Duration) -> String {
    TokenKey::new(SECRET).unwrap().sign(&claims(room, user, role, from, lifetime))
}

fn claims(room: &str, user: &str, role: Role, from: ServerTime, lifetime: Duration) -> Claims {
    let member = Member {
        user: UserId::parse(user).unwrap(),
        name: user.into(),
        role,
        caps: room_rules::Areas::ALL,
    };
    Claims::new(room_id(room), member, from, lifetime)
}

/// One letter was given up.
struct OneLetter;

impl DeadLetters for OneLetter {
    fn list(&self, after: u64, _: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, Refused>> {
        let letter = DeadLetter {
            id: "7".to_owned(),
            endpoint: "shop".to_owned(),
            room: "a".to_owned(),
            seq: 3,
            event: "order.paid".to_owned(),
            at: 1,
            tries: 20,
            error: Some("no connection".to_owned()),
            data: serde_json::json!({"order": "o"}),
        };
        Box::pin(async move { Ok(if after < 7 { vec![letter] } else { Vec::new() }) })
    }

    fn replay(&self, id: u64) -> BoxFuture<'_, Result<bool, Refused>> {
        Box::pin(async move { Ok(id == 7) })
    }
}
