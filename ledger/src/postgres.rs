//! A ledger in a PostgreSQL data base of its own: what SQLite does with a lock on its file is done
//! here with an advisory lock, and a server that restarts is waited for. It waits for sockets, so it
//! must be used on a thread that runs no tasks.

mod batch;
mod letters;
mod schema;
mod session;
mod settings;
mod shelf;
mod tls;

pub(crate) use shelf::PostgresShelf;

use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{error, info};

use crate::postgres::session::{Backend, Holds, Outcome, Sent, Session, Trouble, Work};
use crate::postgres::settings::Settings;
use crate::store::{Store, Stored, Which, from_sql, to_sql};
use crate::{
    Delivery, LedgerError, Letter, LetterFilter, LetterHead, Life, LifeId, Patience, PostgresUrl,
    Pruned, Row,
};

/// Between two tries to reach a server that is gone; one that stayed away longer than it is waited
/// for is tried no more often than the second.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);
const TRY_SELDOM_AFTER: Duration = Duration::from_secs(1);
/// How long an answer may take that nobody but a person at a terminal waits for, and making tables.
const UNHURRIED: Duration = Duration::from_secs(60);

/// A ledger in a PostgreSQL data base.
#[derive(Debug)]
pub(crate) struct PostgresStore {
    settings: Settings,
    session: Option<Session>,
    holds: Holds,
    /// The number under which this program took the ledger over; whoever takes it over next has a
    /// higher one, and then nothing more is written here.
    fence: i64,
    patience: Patience,
    /// When the server was waited for in vain.
    given_up_at: Option<Instant>,
    /// The connection that was lost last, until the server keeps nothing for it any more.
    lost: Option<Lost>,
}

#[derive(Debug)]
struct Lost {
    backend: Backend,
    /// Whether it was lost while a transaction was being committed.
    committing: bool,
}

impl PostgresStore {
    /// Connects to the data base, makes its tables if there are none, and takes it over.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or a newer program made the tables.
    pub(crate) fn open(url: &PostgresUrl, patience: Patience) -> Result<Self, LedgerError> {
        let unhurried = Patience { for_answers: UNHURRIED, ..patience };
        let mut store = Self::connect(url, Holds::WithServers, unhurried)?;
        store.fence = store.change(|work| {
            schema::migrate(work)?;
            let rows = work.query("UPDATE fence SET number = number + 1 RETURNING number", &[])?;
            Ok(rows[0].get(0))
        })?;
        store.patience = patience;
        store.session()?.wait_for_answers(patience.for_answers);
        Ok(store)
    }

    /// Connects to the data base beside the program that writes to it; [`commit`](Store::commit) is
    /// refused.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or is of another schema.
    pub(crate) fn beside(url: &PostgresUrl) -> Result<Self, LedgerError> {
        let patience = Patience { for_server: Duration::ZERO, for_answers: UNHURRIED };
        let mut store = Self::connect(url, Holds::Nothing, patience)?;
        store.read(schema::expect_current)?;
        Ok(store)
    }

    fn connect(url: &PostgresUrl, holds: Holds, patience: Patience) -> Result<Self, LedgerError> {
        let settings = Settings::read(url)?;
        let session = Some(Session::connect(&settings, holds, patience.for_answers)?);
        let (fence, given_up_at, lost) = (-1, None, None);
        Ok(Self { settings, session, holds, fence, patience, given_up_at, lost })
    }

    /// Asks for what changes nothing, once more if the connection turns out to be lost.
    fn read<T>(
        &mut self,
        ask: impl Fn(&mut Session) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        match ask(self.session()?) {
            Err(Trouble::Lost(why)) => {
                self.lose(&why, false);
                let answer = ask(self.session()?);
                self.kept(answer)
            }
            Err(Trouble::Refused(error)) => Err(error),
            Ok(value) => Ok(value),
        }
    }

