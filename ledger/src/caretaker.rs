//! Looks after a ledger beside the server that writes to it: says whether every chain of hashes
//! holds, copies it, and takes away what is old.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::chain;
use crate::reader::check;
use crate::store::{Store, Which};
use crate::{Head, LedgerError, Letter, LetterFilter, Life, LifeId, Place, Pruned, Row};

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

/// What became of heads that were kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Held {
    /// Heads whose rows are there as they were.
    pub held: u64,
    /// Heads of lives that are gone and were old enough to be.
    pub gone: u64,
    /// Heads whose rows are not there as they were.
    pub faults: Vec<Fault>,
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

    /// Returns how far each life has come, or each of one room.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn heads(&mut self, room: Option<&str>) -> Result<Vec<Head>, LedgerError> {
        let mut heads = Vec::new();
        for Life { id: life, room, .. } in self.lives(room)? {
            if let Some(Row { seq, at, hash, .. }) = self.store.last_row(life)? {
                heads.push(Head { room, life, seq, at, hash });
            }
        }
        Ok(heads)
    }

    /// Looks for the rows of heads that were kept. A chain that holds has them only if nothing before
    /// them was changed and they were not cut off. A life whose head is of before
    /// `pruned_before` may be gone.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub fn hold_against(
        &mut self,
        heads: &[Head],
        pruned_before: u64,
    ) -> Result<Held, LedgerError> {
        let lives = self.lives(None)?;
        let ends: BTreeMap<_, _> = lives.iter().map(|life| (life.id, life.ended_at)).collect();
        let mut held = Held::default();
        for Head { room, life, seq, at, hash } in heads {
            let row = self.rows(*life, seq.saturating_sub(1), 1)?.pop();
            let what = match row {
                Some(row) if row.seq == *seq && row.hash == *hash => {
                    held.held += 1;
                    continue;
                }
                Some(row) if row.seq == *seq => "it is not the row that was kept",
                // Its rows go first, and a letter that waits keeps a life of which no row is left.
                Some(_) | None
                    if *at < pruned_before
                        && ends
                            .get(life)
                            .is_none_or(|end| end.is_some_and(|at| at < pruned_before)) =>
                {
                    held.gone += 1;
                    continue;
                }
                Some(_) | None => "it was there and is not: rows were cut off",
            };
            let (room, life, seq) = (room.clone(), *life, *seq);
            held.faults.push(Fault { room, life, seq, what });
        }
        Ok(held)
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
