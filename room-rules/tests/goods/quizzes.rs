//! Quizzes: one answer to a user, in time, hidden until all learn it, and an exact result.

use std::collections::BTreeMap;

use fastrand::Rng;
use room_rules::{
    Amount, AnswerWindow, ChatText, Command, Currency, EventBody, LogPage, QuizAnswer, QuizCommand,
    QuizEvent, QuizId, QuizOffer, QuizQuestion, QuizQuestions, QuizReply, QuizState, QuizView,
    Rejected, Reply, Role, ShopCommand, ShopEvent, ShopReply, Suspense,
};

use crate::Reached;
use crate::world::{World, amount, at, idem, member, title};

#[test]
fn an_answer_counts_until_the_deadline_and_nobody_learns_anything_before_it() {
    let mut world = World::new(&["a"]);
    let quiz = open(&mut world, offer(&[1], 1, Some(1_000)));
    let early = answer(&mut world, "amy", &quiz, (1, 1), "a");
    assert_eq!(early, Err(Rejected::NotOpen { opens_in_ms: 0 }));

    next(&mut world, &quiz).unwrap();
    answer(&mut world, "amy", &quiz, (1, 1), "b").unwrap();
    answer(&mut world, "bob", &quiz, (1, 0), "b").unwrap();
    let twice = answer(&mut world, "amy", &quiz, (1, 0), "c");
    assert_eq!(twice, Err(Rejected::AlreadyClaimed), "one answer to a question");
    world.run_for(4_999);
    answer(&mut world, "cat", &quiz, (1, 1), "b").unwrap();
    world.run_for(1);
    let late = answer(&mut world, "dan", &quiz, (1, 1), "b");
    assert_eq!(late, Err(Rejected::Closed("question")));
    world.run_for(1_999);
    for body in world.told("a") {
        let EventBody::Shop(ShopEvent::Quiz(QuizEvent::Updated(view))) = body else { continue };
        assert!(view.asked.as_ref().is_none_or(|asked| asked.outcome.is_none()), "{view:?}");
    }

    world.run_for(1);
    let view = look(&mut world, "amy").0;
    let outcome = view.asked.unwrap().outcome.unwrap();
    assert_eq!((outcome.right, outcome.counts), (1, vec![1, 2, 0]));
    let result = view.result.unwrap();
    assert_eq!((result.winners, result.share, result.rest), (2, 500, 0));
    let named: Vec<_> = result.named.iter().map(|winner| winner.user.as_str()).collect();
    assert_eq!(named, ["amy", "cat"]);
    let told: Vec<_> = world.personal.iter().map(|(_, user, _)| user.as_str()).collect();
    assert_eq!(told, ["amy", "cat"]);
}

#[test]
fn who_wins_has_so_many_right_and_what_cannot_be_shared_is_left() {
    let mut world = World::new(&["a"]);
    let quiz = open(&mut world, offer(&[0, 1, 2], 2, Some(1_000)));
    let players = [("amy", [0, 1, 2]), ("bob", [0, 1, 0]), ("cat", [0, 0, 2]), ("dan", [1, 0, 2])];
    for (question, number) in (0..3).zip(1..) {
        next(&mut world, &quiz).unwrap();
        for (user, options) in players {
            let key = format!("k{number}");
            answer(&mut world, user, &quiz, (number, options[question]), &key).unwrap();
        }
        assert!(next(&mut world, &quiz).is_err(), "a question is open");
        world.run_for(7_000);
    }
    let result = look(&mut world, "amy").0.result.unwrap();
    assert_eq!((result.winners, result.share, result.rest), (3, 333, 1));
    assert_eq!(next(&mut world, &quiz), Err(Rejected::Closed("quiz")));

    let record = world.room("a").quiz(&quiz, LogPage::default()).unwrap();
    let right: Vec<_> = record.told.iter().map(|(_, outcome)| outcome.right).collect();
    assert_eq!(right, [0, 1, 2]);
    assert_eq!(record.winners.len(), 3);
}