    /// Does `work` in one transaction, and again for as long as a server is waited for if it was
    /// undone because the connection was lost.
    fn change<T>(
        &mut self,
        work: impl Fn(&mut Work<'_>) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        let mut until = None;
        loop {
            let sent = self.session()?.transact(&work);
            if let Some(value) = self.settled(sent)? {
                return Ok(value);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + self.patience.for_server);
            if Instant::now() > until {
                let why = "the connection to PostgreSQL was lost again and again";
                return Err(LedgerError::Failed(why.to_owned()));
            }
        }
    }

    /// Returns what a transaction returned if it was committed, and nothing if it was undone because
    /// the connection was lost.
    fn settled<T>(&mut self, sent: Result<Sent<T>, Trouble>) -> Result<Option<T>, LedgerError> {
        match sent {
            Ok(Sent::Committed(value)) => Ok(Some(value)),
            Ok(Sent::InDoubt(value, name)) => {
                self.lose("it was lost while a transaction was being committed", true);
                Ok((self.outcome(&name)? == Outcome::Committed).then_some(value))
            }
            Err(Trouble::Lost(why)) => {
                self.lose(&why, false);
                Ok(None)
            }
            Err(Trouble::Refused(error)) => Err(error),
        }
    }

    /// Returns what became of a transaction that was being committed when the connection was lost.
    fn outcome(&mut self, name: &str) -> Result<Outcome, LedgerError> {
        let until = Instant::now() + self.patience.for_server;
        loop {
            let told = self.session()?.outcome(name);
            match self.kept(told)? {
                Outcome::UnderWay if Instant::now() < until => {
                    std::thread::sleep(TRY_AGAIN_AFTER);
                }
                Outcome::UnderWay => {
                    let why = "it is not known whether a transaction was committed";
                    return Err(LedgerError::Failed(why.to_owned()));
                }
                outcome @ (Outcome::Committed | Outcome::Undone) => return Ok(outcome),
            }
        }
    }

    /// Returns the connection, or makes one anew.
    fn session(&mut self) -> Result<&mut Session, LedgerError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.connect_anew()?,
        };
        Ok(self.session.insert(session))
    }

    fn connect_anew(&mut self) -> Result<Session, LedgerError> {
        let began = Instant::now();
        let until = match self.given_up_at {
            Some(at) if began < at + TRY_SELDOM_AFTER => {
                let why = "PostgreSQL could not be reached a moment ago";
                return Err(LedgerError::Failed(why.to_owned()));
            }
            Some(_) => began,
            None => began + self.patience.for_server,
        };
        loop {
            match self.connect_once() {
                Ok(session) => {
                    info!("The ledger is connected to PostgreSQL again.");
                    self.given_up_at = None;
                    return Ok(session);
                }
                Err(trouble) if Instant::now() >= until => {
                    self.given_up_at = Some(Instant::now());
                    return Err(trouble.into());
                }
                // Nobody else is served by this thread; what is appended meanwhile waits.
                Err(_) => std::thread::sleep(TRY_AGAIN_AFTER),
            }
        }
    }

    /// Connects, and has the server forget the connection that was lost: it may hold what is needed.
    fn connect_once(&mut self) -> Result<Session, Trouble> {
        let mut session = Session::connect(&self.settings, self.holds, self.patience.for_answers)?;
        if let Some(lost) = &self.lost {
            session.end(&lost.backend, lost.committing)?;
        }
        self.lost = None;
        Ok(session)
    }

    /// Gives the connection up if it was lost.
    fn kept<T>(&mut self, answer: Result<T, Trouble>) -> Result<T, LedgerError> {
        if let Err(Trouble::Lost(why)) = &answer {
            self.lose(why, false);
        }
        Ok(answer?)
    }

    fn lose(&mut self, why: &str, committing: bool) {
        if let Some(session) = self.session.take() {
            self.lost = Some(Lost { backend: session.into_name(), committing });
        }
        metrics::counter!("ledger_connections_lost_total").increment(1);
        error!(why, "The ledger's connection to PostgreSQL was lost.");
    }
}

impl Store for PostgresStore {
    fn commit(&mut self, batch: &[Stored]) -> Result<(), LedgerError> {
        let own = self.fence;
        self.change(|work| {
            let fence: i64 = work.query("SELECT number FROM fence", &[])?[0].get(0);
            if fence != own {
                return Err(LedgerError::Fenced.into());
            }
            batch::write(work, batch)
        })
    }

    fn last_life(&mut self) -> Result<u64, LedgerError> {
        self.number("SELECT last_life FROM fence", None)
    }

