//! Goal: what the rules promise holds when real room tasks run them: deadlines are kept to the
//! millisecond, orders never oversell, two rooms fight one battle, and nobody waits for anybody.
//! Method: rooms opened by the real lobby with the real SFU behind them, spoken to through their
//! handles; time is virtual, and hosts come on air by the SFU's own events.

// A helper of a test may give up as a test may.
#![allow(clippy::unwrap_used)]

mod battle;
mod journal;
mod lifetime;
mod media;
mod news;
mod order;
mod peers;
mod recordings;
mod resume;
mod sale;
mod shop_letters;
mod stage;
mod webhooks;
