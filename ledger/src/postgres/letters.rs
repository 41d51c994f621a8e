//! Letters in PostgreSQL.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;

use super::session::{Parameters, Session, Trouble, Work};
use crate::outbox::event_name;
use crate::store::{Said, from_sql, to_sql};
use crate::{Delivery, Letter, LetterFilter, LetterHead, LetterState, LifeId};

/// A notice that is to become letters.
pub(super) struct Told<'a> {
    pub(super) life: LifeId,
    pub(super) room: &'a str,
    pub(super) said: &'a Said,
}

/// One of them.
struct Sealed<'a> {
    endpoint: &'a str,
    told: &'a Told<'a>,
}

/// Writes a letter to each endpoint of each notice that it was not written to already.
pub(super) fn write(work: &mut Work<'_>, told: &[Told<'_>]) -> Result<(), Trouble> {
    let mut letters: Vec<Sealed<'_>> = told
        .iter()
        .flat_map(|told| told.said.notice.to.iter().map(move |to| Sealed { endpoint: to, told }))
        .collect();
    let mut known = HashSet::new();
    letters.retain(|letter| match letter.told.said.number {
        Some(number) => known.insert((letter.told.life, number, letter.endpoint)),
        None => true,
    });
    leave_out_written(work, &mut letters)?;
    if letters.is_empty() {
        return Ok(());
    }

    let endpoints: Vec<&str> = letters.iter().map(|letter| letter.endpoint).collect();
    let rooms: Vec<&str> = letters.iter().map(|letter| letter.told.room).collect();
    let seqs = number(work, &endpoints, &rooms)?;
    let lives: Vec<i64> = letters.iter().map(|letter| to_sql(letter.told.life.0)).collect();
    let said = || letters.iter().map(|letter| letter.told.said);
    // What passes has no place among the notices that a journal tells again.
    let numbers: Vec<i64> =
        said().zip(&seqs).map(|(said, seq)| said.number.map_or(-seq, to_sql)).collect();
    let at: Vec<i64> = said().map(|said| to_sql(said.at)).collect();
    let kinds: Vec<&str> = said().map(|said| said.notice.kind).collect();
    let bodies: Vec<&str> = said().map(|said| said.notice.body.as_str()).collect();
    work.execute(
        "INSERT INTO letters (endpoint, room, seq, life, number, at, kind, body, due_at)
         SELECT endpoint, room, seq, life, number, at, kind, body, at
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::text[], $8::text[]) WITH ORDINALITY
              AS new (endpoint, room, seq, life, number, at, kind, body, place)
         ORDER BY place",
        &[&endpoints, &rooms, &seqs, &lives, &numbers, &at, &kinds, &bodies],
    )?;
    Ok(())
}

/// Leaves out the letters that a journal which was read again tells again.
fn leave_out_written(work: &mut Work<'_>, letters: &mut Vec<Sealed<'_>>) -> Result<(), Trouble> {
    let numbers: Vec<Option<i64>> =
        letters.iter().map(|letter| letter.told.said.number.map(to_sql)).collect();
    if numbers.iter().all(Option::is_none) {
        return Ok(());
    }
    let lives: Vec<i64> = letters.iter().map(|letter| to_sql(letter.told.life.0)).collect();
    let endpoints: Vec<&str> = letters.iter().map(|letter| letter.endpoint).collect();
    let written = work.query(
        "SELECT new.place FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
                AS new (life, number, endpoint, place)
         JOIN letters USING (life, number, endpoint)",
        &[&lives, &numbers, &endpoints],
    )?;
    let written: HashSet<i64> = written.iter().map(|row| row.get(0)).collect();
    let mut place = 0;
    letters.retain(|_| {
        place += 1;
        !written.contains(&place)
    });
    Ok(())
}

/// Returns the place of each new letter among those about its room to its endpoint.
fn number(work: &mut Work<'_>, endpoints: &[&str], rooms: &[&str]) -> Result<Vec<i64>, Trouble> {
    let rows = work.query(
        "INSERT INTO addresses (endpoint, room, last_seq)
         SELECT endpoint, room, count(*) FROM unnest($1::text[], $2::text[]) AS new (endpoint, room)
         GROUP BY endpoint, room
         ON CONFLICT (endpoint, room) DO UPDATE
         SET last_seq = addresses.last_seq + excluded.last_seq
         RETURNING endpoint, room, last_seq",
        &[&endpoints, &rooms],
    )?;
    let mut last: HashMap<(&str, &str), i64> =
        rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
    let mut seqs = Vec::with_capacity(rooms.len());
    for address in endpoints.iter().copied().zip(rooms.iter().copied()).rev() {
        let seq = last.get_mut(&address).expect("every address was returned");
        seqs.push(*seq);
        *seq -= 1;
    }
    seqs.reverse();
    Ok(seqs)
}

