//! What must survive a crash: the journals of rooms, and the outbox of what back ends are told. Kept in
//! one SQLite file or, with the feature `postgres`, in a PostgreSQL data base.
//!
//! This crate knows rooms by name, their lives, numbered rows of JSON, keys that may be used once,
//! and letters. What a row means is its owner's business. One thread writes; whoever appends never
//! waits, and hears later how far the disk has come.

#![forbid(unsafe_code)]

mod caretaker;
mod chain;
mod copy;
mod head;
mod journal;
mod ledger;
mod outbox;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod reader;
mod row;
mod sqlite;
mod store;
mod tables;
mod writer;

pub use caretaker::{Caretaker, Fault, Held, Verified};
pub use copy::{Copied, copy};
pub use head::{Head, NotAHead};
pub use journal::{Entry, Journal, Progress};
pub use ledger::{Ledger, LedgerConfig, Patience, WriterThread};
pub use outbox::{Delivery, Letter, LetterFilter, LetterHead, LetterState, Outbox};
pub use place::{Place, PostgresUrl};
pub use reader::LifeReader;
pub use row::{Life, LifeId, NewRow, Notice, Row};
pub use store::{LedgerError, Pruned};
