//! Shoppers in the thousands on WebSockets, and what a live shop's signalling does for them: does the
//! countdown end for everybody at once, how fast are orders decided, gifts seen, and does control get
//! through when everybody talks.
//!
//! Each part runs on sockets of its own. Networks are injected in this process, by class.

#![allow(clippy::wildcard_enum_match_arm, reason = "a part listens for what it measures")]

mod burst;
mod countdown;
mod crowd;
mod down;
mod gifts;
mod idle;
mod network;
mod overload;
mod percentile;
mod report;
mod room_clock;
mod run;
mod shopper;
mod storm;
mod tally;

pub(crate) use run::{Options, run};
