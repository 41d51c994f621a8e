//! Reads a whole ledger and says whether every chain of hashes holds.

use crate::chain;
use crate::reader::check;
use crate::store::{Store, Which};
use crate::{LedgerError, LifeId, SqliteStore};

const ROWS_AT_ONCE: usize = 1_000;

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

/// Checks every row of every life, or of those of one room.
///
/// # Errors
///
/// The ledger cannot be read.
pub fn verify(store: &mut SqliteStore, room: Option<&str>) -> Result<Verified, LedgerError> {
    let mut verified = Verified::default();
    for life in store.lives(room.map_or(Which::All, Which::OfRoom))? {
        verified.lives += 1;
        let (mut seq, mut hash) = (0, chain::root(&life.room, life.id));
        'life: loop {
            let rows = store.rows(life.id, seq, ROWS_AT_ONCE)?;
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
