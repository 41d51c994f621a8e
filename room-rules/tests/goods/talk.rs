//! What is said besides plain lines: the same rules hold for all of it, and what is taken away is
//! gone for everybody.

use room_rules::{
    Area, ChatContent, ChatId, ChatText, Command, ConfigChange, CustomData, CustomKind,
    DanmakuStyle, EventBody, ModerationCommand, QuestionId, QuestionView, Rejected, Reply, Role,
    RoomCommand, SlowMode, Snapshot, StickerId, TalkCommand, TalkEvent, Word,
};

use crate::world::{World, at, chat, member, user};

#[test]
fn whatever_its_kind_nobody_says_what_they_may_not() {
    let mut world = World::new(&["a"]);
    let word = |text| Word::parse(text).unwrap();
    moderate(&mut world, ModerationCommand::Words { add: vec![word("scam")], remove: vec![] });
    for (name, command) in all_kinds("s.c.a.m!") {
        let answer = say(&mut world, "amy", command);
        let has_words = name != "sticker";
        assert_eq!(answer == Err(Rejected::ContentRejected), has_words, "{name}: {answer:?}");
    }
    moderate(&mut world, ModerationCommand::Mute { user: user("bob"), ttl: None });
    for (name, command) in all_kinds("hello") {
        assert_eq!(say(&mut world, "bob", command), Err(Rejected::Muted), "{name}");
    }
    let off = ConfigChange { features: vec![(Area::Chat, false)], ..ConfigChange::default() };
    let off = Command::Room(RoomCommand::Configure(off));
    world.command_by("a", "host", Role::Host, off).unwrap();
    for (name, command) in all_kinds("hello") {
        let refused = Err(Rejected::FeatureOff("chat"));
        assert_eq!(say(&mut world, "cat", command), refused, "{name}");
    }
}

#[test]
fn slow_mode_counts_everything_that_is_said() {
    for (name, command) in all_kinds("hello") {
        let mut world = World::new(&["a"]);
        moderate(&mut world, ModerationCommand::SlowMode(SlowMode::new(30).unwrap()));
        world.command_by("a", "amy", Role::Viewer, chat("first")).unwrap();
        world.run_for(29_999);
        let refused = say(&mut world, "amy", command.clone());
        assert_eq!(refused, Err(Rejected::RateLimited), "{name}");
        world.run_for(1);
        say(&mut world, "amy", command).unwrap();
        let again = world.command_by("a", "amy", Role::Viewer, chat("second"));
        assert_eq!(again, Err(Rejected::RateLimited), "{name} counts itself");
    }
}

#[test]
fn everybody_sees_what_is_shown_and_nobody_else_hears_a_whisper() {
    let mut world = World::new(&["a"]);
    let kinds: Vec<_> = all_kinds("hello").into_iter().take(3).collect();
    for (_, command) in kinds {
        say(&mut world, "amy", command).unwrap();
    }
    assert_eq!(look(&mut world).chat.len(), 3);

    let told = world.events.len();
    say(&mut world, "amy", whisper("psst", None)).unwrap();
    assert_eq!((world.events.len(), look(&mut world).chat.len()), (told, 3));
    let (_, heard) = &world.whispers[0];
    assert_eq!((heard.line.user.as_str(), &heard.to), ("amy", &None));

    let answer = whisper("yes?", Some("amy"));
    assert_eq!(say(&mut world, "bob", answer.clone()), Err(Rejected::Forbidden));
    world.command_by("a", "phone", Role::Assistant, Command::Talk(answer)).unwrap();
    assert_eq!(world.whispers[1].1.to, Some(user("amy")));
}

#[test]
fn a_line_that_is_deleted_is_gone_for_everybody_even_if_it_is_long_past() {
    let mut world = World::new(&["a"]);
    let said = world.command_by("a", "amy", Role::Viewer, chat("bad")).unwrap();
    let Reply::Chat { id } = said else { panic!("not a line: {said:?}") };
    let delete = |id: &ChatId| TalkCommand::Delete(id.clone());
    assert_eq!(say(&mut world, "bob", delete(&id)), Err(Rejected::Forbidden));

    let long_past = ChatId::parse("long-past").unwrap();
    for id in [&id, &long_past] {
        let deleted = Command::Talk(delete(id));
        world.command_by("a", "mod", Role::Moderator, deleted).unwrap();
    }
    assert!(look(&mut world).chat.is_empty());
    assert_eq!(talk(&world), [&TalkEvent::Deleted(id), &TalkEvent::Deleted(long_past)]);
}

