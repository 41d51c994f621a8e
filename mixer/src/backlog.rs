//! A bounded queue for one side of the link. When it is full the oldest picture goes, then the
//! oldest sound: a viewer forgives a frozen picture long before a hole in the voice.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How dear an item is when the queue is full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// Dropped first.
    Picture,
    /// Dropped when there is no picture to drop.
    Sound,
    /// Never dropped; rare by nature (scenes, requests).
    Control,
}

/// A bounded queue between one side that must not wait and one that may.
#[derive(Debug)]
pub(crate) struct Backlog<T> {
    /// Full: see [`Weight`].
    queue: Mutex<VecDeque<(Weight, T)>>,
    capacity: usize,
}

impl<T> Backlog<T> {
    /// Creates a queue for `capacity` items; control items may exceed it.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { queue: Mutex::default(), capacity }
    }

    /// Adds an item without waiting; returns what had to go to make room, which may be `item`.
    pub(crate) fn push(&self, weight: Weight, item: T) -> Option<T> {
        let mut queue = self.queue();
        queue.push_back((weight, item));
        if queue.len() > self.capacity { drop_cheapest(&mut queue) } else { None }
    }

    /// Drops every waiting item of `weight`; returns how many there were.
    pub(crate) fn drop_all(&self, weight: Weight) -> usize {
        let mut queue = self.queue();
        let before = queue.len();
        queue.retain(|(of, _)| *of != weight);
        before - queue.len()
    }

    /// Takes everything there is.
    pub(crate) fn take(&self) -> VecDeque<(Weight, T)> {
        std::mem::take(&mut *self.queue())
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(Weight, T)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_cheapest<T>(queue: &mut VecDeque<(Weight, T)>) -> Option<T> {
    let oldest = |wanted| queue.iter().position(|(weight, _)| *weight == wanted);
    let index = oldest(Weight::Picture).or_else(|| oldest(Weight::Sound))?;
    queue.remove(index).map(|(_, item)| item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken<T>(backlog: &Backlog<T>) -> Vec<T> {
        backlog.take().into_iter().map(|(_, item)| item).collect()
    }

    #[test]
    fn the_oldest_picture_goes_before_any_sound() {
        let backlog = Backlog::new(3);
        assert_eq!(backlog.push(Weight::Sound, 1), None);
        assert_eq!(backlog.push(Weight::Picture, 2), None);
        assert_eq!(backlog.push(Weight::Picture, 3), None);

        assert_eq!(backlog.push(Weight::Sound, 4), Some(2));
        assert_eq!(backlog.push(Weight::Sound, 5), Some(3));
        assert_eq!(backlog.push(Weight::Sound, 6), Some(1));
        assert_eq!(taken(&backlog), [4, 5, 6]);
    }

    #[test]
    fn one_weight_can_be_dropped_without_the_others() {
        let backlog = Backlog::new(8);
        for (weight, item) in [(Weight::Picture, 1), (Weight::Sound, 2), (Weight::Picture, 3)] {
            backlog.push(weight, item);
        }
        assert_eq!(backlog.drop_all(Weight::Picture), 2);
        assert_eq!(taken(&backlog), [2]);
    }

    #[test]
    fn control_is_never_dropped() {
        let backlog = Backlog::new(1);
        assert_eq!(backlog.push(Weight::Control, 1), None);
        assert_eq!(backlog.push(Weight::Control, 2), None);
        assert_eq!(backlog.push(Weight::Picture, 3), Some(3));
        assert_eq!(taken(&backlog), [1, 2]);
    }
}
