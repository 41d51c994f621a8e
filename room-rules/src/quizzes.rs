//! The quizzes of a room.

pub(crate) mod command;
mod quiz;

use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::shelf::Shelf;
use crate::shop_log::LogPage;
use crate::{
    Amount, ChatText, Countdown, Currency, Member, QuizCommand, QuizId, QuizQuestion, QuizReply,
    Rejected, Reply, ServerTime, ShopReply, Stream, Title, UserId, Winner,
};

use quiz::Quiz;

const RUNNING_MAX: usize = 5;
/// Quizzes that are over and still shown.
const OVER_KEPT: usize = 10;
const ANSWER_INTERVAL: Duration = Duration::from_millis(200);
const ANSWER_BURST: u32 = 10;

#[derive(Debug)]
pub(crate) struct Quizzes {
    quizzes: Shelf<Quiz>,
    answer_pace: Pace,
}

impl Quizzes {
    pub(crate) fn new() -> Self {
        Self {
            quizzes: Shelf::new(RUNNING_MAX, OVER_KEPT),
            answer_pace: Pace::new(ANSWER_INTERVAL, ANSWER_BURST),
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: QuizCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let reply = match command {
            QuizCommand::Open(offer) => {
                self.quizzes.expect_room()?;
                let quiz = QuizId::made(&mint.make(Kind::Quiz, now));
                self.quizzes.push(Quiz::open(quiz.clone(), *offer, now, out));
                QuizReply::Opened { quiz }
            }
            QuizCommand::Next(quiz) => {
                let (question, close_at) = self.quizzes.find(&quiz, "quiz")?.ask(now, out)?;
                QuizReply::Asked { quiz, question, close_at }
            }
            QuizCommand::Answer(answer) => {
                if !self.answer_pace.allow(&member.user, now) {
                    return Err(Rejected::RateLimited);
                }
                self.quizzes.find(&answer.quiz, "quiz")?.handle_answer(member, &answer, now)?;
                let (question, option) = (answer.question, answer.option);
                QuizReply::Answered { quiz: answer.quiz, question, option }
            }
            QuizCommand::Cancel(quiz) => {
                self.quizzes.find(&quiz, "quiz")?.cancel(now, out)?;
                return Ok(Reply::Done);
            }
        };
        Ok(Reply::Shop(ShopReply::Quiz(reply)))
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.quizzes.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.quizzes.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.quizzes.poll_timeout()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &QuizView> {
        self.quizzes.iter().map(Quiz::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.quizzes.countdowns()
    }

    /// Returns what `user` has answered to the last question of each quiz.
    pub(crate) fn answered_by<'a>(
        &'a self,
        user: &'a UserId,
    ) -> impl Iterator<Item = (&'a QuizId, u8)> {
        let all = self.quizzes.iter().map(|quiz| (&quiz.view().quiz, quiz.answer_of(user)));
        all.filter_map(|(id, answer)| Some((id, answer?)))
    }

    /// Returns how a quiz came out as far as that is told.
    pub(crate) fn record(&self, id: &QuizId, page: LogPage) -> Option<QuizRecord> {
        Some(self.quizzes.iter().find(|quiz| quiz.view().quiz == *id)?.record(page))
    }
}

/// A quiz as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuizView {
    /// Which.
    pub quiz: QuizId,
    /// What it is called.
    pub title: Title,
    /// How many questions it has.
    pub questions: u32,
    /// How many right answers win.
    pub needed: u32,
    /// What the winners share.
    pub pot: Option<(Amount, Currency)>,
    /// How far it is.
    pub state: QuizState,
    /// The last question that was asked.
    pub asked: Option<QuizAsked>,
    /// How many have answered anything.
    pub players: u32,
    /// How it came out, once it is over.
    pub result: Option<QuizResult>,
}

/// How far a quiz is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum QuizState {
    /// Nothing was asked yet.
    Waiting,
    /// A question can be answered.
    Asking,
    /// It can no longer be answered; the right answer is to come.
    Closed,
    /// The right answer is told; the next question is to come.
    Revealed,
    /// All is told.
    Over,
    /// Called off.
    Cancelled,
}

/// A question that was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuizAsked {
    /// Its number, from 1.
    pub number: u32,
    /// What is asked.
    pub text: ChatText,
    /// What can be answered.
    pub options: Vec<Title>,
    /// When it was asked.
    pub asked_at: ServerTime,
    /// The first instant at which it can no longer be answered.
    pub close_at: ServerTime,
    /// When the right answer is told.
    pub reveal_at: ServerTime,
    /// How many have answered it.
    pub answered: u32,
    /// What was answered, once that is told.
    pub outcome: Option<QuizOutcome>,
}

/// How a question came out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuizOutcome {
    /// Which option is right, from 0.
    pub right: u8,
    /// How many have chosen each option.
    pub counts: Vec<u32>,
}

/// How a quiz came out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuizResult {
    /// How many have won.
    pub winners: u32,
    /// What each of them gets, in minor units.
    pub share: u64,
    /// What is left of the pot.
    pub rest: u64,
    /// The first winners by id.
    pub named: Vec<Winner>,
}

/// What is told about quizzes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QuizEvent {
    /// Something is otherwise.
    Updated(Box<QuizView>),
    /// The user has won.
    Won {
        /// Which quiz.
        quiz: QuizId,
        /// What they get, in minor units.
        share: u64,
        /// Of what.
        pot: Option<(Amount, Currency)>,
    },
}

impl QuizEvent {
    pub(crate) const fn stream(&self) -> Stream {
        match self {
            Self::Updated(_) => Stream::Sale,
            Self::Won { .. } => Stream::Me,
        }
    }
}

/// A quiz with all that is told of it, and a page of those who have won.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuizRecord {
    /// The quiz.
    pub quiz: QuizView,
    /// The questions whose answer is told, and how they came out.
    pub told: Vec<(QuizQuestion, QuizOutcome)>,
    /// Who has won, by id.
    pub winners: Vec<Winner>,
}
