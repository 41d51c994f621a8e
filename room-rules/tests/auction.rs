//! Goal: the highest bid wins, at a price that somebody else's bids made, and whoever is outbid in
//! the last seconds can answer.
//! Method: named cases for the edges of one auction, driven through its room in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::time::Duration;

use room_rules::{
    AuctionCommand, AuctionEnding, AuctionEvent, AuctionId, AuctionReply, AuctionState,
    AuctionView, BidPlaced, Command, CountdownKind, CountdownState, EventBody, LogPage, Rejected,
    Reply, Role, SessionId, ShopCommand, ShopEvent, ShopReply, SoftClose,
};
use world::{DAWN, World, amount, auction_offer, bid};

const START: u64 = DAWN + 3_000;
const END: u64 = START + 60_000;

#[test]
fn a_bid_one_millisecond_early_or_at_the_end_is_refused() {
    let (mut world, auction, [bob, eve]) = opened();

    world.run_until(START - 1);
    assert_eq!(world.command(bob, bid(&auction, 100, None, "k")), Err(not_open(1)));
    world.run_until(START);
    assert!(placed(world.command(bob, bid(&auction, 100, None, "k"))).leading);
    // The timer has not run: the bid itself must know that the time is up.
    world.now = END - 1;
    placed(world.command(eve, bid(&auction, 200, None, "k")));
    world.now = view(&mut world).price.end_at.unix_millis();
    let late = world.command(bob, bid(&auction, 900, None, "late"));

    assert_eq!(late, Err(Rejected::Closed("auction")));
    assert_eq!(view(&mut world).state, AuctionState::Sold);
}

#[test]
fn a_bid_must_be_a_step_above_the_price() {
    let (mut world, auction, [bob, eve]) = running();

    let below_start = world.command(bob, bid(&auction, 99, None, "a"));
    assert_eq!(below_start, Err(Rejected::BidTooLow { min: 100 }));
    placed(world.command(bob, bid(&auction, 100, None, "b")));
    let below_step = world.command(eve, bid(&auction, 199, None, "c"));
    assert_eq!(below_step, Err(Rejected::BidTooLow { min: 200 }));
    assert_eq!(placed(world.command(eve, bid(&auction, 200, None, "d"))).bid, 2);
}

#[test]
fn who_leads_may_only_raise_their_highest_bid_and_pays_no_more_for_it() {
    let (mut world, auction, [bob, eve]) = running();
    placed(world.command(bob, bid(&auction, 100, Some(500), "a")));

    assert_eq!(world.command(bob, bid(&auction, 900, None, "b")), Err(Rejected::SelfOutbid));
    assert_eq!(world.command(bob, bid(&auction, 100, Some(500), "c")), Err(Rejected::SelfOutbid));
    let raised = placed(world.command(bob, bid(&auction, 100, Some(800), "d")));
    assert_eq!((raised.price, raised.max, raised.leading), (amount(100), amount(800), true));

    let beaten = placed(world.command(eve, bid(&auction, 700, None, "e")));
    assert_eq!((beaten.price, beaten.leading), (amount(800), false));
}

#[test]
fn of_two_equal_highest_bids_the_earlier_leads_and_pays_all_of_it() {
    let (mut world, auction, [bob, eve]) = running();
    placed(world.command(bob, bid(&auction, 100, Some(500), "a")));

    let equal = placed(world.command(eve, bid(&auction, 200, Some(500), "b")));

    assert_eq!((equal.price, equal.leading), (amount(500), false));
    world.run_until(END + 1);
    assert_eq!(won(&world), [("bob".to_owned(), 500)]);
}

#[test]
fn the_winner_pays_one_step_more_than_the_next_highest_bid() {
    let (mut world, auction, [bob, eve]) = running();
    placed(world.command(bob, bid(&auction, 100, Some(1_000), "a")));

    let placed = placed(world.command(eve, bid(&auction, 200, Some(9_000), "b")));

    assert_eq!((placed.price, placed.leading), (amount(1_100), true));
    let outbid = outbid(&world);
    assert_eq!(outbid, [("bob".to_owned(), 1_100)], "who led hears of it, and nobody else");
}

#[test]
fn a_repeated_bid_is_answered_as_before_and_counts_once() {
    let (mut world, auction, [bob, _]) = running();
    let first = placed(world.command(bob, bid(&auction, 100, None, "k")));

    assert_eq!(placed(world.command(bob, bid(&auction, 100, None, "k"))), first);
    let other = world.command(bob, bid(&auction, 300, None, "k"));
    assert_eq!(other, Err(Rejected::IdempotencyMismatch));
    assert_eq!(view(&mut world).price.bids, 1);
}

