//! A live room: the one owner of everything that happens in it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::{
    Command, Effect, EndReason, Member, PeerMessage, Performer, Rejected, Reply, RoomId, RoomState,
    RoomView, ServerTime, SessionId, Snapshot, Title, UserId,
};

/// The limits of a room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RoomSettings {
    /// Sessions the room holds.
    pub sessions_max: usize,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self { sessions_max: 10_000 }
    }
}

/// What a user's connection to the media server did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MediaChange {
    /// The first media of a publisher arrived, or it came back.
    Started,
    /// The publisher is silent or gone.
    Stopped,
}

/// A live room.
#[derive(Debug)]
pub struct Room {
    id: RoomId,
    title: Arc<str>,
    state: RoomState,
    effects: VecDeque<Effect>,
}

impl Room {
    /// Creates a room at `now`, which also makes its ids unlike those of an earlier room of this name.
    pub fn new(id: RoomId, title: &Title, settings: RoomSettings, now: ServerTime) -> Self {
        let _ = (settings, now);
        Self {
            id,
            title: title.as_str().into(),
            state: RoomState::Created,
            effects: VecDeque::new(),
        }
    }

    /// Adds a session of a member. The snapshot is true up to its watermarks; a session that joins
    /// twice just gets a new snapshot.
    pub fn handle_join(
        &mut self,
        session: SessionId,
        member: Member,
        now: ServerTime,
    ) -> Result<Snapshot, Rejected> {
        unimplemented!("{session:?} {member:?} {now:?}")
    }

    /// Removes a session; an unknown one is ignored.
    pub fn handle_leave(&mut self, session: SessionId, now: ServerTime) {
        unimplemented!("{session:?} {now:?}")
    }

    /// Carries out what a session asks, or says why not.
    pub fn handle_command(
        &mut self,
        session: SessionId,
        command: Command,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        unimplemented!("{session:?} {command:?} {now:?}")
    }

    /// Carries out what a member asks who needs no session for it (an order over HTTP, a back end).
    pub fn handle_member_command(
        &mut self,
        member: &Member,
        command: Command,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        unimplemented!("{member:?} {command:?} {now:?}")
    }

    /// Takes what another room says.
    pub fn handle_peer(&mut self, from: &RoomId, message: PeerMessage, now: ServerTime) {
        unimplemented!("{from} {message:?} {now:?}")
    }

    /// Takes that a publisher of this room came on air or went off.
    pub fn handle_media(&mut self, user: &UserId, change: MediaChange, now: ServerTime) {
        unimplemented!("{user} {change:?} {now:?}")
    }

    /// Says whether `member` may publish now, and if so expects their media.
    pub fn may_publish(&mut self, member: &Member, now: ServerTime) -> Result<(), Rejected> {
        unimplemented!("{member:?} {now:?}")
    }

    /// Moves the room to where it must be at `now`.
    pub fn handle_timeout(&mut self, now: ServerTime) {
        unimplemented!("{now:?}")
    }

    /// Returns when `handle_timeout` is next due, or `None` while nothing is waited for.
    pub fn poll_timeout(&self) -> Option<ServerTime> {
        None
    }

    /// Returns the next thing to carry out, oldest first.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns the room's name.
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Returns whether the room is on air.
    pub const fn state(&self) -> RoomState {
        self.state
    }

    /// Returns why the room ended, once it has.
    pub const fn end_reason(&self) -> Option<EndReason> {
        None
    }

    /// Returns whether a battle fills the screen with two rooms' hosts.
    pub const fn is_in_battle(&self) -> bool {
        false
    }

    /// Returns who is on screen, in drawing order.
    pub fn stage(&self) -> Vec<Performer> {
        unimplemented!()
    }

    /// Returns the room as the list of rooms shows it at `now`.
    pub fn view(&self, now: ServerTime) -> RoomView {
        unimplemented!("{now:?} {}", self.title)
    }
}
