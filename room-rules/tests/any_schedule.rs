//! Goal: whatever members, media, clocks and the post between rooms do, the promises hold.
//! Method: random schedules over two rooms from a printed seed, in virtual time; the rooms check
//! their own invariants after every step, and a plain model checks what was said. Each kind of
//! interesting outcome must be reached by many schedules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    Amend, BattlePlan, BattleState, BattleTerms, Command, CouponClaim, CouponCommand, CouponId,
    CouponReply, Event, EventBody, GiveawayCommand, GiveawayReply, LikeCount, LinkKind,
    LotteryEntry, LotteryId, LotteryOffer, MediaChange, PacketClaim, PacketId, PacketOffer,
    PkCommand, ProductChange, ProductCommand, ProductId, QuizAnswer, QuizCommand, QuizId,
    QuizReply, Reply, Role, RoomId, SaleId, SaleOffer, SaleState, SaleView, SeatCommand, SeatPick,
    Seed, ServerTime, SessionId, ShopCommand, ShopReply, Snapshot, Stream, UserId,
};
use world::{
    World, chat, coupons, gift, idem, lottery, offer, order, packet, product, quiz, room, user,
};

const SCHEDULES: u64 = 5_000;
const STEPS: usize = 120;

#[test]
fn any_schedule_keeps_the_promises() {
    let mut reached = Reached::default();
    for seed in 0..SCHEDULES {
        let mut schedule = Schedule::new(seed);
        for _ in 0..STEPS {
            schedule.step();
        }
        schedule.finish(&mut reached);
    }

    assert!(reached.orders > 2_000, "schedules must reach open sales: {reached:?}");
    assert!(reached.sold_out > 100, "some sales must sell out: {reached:?}");
    assert!(reached.lucky > 500, "shares must be claimed and lotteries entered: {reached:?}");
    assert!(reached.shown > 500, "products must be shown: {reached:?}");
    assert!(reached.played > 500, "coupons and questions must be answered: {reached:?}");
    assert!(reached.repeats > 500, "keys must be repeated");
    assert!(reached.battles > 1_000, "battles must begin");
    assert!(reached.scores > 1_000, "gifts must score in both rooms");
    assert!(reached.seats > 1_000, "guests must get on air");
    assert!(reached.crashes > 1_000, "rooms must crash: {reached:?}");
    assert!(reached.crashed_sales > 300, "sales must outlive a crash: {reached:?}");
    assert!(reached.crashed_battles > 100, "battles must outlive a crash: {reached:?}");
}

#[derive(Debug, Default)]
struct Reached {
    lucky: u64,
    shown: u64,
    played: u64,
    orders: u64,
    sold_out: u64,
    repeats: u64,
    battles: u64,
    scores: u64,
    seats: u64,
    crashes: u64,
    /// Crashes in the middle of a sale, and of a battle.
    crashed_sales: u64,
    crashed_battles: u64,
}

const OBSERVER: SessionId = SessionId(u64::MAX);

/// Chat and totals do not survive a crash.
fn is_durable(event: &&Event) -> bool {
    !matches!(event.body.stream(), Stream::Chat | Stream::React)
}

/// What an observer sees of a room, but for what a crash may take; `None` if it lets nobody in.
fn view(world: &mut World, in_room: &str) -> Option<Snapshot> {
    let now = world::at(world.now);
    let room = world.room_mut(in_room);
    let seen = room.handle_join(OBSERVER, world::member("observer", Role::Admin), now).ok();
    assert_eq!(room.handle_leave(OBSERVER, now), None);
    world.drain();
    seen.map(without_the_fleeting)
}

fn without_the_fleeting(mut snapshot: Snapshot) -> Snapshot {
    snapshot.chat.clear();
    (snapshot.reactions.online, snapshot.reactions.likes) = (0, 0);
    (snapshot.watermarks.chat, snapshot.watermarks.react) = (0, 0);
    snapshot
}

fn first_difference(told: &[&Event], again: &[&Event]) -> String {
    let at = told.iter().zip(again).position(|(a, b)| a != b);
    let at = at.unwrap_or_else(|| told.len().min(again.len()));
    format!("event {at}: {:?}, then {:?}", told.get(at), again.get(at))
}

