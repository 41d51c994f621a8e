//! What is written and read.

use std::sync::Arc;

/// One life of a room, from its opening to its end. Numbers rise and are never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LifeId(pub u64);

/// A life as the ledger knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Life {
    /// Which.
    pub id: LifeId,
    /// The name of the room.
    pub room: String,
    /// When it began, in Unix milliseconds.
    pub opened_at: u64,
    /// When it ended, if it has.
    pub ended_at: Option<u64>,
}

/// A row to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRow {
    /// When it happened, in Unix milliseconds.
    pub at: u64,
    /// A word for people who read the ledger.
    pub kind: &'static str,
    /// The version of the rules that decided it.
    pub rules: u32,
    /// The user and the key that may be used once, if there is one.
    pub key: Option<(String, String)>,
    /// What happened, as JSON.
    pub input: String,
    /// What came of it, as JSON.
    pub outcome: String,
}

/// A row as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Its place in its life, from 1, without gaps.
    pub seq: u64,
    /// When it happened, in Unix milliseconds.
    pub at: u64,
    /// A word for people who read the ledger.
    pub kind: String,
    /// The version of the rules that decided it.
    pub rules: u32,
    /// What happened, as JSON.
    pub input: String,
    /// What came of it, as JSON.
    pub outcome: String,
    /// SHA-256 over the hash of the row before and this row.
    pub hash: [u8; 32],
}

/// Something that back ends are told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// What it is about, such as `room.ended`.
    pub kind: &'static str,
    /// What it says, as JSON.
    pub body: String,
    /// The endpoints that are told; none of them twice.
    pub to: Arc<[Arc<str>]>,
}
