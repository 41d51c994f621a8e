//! Goal: what is reported durable is there once and in order, whatever happens to the process, and
//! what was changed behind the ledger's back is found.
//! Method: real SQLite files in folders of their own, each opened, closed and opened again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{
    Delivery, Entry, Journal, Ledger, LedgerConfig, LedgerError, LetterFilter, LetterState, Life,
    LifeId, NewRow, Notice, Place, Progress, SqliteStore, WriterThread, verify,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

#[tokio::test]
async fn rows_come_back_in_order_after_the_process_is_gone() {
    let file = File::new("order");
    let (ledger, writer) = file.open();
    let mut journals = [ledger.begin("a", 5), ledger.begin("b", 6)];
    for n in 1..=3_000_u64 {
        let journal = &mut journals[usize::from(n % 3 == 0)];
        journal.append(row(n, None));
    }
    for journal in &mut journals {
        wait(journal).await;
    }
    drop(journals);
    close(ledger, writer);

    let (ledger, writer) = file.open();
    let lives = ledger.open_lives().await.unwrap();
    assert_eq!(rooms(&lives), ["a", "b"]);
    for (life, count) in lives.iter().zip([2_000, 1_000]) {
        let rows = ledger.rows(life.id, 0, 10_000).await.unwrap();
        assert!(rows.iter().map(|row| row.seq).eq(1..=count));
        assert!(rows.is_sorted_by_key(|row| row.at));
    }
    assert_eq!(ledger.last_moment(), 3_000);
    close(ledger, writer);
    let checked = verify(&mut file.beside(), None).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (2, 3_000, Vec::new()));
}

#[tokio::test]
async fn a_life_goes_on_after_its_last_row_and_numbers_are_never_used_again() {
    let file = File::new("resume");
    let (ledger, writer) = file.open();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, None));
    wait(&mut journal).await;
    close(ledger, writer_of(journal, writer));

    let (ledger, writer) = file.open();
    let life = ledger.open_lives().await.unwrap().remove(0);
    let mut reader = ledger.read(life);
    assert_eq!(reader.next().await.unwrap().len(), 1);
    assert_eq!(reader.next().await.unwrap(), []);
    let mut journal = ledger.resume(reader);
    journal.append(row(2, None));
    journal.end(3);
    wait(&mut journal).await;
    assert_eq!(ledger.open_lives().await.unwrap(), []);
    let mut next = ledger.begin("a", 4);
    next.append(row(4, None));
    wait(&mut next).await;
    assert_eq!(next.life().id, LifeId(2));
    drop(next);
    close(ledger, writer_of(journal, writer));

    let checked = verify(&mut file.beside(), Some("a")).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (2, 3, Vec::new()));
}

#[tokio::test]
async fn whatever_is_changed_behind_its_back_is_found() {
    for (sql, what, seq) in [
        ("UPDATE rows SET input = '{}' WHERE seq = 3", "its hash does not fit", 3),
        ("UPDATE rows SET at = at + 1 WHERE seq = 5", "its hash does not fit", 5),
        ("DELETE FROM rows WHERE seq = 2", "a row is missing before it", 3),
        ("UPDATE rows SET hash = zeroblob(32) WHERE seq = 1", "its hash does not fit", 1),
    ] {
        let file = File::new("tamper");
        let (ledger, writer) = file.open();
        let mut journal = ledger.begin("a", 1);
        for n in 1..=9 {
            journal.append(row(n, None));
        }
        wait(&mut journal).await;
        close(ledger, writer_of(journal, writer));
        rusqlite::Connection::open(&file.0).unwrap().execute(sql, []).unwrap();

        let faults = verify(&mut file.beside(), None).unwrap().faults;
        assert_eq!(faults.len(), 1, "{sql}");
        assert_eq!((faults[0].what, faults[0].seq), (what, seq), "{sql}");
    }
}

#[tokio::test]
async fn a_key_that_is_used_twice_within_a_day_stops_its_journal_and_writes_nothing() {
    let file = File::new("keys");
    let (ledger, writer) = file.open();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, Some("k")));
    wait(&mut journal).await;
    journal.append(row(1 + DAY_MS, Some("k")));
    assert_eq!(wait(&mut journal).await, Progress { durable: 2, is_broken: false });
    let mut innocent = ledger.begin("c", 1);
    journal.append(row(2 + DAY_MS, Some("k")));
    innocent.append(row(2, None));
    assert_eq!(wait(&mut innocent).await, Progress { durable: 1, is_broken: false });
    assert_eq!(wait(&mut journal).await, Progress { durable: 2, is_broken: true });
    journal.append(row(3 + DAY_MS, None));

    let mut other = ledger.begin("b", 1);
    other.append(row(9, Some("k")));
    assert_eq!(wait(&mut other).await, Progress { durable: 1, is_broken: false });
    assert_eq!(ledger.rows(journal.life().id, 0, 10).await.unwrap().len(), 2);
    drop((other, innocent));
    close(ledger, writer_of(journal, writer));
}

