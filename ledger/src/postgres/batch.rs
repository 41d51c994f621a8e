//! Writes a batch with one statement for each table, whatever its length: every statement is a way to
//! the server and back.

use std::collections::{HashMap, HashSet};

use super::letters::{self, Told};
use super::session::{Trouble, Work};
use crate::store::{KEY_KEPT_MS, Stored, to_sql};
use crate::{LedgerError, Life, LifeId, NewRow};

/// Writes all of `batch`.
pub(super) fn write(work: &mut Work<'_>, batch: &[Stored]) -> Result<(), Trouble> {
    let (mut opened, mut ended) = (Vec::new(), HashMap::new());
    let (mut rows, mut told) = (Vec::new(), Vec::new());
    for stored in batch {
        match stored {
            Stored::Opened(life) => opened.push(life),
            Stored::Row { life, seq, hash, row } => {
                rows.push(Chained { life: *life, seq: *seq, hash, row });
            }
            Stored::Notice { life, room, said } => told.push(Told { life: *life, room, said }),
            Stored::Ended { life, at } => {
                ended.insert(*life, to_sql(*at));
            }
        }
    }
    write_lives(work, &opened, ended)?;
    write_rows(work, &rows)?;
    write_keys(work, &rows)?;
    letters::write(work, &told)
}

struct Chained<'a> {
    life: LifeId,
    seq: u64,
    hash: &'a [u8],
    row: &'a NewRow,
}

/// Ends come before beginnings: a room may end and begin anew in one batch.
fn write_lives(
    work: &mut Work<'_>,
    opened: &[&Life],
    mut ended: HashMap<LifeId, i64>,
) -> Result<(), Trouble> {
    let ended_at: Vec<Option<i64>> = opened.iter().map(|life| ended.remove(&life.id)).collect();
    if !ended.is_empty() {
        let (ids, at): (Vec<i64>, Vec<i64>) =
            ended.into_iter().map(|(life, at)| (to_sql(life.0), at)).unzip();
        work.execute(
            "UPDATE lives SET ended_at = ended.at
             FROM unnest($1::bigint[], $2::bigint[]) AS ended (id, at) WHERE lives.id = ended.id",
            &[&ids, &at],
        )?;
    }
    let ids: Vec<i64> = opened.iter().map(|life| to_sql(life.id.0)).collect();
    let Some(last) = ids.iter().max() else { return Ok(()) };
    let rooms: Vec<&str> = opened.iter().map(|life| life.room.as_str()).collect();
    let opened_at: Vec<i64> = opened.iter().map(|life| to_sql(life.opened_at)).collect();
    work.execute(
        "INSERT INTO lives (id, room, opened_at, ended_at)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])",
        &[&ids, &rooms, &opened_at, &ended_at],
    )?;
    work.execute("UPDATE fence SET last_life = greatest(last_life, $1)", &[last])?;
    Ok(())
}

fn write_rows(work: &mut Work<'_>, rows: &[Chained<'_>]) -> Result<(), Trouble> {
    if rows.is_empty() {
        return Ok(());
    }
    let lives: Vec<i64> = rows.iter().map(|chained| to_sql(chained.life.0)).collect();
    let seqs: Vec<i64> = rows.iter().map(|chained| to_sql(chained.seq)).collect();
    let at: Vec<i64> = rows.iter().map(|chained| to_sql(chained.row.at)).collect();
    let kinds: Vec<&str> = rows.iter().map(|chained| chained.row.kind).collect();
    let rules: Vec<i64> = rows.iter().map(|chained| chained.row.rules.into()).collect();
    let inputs: Vec<&str> = rows.iter().map(|chained| chained.row.input.as_str()).collect();
    let outcomes: Vec<&str> = rows.iter().map(|chained| chained.row.outcome.as_str()).collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|chained| chained.hash).collect();
    work.execute(
        "INSERT INTO rows (life, seq, at, kind, rules, input, outcome, hash)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
                              $6::text[], $7::text[], $8::bytea[])",
        &[&lives, &seqs, &at, &kinds, &rules, &inputs, &outcomes, &hashes],
    )?;
    Ok(())
}

/// Notes which keys were used. Rooms see to it that none is used twice; should one fail to, nothing
/// of the batch is written.
fn write_keys(work: &mut Work<'_>, rows: &[Chained<'_>]) -> Result<(), Trouble> {
    let mut columns = Keys::default();
    let mut seen = HashSet::new();
    for chained in rows {
        let Some((member, idem)) = &chained.row.key else { continue };
        // One statement may not write a row twice, though a batch may hold more than a day.
        if !seen.insert((chained.life, member, idem)) {
            std::mem::take(&mut columns).write(work)?;
            seen.clear();
            seen.insert((chained.life, member, idem));
        }
        columns.lives.push(to_sql(chained.life.0));
        columns.members.push(member);
        columns.idems.push(idem);
        columns.seqs.push(to_sql(chained.seq));
        columns.at.push(to_sql(chained.row.at));
    }
    columns.write(work)
}

#[derive(Default)]
struct Keys<'a> {
    lives: Vec<i64>,
    members: Vec<&'a str>,
    idems: Vec<&'a str>,
    seqs: Vec<i64>,
    at: Vec<i64>,
}

impl Keys<'_> {
    fn write(self, work: &mut Work<'_>) -> Result<(), Trouble> {
        let Self { lives, members, idems, seqs, at } = self;
        if lives.is_empty() {
            return Ok(());
        }
        let written = work.execute(
            "INSERT INTO keys (life, member, idem, seq, at)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
             ON CONFLICT (life, member, idem) DO UPDATE SET seq = excluded.seq, at = excluded.at
             WHERE keys.at <= excluded.at - $6::bigint",
            &[&lives, &members, &idems, &seqs, &at, &to_sql(KEY_KEPT_MS)],
        )?;
        if written == lives.len() as u64 { Ok(()) } else { Err(LedgerError::KeyReused.into()) }
    }
}