    fn last_moment(&mut self) -> Result<u64, LedgerError> {
        let sql = "SELECT greatest((SELECT max(opened_at) FROM lives),
                                   (SELECT max(ended_at) FROM lives),
                                   (SELECT max((SELECT at FROM rows WHERE rows.life = lives.id
                                                ORDER BY seq DESC LIMIT 1)) FROM lives), 0)";
        self.number(sql, None)
    }

    fn lives(&mut self, which: Which<'_>) -> Result<Vec<Life>, LedgerError> {
        let (sql, room) = match which {
            Which::All => (
                "SELECT id, room, opened_at, ended_at FROM lives WHERE $1::text IS NULL ORDER BY id",
                None,
            ),
            Which::Open => (
                "SELECT id, room, opened_at, ended_at FROM lives
                 WHERE $1::text IS NULL AND ended_at IS NULL ORDER BY id",
                None,
            ),
            Which::OfRoom(room) => (
                "SELECT id, room, opened_at, ended_at FROM lives WHERE room = $1 ORDER BY id",
                Some(room),
            ),
        };
        let rows = self.read(|session| session.query(sql, &[&room]))?;
        let life = |row: &tokio_postgres::Row| Life {
            id: LifeId(from_sql(row.get(0))),
            room: row.get(1),
            opened_at: from_sql(row.get(2)),
            ended_at: row.get::<_, Option<i64>>(3).map(from_sql),
        };
        Ok(rows.iter().map(life).collect())
    }

    fn rows(&mut self, life: LifeId, after: u64, limit: usize) -> Result<Vec<Row>, LedgerError> {
        let sql = "SELECT seq, at, kind, rules, input, outcome, hash FROM rows
                   WHERE life = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let (life, after, limit) = (to_sql(life.0), to_sql(after), to_sql(limit as u64));
        let rows = self.read(|session| session.query(sql, &[&life, &after, &limit]))?;
        rows.iter().map(row).collect()
    }

    fn last_row(&mut self, life: LifeId) -> Result<Option<Row>, LedgerError> {
        let sql = "SELECT seq, at, kind, rules, input, outcome, hash FROM rows
                   WHERE life = $1 ORDER BY seq DESC LIMIT 1";
        let rows = self.read(|session| session.query(sql, &[&to_sql(life.0)]))?;
        rows.first().map(row).transpose()
    }

    fn notices(&mut self, life: LifeId) -> Result<u64, LedgerError> {
        self.number("SELECT coalesce(max(number), 0) FROM letters WHERE life = $1", Some(life))
    }

    fn letter_heads(
        &mut self,
        endpoint: &str,
        limit: usize,
    ) -> Result<Vec<LetterHead>, LedgerError> {
        self.read(|session| letters::heads(session, endpoint, limit))
    }

    fn letters_waiting(
        &mut self,
        endpoint: &str,
        room: &str,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        self.read(|session| letters::waiting(session, endpoint, room, limit))
    }

    fn letters(&mut self, filter: &LetterFilter, limit: usize) -> Result<Vec<Letter>, LedgerError> {
        self.read(|session| letters::list(session, filter, limit))
    }

    fn settle_letters(&mut self, deliveries: &[(u64, Delivery)]) -> Result<(), LedgerError> {
        self.change(|work| letters::settle(work, deliveries))
    }

    fn replay_letter(&mut self, id: u64, now: u64) -> Result<bool, LedgerError> {
        self.change(|work| letters::replay(work, id, now))
    }

    fn prune(
        &mut self,
        ended_before: u64,
        keys_before: u64,
        limit: usize,
    ) -> Result<Pruned, LedgerError> {
        let (ended, keys, limit) =
            (to_sql(ended_before), to_sql(keys_before), to_sql(limit as u64));
        self.change(|work| prune(work, ended, keys, limit))
    }

    fn abandon(&mut self, room: &str, at: u64) -> Result<bool, LedgerError> {
        let sql = "UPDATE lives SET ended_at = $2 WHERE room = $1 AND ended_at IS NULL";
        self.change(|work| Ok(work.execute(sql, &[&room, &to_sql(at)])? > 0))
    }

    fn back_up(&mut self, _: &Path) -> Result<(), LedgerError> {
        let why = "a ledger in PostgreSQL is copied with pg_dump, see docs/OPERATIONS.md";
        Err(LedgerError::Failed(why.to_owned()))
    }
}

impl PostgresStore {
    fn number(&mut self, sql: &'static str, life: Option<LifeId>) -> Result<u64, LedgerError> {
        let rows = match life.map(|life| to_sql(life.0)) {
            Some(life) => self.read(|session| session.query(sql, &[&life]))?,
            None => self.read(|session| session.query(sql, &[]))?,
        };
        Ok(from_sql(rows[0].get(0)))
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, LedgerError> {
    let (seq, hash): (i64, &[u8]) = (row.get(0), row.get(6));
    let seq = from_sql(seq);
    let changed = |_| LedgerError::Changed { seq, what: "its hash is none" };
    Ok(Row {
        seq,
        at: from_sql(row.get(1)),
        kind: row.get(2),
        rules: u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX),
        input: row.get(4),
        outcome: row.get(5),
        hash: hash.try_into().map_err(changed)?,
    })
}

/// The rows to be taken away are named by where they lie, so that finding them is all the work.
fn prune(
    work: &mut Work<'_>,
    ended_before: i64,
    keys_before: i64,
    limit: i64,
) -> Result<Pruned, Trouble> {
    let keys = work.execute(
        "DELETE FROM keys WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM keys WHERE at < $1 LIMIT $2))",
        &[&keys_before, &limit],
    )?;
    let rows = work.execute(
        "DELETE FROM rows WHERE ctid = ANY (ARRAY(
           SELECT rows.ctid FROM lives JOIN rows ON rows.life = lives.id
           WHERE ended_at < $1 LIMIT $2))",
        &[&ended_before, &limit],
    )?;
    // A letter that waits outlives its room's journal; its number is not given again.
    let letters = work.execute(
        "DELETE FROM letters WHERE ctid = ANY (ARRAY(
           SELECT letters.ctid FROM lives JOIN letters ON letters.life = lives.id
           WHERE ended_at < $1 AND state <> 0 LIMIT $2))",
        &[&ended_before, &limit],
    )?;
    let lives = work.execute(
        "DELETE FROM lives WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM lives WHERE ended_at < $1
           AND NOT EXISTS (SELECT 1 FROM rows WHERE rows.life = lives.id)
           AND NOT EXISTS (SELECT 1 FROM letters WHERE letters.life = lives.id) LIMIT $2))",
        &[&ended_before, &limit],
    )?;
    Ok(Pruned { lives, rows, keys, letters })
}
