//! When a letter that needs an answer is written again.

use std::time::Duration;

use crate::ServerTime;

/// Within the time that a battle waits for the last totals, so that one lost letter costs nobody a gift.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_millis(3_200);

/// The time of the next repetition; each waits twice as long as the one before it.
#[derive(Debug, Default)]
pub(crate) struct Resend {
    at: Option<ServerTime>,
    wait: Duration,
}

impl Resend {
    /// Takes that something new was written.
    pub(crate) fn start(&mut self, now: ServerTime) {
        self.wait = FIRST;
        self.at = Some(now + FIRST);
    }

    /// Takes that there is nothing to wait for.
    pub(crate) const fn stop(&mut self) {
        self.at = None;
    }

    /// Returns whether to write again now.
    pub(crate) fn take(&mut self, now: ServerTime) -> bool {
        let is_due = self.at.is_some_and(|at| now >= at);
        if is_due {
            self.wait = (self.wait * 2).min(LONGEST);
            self.at = Some(now + self.wait);
        }
        is_due
    }

    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.at
    }
}