#[test]
fn one_takes_back_what_one_has_said_and_asked_and_nobody_elses() {
    let mut world = World::new(&["a"]);
    let said = world.command_by("a", "amy", Role::Viewer, chat("oops")).unwrap();
    let Reply::Chat { id } = said else { panic!("not a line: {said:?}") };
    let question = ask(&mut world, "amy").unwrap();
    let takes_back = [TalkCommand::Delete(id.clone()), TalkCommand::DropQuestion(question.clone())];
    for command in &takes_back {
        assert_eq!(say(&mut world, "bob", command.clone()), Err(Rejected::Forbidden));
    }
    // Whoever is silenced meanwhile may still take back what they said.
    moderate(&mut world, ModerationCommand::Mute { user: user("amy"), ttl: None });
    for command in &takes_back {
        say(&mut world, "amy", command.clone()).unwrap();
        assert!(say(&mut world, "amy", command.clone()).is_err(), "it is gone");
    }
    assert!(look(&mut world).chat.is_empty() && look(&mut world).questions.is_empty());
    let taken = talk(&world).into_iter().skip(1).cloned().collect::<Vec<_>>();
    assert_eq!(taken, [TalkEvent::Deleted(id), TalkEvent::QuestionGone(question)]);

    world.crash("a", &mut fastrand::Rng::with_seed(1));
    assert!(look(&mut world).questions.is_empty());
}

#[test]
fn a_ban_that_wipes_takes_away_all_that_the_user_said_and_asked() {
    let mut world = World::new(&["a"]);
    for name in ["amy", "bob"] {
        world.command_by("a", name, Role::Viewer, chat("hi")).unwrap();
        ask(&mut world, name).unwrap();
    }
    let ban = |user_id: &str, wipe| ModerationCommand::Ban {
        user: user(user_id),
        ttl: None,
        reason: None,
        wipe,
    };
    moderate(&mut world, ban("amy", true));
    moderate(&mut world, ban("bob", false));

    let seen = look(&mut world);
    let speakers: Vec<&str> = seen.chat.iter().map(|line| line.user.as_str()).collect();
    let askers: Vec<&str> = seen.questions.iter().map(|asked| asked.user.as_str()).collect();
    assert_eq!((speakers, askers), (vec!["bob"], vec!["bob"]));
    let wiped = talk(&world).into_iter().filter(|event| matches!(event, TalkEvent::Wiped(_)));
    assert_eq!(wiped.collect::<Vec<_>>(), [&TalkEvent::Wiped(user("amy"))]);
}

#[test]
fn a_question_is_pinned_answered_and_remembered_through_a_crash() {
    let mut world = World::new(&["a"]);
    let (first, second) = (ask(&mut world, "amy").unwrap(), ask(&mut world, "bob").unwrap());
    keep(&mut world, TalkCommand::PinQuestion(first.clone())).unwrap();
    keep(&mut world, TalkCommand::PinQuestion(second.clone())).unwrap();
    assert_eq!(pinned(&mut world), Some(second.clone()));
    world.crash("a", &mut fastrand::Rng::with_seed(1));
    assert_eq!(pinned(&mut world), Some(second.clone()), "whoever asked is owed an answer");

    let text = ChatText::parse("Yes.");
    keep(&mut world, TalkCommand::Answer { question: second.clone(), text: text.clone() }).unwrap();
    let again = keep(&mut world, TalkCommand::Answer { question: second.clone(), text: None });
    assert_eq!(again, Err(Rejected::NotFound("question")), "it is answered once");
    let questions = look(&mut world).questions;
    let view = |asked: &QuestionView| (asked.question.clone(), asked.pinned, asked.answer.clone());
    let expected = [(second.clone(), false, text), (first.clone(), false, None)];
    assert_eq!(questions.iter().map(view).collect::<Vec<_>>(), expected);

    for question in [first, second] {
        keep(&mut world, TalkCommand::DropQuestion(question.clone())).unwrap();
        let gone = keep(&mut world, TalkCommand::DropQuestion(question));
        assert_eq!(gone, Err(Rejected::NotFound("question")));
    }
    assert!(look(&mut world).questions.is_empty());
}

