//! Decides when a process has been silent for too long. Only time during which somebody was looking
//! counts: a server that was itself held up (stopped, swapped out, a paused machine) finds every
//! mixer silent and none of them to blame.

use std::time::{Duration, Instant};

/// Most of the time between two looks that counts as looking.
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// What is left of the patience with one process.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    looked: Instant,
}

impl Patience {
    /// Waits for the first sign of life.
    pub(super) const fn new(patience: Duration, now: Instant) -> Self {
        Self { left: patience, looked: now }
    }

    /// Takes a sign of life; the next one may take as long as `patience`.
    pub(super) const fn handle_life(&mut self, patience: Duration) {
        self.left = patience;
    }

    /// Returns whether the silence has lasted too long.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let watched = now.duration_since(self.looked).min(LONGEST_LOOK);
        self.looked = now;
        self.left = self.left.saturating_sub(watched);
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3);

    #[test]
    fn three_seconds_of_watched_silence_are_too_much() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut patience = Patience::new(PATIENCE, start);
        assert!((1..30).all(|look| !patience.is_over(at(look * 100))));
        assert!(patience.is_over(at(3_000)));

        patience.handle_life(PATIENCE);
        assert!(!patience.is_over(at(3_100)));
    }

    #[test]
    fn a_watcher_that_was_away_itself_looks_again_first() {
        let start = Instant::now();
        let mut patience = Patience::new(PATIENCE, start);
        assert!(!patience.is_over(start + Duration::from_secs(60)));
    }
}
