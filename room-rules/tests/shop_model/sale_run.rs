//! Sellers, buyers and crashes at random, and what each was answered.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    Command, DrawWindow, LogPage, OrderState, PayWindow, Quantity, Rejected, Reply, Role,
    SaleCommand, SaleDuration, SaleOffer, SalePolicy, SaleTerms, Seed, ShopCommand, ShopReply,
    StockCount,
};

use crate::USERS;
use crate::sale_model::{ModelOrder, SaleModel};
use crate::world::{DAWN, World, offer, order};

pub(crate) struct SaleRun {
    seed: u64,
    rng: Rng,
    world: World,
    sales: Vec<SaleModel>,
    reached: BTreeMap<&'static str, u64>,
}

impl SaleRun {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(&["a"]);
        let rng = Rng::with_seed(seed);
        Self { seed, rng, world, sales: Vec::new(), reached: BTreeMap::new() }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.reached.entry(outcome).or_default() += 1;
    }

    pub(crate) fn step(&mut self) {
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

    pub(crate) fn finish(mut self) -> BTreeMap<&'static str, u64> {
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
