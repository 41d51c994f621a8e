//! Decides whether a room's program should run. Mixing costs most of a core, so it runs only while
//! there is something to show and somebody takes it; it lingers a while after, because a viewer who
//! reloads the page should not wait for a new mixer, and whoever takes the program sees a slate for as
//! long as the room waits for its host.

use std::time::Duration;

use room_rules::ServerTime;

/// How long a program that is taken goes on with nothing to show but a slate: longer than a room waits
/// for its host.
const SLATE: Duration = Duration::from_secs(65);

/// Whether the program is worth its cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    linger: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Unwanted,
    Wanted,
    Lingering { until: ServerTime },
}

impl Demand {
    /// Starts without demand.
    pub(crate) const fn new(linger: Duration) -> Self {
        Self { linger, state: State::Unwanted }
    }

    /// Notes whether there is something to show and whether somebody takes the program.
    pub(crate) fn handle_change(&mut self, shows: bool, taken: bool, now: ServerTime) {
        self.state = match (shows && taken, self.state) {
            (true, _) => State::Wanted,
            (false, State::Wanted) => {
                let linger = if taken { self.linger.max(SLATE) } else { self.linger };
                State::Lingering { until: now + linger }
            }
            (false, state) => state,
        };
    }

    /// Notes that somebody wants to see one picture of what there is to show.
    pub(crate) fn handle_glance(&mut self, now: ServerTime) {
        let until = now + self.linger;
        self.state = match self.state {
            State::Lingering { until: before } => State::Lingering { until: before.max(until) },
            State::Unwanted => State::Lingering { until },
            State::Wanted => State::Wanted,
        };
    }

    /// Notes that time has passed.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) {
        if self.poll_timeout().is_some_and(|until| until <= now) {
            self.state = State::Unwanted;
        }
    }

    /// Returns when to come back.
    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        match self.state {
            State::Lingering { until } => Some(until),
            State::Unwanted | State::Wanted => None,
        }
    }

    /// Returns whether the program should run.
    pub(crate) fn is_wanted(&self) -> bool {
        self.state != State::Unwanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> ServerTime {
        ServerTime::from_unix_millis(seconds * 1000)
    }

    #[test]
    fn a_program_needs_somebody_on_stage_and_somebody_who_takes_it() {
        let mut demand = Demand::new(LINGER);

        demand.handle_change(true, false, at(0));
        assert!(!demand.is_wanted());
        demand.handle_change(false, true, at(1));
        assert!(!demand.is_wanted());
        demand.handle_change(true, true, at(2));
        assert!(demand.is_wanted());
    }

    #[test]
    fn a_program_lingers_after_its_last_taker_and_then_stops() {
        let mut demand = Demand::new(LINGER);
        demand.handle_change(true, true, at(0));

        demand.handle_change(true, false, at(10));
        demand.handle_change(false, false, at(20));
        demand.handle_timeout(at(39));
        assert!(demand.is_wanted());
        assert_eq!(demand.poll_timeout(), Some(at(40)));

        demand.handle_timeout(at(40));
        assert!(!demand.is_wanted());
        assert_eq!(demand.poll_timeout(), None);
    }

    #[test]
    fn a_program_that_is_taken_shows_a_slate_for_as_long_as_the_host_may_be_away() {
        let mut demand = Demand::new(LINGER);
        demand.handle_change(true, true, at(0));
        demand.handle_change(false, true, at(10));
        demand.handle_timeout(at(70));
        assert!(demand.is_wanted());
        demand.handle_timeout(at(75));
        assert!(!demand.is_wanted());
    }

    #[test]
    fn a_glance_runs_a_program_for_a_while_and_shortens_nothing() {
        let mut demand = Demand::new(LINGER);
        demand.handle_glance(at(0));
        assert!(demand.is_wanted());
        demand.handle_glance(at(10));
        assert_eq!(demand.poll_timeout(), Some(at(40)));
        demand.handle_timeout(at(40));
        assert!(!demand.is_wanted());

        demand.handle_change(true, true, at(50));
        demand.handle_glance(at(51));
        assert_eq!(demand.poll_timeout(), None);
        demand.handle_change(false, true, at(60));
        demand.handle_glance(at(61));
        assert_eq!(demand.poll_timeout(), Some(at(125)));
    }

    #[test]
    fn a_taker_who_comes_back_in_time_finds_the_program_running() {
        let mut demand = Demand::new(LINGER);
        demand.handle_change(true, true, at(0));
        demand.handle_change(true, false, at(10));

        demand.handle_change(true, true, at(39));
        demand.handle_timeout(at(100));

        assert!(demand.is_wanted());
    }
}
