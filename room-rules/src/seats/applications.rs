//! Who asks for a seat, in the order of asking.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::{Member, Rejected, SeatIndex, ServerTime, UserId};

const TTL: Duration = Duration::from_secs(60);
const MAX: usize = 50;

#[derive(Debug, Default)]
pub(crate) struct Applications {
    /// Full: further wishes are turned down.
    waiting: VecDeque<Application>,
}

#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) member: Member,
    /// The seat that was asked for.
    pub(crate) wanted: Option<SeatIndex>,
    until: ServerTime,
}

impl Applications {
    pub(crate) fn add(
        &mut self,
        member: &Member,
        wanted: Option<SeatIndex>,
        now: ServerTime,
    ) -> Result<(), Rejected> {
        if self.waiting.len() >= MAX {
            return Err(Rejected::QueueFull("people who ask for a seat"));
        }
        self.waiting.push_back(Application { member: member.clone(), wanted, until: now + TTL });
        Ok(())
    }

    pub(crate) fn find(&self, user: &UserId) -> Option<&Application> {
        self.waiting.iter().find(|application| application.member.user == *user)
    }

    pub(crate) fn take(&mut self, user: &UserId) -> Option<Application> {
        let at = self.waiting.iter().position(|one| one.member.user == *user)?;
        self.waiting.remove(at)
    }

    /// Takes the next wish that nobody answered in time.
    pub(crate) fn take_late(&mut self, now: ServerTime) -> Option<Application> {
        self.waiting.pop_front_if(|next| now >= next.until)
    }

    /// Returns when the next one has waited too long; all wait equally long.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.waiting.front().map(|next| next.until)
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn views(&self) -> Vec<SeatWish> {
        let view = |application: &Application| SeatWish {
            user: application.member.user.clone(),
            name: application.member.name.clone(),
            wanted: application.wanted,
            until: application.until,
        };
        self.waiting.iter().map(view).collect()
    }

    pub(crate) fn check(&self) {
        assert!(self.waiting.len() <= MAX);
        assert!(self.waiting.iter().is_sorted_by_key(|one| one.until));
    }
}

/// A wish for a seat that waits for an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeatWish {
    /// Who asks.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// The seat they asked for, if for one.
    pub wanted: Option<SeatIndex>,
    /// The wish is forgotten then.
    pub until: ServerTime,
}
