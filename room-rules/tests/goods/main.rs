//! Goal: what a host shows, gives and asks is the same for everybody, and exactly what was said.
//! Method: scenes in virtual time, and random operations from a printed seed against models that are
//! written in another way than the rules. Rooms crash and are read back from their journal on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod coupons;
mod products;
mod quizzes;
mod talk;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;

/// How often each outcome was reached.
#[derive(Debug, Default)]
pub(crate) struct Reached(BTreeMap<&'static str, u64>);

impl Reached {
    pub(crate) fn count(&mut self, outcome: &'static str) {
        *self.0.entry(outcome).or_default() += 1;
    }

    pub(crate) fn expect(&self, outcomes: &[&'static str], at_least: u64) {
        for outcome in outcomes {
            let times = self.0.get(outcome).copied().unwrap_or(0);
            assert!(times >= at_least, "{outcome} was reached {times} times: {self:?}");
        }
    }
}
