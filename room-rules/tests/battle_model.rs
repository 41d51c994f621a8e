//! Goal: whatever becomes of the letters between up to five rooms, all of them tell the same scores, the
//! same givers and the same ends, nothing takes effect twice, and every gift in time counts if its letter
//! comes in time.
//! Method: random schedules from a printed seed in virtual time, over a post that delays, repeats,
//! overtakes and, in every other schedule, loses; crashes and ends of rooms in between. A plain model
//! adds up the gifts. Each interesting outcome must be reached by many schedules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use room_rules::{
    BattleEnd, BattlePlan, BattleState, BattleTerms, BattleView, Command, EventBody, LinkKind,
    MediaChange, PeerMessage, PkCommand, Reply, Rivals, Role, RoomId, SideState, UserId,
};
use world::{World, gift, room};

const SCHEDULES: u64 = 800;
const STEPS: usize = 400;
const ROOMS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// So few that many of them give in several rooms.
const FANS: u64 = 6;

#[test]
fn all_rooms_of_a_battle_tell_the_same_whatever_becomes_of_their_letters() {
    let mut reached = Reached::default();
    for seed in 0..SCHEDULES {
        let mut schedule = Schedule::new(seed);
        for _ in 0..STEPS {
            schedule.step();
        }
        schedule.finish(&mut reached);
    }
    let Reached { decided, many, later_rounds, exact, rushed, surrenders, forced, .. } = &reached;
    let Reached { ends_by, shared, full, .. } = &reached;
    assert!(*decided > 2_000 && *many > 500 && *later_rounds > 300, "{reached:?}");
    assert!(*exact > 250 && *rushed > 150 && *surrenders > 200 && *forced > 50, "{reached:?}");
    assert!(*shared > 100 && *full > 20, "boards must be contested: {reached:?}");
    assert!(ends_by.len() == 10, "every end must be reached: {ends_by:?}");
}

#[derive(Debug, Default)]
struct Reached {
    /// Battles that came to a result, those of more than two rooms, those after the first of a link.
    decided: u64,
    many: u64,
    later_rounds: u64,
    /// Battles with points whose gifts were added up, and those in which coins counted more.
    exact: u64,
    rushed: u64,
    /// Boards with somebody who gave in two rooms, and those on which not everybody finds a place.
    shared: u64,
    full: u64,
    surrenders: u64,
    forced: u64,
    ends_by: BTreeSet<String>,
}

/// A gift in time.
struct Given {
    to: RoomId,
    by: UserId,
    in_room: &'static str,
    points: u64,
    at: u64,
}

