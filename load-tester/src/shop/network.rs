//! The networks that shoppers sit behind: what each message is held back by, and in what order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A kind of access network. Times are one way, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    /// What people call it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the table below"))]
    name: &'static str,
    /// Shoppers of a hundred that have it.
    share: u32,
    /// The least that a message takes.
    base_ms: f64,
    /// What the way up takes longer than the way down.
    up_ms: f64,
    /// Mean of what comes on top, exponentially distributed.
    jitter_ms: f64,
    /// Messages of a hundred that a lost segment holds up, and for how long.
    stalls: (f64, f64),
}

/// An assumed mix: fibre, home wireless, mobile, and those who are badly off.
pub(crate) const CLASSES: [Class; 4] = [
    Class {
        name: "fibre",
        share: 30,
        base_ms: 6.0,
        up_ms: 0.0,
        jitter_ms: 0.5,
        stalls: (0.1, 20.0),
    },
    Class {
        name: "wifi",
        share: 40,
        base_ms: 12.0,
        up_ms: 1.0,
        jitter_ms: 4.0,
        stalls: (2.0, 60.0),
    },
    Class {
        name: "mobile",
        share: 25,
        base_ms: 30.0,
        up_ms: 8.0,
        jitter_ms: 10.0,
        stalls: (3.0, 120.0),
    },
    Class {
        name: "weak",
        share: 5,
        base_ms: 80.0,
        up_ms: 30.0,
        jitter_ms: 40.0,
        stalls: (5.0, 400.0),
    },
];

impl Class {
    /// Returns the class of shopper `number`, so that any hundred in a row have the whole mix.
    pub(crate) fn of(number: usize) -> Self {
        // 37 and 100 have no common divisor: neighbours differ, and a hundred in a row are dealt out exactly.
        let mut place = (number * 37 % 100) as u32;
        for class in CLASSES {
            if place < class.share {
                return class;
            }
            place -= class.share;
        }
        unreachable!("the shares add up to a hundred")
    }

    fn delay(&self, way: Way) -> Duration {
        let jitter = -self.jitter_ms * (1.0 - fastrand::f64()).ln();
        let up = if way == Way::Up { self.up_ms } else { 0.0 };
        let (percent, stall_ms) = self.stalls;
        let stall = if fastrand::f64() * 100.0 < percent { stall_ms } else { 0.0 };
        Duration::from_secs_f64((self.base_ms + up + jitter + stall) / 1_000.0)
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// To the server.
    Up,
    /// From it.
    Down,
}

/// Messages under way in one direction of a TCP connection: none overtakes another.
#[derive(Debug)]
pub(crate) struct Line<T> {
    way: Way,
    waiting: VecDeque<(Instant, T)>,
    last_due: Option<Instant>,
}

impl<T> Line<T> {
    pub(crate) const fn new(way: Way) -> Self {
        Self { way, waiting: VecDeque::new(), last_due: None }
    }

    /// Sends `message` off at `now` through `class`'s network.
    pub(crate) fn push(&mut self, message: T, class: &Class, now: Instant) {
        let mut due = now + class.delay(self.way);
        if let Some(last) = self.last_due {
            due = due.max(last);
        }
        self.last_due = Some(due);
        self.waiting.push_back((due, message));
    }

    /// Returns when the next message arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// Takes the next message that has arrived by `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        (self.due()? <= now).then(|| self.waiting.pop_front().map(|(_, message)| message))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_in_a_row_have_the_whole_mix() {
        for class in CLASSES {
            let have = (250..350).filter(|number| Class::of(*number).name == class.name).count();
            assert_eq!(have, class.share as usize, "{}", class.name);
        }
    }

    #[test]
    fn nothing_overtakes_and_nothing_is_early() {
        let (weak, start) = (CLASSES[3], Instant::now());
        let mut line = Line::new(Way::Up);
        for number in 0..200 {
            line.push(number, &weak, start);
        }
        assert_eq!(line.pop(start + Duration::from_millis(109)), None, "a way up takes 110 ms");
        let late = start + Duration::from_secs(60);
        let order: Vec<i32> = std::iter::from_fn(|| line.pop(late)).collect();
        assert_eq!(order, (0..200).collect::<Vec<_>>());
    }
}
