//! The sessions of one room, by whatever carrier they came.

use std::collections::HashMap;

use room_rules::{Member, SessionId, UserId};
use signaling::{Ending, Outbox, Text};
use wire_format::Lane;

use crate::gauge::Counted;

/// Where each session takes its messages.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: HashMap<SessionId, Session>,
    /// A rush of orders is answered user by user, which must not take a look at everybody each time.
    by_user: HashMap<UserId, Vec<SessionId>>,
}

#[derive(Debug)]
struct Session {
    member: Member,
    outbox: Outbox,
    _counted: Counted,
}

impl Sessions {
    /// Enters a session; one that is there already gets its new outbox.
    pub(crate) fn insert(&mut self, session: SessionId, member: Member, outbox: Outbox) {
        self.remove(session);
        self.by_user.entry(member.user.clone()).or_default().push(session);
        let counted = Counted::new("server_members");
        self.all.insert(session, Session { member, outbox, _counted: counted });
    }

    /// Takes a session out; an unknown one is ignored.
    pub(crate) fn remove(&mut self, session: SessionId) {
        let Some(gone) = self.all.remove(&session) else { return };
        let theirs = self.by_user.get_mut(&gone.member.user).expect("every session has a user");
        theirs.retain(|id| *id != session);
        if theirs.is_empty() {
            self.by_user.remove(&gone.member.user);
        }
    }

    /// Returns the outbox of `session`.
    pub(crate) fn outbox(&self, session: SessionId) -> Option<&Outbox> {
        self.all.get(&session).map(|session| &session.outbox)
    }

    /// Puts one message, encoded once, into every outbox.
    pub(crate) fn push_all(&self, lane: Lane, text: &Text) {
        self.push_to(lane, text, |_| true);
    }

    /// Puts one message into the outboxes of one user.
    pub(crate) fn push_user(&self, lane: Lane, user: &UserId, text: &Text) {
        for session in self.by_user.get(user).into_iter().flatten() {
            self.all[session].outbox.push(lane, text.clone());
        }
    }

    /// Puts one message, encoded once, into the outboxes of those whom it concerns.
    pub(crate) fn push_to(&self, lane: Lane, text: &Text, concerns: impl Fn(&Member) -> bool) {
        for session in self.all.values().filter(|session| concerns(&session.member)) {
            session.outbox.push(lane, text.clone());
        }
    }

    /// Ends all sessions once what was pushed is delivered.
    pub(crate) fn end_all(&self, ending: Ending) {
        for session in self.all.values() {
            session.outbox.end(ending);
        }
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
