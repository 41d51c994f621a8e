//! A ledger in one SQLite file: write-ahead log, synced at every commit.

mod letters;
mod schema;
mod shelf;

pub(crate) use shelf::{NewSqliteShelf, SqliteShelf};

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use crate::store::{KEY_KEPT_MS, Store, Stored, Which, from_sql, to_sql};
use crate::{Delivery, LedgerError, Letter, LetterFilter, LetterHead, Life, LifeId, Pruned, Row};

/// How long another program (a backup, a check) may hold the file.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// A ledger in an SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    /// The number under which this program took the ledger over; whoever takes it over next has a
    /// higher one, and then nothing more is written here.
    fence: i64,
}

impl SqliteStore {
    /// Opens or makes the file at `path`, and takes it over.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or a newer program made it.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| LedgerError::Failed(format!("{}: {error}", folder.display())))?;
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_FOR)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The log is copied into the file every 32 MB: rarely enough that few commits wait for it.
        connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        Self::take_over(&mut connection).map(|fence| Self { connection, fence })
    }

    /// Makes a ledger that ends with the process, however that ends.
    ///
    /// # Errors
    ///
    /// There is no place for it.
    pub(crate) fn temporary() -> Result<Self, LedgerError> {
        // SQLite's own temporary file has no name, and goes to the disk only if it grows.
        let mut connection = Connection::open("")?;
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        Self::take_over(&mut connection).map(|fence| Self { connection, fence })
    }

    /// Opens the file at `path` beside the program that writes to it; [`commit`](Store::commit) is
    /// refused.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be opened, or is of another schema.
    pub(crate) fn beside(path: &Path) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_FOR)?;
        schema::expect_current(&connection)?;
        Ok(Self { connection, fence: -1 })
    }

    fn take_over(connection: &mut Connection) -> Result<i64, LedgerError> {
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(connection)?;
        let sql = "UPDATE fence SET number = number + 1 RETURNING number";
        Ok(connection.query_row(sql, [], |row| row.get(0))?)
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, batch: &[Stored]) -> Result<(), LedgerError> {
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let fence: i64 = transaction
            .prepare_cached("SELECT number FROM fence")?
            .query_row([], |row| row.get(0))?;
        if fence != self.fence {
            return Err(LedgerError::Fenced);
        }
        for stored in batch {
            write(&transaction, stored)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn last_life(&mut self) -> Result<u64, LedgerError> {
        let sql = "SELECT coalesce(max(last_life), 0) FROM fence";
        Ok(from_sql(self.connection.query_row(sql, [], |row| row.get(0))?))
    }

    fn last_moment(&mut self) -> Result<u64, LedgerError> {
        let sql = "SELECT max(coalesce((SELECT max(opened_at) FROM lives), 0),
                              coalesce((SELECT max(ended_at) FROM lives), 0),
                              coalesce((SELECT max((SELECT at FROM rows WHERE rows.life = lives.id
                                                    ORDER BY seq DESC LIMIT 1)) FROM lives), 0))";
        Ok(from_sql(self.connection.query_row(sql, [], |row| row.get(0))?))
    }

    fn lives(&mut self, which: Which<'_>) -> Result<Vec<Life>, LedgerError> {
        let (condition, room) = match which {
            Which::All => ("?1 = ''", ""),
            Which::Open => ("ended_at IS NULL AND ?1 = ''", ""),
            Which::OfRoom(room) => ("room = ?1", room),
        };
        let sql = format!(
            "SELECT id, room, opened_at, ended_at FROM lives WHERE {condition} ORDER BY id"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let lives = statement.query_map([room], |row| {
            Ok(Life {
                id: LifeId(from_sql(row.get(0)?)),
                room: row.get(1)?,
                opened_at: from_sql(row.get(2)?),
                ended_at: row.get::<_, Option<i64>>(3)?.map(from_sql),
            })
        })?;
        Ok(lives.collect::<Result<_, _>>()?)
    }

    fn rows(&mut self, life: LifeId, after: u64, limit: usize) -> Result<Vec<Row>, LedgerError> {
        let sql = "SELECT seq, at, kind, rules, input, outcome, hash FROM rows
                   WHERE life = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let parameters = params![to_sql(life.0), to_sql(after), to_sql(limit as u64)];
        let rows = statement.query_map(parameters, row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn last_row(&mut self, life: LifeId) -> Result<Option<Row>, LedgerError> {
        let sql = "SELECT seq, at, kind, rules, input, outcome, hash FROM rows
                   WHERE life = ?1 ORDER BY seq DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([to_sql(life.0)], row).optional()?)
    }

    fn notices(&mut self, life: LifeId) -> Result<u64, LedgerError> {
        let sql = "SELECT coalesce(max(number), 0) FROM letters WHERE life = ?1";
        Ok(from_sql(self.connection.query_row(sql, [to_sql(life.0)], |row| row.get(0))?))
    }

    fn letter_heads(
        &mut self,
        endpoint: &str,
        limit: usize,
    ) -> Result<Vec<LetterHead>, LedgerError> {
        letters::heads(&self.connection, endpoint, limit)
    }

    fn letters_waiting(
        &mut self,
        endpoint: &str,
        room: &str,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        letters::waiting(&self.connection, endpoint, room, limit)
    }

    fn letters(&mut self, filter: &LetterFilter, limit: usize) -> Result<Vec<Letter>, LedgerError> {
        letters::list(&self.connection, filter, limit)
    }

    fn settle_letters(&mut self, deliveries: &[(u64, Delivery)]) -> Result<(), LedgerError> {
        letters::settle(&mut self.connection, deliveries)
    }

    fn replay_letter(&mut self, id: u64, now: u64) -> Result<bool, LedgerError> {
        letters::replay(&self.connection, id, now)
    }

    fn prune(
        &mut self,
        ended_before: u64,
        keys_before: u64,
        limit: usize,
    ) -> Result<Pruned, LedgerError> {
        let transaction = self.connection.transaction()?;
        let delete = |sql: &str, moment: u64| -> Result<u64, LedgerError> {
            let count = transaction.execute(sql, params![to_sql(moment), to_sql(limit as u64)])?;
            Ok(count as u64)
        };
        let keys = delete(
            "DELETE FROM keys WHERE (life, user, idem) IN
               (SELECT life, user, idem FROM keys WHERE at < ?1 LIMIT ?2)",
            keys_before,
        )?;
        let rows = delete(
            "DELETE FROM rows WHERE (life, seq) IN
               (SELECT life, seq FROM rows JOIN lives ON lives.id = rows.life
                WHERE ended_at < ?1 LIMIT ?2)",
            ended_before,
        )?;
        // A letter that waits outlives its room's journal; its number is not given again.
        let letters = delete(
            "DELETE FROM letters WHERE id IN
               (SELECT letters.id FROM letters JOIN lives ON lives.id = letters.life
                WHERE ended_at < ?1 AND state <> 0 LIMIT ?2)",
            ended_before,
        )?;
        let lives = delete(
            "DELETE FROM lives WHERE id IN
               (SELECT id FROM lives WHERE ended_at < ?1
                AND NOT EXISTS (SELECT 1 FROM rows WHERE rows.life = lives.id)
                AND NOT EXISTS (SELECT 1 FROM letters WHERE letters.life = lives.id) LIMIT ?2)",
            ended_before,
        )?;
        transaction.commit()?;
        Ok(Pruned { lives, rows, keys, letters })
    }

    fn abandon(&mut self, room: &str, at: u64) -> Result<bool, LedgerError> {
        let sql = "UPDATE lives SET ended_at = ?2 WHERE room = ?1 AND ended_at IS NULL";
        Ok(self.connection.execute(sql, params![room, to_sql(at)])? > 0)
    }

    fn back_up(&mut self, into: &Path) -> Result<(), LedgerError> {
        let path = into.to_str().ok_or_else(|| LedgerError::Failed("not a path".to_owned()))?;
        self.connection.execute("VACUUM INTO ?1", [path])?;
        Ok(())
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: from_sql(row.get(0)?),
        at: from_sql(row.get(1)?),
        kind: row.get(2)?,
        rules: row.get(3)?,
        input: row.get(4)?,
        outcome: row.get(5)?,
        hash: row.get(6)?,
    })
}

fn write(transaction: &Transaction<'_>, stored: &Stored) -> Result<(), LedgerError> {
    match stored {
        Stored::Opened(life) => {
            let id = to_sql(life.id.0);
            transaction
                .prepare_cached("INSERT INTO lives (id, room, opened_at) VALUES (?1, ?2, ?3)")?
                .execute(params![id, life.room, to_sql(life.opened_at)])?;
            transaction.prepare_cached("UPDATE fence SET last_life = ?1")?.execute([id])?;
        }
        Stored::Row { life, seq, hash, row } => {
            transaction
                .prepare_cached(
                    "INSERT INTO rows (life, seq, at, kind, rules, input, outcome, hash)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    to_sql(life.0),
                    to_sql(*seq),
                    to_sql(row.at),
                    row.kind,
                    row.rules,
                    row.input,
                    row.outcome,
                    hash,
                ])?;
            if let Some((user, idem)) = &row.key {
                use_key(transaction, *life, (user, idem), *seq, row.at)?;
            }
        }
        Stored::Notice { life, room, said } => letters::write(transaction, *life, room, said)?,
        Stored::Ended { life, at } => {
            transaction
                .prepare_cached("UPDATE lives SET ended_at = ?2 WHERE id = ?1")?
                .execute(params![to_sql(life.0), to_sql(*at)])?;
        }
    }
    Ok(())
}

/// Notes that a key was used. Rooms see to it that none is used twice; should one fail to, nothing
/// of the batch is written.
fn use_key(
    transaction: &Transaction<'_>,
    life: LifeId,
    (user, idem): (&str, &str),
    seq: u64,
    at: u64,
) -> Result<(), LedgerError> {
    let written = transaction
        .prepare_cached(
            "INSERT INTO keys (life, user, idem, seq, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (life, user, idem) DO UPDATE SET seq = excluded.seq, at = excluded.at
             WHERE keys.at <= ?6",
        )?
        .execute(params![
            to_sql(life.0),
            user,
            idem,
            to_sql(seq),
            to_sql(at),
            to_sql(at.saturating_sub(KEY_KEPT_MS)),
        ])?;
    if written == 1 { Ok(()) } else { Err(LedgerError::KeyReused) }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
