//! What every store of a ledger can do. One thread owns a store; nothing in here waits for anyone but
//! the disk, or the data base in its place.

use std::path::Path;

use crate::{Delivery, Letter, LetterFilter, LetterHead, Life, LifeId, NewRow, Notice, Row};

/// A key that is older may be used again.
pub(crate) const KEY_KEPT_MS: u64 = 24 * 3_600 * 1_000;

/// Why a ledger cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It was written by a newer program.
    #[error("the ledger is of schema {found}, this program knows up to {known}")]
    TooNew {
        /// The version in the file.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// Another program has taken the ledger over.
    #[error("another server has taken this ledger over")]
    Fenced,
    /// A key was used twice.
    #[error("a key was used for two rows of one room")]
    KeyReused,
    /// A row is not as it was written.
    #[error("row {seq} is not as it was written: {what}")]
    Changed {
        /// Which row of its life.
        seq: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The disk or the data base fails.
    #[error("{0}")]
    Failed(String),
    /// The writer has stopped.
    #[error("the ledger is closed")]
    Closed,
}

/// One thing of a batch. A batch is written whole or not at all.
#[derive(Debug)]
pub(crate) enum Stored {
    /// A life begins.
    Opened(Life),
    /// A row follows.
    Row {
        /// Whose.
        life: LifeId,
        /// Its place.
        seq: u64,
        /// Its hash.
        hash: [u8; 32],
        /// The row.
        row: NewRow,
    },
    /// Back ends are to be told something.
    Notice {
        /// Whose life it is about.
        life: LifeId,
        /// The name of the room, which numbers its letters across its lives.
        room: String,
        /// What, and when.
        said: Said,
    },
    /// A life is over.
    Ended {
        /// Whose.
        life: LifeId,
        /// When, in Unix milliseconds.
        at: u64,
    },
}

/// A notice that is to become letters.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its place among the notices of its life, from 1, which a journal that is read again gives it
    /// again: one that is there already is left. `None` for what no journal tells again.
    pub(crate) number: Option<u64>,
    /// When it happened, in Unix milliseconds.
    pub(crate) at: u64,
    /// What to tell.
    pub(crate) notice: Notice,
}

impl Stored {
    /// Returns whose life it is of.
    pub(crate) const fn life(&self) -> LifeId {
        match self {
            Self::Opened(life) => life.id,
            Self::Row { life, .. } | Self::Notice { life, .. } | Self::Ended { life, .. } => *life,
        }
    }
}

/// What a pruning took away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// Lives that ended long enough ago.
    pub lives: u64,
    /// Their rows.
    pub rows: u64,
    /// Keys that may be used again.
    pub keys: u64,
    /// Letters that were delivered or given up.
    pub letters: u64,
}

/// Keeps a ledger.
pub(crate) trait Store: Send {
    /// Writes all of `batch`, durably, or nothing of it.
    fn commit(&mut self, batch: &[Stored]) -> Result<(), LedgerError>;

    /// Returns the number of the newest life; zero if there is none.
    fn last_life(&mut self) -> Result<u64, LedgerError>;

    /// Returns the latest moment that is written anywhere, in Unix milliseconds.
    fn last_moment(&mut self) -> Result<u64, LedgerError>;

    /// Returns the lives that have not ended, or all, or those of one room, oldest first.
    fn lives(&mut self, which: Which<'_>) -> Result<Vec<Life>, LedgerError>;

    /// Returns at most `limit` rows of a life after row `after`.
    fn rows(&mut self, life: LifeId, after: u64, limit: usize) -> Result<Vec<Row>, LedgerError>;

    /// Returns the newest row of a life.
    fn last_row(&mut self, life: LifeId) -> Result<Option<Row>, LedgerError>;

    /// Returns how many notices of a life are written.
    fn notices(&mut self, life: LifeId) -> Result<u64, LedgerError>;

    /// Returns the first waiting letter about each room to `endpoint`, soonest due first.
    fn letter_heads(
        &mut self,
        endpoint: &str,
        limit: usize,
    ) -> Result<Vec<LetterHead>, LedgerError>;

    /// Returns the letters about `room` that wait for `endpoint`, in order, at most `limit`.
    fn letters_waiting(
        &mut self,
        endpoint: &str,
        room: &str,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError>;

    /// Returns letters by id, at most `limit`.
    fn letters(&mut self, filter: &LetterFilter, limit: usize) -> Result<Vec<Letter>, LedgerError>;

    /// Notes what became of letters.
    fn settle_letters(&mut self, deliveries: &[(u64, Delivery)]) -> Result<(), LedgerError>;

    /// Has a letter that was given up wait again; false if there is none such.
    fn replay_letter(&mut self, id: u64, now: u64) -> Result<bool, LedgerError>;

    /// Takes away lives that ended before `ended_before`, with their rows and letters, and keys used
    /// before `keys_before`; at most `limit` rows at a time. All zero means that nothing is left.
    fn prune(
        &mut self,
        ended_before: u64,
        keys_before: u64,
        limit: usize,
    ) -> Result<Pruned, LedgerError>;

    /// Notes that the open life of `room` is over, whatever its journal says; false if there is none.
    fn abandon(&mut self, room: &str, at: u64) -> Result<bool, LedgerError>;

    /// Copies everything, as it is at this moment, into a new file.
    fn back_up(&mut self, into: &Path) -> Result<(), LedgerError>;
}

/// Which lives are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Which<'a> {
    All,
    Open,
    OfRoom(&'a str),
}

/// Integers of data bases are signed; moments and counts are far below their largest.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
