//! The sessions of one room, by whatever carrier they came.

use std::collections::HashMap;

use room_rules::{Member, SessionId};
use signaling::{Ending, Outbox, Text};
use wire_format::Lane;

use crate::gauge::Counted;

/// Where each session takes its messages.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<SessionId, Session>);

#[derive(Debug)]
struct Session {
    member: Member,
    outbox: Outbox,
    _counted: Counted,
}

impl Sessions {
    /// Enters a session; one that is there already gets its new outbox.
    pub(crate) fn insert(&mut self, session: SessionId, member: Member, outbox: Outbox) {
        let counted = Counted::new("server_members");
        self.0.insert(session, Session { member, outbox, _counted: counted });
    }

    /// Takes a session out; an unknown one is ignored.
    pub(crate) fn remove(&mut self, session: SessionId) {
        self.0.remove(&session);
    }

    /// Returns the outbox of `session`.
    pub(crate) fn outbox(&self, session: SessionId) -> Option<&Outbox> {
        self.0.get(&session).map(|session| &session.outbox)
    }

    /// Puts one message, encoded once, into every outbox.
    pub(crate) fn push_all(&self, lane: Lane, text: &Text) {
        self.push_to(lane, text, |_| true);
    }

    /// Puts one message, encoded once, into the outboxes of those whom it concerns.
    pub(crate) fn push_to(&self, lane: Lane, text: &Text, concerns: impl Fn(&Member) -> bool) {
        for session in self.0.values().filter(|session| concerns(&session.member)) {
            session.outbox.push(lane, text.clone());
        }
    }

    /// Ends all sessions once what was pushed is delivered.
    pub(crate) fn end_all(&self, ending: Ending) {
        for session in self.0.values() {
            session.outbox.end(ending);
        }
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