struct Schedule {
    seed: u64,
    rng: Rng,
    world: World,
    /// Whether letters are lost, and rooms crash and end.
    is_rough: bool,
    /// Letters that a room writes by itself wait so long at most before they are on their way.
    stride: u64,
    /// Letters and when they arrive.
    mail: Vec<(u64, (RoomId, RoomId, PeerMessage))>,
    gifts: u64,
    /// Gifts in time, by battle and round.
    given: BTreeMap<(String, u32), Vec<Given>>,
    /// Battles in which somebody did something that may cut a punishment short.
    cut_short: BTreeSet<String>,
    on_air: BTreeMap<&'static str, bool>,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&ROOMS);
        for name in ROOMS {
            world.live_host(name, &format!("host-{name}"));
        }
        world.post_runs = false;
        Self {
            seed,
            rng: Rng::with_seed(seed),
            world,
            is_rough: seed % 2 == 1,
            stride: 50,
            mail: Vec::new(),
            gifts: 0,
            given: BTreeMap::new(),
            cut_short: BTreeSet::new(),
            on_air: ROOMS.into_iter().map(|name| (name, true)).collect(),
        }
    }

    fn step(&mut self) {
        let in_room = self.rng.choice(ROOMS).unwrap();
        match self.rng.u8(0..40) {
            0..=11 => (0..self.rng.u8(1..=4)).for_each(|_| self.give(in_room)),
            12..=24 => self.battle(in_room),
            25 => {
                let change = match self.on_air[in_room] {
                    true => MediaChange::Stopped,
                    false => MediaChange::Started,
                };
                self.on_air.insert(in_room, change == MediaChange::Started);
                self.world.media(in_room, &format!("host-{in_room}"), change);
            }
            26 if self.is_rough && self.rng.u8(0..8) == 0 => {
                self.world.crash(in_room, &mut self.rng)
            }
            27 if self.is_rough && self.rng.u8(0..40) == 0 => {
                let platform = ("platform", Role::Admin, Command::RoomEnd);
                let _ = self.world.command_by(in_room, platform.0, platform.1, platform.2);
            }
            _ => {}
        }
        let span = [0, 10, 200, 1_000, 4_000][self.rng.usize(0..5)];
        let span = self.rng.u64(0..=span);
        self.run_for(span);
    }

    /// Lets time go by in small steps; letters arrive in their time.
    fn run_for(&mut self, span: u64) {
        let until = self.world.now + span;
        loop {
            self.post();
            let due = self.mail.iter().map(|(due, _)| *due).min().unwrap_or(u64::MAX);
            let next = until.min(self.world.now + self.stride).min(due.max(self.world.now));
            self.world.run_until(next);
            while let Some(at) = self.mail.iter().position(|(due, _)| *due <= next) {
                let (_, (from, to, message)) = self.mail.swap_remove(at);
                self.world.deliver(from, to, message);
                self.world.drain();
            }
            self.post();
            if next == until {
                return;
            }
        }
    }

    fn post(&mut self) {
        for letter in self.world.take_post() {
            let is_lost = self.is_rough && self.rng.u8(0..6) == 0;
            if self.rng.u8(0..12) == 0 {
                self.mail.push((self.world.now + self.rng.u64(0..3_000), letter.clone()));
            }
            let longest = if self.is_rough { [1, 100, 6_000][self.rng.usize(0..3)] } else { 300 };
            if !is_lost {
                self.mail.push((self.world.now + self.rng.u64(1..=longest), letter));
            }
        }
    }

    fn view(&mut self, in_room: &str) -> Option<BattleView> {
        let now = world::at(self.world.now);
        self.world.room_mut(in_room).view(now).battle
    }

    fn battle(&mut self, in_room: &'static str) {
        let by_platform = self.rng.u8(0..150) == 0;
        let view = self.view(in_room);
        let command = match (&view, self.rng.u8(0..20)) {
            (None, 0..=4) => PkCommand::Rematch,
            (None, _) => self.invitation(in_room),
            (Some(view), 0) if view.state == BattleState::Inviting => {
                PkCommand::Reject(view.pk.clone())
            }
            (Some(view), 1) => PkCommand::Cancel(view.pk.clone()),
            (Some(view), 2) => PkCommand::End(view.pk.clone()),
            (Some(view), 3..=6) => PkCommand::Start(view.pk.clone()),
            (Some(view), _) if by_platform => PkCommand::End(view.pk.clone()),
            (Some(view), _) => PkCommand::Accept(view.pk.clone()),
        };
        let role = if by_platform { Role::Admin } else { Role::Host };
        let is_end = matches!(command, PkCommand::End(_));
        let is_done =
            self.world.command_by(in_room, "director", role, Command::Pk(command)).is_ok();
        let may_cut_short = |view: &BattleView| by_platform || view.state == BattleState::Punishing;
        if let Some(view) = view.filter(|view| is_done && is_end && may_cut_short(view)) {
            self.cut_short.insert(view.pk.as_str().to_owned());
        }
    }

    fn invitation(&mut self, in_room: &str) -> PkCommand {
        let mut others: Vec<_> = ROOMS.into_iter().filter(|name| *name != in_room).collect();
        self.rng.shuffle(&mut others);
        others.truncate(self.rng.usize(1..=4));
        let rush_s = self.rng.u32(0..=1) * 6;
        let terms = BattleTerms::of(BattlePlan {
            battle_s: 10,
            punish_s: self.rng.u32(0..4),
            prepare_s: 3,
            rush_s,
            rush_factor: if rush_s == 0 { 1 } else { 3 },
            link: [LinkKind::Battle, LinkKind::Stay, LinkKind::Link][self.rng.usize(0..3)],
        });
        let rooms = Rivals::new(others.into_iter().map(room).collect()).unwrap();
        PkCommand::Invite { rooms, terms: terms.unwrap() }
    }

    fn give(&mut self, in_room: &'static str) {
        let view = self.view(in_room);
        let to = match &view {
            Some(view) if self.rng.u8(0..4) > 0 => {
                self.rng.choice(&view.sides).unwrap().room.clone()
            }
            _ => room(in_room),
        };
        self.gifts += 1;
        let (giver, key) = (format!("fan{}", self.rng.u64(0..FANS)), format!("g{}", self.gifts));
        let rose = gift("rose", Some(to.as_str()), &key);
        let done = self.world.command_by(in_room, &giver, Role::Viewer, rose);
        let (Ok(Reply::Gift { coins, .. }), Some(view)) = (done, view) else { return };
        let now = world::at(self.world.now);
        let is_open = matches!(view.state, BattleState::Preparing | BattleState::Battling);
        if is_open && view.start_at.unwrap() <= now && now < view.end_at.unwrap() {
            let is_rush = view.rush.is_some_and(|rush| now >= rush.from);
            let points = if is_rush { coins * 3 } else { coins };
            let round = self.given.entry((view.pk.as_str().to_owned(), view.round)).or_default();
            let (by, at) = (world::user(&giver), self.world.now);
            round.push(Given { to, by, in_room, points, at });
        }
    }

    fn finish(mut self, reached: &mut Reached) {
        // From here on every letter arrives.
        let was_rough = std::mem::take(&mut self.is_rough);
        self.stride = 500;
        self.run_for(150_000);
        for in_room in ROOMS {
            self.check_link(in_room);
        }
        let ends = self.ends();
        self.check_versions();
        self.check_ends(&ends, was_rough, reached);
    }

    /// Whoever believes in a link is right.
    fn check_link(&mut self, in_room: &str) {
        let Some(view) = self.view(in_room) else { return };
        assert_eq!(view.state, BattleState::Linked, "seed {}: nothing else lasts", self.seed);
        let present = |state: SideState| matches!(state, SideState::In | SideState::Surrendered);
        for side in view.sides.iter().filter(|side| present(side.state)) {
            let there = self.view(side.room.as_str());
            assert_eq!(there.as_ref(), Some(&view), "seed {}: {}", self.seed, side.room);
        }
    }

    /// Equal versions are equal scores and equal givers in all rooms.
    fn check_versions(&self) {
        let mut told = BTreeMap::new();
        // Whoever hears of no other givers goes on showing those that they know.
        let mut known = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            let (pk, version, scores, top) = match &event.body {
                EventBody::PkScore { pk, version, scores, top } => {
                    (pk, *version, scores, top.as_ref())
                }
                EventBody::PkUpdated(battle) => {
                    (&battle.pk, battle.version, &battle.scores, Some(&battle.top))
                }
                _ => continue,
            };
            let known = known.entry((in_room, pk)).or_insert(top);
            *known = top.or(*known);
            let shown = (scores, known.expect("a battle is shown before its score changes"));
            let before = told.entry((pk.as_str(), version)).or_insert(shown);
            assert_eq!(*before, shown, "seed {}: {in_room} {pk} {version}", self.seed);
        }
    }

    /// Returns the views with which rounds came to a result, by battle and round, by room.
    fn ends(&self) -> BTreeMap<(String, u32), BTreeMap<RoomId, Vec<BattleView>>> {
        let mut ends: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            if let EventBody::PkUpdated(view) = &event.body
                && view.result.is_some()
            {
                let key = (view.pk.as_str().to_owned(), view.round);
                let mut view = view.clone();
                // When it was told, for what comes below.
                view.start_at = Some(event.at);
                ends.entry(key).or_default().entry(in_room.clone()).or_default().push(view);
            }
        }
        ends
    }

    fn check_ends(
        &self,
        ends: &BTreeMap<(String, u32), BTreeMap<RoomId, Vec<BattleView>>>,
        was_rough: bool,
        reached: &mut Reached,
    ) {
        let seed = self.seed;
        for ((pk, round), by_room) in ends {
            let Some(owner) = by_room.values().flatten().next().map(|view| &view.sides[0].room)
            else {
                continue;
            };
            // An owner whose room ended may have told nobody.
            let Some(decided) = by_room.get(owner).map(|views| &views[0]) else { continue };
            let result = decided.result.as_ref().unwrap();
            reached.ends_by.insert(format!("{:?}", result.reason));
            reached.surrenders += u64::from(result.reason == BattleEnd::Surrender);
            reached.forced += u64::from(result.reason == BattleEnd::Forced);
            if *round == 0 {
                continue;
            }
            reached.decided += 1;
            reached.many += u64::from(decided.sides.len() > 2);
            reached.later_rounds += u64::from(*round > 1);
            if was_rough {
                continue;
            }
            for (in_room, views) in by_room {
                let last = views.last().unwrap();
                let side = &last.sides[last.side_of(in_room).unwrap()];
                // A room that ended leaves on its own.
                let has_ended = self.world.ended.iter().any(|(id, _)| id == in_room);
                if side.state != SideState::Out && !has_ended {
                    assert_eq!(last.result.as_ref(), Some(result), "seed {seed}: {in_room} {pk}");
                    assert_eq!(last.scores, decided.scores, "seed {seed}: {in_room} {pk}");
                    assert_eq!(last.top, decided.top, "seed {seed}: {in_room} {pk}");
                }
            }
            self.check_punishment(pk, &by_room[owner]);
            let nobody_left = decided.sides.iter().all(|side| side.state != SideState::Out);
            if result.reason == BattleEnd::Time && nobody_left {
                let given = self.given.get(&(pk.clone(), *round)).map_or(&[][..], Vec::as_slice);
                check_sums(decided, given, reached, &format!("seed {seed}: {pk} {round}"));
            }
        }
    }

    /// A punishment lasts as long as it was said, unless somebody cut it short: a surrender that comes
    /// twice must not.
    fn check_punishment(&self, pk: &str, told: &[BattleView]) {
        let of_it = |view: &&BattleView| view.state == BattleState::Punishing;
        let Some(last) = told.iter().rfind(of_it) else { return };
        let after = told.iter().find(|view| view.version > last.version);
        let has_ended = |room: &RoomId| self.world.ended.iter().any(|(id, _)| id == room);
        let nobody_left =
            |view: &BattleView| view.sides == last.sides && !view.rooms().any(has_ended);
        if let Some(after) = after.filter(|after| nobody_left(after))
            && !self.cut_short.contains(pk)
        {
            assert_eq!(after.start_at, last.punish_until, "seed {}: {pk}", self.seed);
        }
    }
}

