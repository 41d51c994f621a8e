//! The way to the one thread that writes.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::journal::{Journal, Progress};
use crate::outbox::Outbox;
use crate::reader::LifeReader;
use crate::sqlite::SqliteStore;
use crate::store::{Store, Which};
use crate::writer::{Message, Writer};
use crate::{LedgerError, Life, LifeId, Place, Pruned, Row};

/// Where a ledger is kept, and how much may wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerConfig {
    /// Where.
    pub place: Place,
    /// Rows that may wait for the disk before new requests are refused.
    pub queue_rows: usize,
    /// Rows of one transaction at most.
    pub batch_rows: usize,
    /// How long a data base server is waited for.
    pub patience: Patience,
}

/// How long a data base server is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patience {
    /// When it is gone, before rooms stop.
    pub for_server: Duration,
    /// When it leaves a question unanswered, before its connection is dropped and made anew.
    pub for_answers: Duration,
}

impl LedgerConfig {
    /// Returns the usual limits for a ledger at `place`.
    pub const fn at(place: Place) -> Self {
        let patience =
            Patience { for_server: Duration::from_secs(5), for_answers: Duration::from_secs(10) };
        Self { place, queue_rows: 16_384, batch_rows: 1_024, patience }
    }
}

/// A ledger. Cheap to clone; the writer ends when the last handle is gone.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    way: Way,
    waiting: Arc<AtomicUsize>,
    queue_rows: usize,
    next_life: AtomicU64,
    last_moment: u64,
    /// Counts batches that held letters.
    letters: Arc<watch::Sender<u64>>,
}

/// A store that was just opened.
struct Opened {
    store: Box<dyn Store>,
    last_life: u64,
    last_moment: u64,
}

impl Opened {
    fn at(place: &Place, patience: Patience) -> Result<Self, LedgerError> {
        let mut store = place.open(patience)?;
        let (last_life, last_moment) = (store.last_life()?, store.last_moment()?);
        Ok(Self { store, last_life, last_moment })
    }
}

#[derive(Debug)]
enum Way {
    /// Has no bound of its own: requests stop at `queue_rows` rows, and what may not be refused is
    /// bounded by the queues that it comes from.
    Thread(mpsc::Sender<Message>),
    /// Whoever appends writes.
    Inline(Mutex<Writer>),
}

/// The thread that writes.
#[derive(Debug)]
pub struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Waits until everything is written; every handle must be gone.
    pub fn join(self) {
        // A panic was reported when it happened; the journals have heard of it.
        let _ = self.0.join();
    }
}

