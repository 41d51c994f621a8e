//! The tables of a ledger as whoever copies one sees them: alike in every store. What a store adds
//! to its tables must be added here, or it is left behind.

use crate::LedgerError;

/// What a column holds, if it holds anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// One value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cell {
    Nothing,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What one row of a table holds, in the order of its columns.
pub(crate) type Record = Vec<Cell>;

/// A table. Its first columns are its key.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    pub(crate) key: usize,
}

pub(crate) const LIVES: Table = Table {
    name: "lives",
    columns: &[
        ("id", Kind::Integer),
        ("room", Kind::Text),
        ("opened_at", Kind::Integer),
        ("ended_at", Kind::Integer),
    ],
    key: 1,
};

pub(crate) const ROWS: Table = Table {
    name: "rows",
    columns: &[
        ("life", Kind::Integer),
        ("seq", Kind::Integer),
        ("at", Kind::Integer),
        ("kind", Kind::Text),
        ("rules", Kind::Integer),
        ("input", Kind::Text),
        ("outcome", Kind::Text),
        ("hash", Kind::Bytes),
    ],
    key: 2,
};

pub(crate) const KEYS: Table = Table {
    name: "keys",
    columns: &[
        ("life", Kind::Integer),
        ("user", Kind::Text),
        ("idem", Kind::Text),
        ("seq", Kind::Integer),
        ("at", Kind::Integer),
    ],
    key: 3,
};

pub(crate) const LETTERS: Table = Table {
    name: "letters",
    columns: &[
        ("id", Kind::Integer),
        ("endpoint", Kind::Text),
        ("room", Kind::Text),
        ("seq", Kind::Integer),
        ("life", Kind::Integer),
        ("number", Kind::Integer),
        ("at", Kind::Integer),
        ("kind", Kind::Text),
        ("body", Kind::Text),
        ("state", Kind::Integer),
        ("tries", Kind::Integer),
        ("due_at", Kind::Integer),
        ("error", Kind::Text),
    ],
    key: 1,
};

pub(crate) const ADDRESSES: Table = Table {
    name: "addresses",
    columns: &[("endpoint", Kind::Text), ("room", Kind::Text), ("last_seq", Kind::Integer)],
    key: 2,
};

/// Every table but `fence`, which holds counters.
pub(crate) const TABLES: [&Table; 5] = [&LIVES, &ROWS, &KEYS, &LETTERS, &ADDRESSES];

/// Numbers that are given once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counters {
    /// How often the ledger was taken over.
    pub(crate) fence: i64,
    pub(crate) last_life: i64,
    pub(crate) last_letter: i64,
}

/// A ledger that nobody else has open.
pub(crate) trait Shelf {
    fn counters(&mut self) -> Result<Counters, LedgerError>;

    /// Returns at most `limit` records in the order of their keys, those after a record if one is
    /// named.
    fn records(
        &mut self,
        table: &Table,
        after: Option<&Record>,
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError>;
}

/// A ledger to be: nothing of it is there until it is kept.
pub(crate) trait NewShelf: Shelf {
    fn put(&mut self, table: &Table, records: &[Record]) -> Result<(), LedgerError>;

    fn put_counters(&mut self, counters: Counters) -> Result<(), LedgerError>;

    /// Makes all of it durable.
    fn keep(self: Box<Self>) -> Result<(), LedgerError>;
}

impl Table {
    /// Returns its columns, with commas, by the names that `named` gives them.
    pub(crate) fn columns(&self, named: impl Fn(&'static str) -> &'static str) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| named(name)).collect();
        names.join(", ")
    }

    /// Returns how its records are asked for; `mark` is what a place for a value begins with.
    pub(crate) fn select(
        &self,
        named: impl Fn(&'static str) -> &'static str,
        mark: char,
        is_after: bool,
        limit: usize,
    ) -> String {
        let names: Vec<_> = self.columns[..self.key].iter().map(|(name, _)| named(name)).collect();
        let places: Vec<_> = (1..=self.key).map(|place| format!("{mark}{place}")).collect();
        let (columns, table, key) = (self.columns(named), self.name, names.join(", "));
        let only = match is_after {
            true => format!(" WHERE ({key}) > ({})", places.join(", ")),
            false => String::new(),
        };
        format!("SELECT {columns} FROM {table}{only} ORDER BY {key} LIMIT {limit}")
    }
}
