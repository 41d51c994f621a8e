//! Goal: a red packet gives every unit away once, and a lottery is what it promised to be.
//! Method: one room in virtual time; then random schedules from printed seeds against a plain model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    Command, EventBody, GiveawayCommand, GiveawayEvent, GiveawayReply, LotteryEntry, LotteryId,
    LotteryOffer, LotteryState, LotteryView, PacketClaim, PacketId, PacketOffer, PacketSplit,
    PacketState, PacketSum, PacketView, Rejected, Reply, Role, SaleDuration, Seed, Suspense,
    WinnerCount,
};
use world::{World, idem, title};

#[test]
fn a_share_is_claimed_once_in_time_and_by_whoever_says_the_word() {
    let mut world = World::new(&["a"]);
    world.live_host("a", "alice");
    let offer = PacketOffer {
        keyword: Some(title("来,链接")),
        lead: Duration::from_secs(3),
        ..packet(100, 3, PacketSplit::Lucky)
    };
    let id = open(&mut world, offer);

    assert_eq!(claim(&mut world, "bob", &id, None), Err(Rejected::NotOpen { opens_in_ms: 3_000 }));
    world.run_for(2_999);
    assert_eq!(claim(&mut world, "bob", &id, None), Err(Rejected::NotOpen { opens_in_ms: 1 }));
    world.run_for(1);
    assert_eq!(claim(&mut world, "bob", &id, None), Err(Rejected::ConditionUnmet));
    assert_eq!(claim(&mut world, "bob", &id, Some("x")), Err(Rejected::ConditionUnmet));
    let word = Some(" 来,链接 ");
    let share = claim(&mut world, "bob", &id, word).unwrap();
    assert_eq!(claim(&mut world, "bob", &id, word), Err(Rejected::AlreadyClaimed));
    world.run_for(9_999);
    let second = claim(&mut world, "cara", &id, word).unwrap();
    world.run_for(1);
    assert_eq!(claim(&mut world, "dan", &id, word), Err(Rejected::Expired("red packet")));

    let view = last_packet(&world, &id);
    assert_eq!((view.state, view.left), (PacketState::Expired, 1));
    assert_eq!(view.refunded, 100 - share - second, "what is left goes back");
    assert_eq!(view.luckiest.unwrap().amount, share.max(second));
}

#[test]
fn a_claim_that_is_repeated_is_answered_as_before() {
    let mut world = World::new(&["a"]);
    let id = open(&mut world, packet(100, 3, PacketSplit::Lucky));
    let command = || {
        let claim = PacketClaim { packet: id.clone(), keyword: None, idem: idem("k") };
        Command::Giveaway(GiveawayCommand::PacketClaim(claim))
    };

    let first = world.command_by("a", "bob", Role::Viewer, command());
    let second = world.command_by("a", "bob", Role::Viewer, command());

    assert!(first.is_ok());
    assert_eq!(first, second);
    assert_eq!(world.room("a").packet(&id).unwrap().takers.len(), 1);
}

#[test]
fn equal_shares_are_equal_and_the_last_one_empties_the_packet() {
    let mut world = World::new(&["a"]);
    let id = open(&mut world, packet(90, 3, PacketSplit::Fixed));
    for name in ["bob", "cara", "dan"] {
        assert_eq!(claim(&mut world, name, &id, None), Ok(30));
    }
    let view = last_packet(&world, &id);
    assert_eq!((view.state, view.refunded), (PacketState::Empty, 0));
    assert_eq!(view.luckiest.unwrap().user.as_str(), "bob", "of equals, the first");
    assert_eq!(claim(&mut world, "eve", &id, None), Err(Rejected::SoldOut { left: 0 }));
}

