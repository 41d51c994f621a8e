//! What must survive a crash: the journals of rooms, and the outbox of what back ends are told.
//!
//! This crate knows rooms by name, their lives, numbered rows of JSON, keys that may be used once,
//! and letters. What a row means is its owner's business. One thread writes; whoever appends never
//! waits, and hears later how far the disk has come.

#![forbid(unsafe_code)]

mod chain;
mod journal;
mod ledger;
mod outbox;
mod reader;
mod row;
mod sqlite;
mod store;
mod verify;
mod writer;

pub use journal::{Entry, Journal, Progress};
pub use ledger::{Ledger, LedgerConfig, Place, WriterThread};
pub use outbox::{Delivery, Letter, LetterFilter, LetterHead, LetterState, Outbox};
pub use reader::LifeReader;
pub use row::{Life, LifeId, NewRow, Notice, Row};
pub use sqlite::SqliteStore;
pub use store::{LedgerError, Pruned};
pub use verify::{Fault, Verified, verify};
