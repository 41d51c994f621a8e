//! Letters in SQLite.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::outbox::event_name;
use crate::store::{Said, from_sql, to_sql};
use crate::{Delivery, LedgerError, Letter, LetterFilter, LetterHead, LetterState, LifeId};

const COLUMNS: &str =
    "id, endpoint, room, seq, life, number, at, kind, body, state, tries, due_at, error";

/// Writes a letter to each endpoint of a notice that it was not written to already.
pub(super) fn write(
    transaction: &Transaction<'_>,
    life: LifeId,
    room: &str,
    said: &Said,
) -> Result<(), LedgerError> {
    for endpoint in &*said.notice.to {
        if let Some(number) = said.number
            && is_there(transaction, life, number, endpoint)?
        {
            continue;
        }
        let seq: i64 = transaction
            .prepare_cached(
                "INSERT INTO addresses (endpoint, room, last_seq) VALUES (?1, ?2, 1)
                 ON CONFLICT (endpoint, room) DO UPDATE SET last_seq = last_seq + 1
                 RETURNING last_seq",
            )?
            .query_row(params![endpoint, room], |row| row.get(0))?;
        // What passes has no place among the notices that a journal tells again.
        let number = said.number.map_or(-seq, to_sql);
        transaction
            .prepare_cached(
                "INSERT INTO letters (endpoint, room, seq, life, number, at, kind, body, due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6)",
            )?
            .execute(params![
                endpoint,
                room,
                seq,
                to_sql(life.0),
                number,
                to_sql(said.at),
                said.notice.kind,
                said.notice.body,
            ])?;
    }
    Ok(())
}

fn is_there(
    transaction: &Transaction<'_>,
    life: LifeId,
    number: u64,
    endpoint: &str,
) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM letters WHERE life = ?1 AND number = ?2 AND endpoint = ?3";
    let parameters = params![to_sql(life.0), to_sql(number), endpoint];
    Ok(transaction.prepare_cached(sql)?.exists(parameters)?)
}

/// Goes from room to room by the index, so that it costs what there are rooms, not letters.
pub(super) fn heads(
    connection: &Connection,
    endpoint: &str,
    limit: usize,
) -> Result<Vec<LetterHead>, LedgerError> {
    let sql = "WITH RECURSIVE waiting (room) AS (
                 SELECT min(room) FROM letters WHERE state = 0 AND endpoint = ?1
                 UNION ALL
                 SELECT (SELECT min(room) FROM letters
                         WHERE state = 0 AND endpoint = ?1 AND room > waiting.room)
                 FROM waiting WHERE waiting.room IS NOT NULL)
               SELECT waiting.room,
                 (SELECT due_at FROM letters WHERE state = 0 AND endpoint = ?1
                  AND letters.room = waiting.room ORDER BY seq LIMIT 1) AS due
               FROM waiting WHERE waiting.room IS NOT NULL ORDER BY due, waiting.room LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let heads = statement.query_map(params![endpoint, to_sql(limit as u64)], |row| {
        Ok(LetterHead { room: row.get(0)?, due_at: from_sql(row.get(1)?) })
    })?;
    Ok(heads.collect::<Result<_, _>>()?)
}

pub(super) fn waiting(
    connection: &Connection,
    endpoint: &str,
    room: &str,
    limit: usize,
) -> Result<Vec<Letter>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letters WHERE state = 0 AND endpoint = ?1 AND room = ?2
         ORDER BY seq LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let letters = statement.query_map(params![endpoint, room, to_sql(limit as u64)], letter)?;
    Ok(letters.collect::<Result<_, _>>()?)
}

pub(super) fn list(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<Letter>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letters
         WHERE (?1 IS NULL OR endpoint = ?1) AND (?2 IS NULL OR room = ?2)
           AND (?3 IS NULL OR state = ?3) AND id > ?4
         ORDER BY id LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = params![
        filter.endpoint,
        filter.room,
        filter.state.map(LetterState::number),
        to_sql(filter.after),
        to_sql(limit as u64)
    ];
    let letters = statement.query_map(parameters, letter)?;
    Ok(letters.collect::<Result<_, _>>()?)
}

pub(super) fn settle(
    connection: &mut Connection,
    deliveries: &[(u64, Delivery)],
) -> Result<(), LedgerError> {
    let transaction = connection.transaction()?;
    for (id, delivery) in deliveries {
        let (state, due_at, error) = match delivery {
            Delivery::Delivered => (LetterState::Delivered, None, None),
            Delivery::RetryAt { due_at, error } => {
                (LetterState::Waiting, Some(to_sql(*due_at)), Some(error))
            }
            Delivery::GivenUp { error } => (LetterState::Dead, None, Some(error)),
        };
        // A letter that was pruned meanwhile needs nothing any more.
        transaction
            .prepare_cached(
                "UPDATE letters SET state = ?2, due_at = coalesce(?3, due_at), error = ?4,
                   tries = tries + (?4 IS NOT NULL) WHERE id = ?1",
            )?
            .execute(params![to_sql(*id), state.number(), due_at, error])?;
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn replay(connection: &Connection, id: u64, now: u64) -> Result<bool, LedgerError> {
    let sql = "UPDATE letters SET state = 0, tries = 0, due_at = ?2 WHERE id = ?1 AND state = 2
               RETURNING id";
    let found: Option<i64> =
        connection.query_row(sql, params![to_sql(id), to_sql(now)], |row| row.get(0)).optional()?;
    Ok(found.is_some())
}

fn letter(row: &rusqlite::Row<'_>) -> rusqlite::Result<Letter> {
    Ok(Letter {
        id: from_sql(row.get(0)?),
        endpoint: row.get(1)?,
        room: row.get(2)?,
        seq: from_sql(row.get(3)?),
        event: event_name(row.get(4)?, row.get(5)?),
        at: from_sql(row.get(6)?),
        kind: row.get(7)?,
        body: row.get(8)?,
        state: LetterState::numbered(row.get(9)?),
        tries: row.get(10)?,
        due_at: from_sql(row.get(11)?),
        error: row.get(12)?,
    })
}
