//! The server around the rooms under test, and the people in them.

use std::path::PathBuf;
use std::time::Duration;

use ledger::Ledger;
use media_rules::FeedId;
use mixer::{Duty, ProgramConfig};
use room_rules::{
    Command, LifeId, Member, Reply, Role, RoomId, RoomSettings, ServerTime, SessionId, Snapshot,
    Title, UserId, Watermarks,
};
use serde_json::Value;
use server::{Composites, Films, Lobby, Program, RoomParts, Switchboard};
use sfu::{Event, PeerId, Sfu};
use signaling::{
    Beginning, Created, Delivery, Directory, Entered, Lobby as _, OutboxLimits, OutboxReader,
    Refused, RoomClock, RoomHandle, RoomRequest, SessionNumbers, Sid, outbox,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire_format::Resume;

/// Some instant in 2025, with a fraction of a millisecond that must not be lost.
const UNIX_AT_START: Duration = Duration::from_micros(1_750_000_000_000_300);

/// The end of a token that does not end.
pub(crate) const NEVER: ServerTime = ServerTime::from_unix_millis(u64::MAX);

/// Long enough for anything but a deadline.
const SOON: Duration = Duration::from_secs(5);

/// Rooms without HTTP in front; the media events come from the test.
pub(crate) struct Stage {
    pub(crate) parts: RoomParts,
    pub(crate) lobby: Lobby,
    events: mpsc::Sender<Event>,
}

impl Stage {
    /// Rooms that hear of media from the test.
    pub(crate) fn new() -> Self {
        let (sfu, _) = start_sfu();
        let (events, inbox) = mpsc::channel(64);
        Self::build(sfu, inbox, events, Ledger::inline().unwrap())
    }

    /// Rooms that are written down in `ledger`.
    pub(crate) fn over(ledger: Ledger) -> Self {
        let (sfu, _) = start_sfu();
        let (events, inbox) = mpsc::channel(64);
        Self::build(sfu, inbox, events, ledger)
    }

    /// The same, and `subscribers` are told.
    pub(crate) fn telling(ledger: Ledger, subscribers: server::Subscribers) -> Self {
        Self::over(ledger).with(|parts| RoomParts { subscribers, ..parts })
    }

    /// The same rooms with other parts.
    pub(crate) fn with(self, change: impl FnOnce(RoomParts) -> RoomParts) -> Self {
        let parts = change(self.parts);
        let lobby = Lobby::new(parts.clone(), 4);
        Self { parts, lobby, ..self }
    }

    /// Stops the server; what it has written stays.
    pub(crate) async fn stop(&self) {
        self.parts.draining.cancel();
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
    }

    /// Stops the server and starts another on the same ledger.
    pub(crate) async fn restart(self) -> Self {
        self.stop().await;
        let stage = Self::over(self.parts.ledger.clone());
        let parts = RoomParts { clock: self.parts.clock, ..stage.parts };
        let lobby = Lobby::new(parts.clone(), 4);
        lobby.restore().await.unwrap();
        Self { parts, lobby, ..stage }
    }

    /// Rooms that hear of media from the SFU itself, for tests in real time.
    pub(crate) fn with_media() -> Self {
        let (sfu, inbox) = start_sfu();
        let (unused, _) = mpsc::channel(1);
        Self::build(sfu, inbox, unused, Ledger::inline().unwrap())
    }

    fn build(
        sfu: Sfu,
        inbox: mpsc::Receiver<Event>,
        events: mpsc::Sender<Event>,
        ledger: Ledger,
    ) -> Self {
        let (switchboard, task) = Switchboard::new(inbox);
        tokio::spawn(task.run());
        let nowhere = PathBuf::from("/nonexistent/lianmai-mixer");
        let parts = RoomParts {
            clock: RoomClock::start_at(UNIX_AT_START),
            directory: Directory::new(),
            ledger,
            sfu,
            switchboard,
            settings: RoomSettings::default(),
            program: ProgramConfig::portrait("", nowhere, std::env::temp_dir()),
            cues: server::Cues::default(),
            duty: Duty::default(),
            max_video_kbps: 6000,
            films: Films::new(&Program::default(), &std::env::temp_dir()).unwrap(),
            recordings: None,
            inspector: None,
            hooks: std::sync::Arc::new(signaling::NoHooks),
            subscribers: server::Subscribers::default(),
            composites: Composites::default(),
            linger: Duration::from_secs(30),
            idle: Duration::from_secs(600),
            draining: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sessions: SessionNumbers::default(),
        };
        let lobby = Lobby::new(parts.clone(), 4);
        Self { parts, lobby, events }
    }

    /// Opens `room` with its host in it.
    pub(crate) async fn open(&self, room: &str) -> Person {
        let host = member(&format!("host-{room}"), Role::Host);
        let handle = self.create(room).await.unwrap();
        Person::join(self, &handle, host).await.unwrap()
    }

    pub(crate) async fn create(&self, room: &str) -> Result<RoomHandle, Refused> {
        let host = member("host", Role::Host);
        match self.lobby.create(room_id(room), Title::parse(room).unwrap(), host).await? {
            Created::New(handle) | Created::Existing(handle) => Ok(handle),
        }
    }

    /// Says what the media side has to say.
    pub(crate) async fn happens(&self, event: Event) {
        self.events.send(event).await.unwrap();
    }

    /// Returns the name of some peer.
    pub(crate) async fn some_peer(&self) -> PeerId {
        let feed = FeedId::new("nowhere", "nobody");
        self.parts.sfu.play(feed, crate::media::OFFER).await.unwrap().peer
    }

    /// Says that the host of `room` is on air.
    pub(crate) async fn go_live(&self, host: &mut Person) {
        let (room, user) = (host.room.room().to_string(), host.member.user.to_string());
        let feed = FeedId::new(&room, &user);
        host.expect_media().await;
        self.events.send(Event::MediaStarted { feed }).await.unwrap();
        host.hears("stage.updated").await;
    }
}

/// Somebody with a session in a room.
pub(crate) struct Person {
    pub(crate) room: RoomHandle,
    pub(crate) member: Member,
    pub(crate) session: SessionId,
    pub(crate) snapshot: Snapshot,
    pub(crate) sid: Sid,
    pub(crate) epoch: LifeId,
    inbox: OutboxReader,
    /// Events of a frame that held several, in reverse.
    rest: Vec<Value>,
}

impl Person {
    pub(crate) async fn join(
        stage: &Stage,
        room: &RoomHandle,
        member: Member,
    ) -> Result<Self, Refused> {
        let session = stage.parts.sessions.next();
        let (entered, inbox) = enter(room, session, member.clone(), None).await?;
        let Entered { sid, epoch, how: Beginning::Anew(snapshot) } = entered else {
            panic!("nothing to resume: {entered:?}");
        };
        let (room, snapshot, rest) = (room.clone(), *snapshot, Vec::new());
        Ok(Self { room, member, session, snapshot, sid, epoch, inbox, rest })
    }

    /// Comes back by another connection; returns how that begins. The older one is left as it is.
    pub(crate) async fn come_back(
        &mut self,
        stage: &Stage,
        q: Watermarks,
        me: u64,
    ) -> Result<Beginning, Refused> {
        let session = stage.parts.sessions.next();
        let (sid, epoch) = (self.sid.as_str().to_owned(), self.epoch.to_string());
        let resume = Some(Box::new(Resume { sid, epoch, q, me }));
        let (entered, inbox) = enter(&self.room, session, self.member.clone(), resume).await?;
        self.sid = entered.sid;
        self.session = session;
        self.inbox = inbox;
        self.rest.clear();
        Ok(entered.how)
    }

    /// Returns the next message, one event at a time.
    pub(crate) async fn hears_anything(&mut self) -> Value {
        loop {
            if let Some(event) = self.rest.pop() {
                return event;
            }
            let mut message: Value = match self.inbox.next().await {
                Delivery::Message(_, text) | Delivery::Clock(text) => {
                    serde_json::from_str(&text).unwrap()
                }
                Delivery::End(ending) => panic!("ended by {ending:?}"),
            };
            if message["t"] != "batch" {
                return message;
            }
            let Value::Array(mut events) = message["d"].take() else { panic!("no events") };
            events.reverse();
            self.rest = events;
        }
    }

    pub(crate) async fn leaves(&self) {
        self.room.say_goodbye(self.session).await;
    }

    pub(crate) async fn says(&self, command: Command) -> Result<Reply, Refused> {
        let session = self.session;
        self.room.ask(|reply| RoomRequest::Command { session, command, reply }).await
    }

    /// Waits for the next message of type `t`, past others, and returns its `d`.
    pub(crate) async fn hears(&mut self, t: &str) -> Value {
        self.hears_within(t, SOON).await
    }

    pub(crate) async fn hears_within(&mut self, t: &str, within: Duration) -> Value {
        let wait = async {
            loop {
                let mut message = self.hears_anything().await;
                if message["t"] == t {
                    return message["d"].take();
                }
            }
        };
        tokio::time::timeout(within, wait).await.unwrap_or_else(|_| panic!("no {t} in time"))
    }

    /// Returns the types of what is heard before the next message of type `t`, but for the news of
    /// the room that everybody hears.
    pub(crate) async fn kinds_until(&mut self, t: &str) -> Vec<String> {
        let mut kinds = Vec::new();
        loop {
            let next = tokio::time::timeout(SOON, self.hears_anything()).await;
            let Ok(message) = next else { panic!("no {t} in time") };
            match message["t"].as_str().unwrap() {
                kind if kind == t => return kinds,
                kind => kinds.push(kind.to_owned()),
            }
        }
    }

    /// Waits until the session ends and returns how.
    pub(crate) async fn ends(&mut self) -> signaling::Ending {
        let wait = async {
            loop {
                if let Delivery::End(ending) = self.inbox.next().await {
                    return ending;
                }
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("the session never ended")
    }

    /// A host who publishes is expected by the rules first; an offer that is none asks for that
    /// without making a peer.
    async fn expect_media(&self) {
        let member = self.member.clone();
        let refused = self
            .room
            .ask(|reply| RoomRequest::Publish { member, until: NEVER, offer: "none".into(), reply })
            .await
            .unwrap_err();
        assert_eq!(refused.code, wire_format::Code::BadRequest, "{refused}");
    }
}

async fn enter(
    room: &RoomHandle,
    session: SessionId,
    member: Member,
    resume: Option<Box<Resume>>,
) -> Result<(Entered, OutboxReader), Refused> {
    let (outbox, inbox) = outbox(OutboxLimits::default());
    let request = |reply| RoomRequest::Join { session, member, outbox, resume, reply };
    Ok((room.ask(request).await?, inbox))
}

fn start_sfu() -> (Sfu, mpsc::Receiver<Event>) {
    let config = sfu::Config { first_port: 0, workers: 1, ..sfu::Config::default() };
    Sfu::start(config).unwrap()
}

pub(crate) fn member(user: &str, role: Role) -> Member {
    Member {
        user: UserId::parse(user).unwrap(),
        name: user.into(),
        role,
        caps: room_rules::Areas::ALL,
    }
}

pub(crate) fn room_id(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}
