//! The last packets of one stream, shared by everybody who is sent it.
//!
//! Packets lie in the order in which they arrived, each at a position that only grows. A viewer
//! keeps a cursor into the log instead of a queue of its own, so a thousand viewers that are behind
//! cost a thousand numbers. The same packets answer requests for what got lost, by sequence number.

use std::time::Duration;

use crate::MediaTime;

/// A ring of packets. `P` is whatever the caller keeps a packet in.
#[derive(Debug)]
pub struct Log<P> {
    /// By position modulo the capacity. Full: the oldest packet makes room.
    entries: Box<[Option<Entry<P>>]>,
    /// By sequence number modulo the capacity: the position of its newest packet.
    positions: Box<[u64]>,
    end: u64,
    max_age: Duration,
}

impl<P> Log<P> {
    /// Keeps up to `capacity` packets, each for repairs of up to `max_age`.
    ///
    /// # Panics
    ///
    /// Panics unless `capacity` is a power of two of at most 32768.
    pub fn new(capacity: usize, max_age: Duration) -> Self {
        assert!(capacity.is_power_of_two() && capacity <= 0x8000, "no ring of {capacity} slots");
        Self {
            entries: std::iter::repeat_with(|| None).take(capacity).collect(),
            positions: vec![u64::MAX; capacity].into(),
            end: 0,
            max_age,
        }
    }

    /// Appends a packet. The caller has seen to it that no number comes twice.
    pub fn push(&mut self, sequence: u16, packet: P, now: MediaTime) {
        let mask = self.entries.len() - 1;
        self.positions[usize::from(sequence) & mask] = self.end;
        let slot = self.slot(self.end);
        self.entries[slot] = Some(Entry { sequence, arrived: now, packet });
        self.end += 1;
    }

    /// Returns the position of the oldest packet that is still here.
    pub fn begin(&self) -> u64 {
        self.end.saturating_sub(self.entries.len() as u64)
    }

    /// Returns the position that the next packet will have.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Returns the packet at `position`, `None` if it has made room or is yet to come.
    pub fn at(&self, position: u64) -> Option<&P> {
        let is_here = (self.begin()..self.end).contains(&position);
        let entry = self.entries[self.slot(position)].as_ref().filter(|_| is_here)?;
        Some(&entry.packet)
    }

    /// Returns the packet numbered `sequence` if it is here and not too old to be of use.
    pub fn by_sequence(&self, sequence: u16, now: MediaTime) -> Option<&P> {
        let position = self.positions[usize::from(sequence) & (self.entries.len() - 1)];
        let entry = self.entries[self.slot(position)].as_ref()?;
        (entry.sequence == sequence && now.since(entry.arrived) <= self.max_age)
            .then_some(&entry.packet)
    }

    /// The capacity is a power of two, so this holds for the position that stands for none, too.
    const fn slot(&self, position: u64) -> usize {
        (position & (self.entries.len() as u64 - 1)) as usize
    }
}

/// One remembered packet.
#[derive(Debug)]
struct Entry<P> {
    sequence: u16,
    arrived: MediaTime,
    packet: P,
}