#[test]
fn nobody_wins_a_quiz_that_is_called_off() {
    let mut world = World::new(&["a"]);
    let quiz = open(&mut world, offer(&[1], 1, Some(1_000)));
    next(&mut world, &quiz).unwrap();
    answer(&mut world, "amy", &quiz, (1, 1), "b").unwrap();
    assert_eq!(look(&mut world, "amy").1, [(quiz.clone(), 1)], "amy knows what she answered");
    world.command_by("a", "host", Role::Host, Command::RoomEnd).unwrap();
    let record = world.room("a").quiz(&quiz, LogPage::default()).unwrap();
    assert_eq!((record.quiz.state, record.quiz.result), (QuizState::Cancelled, None));
    assert!(record.told.is_empty() && record.winners.is_empty(), "and the answer is not told");
}

#[test]
fn a_question_or_an_answer_that_is_not_there_is_not_found() {
    let mut world = World::new(&["a"]);
    let quiz = open(&mut world, offer(&[1, 1], 1, None));
    next(&mut world, &quiz).unwrap();
    assert_eq!(answer(&mut world, "a", &quiz, (1, 3), "k"), Err(Rejected::NotFound("option")));
    assert_eq!(answer(&mut world, "a", &quiz, (3, 0), "k"), Err(Rejected::NotFound("question")));
    assert_eq!(answer(&mut world, "a", &quiz, (0, 0), "k"), Err(Rejected::NotFound("question")));
    let of_viewer = world.command_by("a", "eve", Role::Viewer, of(QuizCommand::Next(quiz)));
    assert_eq!(of_viewer, Err(Rejected::Forbidden));
}

#[test]
fn any_quiz_is_what_its_model_says() {
    const SCHEDULES: u64 = 700;
    const STEPS: usize = 200;
    let mut reached = Reached::default();
    for seed in 0..SCHEDULES {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step(&mut reached);
        }
    }
    let outcomes = [
        "counts",
        "twice",
        "early",
        "late",
        "over",
        "repeat",
        "asked",
        "busy",
        "told",
        "won",
        "nobody",
        "cancelled",
        "crash",
    ];
    reached.expect(&outcomes, 100);
}

const USERS: [&str; 8] = ["amy", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];
const WINDOW: u64 = 5_000;
const SUSPENSE: u64 = 2_000;

/// All answers that were ever taken: by question, by user.
struct Model {
    id: QuizId,
    right: Vec<u8>,
    needed: u32,
    pot: u64,
    /// When each question was asked.
    asked: Vec<u64>,
    answers: Vec<BTreeMap<&'static str, u8>>,
    cancelled: bool,
    is_checked: bool,
}

impl Model {
    fn told(&self, now: u64) -> usize {
        self.asked.iter().filter(|asked| now >= **asked + WINDOW + SUSPENSE).count()
    }

    fn is_over(&self, now: u64) -> bool {
        self.cancelled || self.told(now) == self.right.len()
    }

    fn winners(&self) -> Vec<&'static str> {
        let right = |user: &&str| {
            let given = self.answers.iter().zip(&self.right);
            given.filter(|(answers, right)| answers.get(*user) == Some(*right)).count()
        };
        USERS.into_iter().filter(|user| right(user) >= self.needed as usize).collect()
    }
}

struct Run {
    seed: u64,
    rng: Rng,
    world: World,
    model: Option<Model>,
    keys: BTreeMap<(&'static str, u8), (QuizId, u32, u8)>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let (rng, world) = (Rng::with_seed(seed), World::new(&["a"]));
        Self { seed, rng, world, model: None, keys: BTreeMap::new() }
    }

