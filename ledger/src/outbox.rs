//! Letters to back ends: written in the same transaction as what they tell of, numbered by room,
//! delivered at least once and in order. Who delivers asks what is [`due`](Outbox::due), and says
//! what became of it.

use crate::LedgerError;
use crate::ledger::Ledger;

/// The letters of a ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox(Ledger);

/// A letter to back ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// The room that it is about.
    pub room: String,
    /// Its place among the letters of the room, from 1, without gaps, across the room's lives.
    pub seq: u64,
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
    /// It is to be delivered. Later letters of its room wait for it.
    Waiting,
    /// It was delivered.
    Delivered,
    /// It was given up.
    Dead,
}

impl Outbox {
    pub(crate) const fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }

    /// Returns the first waiting letter of each room, if it is due at `now`; at most `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn due(&self, now: u64, limit: usize) -> Result<Vec<Letter>, LedgerError> {
        self.0.ask(move |store| store.due(now, limit)).await
    }

    /// Notes that a letter was delivered.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn delivered(&self, letter: &Letter) -> Result<(), LedgerError> {
        self.set(letter, LetterState::Delivered, letter.due_at, None).await
    }

    /// Notes that a letter was not delivered and is to be tried again at `due_at`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn retry_at(
        &self,
        letter: &Letter,
        due_at: u64,
        error: &str,
    ) -> Result<(), LedgerError> {
        self.set(letter, LetterState::Waiting, due_at, Some(error)).await
    }

    /// Gives a letter up; the next one of its room is due.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn give_up(&self, letter: &Letter, error: &str) -> Result<(), LedgerError> {
        self.set(letter, LetterState::Dead, letter.due_at, Some(error)).await
    }

    /// Returns the letters of `room`, or of all, that are in `state`, or in any, from number `from`
    /// on; at most `limit`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn list(
        &self,
        room: Option<String>,
        state: Option<LetterState>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Letter>, LedgerError> {
        self.0.ask(move |store| store.letters(room.as_deref(), state, from, limit)).await
    }

    /// Has at most `limit` letters of `room` from number `from` on delivered again, whatever became
    /// of them; returns how many.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn replay(
        &self,
        room: String,
        from: u64,
        limit: usize,
        now: u64,
    ) -> Result<u64, LedgerError> {
        self.0.ask(move |store| store.replay(&room, from, limit, now)).await
    }

    async fn set(
        &self,
        letter: &Letter,
        state: LetterState,
        due_at: u64,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        let (room, seq, error) = (letter.room.clone(), letter.seq, error.map(str::to_owned));
        let set = move |store: &mut dyn crate::store::Store| {
            store.set_letter(&room, seq, state, due_at, error.as_deref())
        };
        // A letter that was pruned meanwhile needs nothing any more.
        self.0.ask(set).await.map(|_| ())
    }
}
