//! Gives wrapping RTP numbers a place on a line that never wraps.
//!
//! Each number is taken as the one nearest to the newest seen, so reordering across a wrap comes
//! out right as long as it stays below half of the number space.

/// Extends 16-bit sequence numbers to 64 bits.
#[derive(Clone, Debug, Default)]
pub struct SequenceUnwrapper {
    newest: Option<u64>,
}

impl SequenceUnwrapper {
    /// Starts with no number seen.
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// Returns the extended form of `sequence`; its low 16 bits are `sequence`.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let extended = self.peek(sequence);
        self.newest = Some(self.newest.map_or(extended, |newest| newest.max(extended)));
        extended
    }

    /// Returns what [`unwrap`](Self::unwrap) would, without taking `sequence` for seen.
    pub fn peek(&self, sequence: u16) -> u64 {
        // The line starts one lap in, so that packets from before the first one stay above zero.
        self.newest.map_or(0x1_0000 | u64::from(sequence), |newest| nearest(newest, sequence))
    }

    /// Returns the largest extended number so far.
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }
}

/// Extends 32-bit RTP timestamps to 64 bits, counted from the first one.
#[derive(Clone, Debug, Default)]
pub struct TimestampUnwrapper {
    newest: Option<(u32, i64)>,
}

impl TimestampUnwrapper {
    /// Starts with no timestamp seen.
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// Returns the ticks from the first timestamp to `timestamp`; negative if it is older.
    pub fn unwrap(&mut self, timestamp: u32) -> i64 {
        let extended = self.peek(timestamp);
        if self.newest.is_none_or(|(_, newest)| extended > newest) {
            self.newest = Some((timestamp, extended));
        }
        extended
    }

    /// Returns what [`unwrap`](Self::unwrap) would, without taking `timestamp` for seen.
    pub fn peek(&self, timestamp: u32) -> i64 {
        self.newest.map_or(0, |(low, newest)| {
            newest + i64::from(timestamp.wrapping_sub(low).cast_signed())
        })
    }

    /// Returns the largest extended timestamp so far.
    pub fn newest(&self) -> Option<i64> {
        self.newest.map(|(_, newest)| newest)
    }
}

/// Returns the number nearest to `reference` whose low 16 bits are `sequence`.
pub(crate) const fn nearest(reference: u64, sequence: u16) -> u64 {
    let step = sequence.wrapping_sub((reference & 0xffff) as u16).cast_signed();
    reference.saturating_add_signed(step as i64)
}
