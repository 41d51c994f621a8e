//! Goal: what is reported durable is there once and in order, whatever happens to the process, and
//! what was changed behind the ledger's back is found.
//! Method: every test runs against both stores: a real SQLite file in a folder of its own and a real
//! PostgreSQL data base of its own, each opened, closed and opened again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod copying;
mod home;
mod proxy;
mod server_loss;
mod sqlite_file;
mod throw_away;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use ledger::{
    Delivery, Entry, Head, Journal, Ledger, LedgerConfig, LedgerError, LetterFilter, LetterState,
    Life, LifeId, NewRow, Notice, Progress, WriterThread,
};

use crate::home::Home;

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Runs each promise against both stores.
macro_rules! both {
    ($($promise:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(crate::Home::file()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(crate::Home::postgres()).await;
            })*
        }
    };
}

both! {
    rows_come_back_in_order_after_the_process_is_gone,
    a_life_goes_on_after_its_last_row_and_numbers_are_never_used_again,
    whatever_is_changed_behind_its_back_is_found,
    rows_that_were_cut_off_are_found_by_heads_that_were_kept,
    a_key_that_is_used_twice_within_a_day_stops_its_journal_and_writes_nothing,
    whoever_takes_a_ledger_over_shuts_the_others_out,
    letters_wait_in_order_by_room_and_endpoint_and_none_is_written_twice,
    what_ended_long_ago_is_taken_away_and_the_rest_verifies,
    requests_stop_when_the_queue_is_full_and_go_on_when_it_is_not,
    a_ledger_of_a_newer_program_is_left_alone,
}

async fn rows_come_back_in_order_after_the_process_is_gone(home: Home) {
    let (ledger, writer) = home.open();
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

    let (ledger, writer) = home.open();
    let lives = ledger.open_lives().await.unwrap();
    assert_eq!(rooms(&lives), ["a", "b"]);
    for (life, count) in lives.iter().zip([2_000, 1_000]) {
        let rows = ledger.rows(life.id, 0, 10_000).await.unwrap();
        assert!(rows.iter().map(|row| row.seq).eq(1..=count));
        assert!(rows.is_sorted_by_key(|row| row.at));
    }
    assert_eq!(ledger.last_moment(), 3_000);
    close(ledger, writer);
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (2, 3_000, Vec::new()));
}

async fn a_life_goes_on_after_its_last_row_and_numbers_are_never_used_again(home: Home) {
    let (ledger, writer) = home.open();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, None));
    wait(&mut journal).await;
    close(ledger, writer_of(journal, writer));

    let (ledger, writer) = home.open();
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

    let checked = home.beside(|ledger| ledger.verify(Some("a"))).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (2, 3, Vec::new()));
}

async fn whatever_is_changed_behind_its_back_is_found(home: Home) {
    let (ledger, writer) = home.open();
    for (room, sql, what, seq) in [
        ("a", "UPDATE rows SET input = '{}' WHERE seq = 3", "its hash does not fit", 3),
        ("b", "UPDATE rows SET at = at + 1 WHERE seq = 5", "its hash does not fit", 5),
        ("c", "DELETE FROM rows WHERE seq = 2", "a row is missing before it", 3),
        (
            "d",
            "UPDATE rows SET hash = (SELECT hash FROM rows WHERE seq = 9 LIMIT 1) WHERE seq = 1",
            "its hash does not fit",
            1,
        ),
    ] {
        let mut journal = ledger.begin(room, 1);
        for n in 1..=9 {
            journal.append(row(n, None));
        }
        wait(&mut journal).await;
        assert!(home.beside(|ledger| ledger.verify(Some(room))).unwrap().faults.is_empty());
        let only = format!("{sql} AND life = {}", journal.life().id.0);
        assert_eq!(home.change(&only), 1);

        let faults = home.beside(|ledger| ledger.verify(Some(room))).unwrap().faults;
        assert_eq!(faults.len(), 1, "{sql}");
        assert_eq!((faults[0].what, faults[0].seq), (what, seq), "{sql}");
    }
    close(ledger, writer);
}

