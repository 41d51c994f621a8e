//! How much of a publisher's loss is held against it.
//!
//! A sender's congestion control takes every packet that did not come for congestion, and at 40 %
//! of random loss falls to almost nothing. What gets repaired in time is no loss to us, so a missing
//! packet is told as received in the proportion in which missing media lately was repaired. Repairs
//! that get lost do not count: another one came. A path that shows a queue gets no leniency, nor does
//! what is lost beyond half.

/// Outcomes fade by half after so many of them.
const MEMORY: f32 = 256.0;
/// Before anything is known, repairs are expected to work.
const PRIOR: f32 = 16.0;
/// The share of lost packets is that of about this many.
const SHARE_MEMORY: f32 = 256.0;
/// A path that loses more than this is told the rest, whatever gets repaired: a bottleneck that drops
/// without queueing looks like random loss, and must not be pressed further and further.
const MOST_HIDDEN: f32 = 0.5;

/// Says of each missing packet whether to tell it as lost.
#[derive(Debug)]
pub(super) struct Leniency {
    repaired: f32,
    given_up: f32,
    /// The share of packets that did not come.
    share: f32,
    /// The share of a packet that is still to be told as lost.
    owed: f32,
}

impl Default for Leniency {
    fn default() -> Self {
        Self { repaired: PRIOR, given_up: 0.0, share: 0.0, owed: 0.0 }
    }
}

impl Leniency {
    /// A packet of media that had been missing came after all, by whatever means.
    pub(super) fn handle_repaired(&mut self) {
        self.repaired += 1.0;
        self.fade();
    }

    /// So many packets of media never came.
    pub(super) fn handle_given_up(&mut self, packets: u16) {
        self.given_up += f32::from(packets).min(MEMORY);
        self.fade();
    }

    /// A packet came.
    pub(super) fn handle_arrived(&mut self) {
        self.share -= self.share / SHARE_MEMORY;
    }

    /// A packet is missing.
    pub(super) fn handle_missing(&mut self) {
        self.share += (1.0 - self.share) / SHARE_MEMORY;
    }

    /// Returns whether to tell one of the missing packets as lost, now that it is settled what became
    /// of them.
    pub(super) fn is_told_lost(&mut self) -> bool {
        let unrepaired = self.given_up / (self.given_up + self.repaired);
        let beyond = 1.0 - MOST_HIDDEN / self.share.max(MOST_HIDDEN);
        self.owed += unrepaired.max(beyond);
        let is_owed = self.owed >= 1.0;
        self.owed -= if is_owed { 1.0 } else { 0.0 };
        is_owed
    }

    /// Returns the share of packets that did not come, from 0 to 1.
    pub(super) const fn share(&self) -> f32 {
        self.share
    }

    fn fade(&mut self) {
        if self.repaired + self.given_up > MEMORY {
            self.repaired /= 2.0;
            self.given_up /= 2.0;
        }
    }
}
