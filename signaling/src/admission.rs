//! How fast members may enter a room. A show that is announced to a million fills in a second; what
//! is above the pace waits its turn a little while, and what would wait longer is told when to come
//! back. The surprise: nothing is queued here, each newcomer is told their own time and sleeps.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// One more member may enter every so often.
const EVERY: Duration = Duration::from_millis(5);
/// So many may enter at once.
const AT_ONCE: u32 = 200;
/// Nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

/// The door of one room.
#[derive(Debug)]
pub(crate) struct Admission {
    /// When the last place that was given away would have been the first of a burst again.
    full_at: Mutex<Instant>,
}

impl Admission {
    pub(crate) fn new() -> Self {
        Self { full_at: Mutex::new(Instant::now()) }
    }

    /// Gives the next place away: how long until it is there, or, if that is too long, after how
    /// long it is worth to ask again.
    pub(crate) fn reserve(&self, now: Instant) -> Result<Duration, Duration> {
        let mut full_at = self.full_at.lock().expect("no panic happens while this is locked");
        let next = (*full_at).max(now) + EVERY;
        let wait = next.duration_since(now).saturating_sub(EVERY * AT_ONCE);
        if wait > PATIENCE {
            return Err(wait);
        }
        *full_at = next;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_enter_at_once_then_two_hundred_a_second_and_nobody_waits_over_three_seconds() {
        let (door, start) = (Admission::new(), Instant::now());
        let places: Vec<_> = (0..2_000).map(|_| door.reserve(start)).collect();
        let waits: Vec<_> = places.iter().filter_map(|place| place.ok()).collect();

        assert_eq!(waits.len(), 800, "a burst and three seconds of 200");
        assert!(waits[..200].iter().all(Duration::is_zero));
        assert_eq!(waits[399], Duration::from_secs(1));
        assert!(waits.is_sorted() && waits[799] <= PATIENCE);
        assert!(places[800..].iter().all(|place| place.is_err_and(|retry| retry > PATIENCE)));

        // Who was turned down has taken no place.
        assert_eq!(door.reserve(start + Duration::from_secs(4)), Ok(Duration::ZERO));
    }
}
