//! Goal: whatever buyers, sellers, clocks and crashes do, nobody buys early or late, nothing is sold
//! twice, no key counts twice, units and money are exact, and an auction ends when it must.
//! Method: random operations from a printed seed on one room in virtual time, against models that
//! are written in another way than the rules: they know all that was ever accepted and work out from
//! it what must be answered next. The room crashes and is read back from its journal on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    AuctionCommand, AuctionEnding, AuctionId, AuctionReply, AuctionState, Command, DrawWindow,
    LogPage, OrderState, PayWindow, Quantity, Rejected, Reply, Role, SaleCommand, SaleDuration,
    SaleId, SaleOffer, SalePolicy, SaleTerms, Seed, ShopCommand, ShopReply, SoftClose, StockCount,
};
use world::{DAWN, World, amount, auction_offer, bid, offer, order};

const SCHEDULES: u64 = 2_000;
const STEPS: usize = 260;
const USERS: [&str; 8] = ["amy", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];

#[test]
fn any_sale_does_what_its_model_says() {
    let mut reached = BTreeMap::new();
    for seed in 0..SCHEDULES {
        let mut run = SaleRun::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        add(&mut reached, &run.finish());
    }
    for outcome in [
        "placed",
        "queued",
        "early",
        "held",
        "sold out",
        "limit",
        "closed",
        "paused",
        "repeat",
        "mismatch",
        "drawn",
        "not drawn",
        "paid",
        "expired",
        "paid too late",
        "reopened",
        "crash",
        "called off",
        "postponed",
    ] {
        let times = reached.get(outcome).copied().unwrap_or(0);
        assert!(times > 50, "{outcome} was reached {times} times: {reached:?}");
    }
}

#[test]
fn any_auction_does_what_its_model_says() {
    let mut reached = BTreeMap::new();
    for seed in 0..SCHEDULES {
        let mut run = AuctionRun::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        add(&mut reached, &run.finish());
    }
    for outcome in [
        "leads",
        "beaten",
        "tie",
        "raised",
        "self",
        "low",
        "early",
        "closed",
        "repeat",
        "extended",
        "at the hard end",
        "no extension left",
        "sold",
        "unsold",
        "reserve",
        "void",
        "crash",
    ] {
        let times = reached.get(outcome).copied().unwrap_or(0);
        assert!(times > 200, "{outcome} was reached {times} times: {reached:?}");
    }
}

fn add(all: &mut BTreeMap<&'static str, u64>, some: &BTreeMap<&'static str, u64>) {
    for (outcome, times) in some {
        *all.entry(outcome).or_default() += times;
    }
}

// ---- sales ----

