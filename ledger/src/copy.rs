//! Copies a ledger from one store to another: everything, or nothing. Neither may be in use, and what
//! is read back must be what was read, with every hash as it was, before it is kept.

use std::collections::HashMap;

use crate::chain;
use crate::reader::check;
use crate::store::from_sql;
use crate::tables::{Cell, LETTERS, LIVES, NewShelf, ROWS, Record, Shelf, TABLES, Table};
use crate::{LedgerError, LifeId, Place, Row};

const RECORDS_AT_ONCE: usize = 1_000;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Copied {
    /// Lives of rooms.
    pub lives: u64,
    /// Their rows, of which every hash fits.
    pub rows: u64,
    /// Letters to back ends.
    pub letters: u64,
}

/// Copies the ledger at `from` to `to`, where there must be none or an empty one. It waits for the
/// disk and for sockets, so it is not for a thread that runs tasks.
///
/// # Errors
///
/// One of them is in use, cannot be opened or is of another schema; there is something already where
/// the copy is to be; or a row is not as it was written. Nothing was copied then.
pub fn copy(from: &Place, to: &Place) -> Result<Copied, LedgerError> {
    let mut source = from.shelf()?;
    let mut target = to.new_shelf()?;
    expect_empty(&mut *target)?;
    for table in TABLES {
        let mut last = None;
        while let Some(records) = next(&mut *source, table, &mut last)? {
            target.put(table, &records)?;
        }
    }
    target.put_counters(source.counters()?)?;
    let copied = compare(&mut *source, &mut *target)?;
    target.keep()?;
    Ok(copied)
}

fn expect_empty(target: &mut dyn NewShelf) -> Result<(), LedgerError> {
    let mut is_empty = target.counters()?.last_life == 0;
    for table in TABLES {
        is_empty &= target.records(table, None, 1)?.is_empty();
    }
    let there = || LedgerError::Failed("there is a ledger already where it is to be".to_owned());
    is_empty.then_some(()).ok_or_else(there)
}

/// Reads both again and holds one against the other.
fn compare(source: &mut dyn Shelf, target: &mut dyn Shelf) -> Result<Copied, LedgerError> {
    let mut chains = Chains::default();
    let mut copied = Copied::default();
    for table in TABLES {
        let (mut here, mut there) = (None, None);
        loop {
            let (one, other) = (next(source, table, &mut here)?, next(target, table, &mut there)?);
            if one != other {
                let why = format!("the copy is not what was copied: table {}", table.name);
                return Err(LedgerError::Failed(why));
            }
            let Some(records) = one else { break };
            let count = match table.name {
                name if name == LIVES.name => &mut copied.lives,
                name if name == ROWS.name => &mut copied.rows,
                name if name == LETTERS.name => &mut copied.letters,
                _ => continue,
            };
            *count += records.len() as u64;
            for record in records {
                if table.name == LIVES.name {
                    chains.begin(&record);
                } else if table.name == ROWS.name {
                    chains.check(record)?;
                }
            }
        }
    }
    if source.counters()? != target.counters()? {
        return Err(LedgerError::Failed("the copy is not what was copied: fence".to_owned()));
    }
    Ok(copied)
}

/// Returns the records after `last`, if there are more, and moves on to the last of them.
fn next<S: Shelf + ?Sized>(
    shelf: &mut S,
    table: &Table,
    last: &mut Option<Record>,
) -> Result<Option<Vec<Record>>, LedgerError> {
    let mut records = shelf.records(table, last.as_ref(), RECORDS_AT_ONCE)?;
    let Some(end) = records.last() else { return Ok(None) };
    *last = Some(end.clone());
    if table.name == LETTERS.name {
        for error in records.iter_mut().filter_map(|record| record.last_mut()) {
            // What a back end answered may hold anything; a text in PostgreSQL holds no zero byte.
            if let Cell::Text(error) = error {
                error.retain(|c| c != '\0');
            }
        }
    }
    Ok(Some(records))
}

/// The chains of all lives; rows come life by life, in order.
#[derive(Default)]
struct Chains {
    rooms: HashMap<i64, String>,
    life: i64,
    seq: u64,
    hash: [u8; 32],
}

impl Chains {
    fn begin(&mut self, life: &Record) {
        if let [Cell::Integer(id), Cell::Text(room), ..] = life.as_slice() {
            self.rooms.insert(*id, room.clone());
        }
    }

    fn check(&mut self, record: Record) -> Result<(), LedgerError> {
        let Some((life, row)) = row(record) else {
            let what = "it has no hash";
            return Err(LedgerError::Changed { seq: self.seq + 1, what });
        };
        let room = self.rooms.get(&life).map_or("", String::as_str);
        if life != self.life {
            let root = chain::root(room, LifeId(from_sql(life)));
            (self.life, self.seq, self.hash) = (life, 0, root);
        }
        check(&mut self.seq, &mut self.hash, &row).map_err(|what| {
            let seq = row.seq;
            LedgerError::Failed(format!("room {room}, life {life}, row {seq}: {what}"))
        })
    }
}

fn row(record: Record) -> Option<(i64, Row)> {
    let cells: [Cell; 8] = record.try_into().ok()?;
    let [
        Cell::Integer(life),
        Cell::Integer(seq),
        Cell::Integer(at),
        Cell::Text(kind),
        Cell::Integer(rules),
        Cell::Text(input),
        Cell::Text(outcome),
        Cell::Bytes(hash),
    ] = cells
    else {
        return None;
    };
    let (rules, hash) = (u32::try_from(rules).ok()?, hash.try_into().ok()?);
    Some((life, Row { seq: from_sql(seq), at: from_sql(at), kind, rules, input, outcome, hash }))
}
