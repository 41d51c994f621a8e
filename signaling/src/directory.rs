//! Which rooms are here: the way from a room's name to the task that owns it.
//!
//! The directory holds handles and never the state of a room, so a lookup costs nobody a wait.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use room_rules::{Member, Role, RoomId, SessionId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::admission::Admission;
use crate::user_pace::UserPace;
use crate::{Answer, Refused, RoomRequest};

/// How long a caller waits for a room's answer before it hears `BUSY`.
const PATIENCE: Duration = Duration::from_secs(10);

/// The rooms of this server. Cheap to clone; all clones are the same directory.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    rooms: Arc<DashMap<RoomId, RoomHandle>>,
}

impl Directory {
    /// Creates a directory without rooms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the handle of `room` if the room is here.
    pub fn find(&self, room: &RoomId) -> Option<RoomHandle> {
        self.rooms.get(room).map(|entry| entry.value().clone())
    }

    /// Enters `handle` unless a living room has the name already; returns the one that is entered
    /// and whether it is the new one.
    pub fn enter(&self, handle: RoomHandle) -> (RoomHandle, bool) {
        match self.rooms.entry(handle.room.clone()) {
            Entry::Occupied(mut older) if older.get().is_gone() => {
                older.insert(handle.clone());
                (handle, true)
            }
            Entry::Occupied(older) => (older.get().clone(), false),
            Entry::Vacant(free) => {
                free.insert(handle.clone());
                (handle, true)
            }
        }
    }

    /// Takes `handle`'s room out, unless the name belongs to a newer room by now.
    pub fn leave(&self, handle: &RoomHandle) {
        self.rooms.remove_if(&handle.room, |_, entered| entered.inbox.same_channel(&handle.inbox));
    }

    /// Returns the handles of all rooms, sorted by name.
    pub fn list(&self) -> Vec<RoomHandle> {
        let mut rooms: Vec<_> = self.rooms.iter().map(|entry| entry.value().clone()).collect();
        rooms.sort_by(|a, b| a.room.as_str().cmp(b.room.as_str()));
        rooms
    }
}

/// The way to one room's task.
#[derive(Clone, Debug)]
pub struct RoomHandle {
    room: RoomId,
    /// Full: whoever asks is told `BUSY`; only a session's leaving waits for its place.
    inbox: mpsc::Sender<RoomRequest>,
    admission: Arc<Admission>,
    paces: Arc<Paces>,
    opened_at: Instant,
}

/// How fast each user may come to the room.
#[derive(Debug)]
struct Paces {
    hellos: UserPace,
    requests: UserPace,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            // As many at once as one user may have sessions.
            hellos: UserPace::new(40, Duration::from_millis(500)),
            requests: UserPace::new(60, Duration::from_millis(50)),
        }
    }
}

impl RoomHandle {
    /// Creates the handle of `room` and the inbox its task reads, with place for `capacity` requests.
    pub fn new(room: RoomId, capacity: usize) -> (Self, mpsc::Receiver<RoomRequest>) {
        let (inbox, requests) = mpsc::channel(capacity);
        let (admission, paces) = (Arc::new(Admission::new()), Arc::default());
        (Self { room, inbox, admission, paces, opened_at: Instant::now() }, requests)
    }

    /// Returns the room's name.
    pub const fn room(&self) -> &RoomId {
        &self.room
    }

    /// Returns when the room was opened.
    pub(crate) const fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// Returns whether the room's task has ended.
    pub fn is_gone(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Waits until the room's task has ended.
    pub async fn gone(&self) {
        self.inbox.closed().await;
    }

    /// Returns whether half of the inbox waits. The rest is for those who hold a token: whoever only
    /// looks needs none, and must not keep an order from getting in.
    pub(crate) fn is_crowded(&self) -> bool {
        self.inbox.capacity() <= self.inbox.max_capacity() / 2
    }

    /// Hands the room a request that nobody waits for, without waiting itself.
    ///
    /// # Errors
    ///
    /// `BUSY` if the inbox is full, `ROOM_NOT_FOUND` if the room is over.
    pub fn tell(&self, request: RoomRequest) -> Result<(), Refused> {
        self.inbox.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::busy(),
            mpsc::error::TrySendError::Closed(_) => Refused::room_not_found(),
        })
    }

    /// Asks the room and waits for its answer, at most ten seconds.
    ///
    /// # Errors
    ///
    /// What the room answers; `BUSY` if its inbox is full or it does not answer in time,
    /// `ROOM_NOT_FOUND` if it is over.
    pub async fn ask<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> RoomRequest,
    ) -> Result<T, Refused> {
        match tokio::time::timeout(PATIENCE, self.ask_to_the_end(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Refused::busy()),
        }
    }

    /// Asks the room and waits for its answer, however long the disk takes.
    ///
    /// # Errors
    ///
    /// As of [`ask`](Self::ask); nothing was done then.
    pub(crate) async fn ask_to_the_end<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> RoomRequest,
    ) -> Result<T, Refused> {
        let (reply, answer) = oneshot::channel();
        self.tell(request(reply))?;
        match answer.await {
            Ok(answer) => answer,
            Err(_) if self.is_gone() => Err(Refused::room_not_found()),
            Err(_) => Err(Refused::busy()),
        }
    }

    /// Says whether somebody may ask the room for something over HTTP again already. Those who run
    /// the room may always.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED`.
    pub(crate) fn expect_pace(&self, member: &Member) -> Result<(), Refused> {
        expect_pace(&self.paces.requests, member)
    }

    /// Waits until one more session of `member` may ask to be let in.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` for a guest who keeps coming, so that they do not take the places of others;
    /// `BUSY` with the time after which it is worth to come back.
    pub(crate) async fn admit(&self, member: &Member) -> Result<(), Refused> {
        expect_pace(&self.paces.hellos, member)?;
        match self.admission.reserve(Instant::now()) {
            Ok(wait) if wait.is_zero() => Ok(()),
            Ok(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Err(retry) => {
                let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
                Err(Refused::busy().retry_after(retry_ms))
            }
        }
    }

    /// Tells the room that `session` is gone. Waits for a place in the inbox, because a room that
    /// missed this would count a member that is not there.
    pub async fn say_goodbye(&self, session: SessionId) {
        // An error only means that the room itself is gone.
        let _ = self.inbox.send(RoomRequest::Leave { session }).await;
    }
}

/// Takes from a guest's allowance; those who run the room need none.
fn expect_pace(pace: &UserPace, member: &Member) -> Result<(), Refused> {
    let is_guest = matches!(member.role, Role::Viewer | Role::Guest);
    if is_guest && !pace.allows(&member.user, Instant::now()) {
        return Err(Refused::too_fast());
    }
    Ok(())
}
