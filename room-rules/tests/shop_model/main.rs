//! Goal: whatever buyers, sellers, clocks and crashes do, nobody buys early or late, nothing is sold
//! twice, no key counts twice, units and money are exact, and an auction ends when it must.
//! Method: random operations from a printed seed on one room in virtual time, against models that
//! are written in another way than the rules: they know all that was ever accepted and work out from
//! it what must be answered next. The room crashes and is read back from its journal on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod auction_model;
mod auction_run;
mod sale_model;
mod sale_run;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;

use auction_run::AuctionRun;
use sale_run::SaleRun;

const SCHEDULES: u64 = 2_000;
const STEPS: usize = 260;
const USERS: [&str; 8] = ["amy", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];

#[test]
fn any_sale_does_what_its_model_says() {
    let mut reached = BTreeMap::new();
    for seed in 0..SCHEDULES {
        let mut run = SaleRun::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        add(&mut reached, &run.finish());
    }
    for outcome in [
        "placed",
        "queued",
        "early",
        "held",
        "sold out",
        "limit",
        "closed",
        "paused",
        "repeat",
        "mismatch",
        "drawn",
        "not drawn",
        "paid",
        "expired",
        "paid too late",
        "reopened",
        "crash",
        "called off",
        "postponed",
    ] {
        let times = reached.get(outcome).copied().unwrap_or(0);
        assert!(times > 50, "{outcome} was reached {times} times: {reached:?}");
    }
}

#[test]
fn any_auction_does_what_its_model_says() {
    let mut reached = BTreeMap::new();
    for seed in 0..SCHEDULES {
        let mut run = AuctionRun::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        add(&mut reached, &run.finish());
    }
    for outcome in [
        "leads",
        "beaten",
        "tie",
        "raised",
        "self",
        "low",
        "early",
        "closed",
        "repeat",
        "extended",
        "at the hard end",
        "no extension left",
        "sold",
        "unsold",
        "reserve",
        "void",
        "crash",
    ] {
        let times = reached.get(outcome).copied().unwrap_or(0);
        assert!(times > 200, "{outcome} was reached {times} times: {reached:?}");
    }
}

fn add(all: &mut BTreeMap<&'static str, u64>, some: &BTreeMap<&'static str, u64>) {
    for (outcome, times) in some {
        *all.entry(outcome).or_default() += times;
    }
}
