//! Goal: whatever is asked about seats, a client that follows the events sees the seats as they are,
//! nobody has two, and nobody takes one that is locked.
//! Method: random commands, media, absences and pauses in one room from a printed seed, in virtual
//! time; a model that knows events only is compared with the room after every step.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use room_rules::{
    Command, ConfigChange, EventBody, MediaChange, ModerationCommand, Rejected, Role, RoomCommand,
    SeatCommand, SeatCount, SeatIndex, SeatLock, SeatMode, SeatPick, SeatState, SeatView,
    SessionId, Silence, Ttl, UserId,
};
use world::{World, at, user};

const SEEDS: u64 = 700;
const STEPS: usize = 500;

#[test]
fn a_client_that_follows_the_events_sees_the_seats_as_they_are() {
    let mut reached = Reached::default();
    for seed in 0..SEEDS {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step(&mut reached);
        }
    }
    assert!(reached.live > 5_000, "guests must get on air: {reached:?}");
    assert!(reached.stale > 500, "older states must be named: {reached:?}");
    assert!(reached.locked > 800, "locked seats must be asked for: {reached:?}");
    assert!(reached.silenced > 1_200, "guests must be silenced: {reached:?}");
    assert!(reached.moved > 250, "guests must be moved: {reached:?}");
    assert!(reached.late > 300, "seats must fall back by themselves: {reached:?}");
    assert!(reached.banned > 150, "guests must be banned from their seats: {reached:?}");
}

#[derive(Debug, Default)]
struct Reached {
    live: u64,
    stale: u64,
    locked: u64,
    silenced: u64,
    moved: u64,
    late: u64,
    banned: u64,
}

