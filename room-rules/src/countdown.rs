//! "3, 2, 1": a deadline that every client counts down to by itself.
//!
//! There are no tick messages. The whole object is repeated once a second in its last five seconds,
//! for a client that missed it; a repetition has the same revision and changes nothing.

use crate::{CountdownId, ServerTime};

/// A countdown as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Countdown {
    /// Which.
    pub id: CountdownId,
    /// Rises with every change; a repetition keeps it.
    pub revision: u32,
    /// What happens at the end of it.
    pub kind: CountdownKind,
    /// The instant that is counted down to.
    pub open_at: ServerTime,
    /// When what opened closes, if it does.
    pub close_at: Option<ServerTime>,
    /// How far it is.
    pub state: CountdownState,
    /// What to show in each of the last seconds, and at the end.
    pub labels: &'static [&'static str],
    /// The id of the sale or battle it belongs to.
    pub subject: String,
}

/// What happens at the end of a countdown.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountdownKind {
    /// Orders are accepted.
    SaleOpen,
    /// Gifts begin to score.
    PkStart,
    /// Gifts no longer score.
    PkEnd,
    /// The punishment is over.
    Punish,
}

/// How far a countdown is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountdownState {
    /// It runs.
    Counting,
    /// It is over.
    Fired,
    /// It was called off.
    Cancelled,
}
