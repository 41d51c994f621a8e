//! An SQLite file that is copied, and one that a copy becomes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params, params_from_iter};

use super::schema;
use crate::LedgerError;
use crate::tables::{Cell, Counters, Kind, NewShelf, Record, Shelf, Table};

/// Whoever only looks at the file for a moment is waited for.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// A file that nobody else has open.
pub(crate) struct SqliteShelf(Connection);

/// A file that has another name until it is whole.
pub(crate) struct NewSqliteShelf {
    shelf: Option<SqliteShelf>,
    part: PathBuf,
    file: PathBuf,
}

impl SqliteShelf {
    /// Opens the file at `path`, and keeps everybody else from opening it.
    ///
    /// # Errors
    ///
    /// It is not there, is in use, or is of another schema.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_FOR)?;
        // Before the first look at the file: then nobody may have it open, not even to do nothing.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.execute_batch("BEGIN EXCLUSIVE").map_err(|error| {
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) {
                return LedgerError::Failed(format!("{} is in use", path.display()));
            }
            error.into()
        })?;
        schema::expect_current(&connection)?;
        Ok(Self(connection))
    }
}

impl Shelf for SqliteShelf {
    fn counters(&mut self) -> Result<Counters, LedgerError> {
        let sql = "SELECT number, last_life, coalesce(
                     (SELECT seq FROM sqlite_sequence WHERE name = 'letters'), 0) FROM fence";
        Ok(self.0.query_row(sql, [], |row| {
            Ok(Counters { fence: row.get(0)?, last_life: row.get(1)?, last_letter: row.get(2)? })
        })?)
    }

    fn records(
        &mut self,
        table: &Table,
        after: Option<&Record>,
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        let sql = table.select(|name| name, '?', after.is_some(), limit);
        let mut statement = self.0.prepare_cached(&sql)?;
        let key = after.map_or(&[][..], |record| &record[..table.key]);
        let records = statement.query_map(params_from_iter(key), |row| {
            let columns = table.columns.iter().enumerate();
            columns.map(|(place, (_, kind))| cell(row.get_ref(place)?, *kind)).collect()
        })?;
        Ok(records.collect::<Result<_, _>>()?)
    }
}

impl NewSqliteShelf {
    /// Begins a file that is to be at `path`.
    ///
    /// # Errors
    ///
    /// Something is there already, or there is no place for it.
    pub(crate) fn at(path: &Path) -> Result<Self, LedgerError> {
        // A log that is left of another ledger would be taken for this one's.
        for end in ["", "-wal", "-shm", "-journal"] {
            let file = with(path, end);
            if file.exists() {
                let why = format!("{} is there already", file.display());
                return Err(LedgerError::Failed(why));
            }
        }
        let part = with(path, ".part");
        // What is left of a copy that was broken off.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&part, &error));
            }
            _ => {}
        }
        let mut connection = Connection::open(&part)?;
        // Nothing needs to be undone in a file that is thrown away.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        schema::migrate(&mut connection)?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(Self { shelf: Some(SqliteShelf(connection)), part, file: path.to_owned() })
    }

    const fn shelf(&mut self) -> &mut SqliteShelf {
        self.shelf.as_mut().expect("it is open until it is kept")
    }
}

impl Shelf for NewSqliteShelf {
    fn counters(&mut self) -> Result<Counters, LedgerError> {
        self.shelf().counters()
    }

    fn records(
        &mut self,
        table: &Table,
        after: Option<&Record>,
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        self.shelf().records(table, after, limit)
    }
}

impl NewShelf for NewSqliteShelf {
    fn put(&mut self, table: &Table, records: &[Record]) -> Result<(), LedgerError> {
        let places: Vec<_> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
        let (columns, places) = (table.columns(|name| name), places.join(", "));
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({places})", table.name);
        let mut statement = self.shelf().0.prepare_cached(&sql)?;
        for record in records {
            statement.execute(params_from_iter(record))?;
        }
        Ok(())
    }

    fn put_counters(&mut self, counters: Counters) -> Result<(), LedgerError> {
        let Counters { fence, last_life, last_letter } = counters;
        let connection = &self.shelf().0;
        let sql = "UPDATE fence SET number = ?1, last_life = ?2";
        connection.execute(sql, params![fence, last_life])?;
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'letters'", [])?;
        if last_letter > 0 {
            let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('letters', ?1)";
            connection.execute(sql, [last_letter])?;
        }
        Ok(())
    }

    fn keep(mut self: Box<Self>) -> Result<(), LedgerError> {
        let SqliteShelf(connection) = self.shelf.take().expect("it is kept once");
        connection.execute_batch("COMMIT")?;
        connection.close().map_err(|(_, error)| error)?;
        let on_disk = |path: &Path| {
            File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, &error))
        };
        on_disk(&self.part)?;
        // Unlike a new name for the file, a second one never takes the place of another file.
        fs::hard_link(&self.part, &self.file).map_err(|error| failed(&self.file, &error))?;
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        on_disk(folder.unwrap_or_else(|| Path::new(".")))
    }
}

impl Drop for NewSqliteShelf {
    fn drop(&mut self) {
        self.shelf = None;
        // It has another name now, or was broken off.
        let _ = fs::remove_file(&self.part);
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn failed(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::Failed(format!("{}: {error}", path.display()))
}

fn cell(value: ValueRef<'_>, kind: Kind) -> rusqlite::Result<Cell> {
    Ok(match kind {
        _ if value == ValueRef::Null => Cell::Nothing,
        Kind::Integer => Cell::Integer(value.as_i64()?),
        Kind::Text => Cell::Text(value.as_str()?.to_owned()),
        Kind::Bytes => Cell::Bytes(value.as_blob()?.to_owned()),
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Nothing => ToSqlOutput::Owned(Value::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
