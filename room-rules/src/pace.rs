//! How often: per user for what comes in, per room for totals that go out.

use std::collections::HashMap;
use std::time::Duration;

use crate::{ServerTime, UserId};

/// Lets each user act `burst` times at once and once every `interval` in the long run.
///
/// One instant per user says it all (the generic cell rate algorithm): the moment at which the
/// user's whole burst is available again.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    burst: u32,
    full_at: HashMap<UserId, ServerTime>,
    sweep_len: usize,
}

impl Pace {
    const SWEEP_LEN_MIN: usize = 1_024;

    pub(crate) fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, full_at: HashMap::new(), sweep_len: Self::SWEEP_LEN_MIN }
    }

    /// Counts one act of `user`, or returns false if it comes too soon.
    pub(crate) fn allow(&mut self, user: &UserId, now: ServerTime) -> bool {
        let full_at = self.full_at.get(user).copied().unwrap_or(now).max(now);
        if full_at.since(now) > self.interval * (self.burst - 1) {
            return false;
        }
        self.full_at.insert(user.clone(), full_at + self.interval);
        self.sweep(now);
        true
    }

    /// Forgets users whose burst is whole again: they are as good as new.
    fn sweep(&mut self, now: ServerTime) {
        if self.full_at.len() > self.sweep_len {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_len = (self.full_at.len() * 2).max(Self::SWEEP_LEN_MIN);
        }
    }
}

/// When each user last did something, as far back as it matters.
#[derive(Debug, Default)]
pub(crate) struct LastTime {
    at: HashMap<UserId, ServerTime>,
    sweep_len: usize,
}

impl LastTime {
    /// No span that is asked about is longer.
    const MATTERS_FOR: Duration = Duration::from_secs(300);

    /// Returns whether the user did it at least `span` ago, or never.
    pub(crate) fn is_before(&self, user: &UserId, span: Duration, now: ServerTime) -> bool {
        self.at.get(user).is_none_or(|at| now.since(*at) >= span)
    }

    /// Notes that the user does it now.
    pub(crate) fn note(&mut self, user: &UserId, now: ServerTime) {
        self.at.insert(user.clone(), now);
        if self.at.len() > self.sweep_len.max(Pace::SWEEP_LEN_MIN) {
            self.at.retain(|_, at| now.since(*at) < Self::MATTERS_FOR);
            self.sweep_len = self.at.len() * 2;
        }
    }
}

/// Lets a total out at once if the last one is long enough ago, later otherwise.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    rested_at: Option<ServerTime>,
    due: Option<ServerTime>,
}

impl Throttle {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, rested_at: None, due: None }
    }

    /// Notes that there is something to say.
    pub(crate) fn touch(&mut self, now: ServerTime) {
        let due = self.rested_at.map_or(now, |rested_at| rested_at.max(now));
        self.due.get_or_insert(due);
    }

    /// Returns whether to say it now.
    pub(crate) fn take(&mut self, now: ServerTime) -> bool {
        let is_due = self.due.is_some_and(|due| now >= due);
        if is_due {
            self.due = None;
            self.rested_at = Some(now + self.interval);
        }
        is_due
    }

    /// Notes that it was said in another way.
    pub(crate) const fn clear(&mut self) {
        self.due = None;
    }

    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.due
    }
}
