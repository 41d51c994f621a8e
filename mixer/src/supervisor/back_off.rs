//! How long to wait before a dead mixer is started again. The first death is answered at once: a
//! viewer must see pictures again within a second. Deaths in a row wait longer and longer, so that
//! a process that cannot live does not eat the machine.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(4);

/// A process that lived this long starts a new series.
const GOOD_LIFE: Duration = Duration::from_secs(10);

/// Counts deaths in a row.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    last: Option<Duration>,
}

impl BackOff {
    /// Returns the pause after the death of a process that lived for `life`.
    pub(super) fn handle_death(&mut self, life: Duration) -> Duration {
        let pause = match self.last {
            Some(last) if life < GOOD_LIFE => (last * 4).min(LONGEST),
            Some(_) | None => FIRST,
        };
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_death_is_answered_at_once_and_a_series_is_slowed_down() {
        let mut back_off = BackOff::default();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            pauses.push(back_off.handle_death(Duration::from_millis(100)).as_millis());
        }
        assert_eq!(pauses, [20, 80, 320, 1_280, 4_000, 4_000]);

        assert_eq!(back_off.handle_death(GOOD_LIFE), FIRST);
    }
}
