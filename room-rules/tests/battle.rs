//! Goal: both rooms of a battle tell the same story, and only gifts given in time count.
//! Method: two rooms joined by an in-memory post, in virtual time, that can be held up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use room_rules::{
    BattleEnd, BattleState, BattleView, Command, CountdownKind, CountdownState, EventBody,
    MediaChange, PkCommand, Rejected, Reply, Role, RoomState, SeatCommand, SeatPick,
};
use world::{World, gift, room, terms};

#[test]
fn a_battle_goes_through_its_states_on_time_in_both_rooms() {
    use BattleState::{Battling, Idle, Inviting, Linking, Preparing, Punishing};
    let (mut world, alice, ben) = World::two_live_rooms();

    let pk = world.invite(alice, "b", terms(10, 5));
    world.run_for(1_000);
    world.command(ben, Command::Pk(PkCommand::Accept(pk))).unwrap();
    world.command_by("a", "bob", Role::Viewer, gift("rose", None, "early")).unwrap();
    world.run_for(3_000);
    world.command_by("a", "bob", Role::Viewer, gift("rose", None, "k")).unwrap();
    world.run_for(30_000);

    for name in ["a", "b"] {
        let states: Vec<_> = updates(&world, name).iter().map(|battle| battle.state).collect();
        assert_eq!(states, [Inviting, Linking, Preparing, Battling, Punishing, Idle], "{name}");
        let last = updates(&world, name).last().copied().cloned().unwrap();
        let result = last.result.unwrap();
        assert_eq!(result.winner, Some(room("a")));
        assert_eq!(result.reason, BattleEnd::Time);
        assert_eq!(last.scores.points, [10, 0], "the gift before the start scores nothing");
        assert!(world.room_mut(name).stage().len() == 1, "both are by themselves again");
    }
}

#[test]
fn a_gift_scores_up_to_the_last_millisecond_and_not_at_the_end() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 0));
    let end_at = battle(&mut world, "a").end_at.unwrap().unix_millis();

    world.run_until(end_at - 1);
    for (room, to, key) in [("a", "a", "1"), ("b", "b", "2"), ("b", "a", "3")] {
        world.command_by(room, "bob", Role::Viewer, gift("rose", Some(to), key)).unwrap();
    }
    world.run_until(end_at);
    for (room, to, key) in [("a", "a", "4"), ("b", "b", "5")] {
        world.command_by(room, "bob", Role::Viewer, gift("cake", Some(to), key)).unwrap();
    }
    world.run_for(1_000);

    for name in ["a", "b"] {
        assert_eq!(updates(&world, name).last().unwrap().scores.points, [20, 10], "{name}");
    }
}

#[test]
fn a_gift_in_time_counts_although_the_news_of_it_comes_after_the_end() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 0));
    let end_at = battle(&mut world, "a").end_at.unwrap().unix_millis();

    world.run_until(end_at - 1);
    world.post_runs = false;
    world.command_by("b", "bob", Role::Viewer, gift("rose", Some("b"), "k")).unwrap();
    world.run_until(end_at + 2_900);
    world.post_runs = true;
    world.drain();
    world.run_for(1_000);

    for name in ["a", "b"] {
        let last = updates(&world, name).last().copied().cloned().unwrap();
        assert_eq!(last.result.unwrap().winner, Some(room("b")), "{name}");
    }
}

#[test]
fn a_draw_has_no_winner_and_no_punishment() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 60));

    world.run_for(11_000);

    let last = updates(&world, "b").last().copied().cloned().unwrap();
    assert_eq!(last.state, BattleState::Idle);
    assert_eq!(last.result.unwrap().winner, None);
}

#[test]
fn who_surrenders_loses_whatever_the_score() {
    for loser in ["a", "b"] {
        let (mut world, alice, ben) = World::two_live_rooms();
        let pk = world.start_battle(alice, ben, terms(60, 5));
        let rocket = gift("rocket", Some(loser), "k");
        world.command_by(loser, "bob", Role::Viewer, rocket).unwrap();

        let session = if loser == "a" { alice } else { ben };
        world.command(session, Command::Pk(PkCommand::End(pk))).unwrap();

        for name in ["a", "b"] {
            let last = updates(&world, name).last().copied().cloned().unwrap();
            assert_eq!(last.state, BattleState::Punishing);
            let result = last.result.unwrap();
            assert_eq!(result.reason, BattleEnd::Surrender);
            assert_ne!(result.winner, Some(room(loser)), "{name}");
        }
    }
}

