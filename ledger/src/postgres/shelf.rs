//! A PostgreSQL data base that is copied, and one that a copy becomes, each in one transaction.

use tokio_postgres::types::ToSql;

use super::UNHURRIED;
use super::schema;
use super::session::{Holds, Session, Trouble};
use super::settings::Settings;
use crate::tables::{Cell, Counters, Kind, NewShelf, Record, Shelf, Table};
use crate::{LedgerError, PostgresUrl};

type Values = Vec<Box<dyn ToSql + Sync>>;

/// A data base that no server is connected to.
pub(crate) struct PostgresShelf(Session);

impl PostgresShelf {
    /// Looks at a ledger as it is at this moment.
    ///
    /// # Errors
    ///
    /// It cannot be reached, is in use, or is of another schema.
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self, LedgerError> {
        let mut session = alone(url)?;
        schema::expect_current(&mut session)?;
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        Ok(Self(session))
    }

    /// Begins a ledger, which is there once it is kept.
    ///
    /// # Errors
    ///
    /// It cannot be reached, is in use, or holds something else.
    pub(crate) fn begin(url: &PostgresUrl) -> Result<Self, LedgerError> {
        let mut session = alone(url)?;
        schema::migrate(&mut session.work()?)?;
        Ok(Self(session))
    }

    fn ask(&self, sql: &str, values: &Values) -> Result<Vec<tokio_postgres::Row>, LedgerError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value).collect();
        Ok(self.0.query_once(sql, &values)?)
    }
}

fn alone(url: &PostgresUrl) -> Result<Session, Trouble> {
    Session::connect(&Settings::read(url)?, Holds::Alone, UNHURRIED)
}

impl Shelf for PostgresShelf {
    fn counters(&mut self) -> Result<Counters, LedgerError> {
        let sql = "SELECT number, last_life,
                     (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM letters_id_seq)
                   FROM fence";
        let row = self.ask(sql, &Values::new())?.remove(0);
        Ok(Counters { fence: row.get(0), last_life: row.get(1), last_letter: row.get(2) })
    }

    fn records(
        &mut self,
        table: &Table,
        after: Option<&Record>,
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        let sql = table.select(named, '$', after.is_some(), limit);
        let key = after.map_or(&[][..], |record| &record[..table.key]);
        let rows = self.ask(&sql, &key.iter().map(value).collect())?;
        let columns = || table.columns.iter().enumerate();
        let record = |row: &tokio_postgres::Row| {
            columns().map(|(place, (_, kind))| cell(row, place, *kind)).collect()
        };
        Ok(rows.iter().map(record).collect())
    }
}

impl NewShelf for PostgresShelf {
    fn put(&mut self, table: &Table, records: &[Record]) -> Result<(), LedgerError> {
        let (mut places, mut values) = (Vec::new(), Values::new());
        for (place, (_, kind)) in table.columns.iter().enumerate() {
            let cells = records.iter().map(|record| &record[place]);
            let (word, column) = column(cells, *kind);
            places.push(format!("${}::{word}[]", place + 1));
            values.push(column);
        }
        let (name, columns, places) = (table.name, table.columns(named), places.join(", "));
        let sql = format!(
            "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({places})"
        );
        self.ask(&sql, &values)?;
        Ok(())
    }

    fn put_counters(&mut self, counters: Counters) -> Result<(), LedgerError> {
        let Counters { fence, last_life, last_letter } = counters;
        let values: Values = vec![Box::new(fence), Box::new(last_life)];
        self.ask("UPDATE fence SET number = $1, last_life = $2", &values)?;
        let values: Values = vec![Box::new(last_letter)];
        let sql = "SELECT setval('letters_id_seq', greatest($1::bigint, 1), $1 > 0)";
        self.ask(sql, &values)?;
        Ok(())
    }

    fn keep(self: Box<Self>) -> Result<(), LedgerError> {
        match self.0.run("COMMIT") {
            Err(Trouble::Lost(why)) => {
                let unknown = "it is not known whether the copy is there; `lianmai ledger verify` \
                               says so";
                Err(LedgerError::Failed(format!("{why}: {unknown}")))
            }
            told => Ok(told?),
        }
    }
}

/// Returns what a column is called here: `user` is a word of SQL.
fn named(column: &'static str) -> &'static str {
    if column == "user" { "member" } else { column }
}

fn value(cell: &Cell) -> Box<dyn ToSql + Sync> {
    match cell.clone() {
        Cell::Nothing => Box::new(None::<i64>),
        Cell::Integer(number) => Box::new(number),
        Cell::Text(text) => Box::new(text),
        Cell::Bytes(bytes) => Box::new(bytes),
    }
}

/// Returns a column as one value, and what its parts are called.
fn column<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    kind: Kind,
) -> (&'static str, Box<dyn ToSql + Sync>) {
    // A cell that does not hold what its column holds is nothing, which whoever compares will see.
    match kind {
        Kind::Integer => {
            let integer = |cell: &Cell| if let Cell::Integer(n) = cell { Some(*n) } else { None };
            ("bigint", Box::new(cells.map(integer).collect::<Vec<_>>()))
        }
        Kind::Text => {
            let text = |cell: &Cell| match cell {
                Cell::Text(text) => Some(text.clone()),
                Cell::Nothing | Cell::Integer(_) | Cell::Bytes(_) => None,
            };
            ("text", Box::new(cells.map(text).collect::<Vec<_>>()))
        }
        Kind::Bytes => {
            let bytes = |cell: &Cell| match cell {
                Cell::Bytes(bytes) => Some(bytes.clone()),
                Cell::Nothing | Cell::Integer(_) | Cell::Text(_) => None,
            };
            ("bytea", Box::new(cells.map(bytes).collect::<Vec<_>>()))
        }
    }
}

fn cell(row: &tokio_postgres::Row, place: usize, kind: Kind) -> Cell {
    match kind {
        Kind::Integer => row.get::<_, Option<i64>>(place).map_or(Cell::Nothing, Cell::Integer),
        Kind::Text => row.get::<_, Option<String>>(place).map_or(Cell::Nothing, Cell::Text),
        Kind::Bytes => row.get::<_, Option<Vec<u8>>>(place).map_or(Cell::Nothing, Cell::Bytes),
    }
}
