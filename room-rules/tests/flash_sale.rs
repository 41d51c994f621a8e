//! Goal: nobody buys early or late, nothing is sold twice, and every buyer has a place in the queue.
//! Method: named cases for the edges of one sale, driven through its room in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use room_rules::{
    Command, CountdownState, EventBody, OrderPlaced, Rejected, Reply, Role, SaleState,
};
use world::{DAWN, World, offer, order};

const OPEN_AT: u64 = DAWN + 3_000;
const CLOSE_AT: u64 = DAWN + 13_000;

#[test]
fn an_order_one_millisecond_early_is_refused() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let bob = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 2, 1);

    world.run_until(OPEN_AT - 1);
    assert_eq!(world.command(bob, order(&sale, 1, "k")), Err(Rejected::NotOpen { opens_in_ms: 1 }));
    world.run_until(OPEN_AT);
    assert_eq!(placed(world.command(bob, order(&sale, 1, "k"))).seq, 1);
}

#[test]
fn an_order_at_the_closing_instant_is_too_late_and_one_millisecond_before_is_not() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let sale = world.announce(host, 5, 5);
    let viewer = Role::Viewer;

    // The timer has not run: the order itself must know that the time is up.
    world.now = CLOSE_AT - 1;
    placed(world.command_by("a", "bob", viewer, order(&sale, 1, "k1")));
    world.now = CLOSE_AT;
    let late = world.command_by("a", "bob", viewer, order(&sale, 1, "k2"));

    assert_eq!(late, Err(Rejected::Closed("sale")));
}

#[test]
fn a_thousand_orders_at_the_deadline_sell_exactly_the_stock_in_an_unbroken_sequence() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let sale = world.announce(host, 100, 1);
    world.run_until(OPEN_AT);

    let mut sequence = Vec::new();
    let mut sold_out = 0;
    for buyer in 0..1_000 {
        let buyer = format!("buyer{buyer}");
        match world.command_by("a", &buyer, Role::Viewer, order(&sale, 1, "k")) {
            Ok(Reply::Order(order)) => sequence.push((order.seq, order.stock)),
            Err(Rejected::SoldOut { left: 0 }) => sold_out += 1,
            other => panic!("{other:?}"),
        }
    }

    let expected: Vec<(u64, u32)> = (1..=100).zip((0..100).rev()).collect();
    assert_eq!(sequence, expected);
    assert_eq!(sold_out, 900);
    assert_eq!(last_sale_state(&world), SaleState::SoldOut);
}

#[test]
fn a_repeated_order_gets_its_first_answer_even_after_the_sale_and_is_done_once() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let bob = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 3, 3);
    world.run_until(OPEN_AT);

    let first = placed(world.command(bob, order(&sale, 2, "k")));
    assert_eq!(placed(world.command(bob, order(&sale, 2, "k"))), first);
    world.run_until(CLOSE_AT + 1);
    assert_eq!(placed(world.command(bob, order(&sale, 2, "k"))), first);
    assert_eq!(first.stock, 1);
}

#[test]
fn a_key_used_for_another_order_is_refused() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let bob = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 3, 3);
    world.run_until(OPEN_AT);

    placed(world.command(bob, order(&sale, 1, "k")));

    let other = world.command(bob, order(&sale, 2, "k"));
    assert_eq!(other, Err(Rejected::IdempotencyMismatch));
}

#[test]
fn one_user_gets_no_more_than_the_limit_however_many_sessions_they_hold() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let phone = world.join("a", "bob", Role::Viewer);
    let laptop = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 10, 2);
    world.run_until(OPEN_AT);

    placed(world.command(phone, order(&sale, 1, "k1")));
    placed(world.command(laptop, order(&sale, 1, "k2")));

    let third = world.command(phone, order(&sale, 1, "k3"));
    assert_eq!(third, Err(Rejected::LimitPerUser { per_user: 2 }));
}

#[test]
fn an_order_for_more_than_is_left_takes_nothing() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let bob = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 3, 3);
    world.run_until(OPEN_AT);
    placed(world.command(bob, order(&sale, 2, "k1")));

    let cara = world.join("a", "cara", Role::Viewer);
    assert_eq!(world.command(cara, order(&sale, 2, "k2")), Err(Rejected::SoldOut { left: 1 }));
    assert_eq!(placed(world.command(cara, order(&sale, 1, "k3"))).seq, 2);
}

