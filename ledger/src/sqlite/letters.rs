//! Letters in SQLite.

use rusqlite::{Connection, Transaction, params};

use super::{from_sql, to_sql};
use crate::{LedgerError, Letter, LetterState, LifeId, Notice};

const COLUMNS: &str = "room, seq, at, kind, body, state, tries, due_at, error";

/// Writes a letter under the next number of its room, unless it is there already.
pub(super) fn write(
    transaction: &Transaction<'_>,
    life: LifeId,
    room: &str,
    number: u64,
    at: u64,
    notice: &Notice,
) -> Result<(), LedgerError> {
    let is_there = transaction
        .prepare_cached("SELECT 1 FROM letters WHERE life = ?1 AND number = ?2")?
        .exists(params![to_sql(life.0), to_sql(number)])?;
    if is_there {
        return Ok(());
    }
    let seq: i64 = transaction
        .prepare_cached(
            "INSERT INTO addresses (room, last_seq) VALUES (?1, 1)
             ON CONFLICT (room) DO UPDATE SET last_seq = last_seq + 1 RETURNING last_seq",
        )?
        .query_row([room], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO letters (room, seq, life, number, at, kind, body, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5)",
        )?
        .execute(params![
            room,
            seq,
            to_sql(life.0),
            to_sql(number),
            to_sql(at),
            notice.kind,
            notice.body,
        ])?;
    Ok(())
}

pub(super) fn due(
    connection: &Connection,
    now: u64,
    limit: usize,
) -> Result<Vec<Letter>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letters
         WHERE state = 0 AND (room, seq) IN
           (SELECT room, min(seq) FROM letters WHERE state = 0 GROUP BY room)
         AND due_at <= ?1 ORDER BY due_at, room LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let letters = statement.query_map(params![to_sql(now), to_sql(limit as u64)], letter)?;
    Ok(letters.collect::<Result<_, _>>()?)
}

pub(super) fn list(
    connection: &Connection,
    room: Option<&str>,
    state: Option<LetterState>,
    from: u64,
    limit: usize,
) -> Result<Vec<Letter>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letters
         WHERE (?1 IS NULL OR room = ?1) AND (?2 IS NULL OR state = ?2) AND seq >= ?3
         ORDER BY room, seq LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = params![room, state.map(number_of), to_sql(from), to_sql(limit as u64)];
    let letters = statement.query_map(parameters, letter)?;
    Ok(letters.collect::<Result<_, _>>()?)
}

pub(super) fn set(
    connection: &Connection,
    room: &str,
    seq: u64,
    state: LetterState,
    due_at: u64,
    error: Option<&str>,
) -> Result<bool, LedgerError> {
    let sql =
        "UPDATE letters SET state = ?3, due_at = ?4, error = ?5, tries = tries + (?5 IS NOT NULL)
               WHERE room = ?1 AND seq = ?2";
    let parameters = params![room, to_sql(seq), number_of(state), to_sql(due_at), error];
    Ok(connection.prepare_cached(sql)?.execute(parameters)? > 0)
}

pub(super) fn replay(
    connection: &Connection,
    room: &str,
    from: u64,
    limit: usize,
    now: u64,
) -> Result<u64, LedgerError> {
    let sql = "UPDATE letters SET state = 0, tries = 0, due_at = ?4, error = NULL
               WHERE room = ?1 AND seq IN
                 (SELECT seq FROM letters WHERE room = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3)";
    let parameters = params![room, to_sql(from), to_sql(limit as u64), to_sql(now)];
    Ok(connection.execute(sql, parameters)? as u64)
}

fn letter(row: &rusqlite::Row<'_>) -> rusqlite::Result<Letter> {
    Ok(Letter {
        room: row.get(0)?,
        seq: from_sql(row.get(1)?),
        at: from_sql(row.get(2)?),
        kind: row.get(3)?,
        body: row.get(4)?,
        state: match row.get::<_, i64>(5)? {
            0 => LetterState::Waiting,
            1 => LetterState::Delivered,
            _ => LetterState::Dead,
        },
        tries: row.get(6)?,
        due_at: from_sql(row.get(7)?),
        error: row.get(8)?,
    })
}

const fn number_of(state: LetterState) -> i64 {
    match state {
        LetterState::Waiting => 0,
        LetterState::Delivered => 1,
        LetterState::Dead => 2,
    }
}
