//! Goal: what is reported durable is there once and in order, whatever happens to the process, and
//! what was changed behind the ledger's back is found.
//! Method: real SQLite files in folders of their own, each opened, closed and opened again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use ledger::{
    Entry, Journal, Ledger, LedgerConfig, LedgerError, LetterState, Life, LifeId, NewRow, Notice,
    Place, Progress, SqliteStore, WriterThread, verify,
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
async fn letters_go_out_one_after_another_by_room_and_none_is_written_twice() {
    let file = File::new("letters");
    let (ledger, writer) = file.open();
    let outbox = ledger.outbox();
    let (mut a, mut b) = (ledger.begin("a", 1), ledger.begin("b", 1));
    a.append(Entry { notices: notices(&["one", "two"]), at: 10, first_notice: 1, ..row(10, None) });
    b.append(Entry { row: None, notices: notices(&["three"]), at: 11, first_notice: 1 });
    // A journal that was read again says the same again, and then what is new.
    let again = notices(&["one", "two", "four"]);
    a.append(Entry { row: None, notices: again, at: 12, first_notice: 1 });
    wait(&mut a).await;
    wait(&mut b).await;
    assert_eq!(ledger.notices(a.life().id).await.unwrap(), 3);

    let due = outbox.due(11, 10).await.unwrap();
    assert_eq!(bodies(&due), ["one", "three"]);
    assert_eq!((due[0].seq, due[0].state, due[0].tries), (1, LetterState::Waiting, 0));
    outbox.retry_at(&due[0], 50, "500").await.unwrap();
    outbox.delivered(&due[1]).await.unwrap();
    assert_eq!(outbox.due(49, 10).await.unwrap(), []);
    let due = outbox.due(50, 10).await.unwrap();
    assert_eq!(
        (bodies(&due), due[0].tries, due[0].error.as_deref()),
        (vec!["one"], 1, Some("500"))
    );
    outbox.give_up(&due[0], "410").await.unwrap();
    assert_eq!(bodies(&outbox.due(50, 10).await.unwrap()), ["two"]);

    let dead = outbox.list(None, Some(LetterState::Dead), 0, 10).await.unwrap();
    assert_eq!((bodies(&dead), dead[0].tries), (vec!["one"], 2));
    assert_eq!(outbox.replay("a".to_owned(), 1, 2, 60).await.unwrap(), 2);
    assert_eq!(bodies(&outbox.due(60, 10).await.unwrap()), ["one"]);
    assert_eq!(bodies(&outbox.list(Some("a".into()), None, 2, 10).await.unwrap()), ["two", "four"]);
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
    while let [letter, ..] = &*ledger.outbox().due(1_000, 10).await.unwrap() {
        ledger.outbox().delivered(letter).await.unwrap();
    }
    close(ledger, writer);

    let mut store = file.beside();
    let pruned = store.prune_all(150, 11).unwrap();
    assert_eq!((pruned.lives, pruned.rows, pruned.keys, pruned.letters), (1, 20, 30, 20));
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
    bodies.iter().map(|body| Notice { kind: "room.said", body: (*body).to_owned() }).collect()
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
