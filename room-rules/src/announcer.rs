//! Numbers what a room says and queues it for the shell.
//!
//! The queue has no bound of its own: the shell empties it after every call, and one call says a
//! bounded number of things.

use std::collections::{HashMap, VecDeque};

use crate::{
    Effect, Event, EventBody, PeerMessage, RoomId, ServerTime, Stream, UserId, Watermarks,
};

#[derive(Debug, Default)]
pub(crate) struct Announcer {
    effects: VecDeque<Effect>,
    watermarks: Watermarks,
    /// What each user was told alone. Grows with users who bid, buy and claim, as their books do.
    personal: HashMap<UserId, u64>,
}

impl Announcer {
    /// Tells one user.
    #[allow(dead_code, reason = "bids and orders will")]
    pub(crate) fn tell(&mut self, user: &UserId, body: EventBody, at: ServerTime) {
        assert_eq!(body.stream(), Stream::Me, "everybody hears the other streams");
        let sequence = self.personal.entry(user.clone()).or_default();
        *sequence += 1;
        let event = Event { at, sequence: *sequence, body };
        self.effects.push_back(Effect::ToUser { user: user.clone(), event });
    }

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

    /// Takes that the room's process began anew. Chat and totals do not survive that, so their
    /// numbers go on from one that they cannot have reached: fewer than one a millisecond are told.
    pub(crate) fn handle_restart(&mut self, now: ServerTime) {
        for last in [&mut self.watermarks.chat, &mut self.watermarks.react] {
            *last = (*last + 1_000).max(now.unix_millis());
        }
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    pub(crate) const fn watermarks(&self) -> Watermarks {
        self.watermarks
    }
}