#[test]
fn what_cannot_be_split_does_not_exist() {
    assert!(PacketSum::new(2, 3, PacketSplit::Lucky).is_none());
    assert!(PacketSum::new(3, 3, PacketSplit::Lucky).is_some());
    assert!(PacketSum::new(100, 3, PacketSplit::Fixed).is_none());
    assert!(PacketSum::new(100, 0, PacketSplit::Lucky).is_none());
    assert!(PacketSum::new(20_000, 10_001, PacketSplit::Lucky).is_none());
    assert!(PacketSum::new(1 << 53, 2, PacketSplit::Lucky).is_none());
    assert!(PacketSum::new((1 << 53) - 1, 10_000, PacketSplit::Lucky).is_some());
    assert!(WinnerCount::new(0).is_none() && WinnerCount::new(101).is_none());
    assert!(Suspense::new(999).is_none() && Suspense::new(60_001).is_none());
}

#[test]
fn a_lottery_promises_closes_and_keeps_its_promise() {
    let mut world = World::new(&["a"]);
    let id = lottery(&mut world, 2, None);
    let opened = last_lottery(&world, &id);
    assert_eq!((opened.state, opened.seed), (LotteryState::Open, None));
    assert_eq!(opened.commitment, SEED.commitment());
    for name in ["dan", "bob", "cara"] {
        enter(&mut world, name, &id, None).unwrap();
    }
    assert_eq!(enter(&mut world, "bob", &id, None), Err(Rejected::AlreadyClaimed));
    assert!(
        world.room("a").lottery(&id).unwrap().entries.is_empty(),
        "who entered is not told yet"
    );

    world.run_for(10_000);
    assert_eq!(enter(&mut world, "eve", &id, None), Err(Rejected::Closed("lottery")));
    let closed = last_lottery(&world, &id);
    assert_eq!((closed.state, closed.seed), (LotteryState::Closed, None));
    let record = world.room("a").lottery(&id).unwrap();
    let entries: Vec<&str> = record.entries.iter().map(|user| user.as_str()).collect();
    assert_eq!(entries, ["bob", "cara", "dan"]);

    world.run_for(2_999);
    assert_eq!(last_lottery(&world, &id).state, LotteryState::Closed);
    world.run_for(1);
    let drawn = last_lottery(&world, &id);
    assert_eq!((drawn.state, drawn.seed), (LotteryState::Drawn, Some(SEED.reveal())));
    assert_eq!(drawn.entries_hash, closed.entries_hash);
    assert_eq!(drawn.winners.len(), 2);
}

#[test]
fn an_aborted_lottery_tells_its_seed_and_its_list_all_the_same() {
    for pause in [0, 11_000] {
        let mut world = World::new(&["a"]);
        let id = lottery(&mut world, 1, None);
        enter(&mut world, "bob", &id, None).unwrap();
        world.run_for(pause);
        let abort = || Command::Giveaway(GiveawayCommand::LotteryAbort(id.clone()));
        world.command_by("a", "alice", Role::Host, abort()).unwrap();

        let view = last_lottery(&world, &id);
        assert_eq!((view.state, view.seed), (LotteryState::Aborted, Some(SEED.reveal())));
        assert!(view.winners.is_empty() && view.entries_hash.is_some());
        assert_eq!(world.room("a").lottery(&id).unwrap().entries.len(), 1);
        let again = world.command_by("a", "alice", Role::Host, abort());
        assert_eq!(again, Err(Rejected::Closed("lottery")));
    }
}

#[test]
fn the_end_of_the_room_gives_back_and_aborts() {
    let mut world = World::new(&["a"]);
    let host = world.live_host("a", "alice");
    let (packet, lottery) =
        (open(&mut world, packet(100, 3, PacketSplit::Lucky)), lottery(&mut world, 1, None));
    world.command(host, Command::RoomEnd).unwrap();

    let view = last_packet(&world, &packet);
    assert_eq!((view.state, view.refunded), (PacketState::Cancelled, 100));
    assert_eq!(last_lottery(&world, &lottery).state, LotteryState::Aborted);
}

