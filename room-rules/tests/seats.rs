//! Goal: a seat is one user's at a time, and one that is granted but not used falls back.
//! Method: one room in virtual time; each deadline is tried one millisecond before and at it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use room_rules::{
    Command, EndReason, EventBody, MediaChange, Rejected, Reply, Role, RoomState, SeatIndex,
    SeatRequestKind, SeatState,
};
use world::{World, room, user};

#[test]
fn an_applicant_is_accepted_joins_and_is_live_on_their_media() {
    let (mut world, host, bob) = room_with_viewer();

    world.command(bob, Command::SeatApply).unwrap();
    let seat = world.command(host, Command::SeatAccept(user("bob")));
    assert_eq!(seat, Ok(Reply::Seat { index: SeatIndex::new(1).unwrap() }));
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.command(bob, Command::SeatJoin).unwrap();
    assert_eq!(state(&mut world, 1), SeatState::Joining);
    world.may_publish("a", "bob", Role::Viewer).unwrap();
    world.media("a", "bob", MediaChange::Started);

    assert_eq!(state(&mut world, 1), SeatState::Live);
    assert_eq!(world.stage_of("a"), ["a/alice", "a/bob"]);
}

#[test]
fn a_seat_falls_back_exactly_when_its_time_is_up() {
    let (mut world, host, bob) = room_with_viewer();
    world.command(host, Command::SeatInvite(user("bob"))).unwrap();
    world.run_for(29_999);
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.run_for(1);
    assert_eq!(state(&mut world, 1), SeatState::Idle);

    world.command(bob, Command::SeatApply).unwrap();
    world.command(host, Command::SeatAccept(user("bob"))).unwrap();
    world.run_for(14_999);
    assert_eq!(state(&mut world, 1), SeatState::Reserved);
    world.command(bob, Command::SeatJoin).unwrap();
    world.run_for(9_999);
    assert_eq!(state(&mut world, 1), SeatState::Joining);
    world.run_for(1);
    assert_eq!(state(&mut world, 1), SeatState::Idle);
    assert_eq!(requests(&world).last(), Some(&SeatRequestKind::Timeout));

    world.command(bob, Command::SeatApply).unwrap();
    world.run_for(60_000);
    let late = world.command(host, Command::SeatAccept(user("bob")));
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

    assert_eq!(world.command(gina, Command::SeatApply), Err(Rejected::AlreadySeated));
    let invited = world.command(host, Command::SeatInvite(user("gina")));
    assert_eq!(invited, Err(Rejected::AlreadySeated));
}

#[test]
fn the_ninth_guest_finds_no_seat() {
    let (mut world, _, _) = room_with_viewer();
    for n in 1..=8 {
        seat_guest(&mut world, &format!("guest{n}"));
    }
    let ninth = world.join("a", "guest9", Role::Guest);

    assert_eq!(world.command(ninth, Command::SeatApply), Err(Rejected::SeatTaken));
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
    world.command(gina, Command::SeatLeave).unwrap();
    world.may_publish("a", "gina", Role::Host).unwrap();

    assert_eq!(state(&mut world, 0), SeatState::Joining);
}

#[test]
fn who_goes_on_air_as_the_host_no_longer_asks_for_a_seat() {
    let mut world = World::new(&["a"]);
    let alice = world.join("a", "alice", Role::Viewer);
    world.command(alice, Command::SeatApply).unwrap();

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

    world.command(mo, Command::SeatKick(user("gina"))).unwrap();

    assert_eq!(world.unpublished, [(room("a"), user("gina"))]);
    assert_eq!(world.may_publish("a", "gina", Role::Guest), Err(Rejected::Forbidden));
    assert_eq!(world.stage_of("a"), ["a/alice"]);
    let kick = Command::SeatKick(user("alice"));
    assert_eq!(world.command(mo, kick.clone()), Err(Rejected::Forbidden));
    assert_eq!(world.command(host, kick), Err(Rejected::Forbidden));
}

#[test]
fn muting_changes_the_stage_and_repeating_it_changes_nothing() {
    let (mut world, host, _) = room_with_viewer();
    seat_guest(&mut world, "gina");
    let before = world.stage_changes;
    let mute = Command::SeatMute { user: user("gina"), audio: true };

    world.command(host, mute.clone()).unwrap();
    world.command(host, mute).unwrap();

    assert!(world.room("a").stage()[1].muted);
    assert_eq!(world.stage_changes, before + 1);
}

#[test]
fn leaving_with_the_last_session_gives_up_what_was_not_taken() {
    let (mut world, host, bob) = room_with_viewer();
    let second = world.join("a", "bob", Role::Viewer);
    world.command(host, Command::SeatInvite(user("bob"))).unwrap();

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
    assert_eq!(world.command(gina, Command::SeatApply), Err(Rejected::Closed("room")));
    assert_eq!(world.room("a").poll_timeout(), None);
}

fn room_with_viewer() -> (World, room_rules::SessionId, room_rules::SessionId) {
    let mut world = World::new(&["a"]);
    let host = world.live_host("a", "alice");
    let bob = world.join("a", "bob", Role::Viewer);
    (world, host, bob)
}

fn seat_guest(world: &mut World, name: &str) -> room_rules::SessionId {
    let session = world.join("a", name, Role::Guest);
    world.command(session, Command::SeatApply).unwrap();
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
