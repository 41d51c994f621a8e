//! Goal: who gave most in a battle is the same in all its rooms, with what each user gave in any of them.
//! Method: two rooms joined by an in-memory post, in virtual time, that can be held up; battle_model.rs
//! adds up what everybody gives in five rooms whose letters are lost, late and repeated.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]

mod world;

use room_rules::{
    BattlePlan, BattleTerms, BattleView, Command, EventBody, Giver, Input, LinkKind, PeerMessage,
    PkCommand, Role,
};
use world::{World, gift, room, terms};

#[test]
fn whoever_gives_in_two_rooms_stands_on_the_board_once_with_all_of_it() {
    let mut fight = Fight::begin(terms(10, 5));
    fight.give("a", "amy", "cake", "a");
    fight.give("a", "bob", "cake", "a");
    fight.give("b", "bob", "rose", "a");
    fight.give("b", "bob", "rose", "b");
    fight.world.run_for(1_000);

    for name in ["a", "b"] {
        let [to_a, to_b] = &fight.shown(name).top[..] else { panic!("two sides") };
        assert_eq!(named(to_a), [("bob", 109), ("amy", 99)], "{name}");
        assert_eq!(named(to_b), [("bob", 10)], "{name}");
        assert_eq!(&*to_a[0].name, "BOB");
    }
}

#[test]
fn three_of_each_side_are_told_and_the_inviters_room_knows_all_of_them() {
    let mut fight = Fight::begin(terms(10, 5));
    for (giver, in_room) in [("amy", "a"), ("bob", "b"), ("cara", "b"), ("dan", "a")] {
        fight.give(in_room, giver, "rose", "b");
        fight.world.run_for(1);
    }
    fight.world.run_for(1_000);

    for name in ["a", "b"] {
        let first = [("amy", 10), ("bob", 10), ("cara", 10)];
        assert_eq!(named(&fight.shown(name).top[1]), first, "{name}");
        let board = fight.world.room(name).leaders(9).battle.unwrap();
        assert_eq!(board.owner, room("a"));
        let known = if name == "a" { 4 } else { 3 };
        assert_eq!((board.sides[0].1.len(), board.sides[1].1.len()), (0, known), "{name}");
        let first = fight.world.room(name).leaders(1).battle.unwrap();
        assert_eq!(first.sides[1].1.len(), 1);
    }
}

#[test]
fn of_two_who_gave_as_much_the_first_stands_higher_whichever_letter_comes_first() {
    let mut fight = Fight::begin(terms(10, 5));
    fight.world.post_runs = false;
    fight.give("b", "zoe", "rose", "b");
    fight.world.run_for(20);
    fight.give("a", "amy", "rose", "b");
    fight.world.run_for(500);
    fight.world.post_runs = true;
    fight.world.drain();
    fight.world.run_for(1_000);

    for name in ["a", "b"] {
        assert_eq!(named(&fight.shown(name).top[1]), [("zoe", 10), ("amy", 10)], "{name}");
    }
}

#[test]
fn a_coin_that_is_several_points_is_several_points_on_the_board() {
    let plan = BattlePlan { battle_s: 10, rush_s: 5, rush_factor: 3, ..BattlePlan::default() };
    let mut fight = Fight::begin(BattleTerms::of(plan).unwrap());
    fight.give("b", "bob", "rose", "a");
    fight.world.run_for(6_000);
    fight.give("b", "bob", "rose", "a");
    fight.world.run_for(5_000);

    for name in ["a", "b"] {
        assert_eq!(named(&fight.shown(name).top[0]), [("bob", 40)], "{name}");
    }
}

#[test]
fn a_gift_of_the_last_millisecond_is_on_the_board_and_a_later_one_is_not() {
    let mut fight = Fight::begin(terms(10, 5));
    let end_at = fight.shown("a").end_at.unwrap().unix_millis();
    fight.world.run_until(end_at - 30);
    fight.give("b", "bob", "rose", "b");
    fight.world.run_until(end_at - 1);
    fight.give("b", "cara", "cake", "b");
    fight.world.run_until(end_at);
    fight.give("b", "dan", "rocket", "b");
    fight.world.run_for(1_000);

    for name in ["a", "b"] {
        let last = fight.shown(name);
        assert!(last.result.is_some());
        assert_eq!(named(&last.top[1]), [("cara", 99), ("bob", 10)], "{name}");
    }
}

