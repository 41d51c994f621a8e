//! One connection, and what can be said of a transaction when a connection is lost: before it was
//! committed nothing of it is there; while it was being committed only the server knows, and is asked.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use tracing::warn;

use super::settings::Settings;
use crate::LedgerError;

/// How long reaching the server and being let in may take.
const REACHED_WITHIN: Duration = Duration::from_secs(5);
/// How long another program (a dump, a prune) may keep a transaction waiting.
const LOCKED_FOR: Duration = Duration::from_secs(5);
/// How long whoever left may hold the ledger open.
const LEFT_WITHIN: Duration = Duration::from_secs(2);
/// How long the server may keep a transaction whose program says nothing: longer than ours ever do,
/// and short enough for whoever takes over from a machine that is gone.
const QUIET_FOR: Duration = Duration::from_secs(10);
/// What everybody who writes to a ledger holds while doing so; the number means nothing.
const WRITER_LOCK: i64 = 0x6c69_616e_6d61_6921;
/// What servers share as long as they are connected, so that nobody copies under their hands.
const OPEN_LOCK: i64 = 0x6c69_616e_6d61_6922;

/// A connection with the statements that were prepared on it.
pub(super) struct Session {
    client: Client,
    statements: Statements,
    name: Backend,
    /// Drives the connection while something is awaited. After the client, which it serves.
    runtime: Runtime,
    /// How long an answer is waited for before the connection counts as lost.
    answer_within: Duration,
}

/// The server's process for one connection.
#[derive(Debug)]
pub(super) struct Backend {
    pid: i32,
    /// Numbers of processes are used again; with this it is one only.
    since: String,
}

/// By their text.
type Statements = HashMap<&'static str, Statement>;
pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why nothing was read or changed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection is gone, or the server does not answer. To try again on another may help.
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

/// Who holds a ledger open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holds {
    /// Nobody: it is looked at beside whoever has it open.
    Nothing,
    /// A server, and another one that takes it over.
    WithServers,
    /// Whoever copies, alone.
    Alone,
}

