//! Where a ledger is kept.

use std::fmt;
use std::path::PathBuf;

use crate::sqlite::{NewSqliteShelf, SqliteShelf, SqliteStore};
use crate::store::Store;
use crate::tables::{NewShelf, Shelf};
use crate::{LedgerError, Patience};

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
    pub(crate) fn open(&self, patience: Patience) -> Result<Box<dyn Store>, LedgerError> {
        match self {
            Self::Temporary => Ok(Box::new(SqliteStore::temporary()?)),
            Self::File(path) => Ok(Box::new(SqliteStore::open(path)?)),
            Self::Postgres(url) => open_postgres(url, patience),
        }
    }

    /// Returns the place that a text names: a PostgreSQL data base if it begins as their URLs do, a
    /// file otherwise.
    pub fn named(text: &str) -> Self {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => Self::Postgres(PostgresUrl::new(text)),
            false => Self::File(PathBuf::from(text)),
        }
    }

    /// Opens what is to be copied, while nobody else has it open.
    pub(crate) fn shelf(&self) -> Result<Box<dyn Shelf>, LedgerError> {
        match self {
            Self::Temporary => Err(nobody_knows()),
            Self::File(path) => Ok(Box::new(SqliteShelf::open(path)?)),
            Self::Postgres(url) => postgres_shelf(url),
        }
    }

    /// Begins what a copy is to become.
    pub(crate) fn new_shelf(&self) -> Result<Box<dyn NewShelf>, LedgerError> {
        match self {
            Self::Temporary => Err(nobody_knows()),
            Self::File(path) => Ok(Box::new(NewSqliteShelf::at(path)?)),
            Self::Postgres(url) => new_postgres_shelf(url),
        }
    }

    /// Opens the store beside the program that writes to it.
    pub(crate) fn beside(&self) -> Result<Box<dyn Store>, LedgerError> {
        match self {
            Self::Temporary => Err(nobody_knows()),
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

fn nobody_knows() -> LedgerError {
    let why = "a temporary ledger is known to nobody but the program that made it";
    LedgerError::Failed(why.to_owned())
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &PostgresUrl, patience: Patience) -> Result<Box<dyn Store>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresStore::open(url, patience)?))
}

#[cfg(feature = "postgres")]
fn postgres_beside(url: &PostgresUrl) -> Result<Box<dyn Store>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresStore::beside(url)?))
}

#[cfg(feature = "postgres")]
fn postgres_shelf(url: &PostgresUrl) -> Result<Box<dyn Shelf>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresShelf::open(url)?))
}

#[cfg(feature = "postgres")]
fn new_postgres_shelf(url: &PostgresUrl) -> Result<Box<dyn NewShelf>, LedgerError> {
    Ok(Box::new(crate::postgres::PostgresShelf::begin(url)?))
}

#[cfg(not(feature = "postgres"))]
fn postgres_shelf(_: &PostgresUrl) -> Result<Box<dyn Shelf>, LedgerError> {
    Err(not_built())
}

#[cfg(not(feature = "postgres"))]
fn new_postgres_shelf(_: &PostgresUrl) -> Result<Box<dyn NewShelf>, LedgerError> {
    Err(not_built())
}

#[cfg(not(feature = "postgres"))]
fn open_postgres(url: &PostgresUrl, _: Patience) -> Result<Box<dyn Store>, LedgerError> {
    postgres_beside(url)
}

#[cfg(not(feature = "postgres"))]
fn postgres_beside(_: &PostgresUrl) -> Result<Box<dyn Store>, LedgerError> {
    Err(not_built())
}

#[cfg(not(feature = "postgres"))]
fn not_built() -> LedgerError {
    let why = "this program was built without PostgreSQL: build it with `--features postgres`, or \
               leave ledger.postgres_url empty";
    LedgerError::Failed(why.to_owned())
}
