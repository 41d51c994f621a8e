//! The journal of one life of a room: rows go in one after another and become durable in that order.

use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::writer::Message;
use crate::{Life, NewRow, Notice};

/// Appends to one life. Dropping it stops nothing: what was appended is written.
#[derive(Debug)]
pub struct Journal {
    ledger: Ledger,
    life: Life,
    /// Entries appended by this handle.
    appended: u64,
    progress: watch::Receiver<Progress>,
}

/// Something to be appended: a row, what back ends are told of it, or both. It is written whole or
/// not at all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// The row.
    pub row: Option<NewRow>,
    /// What back ends are told; a journal that is read again tells it again.
    pub notices: Vec<Notice>,
    /// When the notices happened, in Unix milliseconds.
    pub at: u64,
    /// The number of the first of the notices in this life, from 1. Notices that were written before
    /// a crash and are said again when a journal is read again keep their numbers.
    pub first_notice: u64,
    /// What back ends are told that no journal tells again: who came and went, what became of media.
    /// A crash may take it before it is written.
    pub passing: Vec<Notice>,
}

/// How far the disk has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// So many entries are durable.
    pub durable: u64,
    /// What comes after will never be: the disk failed, or another server took the ledger over.
    pub is_broken: bool,
}

impl Journal {
    pub(crate) const fn new(
        ledger: Ledger,
        life: Life,
        progress: watch::Receiver<Progress>,
    ) -> Self {
        Self { ledger, life, appended: 0, progress }
    }

    /// Returns whose journal it is.
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// Returns whether the queue has a place for what may be refused. What happened anyway may be
    /// appended beyond that.
    pub fn has_place(&self) -> bool {
        self.ledger.has_place()
    }

    /// Appends an entry; returns its number, which [`Progress::durable`] will reach.
    pub fn append(&mut self, entry: Entry) -> u64 {
        self.appended += 1;
        self.ledger.send(Message::Append { life: self.life.id, entry });
        self.appended
    }

    /// Notes that the life is over.
    pub fn end(&self, at: u64) {
        self.ledger.send(Message::End { life: self.life.id, at });
    }

    /// Returns the number of the last entry that was appended.
    pub const fn appended(&self) -> u64 {
        self.appended
    }

    /// Returns how far the disk has come.
    pub fn progress(&self) -> Progress {
        let told = *self.progress.borrow();
        // The writer is gone only if it broke down.
        Progress { is_broken: told.is_broken || self.progress.has_changed().is_err(), ..told }
    }

    /// Waits until the disk has come further. Cancelling loses nothing.
    pub async fn changed(&mut self) -> Progress {
        // An error is a writer that is gone, as the progress says, too.
        let _ = self.progress.changed().await;
        self.progress()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.ledger.send(Message::Forget { life: self.life.id });
    }
}
