//! Goal: a draw is fair and can be checked, what is not paid comes back, and a deadline only moves
//! later.
//! Method: named cases of one sale on every kind of terms, driven through its room in virtual time.
//! Networks are four classes of delay; how often each class wins is counted over 500 sales.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    Command, CountdownState, DrawWindow, EventBody, LikeCount, LogPage, OrderId, OrderNews,
    OrderPlaced, PayWindow, Rejected, Reply, Role, SaleCommand, SaleId, SaleOffer, SalePolicy,
    SaleState, SaleTerms, SaleView, Seed, SessionId, ShopCommand, ShopEvent, ShopReply,
};
use world::{DAWN, World, offer, order};

const OPEN_AT: u64 = DAWN + 3_000;
const SALES: u64 = 500;

#[test]
fn orders_within_the_window_wait_for_a_draw_that_comes_when_it_ends() {
    let (mut world, sale) = with_terms(2, drawn(7));
    world.run_until(OPEN_AT);
    let first = queued(buy(&mut world, "bob", &sale, "k"));
    world.run_until(OPEN_AT + 999);
    for name in ["eve", "zoe", "amy"] {
        queued(buy(&mut world, name, &sale, "k"));
    }
    assert!(news(&world).is_empty(), "nobody hears anything before the others could order");
    assert_eq!(last_view(&world).left, 2);

    world.run_until(OPEN_AT + 1_000);

    let told = news(&world);
    assert_eq!(told.len(), 4);
    let drawn: Vec<u64> =
        told.iter().filter_map(|(_, news)| Some(drawn_order(news)?.seq)).collect();
    assert_eq!(drawn, [1, 2], "numbers have no gaps");
    assert!(told.iter().any(|(user, news)| user == "bob" && id_of(news) == Some(&first)));
    assert_eq!(last_view(&world).state, SaleState::SoldOut);
}

#[test]
fn the_draw_is_what_the_seed_says_and_the_seed_is_what_was_promised() {
    let (mut world, sale) = with_terms(3, drawn(9));
    let promised = last_view(&world).draw.unwrap();
    assert_eq!(promised.commitment, Seed::new([9; 32]).commitment());
    assert_eq!(promised.result, None);
    world.run_until(OPEN_AT);
    let names: Vec<String> = (0..20).map(|number| format!("u{number}")).collect();
    for name in &names {
        queued(buy(&mut world, name, &sale, "k"));
    }
    world.run_until(OPEN_AT + 1_000);

    let result = last_view(&world).draw.unwrap().result.unwrap();
    assert_eq!((result.entries, result.orders), (20, 3));
    assert_eq!(result.seed, Seed::new([9; 32]).reveal());
    // Anybody can do this again.
    let seed = Seed::new(*result.seed.bytes());
    let mut ranked: Vec<_> =
        names.iter().map(|name| (seed.rank(sale.as_str(), name), name)).collect();
    ranked.sort_unstable();
    let winners: Vec<_> = winners(&world);
    assert!(winners.iter().eq(ranked[..3].iter().map(|(_, name)| *name)));
    assert_eq!(result.last_winner, Some(ranked[2].0));
}

#[test]
fn who_comes_first_within_the_window_makes_no_difference() {
    let run = |names: [&str; 5]| {
        let (mut world, sale) = with_terms(2, drawn(3));
        for (late, name) in (0..).zip(names) {
            world.run_until(OPEN_AT + late * 100);
            queued(buy(&mut world, name, &sale, "k"));
        }
        world.run_for(2_000);
        winners(&world)
    };
    assert_eq!(run(["amy", "bob", "eve", "ian", "zoe"]), run(["zoe", "ian", "amy", "eve", "bob"]));
}

#[test]
fn after_the_draw_who_comes_first_is_served() {
    let (mut world, sale) = with_terms(2, drawn(7));
    world.run_until(OPEN_AT);
    queued(buy(&mut world, "bob", &sale, "k"));
    world.run_until(OPEN_AT + 1_000);

    assert_eq!(placed(buy(&mut world, "eve", &sale, "k")).seq, 2);
    assert_eq!(buy(&mut world, "zoe", &sale, "k"), Err(Rejected::SoldOut { left: 0 }));
}

#[test]
fn a_sale_called_off_before_its_draw_tells_everyone_who_waited() {
    let (mut world, sale) = with_terms(2, drawn(7));
    world.run_until(OPEN_AT);
    queued(buy(&mut world, "bob", &sale, "k"));
    world.command_by("a", "alice", Role::Host, Command::SaleCancel(sale.clone())).unwrap();

    assert!(matches!(news(&world)[..], [(_, OrderNews::CalledOff { .. })]));
    world.run_for(5_000);
    assert_eq!(last_view(&world).left, 2);
}

