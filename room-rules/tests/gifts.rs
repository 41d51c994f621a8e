//! Goal: gifts and likes are told in few messages, and still every total comes out exact.
//! Method: one room in virtual time; then random giving from printed seeds against a plain model
//! that counts by itself, with messages lost and repeated on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use room_rules::{
    Command, EventBody, Gift, GiftCatalog, GiftCount, GiftId, GiftItem, GiftLevel, GiftOrder,
    LikeCount, NoGiftCatalog, Reactions, Rejected, Reply, Role, SessionId,
};
use world::{World, gift, idem, title, user};

#[test]
fn gifts_of_one_combo_are_told_together_and_others_beside_them() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    let cara = world.join("a", "cara", Role::Viewer);
    // The first goes out at once, those of the next tenth of a second together.
    world.command(bob, gift("rose", None, "1")).unwrap();
    for key in ["2", "3"] {
        world.command(bob, gift("rose", None, key)).unwrap();
        world.command(cara, gift("rose", None, key)).unwrap();
        world.command(bob, gift("cake", None, &format!("c{key}"))).unwrap();
    }
    world.run_for(100);

    let batches: Vec<Vec<(&str, &str, u64, u64)>> = batches(&world)
        .into_iter()
        .map(|items| {
            items.iter().map(|item| (who(item), what(item), item.count, item.combo_count)).collect()
        })
        .collect();
    assert_eq!(
        batches,
        [
            vec![("bob", "rose", 1, 1)],
            vec![("bob", "rose", 2, 3), ("cara", "rose", 2, 2), ("bob", "cake", 2, 2)],
        ]
    );
}

#[test]
fn a_luxury_gift_is_never_merged() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    for key in 0..5 {
        world.command(bob, gift("rocket", None, &key.to_string())).unwrap();
    }
    world.run_for(100);

    let rockets: Vec<(u64, u64)> =
        items(&world).into_iter().map(|item| (item.count, item.combo_count)).collect();
    assert_eq!(rockets, [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
    assert_eq!(batches(&world).len(), 2);
}

#[test]
fn a_hundred_gifts_a_second_make_ten_batches_a_second() {
    let mut world = World::new(&["a"]);
    let sessions: Vec<SessionId> =
        (0..10).map(|n| world.join("a", &format!("v{n}"), Role::Viewer)).collect();
    for tick in 0..200 {
        let session = sessions[tick % 10];
        world.command(session, gift("rose", None, &tick.to_string())).unwrap();
        world.run_for(10);
    }

    let batches = batches(&world).len();
    assert!((19..=21).contains(&batches), "{batches} batches in two seconds");
}

#[test]
fn more_givers_than_one_message_holds_make_more_messages() {
    let mut world = World::new(&["a"]);
    for n in 0..40 {
        let name = format!("v{n}");
        world.command_by("a", &name, Role::Viewer, gift("rose", None, "k")).unwrap();
    }
    world.run_for(100);

    let lengths: Vec<usize> = batches(&world).into_iter().map(<[GiftItem]>::len).collect();
    assert_eq!(lengths, [1, 16, 16, 7]);
}

#[test]
fn a_combo_that_has_to_make_room_is_told_to_be_over() {
    let mut world = World::new(&["a"]);
    for n in 0..4_100 {
        let name = format!("v{n}");
        world.command_by("a", &name, Role::Viewer, gift("rose", None, "k")).unwrap();
    }
    world.run_for(2_000);

    let ended: Vec<&str> =
        items(&world).into_iter().filter(|item| item.combo_ended).map(who).collect();
    assert_eq!(ended, ["v0", "v1", "v2", "v3"]);
    world.run_for(2_000);
    let ended = items(&world).into_iter().filter(|item| item.combo_ended).count();
    assert_eq!(ended, 4_100);
}

#[test]
fn what_waits_is_told_before_the_room_ends() {
    let mut world = World::new(&["a"]);
    let host = world.live_host("a", "alice");
    let bob = world.join("a", "bob", Role::Viewer);
    for key in ["1", "2"] {
        world.command(bob, gift("rose", None, key)).unwrap();
        world.command(bob, Command::Like(LikeCount::new(7).unwrap())).unwrap();
    }
    world.command(host, Command::RoomEnd).unwrap();

    let last = items(&world).pop().unwrap();
    assert_eq!((last.count, last.combo_count, last.combo_ended), (1, 2, true));
    let totals = last_totals(&world);
    assert_eq!((totals.likes, totals.gifts, totals.coins), (14, 2, 20));
}

#[test]
fn ten_thousand_likes_a_second_are_told_in_a_few_frames_and_counted_exactly() {
    let mut world = World::new(&["a"]);
    let sessions: Vec<SessionId> =
        (0..50).map(|n| world.join("a", &format!("v{n}"), Role::Viewer)).collect();
    world.run_for(1_000);
    let before = frames(&world);
    for _ in 0..20 {
        for session in &sessions {
            world.command(*session, Command::Like(LikeCount::new(50).unwrap())).unwrap();
        }
        world.run_for(250);
    }

    let told = frames(&world) - before;
    assert!(told <= 25, "{told} frames in five seconds");
    assert_eq!(last_totals(&world).likes, 50_000);
}

#[test]
fn a_gift_that_is_not_in_the_catalogue_changes_nothing() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    world.run_for(1_000);
    let told = world.events.len();

    let refused = world.command(bob, gift("yacht", None, "k"));
    world.run_for(10_000);

    assert_eq!(refused, Err(Rejected::NotFound("gift")));
    assert_eq!(world.events.len(), told);
    world.command(bob, gift("rose", None, "k")).unwrap();
}