async fn rows_that_were_cut_off_are_found_by_heads_that_were_kept(home: Home) {
    let (ledger, writer) = home.open();
    let mut journals = Vec::new();
    for room in ["a", "b", "c", "d"] {
        let mut journal = ledger.begin(room, 1);
        for n in 1..=9 {
            journal.append(row(n, None));
        }
        wait(&mut journal).await;
        journals.push(journal);
    }
    let kept = home.beside(|ledger| ledger.heads(None)).unwrap();
    let lines: Vec<String> = kept.iter().map(ToString::to_string).collect();
    let read: Vec<Head> = lines.iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(read, kept);
    let held = || home.beside(|ledger| ledger.hold_against(&read, 9)).unwrap();
    // A journal that goes on has what it had.
    journals[0].append(row(10, None));
    wait(&mut journals[0]).await;
    assert_eq!((held().held, held().gone, held().faults), (4, 0, Vec::new()));

    // What a chain by itself does not show.
    assert_eq!(home.change("DELETE FROM rows WHERE seq > 7 AND life = 2"), 2);
    assert_eq!(home.change("DELETE FROM rows WHERE life = 3"), 9);
    assert_eq!(home.change("DELETE FROM lives WHERE id = 3"), 1);
    let forged = "UPDATE rows SET hash = (SELECT hash FROM rows WHERE life = 1 AND seq = 9)
                  WHERE life = 4 AND seq = 9";
    assert_eq!(home.change(forged), 1);
    assert_eq!(home.beside(|ledger| ledger.verify(Some("b"))).unwrap().faults, []);
    let found = held();
    let faults: Vec<_> =
        found.faults.iter().map(|fault| (fault.room.as_str(), fault.seq, fault.what)).collect();
    let cut = "it was there and is not: rows were cut off";
    let other = "it is not the row that was kept";
    assert_eq!(faults, [("b", 9, cut), ("c", 9, cut), ("d", 9, other)]);
    // Had it been long ago, the room may have been pruned.
    let old = home.beside(|ledger| ledger.hold_against(&read, 10)).unwrap();
    assert_eq!((old.held, old.gone, old.faults.len()), (1, 1, 2));
    drop(journals);
    close(ledger, writer);
}

async fn a_key_that_is_used_twice_within_a_day_stops_its_journal_and_writes_nothing(home: Home) {
    let (ledger, writer) = home.open();
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

async fn whoever_takes_a_ledger_over_shuts_the_others_out(home: Home) {
    let (old, old_writer) = home.open();
    let mut journal = old.begin("a", 1);
    journal.append(row(1, None));
    wait(&mut journal).await;

    let (new, new_writer) = home.open();
    journal.append(row(2, None));
    assert_eq!(wait(&mut journal).await, Progress { durable: 1, is_broken: true });
    assert_eq!(new.rows(journal.life().id, 0, 10).await.unwrap().len(), 1);
    // A room that is opened now has nothing but its beginning to write, and hears of it, too.
    let mut late = old.begin("b", 3);
    old.open_lives().await.unwrap();
    late.append(row(3, None));
    let told = tokio::time::timeout(Duration::from_secs(20), wait(&mut late)).await;
    assert_eq!(told.expect("it waits for ever"), Progress { durable: 0, is_broken: true });
    drop(late);
    close(old, writer_of(journal, old_writer));
    close(new, new_writer);
}

async fn letters_wait_in_order_by_room_and_endpoint_and_none_is_written_twice(home: Home) {
    let (ledger, writer) = home.open();
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

async fn what_ended_long_ago_is_taken_away_and_the_rest_verifies(home: Home) {
    let (ledger, writer) = home.open();
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
    let late = letters.iter().find(|letter| letter.room == "old").unwrap().id;
    let delivered = |id| (id, Delivery::Delivered);
    let in_time = letters.iter().map(|letter| letter.id).filter(|id| *id != late);
    ledger.outbox().settle(in_time.map(delivered).collect()).await.unwrap();
    let heads = home.beside(|ledger| ledger.heads(None)).unwrap();

    // A letter that waits keeps its life, of which no row was cut off by anybody else.
    let pruned = home.beside(|ledger| ledger.prune(150, 11)).unwrap();
    assert_eq!((pruned.lives, pruned.rows, pruned.keys, pruned.letters), (0, 20, 30, 39));
    let held = home.beside(|ledger| ledger.hold_against(&heads, 150)).unwrap();
    assert_eq!((held.held, held.gone, held.faults), (2, 1, Vec::new()));
    ledger.outbox().settle(vec![delivered(late)]).await.unwrap();
    close(ledger, writer);
    let pruned = home.beside(|ledger| ledger.prune(150, 11)).unwrap();
    assert_eq!((pruned.lives, pruned.letters), (1, 1));
    assert_eq!(rooms(&home.beside(|ledger| ledger.lives(None)).unwrap()), ["young", "open"]);
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.rows, checked.faults), (40, Vec::new()));
    assert!(home.beside(|ledger| ledger.abandon("open", 300)).unwrap());
    assert!(!home.beside(|ledger| ledger.abandon("open", 301)).unwrap(), "it is over");
    assert_eq!(home.beside(|ledger| ledger.lives(Some("open"))).unwrap()[0].ended_at, Some(300));
}