#[test]
fn without_a_seed_nothing_is_drawn_and_not_everybody_may_begin() {
    let mut world = World::new(&["a"]);
    let unseeded = PacketOffer { seed: None, ..packet(10, 1, PacketSplit::Lucky) };
    let command = Command::Giveaway(GiveawayCommand::PacketOpen(Box::new(unseeded)));
    let refused = world.command_by("a", "alice", Role::Host, command.clone());
    assert!(matches!(refused, Err(Rejected::Conflict(_))), "{refused:?}");
    let refused = world.command_by("a", "bob", Role::Viewer, command);
    assert_eq!(refused, Err(Rejected::Forbidden));
    let id = open(&mut world, packet(10, 1, PacketSplit::Lucky));
    let own = PacketClaim { packet: id, keyword: None, idem: idem("k") };
    let own = Command::Giveaway(GiveawayCommand::PacketClaim(own));
    assert_eq!(world.command_by("a", "alice", Role::Host, own), Err(Rejected::Forbidden));
}

#[test]
fn any_schedule_gives_every_unit_away_once_and_draws_as_promised() {
    let mut reached = Reached::default();
    for seed in 0..400 {
        Schedule::run(seed, &mut reached);
    }

    assert!(reached.claims > 20_000, "shares must be claimed: {reached:?}");
    assert!(reached.emptied > 500 && reached.expired > 500, "packets must end: {reached:?}");
    assert!(reached.refunds > 500, "something must go back: {reached:?}");
    assert!(reached.refused > 5_000, "claims must be refused: {reached:?}");
    assert!(
        reached.entries > 20_000 && reached.drawn > 500,
        "lotteries must be drawn: {reached:?}"
    );
    assert!(reached.aborted > 100, "some must be aborted: {reached:?}");
}

#[derive(Debug, Default)]
struct Reached {
    claims: u64,
    emptied: u64,
    expired: u64,
    refunds: u64,
    refused: u64,
    entries: u64,
    drawn: u64,
    aborted: u64,
}

/// One seed's run and what the model knows of it.
#[derive(Default)]
struct Schedule {
    packets: Vec<(PacketId, u64, u64)>,
    lotteries: Vec<(LotteryId, u64)>,
    /// Amounts by packet and user.
    claims: BTreeMap<(usize, u32), u64>,
    entries: BTreeSet<(usize, u32)>,
    opened: u64,
}

impl Schedule {
    fn run(seed: u64, reached: &mut Reached) {
        let (mut rng, mut world) = (Rng::with_seed(seed), World::new(&["a"]));
        world.live_host("a", "alice");
        let mut model = Self::default();
        for _ in 0..400 {
            if rng.u8(0..6) == 0 {
                world.run_for(rng.u64(0..2_500));
            }
            match rng.u8(0..40) {
                0 => model.open(&mut world, &mut rng),
                1 => model.begin(&mut world, &mut rng),
                2 => model.call_off(&mut world, &mut rng),
                3..22 => model.claim(&mut world, &mut rng, reached),
                _ => model.enter(&mut world, &mut rng, reached),
            }
        }
        world.run_for(60_000);
        model.check_packets(seed, &world, reached);
        model.check_lotteries(seed, &world, reached);
    }