#[test]
fn a_bid_in_the_last_ten_seconds_puts_the_end_off_and_an_earlier_one_does_not() {
    let (mut world, auction, [bob, eve]) = running();

    world.run_until(END - 10_001);
    assert_eq!(end_after(&placed(world.command(bob, bid(&auction, 100, None, "a")))), END);
    assert_eq!(view(&mut world).state, AuctionState::Running);
    world.run_until(END - 10_000);
    assert_eq!(view(&mut world).state, AuctionState::Closing);
    assert_eq!(end_after(&placed(world.command(eve, bid(&auction, 200, None, "b")))), END);
    world.run_until(END - 1);
    let end = end_after(&placed(world.command(bob, bid(&auction, 300, None, "c"))));
    assert_eq!(end, END + 9_999);

    world.run_until(END);
    assert_eq!(view(&mut world).state, AuctionState::Closing);
    world.run_until(end);
    assert_eq!(view(&mut world).state, AuctionState::Sold);
    let ends: Vec<_> = end_countdowns(&world);
    assert!(ends.windows(2).all(|pair| pair[0].0 <= pair[1].0), "it only moves later: {ends:?}");
    assert_eq!(ends.last(), Some(&(end, CountdownState::Fired)));
}

#[test]
fn extensions_stop_at_their_number_and_at_the_hard_end() {
    let soft = |extensions, limit| {
        let ten = Duration::from_secs(10);
        AuctionEnding::Soft(SoftClose::new(ten, ten, extensions, limit).unwrap())
    };
    let rounds = |ending| {
        let (mut world, auction, [bob, eve]) = with_ending(ending);
        for round in 0..10_u64 {
            let (end, next) = (view(&mut world).price.end_at, view(&mut world).price.next);
            world.run_until(end.unix_millis() - 1);
            let who = if round % 2 == 0 { bob } else { eve };
            let key = format!("k{round}");
            placed(world.command(who, bid(&auction, next.minor(), None, &key)));
            if view(&mut world).price.end_at == end {
                return (round, end.unix_millis());
            }
        }
        panic!("it never ends");
    };

    assert_eq!(rounds(soft(3, None)), (3, END + 3 * 9_999));
    assert_eq!(rounds(soft(9, Some(Duration::from_secs(65)))), (1, END + 5_000));
    assert_eq!(rounds(AuctionEnding::SuddenDeath), (0, END));
}

#[test]
fn below_its_reserve_nothing_is_sold_and_a_highest_bid_that_reaches_it_is_bid_up_to_it() {
    let (mut world, auction, [bob, eve]) = with_reserve(1_000);
    placed(world.command(bob, bid(&auction, 100, Some(900), "a")));
    assert_eq!(view(&mut world).price.reserve_met, Some(false));
    let reached = placed(world.command(eve, bid(&auction, 200, Some(1_500), "b")));
    assert_eq!(reached.price, amount(1_000));
    assert_eq!(view(&mut world).price.reserve_met, Some(true));

    let (mut world, auction, [bob, _]) = with_reserve(1_000);
    placed(world.command(bob, bid(&auction, 100, Some(999), "a")));
    world.run_until(END);
    assert_eq!(view(&mut world).state, AuctionState::Unsold);
    assert_eq!(won(&world), []);
}

#[test]
fn after_the_first_bid_only_the_platform_calls_it_off() {
    let (mut world, auction, [bob, _]) = running();
    let host = world.join("a", "alice", Role::Host);
    let cancel = Command::Shop(ShopCommand::Auction(AuctionCommand::Cancel(auction.clone())));
    placed(world.command(bob, bid(&auction, 100, None, "a")));

    assert!(matches!(world.command(host, cancel.clone()), Err(Rejected::Conflict(_))));
    assert_eq!(
        world.command_by("a", "root", Role::Viewer, cancel.clone()),
        Err(Rejected::Forbidden)
    );
    world.command_by("a", "root", Role::Admin, cancel).unwrap();

    assert_eq!(view(&mut world).state, AuctionState::Void);
    let late = world.command(bob, bid(&auction, 900, None, "b"));
    assert_eq!(late, Err(Rejected::Closed("auction")));
}

#[test]
fn a_room_that_ends_takes_its_auctions_with_it() {
    let (mut world, auction, [bob, _]) = running();
    placed(world.command(bob, bid(&auction, 100, None, "a")));

    world.command_by("a", "alice", Role::Host, Command::RoomEnd).unwrap();

    assert_eq!(last_told(&world).state, AuctionState::Void);
    assert_eq!(won(&world), []);
}

#[test]
fn the_price_is_told_at_most_ten_times_a_second_and_the_last_word_is_right() {
    let (mut world, auction, _) = running();
    let mut next = 100;
    for round in 0..200_u64 {
        let name = format!("u{round}");
        placed(world.command_by("a", &name, Role::Viewer, bid(&auction, next, None, "k")));
        next = view(&mut world).price.next.minor();
        world.run_for(5);
    }
    world.run_for(1_000);

    let prices: Vec<_> = bid_updates(&world);
    assert!(prices.len() <= 12, "{} in a second", prices.len());
    assert_eq!(prices.last().unwrap().0, 200);
    assert!(prices.windows(2).all(|pair| pair[0] < pair[1]), "revisions rise with the bids");
}

