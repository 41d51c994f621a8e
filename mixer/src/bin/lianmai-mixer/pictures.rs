//! Decoded pictures of one feed that wait for their moment, and the one that is on screen.

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::MediaTime;

/// Pictures that may wait. Full: the oldest comes on screen early, so a feed whose clock is wrong
/// is still seen.
const CAPACITY: usize = 8;

/// A feed without a new picture for this long is no longer shown frozen.
const STALL: Duration = Duration::from_millis(1_500);

/// Whether there is something of a feed to show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sight {
    /// Nothing was ever decoded.
    Waiting,
    /// Its newest picture is fresh, or at least not old.
    Live,
    /// Its newest picture is so old that it would pass for a broken program.
    Stalled,
}

/// The pictures of one feed.
#[derive(Debug)]
pub(crate) struct Pictures<T> {
    waiting: VecDeque<(MediaTime, T)>,
    shown: Option<T>,
    shown_since: MediaTime,
    /// Older ones only help to decode later ones.
    first: MediaTime,
}

impl<T> Default for Pictures<T> {
    fn default() -> Self {
        let (shown_since, first) = (MediaTime::default(), MediaTime::default());
        Self { waiting: VecDeque::new(), shown: None, shown_since, first }
    }
}

impl<T> Pictures<T> {
    /// Forgets every picture, and begins again with that of `first`.
    pub(crate) fn restart(&mut self, first: MediaTime) {
        *self = Self { first, ..Self::default() };
    }

    /// Takes a picture that is due at `at`.
    pub(crate) fn handle_picture(&mut self, at: MediaTime, picture: T, now: MediaTime) {
        if at < self.first {
            return;
        }
        self.waiting.push_back((at, picture));
        if self.waiting.len() > CAPACITY {
            self.show_next(now);
        }
    }

    /// Brings on screen what is due by `due` and returns it.
    pub(crate) fn advance(&mut self, due: MediaTime, now: MediaTime) -> Option<&T> {
        while self.waiting.front().is_some_and(|(at, _)| *at <= due) {
            self.show_next(now);
        }
        self.shown.as_ref()
    }

    /// Returns whether there is something to show.
    pub(crate) fn sight(&self, now: MediaTime) -> Sight {
        if self.shown.is_none() {
            Sight::Waiting
        } else if now.since(self.shown_since) < STALL {
            Sight::Live
        } else {
            Sight::Stalled
        }
    }

    fn show_next(&mut self, now: MediaTime) {
        if let Some((_, picture)) = self.waiting.pop_front() {
            self.shown = Some(picture);
            self.shown_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn the_newest_due_picture_is_shown_and_stays() {
        let mut pictures = Pictures::default();
        assert_eq!(pictures.advance(at(100), at(100)), None);
        for millis in [100, 133, 166] {
            pictures.handle_picture(at(millis), millis, at(90));
        }
        assert_eq!(pictures.advance(at(99), at(99)), None);
        assert_eq!(pictures.advance(at(140), at(140)), Some(&133));
        assert_eq!(pictures.advance(at(150), at(150)), Some(&133));
    }

    #[test]
    fn a_feed_freezes_for_a_second_and_a_half_and_is_stalled_then() {
        let mut pictures = Pictures::default();
        assert_eq!(pictures.sight(at(0)), Sight::Waiting);
        pictures.handle_picture(at(100), 1, at(90));
        pictures.advance(at(100), at(100));
        assert_eq!(pictures.sight(at(1_599)), Sight::Live);
        assert_eq!(pictures.sight(at(1_600)), Sight::Stalled);

        pictures.handle_picture(at(1_700), 2, at(1_690));
        pictures.advance(at(1_700), at(1_700));
        assert_eq!(pictures.sight(at(1_700)), Sight::Live);
    }

    #[test]
    fn what_was_decoded_to_catch_up_is_not_shown() {
        let mut pictures = Pictures::default();
        pictures.handle_picture(at(100), 100, at(100));
        pictures.advance(at(100), at(100));
        pictures.restart(at(166));
        assert_eq!(pictures.sight(at(170)), Sight::Waiting);
        for millis in [100, 133, 166] {
            pictures.handle_picture(at(millis), millis, at(170));
        }
        assert_eq!(pictures.advance(at(170), at(170)), Some(&166));
    }

    #[test]
    fn pictures_from_a_wrong_clock_are_shown_anyway() {
        let mut pictures = Pictures::default();
        for count in 0..20 {
            pictures.handle_picture(at(1_000_000 + count), count, at(count));
        }
        assert_eq!(pictures.advance(at(20), at(20)), Some(&11));
    }
}
