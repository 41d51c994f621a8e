//! A ledger that is moved from one store to the other and back is the same, row by row.

use std::path::{Path, PathBuf};

use ledger::{Copied, Delivery, Entry, LedgerError, LetterFilter, Place, Progress};
use rusqlite::types::Value;

use crate::home::{Home, apart};
use crate::{close, notices, row, wait, writer_of};

#[tokio::test]
async fn there_and_back_a_ledger_is_the_same_row_by_row_and_goes_on() {
    let (home, there) = (Home::file(), Home::postgres());
    fill(&home).await;
    let original = path(&home);
    let back = original.with_extension("back");
    let copied = Copied { lives: 3, rows: 2_521, letters: 5 };
    assert_eq!(copy(&home.place(), &there.place()).unwrap(), copied);
    assert_eq!(copy(&there.place(), &Place::File(back.clone())).unwrap(), copied);

    let (one, other) = (tables(&original), tables(&back));
    let names: Vec<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
    let all = ["addresses", "fence", "keys", "letters", "lives", "rows", "sqlite_sequence"];
    assert_eq!(names, all, "a table is not copied");
    for ((name, one), (_, other)) in one.iter().zip(&other) {
        assert!(!one.is_empty(), "{name} says nothing");
        assert!(one == other, "{name} is another");
    }
    for place in [there.place(), Place::File(back)] {
        goes_on(&place).await;
    }
}

#[tokio::test]
async fn a_ledger_that_is_in_use_is_not_copied_and_none_is_written_over() {
    for (home, other) in [(Home::file(), Home::postgres()), (Home::postgres(), Home::file())] {
        fill(&home).await;
        let (ledger, writer) = home.open();
        let said = copy(&home.place(), &other.place()).unwrap_err().to_string();
        assert!(said.contains("in use"), "{said}");
        close(ledger, writer);
        // A server that has left may still be seen for a moment.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while let Err(error) = copy(&home.place(), &other.place()) {
            assert!(error.to_string().contains("in use"), "{error}");
            assert!(std::time::Instant::now() < until, "{error}");
        }
        let said = copy(&home.place(), &other.place()).unwrap_err().to_string();
        assert!(said.contains("already"), "{said}");
        let checked = other.beside(|ledger| ledger.verify(None)).unwrap();
        assert_eq!((checked.rows, checked.faults), (2_521, Vec::new()));
    }
}

#[tokio::test]
async fn of_a_ledger_that_was_tampered_with_nothing_is_copied() {
    for (home, other) in [(Home::file(), Home::postgres()), (Home::postgres(), Home::file())] {
        fill(&home).await;
        assert_eq!(home.change("UPDATE rows SET input = '{}' WHERE life = 3 AND seq = 2400"), 1);
        let said = copy(&home.place(), &other.place()).unwrap_err().to_string();
        assert!(said.contains("life 3, row 2400"), "{said}");
        // Whoever looks for it finds none, and one may be made there.
        assert!(apart(|| ledger::Caretaker::open(&other.place()).is_err()));
        if let Home::File(file) = &other {
            let left = std::fs::read_dir(file.parent().unwrap()).unwrap().count();
            assert_eq!(left, 0, "a part of a copy stays");
        }
        let (ledger, writer) = other.open();
        assert_eq!(ledger.open_lives().await.unwrap(), []);
        close(ledger, writer);
    }
}

fn copy(from: &Place, to: &Place) -> Result<Copied, LedgerError> {
    apart(|| ledger::copy(from, to))
}

fn path(home: &Home) -> PathBuf {
    let Home::File(path) = home else { unreachable!("it was asked for") };
    path.clone()
}

/// Has something of everything: lives that ended and that go on, keys, letters in every state, the
/// last of which was pruned, and more rows than are copied at once.
async fn fill(home: &Home) {
    let (ledger, writer) = home.open();
    let mut long = ledger.begin("long", 1);
    let mut ended = ledger.begin("ended", 2);
    for n in 1..=20 {
        ended.append(row(n, Some(&n.to_string())));
    }
    ended.end(30);
    wait(&mut ended).await;
    let mut next = ledger.begin("ended", 40);
    for n in 1..=2_500 {
        next.append(row(n, Some(&n.to_string())));
    }
    let passing = notices(&["passing"]);
    let told = notices(&["one", "two"]);
    long.append(Entry { notices: told, at: 10, first_notice: 1, passing, ..row(10, None) });
    for journal in [&mut long, &mut next] {
        assert!(!wait(journal).await.is_broken);
    }
    let letters = ledger.outbox().list(LetterFilter::default(), 10).await.unwrap();
    let settled = vec![
        (letters[0].id, Delivery::Delivered),
        (letters[1].id, Delivery::RetryAt { due_at: 99, error: "500".to_owned() }),
        (letters[2].id, Delivery::GivenUp { error: "410 \u{1f381} gone".to_owned() }),
    ];
    ledger.outbox().settle(settled).await.unwrap();
    drop((long, ended));
    close(ledger, writer_of(next, writer));
    // The highest number of a letter is not given again, whatever became of it.
    assert_eq!(home.change("DELETE FROM letters WHERE id = (SELECT max(id) FROM letters)"), 1);
}

/// Takes a copy over, and goes on where the original broke off.
async fn goes_on(place: &Place) {
    let (ledger, writer) = ledger::Ledger::open(&ledger::LedgerConfig::at(place.clone())).unwrap();
    let lives = ledger.open_lives().await.unwrap();
    assert_eq!(lives.iter().map(|life| life.id.0).collect::<Vec<_>>(), [1, 3]);
    let mut long = ledger.read(lives[1].clone());
    let mut rows = Vec::new();
    while let next @ [_, ..] = long.next().await.unwrap().as_slice() {
        rows.extend(next.iter().map(|row| row.seq));
    }
    assert!(rows.into_iter().eq(1..=2_500));
    drop(long);
    let mut reader = ledger.read(lives[0].clone());
    while !reader.next().await.unwrap().is_empty() {}
    let mut journal = ledger.resume(reader);
    let new = notices(&["three"]);
    journal.append(Entry { notices: new, at: 50, first_notice: 3, ..row(50, None) });
    assert_eq!(wait(&mut journal).await, Progress { durable: 1, is_broken: false });
    let letters = ledger.outbox().list(LetterFilter::default(), 10).await.unwrap();
    let (last, new) = (&letters[4], &letters[5]);
    assert!(new.id >= last.id + 2, "the number of a letter is given again");
    assert_eq!((new.body.as_str(), new.seq), ("three", 4));
    assert_eq!(ledger.begin("new", 60).life().id.0, 4);
    close(ledger, writer_of(journal, writer));
}

/// Returns everything that a file holds, by table, in order.
fn tables(file: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut names = connection.prepare(sql).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let content = |name: &str| {
        let mut all = connection.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).unwrap();
        let columns = all.column_count();
        let rows = all.query_map([], |row| (0..columns).map(|place| row.get(place)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    };
    names.map(Result::unwrap).map(|name| (name.clone(), content(&name))).collect()
}