#[tokio::test]
async fn whoever_takes_a_ledger_over_shuts_the_others_out() {
    let file = File::new("fence");
    let (old, old_writer) = file.open();
    let mut journal = old.begin("a", 1);
    journal.append(row(1, None));
    wait(&mut journal).await;

    let (new, new_writer) = file.open();
    journal.append(row(2, None));
    assert_eq!(wait(&mut journal).await, Progress { durable: 1, is_broken: true });
    assert_eq!(new.rows(journal.life().id, 0, 10).await.unwrap().len(), 1);
    close(old, writer_of(journal, old_writer));
    close(new, new_writer);
}

#[tokio::test]
async fn letters_wait_in_order_by_room_and_endpoint_and_none_is_written_twice() {
    let file = File::new("letters");
    let (ledger, writer) = file.open();
    let mut outbox = ledger.outbox();
    let (mut a, mut b) = (ledger.begin("a", 1), ledger.begin("b", 1));
    a.append(Entry { notices: notices(&["one", "two"]), at: 10, first_notice: 1, ..row(10, None) });
    b.append(Entry { notices: notices(&["three"]), at: 11, first_notice: 1, ..Entry::default() });
    // A journal that was read again says the same again, and then what is new.
    let again = notices(&["one", "two", "four"]);
    let passing = vec![Notice { to: ["x".into()].into(), ..notices(&["passing"]).remove(0) }];
    a.append(Entry { row: None, notices: again, at: 12, first_notice: 1, passing });
    wait(&mut a).await;
    wait(&mut b).await;
    outbox.more_written().await;
    assert_eq!(ledger.notices(a.life().id).await.unwrap(), 3);
    let heads = async || {
        let heads = ledger.outbox().heads("x", 10).await.unwrap();
        heads.into_iter().map(|head| (head.room, head.due_at)).collect::<Vec<_>>()
    };
    assert_eq!(heads().await, [("a".to_owned(), 10), ("b".to_owned(), 11)]);

    let waiting = outbox.waiting("x", "a", 10).await.unwrap();
    assert_eq!(bodies(&waiting), ["one", "two", "four", "passing"]);
    assert_eq!(waiting.iter().map(|letter| letter.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let events: Vec<_> = waiting.iter().map(|letter| letter.event.as_str()).collect();
    assert_eq!(events, ["1-1", "1-2", "1-3", "1-p4"]);
    assert_eq!(bodies(&outbox.waiting("y", "a", 10).await.unwrap()), ["one", "two", "four"]);
    let retry = Delivery::RetryAt { due_at: 50, error: "500".to_owned() };
    outbox.settle(vec![(waiting[0].id, retry)]).await.unwrap();
    assert_eq!(heads().await, [("b".to_owned(), 11), ("a".to_owned(), 50)]);
    let given_up = Delivery::GivenUp { error: "410".to_owned() };
    let settled = vec![(waiting[0].id, given_up), (waiting[1].id, Delivery::Delivered)];
    outbox.settle(settled).await.unwrap();
    assert_eq!(bodies(&outbox.waiting("x", "a", 10).await.unwrap()), ["four", "passing"]);

    let dead = || LetterFilter { state: Some(LetterState::Dead), ..LetterFilter::default() };
    let list = outbox.list(dead(), 10).await.unwrap();
    assert_eq!(
        (bodies(&list), list[0].tries, list[0].error.as_deref()),
        (vec!["one"], 2, Some("410"))
    );
    assert!(!outbox.replay(waiting[1].id, 60).await.unwrap(), "it was delivered");
    assert!(outbox.replay(waiting[0].id, 60).await.unwrap());
    assert_eq!(outbox.list(dead(), 10).await.unwrap(), []);
    assert_eq!(bodies(&outbox.waiting("x", "a", 1).await.unwrap()), ["one"]);
    drop((outbox, b));
    close(ledger, writer_of(a, writer));
}

#[tokio::test]
async fn what_ended_long_ago_is_taken_away_and_the_rest_verifies() {
    let file = File::new("prune");
    let (ledger, writer) = file.open();
    for (room, ended_at) in [("old", Some(100)), ("young", Some(200)), ("open", None)] {
        let mut journal = ledger.begin(room, 1);
        for n in 1..=20 {
            let notices = notices(&["said"]);
            journal.append(Entry {
                notices,
                at: n,
                first_notice: n,
                ..row(n, Some(&n.to_string()))
            });
        }
        if let Some(at) = ended_at {
            journal.end(at);
        }
        wait(&mut journal).await;
    }
    let letters = ledger.outbox().list(LetterFilter::default(), 1_000).await.unwrap();
    let delivered = letters.into_iter().map(|letter| (letter.id, Delivery::Delivered));
    ledger.outbox().settle(delivered.collect()).await.unwrap();
    close(ledger, writer);

    let mut store = file.beside();
    let pruned = store.prune_all(150, 11).unwrap();
    assert_eq!((pruned.lives, pruned.rows, pruned.keys, pruned.letters), (1, 20, 30, 40));
    assert_eq!(rooms(&store.all_lives(None).unwrap()), ["young", "open"]);
    let checked = verify(&mut store, None).unwrap();
    assert_eq!((checked.rows, checked.faults), (40, Vec::new()));

    let copy = file.0.with_extension("copy");
    store.back_up(&copy).unwrap();
    assert!(store.back_up(&copy).is_err(), "a backup replaces nothing");
    let checked = verify(&mut SqliteStore::beside(&copy).unwrap(), None).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (2, 40, Vec::new()));
}

#[tokio::test]
async fn requests_stop_when_the_queue_is_full_and_go_on_when_it_is_not() {
    let file = File::new("full");
    let config = LedgerConfig { queue_rows: 10, ..file.config() };
    let (ledger, writer) = Ledger::open(&config).unwrap();
    let mut journal = ledger.begin("a", 1);
    // Another program holds the file, as a backup may for a moment.
    let other = rusqlite::Connection::open(&file.0).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for n in 1..=10 {
        assert!(journal.has_place());
        journal.append(row(n, None));
    }
    assert!(!journal.has_place());
    other.execute_batch("COMMIT").unwrap();
    wait(&mut journal).await;
    assert!(journal.has_place());
    close(ledger, writer_of(journal, writer));
}

#[test]
fn a_ledger_of_a_newer_program_and_a_file_that_is_none_are_left_alone() {
    let file = File::new("newer");
    let connection = rusqlite::Connection::open(&file.0).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let refused = Ledger::open(&file.config()).unwrap_err();
    assert!(matches!(refused, LedgerError::TooNew { found: 99, .. }), "{refused}");
    std::fs::write(&file.0, "this is a text and not a data base at all".repeat(99)).unwrap();
    assert!(matches!(Ledger::open(&file.config()), Err(LedgerError::Failed(_))));
    assert!(SqliteStore::beside(Path::new("/nowhere/at/all")).is_err());
}

/// A file in a folder of its own, which goes when it does.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let unique = format!("lianmai-ledger-{name}-{}-{}", std::process::id(), fastrand::u64(..));
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder.join("ledger.sqlite3"))
    }

    fn config(&self) -> LedgerConfig {
        LedgerConfig::at(Place::File(self.0.clone()))
    }

    fn open(&self) -> (Ledger, WriterThread) {
        Ledger::open(&self.config()).unwrap()
    }

    fn beside(&self) -> SqliteStore {
        SqliteStore::beside(&self.0).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn row(at: u64, key: Option<&str>) -> Entry {
    let key = key.map(|key| ("bob".to_owned(), key.to_owned()));
    let input = format!("{{\"n\":{at}}}");
    let row = NewRow { at, kind: "test", rules: 1, key, input, outcome: "\"done\"".to_owned() };
    Entry { row: Some(row), ..Entry::default() }
}

fn notices(bodies: &[&str]) -> Vec<Notice> {
    let to: Arc<[Arc<str>]> = ["x".into(), "y".into()].into();
    let notice =
        |body: &&str| Notice { kind: "room.said", body: (*body).to_owned(), to: to.clone() };
    bodies.iter().map(notice).collect()
}

/// Waits until everything that was appended is durable or never will be.
async fn wait(journal: &mut Journal) -> Progress {
    let all = journal.appended();
    let mut progress = journal.progress();
    while progress.durable < all && !progress.is_broken {
        progress = journal.changed().await;
    }
    progress
}

fn writer_of(journal: Journal, writer: WriterThread) -> WriterThread {
    drop(journal);
    writer
}

fn close(ledger: Ledger, writer: WriterThread) {
    drop(ledger);
    writer.join();
}

fn rooms(lives: &[Life]) -> Vec<&str> {
    lives.iter().map(|life| life.room.as_str()).collect()
}

fn bodies(letters: &[ledger::Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.body.as_str()).collect()
}