    fn seed(&mut self) -> Option<Seed> {
        self.opened += 1;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.opened.to_le_bytes());
        Some(Seed::new(bytes))
    }

    fn open(&mut self, world: &mut World, rng: &mut Rng) {
        let shares = rng.u32(1..30);
        let offer = PacketOffer {
            seed: self.seed(),
            lead: Duration::from_millis(rng.u64(0..2_000)),
            ..packet(u64::from(shares) + rng.u64(0..500), shares, PacketSplit::Lucky)
        };
        let (total, opens) = (offer.sum.total(), world.now + offer.lead.as_millis() as u64);
        let command = Command::Giveaway(GiveawayCommand::PacketOpen(Box::new(offer)));
        if let Ok(Reply::Giveaway(GiveawayReply::PacketOpened { packet, open_at })) =
            world.command_by("a", "alice", Role::Host, command)
        {
            assert_eq!(open_at.unix_millis(), opens);
            self.packets.push((packet, total, opens));
        }
    }

    fn begin(&mut self, world: &mut World, rng: &mut Rng) {
        let winners = WinnerCount::new(rng.u32(1..5)).unwrap();
        let offer = LotteryOffer { seed: self.seed(), winners, ..lottery_offer(1, None) };
        let command = Command::Giveaway(GiveawayCommand::LotteryOpen(Box::new(offer)));
        if let Ok(Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, close_at, .. })) =
            world.command_by("a", "alice", Role::Host, command)
        {
            self.lotteries.push((lottery, close_at.unix_millis()));
        }
    }

    fn call_off(&self, world: &mut World, rng: &mut Rng) {
        if let Some((id, ..)) = rng.choice(&self.packets).filter(|_| rng.u8(0..3) == 0) {
            let command = Command::Giveaway(GiveawayCommand::PacketCancel(id.clone()));
            let _ = world.command_by("a", "alice", Role::Host, command);
        }
        if let Some((id, _)) = rng.choice(&self.lotteries) {
            let command = Command::Giveaway(GiveawayCommand::LotteryAbort(id.clone()));
            let _ = world.command_by("a", "alice", Role::Host, command);
        }
    }

    fn claim(&mut self, world: &mut World, rng: &mut Rng, reached: &mut Reached) {
        if self.packets.is_empty() {
            return;
        }
        let which = self.packets.len() - 1 - rng.usize(0..self.packets.len().min(3));
        let (id, _, opens) = self.packets[which].clone();
        let who = rng.u32(0..200);
        let before = self.claims.contains_key(&(which, who));
        match claim(world, &format!("v{who}"), &id, None) {
            Ok(amount) => {
                assert!(world.now >= opens && world.now < opens + 10_000, "no share out of time");
                assert!(!before && amount >= 1, "one share to a user");
                self.claims.insert((which, who), amount);
                reached.claims += 1;
            }
            Err(Rejected::AlreadyClaimed) => assert!(before, "only who has had a share is told so"),
            Err(_) => reached.refused += 1,
        }
    }

    fn enter(&mut self, world: &mut World, rng: &mut Rng, reached: &mut Reached) {
        if self.lotteries.is_empty() {
            return;
        }
        let which = self.lotteries.len() - 1 - rng.usize(0..self.lotteries.len().min(3));
        let (id, closes) = self.lotteries[which].clone();
        let who = rng.u32(0..200);
        if enter(world, &format!("v{who}"), &id, None).is_ok() {
            assert!(world.now < closes, "nobody enters out of time");
            assert!(self.entries.insert((which, who)), "one entry to a user");
            reached.entries += 1;
        }
    }

    fn check_packets(&self, seed: u64, world: &World, reached: &mut Reached) {
        for (which, (id, total, _)) in self.packets.iter().enumerate() {
            let view = last_packet(world, id);
            let claimed: u64 = self
                .claims
                .iter()
                .filter_map(|((of, _), amount)| (*of == which).then_some(*amount))
                .sum();
            assert_eq!(claimed + view.refunded, *total, "seed {seed}: {id}");
            assert!(view.state > PacketState::Open, "seed {seed}: {id} is over by now");
            reached.emptied += u64::from(view.state == PacketState::Empty);
            reached.expired += u64::from(view.state == PacketState::Expired);
            reached.refunds += u64::from(view.refunded > 0);
        }
    }

    fn check_lotteries(&self, seed: u64, world: &World, reached: &mut Reached) {
        for (which, (id, _)) in self.lotteries.iter().enumerate() {
            let view = last_lottery(world, id);
            let entered = self.entries.iter().filter(|(of, _)| *of == which).count();
            assert_eq!(view.entries, entered as u64, "seed {seed}: {id}");
            match view.state {
                LotteryState::Drawn => {
                    let users: BTreeSet<_> = view.winners.iter().map(|on| &on.user).collect();
                    assert_eq!(users.len(), entered.min(view.places as usize), "seed {seed}: {id}");
                    reached.drawn += 1;
                }
                LotteryState::Aborted => reached.aborted += 1,
                LotteryState::Open | LotteryState::Closed => panic!("seed {seed}: {id} goes on"),
            }
        }
    }
}

