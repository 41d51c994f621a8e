//! How often a worker looks at its timers. With many peers somebody's is always due, so they are looked
//! at in even steps. With few hardly ever one is: then to wake up costs more than what is found, and the
//! worker looks when something is due, or when it is awake anyway.

use std::time::Duration;

use media_rules::MediaTime;

use super::upkeep::SWEEP_SHARES;

/// How often timers are looked at while there are many peers, and at most ...
const TICK: Duration = Duration::from_millis(10);
/// ... and by how much earlier if something else is to be done then.
const SLACK: Duration = Duration::from_millis(4);
/// The same for few peers none of whose timers is due.
const CALM: Duration = Duration::from_millis(50);
const CALM_SLACK: Duration = Duration::from_millis(25);

/// Who there is to be looked after.
#[derive(Clone, Copy, Debug)]
pub(super) enum Crowd {
    /// More than are worth asking one by one.
    Many,
    /// So few that it is known when the first of them needs something.
    Few(Option<MediaTime>),
}

/// When timers were looked at.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    looked: MediaTime,
}

impl Rhythm {
    /// Returns when timers are to be looked at next.
    pub(super) fn poll_timeout(&self, crowd: Crowd) -> MediaTime {
        let soonest = self.looked + TICK;
        match crowd {
            Crowd::Many => soonest,
            Crowd::Few(due) => {
                let calm = self.looked + CALM;
                due.map_or(calm, |due| due.max(soonest).min(calm))
            }
        }
    }

    /// Returns how many shares of the peers a worker that is awake looks at, if it is time to. Everybody has
    /// their turn ten times a second, or somewhat more often.
    pub(super) fn handle_turn(&mut self, crowd: Crowd, now: MediaTime) -> Option<usize> {
        let due = self.poll_timeout(crowd);
        let is_calm = due == self.looked + CALM;
        if now + if is_calm { CALM_SLACK } else { SLACK } < due {
            return None;
        }
        let steps = (now.since(self.looked) + TICK / 2).as_nanos() / TICK.as_nanos();
        self.looked = now;
        Some(match crowd {
            Crowd::Many => 1,
            Crowd::Few(_) => usize::try_from(steps).unwrap_or(SWEEP_SHARES).clamp(1, SWEEP_SHARES),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    /// Returns when a worker looks that media wakes every `media` milliseconds, and how many shares it looks
    /// at.
    fn looks(crowd: Crowd, media: u64) -> Vec<(u64, usize)> {
        let mut rhythm = Rhythm { looked: at(1_000) };
        let mut seen = Vec::new();
        let mut now = 1_000;
        while now < 2_000 {
            let due = rhythm.poll_timeout(crowd);
            let wakes = |now: &u64| now.is_multiple_of(media) || at(*now) >= due;
            now = (now + 1..).find(wakes).expect("it wakes some time");
            seen.extend(rhythm.handle_turn(crowd, at(now)).map(|shares| (now, shares)));
        }
        seen
    }

    #[test]
    fn few_peers_at_peace_wake_nobody_whom_media_wakes() {
        let looked = looks(Crowd::Few(None), 20);
        assert!(looked.iter().all(|(now, _)| now % 20 == 0), "{looked:?}");
        let every_share: usize = looked.iter().map(|(_, shares)| shares).sum();
        assert!((98..=104).contains(&every_share), "{every_share} shares in a second");
        let alone = looks(Crowd::Few(None), 10_000);
        assert_eq!(alone.iter().map(|(_, shares)| *shares).collect::<Vec<_>>(), [5; 20]);
    }

    #[test]
    fn what_is_due_is_done_in_time_and_not_all_the_time() {
        let mut rhythm = Rhythm { looked: at(1_000) };
        assert_eq!(
            rhythm.poll_timeout(Crowd::Few(Some(at(900)))),
            at(1_010),
            "it was just looked at"
        );
        assert_eq!(rhythm.poll_timeout(Crowd::Few(Some(at(1_023)))), at(1_023));
        assert_eq!(rhythm.handle_turn(Crowd::Few(Some(at(1_023))), at(1_018)), None);
        assert_eq!(rhythm.handle_turn(Crowd::Few(Some(at(1_023))), at(1_020)), Some(2));
    }

    #[test]
    fn many_are_looked_at_in_even_steps() {
        let looked = looks(Crowd::Many, 10_000);
        assert_eq!(looked.len(), 100);
        assert!(looked.iter().all(|(_, shares)| *shares == 1));
    }
}