#[test]
fn everybody_sees_a_masked_leader_and_the_rooms_own_people_all_bids() {
    let (mut world, auction, [bob, eve]) = running();
    placed(world.command(bob, bid(&auction, 100, Some(400), "a")));
    placed(world.command(eve, bid(&auction, 300, None, "b")));

    assert_eq!(view(&mut world).price.leader.as_deref(), Some("B***"));
    let log = world.room("a").auction_log(&auction, LogPage::default()).unwrap();
    let rows: Vec<_> =
        log.bids.iter().map(|row| (row.user.as_str(), row.max, row.leading)).collect();
    assert_eq!(rows, [("bob", amount(400), true), ("eve", amount(300), false)]);
}

#[test]
fn someone_who_comes_back_finds_what_they_lead() {
    let (mut world, auction, [bob, _]) = running();
    placed(world.command(bob, bid(&auction, 100, Some(400), "a")));

    let session = world.next_session();
    let mine = world.join_as(session, "a", "bob", Role::Viewer).unwrap().shop.mine;
    assert_eq!(mine.leads, [(auction, amount(400))]);
    let session = world.next_session();
    assert!(world.join_as(session, "a", "eve", Role::Viewer).unwrap().shop.mine.is_empty());
}

/// An auction from 1.00 that starts in three seconds, and two who would bid.
fn opened() -> (World, AuctionId, [SessionId; 2]) {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let people = [world.join("a", "bob", Role::Viewer), world.join("a", "eve", Role::Viewer)];
    let auction = world.auction(host, auction_offer());
    (world, auction, people)
}

fn running() -> (World, AuctionId, [SessionId; 2]) {
    with_ending(AuctionEnding::Soft(SoftClose::default()))
}

fn with_ending(ending: AuctionEnding) -> (World, AuctionId, [SessionId; 2]) {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let people = [world.join("a", "bob", Role::Viewer), world.join("a", "eve", Role::Viewer)];
    let mut offer = auction_offer();
    offer.ending = ending;
    let auction = world.auction(host, offer);
    world.run_until(START);
    (world, auction, people)
}

fn with_reserve(reserve: u64) -> (World, AuctionId, [SessionId; 2]) {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let people = [world.join("a", "bob", Role::Viewer), world.join("a", "eve", Role::Viewer)];
    let mut offer = auction_offer();
    offer.reserve = Some(amount(reserve));
    let auction = world.auction(host, offer);
    world.run_until(START);
    (world, auction, people)
}

fn placed(reply: Result<Reply, Rejected>) -> BidPlaced {
    match reply {
        Ok(Reply::Shop(ShopReply::Auction(AuctionReply::Bid(placed)))) => placed,
        other => panic!("not a bid: {other:?}"),
    }
}

fn end_after(placed: &BidPlaced) -> u64 {
    placed.end_at.unix_millis()
}

const fn not_open(opens_in_ms: u64) -> Rejected {
    Rejected::NotOpen { opens_in_ms }
}

/// The auction as who comes now finds it.
fn view(world: &mut World) -> AuctionView {
    let session = world.next_session();
    let snapshot = world.join_as(session, "a", "zoe", Role::Viewer).unwrap();
    world.leave(session);
    snapshot.shop.auctions[0].clone()
}

fn told(world: &World) -> impl DoubleEndedIterator<Item = &AuctionEvent> {
    world.events.iter().filter_map(|(_, event)| match &event.body {
        EventBody::Shop(ShopEvent::Auction(event)) => Some(event),
        _ => None,
    })
}

fn last_told(world: &World) -> AuctionView {
    let mut views = told(world).filter_map(|event| match event {
        AuctionEvent::Updated(view) => Some(view.clone()),
        _ => None,
    });
    views.next_back().unwrap()
}

fn bid_updates(world: &World) -> Vec<(u64, u64)> {
    let updates = told(world).filter_map(|event| match event {
        AuctionEvent::Bids(price) => Some((price.bids, price.revision)),
        _ => None,
    });
    updates.collect()
}

fn end_countdowns(world: &World) -> Vec<(u64, CountdownState)> {
    let countdowns = world.events.iter().filter_map(|(_, event)| match &event.body {
        EventBody::Countdown(shown) if shown.kind == CountdownKind::AuctionEnd => {
            Some((shown.open_at.unix_millis(), shown.state))
        }
        _ => None,
    });
    countdowns.collect()
}

fn won(world: &World) -> Vec<(String, u64)> {
    personal(world, |event| match event {
        AuctionEvent::Won { price, .. } => Some(price.minor()),
        _ => None,
    })
}

fn outbid(world: &World) -> Vec<(String, u64)> {
    personal(world, |event| match event {
        AuctionEvent::Outbid(price) => price.price.map(room_rules::Amount::minor),
        _ => None,
    })
}

fn personal(world: &World, pick: impl Fn(&AuctionEvent) -> Option<u64>) -> Vec<(String, u64)> {
    let told = world.personal.iter().filter_map(|(_, user, event)| match &event.body {
        EventBody::Shop(ShopEvent::Auction(event)) => {
            Some((user.as_str().to_owned(), pick(event)?))
        }
        _ => None,
    });
    told.collect()
}
