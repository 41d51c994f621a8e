//! The tables, and the way to them from every earlier version. `user_version` counts the steps that
//! were taken.

use rusqlite::Connection;

use crate::LedgerError;

/// Each step leads from the version of its index to the next. A step that was released is never
/// changed.
const STEPS: [&str; 2] = [
    // Numbers of lives are never used again, so the last one is kept by itself.
    "CREATE TABLE fence (number INTEGER NOT NULL, last_life INTEGER NOT NULL) STRICT;
     INSERT INTO fence VALUES (0, 0);

     CREATE TABLE lives (
       id        INTEGER PRIMARY KEY,
       room      TEXT NOT NULL,
       opened_at INTEGER NOT NULL,
       ended_at  INTEGER
     ) STRICT;
     CREATE UNIQUE INDEX lives_open ON lives (room) WHERE ended_at IS NULL;
     CREATE INDEX lives_by_room ON lives (room, id);

     CREATE TABLE rows (
       life    INTEGER NOT NULL,
       seq     INTEGER NOT NULL,
       at      INTEGER NOT NULL,
       kind    TEXT NOT NULL,
       rules   INTEGER NOT NULL,
       input   TEXT NOT NULL,
       outcome TEXT NOT NULL,
       hash    BLOB NOT NULL,
       PRIMARY KEY (life, seq)
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE keys (
       life INTEGER NOT NULL,
       user TEXT NOT NULL,
       idem TEXT NOT NULL,
       seq  INTEGER NOT NULL,
       at   INTEGER NOT NULL,
       PRIMARY KEY (life, user, idem)
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE letters (
       room    TEXT NOT NULL,
       seq     INTEGER NOT NULL,
       life    INTEGER NOT NULL,
       number  INTEGER NOT NULL,
       at      INTEGER NOT NULL,
       kind    TEXT NOT NULL,
       body    TEXT NOT NULL,
       state   INTEGER NOT NULL DEFAULT 0,
       tries   INTEGER NOT NULL DEFAULT 0,
       due_at  INTEGER NOT NULL,
       error   TEXT,
       PRIMARY KEY (room, seq)
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX letters_by_life ON letters (life, number);
     CREATE INDEX letters_waiting ON letters (room, seq, due_at) WHERE state = 0;

     CREATE TABLE addresses (
       room     TEXT PRIMARY KEY,
       last_seq INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;",
    // A letter for each endpoint. Nobody wrote letters before.
    "DROP TABLE letters;
     DROP TABLE addresses;

     CREATE TABLE letters (
       id       INTEGER PRIMARY KEY AUTOINCREMENT,
       endpoint TEXT NOT NULL,
       room     TEXT NOT NULL,
       seq      INTEGER NOT NULL,
       life     INTEGER NOT NULL,
       number   INTEGER NOT NULL,
       at       INTEGER NOT NULL,
       kind     TEXT NOT NULL,
       body     TEXT NOT NULL,
       state    INTEGER NOT NULL DEFAULT 0,
       tries    INTEGER NOT NULL DEFAULT 0,
       due_at   INTEGER NOT NULL,
       error    TEXT
     ) STRICT;
     CREATE UNIQUE INDEX letters_by_life ON letters (life, number, endpoint);
     CREATE INDEX letters_waiting ON letters (endpoint, room, seq, due_at) WHERE state = 0;
     CREATE INDEX letters_dead ON letters (id) WHERE state = 2;

     CREATE TABLE addresses (
       endpoint TEXT NOT NULL,
       room     TEXT NOT NULL,
       last_seq INTEGER NOT NULL,
       PRIMARY KEY (endpoint, room)
     ) STRICT, WITHOUT ROWID;",
];

/// Brings the tables to the newest version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), LedgerError> {
    let found = version(connection)?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > STEPS.len() {
        return Err(LedgerError::TooNew { found, known: known() });
    }
    for (step, sql) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        let version = i64::try_from(step + 1).expect("there are few steps");
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Says whether the tables are of the newest version.
pub(super) fn expect_current(connection: &Connection) -> Result<(), LedgerError> {
    match version(connection)? {
        found if found == known() => Ok(()),
        found if found > known() => Err(LedgerError::TooNew { found, known: known() }),
        0 => Err(LedgerError::Failed("this is not a ledger".to_owned())),
        found => Err(LedgerError::Failed(format!(
            "the ledger is of schema {found}; start the server once to bring it to {}",
            known()
        ))),
    }
}

fn version(connection: &Connection) -> Result<i64, LedgerError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn known() -> i64 {
    i64::try_from(STEPS.len()).expect("there are few steps")
}
