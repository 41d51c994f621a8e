//! How fast members may enter a room. A show that is announced to a million fills in a second; what
//! is above the pace waits its turn a little while, and what would wait longer is told when to come
//! back. The surprise: nothing is queued here. Each newcomer is told their own time and sleeps, and
//! those who are to come back are told one time after the other, so that they do not meet again.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// One more member may enter every so often.
const EVERY: Duration = Duration::from_millis(5);
/// So many may enter at once.
const AT_ONCE: u32 = 200;
/// Nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(3);
/// Nobody is sent away for longer than this. Who comes when that many are away already is told so too
/// and finds others at the door again; the last ones are in after as long as the pace takes for all.
const AWAY_MAX: Duration = Duration::from_secs(30);

/// The door of one room.
#[derive(Debug)]
pub(crate) struct Admission {
    door: Mutex<Door>,
}

#[derive(Debug)]
struct Door {
    /// When the last place that was given away would have been the first of a burst again.
    full_at: Instant,
    /// When the last of those who were sent away is to be back.
    back_at: Instant,
}

impl Admission {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { door: Mutex::new(Door { full_at: now, back_at: now }) }
    }

    /// Gives the next place away: how long until it is there, or, if that is too long, after how
    /// long to ask again.
    pub(crate) fn reserve(&self, now: Instant) -> Result<Duration, Duration> {
        let mut door = self.door.lock().expect("no panic happens while this is locked");
        let next = door.full_at.max(now) + EVERY;
        let wait = next.duration_since(now).saturating_sub(EVERY * AT_ONCE);
        if wait <= PATIENCE {
            door.full_at = next;
            return Ok(wait);
        }
        // By then those who wait are in, and one more may enter at each of these times.
        let back_at = door.back_at.max(now + PATIENCE) + EVERY;
        let away = back_at.duration_since(now);
        if away > AWAY_MAX {
            return Err(AWAY_MAX);
        }
        door.back_at = back_at;
        Err(away)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

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

    #[test]
    fn five_thousand_who_come_back_when_told_are_in_as_fast_as_the_pace_allows() {
        let storm = storm(5_000);

        assert_eq!(storm.turned_away_most, 1, "nobody is sent away twice");
        let by_pace = EVERY * (5_000 - AT_ONCE);
        assert!(storm.all_in >= by_pace, "{:?}", storm.all_in);
        assert!(storm.all_in <= by_pace + Duration::from_secs(1), "{:?}", storm.all_in);
    }

    #[test]
    fn of_forty_thousand_everybody_gets_in() {
        let storm = storm(40_000);

        assert!(storm.turned_away_most <= 10, "{} times", storm.turned_away_most);
        let by_pace = EVERY * (40_000 - AT_ONCE);
        assert!(storm.all_in <= by_pace * 5 / 4, "{:?} instead of {by_pace:?}", storm.all_in);
    }

    struct Storm {
        /// When the last one was in.
        all_in: Duration,
        /// How often somebody was sent away.
        turned_away_most: u32,
    }

    /// Lets `count` come within a tenth of a second, and again whenever they are told to, each a few
    /// milliseconds late.
    fn storm(count: u64) -> Storm {
        let (door, start) = (Admission::new(), Instant::now());
        let mut coming: BinaryHeap<_> = (0..count)
            .map(|number| {
                Reverse((start + Duration::from_micros(number * 100_000 / count), number))
            })
            .collect();
        let mut turned_away = vec![0; usize::try_from(count).expect("it fits")];
        let mut all_in = Duration::ZERO;
        while let Some(Reverse((now, number))) = coming.pop() {
            match door.reserve(now) {
                Ok(wait) => all_in = all_in.max(now + wait - start),
                Err(away) => {
                    turned_away[usize::try_from(number).expect("it fits")] += 1;
                    let late = Duration::from_millis(number * 7_919 % 20);
                    coming.push(Reverse((now + away + late, number)));
                }
            }
        }
        Storm { all_in, turned_away_most: turned_away.into_iter().max().expect("there are some") }
    }
}
