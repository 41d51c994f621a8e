//! The tables, and the way to them from every earlier version, which is written in a table of its
//! own. They are those of the SQLite ledger, under the same names, but for `keys.member`: `user` is
//! a word of SQL here.

use tokio_postgres::Row;

use super::session::{Session, Trouble, Work};
use crate::LedgerError;

/// Each step leads from the version of its index to the next. A step that was released is never
/// changed. Texts are compared byte by byte, as SQLite does and as every machine does alike.
const STEPS: [&str; 1] = [r#"
    CREATE TABLE fence (number BIGINT NOT NULL, last_life BIGINT NOT NULL);
    INSERT INTO fence VALUES (0, 0);

    CREATE TABLE lives (
      id        BIGINT PRIMARY KEY,
      room      TEXT COLLATE "C" NOT NULL,
      opened_at BIGINT NOT NULL,
      ended_at  BIGINT
    );
    CREATE UNIQUE INDEX lives_open ON lives (room) WHERE ended_at IS NULL;
    CREATE INDEX lives_by_room ON lives (room, id);

    CREATE TABLE rows (
      life    BIGINT NOT NULL,
      seq     BIGINT NOT NULL,
      at      BIGINT NOT NULL,
      kind    TEXT COLLATE "C" NOT NULL,
      rules   BIGINT NOT NULL,
      input   TEXT COLLATE "C" NOT NULL,
      outcome TEXT COLLATE "C" NOT NULL,
      hash    BYTEA NOT NULL,
      PRIMARY KEY (life, seq)
    );

    CREATE TABLE keys (
      life   BIGINT NOT NULL,
      member TEXT COLLATE "C" NOT NULL,
      idem   TEXT COLLATE "C" NOT NULL,
      seq    BIGINT NOT NULL,
      at     BIGINT NOT NULL,
      PRIMARY KEY (life, member, idem)
    );

    CREATE TABLE letters (
      id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      endpoint TEXT COLLATE "C" NOT NULL,
      room     TEXT COLLATE "C" NOT NULL,
      seq      BIGINT NOT NULL,
      life     BIGINT NOT NULL,
      number   BIGINT NOT NULL,
      at       BIGINT NOT NULL,
      kind     TEXT COLLATE "C" NOT NULL,
      body     TEXT COLLATE "C" NOT NULL,
      state    BIGINT NOT NULL DEFAULT 0,
      tries    BIGINT NOT NULL DEFAULT 0,
      due_at   BIGINT NOT NULL,
      error    TEXT
    );
    CREATE UNIQUE INDEX letters_by_life ON letters (life, number, endpoint);
    CREATE INDEX letters_waiting ON letters (endpoint, room, seq) WHERE state = 0;
    CREATE INDEX letters_dead ON letters (id) WHERE state = 2;

    CREATE TABLE addresses (
      endpoint TEXT COLLATE "C" NOT NULL,
      room     TEXT COLLATE "C" NOT NULL,
      last_seq BIGINT NOT NULL,
      PRIMARY KEY (endpoint, room)
    );
"#];

const IS_THERE: &str = "SELECT to_regclass('ledger_schema') IS NOT NULL";
const VERSION: &str = "SELECT version FROM ledger_schema";

/// Brings the tables to the newest version.
pub(super) fn migrate(work: &mut Work<'_>) -> Result<(), Trouble> {
    if !is_true(&work.query(IS_THERE, &[])?) {
        work.run("CREATE TABLE ledger_schema (version BIGINT NOT NULL)")?;
        work.run("INSERT INTO ledger_schema VALUES (0)")?;
    }
    let found = version(&work.query(VERSION, &[])?);
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > STEPS.len() {
        return Err(LedgerError::TooNew { found, known: known() }.into());
    }
    for sql in &STEPS[done..] {
        work.run(sql)?;
    }
    if done < STEPS.len() {
        work.execute("UPDATE ledger_schema SET version = $1", &[&known()])?;
    }
    Ok(())
}

/// Says whether the tables are of the newest version.
pub(super) fn expect_current(session: &mut Session) -> Result<(), Trouble> {
    if !is_true(&session.query(IS_THERE, &[])?) {
        return Err(LedgerError::Failed("this is not a ledger".to_owned()).into());
    }
    match version(&session.query(VERSION, &[])?) {
        found if found == known() => Ok(()),
        found if found > known() => Err(LedgerError::TooNew { found, known: known() }.into()),
        found => Err(LedgerError::Failed(format!(
            "the ledger is of schema {found}; start the server once to bring it to {}",
            known()
        ))
        .into()),
    }
}

fn is_true(rows: &[Row]) -> bool {
    rows[0].get(0)
}

fn version(rows: &[Row]) -> i64 {
    rows.first().map_or(0, |row| row.get(0))
}

fn known() -> i64 {
    i64::try_from(STEPS.len()).expect("there are few steps")
}