    fn step(&mut self, reached: &mut Reached) {
        let pause = [0, 1, 400, 3_000][self.rng.usize(0..4)];
        self.world.run_for(self.rng.u64(0..=pause));
        self.check(reached);
        let now = self.world.now;
        if self.model.as_ref().is_none_or(|model| model.is_over(now)) && self.rng.u8(0..4) == 0 {
            self.open();
        }
        match self.rng.u8(0..60) {
            0 => {
                reached.count("crash");
                self.world.crash("a", &mut self.rng);
            }
            1 => self.cancel(reached),
            2..12 => self.next(reached),
            _ => self.answer(reached),
        }
    }

    fn open(&mut self) {
        let right: Vec<u8> = (0..self.rng.usize(1..4)).map(|_| self.rng.u8(0..3)).collect();
        let needed = self.rng.u32(1..=u32::try_from(right.len()).unwrap());
        let pot = self.rng.u64(1..1_000);
        let id = open(&mut self.world, offer(&right, needed, Some(pot)));
        let answers = vec![BTreeMap::new(); right.len()];
        let (asked, cancelled, is_checked) = (Vec::new(), false, false);
        self.model = Some(Model { id, right, needed, pot, asked, answers, cancelled, is_checked });
    }

    fn next(&mut self, reached: &mut Reached) {
        let Some(model) = &mut self.model else { return };
        let now = self.world.now;
        let answer = next(&mut self.world, &model.id);
        if model.is_over(now) {
            assert_eq!(answer, Err(Rejected::Closed("quiz")), "seed {}", self.seed);
        } else if model.told(now) < model.asked.len() {
            assert!(matches!(answer, Err(Rejected::Conflict(_))), "seed {}: {answer:?}", self.seed);
            reached.count("busy");
        } else {
            model.asked.push(now);
            let number = u32::try_from(model.asked.len()).unwrap();
            assert_eq!(answer, Ok((number, now + WINDOW)), "seed {}", self.seed);
            reached.count("asked");
        }
    }

    fn cancel(&mut self, reached: &mut Reached) {
        let Some(model) = &mut self.model else { return };
        let command = of(QuizCommand::Cancel(model.id.clone()));
        let answer = self.world.command_by("a", "host", Role::Host, command);
        assert_eq!(answer.is_ok(), !model.is_over(self.world.now), "seed {}", self.seed);
        if answer.is_ok() {
            model.cancelled = true;
            reached.count("cancelled");
        }
    }

    fn answer(&mut self, reached: &mut Reached) {
        let Some(model) = &mut self.model else { return };
        let (user, key) = (USERS[self.rng.usize(0..USERS.len())], self.rng.u8(..));
        let question = self.rng.u32(1..=u32::try_from(model.right.len()).unwrap());
        let option = self.rng.u8(0..3);
        let (now, name) = (self.world.now, format!("k{key}"));
        let answer = answer(&mut self.world, user, &model.id, (question, option), &name);
        if let Some(before) = self.keys.get(&(user, key)) {
            let is_same = *before == (model.id.clone(), question, option);
            let expected = if is_same { Ok(()) } else { Err(Rejected::IdempotencyMismatch) };
            assert_eq!(answer, expected, "seed {}", self.seed);
            reached.count("repeat");
            return;
        }
        if answer == Err(Rejected::RateLimited) {
            return;
        }
        let (index, last) = (question as usize - 1, model.asked.len());
        let is_late = || now >= model.asked[index] + WINDOW;
        let (outcome, expected) = if model.is_over(now) {
            ("over", Err(Rejected::Closed("quiz")))
        } else if index >= last {
            ("early", Err(Rejected::NotOpen { opens_in_ms: 0 }))
        } else if index + 1 < last || is_late() {
            ("late", Err(Rejected::Closed("question")))
        } else if model.answers[index].contains_key(user) {
            ("twice", Err(Rejected::AlreadyClaimed))
        } else {
            model.answers[index].insert(user, option);
            self.keys.insert((user, key), (model.id.clone(), question, option));
            ("counts", Ok(()))
        };
        reached.count(outcome);
        assert_eq!(answer, expected, "seed {}: {outcome}", self.seed);
    }