impl Ledger {
    /// Opens or makes a ledger, and takes it over from whoever wrote to it before.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or a newer program made it.
    pub fn open(config: &LedgerConfig) -> Result<(Self, WriterThread), LedgerError> {
        let (messages, inbox) = mpsc::channel();
        let (opened, answer) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let letters = Arc::new(watch::Sender::new(0));
        let (counted, told) = (Arc::clone(&waiting), Arc::clone(&letters));
        let LedgerConfig { place, queue_rows, batch_rows, patience } = config.clone();
        // The thread that uses the store opens it, too: nothing else may wait for a data base.
        let write = move || match Opened::at(&place, patience) {
            Ok(Opened { store, last_life, last_moment }) => {
                // Nobody who does not wait for it any more is missed.
                let _ = opened.send(Ok((last_life, last_moment)));
                Writer::new(store, batch_rows, counted, told).run(&inbox);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(write)
            .map_err(|error| LedgerError::Failed(error.to_string()))?;
        let (last_life, last_moment) = answer.recv().map_err(|_| LedgerError::Closed)??;
        let (way, next_life) = (Way::Thread(messages), AtomicU64::new(last_life + 1));
        let shared = Shared { way, waiting, queue_rows, next_life, last_moment, letters };
        Ok((Self(Arc::new(shared)), WriterThread(thread)))
    }

    /// Makes a temporary ledger in which whatever is appended is durable at once; for tests in
    /// virtual time, which would not stand still for a thread.
    ///
    /// # Errors
    ///
    /// There is no place for it.
    pub fn inline() -> Result<Self, LedgerError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let letters = Arc::new(watch::Sender::new(0));
        let store = Box::new(SqliteStore::temporary()?);
        let writer = Writer::new(store, 1, Arc::clone(&waiting), Arc::clone(&letters));
        let way = Way::Inline(Mutex::new(writer));
        let next_life = AtomicU64::new(1);
        let queue_rows = usize::MAX;
        let shared = Shared { way, waiting, queue_rows, next_life, last_moment: 0, letters };
        Ok(Self(Arc::new(shared)))
    }

    /// Returns the latest moment that was written when the ledger was opened, in Unix milliseconds:
    /// no clock may begin before it.
    pub fn last_moment(&self) -> u64 {
        self.0.last_moment
    }

    /// Begins a life of `room`.
    pub fn begin(&self, room: &str, at: u64) -> Journal {
        let id = LifeId(self.0.next_life.fetch_add(1, Ordering::Relaxed));
        let life = Life { id, room: room.to_owned(), opened_at: at, ended_at: None };
        let (progress, journal) = watch::channel(Progress::default());
        self.send(Message::Open { life: life.clone(), is_new: true, last: None, progress });
        Journal::new(self.clone(), life, journal)
    }

    /// Begins to read a life that may be gone on with.
    pub fn read(&self, life: Life) -> LifeReader {
        LifeReader::new(self.clone(), life)
    }

    /// Goes on with a life where `reader` has come to its end.
    pub fn resume(&self, reader: LifeReader) -> Journal {
        let (progress, journal) = watch::channel(Progress::default());
        let (life, seq, hash) = reader.into_end();
        let last = Some((seq, hash));
        self.send(Message::Open { life: life.clone(), is_new: false, last, progress });
        Journal::new(self.clone(), life, journal)
    }

    /// Returns the lives that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn open_lives(&self) -> Result<Vec<Life>, LedgerError> {
        self.ask(|store| store.lives(Which::Open)).await
    }

    /// Returns the lives of `room`, oldest first.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn lives_of(&self, room: &str) -> Result<Vec<Life>, LedgerError> {
        let room = room.to_owned();
        self.ask(move |store| store.lives(Which::OfRoom(&room))).await
    }

    /// Returns at most `limit` rows of `life` after row `after`.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn rows(
        &self,
        life: LifeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Row>, LedgerError> {
        self.ask(move |store| store.rows(life, after, limit)).await
    }

    /// Returns how many notices of `life` are written.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn notices(&self, life: LifeId) -> Result<u64, LedgerError> {
        self.ask(move |store| store.notices(life)).await
    }

    /// Takes away what is old, a little at a time so that nobody waits long for the writer.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn prune(&self, ended_before: u64, keys_before: u64) -> Result<Pruned, LedgerError> {
        self.ask(move |store| store.prune(ended_before, keys_before, 1_000)).await
    }

    /// Returns the letters to back ends.
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.clone(), Arc::clone(&self.0.letters))
    }

    pub(crate) fn has_place(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) < self.0.queue_rows
    }

    pub(crate) fn send(&self, message: Message) {
        if matches!(message, Message::Append { .. }) {
            self.0.waiting.fetch_add(1, Ordering::Relaxed);
        }
        match &self.0.way {
            // The writer ends before the handles only if it panicked, and its journals hear of it.
            Way::Thread(messages) => drop(messages.send(message)),
            Way::Inline(writer) => writer.lock().expect("a writer does not panic").handle(message),
        }
    }

    /// Has the writer do something with the store between two batches.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.begin_to_ask(job).await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Likewise, and returns at once; nothing comes if the writer is gone.
    pub(crate) fn begin_to_ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, LedgerError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Job(Box::new(move |store| {
            // Whoever asked may have left.
            let _ = reply.send(job(store));
        })));
        answer
    }
}
