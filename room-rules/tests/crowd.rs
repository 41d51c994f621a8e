//! Goal: heads are users, totals are cheap, talk is paced, and nobody does what their role denies.
//! Method: one room in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use std::time::Duration;

use room_rules::{
    ChatContent, ChatLine, Command, EventBody, Input, LikeCount, Rejected, Role, RoomSettings,
    SessionId,
};
use world::{World, at, chat, gift, idem, member, room, title};

#[test]
fn a_user_with_three_sessions_is_one_head() {
    let mut world = World::new(&["a"]);
    let sessions: Vec<SessionId> = (0..3).map(|_| world.join("a", "bob", Role::Viewer)).collect();
    world.join("a", "cara", Role::Viewer);
    assert_eq!(online(&mut world), 2);

    world.leave(sessions[0]);
    world.leave(sessions[1]);
    assert_eq!(online(&mut world), 2);
    world.leave(sessions[2]);
    assert_eq!(online(&mut world), 1);
}

#[test]
fn one_user_does_not_fill_a_room() {
    let mut world = World::new(&["a"]);
    let sessions: Vec<SessionId> = (0..32).map(|_| world.join("a", "bob", Role::Viewer)).collect();

    let session = world.next_session();
    let refused = world.join_as(session, "a", "bob", Role::Viewer);

    assert!(matches!(refused, Err(Rejected::Conflict(_))), "{refused:?}");
    world.join("a", "cara", Role::Viewer);
    world.join_as(sessions[0], "a", "bob", Role::Viewer).expect("it holds a place already");
    world.leave(sessions[1]);
    world.join_as(session, "a", "bob", Role::Viewer).expect("a place is free again");
}

#[test]
fn totals_come_at_most_twice_a_second_and_end_right() {
    let mut world = World::new(&["a"]);
    let sessions: Vec<SessionId> =
        (0..50).map(|n| world.join("a", &format!("v{n}"), Role::Viewer)).collect();
    world.run_for(1_000);
    let before = reactions(&world).len();

    for tick in 0..20 {
        world.run_for(100);
        for session in &sessions {
            if tick % 2 == 0 {
                let like = Command::Like(LikeCount::new(3).unwrap());
                world.command(*session, like).unwrap();
            }
        }
    }
    world.run_for(1_000);

    let told = reactions(&world);
    assert!(told.len() - before <= 6, "{} totals in three seconds", told.len() - before);
    assert_eq!(told.last(), Some(&(50, 1_500)));
}

#[test]
fn likes_outlive_a_crash_but_for_those_of_the_last_seconds() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    let like = Command::Like(LikeCount::new(3).unwrap());
    world.command(bob, like.clone()).unwrap();
    world.run_for(1_000);
    world.command(bob, like.clone()).unwrap();
    world.run_for(4_000);
    world.command(bob, like.clone()).unwrap();

    world.crash("a", &mut fastrand::Rng::with_seed(1));
    world.run_for(1_000);
    assert_eq!(
        reactions(&world).last(),
        Some(&(1, 6)),
        "the last three came after they were written"
    );
    world.command(bob, like).unwrap();
    world.run_for(500);
    assert_eq!(reactions(&world).last(), Some(&(1, 9)), "and it goes on from there");
}

#[test]
fn a_crowd_that_likes_all_the_time_is_a_row_every_five_seconds() {
    let mut world = World::new(&["a"]);
    let crowd: Vec<SessionId> =
        (0..50).map(|n| world.join("a", &format!("v{n}"), Role::Viewer)).collect();
    for _ in 0..60 {
        for session in &crowd {
            let like = Command::Like(LikeCount::new(1).unwrap());
            world.command(*session, like).unwrap();
        }
        world.run_for(1_000);
    }

    let kept = world.journals[&room("a")].iter().filter_map(|row| match row.input {
        Input::Likes { total } => Some(total),
        _ => None,
    });
    let kept: Vec<u64> = kept.collect();
    assert!((12..=13).contains(&kept.len()), "in a minute: {kept:?}");
    assert!(kept.is_sorted() && *kept.last().unwrap() >= 50 * 56, "{kept:?}");
}

#[test]
fn one_line_a_second_after_a_burst_of_five() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    for n in 0..5 {
        world.command(bob, chat(&format!("line {n}"))).unwrap();
    }

    assert_eq!(world.command(bob, chat("six")), Err(Rejected::RateLimited));
    world.run_for(999);
    assert_eq!(world.command(bob, chat("six")), Err(Rejected::RateLimited));
    world.run_for(1);
    world.command(bob, chat("six")).unwrap();
    assert_eq!(world.command(bob, chat("seven")), Err(Rejected::RateLimited));
}