#[test]
fn a_draw_without_a_seed_is_refused() {
    let mut terms = drawn(1);
    let window = DrawWindow::new(1_000).unwrap();
    terms.policy = SalePolicy::LotteryWindow { window, seed: None };
    let mut world = World::new(&["a"]);
    let announce = Command::SaleAnnounce(SaleOffer { terms, ..offer(1, 1) });

    let reply = world.command_by("a", "alice", Role::Host, announce);

    assert!(matches!(reply, Err(Rejected::Conflict(_))));
}

#[test]
fn no_network_wins_more_often_than_another() {
    // Fibre, Wi-Fi, LTE, weak: typical delay and jitter in ms, a tenth of the weak one far worse.
    const CLASSES: [(u64, u64); 4] = [(8, 6), (20, 25), (45, 60), (120, 300)];
    let mut rng = Rng::with_seed(4);
    let (mut wins, mut arrival_wins) = ([0_u32; 4], [0_u32; 4]);
    for round in 0..SALES {
        let mut buyers: Vec<(u64, usize, String)> = Vec::new();
        for number in 0..200 {
            let class = number % 4;
            let (delay, jitter) = CLASSES[class];
            let spike = if rng.u8(0..10) == 0 { jitter * 2 } else { 0 };
            let late = delay + rng.u64(0..=jitter) + rng.u64(0..=spike);
            buyers.push((late, class, format!("u{number}")));
        }
        buyers.sort();
        for (terms, wins) in [
            (drawn_with(rng.u128(..), 1_000), &mut wins),
            (SaleTerms::default(), &mut arrival_wins),
        ] {
            let (mut world, sale) = with_terms(40, terms);
            for (late, _, name) in &buyers {
                world.run_until(OPEN_AT + late);
                let _ = buy(&mut world, name, &sale, "k");
            }
            world.run_for(2_000);
            let log = world.room("a").sale_log(&sale, LogPage::default()).unwrap();
            assert_eq!(log.orders.len(), 40, "sale {round} sells out");
            for order in &log.orders {
                let buyer = buyers.iter().find(|(_, _, name)| *name == order.user.as_str());
                wins[buyer.unwrap().1] += 1;
            }
        }
    }
    let ratio = |wins: [u32; 4]| {
        f64::from(*wins.iter().max().unwrap()) / f64::from(*wins.iter().min().unwrap()).max(1.0)
    };
    assert!(ratio(wins) <= 1.1, "seed 4: {wins:?}");
    assert!(ratio(arrival_wins) > 10.0, "the networks do differ: {arrival_wins:?}");
}

#[test]
fn the_third_early_try_makes_the_sale_open_200_ms_later_for_whoever_tried() {
    let (mut world, sale) = with_terms(10, SaleTerms::default());
    world.run_until(OPEN_AT - 1_000);
    let opens_in = |reply| match reply {
        Err(Rejected::NotOpen { opens_in_ms }) => opens_in_ms,
        other => panic!("not early: {other:?}"),
    };
    let tries: Vec<u64> = (0..4).map(|_| opens_in(buy(&mut world, "bot", &sale, "k"))).collect();
    assert_eq!(tries, [1_000, 1_000, 1_200, 1_200]);
    buy(&mut world, "bob", &sale, "k").unwrap_err();
    buy(&mut world, "bob", &sale, "k").unwrap_err();

    world.run_until(OPEN_AT);
    placed(buy(&mut world, "bob", &sale, "k"));
    world.run_until(OPEN_AT + 199);
    assert_eq!(opens_in(buy(&mut world, "bot", &sale, "k")), 1);
    world.run_until(OPEN_AT + 200);
    placed(buy(&mut world, "bot", &sale, "k"));
}

