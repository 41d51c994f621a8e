//! Goal: everybody may do exactly what their role and token grant, and who was muted or banned is.
//! Method: the whole table of who may do what; one room in virtual time for the rest.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::time::Duration;

use room_rules::{
    Area, Areas, Capability, Command, ConfigChange, EndReason, EventBody, LikeCount, MediaChange,
    Member, ModerationCommand, ModerationNews, OrderKept, PkCommand, PkId, ReasonCode, Rejected,
    Reply, Role, RoomCommand, RoomState, SeatCommand, SeatIndex, SeatLock, SeatPick, SessionId,
    SlowMode, Ttl, Word,
};
use world::{World, at, chat, gift, member, offer, order, room, terms, user};

#[test]
fn every_role_may_do_exactly_what_the_protocol_says() {
    // Columns: host, assistant, guest, viewer, moderator, admin; as in PROTOCOL.md section 4.
    for (command, allowed) in table() {
        for (role, allowed) in Role::ALL.into_iter().zip(allowed) {
            let mut world = World::new(&["a"]);
            let denied = world.command_by("a", "x", role, command.clone());
            // An allowed command may still fail for another reason in an empty room.
            assert_eq!(denied != Err(Rejected::Forbidden), allowed, "{role:?}: {command:?}");
        }
    }
}

#[test]
fn a_token_takes_away_what_it_does_not_name_and_never_gives_more_than_the_role() {
    for (command, allowed) in table() {
        let area = command.needs().area();
        for (role, allowed) in Role::ALL.into_iter().zip(allowed) {
            for (caps, named) in [(Areas::NONE, false), (Areas::NONE.with(area), true)] {
                let mut world = World::new(&["a"]);
                let by = Member { caps, ..member("x", role) };
                let now = at(world.now);
                let room = world.room_mut("a");
                let input = room.command_by(by, command.clone());
                let answer = room.handle_input(&input, now);
                let is_denied = answer == Err(Rejected::Forbidden);
                assert_eq!(!is_denied, allowed && named, "{role:?} {area:?}: {command:?}");
            }
        }
    }
    let quiet = Member { caps: Areas::ALL.without(Area::Publish), ..member("alice", Role::Host) };
    assert!(!quiet.may(Capability::PublishAsHost) && quiet.may(Capability::EndRoom));
}

#[test]
fn a_feature_that_the_room_does_not_have_is_there_for_nobody() {
    for (command, allowed) in table() {
        let area = command.needs().area();
        let mut world = World::new(&["a"]);
        let host = world.live_host("a", "alice");
        let off = ConfigChange { features: vec![(area, false)], ..ConfigChange::default() };
        world.command(host, Command::Room(RoomCommand::Configure(off))).unwrap();
        for (role, allowed) in Role::ALL.into_iter().zip(allowed) {
            let answer = world.command_by("a", "x", role, command.clone());
            let is_off = answer == Err(Rejected::FeatureOff(area.as_str()));
            assert_eq!(is_off, allowed && area.is_feature(), "{role:?}: {command:?}");
            if world.room("a").state() == RoomState::Ended {
                break;
            }
        }
    }
}

#[test]
fn a_muted_user_says_nothing_until_it_is_over() {
    let (mut world, mo, bob) = room_with_moderator();
    let ttl = Ttl::new(60);
    moderate(&mut world, mo, ModerationCommand::Mute { user: user("bob"), ttl }).unwrap();

    assert_eq!(world.command(bob, chat("hi")), Err(Rejected::Muted));
    world.command(bob, Command::Like(LikeCount::new(1).unwrap())).unwrap();
    let until = Some(at(world.now + 60_000));
    let session = world.next_session();
    let snapshot = world.join_as(session, "a", "bob", Role::Viewer).unwrap();
    assert_eq!(snapshot.muted, Some(until), "who comes back knows it");
    world.run_for(59_999);
    assert_eq!(world.command(bob, chat("hi")), Err(Rejected::Muted));
    world.run_for(1);
    world.command(bob, chat("hi")).unwrap();

    assert_eq!(own_news(&world), [OrderKept::Muted { until }, OrderKept::Unmuted]);
    let last = world.staff_news.last().unwrap();
    assert_eq!(last, &(room("a"), ModerationNews::Unmuted(user("bob"))));
}