#[test]
fn nobody_answering_ends_the_invitation_after_thirty_seconds() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let pk = world.invite(alice, "b", terms(10, 0));

    world.run_for(29_999);
    assert_eq!(battle(&mut world, "b").state, BattleState::Inviting);
    world.run_for(1);

    for name in ["a", "b"] {
        let result = updates(&world, name).last().unwrap().result.clone().unwrap();
        assert_eq!(result.reason, BattleEnd::Timeout);
        assert!(!world.room(name).is_in_battle());
    }
    let late = world.command(ben, Command::Pk(PkCommand::Accept(pk)));
    assert_eq!(late, Err(Rejected::NotFound("battle")));
}

#[test]
fn an_invitation_is_turned_down_taken_back_or_finds_nobody() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let pk = world.invite(alice, "b", terms(10, 0));
    world.command(ben, Command::Pk(PkCommand::Reject(pk))).unwrap();
    assert_eq!(last_reason(&world, "a"), BattleEnd::Rejected);

    let again = Command::Pk(PkCommand::Invite { rooms: room("b").into(), terms: terms(10, 0) });
    assert_eq!(world.command(alice, again), Err(Rejected::RateLimited));
    world.run_for(2_000);
    let pk = world.invite(alice, "b", terms(10, 0));
    world.command(alice, Command::Pk(PkCommand::Cancel(pk))).unwrap();
    assert_eq!(last_reason(&world, "b"), BattleEnd::Cancelled);

    world.invite(alice, "nowhere", terms(10, 0));
    assert_eq!(last_reason(&world, "a"), BattleEnd::Unreachable);
}

#[test]
fn a_room_in_a_battle_is_busy_for_a_third() {
    let mut rooms = World::new(&["a", "b", "c"]);
    let alice = rooms.live_host("a", "alice");
    let ben = rooms.live_host("b", "ben");
    let cleo = rooms.live_host("c", "cleo");
    rooms.start_battle(alice, ben, terms(60, 0));

    rooms.invite(cleo, "b", terms(10, 0));

    assert_eq!(last_reason(&rooms, "c"), BattleEnd::Busy);
    let second = Command::Pk(PkCommand::Invite { rooms: room("c").into(), terms: terms(10, 0) });
    assert_eq!(rooms.command(alice, second), Err(Rejected::PkBusy));
    assert!(rooms.room("b").is_in_battle());
}

#[test]
fn two_hosts_who_invite_each_other_at_once_get_one_battle() {
    let (mut world, alice, ben) = World::two_live_rooms();

    world.post_runs = false;
    world.invite(alice, "b", terms(10, 0));
    world.invite(ben, "a", terms(20, 0));
    world.post_runs = true;
    world.drain();

    let (here, there) = (battle(&mut world, "a"), battle(&mut world, "b"));
    assert_eq!(here, there);
    assert_eq!(here.state, BattleState::Preparing);
}

#[test]
fn a_host_who_is_lost_in_the_battle_holds_it_and_the_score_goes_on() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(30, 0));

    world.media("b", "ben", MediaChange::Stopped);
    world.command_by("b", "bob", Role::Viewer, gift("rose", Some("b"), "k")).unwrap();
    world.run_for(20_000);
    assert_eq!(world.stage_of("a"), ["a/alice", "b/ben"]);
    world.media("b", "ben", MediaChange::Started);
    world.run_for(11_000);

    assert_eq!(last_reason(&world, "a"), BattleEnd::Time);
    assert_eq!(updates(&world, "a").last().unwrap().scores.points, [0, 10]);
}

#[test]
fn a_room_that_ends_in_the_battle_loses_it() {
    for loser in ["a", "b"] {
        let (mut world, alice, ben) = World::two_live_rooms();
        world.start_battle(alice, ben, terms(60, 10));

        let session = if loser == "a" { alice } else { ben };
        world.command(session, Command::RoomEnd).unwrap();

        let winner = if loser == "a" { "b" } else { "a" };
        let last = updates(&world, winner).last().copied().cloned().unwrap();
        assert_eq!(last.state, BattleState::Idle);
        let result = last.result.unwrap();
        assert_eq!((result.winner, result.reason), (Some(room(winner)), BattleEnd::Left));
        assert_eq!(world.room(loser).state(), RoomState::Ended);
        assert_eq!(world.stage_of(winner).len(), 1);
    }
}