struct Run {
    seed: u64,
    rng: Rng,
    world: World,
    people: Vec<(SessionId, UserId, Role)>,
    /// The seats as the events say, and since when each is in its state.
    seats: BTreeMap<SeatIndex, (SeatView, u64)>,
    /// What of whom is dropped, as the shell was told.
    silence: BTreeMap<UserId, Silence>,
    /// Who publishes, as far as they were not told to stop.
    on_air: BTreeSet<UserId>,
    events: usize,
    silences: usize,
    unpublished: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&["a"]);
        let mut people = vec![(world.live_host("a", "alice"), user("alice"), Role::Host)];
        for (name, role) in [
            ("ann", Role::Viewer),
            ("bob", Role::Viewer),
            ("cy", Role::Viewer),
            ("gina", Role::Guest),
            ("gus", Role::Guest),
            ("mo", Role::Moderator),
            ("asa", Role::Assistant),
        ] {
            people.push((world.join("a", name, role), user(name), role));
        }
        let now = at(world.now);
        let seats = world.room_mut("a").view(now).seats;
        let seats = seats.into_iter().map(|seat| (seat.index, (seat, now.unix_millis()))).collect();
        let events = world.events.len();
        Self {
            seed,
            rng: Rng::with_seed(seed),
            world,
            people,
            seats,
            silence: BTreeMap::new(),
            on_air: BTreeSet::from([user("alice")]),
            events,
            silences: 0,
            unpublished: 0,
        }
    }

    fn step(&mut self, reached: &mut Reached) {
        if self.rng.u8(0..5) == 0 {
            let span = [10, 900, 9_990, 10_010, 31_000][self.rng.usize(0..5)];
            self.world.run_for(self.rng.u64(0..=span));
            self.follow(reached);
        }
        let who = self.rng.usize(0..self.people.len());
        let (session, name, role) = self.people[who].clone();
        match self.rng.u8(0..20) {
            0 => self.come_back(who),
            1..=6 => self.media(&name, role),
            7 if role == Role::Host => self.steer(session),
            _ => self.ask(session, reached),
        }
        self.follow(reached);
        self.compare();
    }

    fn come_back(&mut self, who: usize) {
        let (session, name, role) = self.people[who].clone();
        self.world.leave(session);
        let session = self.world.next_session();
        self.people[who].0 = session;
        if self.world.join_as(session, "a", name.as_str(), role).is_err() {
            // Banned: waits until that is over.
            self.world.run_for(20_000);
            self.world.join_as(session, "a", name.as_str(), role).unwrap();
        }
    }

    fn media(&mut self, name: &UserId, role: Role) {
        if self.on_air.contains(name) && self.rng.u8(0..3) == 0 {
            self.world.media("a", name.as_str(), MediaChange::Stopped);
            // The host comes back before the room gives up.
            if role != Role::Host {
                return;
            }
        }
        if self.world.may_publish("a", name.as_str(), role).is_ok() {
            self.on_air.insert(name.clone());
            self.world.media("a", name.as_str(), MediaChange::Started);
        }
    }

    fn steer(&mut self, session: SessionId) {
        let change = ConfigChange {
            features: Vec::new(),
            seat_mode: Some(if self.rng.bool() { SeatMode::Free } else { SeatMode::Apply }),
            seats: SeatCount::new(self.rng.u8(3..=9)),
            tags: None,
        };
        self.world.command(session, Command::Room(RoomCommand::Configure(change))).unwrap();
    }

    fn ask(&mut self, session: SessionId, reached: &mut Reached) {
        let (_, other, _) = self.people[self.rng.usize(0..self.people.len())].clone();
        if self.rng.u8(0..60) == 0 {
            self.ban(session, &other, reached);
            return;
        }
        let pick = self.pick();
        let maybe = |rng: &mut Rng| rng.choice([None, Some(true), Some(false)]).unwrap();
        let rng = &mut self.rng;
        let command = match rng.u8(0..22) {
            0..=4 => SeatCommand::Apply(pick),
            5..=7 => SeatCommand::Accept { user: other, pick },
            8 => SeatCommand::Reject(other),
            9..=10 => SeatCommand::Invite { user: other, pick },
            11 => SeatCommand::Join,
            12 => SeatCommand::Decline,
            13 => SeatCommand::Leave,
            14 => SeatCommand::Kick(other),
            15..=16 => SeatCommand::Mute { user: other, audio: maybe(rng), video: maybe(rng) },
            17..=18 => SeatCommand::Lock(SeatLock {
                index: pick.index.unwrap_or(SeatIndex::HOST),
                rev: pick.rev,
                seat: maybe(rng),
                audio: maybe(rng),
                video: maybe(rng),
                force: rng.u8(0..4) == 0,
            }),
            19..=20 => {
                SeatCommand::Move { user: rng.bool().then_some(other), pick, swap: rng.bool() }
            }
            _ => SeatCommand::Switch { mic: maybe(rng), cam: maybe(rng) },
        };
        self.give(session, command, reached);
    }

    fn pick(&mut self) -> SeatPick {
        let index = SeatIndex::new(self.rng.u8(0..5)).filter(|_| self.rng.bool());
        let rev = index.filter(|_| self.rng.bool()).map(|index| {
            let rev = self.seats[&index].0.rev;
            if self.rng.bool() { rev } else { rev.saturating_sub(1) }
        });
        SeatPick { index, rev }
    }

    fn give(&mut self, session: SessionId, command: SeatCommand, reached: &mut Reached) {
        let seen = match &command {
            SeatCommand::Apply(pick)
            | SeatCommand::Accept { pick, .. }
            | SeatCommand::Invite { pick, .. }
            | SeatCommand::Move { pick, .. } => pick.index.zip(pick.rev),
            SeatCommand::Lock(lock) => Some(lock.index).zip(lock.rev),
            _ => None,
        };
        let is_stale = seen.is_some_and(|(index, rev)| self.seats[&index].0.rev != rev);
        let is_move = matches!(command, SeatCommand::Move { .. });
        let before = self.world.events.len();
        let answer = self.world.command(session, Command::Seat(command));
        let said = self.world.events.len() - before;
        match answer {
            Ok(_) => {
                let index = seen.map(|(index, _)| index);
                assert!(
                    !is_stale || is_move && said == 0,
                    "seed {}: {index:?} was older",
                    self.seed
                );
                reached.moved += u64::from(is_move && said >= 2);
            }
            Err(rejected) => {
                assert_eq!(said, 0, "seed {}: a refusal changes nothing: {rejected:?}", self.seed);
                reached.stale += u64::from(is_stale && matches!(rejected, Rejected::Conflict(_)));
                reached.locked += u64::from(rejected == Rejected::SeatLocked);
            }
        }
    }

    fn ban(&mut self, session: SessionId, other: &UserId, reached: &mut Reached) {
        let is_guest = self.people.iter().any(|(_, name, role)| name == other && role.rank() == 0);
        let had_seat = self.seats.values().any(|(seat, _)| seat.user.as_ref() == Some(other));
        if !is_guest {
            return;
        }
        let ban = ModerationCommand::Ban {
            user: other.clone(),
            ttl: Ttl::new(15),
            reason: None,
            wipe: false,
        };
        if self.world.command(session, Command::Moderation(ban)).is_ok() {
            self.follow(reached);
            let has_seat = self.seats.values().any(|(seat, _)| seat.user.as_ref() == Some(other));
            assert!(!has_seat, "seed {}: a banned user sits", self.seed);
            reached.banned += u64::from(had_seat);
        }
    }

    /// Takes in what was told since the last time.
    fn follow(&mut self, reached: &mut Reached) {
        for (_, event) in &self.world.events[self.events..] {
            let EventBody::SeatUpdated(next) = &event.body else { continue };
            let at = event.at.unix_millis();
            let (before, since) = self.seats[&next.index].clone();
            assert_eq!(next.rev, before.rev + 1, "seed {}: {next:?}", self.seed);
            if before.user.is_none() && next.user.is_some() {
                assert!(!before.locked, "seed {}: {next:?} was locked", self.seed);
            }
            if before.user.is_some() && before.user == next.user {
                let is_late = at - since > longest(before.state).unwrap_or(u64::MAX);
                assert!(!is_late, "seed {}: {before:?} lasted {} ms", self.seed, at - since);
            }
            reached.late +=
                u64::from(next.user.is_none() && Some(at - since) == longest(before.state));
            reached.live +=
                u64::from(next.state == SeatState::Live && before.state != SeatState::Live);
            let since =
                if (before.state, &before.user) == (next.state, &next.user) { since } else { at };
            self.seats.insert(next.index, (next.clone(), since));
        }
        self.events = self.world.events.len();
        for (_, name, silence) in &self.world.silenced[self.silences..] {
            reached.silenced += u64::from(silence.audio || silence.video);
            self.silence.insert(name.clone(), *silence);
        }
        self.silences = self.world.silenced.len();
        for (_, name) in &self.world.unpublished[self.unpublished..] {
            self.on_air.remove(name);
            // A publisher that comes back is a new one; the shell asks what is to be dropped of it.
            self.silence.remove(name);
        }
        self.unpublished = self.world.unpublished.len();
    }

    fn compare(&mut self) {
        let seed = self.seed;
        let now = at(self.world.now);
        let seats = self.world.room_mut("a").view(now).seats;
        let mut seated = BTreeSet::new();
        for seat in seats {
            // How many seats there are is told by itself, not with each seat.
            let told = SeatView { locked: seat.locked, ..self.seats[&seat.index].0.clone() };
            assert_eq!(told, seat, "seed {seed}");
            self.seats.get_mut(&seat.index).unwrap().0.locked = seat.locked;
            let Some(name) = &seat.user else { continue };
            assert!(seated.insert(name.clone()), "seed {seed}: {name} has two seats");
            let told = self.silence.get(name).copied().unwrap_or_default();
            let silence = Silence { audio: seat.muted, video: seat.unseen };
            let is_new = seat.state == SeatState::Reserved || seat.state == SeatState::Joining;
            assert!(told == silence || is_new, "seed {seed}: {seat:?}, told {told:?}");
            assert_eq!(self.world.room("a").silence_of(name), silence, "seed {seed}");
        }
        // The shell knows nothing of who has no publisher.
        self.silence.retain(|name, _| seated.contains(name));
        for name in &self.on_air {
            assert!(seated.contains(name), "seed {seed}: {name} publishes without a seat");
        }
    }
}

/// How long a seat stays in a state by itself.
fn longest(state: SeatState) -> Option<u64> {
    match state {
        SeatState::Reserved | SeatState::Held => Some(30_000),
        SeatState::Joining => Some(10_000),
        SeatState::Idle | SeatState::Live => None,
    }
}