/// Sequence and units of an accepted order, by user and key.
type SaleOrders = BTreeMap<(String, String), (u64, u32)>;

/// One seed's run and what the model knows of it.
struct Schedule {
    seed: u64,
    rng: Rng,
    world: World,
    people: Vec<(SessionId, &'static str, UserId, Role)>,
    sales: Vec<SaleId>,
    /// Accepted orders by sale.
    orders: BTreeMap<String, SaleOrders>,
    /// Answers by room, user and key of a gift.
    gifts: BTreeMap<(String, String, String), Reply>,
    coins: BTreeMap<&'static str, u64>,
    packets: Vec<PacketId>,
    lotteries: Vec<LotteryId>,
    products: Vec<ProductId>,
    coupons: Vec<CouponId>,
    quizzes: Vec<QuizId>,
    shown: u64,
    played: u64,
    /// Shares and entries.
    lucky: u64,
    repeats: u64,
    crashes: u64,
    crashed_sales: u64,
    crashed_battles: u64,
    /// When a letter was lost last.
    lost_at: u64,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&["a", "b"]);
        let mut people = Vec::new();
        for (in_room, host, others) in
            [("a", "alice", ["amy", "abe", "ann"]), ("b", "ben", ["bea", "bob", "bud"])]
        {
            people.push((world.live_host(in_room, host), in_room, user(host), Role::Host));
            for (name, role) in others.into_iter().zip([Role::Viewer, Role::Viewer, Role::Guest]) {
                people.push((world.join(in_room, name, role), in_room, user(name), role));
            }
        }
        Self {
            seed,
            rng: Rng::with_seed(seed),
            world,
            people,
            sales: Vec::new(),
            orders: BTreeMap::new(),
            gifts: BTreeMap::new(),
            coins: BTreeMap::new(),
            packets: Vec::new(),
            lotteries: Vec::new(),
            products: Vec::new(),
            coupons: Vec::new(),
            quizzes: Vec::new(),
            shown: 0,
            played: 0,
            lucky: 0,
            repeats: 0,
            crashes: 0,
            crashed_sales: 0,
            crashed_battles: 0,
            lost_at: 0,
        }
    }

    fn step(&mut self) {
        if self.rng.u8(0..4) == 0 {
            let span = [1, 50, 300, 1_000, 3_000, 11_000][self.rng.usize(0..6)];
            self.world.run_for(self.rng.u64(0..=span));
        }
        let who = self.rng.usize(0..self.people.len());
        let (session, in_room, name, role) = self.people[who].clone();
        match self.rng.u8(0..25) {
            0 => self.interrupt(in_room, &name, role),
            1 => {
                self.world.leave(session);
                self.people[who].0 = self.world.next_session();
                let session = self.people[who].0;
                // An ended room lets nobody in, and the schedule goes on without this member.
                if self.world.join_as(session, in_room, name.as_str(), role).is_err() {
                    self.people.remove(who);
                    if self.people.is_empty() {
                        *self = Self::new(self.seed + SCHEDULES);
                    }
                }
            }
            2 => self.disturb_the_post(),
            3..=6 => self.place_order(session, &name),
            7..=10 => self.give(session, in_room, &name),
            11..=14 => self.battle(session, in_room),
            15..=17 => self.seat(session, in_room, &name, role),
            18 => {
                let stock = self.rng.u32(1..6);
                // Too little time to hear of it is refused, and must leave no trace.
                let soon = SaleOffer { lead: Duration::from_secs(1), ..offer(stock, 2) };
                assert!(self.world.command(session, Command::SaleAnnounce(soon)).is_err());
                let announce = Command::SaleAnnounce(offer(stock, 2));
                if let Ok(Reply::Sale { sale, .. }) = self.world.command(session, announce) {
                    self.sales.push(sale);
                }
            }
            19 => self.luck(session),
            20 | 21 => self.show(session),
            22 | 23 => self.play(session),
            _ => {
                let talk = chat("hello");
                let _ = self.world.command(session, talk);
                let like = Command::Like(LikeCount::new(1).unwrap());
                let _ = self.world.command(session, like);
                if self.rng.u8(0..40) == 0 {
                    let _ = self.world.command(session, Command::RoomEnd);
                }
                if self.rng.u8(0..6) == 0 {
                    self.crash(in_room);
                }
            }
        }
    }

    /// Hosts give coupons away and ask questions, the others claim and answer.
    fn play(&mut self, session: SessionId) {
        let key = idem(&format!("p{}", self.rng.u8(..)));
        let command = match (self.rng.u8(0..7), self.coupons.last(), self.quizzes.last()) {
            (0 | 1, Some(coupon), _) => ShopCommand::Coupon(CouponCommand::Claim(CouponClaim {
                coupon: coupon.clone(),
                keyword: None,
                idem: key,
            })),
            (2 | 3, _, Some(quiz)) => ShopCommand::Quiz(QuizCommand::Answer(QuizAnswer {
                quiz: quiz.clone(),
                question: self.rng.u32(1..3),
                option: self.rng.u8(0..2),
                idem: key,
            })),
            (4 | 5, _, Some(quiz)) => ShopCommand::Quiz(QuizCommand::Next(quiz.clone())),
            (0..4, ..) => ShopCommand::Coupon(CouponCommand::Issue(Box::new(coupons()))),
            _ => ShopCommand::Quiz(QuizCommand::Open(Box::new(quiz()))),
        };
        match self.world.command(session, Command::Shop(command)) {
            Ok(Reply::Shop(ShopReply::Coupon(CouponReply::Issued { coupon, .. }))) => {
                self.coupons.push(coupon);
            }
            Ok(Reply::Shop(ShopReply::Quiz(QuizReply::Opened { quiz }))) => self.quizzes.push(quiz),
            Ok(_) => self.played += 1,
            Err(_) => {}
        }
    }

    /// Hosts show products.
    fn show(&mut self, session: SessionId) {
        let command = match (self.rng.u8(0..6), self.rng.choice(self.products.clone())) {
            (0 | 1, _) | (_, None) => ProductCommand::Add(Box::new(product())),
            (2, Some(product)) => ProductCommand::Pin(product),
            (3, Some(product)) => ProductCommand::ExplainStart(product),
            (4, Some(product)) => {
                let stock = Amend::To(self.rng.u32(0..9));
                let change = Box::new(ProductChange { stock, ..ProductChange::default() });
                ProductCommand::Update { product, rev: None, change }
            }
            (_, Some(product)) => ProductCommand::Remove(product),
        };
        let command = Command::Shop(ShopCommand::Product(command));
        match self.world.command(session, command) {
            Ok(Reply::Shop(ShopReply::Product(placed))) => {
                if !self.products.contains(&placed.product) {
                    self.products.push(placed.product);
                }
                self.shown += 1;
            }
            Ok(_) => self.shown += 1,
            Err(_) => {}
        }
    }

    /// Hosts give things away, the others take.
    fn luck(&mut self, session: SessionId) {
        let seed = Some(Seed::new([self.rng.u8(..); 32]));
        let key = idem(&format!("l{}", self.rng.u8(..)));
        let command = match (self.rng.u8(0..4), self.packets.last(), self.lotteries.last()) {
            (0, Some(packet), _) => GiveawayCommand::PacketClaim(PacketClaim {
                packet: packet.clone(),
                keyword: None,
                idem: key,
            }),
            (1, _, Some(lottery)) => GiveawayCommand::LotteryEnter(LotteryEntry {
                lottery: lottery.clone(),
                keyword: None,
                idem: key,
            }),
            (0 | 2, ..) => GiveawayCommand::PacketOpen(Box::new(PacketOffer { seed, ..packet() })),
            _ => GiveawayCommand::LotteryOpen(Box::new(LotteryOffer { seed, ..lottery() })),
        };
        match self.world.command(session, Command::Giveaway(command)) {
            Ok(Reply::Giveaway(GiveawayReply::PacketOpened { packet, .. })) => {
                self.packets.push(packet);
            }
            Ok(Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, .. })) => {
                self.lotteries.push(lottery);
            }
            Ok(Reply::Giveaway(_)) => self.lucky += 1,
            _ => {}
        }
    }

    fn crash(&mut self, in_room: &'static str) {
        self.check_replay(in_room);
        let before = view(&mut self.world, in_room);
        self.world.crash(in_room, &mut self.rng);
        let after = view(&mut self.world, in_room);
        if let (Some(before), Some(after)) = (before, after) {
            assert_eq!(
                before.sales, after.sales,
                "seed {}: a crash is no end of a sale",
                self.seed
            );
            let pk = |snapshot: &Snapshot| snapshot.battle.as_ref().map(|battle| battle.pk.clone());
            let other = view(&mut self.world, if in_room == "a" { "b" } else { "a" });
            // Letters that were lost may have left one room in a battle that the other is not in, or in
            // another state; a room that begins anew writes them again.
            let is_calm = self.world.now > self.lost_at + 10_000;
            if is_calm && other.is_some_and(|other| pk(&other) == pk(&before)) {
                let still = |snapshot: &Snapshot| {
                    let battle = snapshot.battle.clone()?;
                    Some((battle.pk, battle.state, battle.start_at, battle.end_at))
                };
                assert_eq!(still(&before), still(&after), "seed {}: nor of a battle", self.seed);
            }
            let is_open = |sale: &SaleView| sale.state == SaleState::Open;
            self.crashed_sales += u64::from(after.sales.iter().any(is_open));
            self.crashed_battles += u64::from(after.battle.is_some());
        }
        self.crashes += 1;
    }

    /// The journal of a room makes the same room again, and the same events on all streams that
    /// follow from it.
    fn check_replay(&mut self, in_room: &'static str) {
        let (mut replayed, events) = self.world.replay(in_room, &mut self.rng);
        let told = self.world.events.iter().filter(|(id, _)| *id == room(in_room));
        let told: Vec<&Event> = told.map(|(_, event)| event).filter(is_durable).collect();
        let again: Vec<&Event> = events.iter().filter(is_durable).collect();
        assert!(told == again, "seed {}: {}", self.seed, first_difference(&told, &again));
        let now = world::at(self.world.now);
        let again = replayed.handle_join(OBSERVER, world::member("observer", Role::Admin), now);
        let again = again.ok().map(without_the_fleeting);
        assert_eq!(view(&mut self.world, in_room), again, "seed {}", self.seed);
        assert_eq!(replayed.stage(), self.world.room(in_room).stage(), "seed {}", self.seed);
    }

    fn interrupt(&mut self, in_room: &str, name: &UserId, role: Role) {
        // One user may hold tokens of several roles.
        let role = if self.rng.u8(0..8) == 0 { Role::ALL[self.rng.usize(0..6)] } else { role };
        if self.rng.bool() {
            self.world.media(in_room, name.as_str(), MediaChange::Stopped);
        }
        if self.world.may_publish(in_room, name.as_str(), role).is_ok() && self.rng.u8(0..5) > 0 {
            self.world.media(in_room, name.as_str(), MediaChange::Started);
        }
    }

    fn disturb_the_post(&mut self) {
        self.world.post_runs = false;
        let (session, in_room, name, _) = self.people[self.rng.usize(0..self.people.len())].clone();
        self.battle(session, in_room);
        self.give(session, in_room, &name);
        match self.rng.u8(0..3) {
            0 => self.world.run_for(self.rng.u64(0..400)),
            1 => self.world.repeat_letter(self.rng.usize(0..10)),
            _ => {
                self.world.lose_letter(self.rng.usize(0..10));
                self.lost_at = self.world.now;
            }
        }
        self.world.post_runs = true;
        self.world.drain();
    }

    fn place_order(&mut self, session: SessionId, name: &UserId) {
        let Some(sale) = self.rng.choice(self.sales.clone()) else { return };
        let key = format!("k{}-{sale}", self.rng.u8(0..4));
        let key = key[..key.len().min(64)].to_owned();
        let units = self.rng.u32(1..=2);
        let Ok(Reply::Order(placed)) = self.world.command(session, order(&sale, units, &key))
        else {
            return;
        };
        let orders = self.orders.entry(sale.as_str().to_owned()).or_default();
        let id = (name.as_str().to_owned(), key);
        let now = (placed.seq, placed.quantity.number());
        if let Some(before) = orders.insert(id, now) {
            assert_eq!(before, now, "seed {}: a repeated key was done anew", self.seed);
            self.repeats += 1;
        }
    }

    fn give(&mut self, session: SessionId, in_room: &'static str, name: &UserId) {
        let key = format!("g{}", self.rng.u16(0..40));
        let to = [None, Some("a"), Some("b")][self.rng.usize(0..3)];
        let kind = ["like_sticker", "rose", "cake"][self.rng.usize(0..3)];
        let Ok(reply) = self.world.command(session, gift(kind, to, &key)) else { return };
        let id = (in_room.to_owned(), name.as_str().to_owned(), key);
        if let Some(before) = self.gifts.insert(id, reply.clone()) {
            assert_eq!(before, reply, "seed {}: a repeated key was done anew", self.seed);
            self.repeats += 1;
        } else if let Reply::Gift { coins, .. } = reply {
            *self.coins.entry(in_room).or_default() += coins;
        }
    }

    fn battle(&mut self, session: SessionId, in_room: &str) {
        let now = world::at(self.world.now);
        let pk = self.world.room_mut(in_room).view(now).battle.map(|battle| battle.pk);
        let command = match (pk, self.rng.u8(0..12)) {
            (None, 0) => Command::Pk(PkCommand::Rematch),
            (None, _) => {
                let other = if in_room == "a" { "b" } else { "a" };
                let rush_s = self.rng.u32(0..2) * 5;
                let terms = BattleTerms::of(BattlePlan {
                    battle_s: 10,
                    punish_s: self.rng.u32(0..4),
                    rush_s,
                    rush_factor: if rush_s == 0 { 1 } else { 2 },
                    link: [LinkKind::Battle, LinkKind::Stay, LinkKind::Link][self.rng.usize(0..3)],
                    ..BattlePlan::default()
                });
                let (rooms, terms) = (room(other).into(), terms.unwrap());
                Command::Pk(PkCommand::Invite { rooms, terms })
            }
            (Some(pk), 3 | 4) => Command::Pk(PkCommand::Start(pk)),
            (Some(pk), 0) => Command::Pk(PkCommand::Reject(pk)),
            (Some(pk), 1) => Command::Pk(PkCommand::Cancel(pk)),
            (Some(pk), 2) => Command::Pk(PkCommand::End(pk)),
            (Some(pk), _) => Command::Pk(PkCommand::Accept(pk)),
        };
        let _ = self.world.command(session, command);
    }

    fn seat(&mut self, session: SessionId, in_room: &'static str, name: &UserId, role: Role) {
        let here: Vec<UserId> = self
            .people
            .iter()
            .filter(|person| person.1 == in_room)
            .map(|person| person.2.clone())
            .collect();
        let other = self.rng.choice(here).unwrap();
        let command = match self.rng.u8(0..9) {
            0 | 1 => Command::Seat(SeatCommand::Apply(SeatPick::ANY)),
            2 => Command::Seat(SeatCommand::Accept { user: other, pick: SeatPick::ANY }),
            3 => Command::Seat(SeatCommand::Reject(other)),
            4 => Command::Seat(SeatCommand::Invite { user: other, pick: SeatPick::ANY }),
            5 => Command::Seat(SeatCommand::Join),
            6 => Command::Seat(SeatCommand::Decline),
            7 => Command::Seat(SeatCommand::Leave),
            _ if self.rng.bool() => Command::Seat(SeatCommand::Kick(other)),
            _ => Command::Seat(SeatCommand::Mute {
                user: other,
                audio: Some(self.rng.bool()),
                video: None,
            }),
        };
        let _ = self.world.command(session, command);
        if self.world.may_publish(in_room, name.as_str(), role).is_ok() {
            self.world.media(in_room, name.as_str(), MediaChange::Started);
        }
    }

    fn finish(mut self, reached: &mut Reached) {
        self.world.run_for(200_000);
        let seed = self.seed;
        for in_room in ["a", "b"] {
            self.check_replay(in_room);
        }
        reached.crashes += self.crashes;
        reached.crashed_sales += self.crashed_sales;
        reached.crashed_battles += self.crashed_battles;
        self.check_orders(reached);
        self.check_sequences();
        self.check_battles(reached);
        for (in_room, coins) in &self.coins {
            let told = self.world.told(in_room).into_iter().filter_map(|body| match body {
                EventBody::Gifts(items) => Some(items.iter().map(|item| item.coins).sum::<u64>()),
                _ => None,
            });
            assert_eq!(told.sum::<u64>(), *coins, "seed {seed}: coins in {in_room}");
        }
        reached.repeats += self.repeats;
        reached.lucky += self.lucky;
        reached.shown += self.shown;
        reached.played += self.played;
        let on_air = self.world.events.iter().filter(|(_, event)| match &event.body {
            EventBody::StageUpdated(stage) => stage.iter().any(|on| on.seat.number() > 0),
            _ => false,
        });
        reached.seats += on_air.count() as u64;
    }

    fn check_orders(&self, reached: &mut Reached) {
        for (sale, orders) in &self.orders {
            let sequence: BTreeSet<u64> = orders.values().map(|(seq, _)| *seq).collect();
            let expected: BTreeSet<u64> = (1..=orders.len() as u64).collect();
            assert_eq!(sequence, expected, "seed {}: gaps in {sale}", self.seed);

            let mut views = self.world.events.iter().filter_map(|(_, event)| match &event.body {
                EventBody::SaleUpdated(view) if view.sale.as_str() == sale => Some(view),
                _ => None,
            });
            let last = views.next_back().unwrap();
            let units: u32 = orders.values().map(|(_, units)| units).sum();
            assert!(units <= last.stock, "seed {}: oversold {sale}", self.seed);
            assert_eq!(units, last.stock - last.left, "seed {}: {sale}", self.seed);
            reached.orders += orders.len() as u64;
            reached.sold_out += u64::from(last.left == 0);
        }
    }

    /// Each stream of each room counts from one without gaps, and its time never steps back.
    fn check_sequences(&self) {
        let mut last: BTreeMap<(RoomId, String), (u64, ServerTime)> = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            let stream: Stream = event.body.stream();
            let id = (in_room.clone(), format!("{stream:?}"));
            let (sequence, at) = last.get(&id).copied().unwrap_or((0, event.at));
            let jumps = self.crashes > 0 && !is_durable(&event);
            let follows = event.sequence == sequence + 1;
            let goes_on = follows || (jumps && event.sequence > sequence);
            assert!(goes_on, "seed {}: {stream:?} {} {sequence}", self.seed, event.sequence);
            assert!(event.at >= at, "seed {}: {stream:?}", self.seed);
            last.insert(id, (event.sequence, event.at));
        }
    }

    /// Whatever version of a battle both rooms have told, they told it alike.
    fn check_battles(&self, reached: &mut Reached) {
        let mut told: BTreeMap<(String, u64), (RoomId, Vec<u64>)> = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            let (pk, version, points) = match &event.body {
                EventBody::PkScore { pk, version, scores } => (pk, *version, &scores.points),
                EventBody::PkUpdated(battle) => {
                    let begins = battle.state == BattleState::Battling;
                    reached.battles += u64::from(begins && *in_room == battle.sides[0].room);
                    (&battle.pk, battle.version, &battle.scores.points)
                }
                _ => continue,
            };
            let id = (pk.as_str().to_owned(), version);
            if let Some((first, before)) = told.get(&id) {
                if first != in_room {
                    assert_eq!(before, points, "seed {}: {pk} {version}", self.seed);
                    reached.scores += u64::from(points.iter().any(|points| *points > 0));
                }
            } else {
                told.insert(id, (in_room.clone(), points.clone()));
            }
        }
    }
}