#[test]
fn a_catalogue_is_of_different_gifts_that_cost_something() {
    let gift = |id: &str, coins| Gift {
        id: GiftId::parse(id).unwrap(),
        title: title(id),
        coins,
        level: GiftLevel::Normal,
        icon: "".into(),
        effect: "".into(),
    };
    let yacht = || GiftId::parse("yacht").unwrap();

    assert!(GiftCatalog::new(vec![gift("yacht", 1_000_000), gift("pearl", 1)]).is_ok());
    let twice = GiftCatalog::new(vec![gift("yacht", 1), gift("yacht", 2)]);
    assert_eq!(twice, Err(NoGiftCatalog::Twice(yacht())));
    assert_eq!(GiftCatalog::new(vec![gift("yacht", 0)]), Err(NoGiftCatalog::Price(yacht())));
    assert_eq!(GiftCatalog::new(Vec::new()), Err(NoGiftCatalog::Size));
    let many = (0..201).map(|n| gift(&format!("g{n}"), 1)).collect();
    assert_eq!(GiftCatalog::new(many), Err(NoGiftCatalog::Size));
}

#[test]
fn of_two_who_gave_as_much_the_first_to_get_there_stands_higher() {
    let mut world = World::new(&["a"]);
    for (name, id, key) in [
        ("bob", "rose", "1"),
        ("cara", "cake", "1"),
        ("dan", "rose", "1"),
        ("eve", "rocket", "1"),
        ("dan", "rose", "2"),
        ("bob", "rose", "2"),
    ] {
        world.command_by("a", name, Role::Viewer, gift(id, None, key)).unwrap();
    }
    world.run_for(1_000);

    let totals = last_totals(&world);
    let top: Vec<(&str, u64)> = totals.top.iter().map(|on| (on.user.as_str(), on.coins)).collect();
    assert_eq!(top, [("eve", 1_000), ("cara", 99), ("dan", 20)]);
    assert_eq!(totals.senders, 4);
}

#[test]
fn any_giving_comes_out_exact() {
    let mut reached = Reached::default();
    for seed in 0..600 {
        Giving::run(seed, &mut reached);
    }

    assert!(reached.merged > 10_000, "gifts must be merged: {reached:?}");
    assert!(reached.luxury > 10_000, "luxury gifts must be given: {reached:?}");
    assert!(reached.combos > 10_000, "combos must end: {reached:?}");
    assert!(reached.repeats > 4_000, "keys must be repeated: {reached:?}");
    assert!(reached.ties > 50, "contributors must tie: {reached:?}");
    assert!(reached.lost > 10_000, "messages must get lost: {reached:?}");
}

#[derive(Debug, Default)]
struct Reached {
    merged: u64,
    luxury: u64,
    combos: u64,
    repeats: u64,
    ties: u64,
    lost: u64,
}

