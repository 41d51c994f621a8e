//! Letters to back ends: written in the same transaction as what they tell of, one for each endpoint
//! that takes it, numbered by endpoint and room, delivered at least once and in order. Who delivers
//! asks which rooms have [`heads`](Outbox::heads), takes what [`waits`](Outbox::waiting) for one of
//! them, and says what became of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::LedgerError;
use crate::ledger::Ledger;

/// The letters of a ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    ledger: Ledger,
    written: watch::Receiver<u64>,
    writes: Arc<watch::Sender<u64>>,
}

/// A letter to an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// Its name in this ledger.
    pub id: u64,
    /// Who is told.
    pub endpoint: String,
    /// The room that it is about.
    pub room: String,
    /// Its place among the letters about the room to this endpoint, from 1, without gaps, across the
    /// room's lives.
    pub seq: u64,
    /// What it tells of, the same for every endpoint unless it tells of something that passes.
    pub event: String,
    /// When it happened, in Unix milliseconds.
    pub at: u64,
    /// What it is about.
    pub kind: String,
    /// What it says, as JSON.
    pub body: String,
    /// What is to become of it.
    pub state: LetterState,
    /// How often it was tried in vain.
    pub tries: u32,
    /// When it is to be tried next, in Unix milliseconds.
    pub due_at: u64,
    /// Why it was not delivered the last time.
    pub error: Option<String>,
}

/// What is to become of a letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LetterState {
    /// It is to be delivered. Later letters about its room to its endpoint wait for it.
    Waiting,
    /// It was delivered.
    Delivered,
    /// It was given up.
    Dead,
}

impl LetterState {
    /// Returns how a store writes it.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Delivered => 1,
            Self::Dead => 2,
        }
    }

    /// Returns what a store wrote.
    pub(crate) const fn numbered(number: i64) -> Self {
        match number {
            0 => Self::Waiting,
            1 => Self::Delivered,
            _ => Self::Dead,
        }
    }
}

/// Returns the name of what a letter tells of: its place among the notices of a life, or, below
/// zero, among the letters if it tells of something that passes.
pub(crate) fn event_name(life: i64, number: i64) -> String {
    match u64::try_from(number) {
        Ok(number) => format!("{life}-{number}"),
        Err(_) => format!("{life}-p{}", number.unsigned_abs()),
    }
}

/// The first of the letters about one room that wait for an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LetterHead {
    /// The room.
    pub room: String,
    /// When it is to be tried, in Unix milliseconds.
    pub due_at: u64,
}

/// What became of a letter that somebody tried to deliver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// It was taken.
    Delivered,
    /// It was not, and is to be tried again.
    RetryAt {
        /// When, in Unix milliseconds.
        due_at: u64,
        /// Why it was not taken.
        error: String,
    },
    /// It was not, and is given up; the next one about its room is due.
    GivenUp {
        /// Why it was not taken.
        error: String,
    },
}

/// Which letters are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LetterFilter {
    /// To which endpoint; all if left out.
    pub endpoint: Option<String>,
    /// About which room; all if left out.
    pub room: Option<String>,
    /// In which state; any if left out.
    pub state: Option<LetterState>,
    /// Those whose id is higher.
    pub after: u64,
}

impl Outbox {
    pub(crate) fn new(ledger: Ledger, writes: Arc<watch::Sender<u64>>) -> Self {
        Self { ledger, written: writes.subscribe(), writes }
    }

    /// Waits until more letters wait since the last time that this was asked.
    pub async fn more_written(&mut self) {
        self.written.changed().await.expect("this holds the other end, too");
    }

    /// Returns the first waiting letter about each room to `endpoint`, soonest due first, at most
    /// `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn heads(
        &self,
        endpoint: &str,
        limit: usize,
    ) -> Result<Vec<LetterHead>, LedgerError> {
        let endpoint = endpoint.to_owned();
        self.ledger.ask(move |store| store.letter_heads(&endpoint, limit)).await
    }

    /// Returns the letters about `room` that wait for `endpoint`, in order, at most `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn waiting(
        &self,
        endpoint: &str,
        room: &str,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        let (endpoint, room) = (endpoint.to_owned(), room.to_owned());
        self.ledger.ask(move |store| store.letters_waiting(&endpoint, &room, limit)).await
    }

    /// Notes what became of letters, all in one transaction.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn settle(&self, deliveries: Vec<(u64, Delivery)>) -> Result<(), LedgerError> {
        self.ledger.ask(move |store| store.settle_letters(&deliveries)).await
    }

    /// Returns letters, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn list(
        &self,
        filter: LetterFilter,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        self.ledger.ask(move |store| store.letters(&filter, limit)).await
    }

    /// Has a letter that was given up delivered again, before those about its room that wait; false
    /// if there is none such.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn replay(&self, id: u64, now: u64) -> Result<bool, LedgerError> {
        let is_there = self.ledger.ask(move |store| store.replay_letter(id, now)).await?;
        self.writes.send_modify(|count| *count += 1);
        Ok(is_there)
    }
}
