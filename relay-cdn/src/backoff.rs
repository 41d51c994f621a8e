//! How long to wait before trying a target again.
//!
//! 0.5 s, doubling up to 8 s, each shortened by up to a quarter at random, so that the targets of
//! many programs do not all knock at the same moment when a CDN comes back.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);
/// A connection that lived this long was not part of the trouble before it.
const HEALTHY: Duration = Duration::from_secs(3);

/// The waits between attempts to reach one target.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// Takes note of an attempt that failed after being live for `live`, and returns the wait.
    ///
    /// `luck` is random; all of its values are equally likely.
    pub(crate) fn handle_failure(&mut self, live: Duration, luck: u8) -> Duration {
        if live >= HEALTHY {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait - wait * u32::from(luck) / (4 * u32::from(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_LIVE: Duration = Duration::ZERO;

    #[test]
    fn waits_double_to_eight_seconds_and_stay_there() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> =
            (0..7).map(|_| backoff.handle_failure(NOT_LIVE, 0).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    }

    #[test]
    fn three_healthy_seconds_forgive_what_was_before() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.handle_failure(NOT_LIVE, 0);
        }
        let almost = Duration::from_millis(2_999);
        assert_eq!(backoff.handle_failure(almost, 0), LONGEST);
        assert_eq!(backoff.handle_failure(HEALTHY, 0), FIRST);
    }

    #[test]
    fn luck_takes_off_a_quarter_at_most() {
        assert_eq!(Backoff::new().handle_failure(NOT_LIVE, u8::MAX), FIRST * 3 / 4);
    }
}
