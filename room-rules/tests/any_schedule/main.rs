//! Goal: whatever members, media, clocks and the post between rooms do, the promises hold.
//! Method: random schedules over two rooms from a printed seed, in virtual time; the rooms check
//! their own invariants after every step, and a plain model checks what was said. Each kind of
//! interesting outcome must be reached by many schedules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod crash;
mod promises;
mod selling;
mod talk;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    BattlePlan, BattleTerms, ChatId, Command, CouponId, LikeCount, LinkKind, LotteryId,
    MediaChange, PacketId, PkCommand, ProductId, QuestionId, QuizId, Reply, Role, SaleId,
    SaleOffer, SeatCommand, SeatPick, SessionId, UserId,
};
use world::{World, chat, gift, offer, room, user};

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
    assert!(reached.asked > 2_000, "viewers must ask: {reached:?}");
    assert!(reached.answered > 300, "and be answered: {reached:?}");
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
    asked: u64,
    answered: u64,
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
    lines: Vec<ChatId>,
    questions: Vec<QuestionId>,
    asked: u64,
    answered: u64,
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
            lines: Vec::new(),
            questions: Vec::new(),
            asked: 0,
            answered: 0,
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
        if self.rng.u8(0..8) == 0 {
            self.talk(session, &name);
        }
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
}