#[test]
fn what_is_not_paid_in_time_is_for_sale_again() {
    let open_for = room_rules::SaleDuration::new(60_000).unwrap();
    let (mut world, sale) = announced(SaleOffer { terms: to_be_paid(), open_for, ..offer(2, 1) });
    world.run_until(OPEN_AT);
    let first = placed(buy(&mut world, "bob", &sale, "k"));
    let second = placed(buy(&mut world, "eve", &sale, "k"));
    assert_eq!(first.pay_by.unwrap().unix_millis(), OPEN_AT + 10_000);
    assert_eq!(buy(&mut world, "zoe", &sale, "k"), Err(Rejected::SoldOut { left: 0 }));
    pay(&mut world, &first.order).unwrap();
    pay(&mut world, &first.order).expect("saying so again changes nothing");

    world.run_until(OPEN_AT + 9_999);
    assert_eq!(last_view(&world).state, SaleState::SoldOut);
    world.run_until(OPEN_AT + 10_000);
    assert_eq!((last_view(&world).state, last_view(&world).left), (SaleState::Open, 1));
    assert_eq!(pay(&mut world, &second.order), Err(Rejected::Expired("order")));

    // Whoever let it run out may try again, with a number of its own.
    let again = placed(buy(&mut world, "eve", &sale, "k2"));
    assert_eq!(again.seq, 3);
    pay(&mut world, &again.order).unwrap();
    let paid = |(_, news): &(String, OrderNews)| matches!(news, OrderNews::Paid { .. });
    assert_eq!(news(&world).iter().filter(|news| paid(news)).count(), 2);
    assert_eq!(last_view(&world).state, SaleState::SoldOut);
}

#[test]
fn what_comes_back_after_the_end_is_not_sold_any_more() {
    let mut offer = offer(1, 1);
    offer.terms = to_be_paid();
    offer.open_for = room_rules::SaleDuration::new(5_000).unwrap();
    let (mut world, sale) = announced(offer);
    world.run_until(OPEN_AT);
    placed(buy(&mut world, "bob", &sale, "k"));

    world.run_until(OPEN_AT + 10_000);

    assert_eq!((last_view(&world).state, last_view(&world).left), (SaleState::Closed, 1));
    assert_eq!(buy(&mut world, "eve", &sale, "k"), Err(Rejected::Closed("sale")));
}

#[test]
fn a_sale_is_over_with_its_last_payment_whether_or_not_anything_else_happens() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let offer = SaleOffer { terms: to_be_paid(), ..offer(1, 1) };
    let sales: Vec<_> = (0..5).map(|_| announce(&mut world, &offer).unwrap()).collect();
    world.run_until(OPEN_AT);
    let orders: Vec<_> = sales
        .iter()
        .map(|sale| placed(buy(&mut world, "bob", sale, sale.as_str())).order)
        .collect();
    assert!(matches!(announce(&mut world, &offer), Err(Rejected::Conflict(_))));

    for order in &orders {
        pay(&mut world, order).unwrap();
    }
    // A like makes no row, so a replay does not know that it made time pass.
    world.command(host, Command::Like(LikeCount::new(1).unwrap())).unwrap();

    announce(&mut world, &offer).unwrap();
    world.replay("a", &mut Rng::with_seed(1));
}

#[test]
fn an_order_that_waits_for_payment_is_remembered_however_many_sales_follow() {
    let terms = SaleTerms { pay_within: PayWindow::new(3_600_000), ..SaleTerms::default() };
    let mut offer = SaleOffer { terms, ..offer(1, 1) };
    offer.open_for = room_rules::SaleDuration::new(1_000).unwrap();
    let mut world = World::new(&["a"]);
    let mut orders = Vec::new();
    for number in 0..50 {
        let sale = announce(&mut world, &offer).unwrap();
        world.run_for(3_000);
        orders.push(placed(buy(&mut world, &format!("u{number}"), &sale, "k")).order);
        world.run_for(1_000);
        world.command_by("a", "alice", Role::Host, of_sale(SaleCommand::Close(sale))).ok();
    }
    let full = announce(&mut world, &offer);
    assert!(matches!(full, Err(Rejected::Conflict(_))), "memory is bounded: {full:?}");

    pay(&mut world, &orders[0]).unwrap();

    announce(&mut world, &offer).unwrap();
    for order in &orders {
        pay(&mut world, order).unwrap();
    }
}

#[test]
fn a_refusal_leaves_no_trace_in_the_ids_that_follow() {
    let mut world = World::new(&["a"]);
    let soon = SaleOffer { lead: Duration::from_secs(1), ..offer(1, 1) };
    assert!(announce(&mut world, &soon).is_err());
    let sale = announce(&mut world, &offer(1, 1)).unwrap();
    world.run_until(OPEN_AT);
    placed(buy(&mut world, "bob", &sale, "k"));

    // A replay that does not come to the same ids panics.
    world.replay("a", &mut Rng::with_seed(1));
}

