//! Where the ledger of one test lives: a file in a folder of its own, or a data base of its own. What
//! waits for a data base is done on a thread of its own, because tests run tasks.

use std::path::PathBuf;
use std::time::Duration;

use ledger::{Caretaker, Ledger, LedgerConfig, Patience, Place, PostgresUrl, WriterThread};

use crate::throw_away::{self, server};

/// A ledger's home, which goes when it does.
pub(crate) enum Home {
    File(PathBuf),
    /// The name of a data base.
    Postgres(String),
}

/// Keeps everybody else from writing until it is let go.
pub(crate) enum Hold {
    File(rusqlite::Connection),
    Postgres(postgres::Client),
}

impl Home {
    pub(crate) fn file() -> Self {
        let unique = format!("lianmai-ledger-{}-{}", std::process::id(), fastrand::u64(..));
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&folder).unwrap();
        Self::File(folder.join("ledger.sqlite3"))
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(apart(throw_away::data_base))
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::File(path) => Place::File(path.clone()),
            Self::Postgres(name) => Place::Postgres(PostgresUrl::new(server().url(name))),
        }
    }

    /// Returns the way to the data base.
    pub(crate) fn url(&self) -> String {
        let Self::Postgres(name) = self else { unreachable!("it was asked for") };
        server().url(name)
    }

    pub(crate) fn config(&self) -> LedgerConfig {
        // Long enough for a server of tests that was started anew; tests that wait in vain set less.
        let config = LedgerConfig::at(self.place());
        let patience = Patience { for_server: Duration::from_secs(20), ..config.patience };
        LedgerConfig { patience, ..config }
    }

    pub(crate) fn open(&self) -> (Ledger, WriterThread) {
        Ledger::open(&self.config()).unwrap()
    }

    /// Looks at the ledger beside whoever has it open.
    pub(crate) fn beside<T: Send>(&self, look: impl FnOnce(&mut Caretaker) -> T + Send) -> T {
        apart(|| look(&mut Caretaker::open(&self.place()).unwrap()))
    }

    /// Changes what is written, behind the ledger's back; returns how many rows were changed.
    pub(crate) fn change(&self, sql: &str) -> usize {
        match self {
            Self::File(path) => rusqlite::Connection::open(path).unwrap().execute(sql, []).unwrap(),
            Self::Postgres(name) => {
                let change = || connect(&server().url(name)).execute(sql, &[]).unwrap();
                usize::try_from(apart(change)).unwrap()
            }
        }
    }

    pub(crate) fn hold(&self) -> Hold {
        match self {
            Self::File(path) => {
                let holder = rusqlite::Connection::open(path).unwrap();
                holder.execute_batch("BEGIN IMMEDIATE").unwrap();
                Hold::File(holder)
            }
            Self::Postgres(name) => Hold::Postgres(apart(|| {
                let mut holder = connect(&server().url(name));
                holder.batch_execute("BEGIN; LOCK TABLE fence IN ACCESS EXCLUSIVE MODE").unwrap();
                holder
            })),
        }
    }
}

impl Hold {
    pub(crate) fn let_go(self) {
        match self {
            Self::File(holder) => holder.execute_batch("COMMIT").unwrap(),
            Self::Postgres(mut holder) => apart(move || holder.batch_execute("COMMIT").unwrap()),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A data base goes with its server.
        if let Self::File(path) = self {
            let _ = std::fs::remove_dir_all(path.parent().unwrap());
        }
    }
}

pub(crate) fn connect(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}

/// Does something on a thread that runs no tasks.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
}
