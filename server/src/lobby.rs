//! Opens rooms. A room is a task, entered in the directory before anyone is told of it.

use std::future::ready;

use futures_util::future::BoxFuture;
use room_rules::{Member, Room, RoomId, RoomSettings, Title};
use signaling::{Created, Refused, RoomHandle};
use wire_format::Code;

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

    fn open(&self, id: RoomId, title: &Title) -> Result<Created, Refused> {
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
        let salt = signaling::random_salt();
        let settings = RoomSettings { salt, ..self.parts.settings.clone() };
        let room = Room::new(id, title, settings, self.parts.clock.now());
        let task = RoomTask::new(room, self.parts.clone(), entered.clone(), requests);
        self.parts.tasks.spawn(task.run());
        Ok(Created::New(entered))
    }
}

impl signaling::Lobby for Lobby {
    fn create(
        &self,
        room: RoomId,
        title: Title,
        _member: Member,
    ) -> BoxFuture<'_, Result<Created, Refused>> {
        Box::pin(ready(self.open(room, &title)))
    }
}