    /// What everybody sees is what follows from all answers.
    fn check(&mut self, reached: &mut Reached) {
        let Some(model) = &mut self.model else { return };
        if model.cancelled || model.asked.is_empty() || model.is_checked {
            return;
        }
        let record = self.world.room("a").quiz(&model.id, LogPage::default()).unwrap();
        let told = model.told(self.world.now);
        assert_eq!(record.told.len(), told, "seed {}", self.seed);
        for (index, (_, outcome)) in record.told.iter().enumerate() {
            let count = |option: u8| {
                let chosen = model.answers[index].values().filter(|given| **given == option);
                u32::try_from(chosen.count()).unwrap()
            };
            assert_eq!(outcome.counts, [0, 1, 2].map(count), "seed {}", self.seed);
            reached.count("told");
        }
        if model.is_over(self.world.now) {
            let winners = model.winners();
            let result = record.quiz.result.unwrap();
            let sum = result.share * winners.len() as u64 + result.rest;
            assert_eq!(sum, model.pot, "seed {}: money is exact", self.seed);
            assert!(winners.is_empty() || result.rest < winners.len() as u64);
            let named: Vec<_> = record.winners.iter().map(|it| it.user.as_str()).collect();
            assert_eq!(named, winners, "seed {}", self.seed);
            reached.count(if winners.is_empty() { "nobody" } else { "won" });
            model.is_checked = true;
        }
    }
}

fn of(command: QuizCommand) -> Command {
    Command::Shop(ShopCommand::Quiz(command))
}

/// Three options each, five seconds to answer, two of suspense.
fn offer(right: &[u8], needed: u32, pot: Option<u64>) -> QuizOffer {
    let question = |right: &u8| {
        let options = ["A", "B", "C"].map(title).into();
        QuizQuestion::new(ChatText::parse("Which?").unwrap(), options, *right).unwrap()
    };
    QuizOffer {
        title: title("Quiz"),
        questions: QuizQuestions::new(right.iter().map(question).collect(), needed).unwrap(),
        answer_within: AnswerWindow::new(5_000).unwrap(),
        suspense: Suspense::new(2_000).unwrap(),
        pot: pot
            .map(|pot| (amount(pot), Currency::CNY))
            .filter(|(pot, _)| *pot > Amount::new(0).unwrap()),
    }
}

fn open(world: &mut World, offer: QuizOffer) -> QuizId {
    let command = of(QuizCommand::Open(Box::new(offer)));
    match world.command_by("a", "host", Role::Host, command).unwrap() {
        Reply::Shop(ShopReply::Quiz(QuizReply::Opened { quiz })) => quiz,
        other => panic!("not a quiz: {other:?}"),
    }
}

fn next(world: &mut World, quiz: &QuizId) -> Result<(u32, u64), Rejected> {
    match world.command_by("a", "host", Role::Host, of(QuizCommand::Next(quiz.clone())))? {
        Reply::Shop(ShopReply::Quiz(QuizReply::Asked { question, close_at, .. })) => {
            Ok((question, close_at.unix_millis()))
        }
        other => panic!("not a question: {other:?}"),
    }
}

fn answer(
    world: &mut World,
    user: &str,
    quiz: &QuizId,
    (question, option): (u32, u8),
    key: &str,
) -> Result<(), Rejected> {
    let (quiz, idem) = (quiz.clone(), idem(key));
    let command = of(QuizCommand::Answer(QuizAnswer { quiz, question, option, idem }));
    world.command_by("a", user, Role::Viewer, command).map(|_| ())
}

/// The quiz, and what `user` has answered.
fn look(world: &mut World, user: &str) -> (QuizView, Vec<(QuizId, u8)>) {
    let now = at(world.now);
    let mut shop = world.room_mut("a").look(member(user, Role::Viewer), now).shop;
    (shop.quizzes.remove(0), shop.mine.answers)
}
