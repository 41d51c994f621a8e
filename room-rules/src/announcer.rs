//! Numbers what a room says and queues it for the shell.
//!
//! The queue has no bound of its own: the shell empties it after every call, and one call says a
//! bounded number of things.

use std::collections::VecDeque;

use crate::{Effect, Event, EventBody, PeerMessage, RoomId, ServerTime, Watermarks};

#[derive(Debug, Default)]
pub(crate) struct Announcer {
    effects: VecDeque<Effect>,
    watermarks: Watermarks,
}

impl Announcer {
    /// Tells everyone.
    pub(crate) fn broadcast(&mut self, body: EventBody, at: ServerTime) {
        let sequence = self.watermarks.advance(body.stream());
        self.effects.push_back(Effect::Broadcast(Event { at, sequence, body }));
    }

    /// Tells another room.
    pub(crate) fn post(&mut self, room: &RoomId, message: PeerMessage) {
        self.effects.push_back(Effect::ToRoom { room: room.clone(), message });
    }

    /// Tells the shell.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    pub(crate) const fn watermarks(&self) -> Watermarks {
        self.watermarks
    }
}
