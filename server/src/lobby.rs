//! Opens rooms. A room is a task, entered in the directory before anyone is told of it.

use std::fmt::Display;
use std::num::NonZeroUsize;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use ledger::Life;
use room_rules::{Input, Member, RoomId, RoomSettings, ServerTime, Title};
use signaling::{Created, Refused, RoomHandle, RoomRequest};
use tokio::sync::mpsc;
use tracing::error;
use wire_format::Code;

use crate::restore::{self, Made, NotRestored, Origin};
use crate::room_parts::RoomParts;
use crate::room_task::RoomTask;

/// Requests waiting for one room. Full: whoever asks is told `BUSY`.
const REQUESTS_CAPACITY: usize = 4096;

/// Makes the rooms of this server.
#[derive(Clone)]
pub struct Lobby {
    parts: RoomParts,
    max_rooms: usize,
}

impl Lobby {
    /// Creates a lobby for `max_rooms` rooms at most.
    pub const fn new(parts: RoomParts, max_rooms: usize) -> Self {
        Self { parts, max_rooms }
    }

    /// Opens the rooms that had not ended when the ledger was written to last. One that cannot be
    /// made anew stays closed; its members find no room.
    ///
    /// # Errors
    /// If the ledger cannot be read at all.
    pub async fn restore(&self) -> Result<usize, ledger::LedgerError> {
        let lives = self.parts.ledger.open_lives().await?;
        // Going through a journal again is work for one core; their order stays.
        let at_once = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let revivals = stream::iter(lives).map(|life| self.revive_apart(life));
        let made: Vec<Option<Made>> = revivals.buffered(at_once).collect().await;
        let now = self.parts.clock.now();
        let restored = made.into_iter().flatten().filter_map(|made| not_ended(made, now));
        // All are entered before the first speaks: rooms in a battle look for one another.
        let entered: Vec<_> =
            restored.map(|made| (self.enter(made.room.id().clone()), made)).collect();
        let count = entered.len();
        for ((handle, requests), made) in entered {
            self.run(made, handle, requests);
        }
        Ok(count)
    }

    fn run(&self, made: Made, handle: RoomHandle, requests: mpsc::Receiver<RoomRequest>) {
        let origin = made.origin;
        let mut task = RoomTask::new(made, self.parts.clone(), handle, requests);
        match origin {
            Origin::New => {}
            Origin::Journal => task.take(&Input::Restarted, self.parts.clock.now()),
        }
        self.parts.tasks.spawn(task.run());
    }

    async fn open(&self, id: RoomId, title: &Title) -> Result<Created, Refused> {
        if let Some(handle) = self.parts.directory.find(&id).filter(|handle| !handle.is_gone()) {
            return Ok(Created::Existing(handle));
        }
        if self.parts.draining.is_cancelled() {
            return Err(Refused::new(Code::Draining, "this server is shutting down"));
        }
        if self.parts.directory.list().len() >= self.max_rooms {
            return Err(Refused::new(Code::Busy, "there are as many rooms as there may be"));
        }
        let (handle, requests) = RoomHandle::new(id.clone(), REQUESTS_CAPACITY);
        let (entered, is_new) = self.parts.directory.enter(handle);
        if !is_new {
            return Ok(Created::Existing(entered));
        }
        match self.make(id, title).await {
            Ok(made) => {
                self.run(made, entered.clone(), requests);
                Ok(Created::New(entered))
            }
            Err(refused) => {
                self.parts.directory.leave(&entered);
                Err(refused)
            }
        }
    }

    /// Makes a new room, or goes on with the one of this name that stopped without having ended.
    async fn make(&self, id: RoomId, title: &Title) -> Result<Made, Refused> {
        let failed = |error| {
            error!(room = %id, %error, "The ledger cannot be read.");
            Refused::new(Code::LedgerFailed, "the ledger cannot be read")
        };
        let lives = self.parts.ledger.lives_of(id.as_str()).await.map_err(failed)?;
        if let Some(life) = lives.into_iter().find(|life| life.ended_at.is_none()) {
            let revived = self.revive(life).await;
            let made = revived.map_err(|_| {
                Refused::new(Code::Conflict, "the room of this name cannot be gone on with")
            })?;
            if let Some(made) = not_ended(made, self.parts.clock.now()) {
                return Ok(made);
            }
        }
        let salt = signaling::random_salt();
        let settings = RoomSettings { salt, ..self.parts.settings.clone() };
        let now = self.parts.clock.now();
        let parts = &self.parts;
        let subscribers = parts.subscribers.clone();
        Ok(restore::open(&parts.ledger, id, title, settings, now, subscribers))
    }

    /// Makes a room anew beside others. A panic over its journal is its own, as when a room runs.
    async fn revive_apart(&self, life: Life) -> Option<Made> {
        let (lobby, room) = (self.clone(), life.room.clone());
        let revived = tokio::spawn(async move { lobby.revive(life).await }).await;
        revived.map_or_else(|panic| not_revived(&room, &panic), Result::ok)
    }

    async fn revive(&self, life: Life) -> Result<Made, NotRestored> {
        let (room, now) = (life.room.clone(), self.parts.clock.now());
        let subscribers = self.parts.subscribers.clone();
        let made = restore::restore(&self.parts.ledger, life, subscribers, now).await;
        made.inspect_err(|error| drop(not_revived(&room, error)))
    }

    fn enter(&self, id: RoomId) -> (RoomHandle, mpsc::Receiver<RoomRequest>) {
        let (handle, requests) = RoomHandle::new(id, REQUESTS_CAPACITY);
        let (entered, is_new) = self.parts.directory.enter(handle);
        assert!(is_new, "a room has one life that has not ended");
        (entered, requests)
    }
}

fn not_revived(room: &str, error: &impl Display) -> Option<Made> {
    error!(room, %error, "A room could not be made anew from its journal; it stays closed.");
    metrics::counter!("server_rooms_not_restored_total").increment(1);
    None
}

/// Closes the journal of a room whose end was written down and not noted any more.
fn not_ended(made: Made, now: ServerTime) -> Option<Made> {
    if made.room.end_reason().is_none() {
        return Some(made);
    }
    made.record.end(now);
    None
}

impl signaling::Lobby for Lobby {
    fn create(
        &self,
        room: RoomId,
        title: Title,
        _member: Member,
    ) -> BoxFuture<'_, Result<Created, Refused>> {
        Box::pin(async move { self.open(room, &title).await })
    }
}
