//! Reads a life from its first row on, and checks the chain on the way.

use tokio::sync::oneshot;

use crate::chain::{self, Hashed};
use crate::ledger::Ledger;
use crate::{LedgerError, Life, Row};

const ROWS_AT_ONCE: usize = 2_000;

/// A life being read.
#[derive(Debug)]
pub struct LifeReader {
    ledger: Ledger,
    life: Life,
    seq: u64,
    hash: [u8; 32],
    /// The rows that come next: the writer reads them while the last ones are gone through.
    ahead: Option<oneshot::Receiver<Result<Vec<Row>, LedgerError>>>,
}

impl LifeReader {
    pub(crate) fn new(ledger: Ledger, life: Life) -> Self {
        let hash = chain::root(&life.room, life.id);
        Self { ledger, life, seq: 0, hash, ahead: None }
    }

    /// Returns whose rows these are.
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// Returns the next rows; none at the end.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read, or a row is not as it was written.
    pub async fn next(&mut self) -> Result<Vec<Row>, LedgerError> {
        let answer = self.ahead.take().unwrap_or_else(|| self.ask(self.seq));
        let rows = answer.await.unwrap_or(Err(LedgerError::Closed))?;
        if let Some(last) = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE) {
            self.ahead = Some(self.ask(last.seq));
        }
        for row in &rows {
            check(&mut self.seq, &mut self.hash, row)
                .map_err(|what| LedgerError::Changed { seq: row.seq, what })?;
        }
        Ok(rows)
    }

    fn ask(&self, after: u64) -> oneshot::Receiver<Result<Vec<Row>, LedgerError>> {
        let life = self.life.id;
        self.ledger.begin_to_ask(move |store| store.rows(life, after, ROWS_AT_ONCE))
    }

    pub(crate) fn into_end(self) -> (Life, u64, [u8; 32]) {
        (self.life, self.seq, self.hash)
    }
}

/// Checks one more row of a chain that has come to `seq` and `hash`, or says what is wrong.
pub(crate) fn check(seq: &mut u64, hash: &mut [u8; 32], row: &Row) -> Result<(), &'static str> {
    let hashed = Hashed {
        seq: row.seq,
        at: row.at,
        kind: &row.kind,
        rules: row.rules,
        input: &row.input,
        outcome: &row.outcome,
    };
    if row.seq != *seq + 1 {
        return Err("a row is missing before it");
    }
    if chain::next(hash, &hashed) != row.hash {
        return Err("its hash does not fit");
    }
    (*seq, *hash) = (row.seq, row.hash);
    Ok(())
}