/// All that was ever accepted in one sale.
struct SaleModel {
    id: SaleId,
    open_at: u64,
    close_at: u64,
    stock: u32,
    per_user: u32,
    pay_within: Option<u64>,
    /// Seed, and whether the draw is to come.
    draw: Option<(Seed, u64, bool)>,
    waiting: Vec<(&'static str, u32)>,
    orders: Vec<ModelOrder>,
    early: BTreeMap<&'static str, u32>,
    keys: BTreeMap<(&'static str, u8), (u32, Reply)>,
    is_paused: bool,
    is_over: bool,
}

struct ModelOrder {
    user: &'static str,
    units: u32,
    at: u64,
    state: OrderState,
}

impl SaleModel {
    /// Lets happen what is due by `now`, oldest first.
    fn advance(&mut self, now: u64, reached: &mut BTreeMap<&'static str, u64>) {
        if let Some((_, window, true)) = self.draw
            && !self.is_over
            && now >= self.open_at + window
        {
            self.draw(self.open_at + window, reached);
        }
        let Some(pay_within) = self.pay_within else { return self.close(now) };
        let due: Vec<usize> = (0..self.orders.len())
            .filter(|index| {
                let order = &self.orders[*index];
                order.state == OrderState::Placed && order.at + pay_within <= now
            })
            .collect();
        for index in due {
            let at = self.orders[index].at + pay_within;
            self.close(at.saturating_sub(1));
            let was_sold_out = self.left() == 0 && !self.is_over;
            self.orders[index].state = OrderState::Expired;
            *reached.entry("expired").or_default() += 1;
            if was_sold_out && at < self.close_at {
                *reached.entry("reopened").or_default() += 1;
            }
        }
        self.close(now);
    }

    fn close(&mut self, now: u64) {
        if now >= self.close_at && self.left() > 0 {
            self.is_over = true;
        }
    }

    fn draw(&mut self, at: u64, reached: &mut BTreeMap<&'static str, u64>) {
        let (seed, _, to_come) = self.draw.as_mut().unwrap();
        *to_come = false;
        let id = self.id.as_str();
        let mut ranked: Vec<_> = (0..)
            .zip(std::mem::take(&mut self.waiting))
            .map(|(number, (user, units))| (seed.rank(id, user), number, user, units))
            .collect();
        ranked.sort_by_key(|(rank, number, _, _)| (*rank, *number));
        for (_, _, user, units) in ranked {
            let fits = units <= self.left();
            if fits {
                self.orders.push(ModelOrder { user, units, at, state: OrderState::Placed });
            }
            *reached.entry(if fits { "drawn" } else { "not drawn" }).or_default() += 1;
        }
    }

    fn left(&self) -> u32 {
        let stands = self.orders.iter().filter(|order| order.state != OrderState::Expired);
        self.stock - stands.map(|order| order.units).sum::<u32>()
    }

    fn held(&self, user: &str) -> u32 {
        let stands = self.orders.iter().filter(|order| order.state != OrderState::Expired);
        let orders = stands.filter(|order| order.user == user).map(|order| order.units);
        let waiting = self.waiting.iter().filter(|(who, _)| *who == user).map(|(_, units)| units);
        orders.sum::<u32>() + waiting.sum::<u32>()
    }

    /// What an order of now must be answered, and what the test counts it as.
    fn expect(&self, user: &str, units: u32, now: u64) -> (&'static str, Option<Rejected>) {
        if self.is_over {
            return ("closed", Some(Rejected::Closed("sale")));
        }
        let tries = self.early.get(user).copied().unwrap_or(0);
        let not_open = |opens_at: u64| Some(Rejected::NotOpen { opens_in_ms: opens_at - now });
        if now < self.open_at {
            let hold = if tries >= 2 { 200 } else { 0 };
            return ("early", not_open(self.open_at + hold));
        }
        if self.left() == 0 {
            return ("sold out", Some(Rejected::SoldOut { left: 0 }));
        }
        if self.is_paused {
            return ("paused", Some(Rejected::Conflict("the sale is paused")));
        }
        if tries > 2 && now < self.open_at + 200 {
            return ("held", not_open(self.open_at + 200));
        }
        if self.held(user) + units > self.per_user {
            return ("limit", Some(Rejected::LimitPerUser { per_user: self.per_user }));
        }
        if matches!(self.draw, Some((_, _, true))) {
            return ("queued", None);
        }
        if units > self.left() {
            return ("sold out", Some(Rejected::SoldOut { left: self.left() }));
        }
        ("placed", None)
    }
}

struct SaleRun {
    seed: u64,
    rng: Rng,
    world: World,
    sales: Vec<SaleModel>,
    reached: BTreeMap<&'static str, u64>,
}

impl SaleRun {
    fn new(seed: u64) -> Self {
        let world = World::new(&["a"]);
        let rng = Rng::with_seed(seed);
        Self { seed, rng, world, sales: Vec::new(), reached: BTreeMap::new() }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.reached.entry(outcome).or_default() += 1;
    }

    fn step(&mut self) {
        self.pass_time();
        match self.rng.u8(0..40) {
            0..=1 => self.announce(),
            2..=4 => self.pay(),
            5 => self.steer(),
            6 if self.rng.u8(0..4) == 0 => {
                self.world.crash("a", &mut self.rng);
                // Who was only refused is forgotten, and so is what it would have cost them.
                for sale in &mut self.sales {
                    sale.early.clear();
                }
                self.count("crash");
            }
            _ => self.order(),
        }
    }

    /// Often to the edge of something, sometimes without letting timers run.
    fn pass_time(&mut self) {
        let now = self.world.now;
        let edges = self.sales.iter().flat_map(|sale| {
            let draw =
                sale.draw.as_ref().map_or(sale.open_at, |(_, window, _)| sale.open_at + window);
            let pay = sale.orders.last().map_or(draw, |order| order.at + 10_000);
            [sale.open_at, sale.open_at + 200, draw, pay, sale.close_at]
        });
        let near: Vec<u64> = edges.filter(|edge| (now..now + 8_000).contains(edge)).collect();
        let span = match (self.rng.u8(0..10), near.is_empty()) {
            (0..=5, _) => 0,
            (6 | 7, _) | (_, true) => self.rng.u64(0..400),
            (_, false) => {
                let edge = near[self.rng.usize(0..near.len())] + self.rng.u64(0..3);
                edge.saturating_sub(1).max(now) - now
            }
        };
        if self.rng.bool() {
            self.world.run_for(span);
        } else {
            self.world.now += span;
        }
        let now = self.world.now;
        for sale in &mut self.sales {
            sale.advance(now, &mut self.reached);
        }
    }

    fn announce(&mut self) {
        let running = self.sales.iter().filter(|sale| !sale.is_over && sale.left() > 0).count();
        if running >= 3 || self.sales.len() >= 9 {
            return;
        }
        let window = self.rng.bool().then(|| self.rng.u32(500..=1_500));
        let mut bytes = [0; 32];
        self.rng.fill(&mut bytes);
        let seed = Seed::new(bytes);
        let policy = window.map_or(SalePolicy::Arrival, |window| SalePolicy::LotteryWindow {
            window: DrawWindow::new(window).unwrap(),
            seed: Some(seed),
        });
        let pay_within = self.rng.bool().then_some(10_000);
        let terms = SaleTerms {
            policy,
            pay_within: pay_within.and_then(PayWindow::new),
            ..SaleTerms::default()
        };
        let (stock, per_user) = (self.rng.u32(1..12), self.rng.u32(1..5));
        let (lead, open_for) = (self.rng.u64(2_000..4_000), self.rng.u32(2_000..40_000));
        let offer = SaleOffer {
            stock: StockCount::new(stock).unwrap(),
            per_user: Quantity::new(per_user).unwrap(),
            lead: Duration::from_millis(lead),
            open_for: SaleDuration::new(open_for).unwrap(),
            terms,
            ..offer(1, 1)
        };
        let now = self.world.now;
        let reply = self.world.command_by("a", "host", Role::Host, Command::SaleAnnounce(offer));
        let Ok(Reply::Sale { sale: id, .. }) = reply else { return };
        self.sales.push(SaleModel {
            id,
            open_at: now + lead,
            close_at: now + lead + u64::from(open_for),
            stock,
            per_user,
            pay_within: pay_within.map(u64::from),
            draw: window.map(|window| (seed, window.into(), true)),
            waiting: Vec::new(),
            orders: Vec::new(),
            early: BTreeMap::new(),
            keys: BTreeMap::new(),
            is_paused: false,
            is_over: false,
        });
    }

    fn order(&mut self) {
        if self.sales.is_empty() {
            return;
        }
        let index = self.rng.usize(self.sales.len().saturating_sub(3)..self.sales.len());
        let user = USERS[self.rng.usize(0..USERS.len())];
        let (key, units, now) = (self.rng.u8(0..8), self.rng.u32(1..=3), self.world.now);
        let text = format!("s{index}-{key}");
        let place = order(&self.sales[index].id, units, &text);
        let reply = self.world.command_by("a", user, Role::Viewer, place);
        let sale = &mut self.sales[index];
        let context =
            format!("seed {}, sale {index}, {user} orders {units} at {}", self.seed, now - DAWN);
        if let Some((before, answer)) = sale.keys.get(&(user, key)) {
            if *before == units {
                assert_eq!(reply.as_ref(), Ok(answer), "{context}");
                self.count("repeat");
            } else {
                assert_eq!(reply, Err(Rejected::IdempotencyMismatch), "{context}");
                self.count("mismatch");
            }
            return;
        }
        if reply == Err(Rejected::RateLimited) {
            return;
        }
        let (outcome, rejected) = sale.expect(user, units, now);
        if let Some(rejected) = rejected {
            assert_eq!(reply, Err(rejected), "{context}");
            if outcome == "early" {
                *sale.early.entry(user).or_default() += 1;
            }
        } else {
            assert!(now >= sale.open_at && now < sale.close_at, "{context}: out of time");
            let answer = reply.unwrap_or_else(|error| panic!("{context}: {error}"));
            match &answer {
                Reply::Order(placed) => {
                    assert_eq!(outcome, "placed", "{context}");
                    sale.orders.push(ModelOrder {
                        user,
                        units,
                        at: now,
                        state: OrderState::Placed,
                    });
                    let (seq, left) = (sale.orders.len() as u64, sale.left());
                    assert_eq!((placed.seq, placed.stock), (seq, left), "{context}");
                    let pay_by = sale.pay_within.map(|within| now + within);
                    assert_eq!(placed.pay_by.map(|at| at.unix_millis()), pay_by, "{context}");
                }
                Reply::Shop(ShopReply::Queued(queued)) => {
                    assert_eq!(outcome, "queued", "{context}");
                    sale.waiting.push((user, units));
                    let (_, window, _) = sale.draw.as_ref().unwrap();
                    assert_eq!(queued.decided_at.unix_millis(), sale.open_at + window, "{context}");
                }
                other => panic!("{context}: {other:?}"),
            }
            sale.keys.insert((user, key), (units, answer));
        }
        self.count(outcome);
    }

    fn pay(&mut self) {
        let Some(index) = (0..self.sales.len()).next_back() else { return };
        let log = self.world.room("a").sale_log(&self.sales[index].id, LogPage::default()).unwrap();
        if log.orders.is_empty() {
            return;
        }
        let nth = self.rng.usize(0..log.orders.len());
        let paid = of_sale(SaleCommand::Paid(log.orders[nth].order.clone()));
        let reply = self.world.command_by("a", "till", Role::Admin, paid);
        let order = &mut self.sales[index].orders[nth];
        if order.state == OrderState::Expired {
            assert_eq!(reply, Err(Rejected::Expired("order")), "seed {}", self.seed);
            self.count("paid too late");
        } else {
            assert_eq!(reply, Ok(Reply::Done), "seed {}", self.seed);
            order.state = OrderState::Paid;
            self.count("paid");
        }
    }

    /// Pauses, resumes, postpones, calls off or closes the last sale.
    fn steer(&mut self) {
        let Some(index) = (0..self.sales.len()).next_back() else { return };
        let (id, now) = (self.sales[index].id.clone(), self.world.now);
        let by = Duration::from_millis(self.rng.u64(0..3_000));
        let what = self.rng.u8(0..8);
        let command = match what {
            0 | 1 => of_sale(SaleCommand::Pause(id)),
            2..=4 => of_sale(SaleCommand::Resume(id)),
            5 => of_sale(SaleCommand::Postpone { sale: id, by }),
            6 => of_sale(SaleCommand::Close(id)),
            _ => Command::SaleCancel(id),
        };
        let reply = self.world.command_by("a", "host", Role::Host, command);
        let sale = &mut self.sales[index];
        let is_open = now >= sale.open_at && !sale.is_over && sale.left() > 0;
        let awaits_draw = matches!(sale.draw, Some((_, _, true)));
        let postponed = (now < sale.open_at && !sale.is_over)
            .then(|| sale.open_at + u64::try_from(by.as_millis()).unwrap())
            .filter(|open_at| *open_at >= now + 2_000);
        let may = match what {
            0 | 1 => is_open && !sale.is_paused && !awaits_draw,
            2..=4 => is_open && sale.is_paused,
            5 => postponed.is_some(),
            6 => now >= sale.open_at && !sale.is_over,
            _ => !sale.is_over && (now < sale.open_at || sale.left() > 0),
        };
        assert_eq!(reply.is_ok(), may, "seed {}: {what} {reply:?}", self.seed);
        if !may {
            return;
        }
        match what {
            0 | 1 => sale.is_paused = true,
            2..=4 => sale.is_paused = false,
            5 => {
                sale.close_at += postponed.unwrap() - sale.open_at;
                sale.open_at = postponed.unwrap();
                self.count("postponed");
            }
            6 => {
                if awaits_draw {
                    sale.draw(now, &mut self.reached);
                }
                sale.is_over = true;
            }
            _ => {
                sale.waiting.clear();
                sale.is_over = true;
                self.count("called off");
            }
        }
    }

    fn finish(mut self) -> BTreeMap<&'static str, u64> {
        self.world.run_for(120_000);
        let now = self.world.now;
        for sale in &mut self.sales {
            sale.advance(now, &mut self.reached);
            let log = self.world.room("a").sale_log(&sale.id, LogPage::default()).unwrap();
            assert_eq!(log.sale.left, sale.left(), "seed {}: {}", self.seed, sale.id);
            let state =
                |order: &ModelOrder| (order.user.to_owned(), order.units, order.at, order.state);
            let told = log.orders.iter().map(|order| {
                (order.user.as_str().to_owned(), order.units, order.at.unix_millis(), order.state)
            });
            assert!(told.eq(sale.orders.iter().map(state)), "seed {}: {}", self.seed, sale.id);
            assert!(sale.waiting.is_empty() || sale.is_over);
        }
        self.reached
    }
}

fn of_sale(command: SaleCommand) -> Command {
    Command::Shop(ShopCommand::Sale(command))
}

// ---- auctions ----

/// Everything that was ever bid: who, how high at most, and what was bid at once.
struct AuctionModel {
    id: AuctionId,
    start_at: u64,
    end_at: u64,
    soft: Option<(u64, u64, u32, Option<u64>)>,
    extensions: u32,
    reserve: Option<u64>,
    bids: Vec<(&'static str, u64)>,
    price: u64,
    count: u64,
    keys: BTreeMap<(&'static str, u8), Reply>,
    is_void: bool,
}

const STEP: u64 = 100;

impl AuctionModel {
    /// The highest highest bid; of equal ones the earliest.
    fn leader(&self) -> Option<(&'static str, u64)> {
        let best = self.bids.iter().map(|(_, max)| *max).max()?;
        self.bids.iter().find(|(_, max)| *max == best).copied()
    }

    fn best_of_others(&self, leader: &str) -> Option<u64> {
        self.bids.iter().filter(|(user, _)| *user != leader).map(|(_, max)| *max).max()
    }

    fn next(&self) -> u64 {
        if self.bids.is_empty() { 100 } else { self.price + STEP }
    }

    fn expect(&self, user: &str, bid: u64, max: Option<u64>, now: u64) -> Option<Rejected> {
        if self.is_void || now >= self.end_at {
            return Some(Rejected::Closed("auction"));
        }
        if now < self.start_at {
            return Some(Rejected::NotOpen { opens_in_ms: self.start_at - now });
        }
        if let Some((leader, best)) = self.leader()
            && leader == user
        {
            return max.is_none_or(|max| max <= best).then_some(Rejected::SelfOutbid);
        }
        (bid < self.next()).then_some(Rejected::BidTooLow { min: self.next() })
    }

    /// Takes a bid; returns what the test counts it as.
    fn take(&mut self, user: &'static str, bid: u64, max: Option<u64>) -> &'static str {
        let before = self.leader();
        let max = max.unwrap_or(bid).max(bid);
        self.bids.push((user, max));
        self.count += 1;
        let (leader, best) = self.leader().unwrap();
        let raised = before.is_some_and(|(before, _)| before == user);
        if !raised {
            // The least that keeps the leader in the lead, and no less than anybody has bid.
            let to_beat = self.best_of_others(leader).map_or(0, |others| others + STEP);
            self.price = self.price.max(bid).max(to_beat.min(best));
        }
        if self.reserve.is_some_and(|reserve| best >= reserve) {
            self.price = self.price.max(self.reserve.unwrap());
        }
        match (raised, leader == user) {
            (true, _) => "raised",
            (false, true) => "leads",
            (false, false) if best == max => "tie",
            (false, false) => "beaten",
        }
    }

    /// Puts the end off as announced; returns what the test counts it as.
    fn put_off(&mut self, now: u64) -> Option<&'static str> {
        let (window, extension, most, hard_end) = self.soft?;
        if self.end_at - now > window {
            return None;
        }
        if self.extensions >= most {
            return Some("no extension left");
        }
        let end = (now + extension).min(hard_end.unwrap_or(u64::MAX));
        if end <= self.end_at {
            return (hard_end == Some(self.end_at)).then_some("at the hard end");
        }
        self.end_at = end;
        self.extensions += 1;
        Some("extended")
    }
}

struct AuctionRun {
    seed: u64,
    rng: Rng,
    world: World,
    auctions: Vec<AuctionModel>,
    reached: BTreeMap<&'static str, u64>,
}

impl AuctionRun {
    fn new(seed: u64) -> Self {
        let world = World::new(&["a"]);
        let rng = Rng::with_seed(seed);
        Self { seed, rng, world, auctions: Vec::new(), reached: BTreeMap::new() }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.reached.entry(outcome).or_default() += 1;
    }

    fn step(&mut self) {
        self.pass_time();
        match self.rng.u8(0..60) {
            0..=1 => self.open(),
            2 if self.rng.bool() => self.cancel(),
            3 if self.rng.bool() => {
                self.world.crash("a", &mut self.rng);
                self.count("crash");
            }
            _ => self.bid(),
        }
    }

    fn pass_time(&mut self) {
        let now = self.world.now;
        let edges = self.auctions.iter().flat_map(|auction| {
            let window = auction.soft.map_or(0, |(window, ..)| window);
            [auction.start_at, auction.end_at - window, auction.end_at]
        });
        let near: Vec<u64> = edges.filter(|edge| (now..now + 12_000).contains(edge)).collect();
        let span = match (self.rng.u8(0..12), near.is_empty()) {
            (0..=5, _) => self.rng.u64(0..60),
            (6..=8, _) | (_, true) => self.rng.u64(0..900),
            (_, false) => {
                let edge = near[self.rng.usize(0..near.len())] + self.rng.u64(0..3);
                edge.saturating_sub(1).max(now) - now
            }
        };
        if self.rng.bool() {
            self.world.run_for(span);
        } else {
            self.world.now += span;
        }
    }

    fn open(&mut self) {
        let now = self.world.now;
        let running = |auction: &&AuctionModel| !auction.is_void && now < auction.end_at;
        if self.auctions.iter().filter(running).count() >= 2 || self.auctions.len() >= 9 {
            return;
        }
        let mut offer = auction_offer();
        let lead = [0, self.rng.u64(2_000..4_000)][self.rng.usize(0..2)];
        let long = self.rng.u32(5_000..20_000);
        let reserve = self.rng.bool().then(|| self.rng.u64(100..3_000));
        let millis = Duration::from_millis;
        let soft = (self.rng.u8(0..4) > 0).then(|| {
            let limit = self.rng.bool().then(|| self.rng.u64(5_000..30_000));
            (self.rng.u64(1_000..8_000), self.rng.u64(1_000..8_000), self.rng.u32(1..5), limit)
        });
        offer.lead = millis(lead);
        offer.open_for = room_rules::AuctionDuration::new(long).unwrap();
        offer.reserve = reserve.map(amount);
        offer.ending =
            soft.map_or(AuctionEnding::SuddenDeath, |(window, extension, most, limit)| {
                let limit = limit.map(millis);
                AuctionEnding::Soft(
                    SoftClose::new(millis(window), millis(extension), most, limit).unwrap(),
                )
            });
        let open = of_auction(AuctionCommand::Open(Box::new(offer)));
        let reply = self.world.command_by("a", "host", Role::Host, open);
        let Ok(Reply::Shop(ShopReply::Auction(AuctionReply::Opened { auction: id, .. }))) = reply
        else {
            return;
        };
        let start_at = now + lead;
        let soft = soft.map(|(window, extension, most, limit)| {
            (window, extension, most, limit.map(|limit| start_at + limit))
        });
        let hard_end = soft.and_then(|(.., hard_end)| hard_end).unwrap_or(u64::MAX);
        self.auctions.push(AuctionModel {
            id,
            start_at,
            end_at: (start_at + u64::from(long)).min(hard_end),
            soft,
            extensions: 0,
            reserve,
            bids: Vec::new(),
            price: 0,
            count: 0,
            keys: BTreeMap::new(),
            is_void: false,
        });
    }

    fn bid(&mut self) {
        let Some(index) = self.auctions.len().checked_sub(1) else { return };
        let index = index - self.rng.usize(0..=index.min(1));
        let user = USERS[self.rng.usize(0..USERS.len())];
        let (key, now) = (self.rng.u8(0..30), self.world.now);
        let auction = &mut self.auctions[index];
        let best = auction.leader().map_or(100, |(_, best)| best);
        let offered = match self.rng.u8(0..8) {
            0 => auction.next().saturating_sub(1),
            1..=4 => auction.next(),
            _ => auction.next() + self.rng.u64(0..500),
        };
        let max = match self.rng.u8(0..6) {
            0 | 1 => None,
            2 | 3 => Some(best.max(offered)),
            _ => Some(offered + self.rng.u64(0..900)),
        };
        let place = bid(&auction.id, offered, max, &format!("a{index}-{key}"));
        let reply = self.world.command_by("a", user, Role::Viewer, place);
        let context = format!(
            "seed {}, auction {index}, {user} bids {offered} {max:?} at {}",
            self.seed,
            now - DAWN
        );
        if let Some(before) = auction.keys.get(&(user, key)) {
            assert!(
                reply.as_ref() == Ok(before) || reply == Err(Rejected::IdempotencyMismatch),
                "{context}"
            );
            self.count("repeat");
            return;
        }
        if reply == Err(Rejected::RateLimited) {
            return;
        }
        if let Some(rejected) = auction.expect(user, offered, max, now) {
            assert_eq!(reply, Err(rejected), "{context}");
            self.count(match rejected {
                Rejected::SelfOutbid => "self",
                Rejected::BidTooLow { .. } => "low",
                Rejected::NotOpen { .. } => "early",
                _ => "closed",
            });
            return;
        }
        assert!(now >= auction.start_at && now < auction.end_at, "{context}: out of time");
        let answer = reply.unwrap_or_else(|error| panic!("{context}: {error}"));
        let Reply::Shop(ShopReply::Auction(AuctionReply::Bid(placed))) = &answer else {
            panic!("{context}: {answer:?}");
        };
        let outcome = auction.take(user, offered, max);
        let put_off = auction.put_off(now);
        let (leader, best) = auction.leader().unwrap();
        assert_eq!(placed.leading, leader == user, "{context}");
        assert_eq!((placed.bid, placed.price), (auction.count, amount(auction.price)), "{context}");
        assert_eq!(placed.end_at.unix_millis(), auction.end_at, "{context}");
        assert!(auction.price <= best, "{context}: nobody pays more than they said");
        auction.keys.insert((user, key), answer);
        self.count(outcome);
        if let Some(put_off) = put_off {
            self.count(put_off);
        }
    }

    fn cancel(&mut self) {
        let Some(auction) = self.auctions.last_mut() else { return };
        let role = [Role::Host, Role::Admin, Role::Viewer][self.rng.usize(0..3)];
        let is_over = auction.is_void || self.world.now >= auction.end_at;
        let may = match role {
            Role::Admin => !is_over,
            Role::Host => !is_over && auction.count == 0,
            _ => false,
        };
        let cancel = of_auction(AuctionCommand::Cancel(auction.id.clone()));
        let reply = self.world.command_by("a", "boss", role, cancel);
        assert_eq!(reply.is_ok(), may, "seed {}: {role:?} {reply:?}", self.seed);
        if may {
            auction.is_void = true;
            self.count("void");
        }
    }

    fn finish(mut self) -> BTreeMap<&'static str, u64> {
        self.world.run_for(200_000);
        for index in 0..self.auctions.len() {
            let auction = &self.auctions[index];
            let log = self.world.room("a").auction_log(&auction.id, LogPage::default()).unwrap();
            let met = auction.reserve.is_none_or(|reserve| auction.price >= reserve);
            let state = match (auction.is_void, auction.count) {
                (true, _) => AuctionState::Void,
                (false, 0) => AuctionState::Unsold,
                (false, _) if met => AuctionState::Sold,
                (false, _) => AuctionState::Unsold,
            };
            let price = &log.auction.price;
            let context = format!("seed {}: {}", self.seed, auction.id);
            assert_eq!(log.auction.state, state, "{context}");
            assert_eq!(
                (price.bids, price.extensions),
                (auction.count, auction.extensions),
                "{context}"
            );
            assert_eq!(price.end_at.unix_millis(), auction.end_at, "{context}");
            let outcome = match (state, auction.reserve) {
                (AuctionState::Sold, None) => "sold",
                (AuctionState::Sold, Some(_)) => "reserve",
                (AuctionState::Unsold, _) => "unsold",
                _ => continue,
            };
            self.count(outcome);
        }
        self.reached
    }
}

fn of_auction(command: AuctionCommand) -> Command {
    Command::Shop(ShopCommand::Auction(command))
}
