//! A room's figures over time, as JSON and as CSV.

use schemars::JsonSchema;
use serde::Serialize;

use crate::encode::write;

/// What a room's figures were at a moment.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
pub struct StatsPoint {
    /// When, in Unix milliseconds.
    pub at: u64,
    /// Users in the room.
    pub viewers: u32,
    /// Likes so far.
    pub likes: u64,
    /// Gifts so far.
    pub gifts: u64,
    /// What they cost.
    pub coins: u64,
    /// Orders accepted so far.
    pub orders: u64,
    /// What publishers send, together, in kbit/s.
    pub kbps: u64,
    /// Reports of countdowns that fired in pages, so far.
    pub fired: u64,
    /// Those of them that fired more than 100 ms too early or too late, or by an old deadline.
    pub fired_off: u64,
}

/// Encodes the answer of `GET /v1/rooms/{room}/stats`.
pub fn encode_stats(points: &[StatsPoint], has_more: bool) -> String {
    let cursor = points.last().filter(|_| has_more).map(|last| last.at.to_string());
    write(&StatsBody { points, cursor })
}

/// Encodes the same as a table (RFC 4180).
pub fn encode_stats_csv(points: &[StatsPoint]) -> String {
    let mut text = "at,viewers,likes,gifts,coins,orders,kbps,fired,fired_off\r\n".to_owned();
    for point in points {
        let StatsPoint { at, viewers, likes, gifts, coins, orders, kbps, fired, fired_off } = point;
        text += &format!(
            "{at},{viewers},{likes},{gifts},{coins},{orders},{kbps},{fired},{fired_off}\r\n"
        );
    }
    text
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Stats")]
pub(crate) struct StatsBody<'a> {
    points: &'a [StatsPoint],
    cursor: Option<String>,
}