#[test]
fn the_board_outlasts_the_battle_and_the_next_one_begins_with_an_empty_one() {
    let plan =
        BattlePlan { battle_s: 10, punish_s: 0, link: LinkKind::Stay, ..BattlePlan::default() };
    let mut fight = Fight::begin(BattleTerms::of(plan).unwrap());
    fight.give("b", "bob", "rose", "a");
    fight.world.run_for(12_000);
    let linked = fight.shown("b");
    assert_eq!(named(&linked.top[0]), [("bob", 10)], "it is over, and its board is there");

    fight.host(PkCommand::Start(linked.pk.clone()));
    assert!(fight.shown("b").top.iter().all(Vec::is_empty));
    fight.world.run_for(4_000);
    fight.give("b", "cara", "rose", "b");
    fight.world.run_for(1_000);
    fight.host(PkCommand::End(linked.pk.clone()));
    fight.world.run_for(1_000);
    fight.host(PkCommand::End(linked.pk));

    for name in ["a", "b"] {
        assert!(!fight.world.room(name).is_in_battle());
        let board = fight.world.room(name).leaders(3).battle.unwrap();
        assert!(board.sides[0].1.is_empty(), "nothing of the battle before");
        assert_eq!(named(&board.sides[1].1), [("cara", 10)], "{name}");
    }
}

#[test]
fn the_score_comes_with_the_board_only_if_the_board_is_another() {
    let mut fight = Fight::begin(terms(60, 0));
    for giver in ["amy", "bob", "cara"] {
        fight.give("b", giver, "cake", "b");
    }
    fight.world.run_for(1_000);
    let before = fight.told_tops("a").len();
    fight.give("b", "dan", "rose", "b");
    fight.world.run_for(1_000);
    fight.give("b", "dan", "cake", "b");
    fight.world.run_for(1_000);

    for name in ["a", "b"] {
        let tops = fight.told_tops(name);
        assert_eq!(tops[before..], [false, true], "{name}: a fourth, who then is the first");
    }
}

#[test]
fn gifts_however_fast_are_ten_reports_a_second_that_name_each_giver_once_or_twice() {
    let mut fight = Fight::begin(terms(60, 0));
    fight.world.run_for(1_000);
    let before = fight.reports().len();
    for n in 0..1_000 {
        fight.give("b", &format!("fan{}", n % 50), "like_sticker", "b");
        fight.world.run_for(1);
    }
    fight.world.run_for(1_000);

    let reports = &fight.reports()[before..];
    assert!((10..=11).contains(&reports.len()), "{} reports", reports.len());
    assert!(reports.iter().all(|givers| *givers <= 50), "what is heard is not told again");
    assert!(reports.iter().sum::<usize>() <= 11 * 50);
    assert_eq!(fight.shown("a").scores.points, [0, 1_000]);
    assert_eq!(fight.shown("a").top[1][0].points, 20);
}

/// A battle of `a` against `b` whose gifts score.
struct Fight {
    world: World,
    gifts: u64,
}

impl Fight {
    fn begin(terms: BattleTerms) -> Self {
        let (mut world, alice, ben) = World::two_live_rooms();
        world.start_battle(alice, ben, terms);
        Self { world, gifts: 0 }
    }

    fn give(&mut self, in_room: &str, giver: &str, what: &str, to: &str) {
        self.gifts += 1;
        let gift = gift(what, Some(to), &format!("k{}", self.gifts));
        self.world.command_by(in_room, giver, Role::Viewer, gift).unwrap();
    }

    fn host(&mut self, command: PkCommand) {
        self.world.command_by("a", "alice", Role::Host, Command::Pk(command)).unwrap();
    }

    /// The battle as the room's viewers see it, who keep the board until they are told another.
    fn shown(&self, name: &str) -> BattleView {
        let mut shown = None;
        for body in self.world.told(name) {
            match body {
                EventBody::PkUpdated(view) => shown = Some(view.clone()),
                EventBody::PkScore { version, scores, top, .. } => {
                    let view: &mut BattleView = shown.as_mut().unwrap();
                    (view.version, view.scores) = (*version, scores.clone());
                    view.top = top.clone().unwrap_or_else(|| view.top.clone());
                }
                _ => {}
            }
        }
        shown.unwrap()
    }

    /// Of each score that was told, whether a board came with it.
    fn told_tops(&self, name: &str) -> Vec<bool> {
        let told = self.world.told(name).into_iter().filter_map(|body| match body {
            EventBody::PkScore { top, .. } => Some(top.is_some()),
            _ => None,
        });
        told.collect()
    }

    /// How many givers each report to the owner named.
    fn reports(&self) -> Vec<usize> {
        let rows = self.world.journals[&room("a")].iter();
        let givers = rows.filter_map(|row| match &row.input {
            Input::Letter { message: PeerMessage::Report(report), .. } => Some(report.givers.len()),
            _ => None,
        });
        givers.collect()
    }
}

fn named(top: &[Giver]) -> Vec<(&str, u64)> {
    top.iter().map(|giver| (giver.user.as_str(), giver.points)).collect()
}
