//! What is asked about quizzes, and what is answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Amount, Capability, ChatText, Currency, IdemKey, QuizId, ServerTime, Suspense, Title};

const QUESTIONS_MAX: usize = 20;
const OPTIONS_MIN: usize = 2;
const OPTIONS_MAX: usize = 6;

/// One thing that is asked about a quiz.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuizCommand {
    /// Announces one.
    Open(Box<QuizOffer>),
    /// Asks its next question.
    Next(QuizId),
    /// Answers a question.
    Answer(QuizAnswer),
    /// Calls it off; nobody wins.
    Cancel(QuizId),
}

impl QuizCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Open(_) | Self::Next(_) => Capability::AnnounceSale,
            Self::Answer(_) => Capability::Order,
            Self::Cancel(_) => Capability::CancelSale,
        }
    }

    pub(crate) const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::Answer(answer) => Some(&answer.idem),
            Self::Open(_) | Self::Next(_) | Self::Cancel(_) => None,
        }
    }
}

/// A quiz as the host announces it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct QuizOffer {
    /// What it is called.
    pub title: Title,
    /// What is asked, and how many answers one must have right in order to win.
    pub questions: QuizQuestions,
    /// How long a question can be answered.
    pub answer_within: AnswerWindow,
    /// How long from then until the right answer is told.
    pub suspense: Suspense,
    /// What the winners share, in minor units.
    pub pot: Option<(Amount, Currency)>,
}

/// 1 to 20 questions, and how many of them one must answer right to win.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "(Vec<QuizQuestion>, u32)", into = "(Vec<QuizQuestion>, u32)")]
pub struct QuizQuestions {
    all: Vec<QuizQuestion>,
    needed: u32,
}

impl QuizQuestions {
    /// Takes questions, of which at least one and at most all must be answered right.
    pub fn new(all: Vec<QuizQuestion>, needed: u32) -> Option<Self> {
        let fits = (1..=QUESTIONS_MAX).contains(&all.len());
        (fits && (1..=all.len()).contains(&(needed as usize))).then_some(Self { all, needed })
    }

    /// Returns the questions, in the order in which they are asked.
    pub fn all(&self) -> &[QuizQuestion] {
        &self.all
    }

    /// Returns how many answers one must have right.
    pub const fn needed(&self) -> u32 {
        self.needed
    }
}

impl TryFrom<(Vec<QuizQuestion>, u32)> for QuizQuestions {
    type Error = OutOfLimits;

    fn try_from((all, needed): (Vec<QuizQuestion>, u32)) -> Result<Self, OutOfLimits> {
        Self::new(all, needed).ok_or(OutOfLimits("QuizQuestions"))
    }
}

impl From<QuizQuestions> for (Vec<QuizQuestion>, u32) {
    fn from(questions: QuizQuestions) -> Self {
        (questions.all, questions.needed)
    }
}

/// A question, 2 to 6 answers to choose from, and which of them is right.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "(ChatText, Vec<Title>, u8)", into = "(ChatText, Vec<Title>, u8)")]
pub struct QuizQuestion {
    text: ChatText,
    options: Vec<Title>,
    right: u8,
}

impl QuizQuestion {
    /// Takes a question; `None` if there are too few or too many options, or none of them is right.
    pub fn new(text: ChatText, options: Vec<Title>, right: u8) -> Option<Self> {
        let fits = (OPTIONS_MIN..=OPTIONS_MAX).contains(&options.len());
        (fits && usize::from(right) < options.len()).then_some(Self { text, options, right })
    }

    /// Returns what is asked.
    pub const fn text(&self) -> &ChatText {
        &self.text
    }

    /// Returns what can be answered.
    pub fn options(&self) -> &[Title] {
        &self.options
    }

    /// Returns which of the options is right, from 0.
    pub const fn right(&self) -> u8 {
        self.right
    }
}

impl TryFrom<(ChatText, Vec<Title>, u8)> for QuizQuestion {
    type Error = OutOfLimits;

    fn try_from((text, options, right): (ChatText, Vec<Title>, u8)) -> Result<Self, OutOfLimits> {
        Self::new(text, options, right).ok_or(OutOfLimits("QuizQuestion"))
    }
}

impl From<QuizQuestion> for (ChatText, Vec<Title>, u8) {
    fn from(question: QuizQuestion) -> Self {
        (question.text, question.options, question.right)
    }
}

/// How long a question can be answered, 3 seconds to 2 minutes, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AnswerWindow(u32);

impl AnswerWindow {
    /// Takes milliseconds within the limits; `None` for any other.
    pub fn new(millis: u32) -> Option<Self> {
        (3_000..=120_000).contains(&millis).then_some(Self(millis))
    }

    /// Returns the time.
    pub fn span(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

impl TryFrom<u32> for AnswerWindow {
    type Error = OutOfLimits;

    fn try_from(millis: u32) -> Result<Self, OutOfLimits> {
        Self::new(millis).ok_or(OutOfLimits("AnswerWindow"))
    }
}

impl From<AnswerWindow> for u32 {
    fn from(window: AnswerWindow) -> Self {
        window.0
    }
}

/// Somebody's answer to a question.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct QuizAnswer {
    /// Of which quiz.
    pub quiz: QuizId,
    /// To which question, from 1.
    pub question: u32,
    /// Which option, from 0.
    pub option: u8,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// What such a command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuizReply {
    /// The quiz is announced.
    Opened {
        /// Its id.
        quiz: QuizId,
    },
    /// A question is asked.
    Asked {
        /// Of which quiz.
        quiz: QuizId,
        /// Its number, from 1.
        question: u32,
        /// The first instant at which it can no longer be answered.
        close_at: ServerTime,
    },
    /// The answer counts.
    Answered {
        /// Of which quiz.
        quiz: QuizId,
        /// To which question, from 1.
        question: u32,
        /// Which option, from 0.
        option: u8,
    },
}