/// Goes from room to room by the index, so that it costs what there are rooms, not letters.
pub(super) fn heads(
    session: &mut Session,
    endpoint: &str,
    limit: usize,
) -> Result<Vec<LetterHead>, Trouble> {
    let sql = "WITH RECURSIVE waiting (room) AS (
                 SELECT min(room) FROM letters WHERE state = 0 AND endpoint = $1
                 UNION ALL
                 SELECT (SELECT min(room) FROM letters
                         WHERE state = 0 AND endpoint = $1 AND room > waiting.room)
                 FROM waiting WHERE waiting.room IS NOT NULL)
               SELECT waiting.room,
                 (SELECT due_at FROM letters WHERE state = 0 AND endpoint = $1
                  AND letters.room = waiting.room ORDER BY seq LIMIT 1) AS due
               FROM waiting WHERE waiting.room IS NOT NULL ORDER BY due, waiting.room LIMIT $2";
    let rows = session.query(sql, &[&endpoint, &to_sql(limit as u64)])?;
    Ok(rows
        .iter()
        .map(|row| LetterHead { room: row.get(0), due_at: from_sql(row.get(1)) })
        .collect())
}

pub(super) fn waiting(
    session: &mut Session,
    endpoint: &str,
    room: &str,
    limit: usize,
) -> Result<Vec<Letter>, Trouble> {
    let sql = "SELECT id, endpoint, room, seq, life, number, at, kind, body, state, tries, due_at,
                      error
               FROM letters WHERE state = 0 AND endpoint = $1 AND room = $2
               ORDER BY seq LIMIT $3";
    read(session, sql, &[&endpoint, &room, &to_sql(limit as u64)])
}

pub(super) fn list(
    session: &mut Session,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<Letter>, Trouble> {
    // A text here holds no zero byte, and whoever asks may: no letter is meant.
    if [&filter.endpoint, &filter.room].into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok(Vec::new());
    }
    let sql = "SELECT id, endpoint, room, seq, life, number, at, kind, body, state, tries, due_at,
                      error
               FROM letters
               WHERE ($1::text IS NULL OR endpoint = $1) AND ($2::text IS NULL OR room = $2)
                 AND ($3::bigint IS NULL OR state = $3) AND id > $4
               ORDER BY id LIMIT $5";
    let (state, after) = (filter.state.map(LetterState::number), to_sql(filter.after));
    let limit = to_sql(limit as u64);
    read(session, sql, &[&filter.endpoint, &filter.room, &state, &after, &limit])
}

pub(super) fn settle(work: &mut Work<'_>, deliveries: &[(u64, Delivery)]) -> Result<(), Trouble> {
    for (id, delivery) in deliveries {
        let (state, due_at, error) = match delivery {
            Delivery::Delivered => (LetterState::Delivered, None, None),
            Delivery::RetryAt { due_at, error } => {
                (LetterState::Waiting, Some(to_sql(*due_at)), Some(error))
            }
            Delivery::GivenUp { error } => (LetterState::Dead, None, Some(error)),
        };
        // What a back end answered may hold anything; a text here holds no zero byte.
        let error = error.map(|error| error.replace('\0', ""));
        // A letter that was pruned meanwhile needs nothing any more.
        work.execute(
            "UPDATE letters SET state = $2, due_at = coalesce($3, due_at), error = $4::text,
               tries = tries + ($4::text IS NOT NULL)::int WHERE id = $1",
            &[&to_sql(*id), &state.number(), &due_at, &error],
        )?;
    }
    Ok(())
}

pub(super) fn replay(work: &mut Work<'_>, id: u64, now: u64) -> Result<bool, Trouble> {
    let sql = "UPDATE letters SET state = 0, tries = 0, due_at = $2 WHERE id = $1 AND state = 2";
    Ok(work.execute(sql, &[&to_sql(id), &to_sql(now)])? > 0)
}

fn read(
    session: &mut Session,
    sql: &'static str,
    parameters: Parameters<'_>,
) -> Result<Vec<Letter>, Trouble> {
    Ok(session.query(sql, parameters)?.iter().map(letter).collect())
}

fn letter(row: &Row) -> Letter {
    Letter {
        id: from_sql(row.get(0)),
        endpoint: row.get(1),
        room: row.get(2),
        seq: from_sql(row.get(3)),
        event: event_name(row.get(4), row.get(5)),
        at: from_sql(row.get(6)),
        kind: row.get(7),
        body: row.get(8),
        state: LetterState::numbered(row.get(9)),
        tries: u32::try_from(row.get::<_, i64>(10)).unwrap_or(u32::MAX),
        due_at: from_sql(row.get(11)),
        error: row.get(12),
    }
}