#[test]
fn who_comes_late_reads_the_last_fifty_lines() {
    let mut world = World::new(&["a"]);
    for n in 0..60 {
        let session = world.join("a", &format!("v{n}"), Role::Viewer);
        world.command(session, chat(&format!("line {n}"))).unwrap();
    }

    let session = world.next_session();
    let snapshot = world.join_as(session, "a", "late", Role::Viewer).unwrap();

    let lines: Vec<&str> = snapshot.chat.iter().map(said).collect();
    assert_eq!(lines.len(), 50);
    assert_eq!((lines[0], lines[49]), ("line 10", "line 59"));
}

#[test]
fn events_continue_without_a_gap_from_the_snapshot_of_whoever_joins() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    world.command(bob, chat("one")).unwrap();
    world.run_for(5_000);

    let session = world.next_session();
    let snapshot = world.join_as(session, "a", "cara", Role::Viewer).unwrap();
    let heard = world.events.len();
    world.command(bob, chat("two")).unwrap();

    let next = world.events[heard..]
        .iter()
        .find(|(_, event)| matches!(event.body, EventBody::Chat(_)))
        .unwrap();
    assert_eq!(next.1.sequence, snapshot.watermarks.chat + 1);
}

#[test]
fn a_combo_grows_until_a_pause_of_more_than_three_seconds() {
    let mut world = World::new(&["a"]);
    let bob = world.join("a", "bob", Role::Viewer);
    for (pause, key) in [(0, "1"), (3_000, "2"), (3_000, "3"), (3_001, "4")] {
        world.run_for(pause);
        world.command(bob, gift("rose", None, key)).unwrap();
    }
    world.run_for(100);

    let combos: Vec<(u64, u64, bool)> = world
        .told("a")
        .into_iter()
        .filter_map(|body| match body {
            EventBody::Gifts(items) => Some(items),
            _ => None,
        })
        .flatten()
        .map(|item| (item.combo, item.combo_count, item.combo_ended))
        .collect();
    let (goes_on, ended) = (false, true);
    let told = [(1, 1, goes_on), (1, 2, goes_on), (1, 3, goes_on), (1, 3, ended), (2, 1, goes_on)];
    assert_eq!(combos, told);
}

#[test]
fn a_full_room_turns_the_next_session_away_and_takes_it_when_one_has_left() {
    let settings = RoomSettings { sessions_max: 2, ..RoomSettings::default() };
    let mut full = room_rules::Room::new(room("a"), &title("A"), settings, at(0));
    let viewer = |name| member(name, Role::Viewer);
    full.handle_join(SessionId(1), viewer("bob"), at(1)).unwrap();
    full.handle_join(SessionId(2), viewer("bob"), at(1)).unwrap();

    let third = full.handle_join(SessionId(3), viewer("cara"), at(1));
    assert_eq!(third.unwrap_err(), Rejected::RoomFull);
    full.handle_join(SessionId(2), viewer("bob"), at(1)).unwrap();
    assert_eq!(full.handle_leave(SessionId(1), at(2)), None);
    full.handle_join(SessionId(3), viewer("cara"), at(2)).unwrap();
}

#[test]
fn a_session_that_has_not_joined_may_do_nothing() {
    let alone = room_rules::Room::new(room("a"), &title("A"), RoomSettings::default(), at(0));

    let refused = alone.command_of(SessionId(7), chat("hello"));

    assert_eq!(refused, Err(Rejected::Forbidden));
}

#[test]
fn texts_and_numbers_outside_their_limits_do_not_exist() {
    use room_rules::{BattleTerms, ChatText, IdemKey, RoomId, UserId};
    assert!(ChatText::parse("").is_none());
    assert!(ChatText::parse(" \u{a0} ").is_none());
    assert!(ChatText::parse(&"字".repeat(300)).is_some());
    assert!(ChatText::parse(&"字".repeat(301)).is_none());
    assert!(ChatText::parse("a\u{0}b").is_none());
    assert!(UserId::parse("program").is_none());
    assert!(RoomId::parse("program").is_some());
    assert!(RoomId::parse("a/b").is_none());
    assert!(RoomId::parse(&"r".repeat(65)).is_none());
    assert!(IdemKey::parse(&"k".repeat(65)).is_none());
    assert!(LikeCount::new(0).is_none() && LikeCount::new(51).is_none());
    assert!(BattleTerms::new(9, 0).is_none() && BattleTerms::new(10, 301).is_none());
    assert_eq!(BattleTerms::new(10, 300).unwrap().battle(), Duration::from_secs(10));
    assert_eq!(idem("k").as_str(), "k");
}

fn online(world: &mut World) -> u32 {
    let now = at(world.now);
    world.room_mut("a").view(now).online
}

fn reactions(world: &World) -> Vec<(u32, u64)> {
    let totals = world.told("a").into_iter().filter_map(|body| match body {
        EventBody::React(totals) => Some((totals.online, totals.likes)),
        _ => None,
    });
    totals.collect()
}

fn said(line: &ChatLine) -> &str {
    match &line.content {
        ChatContent::Text(text) => text.as_str(),
        other => panic!("not a plain line: {other:?}"),
    }
}