#[test]
fn a_sale_that_opens_at_once_is_marked_as_unfair() {
    let mut offer = offer(1, 1);
    offer.lead = Duration::ZERO;
    let mut world = World::new(&["a"]);
    let announce = |offer: &SaleOffer| Command::SaleAnnounce(offer.clone());
    let refused = world.command_by("a", "alice", Role::Host, announce(&offer));
    assert_eq!(refused, Err(Rejected::LeadTooShort { min_ms: 2_000 }));

    offer.terms.immediate = true;
    world.command_by("a", "alice", Role::Host, announce(&offer)).unwrap();

    assert_eq!((last_view(&world).state, last_view(&world).fair), (SaleState::Open, false));
    let shown = countdowns(&world);
    assert_eq!(shown.last().unwrap().1, CountdownState::Fired);
}

#[test]
fn the_opening_moves_later_and_never_earlier_and_not_once_it_is_open() {
    let (mut world, sale) = with_terms(1, SaleTerms::default());
    let host = world.join("a", "alice", Role::Host);
    let by = |millis| {
        let by = Duration::from_millis(millis);
        of_sale(SaleCommand::Postpone { sale: sale.clone(), by })
    };
    world.run_until(OPEN_AT - 1_500);

    let too_soon = world.command(host, by(499));
    assert_eq!(too_soon, Err(Rejected::LeadTooShort { min_ms: 2_000 }));
    world.command(host, by(1_000)).unwrap();
    world.run_until(OPEN_AT);
    assert_eq!(buy(&mut world, "bob", &sale, "k"), Err(Rejected::NotOpen { opens_in_ms: 1_000 }));
    world.run_until(OPEN_AT + 1_000);
    placed(buy(&mut world, "bob", &sale, "k"));

    assert!(matches!(world.command(host, by(5_000)), Err(Rejected::Conflict(_))));
    let shown = countdowns(&world);
    assert!(shown.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{shown:?}");
    assert_eq!(shown.last(), Some(&(OPEN_AT + 1_000, CountdownState::Fired)));
}

#[test]
fn a_paused_sale_takes_no_orders_and_closes_at_its_time() {
    let (mut world, sale) = with_terms(5, SaleTerms::default());
    let host = world.join("a", "alice", Role::Host);
    world.run_until(OPEN_AT);
    world.command(host, of_sale(SaleCommand::Pause(sale.clone()))).unwrap();
    assert!(matches!(buy(&mut world, "bob", &sale, "k"), Err(Rejected::Conflict(_))));
    world.command(host, of_sale(SaleCommand::Resume(sale.clone()))).unwrap();
    placed(buy(&mut world, "bob", &sale, "k"));
    world.command(host, of_sale(SaleCommand::Pause(sale.clone()))).unwrap();

    world.run_until(OPEN_AT + 10_000);

    assert_eq!(last_view(&world).state, SaleState::Closed);
    let resume = world.command(host, of_sale(SaleCommand::Resume(sale)));
    assert_eq!(resume, Err(Rejected::Closed("sale")));
}

#[test]
fn a_draft_is_nobody_elses_business_until_it_is_armed() {
    let mut world = World::new(&["a"]);
    let host = world.join("a", "alice", Role::Host);
    let draft = of_sale(SaleCommand::Draft(Box::new(offer(1, 1))));
    let Reply::Shop(ShopReply::Drafted { sale }) = world.command(host, draft).unwrap() else {
        panic!("not a draft");
    };

    assert!(world.told("a").iter().all(|body| !matches!(body, EventBody::SaleUpdated(_))));
    assert_eq!(drafts_seen_by(&mut world, Role::Viewer), 0);
    assert_eq!(drafts_seen_by(&mut world, Role::Assistant), 1);
    let lead = Duration::from_secs(5);
    world.command(host, of_sale(SaleCommand::Arm { sale: sale.clone(), lead })).unwrap();
    world.run_until(DAWN + 5_000);
    assert_eq!(placed(buy(&mut world, "bob", &sale, "k")).sale, sale);
    assert_eq!(drafts_seen_by(&mut world, Role::Assistant), 0);
}

#[test]
fn how_many_buy_is_counted_by_user_and_told_unless_the_seller_hides_it() {
    let (mut world, sale) = with_terms(9, SaleTerms::default());
    world.run_until(OPEN_AT);
    for (name, key) in [("bob", "1"), ("eve", "1"), ("zoe", "1")] {
        placed(buy(&mut world, name, &sale, key));
    }
    world.run_for(1_000);
    assert_eq!((last_view(&world).buyers, last_view(&world).left), (Some(3), 6));

    let hidden = SaleTerms { hides_buyers: true, ..SaleTerms::default() };
    let (mut world, sale) = with_terms(9, hidden);
    world.run_until(OPEN_AT);
    placed(buy(&mut world, "bob", &sale, "k"));
    world.run_for(1_000);
    assert_eq!(last_view(&world).buyers, None);
}

fn with_terms(stock: u32, terms: SaleTerms) -> (World, SaleId) {
    announced(SaleOffer { terms, ..offer(stock, 1) })
}

fn announced(offer: SaleOffer) -> (World, SaleId) {
    let mut world = World::new(&["a"]);
    let reply = world.command_by("a", "alice", Role::Host, Command::SaleAnnounce(offer));
    let Ok(Reply::Sale { sale, .. }) = reply else { panic!("not a sale: {reply:?}") };
    (world, sale)
}

/// A draw of one second with a seed of this byte.
fn announce(world: &mut World, offer: &SaleOffer) -> Result<SaleId, Rejected> {
    let announce = Command::SaleAnnounce(offer.clone());
    match world.command_by("a", "alice", Role::Host, announce)? {
        Reply::Sale { sale, .. } => Ok(sale),
        other => panic!("not a sale: {other:?}"),
    }
}

fn drawn(byte: u8) -> SaleTerms {
    let window = DrawWindow::new(1_000).unwrap();
    let seed = Some(Seed::new([byte; 32]));
    SaleTerms { policy: SalePolicy::LotteryWindow { window, seed }, ..SaleTerms::default() }
}

fn drawn_with(seed: u128, window_ms: u32) -> SaleTerms {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&seed.to_le_bytes());
    let (window, seed) = (DrawWindow::new(window_ms).unwrap(), Some(Seed::new(bytes)));
    SaleTerms { policy: SalePolicy::LotteryWindow { window, seed }, ..SaleTerms::default() }
}

