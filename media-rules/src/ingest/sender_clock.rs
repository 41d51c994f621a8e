//! How a sender's wall clock relates to this machine's clock.
//!
//! Reports carry the moment at which they were sent, on the sender's clock. The network only ever
//! delays, so the fastest of them tells best how the clocks relate, but for the way that even it had
//! to go: half of the shortest round trip. Where the way here takes longer than the way back, half
//! of the difference is the error; nothing short of a common clock could tell.

use std::time::Duration;

use super::smallest::Smallest;
use super::timeline::{nanos_of_ntp, signed};
use crate::SenderReport;

/// Reports come every few seconds; clocks drift by about a millisecond in this time.
const WINDOW: i64 = 15 * 1_000_000_000;
/// Supposed of a sender whose round trip was never measured.
const ASSUMED_ROUND_TRIP: i64 = 50_000_000;
/// Nobody's media takes longer from capture to here; a report that says so is wrong.
const MAX_DELAY: i64 = 1_000_000_000;

/// The clock of one sender.
#[derive(Debug, Default)]
pub(super) struct SenderClock {
    /// This machine's clock minus the sender's, and the way of the report.
    transit: Option<Smallest>,
    round_trip: Option<Smallest>,
}

impl SenderClock {
    pub(super) fn handle_report(&mut self, report: &SenderReport) {
        let arrival = signed(report.arrival);
        let transit = arrival - nanos_of_ntp(report.ntp);
        let is_other_clock = |held: &Smallest| (transit - held.value()).abs() > MAX_DELAY;
        if self.transit.as_ref().is_some_and(is_other_clock) {
            *self = Self::default();
        }
        observe(&mut self.transit, transit, arrival);
        if let Some(round_trip) = report.round_trip {
            let round_trip = i64::try_from(round_trip.as_nanos()).unwrap_or(i64::MAX / 4);
            observe(&mut self.round_trip, round_trip, arrival);
        }
    }

    /// Returns how long after its capture something was here that had `wall_transit` between its
    /// capture on the sender's clock and its arrival on this machine's.
    pub(super) fn delay_of(&self, wall_transit: i64) -> Option<Duration> {
        let report = self.transit.as_ref()?.value();
        let round_trip = self.round_trip.as_ref().map_or(ASSUMED_ROUND_TRIP, Smallest::value);
        let delay = wall_transit - report + round_trip / 2;
        (0..=MAX_DELAY).contains(&delay).then(|| Duration::from_nanos(delay.unsigned_abs()))
    }
}

fn observe(held: &mut Option<Smallest>, value: i64, now: i64) {
    held.get_or_insert_with(|| Smallest::new(WINDOW, value, now)).observe(value, now);
}
