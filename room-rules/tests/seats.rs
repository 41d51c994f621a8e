//! Goal: a seat is one user's at a time, and one that is granted but not used falls back.
//! Method: one room in virtual time; each deadline is tried one millisecond before and at it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use room_rules::{
    Command, ConfigChange, EndReason, EventBody, MediaChange, Rejected, Reply, Role, RoomCommand,
    RoomState, SeatCommand, SeatCount, SeatIndex, SeatLock, SeatMode, SeatPick, SeatRequestKind,
    SeatState, SeatView, SessionId, Silence,
};
use world::{World, room, user};

#[test]
fn an_applicant_is_accepted_joins_and_is_live_on_their_media() {
    let (mut world, host, bob) = room_with_viewer();

    world.command(bob, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    let seat = world.command(
        host,
        Command::Seat(SeatCommand::Accept { user: user("bob"), pick: SeatPick::ANY }),
    );
    assert_eq!(seat, Ok(Reply::Seat { index: SeatIndex::new(1).unwrap() }));
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.command(bob, Command::Seat(SeatCommand::Join)).unwrap();
    assert_eq!(state(&mut world, 1), SeatState::Joining);
    world.may_publish("a", "bob", Role::Viewer).unwrap();
    world.media("a", "bob", MediaChange::Started);

    assert_eq!(state(&mut world, 1), SeatState::Live);
    assert_eq!(world.stage_of("a"), ["a/alice", "a/bob"]);
}

#[test]
fn a_seat_falls_back_exactly_when_its_time_is_up() {
    let (mut world, host, bob) = room_with_viewer();
    world
        .command(
            host,
            Command::Seat(SeatCommand::Invite { user: user("bob"), pick: SeatPick::ANY }),
        )
        .unwrap();
    world.run_for(29_999);
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.run_for(1);
    assert_eq!(state(&mut world, 1), SeatState::Idle);

    world.command(bob, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    world
        .command(
            host,
            Command::Seat(SeatCommand::Accept { user: user("bob"), pick: SeatPick::ANY }),
        )
        .unwrap();
    world.run_for(14_999);
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.command(bob, Command::Seat(SeatCommand::Join)).unwrap();
    world.run_for(9_999);
    assert_eq!(state(&mut world, 1), SeatState::Joining);
    world.run_for(1);
    assert_eq!(state(&mut world, 1), SeatState::Idle);
    assert_eq!(requests(&world).last(), Some(&SeatRequestKind::Timeout));

    world.command(bob, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    world.run_for(60_000);
    let late = world.command(
        host,
        Command::Seat(SeatCommand::Accept { user: user("bob"), pick: SeatPick::ANY }),
    );
    assert!(matches!(late, Err(Rejected::NotFound(_))));
}

#[test]
fn a_guest_who_is_lost_keeps_the_seat_for_thirty_seconds() {
    let (mut world, _host, _) = room_with_viewer();
    seat_guest(&mut world, "gina");

    world.media("a", "gina", MediaChange::Stopped);
    world.run_for(29_999);
    assert_eq!(state(&mut world, 1), SeatState::Held);
    world.media("a", "gina", MediaChange::Started);
    assert_eq!(state(&mut world, 1), SeatState::Live);

    world.media("a", "gina", MediaChange::Stopped);
    world.run_for(30_000);
    assert_eq!(state(&mut world, 1), SeatState::Idle);
    assert_eq!(world.unpublished, [(room("a"), user("gina"))]);
}

#[test]
fn one_user_has_one_seat() {
    let (mut world, host, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");

    assert_eq!(
        world.command(gina, Command::Seat(SeatCommand::Apply(SeatPick::ANY))),
        Err(Rejected::AlreadySeated)
    );
    let invited = world.command(
        host,
        Command::Seat(SeatCommand::Invite { user: user("gina"), pick: SeatPick::ANY }),
    );
    assert_eq!(invited, Err(Rejected::AlreadySeated));
}

#[test]
fn the_ninth_guest_finds_no_seat() {
    let (mut world, _, _) = room_with_viewer();
    for n in 1..=8 {
        seat_guest(&mut world, &format!("guest{n}"));
    }
    let ninth = world.join("a", "guest9", Role::Guest);

    assert_eq!(
        world.command(ninth, Command::Seat(SeatCommand::Apply(SeatPick::ANY))),
        Err(Rejected::SeatTaken)
    );
}

#[test]
fn nobody_publishes_without_a_seat() {
    let (mut world, _, _) = room_with_viewer();

    for role in [Role::Viewer, Role::Guest, Role::Assistant, Role::Moderator, Role::Admin] {
        assert_eq!(world.may_publish("a", "bob", role), Err(Rejected::Forbidden), "{role:?}");
    }
    assert_eq!(world.may_publish("a", "mallory", Role::Host), Err(Rejected::SeatTaken));
    world.media("a", "bob", MediaChange::Started);
    assert_eq!(world.unpublished, [(room("a"), user("bob"))]);
}

#[test]
fn a_guest_who_gets_a_hosts_token_gets_up_before_hosting() {
    let mut world = World::new(&["a"]);
    let gina = seat_guest(&mut world, "gina");

    assert_eq!(world.may_publish("a", "gina", Role::Host), Err(Rejected::AlreadySeated));
    world.command(gina, Command::Seat(SeatCommand::Leave)).unwrap();
    world.may_publish("a", "gina", Role::Host).unwrap();

    assert_eq!(state(&mut world, 0), SeatState::Joining);
}

#[test]
fn who_goes_on_air_as_the_host_no_longer_asks_for_a_seat() {
    let mut world = World::new(&["a"]);
    let alice = world.join("a", "alice", Role::Viewer);
    world.command(alice, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();

    world.may_publish("a", "alice", Role::Host).unwrap();

    assert_eq!(requests(&world), [SeatRequestKind::Apply, SeatRequestKind::Decline]);
    assert_eq!(state(&mut world, 0), SeatState::Joining);
}

#[test]
fn a_viewers_token_of_the_host_does_not_publish_as_the_host() {
    let (mut world, _, _) = room_with_viewer();

    for role in [Role::Viewer, Role::Guest] {
        assert_eq!(world.may_publish("a", "alice", role), Err(Rejected::Forbidden), "{role:?}");
    }
    world.may_publish("a", "alice", Role::Host).unwrap();
}

#[test]
fn who_is_kicked_stops_publishing_and_the_host_cannot_be_kicked() {
    let (mut world, host, _) = room_with_viewer();
    seat_guest(&mut world, "gina");
    let mo = world.join("a", "mo", Role::Moderator);

    world.command(mo, Command::Seat(SeatCommand::Kick(user("gina")))).unwrap();

    assert_eq!(world.unpublished, [(room("a"), user("gina"))]);
    assert_eq!(world.may_publish("a", "gina", Role::Guest), Err(Rejected::Forbidden));
    assert_eq!(world.stage_of("a"), ["a/alice"]);
    let kick = Command::Seat(SeatCommand::Kick(user("alice")));
    assert_eq!(world.command(mo, kick.clone()), Err(Rejected::Forbidden));
    assert_eq!(world.command(host, kick), Err(Rejected::Forbidden));
}

#[test]
fn muting_changes_the_stage_and_repeating_it_changes_nothing() {
    let (mut world, host, _) = room_with_viewer();
    seat_guest(&mut world, "gina");
    let before = world.stage_changes;
    let mute =
        Command::Seat(SeatCommand::Mute { user: user("gina"), audio: Some(true), video: None });

    world.command(host, mute.clone()).unwrap();
    world.command(host, mute).unwrap();

    assert!(world.room("a").stage()[1].muted);
    assert_eq!(world.stage_changes, before + 1);
}

#[test]
fn leaving_with_the_last_session_gives_up_what_was_not_taken() {
    let (mut world, host, bob) = room_with_viewer();
    let second = world.join("a", "bob", Role::Viewer);
    world
        .command(
            host,
            Command::Seat(SeatCommand::Invite { user: user("bob"), pick: SeatPick::ANY }),
        )
        .unwrap();

    world.leave(bob);
    assert_eq!(state(&mut world, 1), SeatState::Reserved, "a second tab is still here");
    world.leave(second);

    assert_eq!(state(&mut world, 1), SeatState::Idle);
}

#[test]
fn a_guest_on_air_keeps_the_seat_without_a_session() {
    let (mut world, _, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");

    world.leave(gina);
    world.run_for(60_000);

    assert_eq!(state(&mut world, 1), SeatState::Live);
}

#[test]
fn a_room_waits_a_minute_for_its_host_and_no_longer() {
    let (mut world, _, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");

    world.media("a", "alice", MediaChange::Stopped);
    assert_eq!(world.room("a").state(), RoomState::Interrupted);
    world.run_for(59_999);
    world.media("a", "alice", MediaChange::Started);
    assert_eq!(world.room("a").state(), RoomState::Live);

    world.media("a", "alice", MediaChange::Stopped);
    world.run_for(60_000);
    assert_eq!(world.ended, [(room("a"), EndReason::HostLeft)]);
    assert!(world.unpublished.contains(&(room("a"), user("gina"))));
    assert_eq!(
        world.command(gina, Command::Seat(SeatCommand::Apply(SeatPick::ANY))),
        Err(Rejected::Closed("room"))
    );
    assert_eq!(world.room("a").poll_timeout(), None);
}

#[test]
fn where_seats_are_free_a_viewer_takes_one_and_moves_but_not_onto_others() {
    let (mut world, host, bob) = room_with_viewer();
    configure(&mut world, host, ConfigChange { seat_mode: Some(SeatMode::Free), ..default() });
    seat_guest(&mut world, "gina");

    let taken = world.command(bob, Command::Seat(SeatCommand::Apply(SeatPick::of(seat(3)))));
    assert_eq!(taken, Ok(Reply::Seat { index: seat(3) }));
    assert_eq!(state(&mut world, 3), SeatState::Joining);
    let step = |to, swap| {
        Command::Seat(SeatCommand::Move { user: None, pick: SeatPick::of(seat(to)), swap })
    };
    assert_eq!(world.command(bob, step(1, false)), Err(Rejected::SeatTaken));
    assert_eq!(world.command(bob, step(1, true)), Err(Rejected::Forbidden), "not for oneself");
    assert_eq!(world.command(bob, step(5, false)), Ok(Reply::Seat { index: seat(5) }));

    assert_eq!(view(&mut world, 5).user, Some(user("bob")));
    assert_eq!(state(&mut world, 3), SeatState::Idle);
}

#[test]
fn where_seats_are_asked_for_nobody_moves_by_themselves_and_the_host_swaps_guests_on_air() {
    let (mut world, host, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");
    seat_guest(&mut world, "gus");
    let to_two = SeatPick::of(seat(2));
    let own =
        Command::Seat(SeatCommand::Move { user: None, pick: SeatPick::of(seat(4)), swap: false });
    assert_eq!(world.command(gina, own), Err(Rejected::Forbidden));
    let swap =
        |swap| Command::Seat(SeatCommand::Move { user: Some(user("gina")), pick: to_two, swap });

    assert_eq!(world.command(host, swap(false)), Err(Rejected::SeatTaken));
    world.command(host, swap(true)).unwrap();

    assert_eq!(world.stage_of("a"), ["a/alice", "a/gus", "a/gina"]);
    assert_eq!(world.unpublished, [], "their media goes on");
    assert_eq!(
        world.command(
            host,
            Command::Seat(SeatCommand::Move {
                user: Some(user("alice")),
                pick: to_two,
                swap: true,
            })
        ),
        Err(Rejected::Forbidden),
        "the host's seat is the host's"
    );
}

#[test]
fn a_locked_seat_is_nobodys_until_it_is_opened_and_only_force_makes_a_guest_get_up() {
    let (mut world, host, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");
    let lock = |seat, force| {
        Command::Seat(SeatCommand::Lock(SeatLock { seat: Some(seat), force, ..lock_of(1) }))
    };

    world.command(host, lock(true, false)).unwrap();
    assert_eq!(state(&mut world, 1), SeatState::Live, "who sits may stay");
    world.command(host, lock(true, true)).unwrap();
    assert_eq!(world.unpublished, [(room("a"), user("gina"))]);
    let first = Command::Seat(SeatCommand::Apply(SeatPick::of(seat(1))));
    assert_eq!(world.command(gina, first.clone()), Err(Rejected::SeatLocked));
    assert_eq!(
        world.command(gina, Command::Seat(SeatCommand::Apply(SeatPick::ANY))),
        Ok(Reply::Seat { index: seat(2) }),
        "the next one is open"
    );
    world.command(gina, Command::Seat(SeatCommand::Leave)).unwrap();
    world.command(host, lock(false, false)).unwrap();
    assert_eq!(world.command(gina, first), Ok(Reply::Seat { index: seat(1) }));

    let hosts = Command::Seat(SeatCommand::Lock(SeatLock { seat: Some(true), ..lock_of(0) }));
    assert_eq!(world.command(host, hosts), Err(Rejected::Forbidden));
}

#[test]
fn a_host_who_saw_an_older_state_of_a_seat_changes_nothing() {
    let (mut world, host, _) = room_with_viewer();
    let seen = view(&mut world, 1).rev;
    seat_guest(&mut world, "gina");
    let lock = |rev| {
        let wish = SeatLock { rev: Some(rev), seat: Some(true), force: true, ..lock_of(1) };
        Command::Seat(SeatCommand::Lock(wish))
    };

    let stale = world.command(host, lock(seen));
    assert!(matches!(stale, Err(Rejected::Conflict(_))));
    assert_eq!(state(&mut world, 1), SeatState::Live);
    let now = view(&mut world, 1).rev;
    world.command(host, lock(now)).unwrap();
    assert!(view(&mut world, 1).rev > now);
}

#[test]
fn who_the_host_silenced_is_dropped_where_they_come_in_and_cannot_switch_it_back() {
    let (mut world, host, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");
    let mute = |audio| {
        Command::Seat(SeatCommand::Mute { user: user("gina"), audio: Some(audio), video: None })
    };
    let mic = |on| Command::Seat(SeatCommand::Switch { mic: Some(on), cam: None });
    let unheard = Silence { audio: true, video: false };

    world.command(host, mute(true)).unwrap();
    assert_eq!(world.silenced, [(room("a"), user("gina"), unheard)]);
    assert_eq!(world.room("a").silence_of(&user("gina")), unheard);
    assert_eq!(world.command(gina, mic(true)), Err(Rejected::SeatMutedByHost));
    world.command(gina, mic(false)).unwrap();
    world.command(host, mute(false)).unwrap();
    assert_eq!(world.silenced.last().unwrap().2, Silence::default());
    assert!(!view(&mut world, 1).mic, "it was she who switched it off");
    world.command(gina, mic(true)).unwrap();
    assert!(view(&mut world, 1).mic);
}

#[test]
fn a_lock_of_sound_outlasts_whoever_sits_and_a_mute_does_not() {
    let (mut world, host, _) = room_with_viewer();
    let gina = seat_guest(&mut world, "gina");
    let mute =
        Command::Seat(SeatCommand::Mute { user: user("gina"), audio: Some(true), video: None });
    world.command(host, mute).unwrap();
    let lock = SeatLock { video: Some(true), ..lock_of(1) };
    world.command(host, Command::Seat(SeatCommand::Lock(lock))).unwrap();
    world.command(gina, Command::Seat(SeatCommand::Leave)).unwrap();

    seat_guest(&mut world, "gus");

    let unseen = Silence { audio: false, video: true };
    assert_eq!(world.silenced.last(), Some(&(room("a"), user("gus"), unseen)));
    assert!(view(&mut world, 1).unseen && !view(&mut world, 1).muted);
}

#[test]
fn a_host_who_reloads_finds_those_who_ask_and_others_only_their_own_wish() {
    let (mut world, host, bob) = room_with_viewer();
    world.command(bob, Command::Seat(SeatCommand::Apply(SeatPick::of(seat(4))))).unwrap();
    world.leave(host);

    let wishes = |world: &mut World, name: &str, role| {
        let session = world.next_session();
        let snapshot = world.join_as(session, "a", name, role).unwrap();
        snapshot.wishes.into_iter().map(|wish| (wish.user, wish.wanted)).collect::<Vec<_>>()
    };
    let bobs = vec![(user("bob"), Some(seat(4)))];
    assert_eq!(wishes(&mut world, "alice", Role::Host), bobs);
    assert_eq!(wishes(&mut world, "asa", Role::Assistant), bobs);
    assert_eq!(wishes(&mut world, "bob", Role::Viewer), bobs);
    assert_eq!(wishes(&mut world, "cara", Role::Viewer), []);
}

#[test]
fn the_fifty_first_who_asks_is_turned_down() {
    let (mut world, _, _) = room_with_viewer();
    for n in 0..50 {
        let session = world.join("a", &format!("v{n}"), Role::Viewer);
        world.command(session, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    }
    let last = world.join("a", "last", Role::Viewer);

    let refused = world.command(last, Command::Seat(SeatCommand::Apply(SeatPick::ANY)));
    assert!(matches!(refused, Err(Rejected::QueueFull(_))), "{refused:?}");
}

#[test]
fn a_room_of_two_seats_is_one_to_one() {
    let (mut world, host, _) = room_with_viewer();
    let two = ConfigChange { seats: SeatCount::new(2), ..default() };
    configure(&mut world, host, two);
    seat_guest(&mut world, "gina");
    let gus = world.join("a", "gus", Role::Guest);

    let full = world.command(gus, Command::Seat(SeatCommand::Apply(SeatPick::ANY)));
    assert_eq!(full, Err(Rejected::SeatTaken));
    let third = world.command(gus, Command::Seat(SeatCommand::Apply(SeatPick::of(seat(2)))));
    assert_eq!(third, Err(Rejected::SeatLocked));
}

#[test]
fn the_host_and_their_second_phone_are_one_user_and_only_the_host_publishes() {
    let (mut world, host, _) = room_with_viewer();
    let phone = world.join("a", "alice", Role::Assistant);

    assert_eq!(world.may_publish("a", "alice", Role::Assistant), Err(Rejected::Forbidden));
    seat_guest(&mut world, "gina");
    world.command(phone, Command::Seat(SeatCommand::Kick(user("gina")))).unwrap();
    world.announce(phone, 1, 1);
    world.leave(phone);

    assert_eq!(world.stage_of("a"), ["a/alice"]);
    world.command(host, Command::RoomEnd).unwrap();
}

fn default() -> ConfigChange {
    ConfigChange::default()
}

fn configure(world: &mut World, host: SessionId, change: ConfigChange) {
    world.command(host, Command::Room(RoomCommand::Configure(change))).unwrap();
}

fn seat(index: u8) -> SeatIndex {
    SeatIndex::new(index).unwrap()
}

fn lock_of(index: u8) -> SeatLock {
    SeatLock { index: seat(index), rev: None, seat: None, audio: None, video: None, force: false }
}

fn view(world: &mut World, index: usize) -> SeatView {
    let now = world::at(world.now);
    world.room_mut("a").view(now).seats.swap_remove(index)
}

fn room_with_viewer() -> (World, SessionId, SessionId) {
    let mut world = World::new(&["a"]);
    let host = world.live_host("a", "alice");
    let bob = world.join("a", "bob", Role::Viewer);
    (world, host, bob)
}

fn seat_guest(world: &mut World, name: &str) -> SessionId {
    let session = world.join("a", name, Role::Guest);
    world.command(session, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    world.may_publish("a", name, Role::Guest).unwrap();
    world.media("a", name, MediaChange::Started);
    session
}

fn state(world: &mut World, seat: usize) -> SeatState {
    let now = world::at(world.now);
    world.room_mut("a").view(now).seats[seat].state
}

fn requests(world: &World) -> Vec<SeatRequestKind> {
    let kinds = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::SeatRequest { kind, .. } => Some(*kind),
        _ => None,
    });
    kinds.collect()
}
