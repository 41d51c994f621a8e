//! One connection, and what can be said of a transaction when a connection is lost: before it was
//! committed nothing of it is there; while it was being committed only the server knows, and is asked.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use ::postgres::error::Severity;
use ::postgres::types::ToSql;
use ::postgres::{Client, Config, Error, IsolationLevel, NoTls, Row, Statement, Transaction};
use tracing::warn;

use crate::LedgerError;

/// How long another program (a dump, a prune) may keep a transaction waiting.
const LOCKED_FOR: Duration = Duration::from_secs(5);
/// What everybody who writes to a ledger holds while doing so; the number means nothing.
const WRITER_LOCK: i64 = 0x6c69_616e_6d61_6921;

/// A connection with the statements that were prepared on it.
pub(super) struct Session {
    client: Client,
    statements: Statements,
}

/// By their text.
type Statements = HashMap<&'static str, Statement>;
pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why nothing was read or changed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection is gone. To try again on another may help.
    Lost(String),
    /// It would not help.
    Refused(LedgerError),
}

/// A transaction that was sent away.
pub(super) enum Sent<T> {
    /// It is durable.
    Committed(T),
    /// The connection was lost before the server said so; it knows the transaction by this name.
    InDoubt(T, String),
}

/// What became of a transaction that was in doubt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Committed,
    Undone,
    /// The server has not noticed yet that the connection is gone.
    UnderWay,
}

impl Session {
    pub(super) fn connect(config: &Config) -> Result<Self, Trouble> {
        let mut client = config.connect(NoTls)?;
        let sql = "SELECT current_setting('server_encoding'), current_setting('fsync'),
                          current_setting('synchronous_commit')";
        let row = client.query_one(sql, &[])?;
        let (encoding, fsync, commit): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        if encoding != "UTF8" {
            let wrong = format!("the data base must be of encoding UTF8, not {encoding}");
            return Err(LedgerError::Failed(wrong).into());
        }
        if fsync != "on" {
            warn!("PostgreSQL runs without fsync: its machine may lose what was acknowledged.");
        }
        let mut settings = format!("SET lock_timeout = {}", LOCKED_FOR.as_millis());
        // To wait for more than the disk is the operator's choice; nothing may wait for less.
        if commit != "remote_apply" {
            settings.push_str("; SET synchronous_commit = on");
        }
        client.batch_execute(&settings)?;
        Ok(Self { client, statements: Statements::new() })
    }

    /// Asks for what changes nothing.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let client = &mut self.client;
        let statement = prepared(&mut self.statements, sql, |sql| client.prepare(sql))?;
        Ok(client.query(&statement, parameters)?)
    }

    /// Does `work` in one transaction, in which nobody else writes, and commits it.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Trouble>,
    ) -> Result<Sent<T>, Trouble> {
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
        let mut begun = Work { transaction: begin.start()?, statements: &mut self.statements };
        // A statement of its own: what comes after it sees what whoever held the lock has done.
        let sql = "SELECT pg_current_xact_id()::text, pg_advisory_xact_lock($1)::text";
        let name = begun.query(sql, &[&WRITER_LOCK])?[0].get(0);
        // When it fails it is rolled back by being dropped.
        let value = work(&mut begun)?;
        match begun.transaction.commit() {
            Ok(()) => Ok(Sent::Committed(value)),
            Err(error) if is_loss(&error) => Ok(Sent::InDoubt(value, name)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what became of the transaction of this name.
    pub(super) fn outcome(&mut self, name: &str) -> Result<Outcome, Trouble> {
        let rows = self.query("SELECT pg_xact_status($1::text::xid8)", &[&name])?;
        match rows[0].get::<_, Option<&str>>(0) {
            Some("committed") => Ok(Outcome::Committed),
            Some("aborted") => Ok(Outcome::Undone),
            Some(_) => Ok(Outcome::UnderWay),
            None => {
                let why = "PostgreSQL does not know any more what became of a transaction";
                Err(LedgerError::Failed(why.to_owned()).into())
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// A transaction under way.
pub(super) struct Work<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut Statements,
}

impl Work<'_> {
    /// Carries out a statement and returns its rows.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query(&statement, parameters)?)
    }

    /// Carries out a statement and returns how many rows it wrote.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Trouble> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.execute(&statement, parameters)?)
    }

    /// Carries out statements that are needed once.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        Ok(self.transaction.batch_execute(sql)?)
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Trouble> {
        let transaction = &mut self.transaction;
        Ok(prepared(self.statements, sql, |sql| transaction.prepare(sql))?)
    }
}

fn prepared(
    statements: &mut Statements,
    sql: &'static str,
    prepare: impl FnOnce(&str) -> Result<Statement, Error>,
) -> Result<Statement, Error> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = prepare(sql)?;
    statements.insert(sql, statement.clone());
    Ok(statement)
}

/// Returns whether an error says that the connection is gone or could not be made.
fn is_loss(error: &Error) -> bool {
    match error.as_db_error() {
        Some(told) => {
            matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
        }
        None => {
            error.is_closed()
                || error.source().is_some_and(<dyn std::error::Error>::is::<io::Error>)
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        // The details that a data base adds hold what is in its rows, which is not for a log.
        let text = match (error.as_db_error(), error.source()) {
            (Some(told), _) => format!("{} ({})", told.message(), told.code().code()),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        };
        if is_loss(&error) { Self::Lost(text) } else { Self::Refused(LedgerError::Failed(text)) }
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Refused(error)
    }
}

impl From<Trouble> for LedgerError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(why) => Self::Failed(why),
            Trouble::Refused(error) => error,
        }
    }
}