#[test]
fn one_user_cannot_keep_all_others_from_asking_and_a_hundred_fit() {
    let mut world = World::new(&["a"]);
    for _ in 0..3 {
        ask(&mut world, "amy").unwrap();
    }
    world.run_for(60_000);
    assert_eq!(ask(&mut world, "amy"), Err(Rejected::QueueFull("questions")));
    for number in 0..97 {
        ask(&mut world, &format!("v{number}")).unwrap();
    }
    assert_eq!(ask(&mut world, "late"), Err(Rejected::QueueFull("questions")));
    let first = look(&mut world).questions[0].question.clone();
    keep(&mut world, TalkCommand::Answer { question: first, text: None }).unwrap();
    ask(&mut world, "late").unwrap();
}

#[test]
fn those_who_keep_order_answer_and_nobody_else() {
    let mut world = World::new(&["a"]);
    let question = ask(&mut world, "amy").unwrap();
    for role in Role::ALL {
        let pin = Command::Talk(TalkCommand::PinQuestion(question.clone()));
        let may = matches!(role, Role::Host | Role::Assistant | Role::Moderator | Role::Admin);
        assert_eq!(world.command_by("a", "someone", role, pin).is_ok(), may, "{role:?}");
    }
}

/// Everything that can be said besides a plain line; the first three are for everybody.
fn all_kinds(text: &str) -> Vec<(&'static str, TalkCommand)> {
    let words = || ChatText::parse(text).unwrap();
    let style = DanmakuStyle::default();
    let sticker = ChatContent::Sticker(StickerId::parse("clap").unwrap());
    let data = CustomData::new(&format!("{{\"say\":\"{text}\"}}")).unwrap();
    let custom = ChatContent::Custom { kind: CustomKind::parse("x.y").unwrap(), data };
    vec![
        ("danmaku", TalkCommand::Show(ChatContent::Danmaku { text: words(), style })),
        ("sticker", TalkCommand::Show(sticker)),
        ("custom", TalkCommand::Show(custom)),
        ("whisper", whisper(text, None)),
        ("question", TalkCommand::Ask(words())),
    ]
}

fn whisper(text: &str, to: Option<&str>) -> TalkCommand {
    TalkCommand::Whisper { text: ChatText::parse(text).unwrap(), to: to.map(user) }
}

fn say(world: &mut World, name: &str, command: TalkCommand) -> Result<Reply, Rejected> {
    world.command_by("a", name, Role::Viewer, Command::Talk(command))
}

fn keep(world: &mut World, command: TalkCommand) -> Result<Reply, Rejected> {
    world.command_by("a", "host", Role::Host, Command::Talk(command))
}

fn moderate(world: &mut World, command: ModerationCommand) {
    world.command_by("a", "host", Role::Host, Command::Moderation(command)).unwrap();
}

fn ask(world: &mut World, name: &str) -> Result<QuestionId, Rejected> {
    match say(world, name, TalkCommand::Ask(ChatText::parse("Why?").unwrap()))? {
        Reply::Question { question } => Ok(question),
        other => panic!("not a question: {other:?}"),
    }
}

fn pinned(world: &mut World) -> Option<QuestionId> {
    let questions = look(world).questions;
    let mut pinned = questions.into_iter().filter(|asked| asked.pinned);
    let first = pinned.next().map(|asked| asked.question);
    assert!(pinned.next().is_none(), "one at most is pinned");
    first
}

fn look(world: &mut World) -> Snapshot {
    let now = at(world.now);
    world.room_mut("a").look(member("eve", Role::Viewer), now)
}

fn talk(world: &World) -> Vec<&TalkEvent> {
    let told = world.told("a").into_iter();
    told.filter_map(|body| if let EventBody::Talk(event) = body { Some(event) } else { None })
        .collect()
}
