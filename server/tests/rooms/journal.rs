//! Rooms and the disk: what was written makes the same room again, what is not written yet is not
//! told, and what cannot be written stops the room.

use std::path::PathBuf;
use std::time::Duration;

use ledger::{Ledger, LedgerConfig, Place};
use room_rules::{
    Command, GiftCount, GiftId, GiftOrder, IdemKey, LikeCount, Reply, Role, RoomState,
    SaleDuration, SaleOffer, StockCount, Title,
};
use signaling::{BackEndRequest, Ending, Refused, RoomHandle, RoomRequest};
use wire_format::{Code, decode_command};

use crate::stage::{Person, Stage, member};

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_again_goes_on_with_its_rooms() {
    let ledger = Ledger::inline().unwrap();
    let before = Stage::over(ledger.clone());
    let mut host = before.open("a").await;
    before.go_live(&mut host).await;
    let Ok(Reply::Sale { sale, open_at }) = host.says(announce()).await else { panic!("no sale") };
    let viewer = Person::join(&before, &host.room, member("bob", Role::Viewer)).await.unwrap();
    let given = viewer.says(gift("k1", 3)).await.unwrap();
    for likes in [7, 30] {
        viewer.says(Command::Like(LikeCount::new(likes).unwrap())).await.unwrap();
    }
    before.parts.draining.cancel();
    assert_eq!(host.ends().await, Ending::Draining);
    before.parts.tasks.close();
    before.parts.tasks.wait().await;

    let after = Stage::over(ledger);
    assert_eq!(after.lobby.restore().await.unwrap(), 1);
    let room = after.create("a").await.unwrap();
    let viewer = Person::join(&after, &room, member("bob", Role::Viewer)).await.unwrap();

    let snapshot = &viewer.snapshot;
    assert_eq!(snapshot.state, RoomState::Interrupted, "the host has to come back");
    assert_eq!((&snapshot.sales[0].sale, snapshot.sales[0].open_at), (&sale, open_at));
    assert_eq!(viewer.epoch, host.epoch, "it is the same life");
    assert_eq!(snapshot.reactions.likes, 37, "a restart that was meant takes none");
    assert_eq!(viewer.says(gift("k1", 3)).await.unwrap(), given, "and the same answer");
    assert_eq!(viewer.says(gift("k1", 4)).await.unwrap_err().code, Code::IdempotencyMismatch);
}

