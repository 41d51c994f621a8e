//! What is true of a server only: that it goes away in the middle of things, and that it is
//! somebody else's.

use std::time::Duration;

use ledger::{Entry, Ledger, LedgerConfig, LedgerError, Patience, Place, PostgresUrl, Progress};

use crate::home::{Home, apart, connect};
use crate::proxy::{BEGINS, COMMIT, How, Proxy, Who};
use crate::throw_away::server;
use crate::{bodies, close, notices, row, wait, writer_of};

#[tokio::test]
async fn a_connection_that_is_ended_is_made_anew_and_nothing_is_lost_or_doubled() {
    let home = Home::postgres();
    let (ledger, writer) = home.open();
    let mut journal = ledger.begin("a", 1);
    for n in 1..=5 {
        journal.append(row(n, None));
        assert_eq!(wait(&mut journal).await, Progress { durable: n, is_broken: false });
        end_connections(&home);
    }
    assert_eq!(ledger.rows(journal.life().id, 0, 10).await.unwrap().len(), 5, "reading, too");
    close(ledger, writer_of(journal, writer));
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (1, 5, Vec::new()));
}

#[tokio::test]
async fn what_was_committed_when_the_connection_was_lost_is_not_written_again() {
    let home = Home::postgres();
    let proxy = before(&home);
    let (ledger, writer) = Ledger::open(&through(&home, &proxy)).unwrap();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, Some("first")));
    wait(&mut journal).await;

    proxy.break_when(COMMIT, Who::Server, How::Cut);
    let passing = notices(&["said"]);
    journal.append(Entry { passing, at: 2, ..row(2, Some("second")) });
    assert_eq!(wait(&mut journal).await, Progress { durable: 2, is_broken: false });
    assert_eq!(proxy.breaks(), 1, "or it was no loss");
    journal.append(row(3, None));
    assert_eq!(wait(&mut journal).await, Progress { durable: 3, is_broken: false });
    let letters = ledger.outbox().waiting("x", "a", 10).await.unwrap();
    assert_eq!(bodies(&letters), ["said"]);
    close(ledger, writer_of(journal, writer));
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.rows, checked.faults), (3, Vec::new()));
}

#[tokio::test]
async fn a_server_that_hangs_before_a_transaction_is_given_up_and_nothing_is_lost_or_doubled() {
    a_server_that_hangs(BEGINS, Who::Ledger).await;
}

#[tokio::test]
async fn a_server_that_hangs_before_a_commit_is_given_up_and_nothing_is_lost_or_doubled() {
    a_server_that_hangs(COMMIT, Who::Ledger).await;
}

#[tokio::test]
async fn a_server_that_hangs_after_a_commit_is_given_up_and_nothing_is_lost_or_doubled() {
    a_server_that_hangs(COMMIT, Who::Server).await;
}

/// Its socket stays open, and it keeps what the transaction has locked until it is told to let go.
async fn a_server_that_hangs(says: &'static [u8], who: Who) {
    let home = Home::postgres();
    let proxy = before(&home);
    let config = through(&home, &proxy);
    let patience = Patience { for_answers: Duration::from_secs(1), ..config.patience };
    let config = LedgerConfig { patience, queue_rows: 2, ..config };
    let (ledger, writer) = Ledger::open(&config).unwrap();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, Some("first")));
    wait(&mut journal).await;

    proxy.break_when(says, who, How::Hang);
    let passing = notices(&["said"]);
    journal.append(Entry { passing, at: 2, ..row(2, Some("second")) });
    journal.append(row(3, Some("third")));
    assert!(!journal.has_place(), "meanwhile requests are turned away");
    assert_eq!(wait(&mut journal).await, Progress { durable: 3, is_broken: false });
    assert_eq!(proxy.breaks(), 1, "or nothing hung");
    assert!(journal.has_place());
    let letters = ledger.outbox().waiting("x", "a", 10).await.unwrap();
    assert_eq!(bodies(&letters), ["said"]);
    close(ledger, writer_of(journal, writer));
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.rows, checked.faults), (3, Vec::new()));
}