impl Session {
    pub(super) fn connect(
        settings: &Settings,
        holds: Holds,
        answer_within: Duration,
    ) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| LedgerError::Failed(error.to_string()))?;
        let reached = runtime.block_on(async { timeout(REACHED_WITHIN, settings.connect()).await });
        let client = match reached {
            Ok(Ok(client)) => client,
            unreached => {
                // A name that nobody knows may still be asked for, which must not be waited for.
                runtime.shutdown_background();
                let silent = || Trouble::Lost("PostgreSQL does not answer".to_owned());
                return Err(unreached.map_or_else(
                    |_| silent(),
                    |refused| match refused {
                        Ok(_) => unreachable!("it was looked at before"),
                        Err(error) => error.into(),
                    },
                ));
            }
        };
        let (statements, name) = (Statements::new(), Backend { pid: 0, since: String::new() });
        let mut session = Self { client, statements, name, runtime, answer_within };
        session.settle_in(holds)?;
        Ok(session)
    }

    fn settle_in(&mut self, holds: Holds) -> Result<(), Trouble> {
        let sql = "SELECT current_setting('server_encoding'), current_setting('fsync'),
                          current_setting('synchronous_commit'), pid, backend_start::text
                   FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let row = self.query(sql, &[])?.remove(0);
        let (encoding, fsync, commit): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        if encoding != "UTF8" {
            let wrong = format!("the data base must be of encoding UTF8, not {encoding}");
            return Err(LedgerError::Failed(wrong).into());
        }
        if fsync != "on" {
            warn!("PostgreSQL runs without fsync: its machine may lose what was acknowledged.");
        }
        self.name = Backend { pid: row.get(3), since: row.get(4) };
        self.hold(holds)?;
        let (locked, quiet) = (LOCKED_FOR.as_millis(), QUIET_FOR.as_millis());
        let mut settings = format!(
            "SET lock_timeout = {locked}; SET idle_in_transaction_session_timeout = {quiet}"
        );
        // To wait for more than the disk is the operator's choice; nothing may wait for less.
        if commit != "remote_apply" {
            settings.push_str("; SET synchronous_commit = on");
        }
        self.run(&settings)
    }

    fn hold(&mut self, holds: Holds) -> Result<(), Trouble> {
        let (sql, why) = match holds {
            Holds::Nothing => return Ok(()),
            Holds::WithServers => {
                ("SELECT pg_advisory_lock_shared($1)::text", "the ledger is being copied")
            }
            Holds::Alone => (
                "SELECT pg_advisory_lock($1)::text",
                "the ledger is in use: a server is connected to it, or it is being copied",
            ),
        };
        // A server that has just left may still be there for a moment.
        self.run(&format!("SET lock_timeout = {}", LEFT_WITHIN.as_millis()))?;
        match self.query(sql, &[&OPEN_LOCK]) {
            Err(Trouble::Refused(_)) => Err(LedgerError::Failed(why.to_owned()).into()),
            told => told.map(drop),
        }
    }

    /// Sets how long an answer is waited for.
    pub(super) const fn wait_for_answers(&mut self, within: Duration) {
        self.answer_within = within;
    }

    /// Asks for what changes nothing.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepared(sql)?;
        self.wait(self.client.query(&statement, parameters))
    }

    /// Carries out what is not worth keeping, and returns its rows.
    pub(super) fn query_once(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        self.wait(self.client.query(sql, parameters))
    }

    /// Does `work` in one transaction, in which nobody else writes, and commits it.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Trouble>,
    ) -> Result<Sent<T>, Trouble> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let done = Work::begin(self).and_then(|(mut begun, name)| Ok((work(&mut begun)?, name)));
        match done {
            Ok((value, name)) => match self.run("COMMIT") {
                Ok(()) => Ok(Sent::Committed(value)),
                Err(Trouble::Lost(_)) => Ok(Sent::InDoubt(value, name)),
                Err(refused @ Trouble::Refused(_)) => Err(refused),
            },
            Err(lost @ Trouble::Lost(_)) => Err(lost),
            Err(refused @ Trouble::Refused(_)) => {
                // At once: others wait for what it holds.
                self.run("ROLLBACK")?;
                Err(refused)
            }
        }
    }

    /// Begins a transaction that lasts until [`run`](Self::run) ends it, or the connection does.
    pub(super) fn work(&mut self) -> Result<Work<'_>, Trouble> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        Ok(Work::begin(self)?.0)
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

    /// Ends a connection of before that was given up and which the server may still keep, with all
    /// that it holds. One that is `committing` only if it has not begun to: a commit that waits for
    /// replicas would count as done when it is broken off.
    pub(super) fn end(&mut self, other: &Backend, committing: bool) -> Result<(), Trouble> {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE pid = $1 AND backend_start::text = $2 AND pid <> pg_backend_pid()
                   AND (NOT $3 OR state LIKE 'idle in transaction%')";
        match self.query(sql, &[&other.pid, &other.since, &committing]) {
            Err(Trouble::Refused(error)) => {
                warn!(%error, "A lost connection could not be ended at the server.");
                Ok(())
            }
            Err(lost @ Trouble::Lost(_)) => Err(lost),
            Ok(_) => Ok(()),
        }
    }

    pub(super) fn into_name(self) -> Backend {
        self.name
    }

    /// Carries out statements that return nothing.
    pub(super) fn run(&self, sql: &str) -> Result<(), Trouble> {
        self.wait(self.client.batch_execute(sql))
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Trouble> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Waits for an answer. A server that hangs says neither yes nor no, and its machine goes on
    /// acknowledging what it is sent; so a connection on which nothing comes is given up.
    fn wait<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        match self.runtime.block_on(async { timeout(self.answer_within, answer).await }) {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                let within = self.answer_within;
                Err(Trouble::Lost(format!("PostgreSQL did not answer within {within:?}")))
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
pub(super) struct Work<'a>(&'a mut Session);

impl<'a> Work<'a> {
    /// Keeps others from writing; returns the server's name for the transaction, too.
    fn begin(session: &'a mut Session) -> Result<(Self, String), Trouble> {
        // A statement of its own: what comes after it sees what whoever held the lock has done.
        let sql = "SELECT pg_current_xact_id()::text, pg_advisory_xact_lock($1)::text";
        let name = session.query(sql, &[&WRITER_LOCK])?[0].get(0);
        Ok((Self(session), name))
    }

    /// Carries out a statement and returns its rows.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        self.0.query(sql, parameters)
    }

    /// Carries out a statement and returns how many rows it wrote.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Trouble> {
        let statement = self.0.prepared(sql)?;
        self.0.wait(self.0.client.execute(&statement, parameters))
    }

    /// Carries out statements that are needed once.
    pub(super) fn run(&self, sql: &str) -> Result<(), Trouble> {
        self.0.run(sql)
    }
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