#[test]
fn a_sale_announced_less_than_two_seconds_ahead_is_refused() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let mut hasty = offer(1, 1);
    hasty.lead = std::time::Duration::from_millis(1_999);

    let refused = world.command(host, Command::SaleAnnounce(hasty));

    assert_eq!(refused, Err(Rejected::LeadTooShort { min_ms: 2_000 }));
}

#[test]
fn the_countdown_is_repeated_each_second_unchanged_and_fires_once() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let mut long = offer(1, 1);
    long.lead = std::time::Duration::from_secs(8);
    world.command(host, Command::SaleAnnounce(long)).unwrap();

    world.run_until(DAWN + 20_000);

    let shown: Vec<_> = world
        .events
        .iter()
        .filter_map(|(_, event)| match &event.body {
            EventBody::Countdown(countdown) => {
                Some((event.at.unix_millis() - DAWN, countdown.revision, countdown.state))
            }
            _ => None,
        })
        .collect();
    let counting = CountdownState::Counting;
    assert_eq!(
        shown,
        [
            (0, 1, counting),
            (3_000, 1, counting),
            (4_000, 1, counting),
            (5_000, 1, counting),
            (6_000, 1, counting),
            (7_000, 1, counting),
            (8_000, 2, CountdownState::Fired),
        ]
    );
}

#[test]
fn a_cancelled_sale_sells_nothing_and_its_countdown_never_fires() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let bob = world.join("a", "bob", Role::Viewer);
    let sale = world.announce(host, 3, 3);

    world.command(host, Command::SaleCancel(sale.clone())).unwrap();
    world.run_until(OPEN_AT + 1);

    assert_eq!(world.command(bob, order(&sale, 1, "k")), Err(Rejected::Closed("sale")));
    let states: Vec<_> = countdown_states(&world);
    assert!(!states.contains(&CountdownState::Fired));
    assert_eq!(states.last(), Some(&CountdownState::Cancelled));
}

#[test]
fn the_units_left_are_told_at_most_five_times_a_second_and_the_last_word_is_right() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let sale = world.announce(host, 1_000, 1);
    world.run_until(OPEN_AT);
    let before = sale_updates(&world).len();

    for buyer in 0..500 {
        world.run_for(2);
        let buyer = format!("buyer{buyer}");
        placed(world.command_by("a", &buyer, Role::Viewer, order(&sale, 1, "k")));
    }
    world.run_for(1_000);

    let updates = sale_updates(&world);
    assert!(updates.len() - before <= 7, "{} updates in a second", updates.len() - before);
    assert_eq!(updates.last(), Some(&500));
}

#[test]
fn someone_who_comes_late_finds_the_countdown_in_the_snapshot() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    world.announce(host, 3, 3);
    world.run_for(2_500);

    let session = world.next_session();
    let snapshot = world.join_as(session, "a", "bob", Role::Viewer).unwrap();

    assert_eq!(snapshot.sales[0].state, SaleState::Counting);
    assert_eq!(snapshot.countdowns[0].open_at.unix_millis(), OPEN_AT);
    assert_eq!(snapshot.countdowns[0].labels, ["3", "2", "1", "上链接!"]);
}

fn placed(reply: Result<Reply, Rejected>) -> OrderPlaced {
    match reply {
        Ok(Reply::Order(order)) => order,
        other => panic!("not an order: {other:?}"),
    }
}

fn last_sale_state(world: &World) -> SaleState {
    let states = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::SaleUpdated(sale) => Some(sale.state),
        _ => None,
    });
    states.collect::<Vec<_>>().pop().unwrap()
}

fn sale_updates(world: &World) -> Vec<u32> {
    let left = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::SaleUpdated(sale) => Some(sale.left),
        _ => None,
    });
    left.collect()
}

fn countdown_states(world: &World) -> Vec<CountdownState> {
    let states = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::Countdown(countdown) => Some(countdown.state),
        _ => None,
    });
    states.collect()
}