fn to_be_paid() -> SaleTerms {
    SaleTerms { pay_within: PayWindow::new(10_000), ..SaleTerms::default() }
}

fn of_sale(command: SaleCommand) -> Command {
    Command::Shop(ShopCommand::Sale(command))
}

fn buy(world: &mut World, name: &str, sale: &SaleId, key: &str) -> Result<Reply, Rejected> {
    world.command_by("a", name, Role::Viewer, order(sale, 1, key))
}

fn pay(world: &mut World, order: &OrderId) -> Result<Reply, Rejected> {
    world.command_by("a", "till", Role::Admin, of_sale(SaleCommand::Paid(order.clone())))
}

fn placed(reply: Result<Reply, Rejected>) -> OrderPlaced {
    match reply {
        Ok(Reply::Order(order)) => order,
        other => panic!("not an order: {other:?}"),
    }
}

fn queued(reply: Result<Reply, Rejected>) -> OrderId {
    match reply {
        Ok(Reply::Shop(ShopReply::Queued(queued))) => queued.order,
        other => panic!("it does not wait: {other:?}"),
    }
}

fn news(world: &World) -> Vec<(String, OrderNews)> {
    let told = world.personal.iter().filter_map(|(_, user, event)| match &event.body {
        EventBody::Shop(ShopEvent::Order(news)) => Some((user.as_str().to_owned(), news.clone())),
        _ => None,
    });
    told.collect()
}

fn winners(world: &World) -> Vec<String> {
    let told = news(world).into_iter();
    told.filter(|(_, news)| drawn_order(news).is_some()).map(|(user, _)| user).collect()
}

const fn drawn_order(news: &OrderNews) -> Option<&OrderPlaced> {
    match news {
        OrderNews::Drawn(order) => Some(order),
        _ => None,
    }
}

const fn id_of(news: &OrderNews) -> Option<&OrderId> {
    match news {
        OrderNews::Drawn(placed) => Some(&placed.order),
        OrderNews::NotDrawn { order, .. } => Some(order),
        _ => None,
    }
}

fn last_view(world: &World) -> SaleView {
    let mut views = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::SaleUpdated(view) => Some(view.clone()),
        _ => None,
    });
    views.next_back().unwrap()
}

fn countdowns(world: &World) -> Vec<(u64, CountdownState)> {
    let shown = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::Countdown(shown) => Some((shown.open_at.unix_millis(), shown.state)),
        _ => None,
    });
    shown.collect()
}

fn drafts_seen_by(world: &mut World, role: Role) -> usize {
    let session: SessionId = world.next_session();
    let snapshot = world.join_as(session, "a", "someone", role).unwrap();
    world.leave(session);
    snapshot.shop.drafts.len()
}