async fn requests_stop_when_the_queue_is_full_and_go_on_when_it_is_not(home: Home) {
    let config = LedgerConfig { queue_rows: 10, ..home.config() };
    let (ledger, writer) = Ledger::open(&config).unwrap();
    let mut journal = ledger.begin("a", 1);
    // Another program holds the ledger, as a backup may for a moment.
    let other = home.hold();
    for n in 1..=10 {
        assert!(journal.has_place());
        journal.append(row(n, None));
    }
    assert!(!journal.has_place());
    other.let_go();
    wait(&mut journal).await;
    assert!(journal.has_place());
    close(ledger, writer_of(journal, writer));
}

async fn a_ledger_of_a_newer_program_is_left_alone(home: Home) {
    let (ledger, writer) = home.open();
    close(ledger, writer);
    home.change(match home {
        Home::File(_) => "PRAGMA user_version = 99",
        Home::Postgres(_) => "UPDATE ledger_schema SET version = 99",
    });
    let refused = Ledger::open(&home.config()).unwrap_err();
    assert!(matches!(refused, LedgerError::TooNew { found: 99, .. }), "{refused}");
}

pub(crate) fn row(at: u64, key: Option<&str>) -> Entry {
    let key = key.map(|key| ("bob".to_owned(), key.to_owned()));
    let input = format!("{{\"n\":{at}}}");
    let row = NewRow { at, kind: "test", rules: 1, key, input, outcome: "\"done\"".to_owned() };
    Entry { row: Some(row), ..Entry::default() }
}

pub(crate) fn notices(bodies: &[&str]) -> Vec<Notice> {
    let to: Arc<[Arc<str>]> = ["x".into(), "y".into()].into();
    let notice =
        |body: &&str| Notice { kind: "room.said", body: (*body).to_owned(), to: to.clone() };
    bodies.iter().map(notice).collect()
}

/// Waits until everything that was appended is durable or never will be.
pub(crate) async fn wait(journal: &mut Journal) -> Progress {
    let all = journal.appended();
    let mut progress = journal.progress();
    while progress.durable < all && !progress.is_broken {
        progress = journal.changed().await;
    }
    progress
}

pub(crate) fn writer_of(journal: Journal, writer: WriterThread) -> WriterThread {
    drop(journal);
    writer
}

pub(crate) fn close(ledger: Ledger, writer: WriterThread) {
    drop(ledger);
    writer.join();
}

fn rooms(lives: &[Life]) -> Vec<&str> {
    lives.iter().map(|life| life.room.as_str()).collect()
}

pub(crate) fn bodies(letters: &[ledger::Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.body.as_str()).collect()
}
