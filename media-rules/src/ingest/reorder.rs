//! Puts packets back in order and decides how long a missing one is waited for.
//!
//! The wait counts from the arrival of the first packet behind the gap, so several gaps in a row
//! are waited for side by side and not one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{MediaTime, SequenceUnwrapper};

/// After this many packets in a row that are all too old, the sender has started to count anew.
const STALE_RUN: u32 = 32;

/// The packets behind a gap.
#[derive(Debug)]
pub(super) struct ReorderBuffer<P> {
    wait: Duration,
    max_held: usize,
    unwrapper: SequenceUnwrapper,
    /// The number of the next packet to deliver.
    next: Option<u64>,
    /// Full: the gap in front is given up at once.
    held: BTreeMap<u64, (MediaTime, P)>,
    stale_run: u32,
    /// The numbers jumped, which is a gap of unknown length.
    is_broken: bool,
}

impl<P> ReorderBuffer<P> {
    /// Waits up to `wait` for a missing packet while at most `max_held` others are behind it.
    pub(super) fn new(wait: Duration, max_held: usize) -> Self {
        Self {
            wait,
            max_held,
            unwrapper: SequenceUnwrapper::default(),
            next: None,
            held: BTreeMap::new(),
            stale_run: 0,
            is_broken: false,
        }
    }

    /// Takes a packet in. Returns whether it is of use: not a duplicate and not too late.
    pub(super) fn insert(&mut self, sequence: u16, packet: P, now: MediaTime) -> bool {
        let mut extended = self.unwrapper.peek(sequence);
        if self.next.is_some_and(|next| extended < next) {
            self.stale_run += 1;
            if self.stale_run < STALE_RUN {
                return false;
            }
            self.restart();
            self.is_broken = true;
            extended = self.unwrapper.peek(sequence);
        }
        self.stale_run = 0;
        self.unwrapper.unwrap(sequence);
        self.next.get_or_insert(extended);
        if self.held.contains_key(&extended) {
            return false;
        }
        self.held.insert(extended, (now, packet));
        true
    }

    /// Returns the next packet in order, or that those before it are given up.
    pub(super) fn poll(&mut self, now: MediaTime) -> Option<Delivery<P>> {
        let next = self.next?;
        if std::mem::take(&mut self.is_broken) {
            return Some(Delivery::Gap(0));
        }
        let (&first, &(arrived, _)) = self.held.first_key_value()?;
        if first == next {
            self.next = Some(next + 1);
            let (_, packet) = self.held.remove(&first)?;
            return Some(Delivery::Packet(packet));
        }
        if self.held.len() <= self.max_held && now.since(arrived) < self.wait {
            return None;
        }
        self.next = Some(first);
        Some(Delivery::Gap(first - next))
    }

    /// Returns when the gap in front is given up.
    pub(super) fn poll_timeout(&self) -> Option<MediaTime> {
        self.held.first_key_value().map(|(_, (arrived, _))| *arrived + self.wait)
    }

    /// Forgets everything, for a source that starts anew.
    pub(super) fn restart(&mut self) {
        self.unwrapper = SequenceUnwrapper::default();
        self.next = None;
        self.held.clear();
        self.stale_run = 0;
        self.is_broken = false;
    }
}

/// What comes next in order.
#[derive(Debug)]
pub(super) enum Delivery<P> {
    /// The next packet.
    Packet(P),
    /// So many packets will not be delivered; zero if nobody knows how many.
    Gap(u64),
}
