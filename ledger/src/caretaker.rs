//! Looks after a ledger beside the server that writes to it: says whether every chain of hashes
//! holds, copies it, and takes away what is old.

use std::fmt;
use std::path::Path;

use crate::chain;
use crate::reader::check;
use crate::store::{Store, Which};
use crate::{LedgerError, Letter, LetterFilter, Life, LifeId, Place, Pruned, Row};

const ROWS_AT_ONCE: usize = 1_000;
const PRUNED_AT_ONCE: usize = 10_000;

/// A ledger that was opened beside the program that writes to it. It waits for the disk and for
/// sockets, so it is not for a thread that runs tasks.
pub struct Caretaker {
    store: Box<dyn Store>,
}

/// What a check of a ledger found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// Lives that were read.
    pub lives: u64,
    /// Rows that were read.
    pub rows: u64,
    /// The first thing that is wrong in each life that is not as it was written.
    pub faults: Vec<Fault>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Of which room.
    pub room: String,
    /// Of which of its lives.
    pub life: LifeId,
    /// At which row.
    pub seq: u64,
    /// What is wrong.
    pub what: &'static str,
}

impl Caretaker {
    /// Opens the ledger at `place`.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be opened, or is of another schema.
    pub fn open(place: &Place) -> Result<Self, LedgerError> {
        Ok(Self { store: place.beside()? })
    }

    /// Checks every row of every life, or of those of one room.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn verify(&mut self, room: Option<&str>) -> Result<Verified, LedgerError> {
        let mut verified = Verified::default();
        for life in self.lives(room)? {
            verified.lives += 1;
            let (mut seq, mut hash) = (0, chain::root(&life.room, life.id));
            'life: loop {
                let rows = self.rows(life.id, seq, ROWS_AT_ONCE)?;
                for row in &rows {
                    if let Err(what) = check(&mut seq, &mut hash, row) {
                        let (room, life) = (life.room.clone(), life.id);
                        verified.faults.push(Fault { room, life, seq: row.seq, what });
                        break 'life;
                    }
                    verified.rows += 1;
                }
                if rows.len() < ROWS_AT_ONCE {
                    break;
                }
            }
        }
        Ok(verified)
    }

    /// Returns all lives, or those of one room, oldest first.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn lives(&mut self, room: Option<&str>) -> Result<Vec<Life>, LedgerError> {
        self.store.lives(room.map_or(Which::All, Which::OfRoom))
    }

    /// Returns at most `limit` rows of `life` after row `after`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn rows(
        &mut self,
        life: LifeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Row>, LedgerError> {
        self.store.rows(life, after, limit)
    }

    /// Returns letters, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn letters(
        &mut self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        self.store.letters(filter, limit)
    }

    /// Takes away lives that ended before `ended_before` and keys used before `keys_before`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub fn prune(&mut self, ended_before: u64, keys_before: u64) -> Result<Pruned, LedgerError> {
        let mut total = Pruned::default();
        loop {
            let pruned = self.store.prune(ended_before, keys_before, PRUNED_AT_ONCE)?;
            if pruned == Pruned::default() {
                return Ok(total);
            }
            total.lives += pruned.lives;
            total.rows += pruned.rows;
            total.keys += pruned.keys;
            total.letters += pruned.letters;
        }
    }

    /// Notes that the open life of `room` is over, though its journal says nothing of that; for
    /// journals that cannot be read again. False if there is none.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub fn abandon(&mut self, room: &str, at: u64) -> Result<bool, LedgerError> {
        self.store.abandon(room, at)
    }

    /// Copies the whole ledger, as it is at this moment, into a new file.
    ///
    /// # Errors
    ///
    /// The file is there already or cannot be written, or the ledger is in PostgreSQL, which has
    /// tools of its own for that.
    pub fn back_up(&mut self, into: &Path) -> Result<(), LedgerError> {
        self.store.back_up(into)
    }
}

impl fmt::Debug for Caretaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caretaker").finish_non_exhaustive()
    }
}
