//! Where a ledger is kept.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::LedgerError;
use crate::sqlite::SqliteStore;
use crate::store::Store;

/// Where a ledger is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In a temporary file that ends with the process, however that ends.
    Temporary,
    /// In an SQLite file.
    File(PathBuf),
    /// In a PostgreSQL data base, if the feature `postgres` is built in.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL data base. It may hold a password, so it is not printed.
#[derive(Clone, Eq, PartialEq)]
pub struct PostgresUrl(String);

impl Place {
    /// Opens or makes the store, and takes it over from whoever wrote to it before.
    pub(crate) fn open(&self, wait_for_server: Duration) -> Result<Box<dyn Store>, LedgerError> {
        match self {
            Self::Temporary => Ok(Box::new(SqliteStore::temporary()?)),
            Self::File(path) => Ok(Box::new(SqliteStore::open(path)?)),
            Self::Postgres(url) => open_postgres(url, wait_for_server),
        }
    }

    /// Opens the store beside the program that writes to it.
    pub(crate) fn beside(&self) -> Result<Box<dyn Store>, LedgerError> {
        match self {
            Self::Temporary => {
                let why = "a temporary ledger is known to nobody but the program that made it";
                Err(LedgerError::Failed(why.to_owned()))
            }
            Self::File(path) => Ok(Box::new(SqliteStore::beside(path)?)),
            Self::Postgres(url) => postgres_beside(url),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temporary => f.write_str("in a temporary file"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(_) => f.write_str("in PostgreSQL"),
        }
    }
}

impl PostgresUrl {
    /// Takes a URL as it is; whether it is one shows when it is opened.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &PostgresUrl, wait_for: Duration) -> Result<Box<dyn Store>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresStore::open(url, wait_for)?))
}

#[cfg(feature = "postgres")]
fn postgres_beside(url: &PostgresUrl) -> Result<Box<dyn Store>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresStore::beside(url)?))
}

#[cfg(not(feature = "postgres"))]
fn open_postgres(url: &PostgresUrl, _: Duration) -> Result<Box<dyn Store>, LedgerError> {
    postgres_beside(url)
}

#[cfg(not(feature = "postgres"))]
fn postgres_beside(_: &PostgresUrl) -> Result<Box<dyn Store>, LedgerError> {
    let why = "this program was built without PostgreSQL: build it with `--features postgres`, or \
               leave ledger.postgres_url empty";
    Err(LedgerError::Failed(why.to_owned()))
}
