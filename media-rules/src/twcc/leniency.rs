//! How much of a publisher's loss is held against it.
//!
//! A sender's congestion control takes every packet that did not come for congestion, and at 40 %
//! of random loss falls to almost nothing. What was repaired in time is no loss to us, so that
//! share of the missing packets is told as received: the receiver's word on what it has, only
//! earlier than the repair itself. A path that shows a queue gets no leniency.

/// Losses and repairs fade by half after so many losses.
const MEMORY: f32 = 256.0;
/// Before anything is known, repairs are expected to work.
const PRIOR: f32 = 16.0;

/// Says of each missing packet whether to tell it as lost.
#[derive(Debug)]
pub(super) struct Leniency {
    missing: f32,
    repaired: f32,
    /// The share of a packet that is still to be told as lost.
    owed: f32,
}

impl Default for Leniency {
    fn default() -> Self {
        Self { missing: PRIOR, repaired: PRIOR, owed: 0.0 }
    }
}

impl Leniency {
    /// A packet that had been missing came after all, by whatever means.
    pub(super) fn handle_repaired(&mut self) {
        self.repaired = (self.repaired + 1.0).min(self.missing);
    }

    /// A packet is missing. Returns whether to tell so.
    pub(super) fn handle_missing(&mut self) -> bool {
        self.missing += 1.0;
        if self.missing > MEMORY {
            self.missing /= 2.0;
            self.repaired /= 2.0;
        }
        self.owed += 1.0 - self.repaired / self.missing;
        // The last few are still on their way, which is no sign of failing repairs.
        let is_owed = self.owed >= 1.0;
        self.owed -= if is_owed { 1.0 } else { 0.0 };
        is_owed
    }
}