#[test]
fn a_banned_user_is_gone_with_all_they_had_and_not_let_in_before_it_is_over() {
    let (mut world, mo, _) = room_with_moderator();
    let gina = world.join("a", "gina", Role::Guest);
    world.command(gina, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    world.may_publish("a", "gina", Role::Guest).unwrap();
    world.media("a", "gina", MediaChange::Started);
    let reason = ReasonCode::parse("spam");

    let ban = ModerationCommand::Ban { user: user("gina"), ttl: Ttl::new(60), reason, wipe: false };
    moderate(&mut world, mo, ban).unwrap();

    assert_eq!(world.expelled, [(room("a"), user("gina"))]);
    assert_eq!(world.unpublished, [(room("a"), user("gina"))]);
    assert_eq!(world.stage_of("a"), ["a/alice"]);
    let until = Some(at(world.now + 60_000));
    let reason = ReasonCode::parse("spam");
    assert_eq!(own_news(&world), [OrderKept::Banned { until, reason }]);
    for role in [Role::Viewer, Role::Guest] {
        let now = at(world.now);
        assert!(world.room("a").is_banned(&member("gina", role), now), "{role:?}");
        let session = world.next_session();
        let join = world.join_as(session, "a", "gina", role);
        assert_eq!(join.unwrap_err(), Rejected::Banned);
        assert_eq!(world.may_publish("a", "gina", role), Err(Rejected::Banned));
        let order = world.command_by("a", "gina", role, gift("rose", None, "k"));
        assert_eq!(order, Err(Rejected::Banned));
    }
    world.run_for(60_000);
    world.join("a", "gina", Role::Guest);
}

#[test]
fn a_ban_binds_lower_roles_only() {
    let (mut world, mo, _) = room_with_moderator();
    let host = world.join("a", "alice", Role::Host);
    let ban =
        |name| ModerationCommand::Ban { user: user(name), ttl: None, reason: None, wipe: false };

    moderate(&mut world, mo, ban("alice")).unwrap();
    assert!(!world.room("a").is_banned(&member("alice", Role::Host), at(world.now)));
    assert_eq!(world.room("a").state(), RoomState::Live, "a moderator does not ban the host");
    assert!(moderate(&mut world, mo, ban("mo")).is_err(), "nor themselves");
    moderate(&mut world, host, ban("mo")).unwrap();
    assert!(world.room("a").is_banned(&member("mo", Role::Moderator), at(world.now)));
    let other = world.join("a", "max", Role::Moderator);
    let unban = ModerationCommand::Unban(user("mo"));
    assert_eq!(moderate(&mut world, other, unban.clone()), Err(Rejected::Forbidden));
    moderate(&mut world, host, unban).unwrap();
    world.join("a", "mo", Role::Moderator);
}

#[test]
fn a_host_whom_the_platform_bans_takes_the_room_along() {
    let (mut world, _, _) = room_with_moderator();
    let reason = ReasonCode::parse("forbidden_goods");
    let ban = ModerationCommand::Ban {
        user: user("alice"),
        ttl: None,
        reason: reason.clone(),
        wipe: false,
    };

    world.command_by("a", "root", Role::Admin, Command::Moderation(ban)).unwrap();

    assert_eq!(world.ended, [(room("a"), EndReason::Banned)]);
    assert!(world.unpublished.contains(&(room("a"), user("alice"))));
    let told = world.told("a");
    let last = EventBody::RoomState {
        state: RoomState::Ended,
        reason: Some(EndReason::Banned),
        note: reason,
    };
    assert!(told.contains(&&last));
}

#[test]
fn the_platform_ends_a_room_for_a_reason_that_everybody_is_told() {
    let (mut world, _, _) = room_with_moderator();
    let code = ReasonCode::parse("copyright").unwrap();

    let end = Command::Room(RoomCommand::ForceEnd(code.clone()));
    world.command_by("a", "root", Role::Admin, end).unwrap();

    let note = Some(code);
    let last =
        EventBody::RoomState { state: RoomState::Ended, reason: Some(EndReason::Forced), note };
    assert!(world.told("a").contains(&&last));
}

#[test]
fn in_slow_mode_viewers_wait_and_those_who_keep_order_do_not() {
    let (mut world, mo, bob) = room_with_moderator();
    moderate(&mut world, mo, ModerationCommand::SlowMode(SlowMode::new(10).unwrap())).unwrap();

    world.command(bob, chat("one")).unwrap();
    assert_eq!(world.command(bob, chat("two")), Err(Rejected::RateLimited));
    world.command(mo, chat("one")).unwrap();
    world.command(mo, chat("two")).unwrap();
    world.run_for(9_999);
    assert_eq!(world.command(bob, chat("two")), Err(Rejected::RateLimited));
    world.run_for(1);
    world.command(bob, chat("two")).unwrap();

    let slow = world.told("a").into_iter().any(
        |body| matches!(body, EventBody::Settings(view) if view.slow_mode == Duration::from_secs(10)),
    );
    assert!(slow, "everybody knows");
}

#[test]
fn when_all_are_muted_only_the_host_and_those_who_keep_order_talk() {
    let (mut world, mo, bob) = room_with_moderator();
    let host = world.join("a", "alice", Role::Host);
    moderate(&mut world, mo, ModerationCommand::MuteAll(true)).unwrap();

    assert_eq!(world.command(bob, chat("hi")), Err(Rejected::Muted));
    world.command(mo, chat("quiet please")).unwrap();
    world.command(host, chat("thank you")).unwrap();
    moderate(&mut world, mo, ModerationCommand::MuteAll(false)).unwrap();
    world.command(bob, chat("hi")).unwrap();
}

#[test]
fn a_blocked_word_is_not_said_and_costs_nobody_their_pace() {
    let (mut world, mo, bob) = room_with_moderator();
    let add = vec![Word::parse("scam").unwrap()];
    let words = ModerationCommand::Words { add, remove: Vec::new() };
    moderate(&mut world, mo, words).unwrap();

    for _ in 0..20 {
        assert_eq!(world.command(bob, chat("a S C A M!")), Err(Rejected::ContentRejected));
    }
    world.command(bob, chat("a bargain!")).unwrap();
    let said = world.told("a").into_iter().filter(|body| matches!(body, EventBody::Chat(_)));
    assert_eq!(said.count(), 1);
}

#[test]
fn only_those_who_keep_order_are_shown_who_is_muted_and_banned() {
    let (mut world, mo, _) = room_with_moderator();
    moderate(&mut world, mo, ModerationCommand::Mute { user: user("x"), ttl: None }).unwrap();

    let shown = |world: &mut World, name: &str, role| {
        let session = world.next_session();
        let snapshot = world.join_as(session, "a", name, role).unwrap();
        snapshot.moderation.map(|view| view.mutes.len())
    };
    for role in Role::ALL {
        let may = matches!(role, Role::Host | Role::Assistant | Role::Moderator | Role::Admin);
        assert_eq!(shown(&mut world, "someone", role), may.then_some(1), "{role:?}");
    }
    let list = moderate(&mut world, mo, ModerationCommand::List);
    assert!(matches!(list, Ok(Reply::Moderation(view)) if view.mutes.len() == 1));
}

#[test]
fn a_list_that_is_full_takes_nobody_more_until_somebody_is_taken_off() {
    let (mut world, mo, _) = room_with_moderator();
    let mute = |n: u32| ModerationCommand::Mute { user: user(&format!("u{n}")), ttl: None };
    for n in 0..500 {
        moderate(&mut world, mo, mute(n)).unwrap();
    }
    assert!(matches!(moderate(&mut world, mo, mute(500)), Err(Rejected::QueueFull(_))));
    moderate(&mut world, mo, mute(7)).unwrap();
    moderate(&mut world, mo, ModerationCommand::Unmute(user("u7"))).unwrap();
    moderate(&mut world, mo, mute(500)).unwrap();
}

#[test]
fn a_room_may_open_before_its_host_is_on_air() {
    let mut world = World::new(&["a"]);
    let phone = world.join("a", "asa", Role::Assistant);

    world.command(phone, Command::Room(RoomCommand::Open)).unwrap();
    assert_eq!(world.room("a").state(), RoomState::Waiting);
    world.command(phone, Command::Room(RoomCommand::Open)).unwrap();
    let host = world.live_host("a", "alice");
    assert_eq!(world.room("a").state(), RoomState::Live);
    let late = world.command(host, Command::Room(RoomCommand::Open));
    assert!(matches!(late, Err(Rejected::Conflict(_))));
}

#[test]
fn a_hidden_room_says_so() {
    let mut world = World::new(&["a"]);
    world.command_by("a", "root", Role::Admin, Command::Room(RoomCommand::Hide(true))).unwrap();
    let now = at(world.now);
    assert!(world.room_mut("a").view(now).hidden);
}

/// Every command, and who may give it: host, assistant, guest, viewer, moderator, admin.
#[allow(clippy::too_many_lines, reason = "a table has a line for each command")]
fn table() -> Vec<(Command, [bool; 6])> {
    let (yes, no) = (true, false);
    let bob = || user("bob");
    let pk = PkId::parse("a-pk").unwrap();
    let sale = room_rules::SaleId::parse("a-sale").unwrap();
    let seat = |command| Command::Seat(command);
    let order_kept = |command| Command::Moderation(command);
    let steer = |command| Command::Room(command);
    let one = SeatIndex::new(1).unwrap();
    let pick = SeatPick::ANY;
    let lock = SeatLock {
        index: one,
        rev: None,
        seat: Some(true),
        audio: None,
        video: None,
        force: false,
    };
    let everybody_on_stage = [yes, no, yes, yes, no, no];
    let guests = [no, no, yes, yes, no, no];
    let hosts = [yes, yes, no, no, no, no];
    let hosts_and_platform = [yes, yes, no, no, no, yes];
    let keepers = [yes, yes, no, no, yes, yes];
    let platform = [no, no, no, no, no, yes];
    vec![
        (chat("x"), [yes, no, yes, yes, yes, yes]),
        (Command::Like(LikeCount::new(1).unwrap()), [yes; 6]),
        (gift("rose", None, "k"), [no, no, yes, yes, yes, no]),
        (seat(SeatCommand::Apply(pick)), guests),
        (seat(SeatCommand::Accept { user: bob(), pick }), hosts_and_platform),
        (seat(SeatCommand::Reject(bob())), hosts_and_platform),
        (seat(SeatCommand::Invite { user: bob(), pick }), hosts_and_platform),
        (seat(SeatCommand::Join), guests),
        (seat(SeatCommand::Decline), guests),
        (seat(SeatCommand::Leave), guests),
        (seat(SeatCommand::Kick(bob())), keepers),
        (seat(SeatCommand::Mute { user: bob(), audio: Some(true), video: None }), keepers),
        (seat(SeatCommand::Lock(lock)), hosts_and_platform),
        (
            seat(SeatCommand::Move { user: Some(bob()), pick: SeatPick::of(one), swap: false }),
            hosts_and_platform,
        ),
        (seat(SeatCommand::Switch { mic: Some(false), cam: None }), everybody_on_stage),
        (order_kept(ModerationCommand::Mute { user: bob(), ttl: None }), keepers),
        (order_kept(ModerationCommand::Unmute(bob())), keepers),
        (
            order_kept(ModerationCommand::Ban {
                user: bob(),
                ttl: None,
                reason: None,
                wipe: false,
            }),
            keepers,
        ),
        (order_kept(ModerationCommand::Unban(bob())), keepers),
        (order_kept(ModerationCommand::SlowMode(SlowMode::new(1).unwrap())), keepers),
        (order_kept(ModerationCommand::MuteAll(true)), keepers),
        (order_kept(ModerationCommand::Words { add: Vec::new(), remove: Vec::new() }), keepers),
        (order_kept(ModerationCommand::List), keepers),
        (steer(RoomCommand::Open), hosts),
        (steer(RoomCommand::Configure(ConfigChange::default())), hosts_and_platform),
        (steer(RoomCommand::Hide(true)), platform),
        (steer(RoomCommand::ForceEnd(ReasonCode::parse("x").unwrap())), platform),
        (Command::Pk(PkCommand::Invite { rooms: room("b").into(), terms: terms(10, 0) }), hosts),
        (Command::Pk(PkCommand::Accept(pk.clone())), hosts),
        (Command::Pk(PkCommand::Reject(pk.clone())), hosts),
        (Command::Pk(PkCommand::Cancel(pk.clone())), hosts),
        (Command::Pk(PkCommand::End(pk)), hosts_and_platform),
        (Command::SaleAnnounce(offer(1, 1)), hosts),
        (order(&sale, 1, "k"), [no, no, yes, yes, yes, no]),
        (Command::SaleCancel(sale), hosts_and_platform),
        (Command::RoomEnd, hosts_and_platform),
    ]
}

fn room_with_moderator() -> (World, SessionId, SessionId) {
    let mut world = World::new(&["a"]);
    world.live_host("a", "alice");
    let mo = world.join("a", "mo", Role::Moderator);
    let bob = world.join("a", "bob", Role::Viewer);
    (world, mo, bob)
}

fn moderate(
    world: &mut World,
    by: SessionId,
    command: ModerationCommand,
) -> Result<Reply, Rejected> {
    world.command(by, Command::Moderation(command))
}

fn own_news(world: &World) -> Vec<OrderKept> {
    let news = world.personal.iter().filter_map(|(_, _, event)| match &event.body {
        EventBody::Order(kept) => Some(kept.clone()),
        _ => None,
    });
    news.collect()
}
