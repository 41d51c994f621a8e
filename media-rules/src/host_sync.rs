//! Lets hosts with fast networks wait for those with slow ones, so that what happened at one moment
//! is seen and heard at one moment.
//!
//! Everybody is presented as late after capture as the slowest, but nobody waits longer than
//! [`HostSync::LONGEST_WAIT`]: one host behind a satellite must not make a conversation of the
//! others impossible. Small differences, which nobody notices, are left alone, because waiting is
//! latency.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::FeedId;

/// Who would wait less than this does not begin to ...
const WORTH_IT: Duration = Duration::from_millis(20);
/// ... and who would wait less than this stops.
const NOT_WORTH_IT: Duration = Duration::from_millis(10);
/// A wait is only changed by more than this.
const STEADY: Duration = Duration::from_millis(5);

/// How long each feed of a program waits for the others.
#[derive(Debug, Default)]
pub struct HostSync {
    waits: BTreeMap<FeedId, Duration>,
}

impl HostSync {
    /// Nobody waits longer for others.
    pub const LONGEST_WAIT: Duration = Duration::from_millis(200);

    /// Takes note of how long after capture each feed of the scene is presented if it does not wait;
    /// `None` if that is not known. Such a feed neither waits nor is waited for.
    pub fn handle_lags(&mut self, lags: &[(FeedId, Option<Duration>)]) {
        let slowest = lags.iter().filter_map(|(_, lag)| *lag).max().unwrap_or_default();
        let mut waits = BTreeMap::new();
        for (feed, lag) in lags {
            let held = self.wait(feed);
            let behind = lag.map_or(Duration::ZERO, |lag| slowest - lag).min(Self::LONGEST_WAIT);
            let worth_it = if held.is_zero() { WORTH_IT } else { NOT_WORTH_IT };
            let wait = match behind {
                behind if behind < worth_it => Duration::ZERO,
                behind if behind.abs_diff(held) <= STEADY => held,
                behind => behind,
            };
            waits.insert(feed.clone(), wait);
        }
        self.waits = waits;
    }

    /// Returns how long a feed waits.
    pub fn wait(&self, feed: &FeedId) -> Duration {
        self.waits.get(feed).copied().unwrap_or_default()
    }
}