/// One seed's run and what the model knows of it.
#[derive(Default)]
struct Giving {
    /// Answers by user and key.
    answers: BTreeMap<(usize, u32), Reply>,
    gifts: u64,
    coins: u64,
    /// Coins of each user and the turn in which they got there.
    standings: BTreeMap<usize, (u64, u64)>,
    /// When each combo was last gone on with, and its gifts.
    combos: BTreeMap<(usize, &'static str), (u64, u64)>,
    ended: Vec<u64>,
}

const PRICES: [(&str, u64); 4] =
    [("like_sticker", 1), ("rose", 10), ("cake", 99), ("rocket", 1_000)];

impl Giving {
    fn run(seed: u64, reached: &mut Reached) {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new(&["a"]);
        let names: Vec<String> = (0..6).map(|n| format!("v{n}")).collect();
        let mut model = Self::default();
        // Short runs of cheap gifts end with ties, long ones have combos that go on.
        let (turns, kinds) = [(12, 1), (30, 2), (1_000, 4)][rng.usize(0..3)];
        for turn in 0..turns {
            let pause = [0, 0, 0, 30, 150, 3_002][rng.usize(0..6)];
            world.run_for(rng.u64(0..=pause));
            let (who, key) = (rng.usize(0..6), rng.u32(0..2_000));
            // Most keys are repeated with what they were used for.
            let of = if rng.u8(0..20) == 0 { rng.u32(0..2_000) } else { key };
            let (id, price) = PRICES[of as usize % kinds];
            let count = of % 3 + 1;
            let order = GiftOrder {
                gift: GiftId::parse(id).unwrap(),
                count: GiftCount::new(count).unwrap(),
                to: None,
                idem: idem(&key.to_string()),
            };
            let reply = world.command_by("a", &names[who], Role::Viewer, Command::GiftSend(order));
            match reply {
                Ok(reply) if model.answers.contains_key(&(who, key)) => {
                    assert_eq!(model.answers[&(who, key)], reply, "seed {seed}");
                    reached.repeats += 1;
                }
                Ok(reply) => {
                    model.answers.insert((who, key), reply);
                    model.give(who, id, count, price, world.now, turn);
                }
                Err(Rejected::IdempotencyMismatch | Rejected::RateLimited) => {}
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
        world.run_for(4_000);
        model.check(seed, &world, &mut rng, reached);
    }

    fn give(&mut self, who: usize, id: &'static str, count: u32, price: u64, now: u64, turn: u64) {
        let coins = price * u64::from(count);
        self.gifts += u64::from(count);
        self.coins += coins;
        let standing = self.standings.entry(who).or_default();
        *standing = (standing.0 + coins, turn);
        let combo = self.combos.entry((who, id)).or_insert((now, 0));
        if now > combo.0 + 3_000 {
            self.ended.push(combo.1);
            combo.1 = 0;
        }
        *combo = (now, combo.1 + u64::from(count));
    }

    fn check(mut self, seed: u64, world: &World, rng: &mut Rng, reached: &mut Reached) {
        let told = items(world);
        assert_eq!(told.iter().map(|item| item.count).sum::<u64>(), self.gifts, "seed {seed}");
        assert_eq!(told.iter().map(|item| item.coins).sum::<u64>(), self.coins, "seed {seed}");
        let totals = last_totals(world);
        assert_eq!((totals.gifts, totals.coins), (self.gifts, self.coins), "seed {seed}");

        let mut expected: Vec<(u64, u64, usize)> =
            self.standings.iter().map(|(who, (coins, since))| (*coins, *since, *who)).collect();
        expected.sort_by_key(|(coins, since, _)| (std::cmp::Reverse(*coins), *since));
        reached.ties += expected.windows(2).filter(|two| two[0].0 == two[1].0).count() as u64;
        let expected: Vec<_> = expected
            .iter()
            .take(3)
            .map(|(coins, _, who)| (user(&format!("v{who}")), *coins))
            .collect();
        let top: Vec<_> = totals.top.iter().map(|on| (on.user.clone(), on.coins)).collect();
        assert_eq!(top, expected, "seed {seed}");

        // Somebody who loses any batches but the ends of combos, and hears some of them twice in
        // any order, comes to the same counts.
        let mut heard = told.clone();
        heard.retain(|item| item.combo_ended || rng.bool());
        reached.lost += (told.len() - heard.len()) as u64;
        heard.extend(told.iter().filter(|_| rng.bool()).copied());
        rng.shuffle(&mut heard);
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for item in &heard {
            let count = counts.entry(item.combo).or_default();
            *count = (*count).max(item.combo_count);
        }
        self.ended.extend(self.combos.values().map(|(_, count)| *count));
        let mut counts: Vec<u64> = counts.into_values().collect();
        counts.sort_unstable();
        self.ended.sort_unstable();
        assert_eq!(counts, self.ended, "seed {seed}: combos");

        let ends = told.iter().filter(|item| item.combo_ended).map(|item| item.combo);
        assert_eq!(
            ends.clone().collect::<BTreeSet<_>>().len(),
            ends.count(),
            "an end is told once"
        );
        reached.combos += self.ended.len() as u64;
        reached.merged +=
            (self.answers.len() - told.iter().filter(|item| item.count > 0).count()) as u64;
        reached.luxury +=
            told.iter().filter(|item| what(item) == "rocket" && item.count > 0).count() as u64;
    }
}

fn who(item: &GiftItem) -> &str {
    item.user.as_str()
}

fn what(item: &GiftItem) -> &str {
    item.gift.as_str()
}

fn batches(world: &World) -> Vec<&[GiftItem]> {
    let batches = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::Gifts(items) => Some(items.as_slice()),
        _ => None,
    });
    batches.collect()
}

fn items(world: &World) -> Vec<&GiftItem> {
    batches(world).into_iter().flatten().collect()
}

fn frames(world: &World) -> usize {
    world.told("a").into_iter().filter(|body| matches!(body, EventBody::React(_))).count()
}

fn last_totals(world: &World) -> &Reactions {
    let mut totals = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::React(totals) => Some(totals),
        _ => None,
    });
    totals.next_back().unwrap()
}
