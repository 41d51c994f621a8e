//! Numbers what a room says and queues it for the shell.
//!
//! The queue has no bound of its own: the shell empties it after every call, and one call says a
//! bounded number of things.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::{
    Effect, Event, EventBody, PeerMessage, RoomId, ServerTime, Stream, UserId, Watermarks,
};

/// How long a user who was away can still hear what they were told alone.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// How much of it. Full: the oldest is forgotten.
const KEPT: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Announcer {
    effects: VecDeque<Effect>,
    watermarks: Watermarks,
    /// What each user was told alone. Grows with users who bid, buy and claim, as their books do.
    personal: HashMap<UserId, Personal>,
}

impl Announcer {
    /// Tells one user.
    pub(crate) fn tell(&mut self, user: &UserId, body: EventBody, at: ServerTime) {
        assert_eq!(body.stream(), Stream::Me, "everybody hears the other streams");
        let personal = self.personal.entry(user.clone()).or_default();
        personal.told += 1;
        let event = Event { at, sequence: personal.told, body };
        personal.keep(event.clone(), at);
        self.effects.push_back(Effect::ToUser { user: user.clone(), event });
    }

    /// Returns what a user was told in the last ten minutes, after number `after`, and has not
    /// acknowledged.
    pub(crate) fn personal(
        &self,
        user: &UserId,
        after: u64,
        now: ServerTime,
    ) -> impl Iterator<Item = &Event> {
        let kept = self.personal.get(user).into_iter().flat_map(|personal| &personal.kept);
        kept.filter(move |event| event.sequence > after && now.since(event.at) <= KEPT_FOR)
    }

    /// Forgets what a user says has arrived.
    pub(crate) fn handle_personal_ack(&mut self, user: &UserId, up_to: u64) {
        if let Some(personal) = self.personal.get_mut(user) {
            personal.kept.retain(|event| event.sequence > up_to);
        }
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

/// What one user was told alone.
#[derive(Debug, Default)]
struct Personal {
    told: u64,
    /// The last of it, oldest first.
    kept: VecDeque<Event>,
}

impl Personal {
    fn keep(&mut self, event: Event, now: ServerTime) {
        self.kept.push_back(event);
        while self.kept.len() > KEPT
            || self.kept.front().is_some_and(|oldest| now.since(oldest.at) > KEPT_FOR)
        {
            self.kept.pop_front();
        }
    }
}