#[test]
fn a_room_that_vanishes_ends_the_battle_in_the_other() {
    for (lost, left) in [("a", "b"), ("b", "a")] {
        let (mut world, alice, ben) = World::two_live_rooms();
        world.start_battle(alice, ben, terms(10, 10));
        world.lose_room(lost);

        world.run_for(60_000);

        assert!(!world.room(left).is_in_battle(), "{left} waits for {lost}");
    }
}

#[test]
fn a_lost_yes_is_made_up_for_by_saying_it_again() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let pk = world.invite(alice, "b", terms(10, 0));
    world.post_runs = false;
    world.command(ben, Command::Pk(PkCommand::Accept(pk.clone()))).unwrap();
    world.lose_letter(0);
    world.post_runs = true;

    world.command(ben, Command::Pk(PkCommand::Accept(pk))).unwrap();

    assert_eq!(battle(&mut world, "a").state, BattleState::Preparing);
}

#[test]
fn a_room_that_missed_the_end_hears_of_it_when_it_speaks() {
    for speaks in ["surrender", "gift"] {
        let (mut world, alice, ben) = World::two_live_rooms();
        let bea = world.join("b", "bea", Role::Viewer);
        let pk = world.start_battle(alice, ben, terms(900, 0));
        world.post_runs = false;
        world.command(alice, Command::Pk(PkCommand::End(pk.clone()))).unwrap();
        world.lose_letter(0);
        world.post_runs = true;
        assert_eq!(battle(&mut world, "b").state, BattleState::Battling, "it missed the end");

        if speaks == "gift" {
            world.command(bea, gift("rose", None, "1")).unwrap();
        } else {
            world.command(ben, Command::Pk(PkCommand::End(pk))).unwrap();
        }

        assert_eq!(last_reason(&world, "b"), BattleEnd::Surrender, "{speaks}");
        assert!(!world.room("b").is_in_battle(), "{speaks}");
    }
}

#[test]
fn once_time_is_up_the_score_decides_whoever_leaves() {
    for leaves in ["surrender", "room"] {
        let (mut world, alice, ben) = World::two_live_rooms();
        let amy = world.join("a", "amy", Role::Viewer);
        let pk = world.start_battle(alice, ben, terms(10, 0));
        world.command(amy, gift("rose", None, "1")).unwrap();
        world.post_runs = false;
        world.run_for(10_000);
        assert_eq!(battle(&mut world, "a").state, BattleState::Battling, "it waits for totals");

        let leave =
            if leaves == "room" { Command::RoomEnd } else { Command::Pk(PkCommand::End(pk)) };
        world.command(alice, leave).unwrap();
        world.post_runs = true;
        world.run_for(300);

        let result = updates(&world, "b").last().unwrap().result.clone().unwrap();
        assert_eq!((result.winner, result.reason), (Some(room("a")), BattleEnd::Time), "{leaves}");
    }
}

#[test]
fn hosts_who_are_not_both_on_air_in_five_seconds_are_not_linked() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let pk = world.invite(alice, "b", terms(10, 0));
    world.media("b", "ben", MediaChange::Stopped);
    world.command(ben, Command::Pk(PkCommand::Accept(pk))).unwrap();

    world.run_for(5_000);

    assert_eq!(last_reason(&world, "a"), BattleEnd::LinkFailed);
    assert_eq!(last_reason(&world, "b"), BattleEnd::LinkFailed);
}

#[test]
fn in_a_battle_the_two_hosts_fill_the_screen_and_guests_come_back_after_it() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let gina = world.join("a", "gina", Role::Guest);
    world.command(gina, Command::Seat(SeatCommand::Apply(SeatPick::ANY))).unwrap();
    world.may_publish("a", "gina", Role::Guest).unwrap();
    world.media("a", "gina", MediaChange::Started);
    assert_eq!(world.stage_of("a"), ["a/alice", "a/gina"]);

    world.start_battle(alice, ben, terms(10, 0));
    assert_eq!(world.stage_of("a"), ["a/alice", "b/ben"]);
    assert_eq!(world.stage_of("b"), ["a/alice", "b/ben"], "the inviter is first in both");
    world.run_for(11_000);

    assert_eq!(world.stage_of("a"), ["a/alice", "a/gina"]);
    assert_eq!(world.stage_of("b"), ["b/ben"]);
}