#[tokio::test(start_paused = true)]
async fn a_host_who_asks_again_under_a_key_gets_the_answer_of_a_server_that_is_gone() {
    let before = Stage::over(Ledger::inline().unwrap());
    let host = before.open("a").await;
    let lottery = || decode_command("lottery.open", r#"{"title":"x","prize":"y"}"#).unwrap();
    let opened = ask_over_http(&host.room, lottery(), "k1").await.unwrap();
    let after = before.restart().await;
    let room = after.create("a").await.unwrap();

    // The seed, which comes with the command, is another one.
    assert_eq!(ask_over_http(&room, lottery(), "k1").await.unwrap(), opened);
    let other = ask_over_http(&room, announce(), "k1").await;
    assert_eq!(other.unwrap_err().code, Code::IdempotencyMismatch);
    assert_ne!(ask_over_http(&room, lottery(), "k2").await.unwrap(), opened);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ended_is_not_made_again() {
    let ledger = Ledger::inline().unwrap();
    let before = Stage::over(ledger.clone());
    let mut host = before.open("a").await;
    host.says(Command::RoomEnd).await.unwrap();
    assert_eq!(host.ends().await, Ending::RoomEnded);
    before.parts.tasks.close();
    before.parts.tasks.wait().await;

    let after = Stage::over(ledger);
    assert_eq!(after.lobby.restore().await.unwrap(), 0);
    let next = after.open("a").await;
    assert_ne!(next.epoch, host.epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_whose_end_was_written_and_not_noted_any_more_is_not_made_again_either() {
    let file = File::new("zombie");
    let config = LedgerConfig::at(Place::File(file.0.clone()));
    let (ledger, _writer) = Ledger::open(&config).unwrap();
    let before = Stage::over(ledger);
    let mut host = before.open("a").await;
    host.says(Command::RoomEnd).await.unwrap();
    assert_eq!(host.ends().await, Ending::RoomEnded);
    before.parts.tasks.close();
    before.parts.tasks.wait().await;
    // As if the server had been killed between the two.
    let forget = "UPDATE lives SET ended_at = NULL";
    let connection = rusqlite::Connection::open(&file.0).unwrap();
    assert_eq!(connection.execute(forget, []).unwrap(), 1);

    let (ledger, _its_writer) = Ledger::open(&config).unwrap();
    let after = Stage::over(ledger);
    assert_eq!(after.lobby.restore().await.unwrap(), 0);
    let next = after.open("a").await;
    assert_ne!(next.epoch, host.epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_before_the_disk_has_it_and_a_key_on_its_way_is_not_answered() {
    let file = File::new("held");
    let (ledger, _writer) = Ledger::open(&LedgerConfig::at(Place::File(file.0.clone()))).unwrap();
    let stage = Stage::over(ledger);
    let mut host = stage.open("a").await;
    let viewer = Person::join(&stage, &host.room, member("bob", Role::Viewer)).await.unwrap();
    let other = Person::join(&stage, &host.room, member("bob", Role::Viewer)).await.unwrap();
    while host.hears("react").await["online"] != 2 {}

    // A backup may hold the file like this for a moment.
    let holder = rusqlite::Connection::open(&file.0).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut first = Box::pin(viewer.says(gift("k1", 3)));
    assert!(is_pending(&mut first).await, "it was answered though it is not written");
    let again = tokio::spawn({
        let room = other.room.clone();
        let session = other.session;
        let command = gift("k1", 3);
        async move {
            let asked = |reply| RoomRequest::Command { session, command, reply };
            room.ask(asked).await
        }
    });
    assert!(tokio::time::timeout(Duration::from_millis(200), host.hears_anything()).await.is_err());
    holder.execute_batch("COMMIT").unwrap();

    let first = first.await.unwrap();
    assert!(matches!(first, Reply::Gift { coins: 30, .. }), "{first:?}");
    assert_eq!(again.await.unwrap().unwrap_err().code, Code::IdempotencyInFlight);
    assert_eq!(other.says(gift("k1", 3)).await.unwrap(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_cannot_be_written_down_stops_and_says_so() {
    let file = File::new("broken");
    let config = LedgerConfig::at(Place::File(file.0.clone()));
    let (ledger, _writer) = Ledger::open(&config).unwrap();
    let stage = Stage::over(ledger);
    let mut host = stage.open("a").await;
    let viewer = Person::join(&stage, &host.room, member("bob", Role::Viewer)).await.unwrap();
    viewer.says(gift("k1", 1)).await.unwrap();

    let (newer, _its_writer) = Ledger::open(&config).unwrap();
    let refused = viewer.says(gift("k2", 1)).await.unwrap_err();

    assert_eq!(refused.code, Code::LedgerFailed, "{refused}");
    assert_eq!(host.ends().await, Ending::RoomFailed);
    let taken_over = Stage::over(newer);
    assert_eq!(taken_over.lobby.restore().await.unwrap(), 1);
    let room = taken_over.create("a").await.unwrap();
    let viewer = Person::join(&taken_over, &room, member("bob", Role::Viewer)).await.unwrap();
    assert_eq!(viewer.snapshot.reactions.coins, 10, "what was refused is not there");
    viewer.says(gift("k2", 1)).await.unwrap();
}

/// Returns whether `future` is still waiting after a moment.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    tokio::time::timeout(Duration::from_millis(200), future).await.is_err()
}

fn gift(key: &str, count: u32) -> Command {
    Command::GiftSend(GiftOrder {
        gift: GiftId::parse("rose").unwrap(),
        count: GiftCount::new(count).unwrap(),
        to: None,
        idem: IdemKey::parse(key).unwrap(),
    })
}

async fn ask_over_http(room: &RoomHandle, command: Command, key: &str) -> Result<Reply, Refused> {
    let (member, key) = (member("host-a", Role::Host), IdemKey::parse(key));
    let ask = |reply| BackEndRequest::Ask { member, command, key, reply };
    room.ask(|reply| RoomRequest::BackEnd(ask(reply))).await
}

fn announce() -> Command {
    Command::SaleAnnounce(SaleOffer {
        title: Title::parse("Lipstick").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(10).unwrap(),
        per_user: room_rules::Quantity::new(1).unwrap(),
        lead: Duration::from_secs(30),
        open_for: SaleDuration::new(60_000).unwrap(),
        terms: room_rules::SaleTerms::default(),
    })
}

/// A file in a folder of its own, which goes when it does.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let unique = format!("lianmai-journal-{name}-{}-{}", std::process::id(), fastrand::u64(..));
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder.join("ledger.sqlite3"))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}
