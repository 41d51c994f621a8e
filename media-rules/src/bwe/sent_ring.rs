//! What was sent lately, by transport-wide number: six bytes a packet.
//!
//! Written for each packet of each viewer, so it is an array and nothing else.

use super::probes::ProbeId;

/// At 500 packets a second one second of flight and feedback. What is older counts for nothing.
const CAPACITY: usize = 512;
const SIZE_MASK: u16 = 0x7ff;
const LOST: u16 = 0x800;
const PROBE_SHIFT: u32 = 12;

/// The last packets of one viewer.
#[derive(Debug)]
pub(super) struct SentRing {
    /// Microseconds, which wrap after more than an hour.
    sent: [u32; CAPACITY],
    /// Size in bytes, whether it was told lost, the probe; zero once it was told received.
    facts: [u16; CAPACITY],
    newest: u16,
}

/// One packet that has not been told received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) micros: i64,
    pub(super) bytes: u32,
    pub(super) probe: Option<ProbeId>,
    pub(super) was_told_lost: bool,
}

impl SentRing {
    pub(super) const fn new() -> Self {
        Self { sent: [0; CAPACITY], facts: [0; CAPACITY], newest: 0 }
    }

    /// Remembers a packet. Numbers are given in order, each one.
    #[inline]
    pub(super) fn insert(&mut self, number: u16, bytes: u32, now: i64, probe: Option<ProbeId>) {
        let at = slot(number);
        self.sent[at] = wrap(now);
        let size = bytes.clamp(1, u32::from(SIZE_MASK)) as u16;
        self.facts[at] = size | probe.map_or(0, |probe| u16::from(probe.tag()) << PROBE_SHIFT);
        self.newest = number;
    }

    /// Returns a packet if it is remembered and was not told received yet.
    pub(super) fn get(&self, number: u16, now: i64) -> Option<Sent> {
        let at = slot(number);
        let facts = self.facts[at];
        if usize::from(self.newest.wrapping_sub(number)) >= CAPACITY || facts == 0 {
            return None;
        }
        let age = wrap(now).wrapping_sub(self.sent[at]);
        Some(Sent {
            micros: now - i64::from(age),
            bytes: u32::from(facts & SIZE_MASK),
            probe: ProbeId::from_tag((facts >> PROBE_SHIFT) as u8),
            was_told_lost: facts & LOST != 0,
        })
    }

    /// Forgets a packet that was told received.
    /// Reads the place of `number`.
    #[inline]
    pub(super) fn touch(&self, number: u16) -> u64 {
        let at = slot(number);
        u64::from(self.sent[at]).wrapping_add(u64::from(self.facts[at] ^ self.newest))
    }

    pub(super) fn resolve(&mut self, number: u16) {
        self.facts[slot(number)] = 0;
    }

    /// Notes that a packet was told lost. It may still be told received later.
    pub(super) fn mark_lost(&mut self, number: u16) {
        self.facts[slot(number)] |= LOST;
    }
}

/// The capacity is a power of two, so consecutive numbers take consecutive slots across the wrap.
const fn slot(number: u16) -> usize {
    number as usize & (CAPACITY - 1)
}

const fn wrap(micros: i64) -> u32 {
    (micros & 0xffff_ffff) as u32
}
