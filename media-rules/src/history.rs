//! The last packets of one publisher's track, so that any viewer's loss can be repaired.
//!
//! One history serves all viewers of a track; each viewer's [`Splice`](crate::Splice) says which
//! packet its number stood for. A slot is found by sequence number alone, so a lookup costs the
//! same whatever is lost.

use std::time::Duration;

use bytes::Bytes;

use crate::{MediaTime, SequenceUnwrapper};

/// A ring of packets by sequence number. `P` is whatever the caller keeps a packet in.
#[derive(Debug)]
pub struct History<P = Bytes> {
    /// One slot per sequence number modulo the capacity. Full: the newer packet takes the slot.
    slots: Box<[Option<Slot<P>>]>,
    unwrapper: SequenceUnwrapper,
    max_age: Duration,
}

impl<P> History<P> {
    /// Keeps up to `capacity` packets, each for up to `max_age`.
    ///
    /// # Panics
    ///
    /// Panics unless `capacity` is a power of two of at most 32768.
    pub fn new(capacity: usize, max_age: Duration) -> Self {
        assert!(capacity.is_power_of_two() && capacity <= 0x8000, "no ring of {capacity} slots");
        Self {
            slots: std::iter::repeat_with(|| None).take(capacity).collect(),
            unwrapper: SequenceUnwrapper::default(),
            max_age,
        }
    }

    /// Remembers a packet. One that is older than the whole ring is not remembered.
    pub fn push(&mut self, sequence: u16, packet: P, now: MediaTime) {
        let extended = self.unwrapper.unwrap(sequence);
        let slot = &mut self.slots[slot_index(sequence, self.slots.len())];
        if slot.as_ref().is_none_or(|held| held.extended <= extended) {
            *slot = Some(Slot { extended, arrived: now, packet });
        }
    }

    /// Returns the packet numbered `sequence` if it is remembered and not too old to be of use.
    pub fn get(&self, sequence: u16, now: MediaTime) -> Option<&P> {
        let extended = self.unwrapper.peek(sequence);
        let slot = self.slots[slot_index(sequence, self.slots.len())].as_ref()?;
        (slot.extended == extended && now.since(slot.arrived) <= self.max_age)
            .then_some(&slot.packet)
    }
}

/// One remembered packet.
#[derive(Debug)]
struct Slot<P> {
    extended: u64,
    arrived: MediaTime,
    packet: P,
}

/// The capacity is a power of two, so consecutive numbers take consecutive slots across the wrap.
fn slot_index(sequence: u16, capacity: usize) -> usize {
    usize::from(sequence) & (capacity - 1)
}