#[test]
fn both_rooms_count_down_to_the_same_instants() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 4));
    world.command_by("b", "bob", Role::Viewer, gift("rose", None, "k")).unwrap();
    world.run_for(30_000);

    assert_eq!(fired(&world, "a"), fired(&world, "b"));
    let kinds: Vec<_> = fired(&world, "a").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [CountdownKind::PkStart, CountdownKind::PkEnd, CountdownKind::Punish]);
}

#[test]
fn equal_versions_are_equal_scores_and_they_come_at_most_ten_times_a_second() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 0));

    for n in 0..200 {
        world.run_for(5);
        let (from, to) = [("a", "a"), ("b", "b"), ("b", "a"), ("a", "b")][n % 4];
        let key = format!("k{n}");
        let giver = format!("bob{}", n % 10);
        let gift = gift("like_sticker", Some(to), &key);
        world.command_by(from, &giver, Role::Viewer, gift).unwrap();
    }
    world.run_for(1_000);

    let (here, there) = (scores(&world, "a"), scores(&world, "b"));
    assert_eq!(here, there);
    assert!(here.len() <= 12, "{} scores in a second", here.len());
    assert_eq!(here.last().unwrap().1, [100, 100]);
}

#[test]
fn a_repeated_gift_scores_once() {
    let (mut world, alice, ben) = World::two_live_rooms();
    world.start_battle(alice, ben, terms(10, 0));
    let bob = world.join("b", "bob", Role::Viewer);

    let first = world.command(bob, gift("rose", Some("a"), "k"));
    let second = world.command(bob, gift("rose", Some("a"), "k"));
    let other = world.command(bob, gift("cake", Some("a"), "k"));
    world.run_for(1_000);

    assert_eq!(first, second);
    assert!(matches!(first, Ok(Reply::Gift { coins: 10, .. })));
    assert_eq!(other, Err(Rejected::IdempotencyMismatch));
    assert_eq!(battle(&mut world, "a").scores.points, [10, 0]);
}

#[test]
fn a_gift_to_a_room_that_is_not_in_the_battle_is_refused() {
    let (mut world, alice, ben) = World::two_live_rooms();
    let bob = world.join("a", "bob", Role::Viewer);
    let give = |world: &mut World| world.command(bob, gift("rose", Some("b"), "k"));

    assert_eq!(give(&mut world), Err(Rejected::PkState));
    let pk = world.invite(alice, "b", terms(10, 0));
    assert_eq!(give(&mut world), Err(Rejected::PkState), "the other room was only asked");
    world.command(ben, Command::Pk(PkCommand::Accept(pk))).unwrap();
    give(&mut world).unwrap();
}

fn battle(world: &mut World, name: &str) -> BattleView {
    let now = world::at(world.now);
    world.room_mut(name).view(now).battle.unwrap()
}

fn updates<'a>(world: &'a World, name: &str) -> Vec<&'a BattleView> {
    let views = world.told(name).into_iter().filter_map(|body| match body {
        EventBody::PkUpdated(battle) => Some(battle),
        _ => None,
    });
    views.collect()
}

fn last_reason(world: &World, name: &str) -> BattleEnd {
    updates(world, name).last().unwrap().result.as_ref().unwrap().reason
}

fn scores(world: &World, name: &str) -> Vec<(u64, Vec<u64>)> {
    let scores = world.told(name).into_iter().filter_map(|body| match body {
        EventBody::PkScore { version, scores, .. } => Some((*version, scores.points.clone())),
        _ => None,
    });
    scores.collect()
}

fn fired(world: &World, name: &str) -> Vec<(CountdownKind, u64)> {
    let fired = world.events.iter().filter_map(|(id, event)| match &event.body {
        EventBody::Countdown(countdown)
            if *id == room(name) && countdown.state == CountdownState::Fired =>
        {
            Some((countdown.kind, event.at.unix_millis()))
        }
        _ => None,
    });
    fired.collect()
}