/// Every gift counts, for its side and for who gave it.
fn check_sums(decided: &BattleView, given: &[Given], reached: &mut Reached, which: &str) {
    let to = |room: &RoomId| given.iter().filter(|gift| gift.to == *room).collect::<Vec<_>>();
    let points = |room| to(room).iter().map(|gift| gift.points).sum::<u64>();
    let expected: Vec<u64> = decided.rooms().map(points).collect();
    assert_eq!(decided.scores.points, expected, "{which}");
    reached.exact += u64::from(!given.is_empty());
    reached.rushed += u64::from(!given.is_empty() && decided.rush.is_some());

    for (room, told) in decided.rooms().zip(&decided.top) {
        let mut totals: BTreeMap<&UserId, (u64, u64, BTreeSet<&str>)> = BTreeMap::new();
        for gift in to(room) {
            let (points, at, rooms) = totals.entry(&gift.by).or_default();
            (*points, *at) = (*points + gift.points, gift.at);
            rooms.insert(gift.in_room);
        }
        let mut ranked: Vec<_> =
            totals.iter().map(|(by, (points, at, _))| (points, at, *by)).collect();
        ranked.sort_by_key(|(points, at, by)| (std::cmp::Reverse(*points), *at, *by));
        let shown: Vec<_> = told.iter().map(|giver| (&giver.points, &giver.user)).collect();
        let first: Vec<_> = ranked.iter().take(3).map(|(points, _, by)| (*points, *by)).collect();
        assert_eq!(shown, first, "{which} {room}");
        reached.full += u64::from(ranked.len() > 3);
        reached.shared += u64::from(totals.values().any(|(_, _, rooms)| rooms.len() > 1));
    }
}
