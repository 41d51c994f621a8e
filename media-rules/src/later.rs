//! What is to be done a little later: a small queue by time. Empty it costs nothing, which is its
//! state for everybody whose network is good.

use std::collections::BTreeMap;

use crate::MediaTime;

/// Items by the time they are due; those of one time in the order they came.
#[derive(Debug)]
pub struct Later<T> {
    /// By due time and number. Full: a new item is refused, so the caller can count it.
    items: BTreeMap<(MediaTime, u64), T>,
    capacity: usize,
    next_number: u64,
}

impl<T> Later<T> {
    /// Holds up to `capacity` items.
    pub const fn new(capacity: usize) -> Self {
        Self { items: BTreeMap::new(), capacity, next_number: 0 }
    }

    /// Keeps `item` until `due`. Returns whether there was room.
    pub fn push(&mut self, due: MediaTime, item: T) -> bool {
        let has_room = self.items.len() < self.capacity;
        if has_room {
            self.items.insert((due, self.next_number), item);
            self.next_number += 1;
        }
        has_room
    }

    /// Returns an item that is due.
    pub fn poll(&mut self, now: MediaTime) -> Option<T> {
        self.poll_timeout().filter(|due| *due <= now)?;
        self.items.pop_first().map(|(_, item)| item)
    }

    /// Returns when the next item is due.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        self.items.first_key_value().map(|((due, _), _)| *due)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Drops what waits.
    pub fn clear(&mut self) {
        self.items.clear();
    }
}
