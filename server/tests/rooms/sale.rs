//! Orders against the clock and against each other.

use std::time::Duration;

use room_rules::{
    Command, IdemKey, OrderPlaced, OrderRequest, Quantity, Reply, Role, SaleDuration, SaleId,
    SaleOffer, SaleTerms, ServerTime, StockCount, Title,
};
use signaling::{Refused, RoomHandle, RoomRequest};
use wire_format::Code;

use crate::stage::{Person, Stage, member};

const BUYERS: u32 = 1_000;
const STOCK: u32 = 100;

#[tokio::test(start_paused = true)]
async fn a_sale_opens_on_time_and_not_a_millisecond_early() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let (sale, open_at) = announce(&host, Duration::from_secs(3)).await;

    sleep_until(&stage, open_at, Duration::from_millis(1)).await;
    let early = order(&host.room, &sale, 1).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let on_time = order(&host.room, &sale, 2).await;

    assert_eq!(early.unwrap_err().code, Code::NotOpen);
    assert_eq!(on_time.unwrap().seq, 1);
    assert_eq!(stage.parts.clock.now(), open_at);
}

#[tokio::test(start_paused = true)]
async fn the_opening_is_announced_in_its_millisecond_though_nobody_asks() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    let (_, open_at) = announce(&host, Duration::from_secs(3)).await;

    while host.hears("countdown").await["state"] != "fired" {}

    assert_eq!(stage.parts.clock.now(), open_at);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_orders_at_once_never_sell_more_than_there_is() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let (sale, open_at) = announce(&host, Duration::from_secs(2)).await;
    sleep_until(&stage, open_at, Duration::ZERO).await;

    let orders = (0..BUYERS).map(|buyer| {
        let (room, sale) = (host.room.clone(), sale.clone());
        tokio::spawn(async move { order(&room, &sale, buyer).await })
    });
    let mut places = Vec::new();
    let mut sold_out = 0;
    for outcome in futures_util::future::join_all(orders).await {
        match outcome.unwrap() {
            Ok(placed) => places.push((placed.seq, placed.stock)),
            Err(refused) => {
                assert_eq!(refused.code, Code::SoldOut);
                sold_out += 1;
            }
        }
    }

    places.sort_unstable();
    let expected: Vec<_> = (1..=STOCK).map(|seq| (u64::from(seq), STOCK - seq)).collect();
    assert_eq!(places, expected);
    assert_eq!(sold_out, BUYERS - STOCK);
}

async fn announce(host: &Person, lead: Duration) -> (SaleId, ServerTime) {
    let offer = SaleOffer {
        title: Title::parse("Cup").unwrap(),
        sku: Title::parse("cup-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(STOCK).unwrap(),
        per_user: Quantity::new(1).unwrap(),
        lead,
        open_for: SaleDuration::new(60_000).unwrap(),
        terms: SaleTerms::default(),
    };
    let reply = host.says(Command::SaleAnnounce(offer)).await.unwrap();
    let Reply::Sale { sale, open_at } = reply else { panic!("it was answered with {reply:?}") };
    (sale, open_at)
}

async fn order(room: &RoomHandle, sale: &SaleId, buyer: u32) -> Result<OrderPlaced, Refused> {
    let order = OrderRequest {
        sale: sale.clone(),
        quantity: Quantity::new(1).unwrap(),
        idem: IdemKey::parse("one").unwrap(),
    };
    let member = member(&format!("buyer-{buyer}"), Role::Viewer);
    let reply = room.ask(|reply| RoomRequest::Order { member, order, reply }).await?;
    let Reply::Order(placed) = reply else { panic!("it was answered with {reply:?}") };
    Ok(placed)
}

/// Sleeps until `early` before `deadline`, both in whole milliseconds of room time.
async fn sleep_until(stage: &Stage, deadline: ServerTime, early: Duration) {
    let until = deadline.unix_millis() - u64::try_from(early.as_millis()).unwrap();
    stage.parts.clock.sleep_until(Some(ServerTime::from_unix_millis(until))).await;
    assert_eq!(stage.parts.clock.now().unix_millis(), until);
}