#[tokio::test]
async fn a_server_that_stays_away_stops_rooms_and_what_was_acknowledged_is_there_when_it_is_back() {
    let home = Home::postgres();
    let proxy = before(&home);
    let config = through(&home, &proxy);
    let patience = Patience { for_server: Duration::ZERO, ..config.patience };
    let config = LedgerConfig { patience, ..config };
    let (ledger, writer) = Ledger::open(&config).unwrap();
    let mut journal = ledger.begin("a", 1);
    journal.append(row(1, None));
    wait(&mut journal).await;

    proxy.go_away(true);
    journal.append(row(2, None));
    assert_eq!(wait(&mut journal).await, Progress { durable: 1, is_broken: true });
    assert!(ledger.open_lives().await.is_err(), "nobody is told that there are none");

    proxy.go_away(false);
    let mut lives = Vec::new();
    // Once a second it looks whether the server is back.
    let back = async {
        while lives.is_empty() {
            lives = ledger.open_lives().await.unwrap_or_default();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
    let mut reader = ledger.read(lives.remove(0));
    assert_eq!(reader.next().await.unwrap().len(), 1);
    assert_eq!(reader.next().await.unwrap(), []);
    let mut again = ledger.resume(reader);
    again.append(row(3, None));
    assert_eq!(wait(&mut again).await, Progress { durable: 1, is_broken: false });
    drop(again);
    close(ledger, writer_of(journal, writer));
    let checked = home.beside(|ledger| ledger.verify(None)).unwrap();
    assert_eq!((checked.rows, checked.faults), (2, Vec::new()));
}

#[tokio::test]
async fn one_batch_may_hold_a_day_and_a_room_that_ends_and_begins_anew() {
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    let home = Home::postgres();
    let (ledger, writer) = home.open();
    let mut first = ledger.begin("a", 1);
    first.append(row(1, None));
    wait(&mut first).await;
    // What is appended while another holds the ledger is one batch.
    let hold = home.hold();
    first.append(row(2, Some("k")));
    wait_until_held(&home);
    first.append(row(3, Some("m")));
    first.append(row(3 + DAY_MS, Some("m")));
    first.end(4 + DAY_MS);
    let mut second = ledger.begin("a", 5 + DAY_MS);
    second.append(row(5 + DAY_MS, Some("k")));
    hold.let_go();

    assert_eq!(wait(&mut first).await, Progress { durable: 4, is_broken: false });
    assert_eq!(wait(&mut second).await, Progress { durable: 1, is_broken: false });
    let open = ledger.open_lives().await.unwrap();
    assert_eq!(open.iter().map(|life| life.id).collect::<Vec<_>>(), [second.life().id]);
    drop(second);
    close(ledger, writer_of(first, writer));
}

#[test]
fn a_data_base_that_holds_something_else_is_left_alone() {
    let home = Home::postgres();
    connect(&home.url()).batch_execute("CREATE TABLE rows (mine TEXT)").unwrap();
    assert!(matches!(Ledger::open(&home.config()), Err(LedgerError::Failed(_))));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(connect(&home.url()).query_one(tables, &[]).unwrap().get::<_, i64>(0), 1);
    assert!(ledger::Caretaker::open(&home.place()).is_err());
}

#[test]
fn a_password_is_not_told() {
    let open = |url: &str| {
        let config = LedgerConfig::at(Place::Postgres(PostgresUrl::new(url)));
        let said = format!("{config:?}");
        format!("{said} {}", Ledger::open(&config).unwrap_err())
    };
    for (url, says) in [
        ("postgres://bob:hunter2@db.example/lianmai?sslrootcert=/nowhere", "sslrootcert /nowhere"),
        ("postgres://bob:hunter2@db.example/lianmai?sslmode=verify-ca", "not understood"),
        ("postgres://bob:hunter2@127.0.0.1:1/lianmai", "refused"),
        ("host=localhost port=1 password=hunter2 nonsense=hunter2", "not understood"),
        ("hunter2", "not understood"),
    ] {
        let said = open(url);
        assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
    }
}

fn before(home: &Home) -> Proxy {
    let Home::Postgres(name) = home else { unreachable!("it was asked for") };
    let folder = std::env::temp_dir().join(format!("lianmai-pgx-{}-{name}", std::process::id()));
    Proxy::start(folder, server().folder(), &server().socket())
}

fn through(home: &Home, proxy: &Proxy) -> LedgerConfig {
    let Home::Postgres(name) = home else { unreachable!("it was asked for") };
    let url = server().url_in(proxy.folder(), name);
    LedgerConfig { place: Place::Postgres(PostgresUrl::new(url)), ..home.config() }
}

/// Ends every connection to the data base, as an operator or a restart does.
fn end_connections(home: &Home) {
    let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = apart(|| connect(&home.url()).query(sql, &[]).unwrap());
    assert!(!ended.is_empty() && ended.iter().all(|row| row.get(0)), "nothing was ended");
}

/// Waits until the writer waits for whoever holds the ledger.
fn wait_until_held(home: &Home) {
    let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    apart(|| {
        let mut client = connect(&home.url());
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while client.query_one(sql, &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(std::time::Instant::now() < until, "the writer does not come");
        }
    });
}
