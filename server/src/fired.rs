//! What pages say of the moment at which their countdowns fired: one report in ten, counted by how far
//! it was off. A page may lie, and its idea of room time may be off by as much as it says; so these
//! are figures for people and nothing is decided by them.

use std::collections::{HashSet, VecDeque};

use room_rules::{Countdown, CountdownId, CountdownState, SessionId};
use wire_format::Fired;

/// Countdowns of which reports are taken. Full: the one that was told of first is forgotten.
const KEPT: usize = 32;
/// Reports of one countdown. Full: further ones do not count.
const REPORTS_MAX: usize = 10_000;
/// Further off than this the fan and the others do not see the same "link!".
const OFF_MS: u32 = 100;
const EXACT_MS: u32 = 50;

/// The reports of one room.
#[derive(Debug, Default)]
pub(crate) struct FiredReports {
    /// Oldest first.
    known: VecDeque<Known>,
    count: u64,
    off: u64,
}

#[derive(Debug)]
struct Known {
    id: CountdownId,
    /// The last revision that pages count by; firing itself is another one.
    revision: u32,
    reported: HashSet<SessionId>,
}

impl FiredReports {
    /// Takes that everybody is told of a countdown.
    pub(crate) fn handle_countdown(&mut self, countdown: &Countdown) {
        match countdown.state {
            CountdownState::Counting => {}
            CountdownState::Fired | CountdownState::Cancelled => return,
        }
        if let Some(known) = self.known.iter_mut().find(|known| known.id == countdown.id) {
            known.revision = countdown.revision;
            return;
        }
        if self.known.len() == KEPT {
            self.known.pop_front();
        }
        let (id, revision) = (countdown.id.clone(), countdown.revision);
        self.known.push_back(Known { id, revision, reported: HashSet::new() });
    }

    /// Takes a session's report. One of a countdown that is not known, or another of the same, does
    /// not count.
    pub(crate) fn handle_report(&mut self, session: SessionId, fired: &Fired) {
        let known = self.known.iter_mut().find(|known| known.id == fired.countdown);
        let Some(known) = known.filter(|known| known.reported.len() < REPORTS_MAX) else { return };
        if !known.reported.insert(session) {
            return;
        }
        let off = if fired.revision < known.revision { "stale" } else { how_far(fired.lag_ms) };
        self.count += 1;
        self.off += u64::from(["stale", "early", "late"].contains(&off));
        let is_unsure = fired.unsure_ms > OFF_MS;
        let clock = if is_unsure { "unsure" } else { "sure" };
        metrics::counter!("server_countdowns_fired_total", "off" => off, "clock" => clock)
            .increment(1);
    }

    /// Returns how many reports there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns how many of them were more than 100 ms off, or counted by an old deadline.
    pub(crate) const fn count_off(&self) -> u64 {
        self.off
    }
}

/// Returns the step of the histogram.
const fn how_far(lag_ms: i32) -> &'static str {
    match (lag_ms.unsigned_abs(), lag_ms < 0) {
        (0..=EXACT_MS, _) => "exact",
        (..=OFF_MS, true) => "early_100ms",
        (..=OFF_MS, false) => "late_100ms",
        (_, true) => "early",
        (_, false) => "late",
    }
}

#[cfg(test)]
mod tests {
    use room_rules::{CountdownKind, ServerTime};

    use super::*;

    fn countdown(id: &str, revision: u32, state: CountdownState) -> Countdown {
        Countdown {
            id: CountdownId::parse(id).unwrap(),
            revision,
            kind: CountdownKind::SaleOpen,
            open_at: ServerTime::from_unix_millis(5_000),
            close_at: None,
            state,
            labels: &[],
            subject: "s".to_owned(),
            fair: true,
        }
    }

    fn report(id: &str, revision: u32, lag_ms: i32) -> Fired {
        Fired { countdown: CountdownId::parse(id).unwrap(), revision, lag_ms, unsure_ms: 5 }
    }

    #[test]
    fn a_session_counts_once_and_is_off_by_time_or_by_an_old_deadline() {
        let mut reports = FiredReports::default();
        reports.handle_countdown(&countdown("a", 1, CountdownState::Counting));
        reports.handle_countdown(&countdown("a", 2, CountdownState::Counting));
        reports.handle_countdown(&countdown("a", 3, CountdownState::Fired));
        for (session, revision, lag_ms) in [(1, 2, 10), (2, 2, -60), (3, 2, 101), (4, 1, 0)] {
            reports.handle_report(SessionId(session), &report("a", revision, lag_ms));
        }
        reports.handle_report(SessionId(1), &report("a", 2, 900));
        reports.handle_report(SessionId(5), &report("b", 2, 900));

        assert_eq!((reports.count(), reports.count_off()), (4, 2));
    }

    #[test]
    fn only_the_last_countdowns_are_known() {
        let mut reports = FiredReports::default();
        for n in 0..=KEPT {
            reports.handle_countdown(&countdown(&n.to_string(), 1, CountdownState::Counting));
        }
        reports.handle_report(SessionId(1), &report("0", 1, 0));
        reports.handle_report(SessionId(1), &report("1", 1, 0));

        assert_eq!((reports.known.len(), reports.count()), (KEPT, 1));
    }

    #[test]
    fn every_lag_has_its_step() {
        let steps = [-101, -100, -51, -50, 0, 50, 51, 100, 101].map(how_far);
        let expected = [
            "early",
            "early_100ms",
            "early_100ms",
            "exact",
            "exact",
            "exact",
            "late_100ms",
            "late_100ms",
            "late",
        ];
        assert_eq!(steps, expected);
    }
}
