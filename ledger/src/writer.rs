//! Writes in batches: whatever came in while the last batch was on its way to the disk makes the
//! next one, so the busier it is the fewer times a row waits for the disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use tokio::sync::watch;
use tracing::{error, warn};

use crate::chain::{self, Hashed};
use crate::journal::{Entry, Progress};
use crate::store::{Said, Store, Stored};
use crate::{LedgerError, Life, LifeId};

/// What the writer is told.
pub(crate) enum Message {
    /// A journal is opened; `last` is the row that it goes on after.
    Open {
        life: Life,
        is_new: bool,
        last: Option<(u64, [u8; 32])>,
        progress: watch::Sender<Progress>,
    },
    /// Something is to be written.
    Append { life: LifeId, entry: Entry },
    /// A life is over.
    End { life: LifeId, at: u64 },
    /// The journal of a life was closed.
    Forget { life: LifeId },
    /// Something else is to be done with the store.
    Job(Job),
}

/// Something to be done with the store between two batches.
pub(crate) type Job = Box<dyn FnOnce(&mut dyn Store) + Send>;

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open { .. } => "Open",
            Self::Append { .. } => "Append",
            Self::End { .. } => "End",
            Self::Forget { .. } => "Forget",
            Self::Job(_) => "Job",
        })
    }
}

pub(crate) struct Writer {
    store: Box<dyn Store>,
    batch_rows: usize,
    waiting: Arc<AtomicUsize>,
    journals: HashMap<LifeId, Head>,
    batch: Vec<Stored>,
    /// Entries in the batch.
    entries: usize,
    /// Journals to be told of the batch.
    touched: Vec<LifeId>,
    /// Whether letters are in the batch.
    has_letters: bool,
    /// Counts batches that held letters, for whoever delivers them.
    letters: Arc<watch::Sender<u64>>,
}

/// Where a journal stands.
struct Head {
    room: String,
    seq: u64,
    hash: [u8; 32],
    written: u64,
    is_broken: bool,
    progress: watch::Sender<Progress>,
}

impl Writer {
    pub(crate) fn new(
        store: Box<dyn Store>,
        batch_rows: usize,
        waiting: Arc<AtomicUsize>,
        letters: Arc<watch::Sender<u64>>,
    ) -> Self {
        Self {
            store,
            batch_rows,
            waiting,
            journals: HashMap::new(),
            batch: Vec::new(),
            entries: 0,
            touched: Vec::new(),
            has_letters: false,
            letters,
        }
    }