const SEED: Seed = Seed::new([7; 32]);

fn packet(total: u64, shares: u32, split: PacketSplit) -> PacketOffer {
    PacketOffer {
        title: title("福气"),
        sum: PacketSum::new(total, shares, split).unwrap(),
        keyword: None,
        lead: Duration::ZERO,
        open_for: SaleDuration::new(10_000).unwrap(),
        seed: Some(SEED),
    }
}

fn open(world: &mut World, offer: PacketOffer) -> PacketId {
    let command = Command::Giveaway(GiveawayCommand::PacketOpen(Box::new(offer)));
    match world.command_by("a", "alice", Role::Host, command).unwrap() {
        Reply::Giveaway(GiveawayReply::PacketOpened { packet, .. }) => packet,
        other => panic!("not a red packet: {other:?}"),
    }
}

fn claim(
    world: &mut World,
    name: &str,
    id: &PacketId,
    word: Option<&str>,
) -> Result<u64, Rejected> {
    let key = fresh_key();
    let claim = PacketClaim { packet: id.clone(), keyword: word.map(title), idem: idem(&key) };
    let command = Command::Giveaway(GiveawayCommand::PacketClaim(claim));
    match world.command_by("a", name, Role::Viewer, command)? {
        Reply::Giveaway(GiveawayReply::Claimed(share)) => Ok(share.amount),
        other => panic!("not a share: {other:?}"),
    }
}

fn lottery_offer(winners: u32, word: Option<&str>) -> LotteryOffer {
    LotteryOffer {
        title: title("抽奖"),
        prize: title("口红"),
        winners: WinnerCount::new(winners).unwrap(),
        keyword: word.map(title),
        open_for: SaleDuration::new(10_000).unwrap(),
        suspense: Suspense::new(3_000).unwrap(),
        seed: Some(SEED),
    }
}

fn lottery(world: &mut World, winners: u32, word: Option<&str>) -> LotteryId {
    let offer = Box::new(lottery_offer(winners, word));
    let command = Command::Giveaway(GiveawayCommand::LotteryOpen(offer));
    match world.command_by("a", "alice", Role::Host, command).unwrap() {
        Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, .. }) => lottery,
        other => panic!("not a lottery: {other:?}"),
    }
}

fn enter(
    world: &mut World,
    name: &str,
    id: &LotteryId,
    word: Option<&str>,
) -> Result<Reply, Rejected> {
    let key = fresh_key();
    let entry = LotteryEntry { lottery: id.clone(), keyword: word.map(title), idem: idem(&key) };
    let command = Command::Giveaway(GiveawayCommand::LotteryEnter(entry));
    world.command_by("a", name, Role::Viewer, command)
}

/// Returns a key that no request of this process had before.
fn fresh_key() -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    MADE.fetch_add(1, Ordering::Relaxed).to_string()
}

fn last_packet(world: &World, id: &PacketId) -> PacketView {
    let mut views = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::Giveaway(GiveawayEvent::Packet(view)) if view.packet == *id => Some(view),
        _ => None,
    });
    views.next_back().unwrap().clone()
}

fn last_lottery(world: &World, id: &LotteryId) -> LotteryView {
    let mut views = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::Giveaway(GiveawayEvent::Lottery(view)) if view.lottery == *id => Some(view),
        _ => None,
    });
    views.next_back().unwrap().clone()
}
