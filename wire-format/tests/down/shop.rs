//! What the fixtures of sales and auctions stand for.

use room_rules::{
    Amount, AuctionEvent, AuctionId, AuctionLog, AuctionPrice, AuctionReply, AuctionState,
    AuctionView, BidPlaced, BidRecord, Currency, DrawEntry, DrawPromise, DrawResult, DrawWindow,
    Event, EventBody, Mine, OrderId, OrderNews, OrderQueued, OrderRecord, OrderState, PayWindow,
    Quantity, Reply, SaleDraft, SaleId, SaleLog, SaleOffer, SalePolicy, SaleState, SaleTerms,
    SaleView, Seed, ShopEvent, ShopReply, ShopView, Snapshot, StockCount, Title, UserId,
};

use wire_format::{
    encode_ack, encode_auction_log, encode_event, encode_sale_log, encode_sale_orders,
    encode_welcome,
};

use super::{at, now, order, sale, sale_id, snapshot};

/// The number of the first of these events.
const FIRST: u64 = 101;

pub(crate) fn said() -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("welcome with a shop", encode_welcome(&shop_snapshot())),
        ("SaleOrders", encode_sale_orders(&sold(), 16, 2)),
        ("SaleLog", encode_sale_log(&log_of(after_the_draw()), 0, 1)),
        ("SaleLog before the draw", encode_sale_log(&log_of(before_the_draw()), 0, 9)),
        ("AuctionLog", encode_auction_log(&bids(AuctionState::Sold), 0, 1)),
        ("AuctionLog of a running auction", encode_auction_log(&bids(AuctionState::Closing), 0, 9)),
    ];
    for (sequence, (name, body)) in (FIRST..).zip(events()) {
        said.push((name, encode_event(&Event { at: now(), sequence, body })));
    }
    said.extend(replies().iter().map(|(name, reply)| (*name, encode_ack(Some("7"), reply, now()))));
    said
}

fn events() -> Vec<(&'static str, EventBody)> {
    let auction = |event| EventBody::Shop(ShopEvent::Auction(event));
    let news = |news| EventBody::Shop(ShopEvent::Order(news));
    let (not_drawn, sale) = (other_order(), sale_id());
    let drawn = room_rules::OrderPlaced { pay_by: Some(at(300_000)), ..order() };
    vec![
        ("sale.updated with a draw to come", EventBody::SaleUpdated(before_the_draw())),
        ("sale.updated with a draw made", EventBody::SaleUpdated(after_the_draw())),
        ("order.result of a draw", news(OrderNews::Drawn(drawn))),
        (
            "order.result of who was not drawn",
            news(OrderNews::NotDrawn { order: not_drawn.clone(), sale: sale.clone() }),
        ),
        (
            "order.result of a sale that was called off",
            news(OrderNews::CalledOff { order: not_drawn, sale }),
        ),
        ("order.result paid", news(OrderNews::Paid { order: order().order })),
        ("order.result expired", news(OrderNews::Expired { order: order().order })),
        ("auction.updated", auction(AuctionEvent::Updated(closing()))),
        ("auction.updated before the first bid", auction(AuctionEvent::Updated(scheduled()))),
        ("bid.update", auction(AuctionEvent::Bids(price()))),
        ("bid.outbid", auction(AuctionEvent::Outbid(price()))),
        ("auction.won", auction(won())),
    ]
}

fn replies() -> Vec<(&'static str, Reply)> {
    let queued = OrderQueued {
        order: other_order(),
        sale: sale_id(),
        quantity: Quantity::new(1).unwrap(),
        decided_at: at(4_000),
    };
    let opened =
        AuctionReply::Opened { auction: auction_id(), start_at: at(3_000), end_at: at(63_000) };
    let bid = AuctionReply::Bid(BidPlaced {
        auction: auction_id(),
        bid: 2,
        leading: true,
        price: amount(1_500),
        max: amount(2_000),
        end_at: at(63_000),
    });
    vec![
        ("ack of order.place that waits for a draw", Reply::Shop(ShopReply::Queued(queued))),
        ("ack of sale.draft", Reply::Shop(ShopReply::Drafted { sale: sale_id() })),
        ("ack of auction.open", Reply::Shop(ShopReply::Auction(opened))),
        ("ack of bid.place", Reply::Shop(ShopReply::Auction(bid))),
    ]
}

