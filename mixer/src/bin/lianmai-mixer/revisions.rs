//! Remembers which scene each picture in the encoder shows, because an encoder passes on nothing
//! but a picture's time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use media_rules::MediaTime;

/// Pictures that are remembered. The encoder holds a handful; more are those that it never gave back.
const CAPACITY: usize = 64;

/// The scenes of the pictures in the encoder, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Revisions(Mutex<VecDeque<(MediaTime, u64)>>);

impl Revisions {
    /// Notes that the picture of `at` shows the scene `revision`.
    pub(crate) fn note(&self, at: MediaTime, revision: u64) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push_back((at, revision));
        if noted.len() > CAPACITY {
            noted.pop_front();
        }
    }

    /// Returns which scene the picture of `at` shows and forgets those before it; encoders return
    /// pictures in order. They may round a time, so the nearest earlier picture counts.
    pub(crate) fn take(&self, at: MediaTime) -> u64 {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = noted.iter().take_while(|(noted, _)| *noted <= at).count();
        noted.drain(..count).next_back().map_or(0, |(_, revision)| revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn a_picture_shows_the_scene_it_was_drawn_with() {
        let revisions = Revisions::default();
        for (millis, revision) in [(0, 1), (33, 1), (66, 2), (99, 3)] {
            revisions.note(at(millis), revision);
        }
        assert_eq!(revisions.take(at(0)), 1);
        assert_eq!(revisions.take(at(66)), 2, "although the encoder left one out");
        assert_eq!(revisions.take(at(99)), 3);
        assert_eq!(revisions.take(at(133)), 0, "nothing is known of it");
    }

    #[test]
    fn an_encoder_that_returns_nothing_costs_no_memory() {
        let revisions = Revisions::default();
        for millis in 0..1_000 {
            revisions.note(at(millis), millis);
        }
        assert_eq!(revisions.0.lock().unwrap().len(), CAPACITY);
        assert_eq!(revisions.take(at(999)), 999);
    }
}
