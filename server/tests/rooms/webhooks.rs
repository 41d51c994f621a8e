//! What back ends are told: once each, in order, also when the server starts again.

use std::time::Duration;

use ledger::{Ledger, Letter, LetterFilter};
use room_rules::{
    Command, GiftCount, GiftId, GiftOrder, IdemKey, OrderRequest, Quantity, Reply, Role,
    SaleDuration, SaleOffer, StockCount, Title,
};
use serde_json::{Value, json};
use server::Subscribers;
use sfu::Event;

use crate::stage::{Person, Stage, member};

#[tokio::test(start_paused = true)]
async fn what_happens_is_written_once_and_in_order_however_often_the_server_starts() {
    let ledger = Ledger::inline().unwrap();
    let before = telling(&ledger);
    let mut host = before.open("a").await;
    before.go_live(&mut host).await;
    let viewer = Person::join(&before, &host.room, member("bob", Role::Viewer)).await.unwrap();
    let Ok(Reply::Sale { sale, .. }) = host.says(announce()).await else { panic!("no sale") };
    viewer.says(gift("k1", 3)).await.unwrap();
    while host.hears("sale.updated").await["state"] != "open" {}
    let order = OrderRequest {
        sale,
        quantity: Quantity::new(2).unwrap(),
        idem: IdemKey::parse("o1").unwrap(),
    };
    viewer.says(Command::OrderPlace(order.clone())).await.unwrap();
    viewer.says(Command::OrderPlace(order.clone())).await.unwrap();
    viewer.leaves().await;
    while host.hears("react").await["online"] != 1 {}
    let told = kinds(&letters(&ledger).await);
    let expected = [
        "participant.joined",
        "seat.updated",
        "stream.started",
        "participant.joined",
        "sale.announced",
        "gift.batch",
        "gift.accepted",
        "sale.opened",
        "order.accepted",
        "participant.left",
    ];
    let mut rest = told.iter();
    assert!(expected.iter().all(|kind| rest.any(|told| told == kind)), "{told:?}");
    assert_eq!(told.iter().filter(|kind| *kind == "order.accepted").count(), 1);
    assert_eq!(told.iter().filter(|kind| *kind == "room.live").count(), 1);
    before.stop().await;

    let written = letters(&ledger).await;
    let after = telling(&ledger);
    // The sale ends before anybody is back.
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(after.lobby.restore().await.unwrap(), 1);
    let room = after.create("a").await.unwrap();
    let viewer = Person::join(&after, &room, member("bob", Role::Viewer)).await.unwrap();
    viewer.says(Command::OrderPlace(order)).await.unwrap();

    let all = letters(&ledger).await;
    assert_eq!(all[..written.len()], written[..], "nothing is written again");
    let seqs: Vec<u64> = all.iter().map(|letter| letter.seq).collect();
    assert_eq!(seqs, (1..=all.len() as u64).collect::<Vec<_>>());
    let more = kinds(&all[written.len()..]);
    let counts = ["sale.closed", "room.interrupted", "room.restarted", "order.accepted"]
        .map(|kind| more.iter().filter(|told| *told == kind).count());
    assert_eq!(counts, [1, 1, 1, 0], "{more:?}");
    let ids: std::collections::HashSet<_> = all.iter().map(|letter| &letter.event).collect();
    assert_eq!(ids.len(), all.len(), "each has a name of its own");
}

#[tokio::test(start_paused = true)]
async fn a_letter_says_who_did_what_and_nobody_hears_what_they_do_not_take() {
    let ledger = Ledger::inline().unwrap();
    let gifts = ["gift.accepted".to_owned()];
    let subscribers = Subscribers::new([("wallet", &gifts[..])]).unwrap();
    let stage = Stage::telling(ledger.clone(), subscribers);
    let mut host = stage.open("a").await;
    stage.go_live(&mut host).await;
    let viewer = Person::join(&stage, &host.room, member("bob", Role::Viewer)).await.unwrap();
    viewer.says(gift("k1", 3)).await.unwrap();
    let feed = media_rules::FeedId::new("a", "host-a");
    stage.happens(Event::MediaStopped { feed }).await;
    host.hears("room.state").await;

    let letters = letters(&ledger).await;
    assert_eq!(kinds(&letters), ["gift.accepted"]);
    let said: Value = serde_json::from_str(&letters[0].body).unwrap();
    let expected = json!({"user": "bob", "gift": "rose", "count": 3, "coins": 30,
        "to": null, "idem": "k1"});
    assert_eq!((said, letters[0].endpoint.as_str(), letters[0].seq), (expected, "wallet", 1));
}

pub(crate) fn telling(ledger: &Ledger) -> Stage {
    Stage::telling(ledger.clone(), Subscribers::new([("all", &[][..])]).unwrap())
}

pub(crate) async fn letters(ledger: &Ledger) -> Vec<Letter> {
    ledger.outbox().list(LetterFilter::default(), 10_000).await.unwrap()
}

pub(crate) fn kinds(letters: &[Letter]) -> Vec<String> {
    letters.iter().map(|letter| letter.kind.clone()).collect()
}

fn announce() -> Command {
    Command::SaleAnnounce(SaleOffer {
        title: Title::parse("Lipstick").unwrap(),
        sku: Title::parse("L").unwrap(),
        price_cents: 990,
        stock: StockCount::new(10).unwrap(),
        per_user: Quantity::new(5).unwrap(),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(60_000).unwrap(),
        terms: room_rules::SaleTerms::default(),
        product: None,
    })
}

fn gift(key: &str, count: u32) -> Command {
    Command::GiftSend(GiftOrder {
        gift: GiftId::parse("rose").unwrap(),
        count: GiftCount::new(count).unwrap(),
        to: None,
        idem: IdemKey::parse(key).unwrap(),
    })
}