    /// Writes until the last handle is gone.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        while let Ok(first) = inbox.recv() {
            let mut next = Some(first);
            let mut job = None;
            while let Some(message) = next.take() {
                job = self.take(message);
                if job.is_none() && self.batch.len() < self.batch_rows {
                    next = inbox.try_recv().ok();
                }
            }
            self.commit();
            if let Some(job) = job {
                job(&mut *self.store);
            }
        }
    }

    /// Does what it is told at once.
    pub(crate) fn handle(&mut self, message: Message) {
        let job = self.take(message);
        self.commit();
        if let Some(job) = job {
            job(&mut *self.store);
        }
    }

    /// Adds to the batch. A job is returned: it is done after the batch.
    fn take(&mut self, message: Message) -> Option<Job> {
        match message {
            Message::Open { life, is_new, last, progress } => {
                let (seq, hash) = last.unwrap_or_else(|| (0, chain::root(&life.room, life.id)));
                let room = life.room.clone();
                let head = Head { room, seq, hash, written: 0, is_broken: false, progress };
                self.journals.insert(life.id, head);
                if is_new {
                    self.batch.push(Stored::Opened(life));
                }
            }
            Message::Append { life, entry } => self.append(life, entry),
            Message::End { life, at } => {
                if self.journals.get(&life).is_some_and(|head| !head.is_broken) {
                    self.batch.push(Stored::Ended { life, at });
                }
            }
            Message::Forget { life } => {
                // What is in the batch is written all the same.
                if !self.touched.contains(&life) {
                    self.journals.remove(&life);
                }
            }
            Message::Job(job) => return Some(job),
        }
        None
    }

    fn append(&mut self, life: LifeId, entry: Entry) {
        self.entries += 1;
        let Some(head) = self.journals.get_mut(&life).filter(|head| !head.is_broken) else {
            // Its journal has heard that nothing more is written.
            metrics::counter!("ledger_rows_dropped_total", "reason" => "broken").increment(1);
            return;
        };
        head.written += 1;
        if self.touched.last() != Some(&life) && !self.touched.contains(&life) {
            self.touched.push(life);
        }
        if let Some(row) = entry.row {
            let seq = head.seq + 1;
            let hashed = Hashed {
                seq,
                at: row.at,
                kind: row.kind,
                rules: row.rules,
                input: &row.input,
                outcome: &row.outcome,
            };
            let hash = chain::next(&head.hash, &hashed);
            (head.seq, head.hash) = (seq, hash);
            self.batch.push(Stored::Row { life, seq, hash, row });
        }
        let (at, numbers) = (entry.at, entry.first_notice..);
        let kept = numbers.map(Some).zip(entry.notices);
        let passing = entry.passing.into_iter().map(|notice| (None, notice));
        for (number, notice) in kept.chain(passing) {
            // A notice that nobody takes has its number all the same.
            if !notice.to.is_empty() {
                let (room, said) = (head.room.clone(), Said { number, at, notice });
                self.batch.push(Stored::Notice { life, room, said });
                self.has_letters = true;
            }
        }
    }

    fn commit(&mut self) {
        if self.batch.is_empty() {
            self.finish(true);
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        if self.write(&batch) {
            self.finish(true);
        } else {
            // What is wrong with one room's rows must not stop the others.
            let mut by_life: BTreeMap<LifeId, Vec<Stored>> = BTreeMap::new();
            for stored in batch {
                by_life.entry(stored.life()).or_default().push(stored);
            }
            for (life, batch) in by_life {
                if !self.write(&batch)
                    && let Some(head) = self.journals.get_mut(&life)
                {
                    head.is_broken = true;
                    // Also one of which only the beginning was in the batch: nothing tells it later.
                    if !self.touched.contains(&life) {
                        self.touched.push(life);
                    }
                    error!(room = head.room, "A room's rows could not be written; it stops.");
                }
            }
            self.finish(false);
        }
    }

    fn write(&mut self, batch: &[Stored]) -> bool {
        let began = Instant::now();
        let result = self.store.commit(batch);
        metrics::histogram!("ledger_commit_seconds").record(began.elapsed());
        let rows = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        metrics::histogram!("ledger_batch_rows").record(f64::from(rows));
        let Err(error) = result else {
            metrics::counter!("ledger_rows_total").increment(rows.into());
            return true;
        };
        let reason = match error {
            LedgerError::Fenced => "fenced",
            LedgerError::KeyReused => "key_reused",
            LedgerError::TooNew { .. }
            | LedgerError::Changed { .. }
            | LedgerError::Failed(_)
            | LedgerError::Closed => "disk",
        };
        metrics::counter!("ledger_failures_total", "reason" => reason).increment(1);
        error!(%error, rows, "A batch could not be written.");
        false
    }

    /// Tells the journals what became of the batch.
    fn finish(&mut self, is_written: bool) {
        // First, so that whoever hears of it finds the place that there is again.
        let waiting = self.waiting.fetch_sub(self.entries, Ordering::Relaxed) - self.entries;
        self.entries = 0;
        // A gauge need not be exact beyond what a float holds.
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("ledger_queue_rows").set(waiting as f64);
        for life in self.touched.drain(..) {
            let head = self.journals.get_mut(&life).expect("only known journals are touched");
            let is_durable = is_written || !head.is_broken;
            let durable = if is_durable { head.written } else { head.progress.borrow().durable };
            let is_gone = head.progress.is_closed();
            head.progress.send_replace(Progress { durable, is_broken: head.is_broken });
            if is_gone {
                self.journals.remove(&life);
            }
        }
        if std::mem::take(&mut self.has_letters) {
            self.letters.send_modify(|batches| *batches += 1);
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("journals", &self.journals.len()).finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            warn!("The ledger's writer has panicked; every room stops.");
        }
    }
}