/// What a host finds who leads an auction in a shop of their own, which the rules do not allow.
fn shop_snapshot() -> Snapshot {
    let window = DrawWindow::new(1_000).unwrap();
    let policy = SalePolicy::LotteryWindow { window, seed: Some(seed()) };
    let offer = SaleOffer {
        title: Title::parse("口红").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(100).unwrap(),
        per_user: Quantity::new(1).unwrap(),
        lead: std::time::Duration::from_secs(3),
        open_for: room_rules::SaleDuration::new(60_000).unwrap(),
        terms: SaleTerms { policy, ..SaleTerms::default() },
    };
    let mine = Mine {
        units: vec![(sale_id(), 1)],
        leads: vec![(auction_id(), amount(2_000))],
        ..Mine::default()
    };
    let drafts = vec![SaleDraft { sale: SaleId::parse("a-1-sale3").unwrap(), offer }];
    Snapshot {
        shop: ShopView { drafts, auctions: vec![closing()], mine, ..ShopView::default() },
        ..snapshot()
    }
}

/// From the seventeenth on, of which one more than fits is there.
fn sold() -> SaleLog {
    let record = |user, state| OrderRecord {
        order: order().order,
        user: UserId::parse(user).unwrap(),
        units: 1,
        at: at(3_500),
        state,
    };
    let orders = vec![
        record("bob", OrderState::Placed),
        record("cara", OrderState::Paid),
        record("dan", OrderState::Expired),
    ];
    SaleLog { sale: before_the_draw(), orders, entries: Vec::new() }
}

/// With one order in a draw.
fn log_of(sale: SaleView) -> SaleLog {
    let orders = sold().orders.into_iter().take(2).collect();
    let entry = DrawEntry {
        number: 1,
        order: other_order(),
        user: UserId::parse("bob").unwrap(),
        quantity: Quantity::new(1).unwrap(),
        at: at(3_500),
        rank: seed().commitment(),
    };
    SaleLog { sale, orders, entries: vec![entry] }
}

fn bids(state: AuctionState) -> AuctionLog {
    let bid = |bid, user, sum: u64, leading| BidRecord {
        bid,
        at: at(3_500),
        user: UserId::parse(user).unwrap(),
        amount: amount(sum),
        max: amount(sum + 500),
        price: amount(sum),
        leading,
    };
    let bids = vec![bid(1, "cara", 1_400, true), bid(2, "bob", 1_500, true)];
    AuctionLog { auction: AuctionView { state, ..closing() }, bids }
}

fn before_the_draw() -> SaleView {
    SaleView {
        state: SaleState::Paused,
        fair: false,
        buyers: None,
        pay_within: PayWindow::new(300_000),
        draw: Some(promise()),
        ..sale()
    }
}

fn after_the_draw() -> SaleView {
    let result = DrawResult {
        seed: seed().reveal(),
        entries: 12,
        orders: 9,
        last_winner: Some(seed().commitment()),
    };
    let draw = DrawPromise { result: Some(result), ..promise() };
    SaleView { state: SaleState::SoldOut, draw: Some(draw), ..sale() }
}

fn promise() -> DrawPromise {
    DrawPromise { commitment: seed().commitment(), decided_at: at(4_000), result: None }
}

fn seed() -> Seed {
    Seed::new([0; 32])
}

fn closing() -> AuctionView {
    AuctionView {
        price: price(),
        title: Title::parse("花瓶").unwrap(),
        sku: Title::parse("V-1").unwrap(),
        currency: Currency::CNY,
        start_price: amount(100),
        start_at: at(3_000),
        hard_end: Some(at(600_000)),
        soft_close: true,
        state: AuctionState::Closing,
    }
}

fn scheduled() -> AuctionView {
    let price = AuctionPrice {
        revision: 1,
        price: None,
        next: amount(100),
        leader: None,
        bids: 0,
        reserve_met: None,
        extensions: 0,
        ..price()
    };
    let state = AuctionState::Scheduled;
    AuctionView { price, hard_end: None, soft_close: false, state, ..closing() }
}

fn price() -> AuctionPrice {
    AuctionPrice {
        auction: auction_id(),
        revision: 3,
        price: Some(amount(1_500)),
        next: amount(1_600),
        leader: Some("B***".into()),
        bids: 2,
        reserve_met: Some(true),
        end_at: at(63_000),
        extensions: 1,
    }
}

fn won() -> AuctionEvent {
    let order = OrderId::parse("a-1-order1").unwrap();
    AuctionEvent::Won {
        auction: auction_id(),
        price: amount(1_500),
        currency: Currency::CNY,
        order,
    }
}

fn auction_id() -> AuctionId {
    AuctionId::parse("a-1-auction1").unwrap()
}

fn other_order() -> OrderId {
    OrderId::parse("a-1-sale2-18").unwrap()
}

fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}
