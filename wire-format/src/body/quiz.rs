//! Quizzes.

use room_rules::{
    Amount, Currency, QuizAsked, QuizEvent, QuizOutcome, QuizQuestion, QuizRecord, QuizReply,
    QuizResult, QuizState, QuizView, Title, Winner,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::giveaway::WinnerBody;

/// `Quiz`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Quiz")]
pub(crate) struct QuizBody<'a> {
    quiz: &'a str,
    title: &'a str,
    questions: u32,
    needed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pot: Option<PotBody<'a>>,
    #[schemars(extend("enum" = ["waiting", "asking", "closed", "revealed", "over", "cancelled"]))]
    state: &'static str,
    asked: Option<AskedBody<'a>>,
    players: u32,
    result: Option<ResultBody<'a>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizPot")]
struct PotBody<'a> {
    amount: u64,
    currency: &'a str,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizAsked")]
struct AskedBody<'a> {
    number: u32,
    text: &'a str,
    options: Vec<&'a str>,
    asked_at: u64,
    close_at: u64,
    reveal_at: u64,
    answered: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeBody<'a>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizOutcome")]
struct OutcomeBody<'a> {
    right: u8,
    counts: &'a [u32],
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizResult")]
struct ResultBody<'a> {
    winners: u32,
    share: u64,
    rest: u64,
    named: Vec<WinnerBody<'a>>,
}

impl<'a> From<&'a QuizView> for QuizBody<'a> {
    fn from(view: &'a QuizView) -> Self {
        let state = match view.state {
            QuizState::Waiting => "waiting",
            QuizState::Asking => "asking",
            QuizState::Closed => "closed",
            QuizState::Revealed => "revealed",
            QuizState::Over => "over",
            QuizState::Cancelled => "cancelled",
        };
        Self {
            quiz: view.quiz.as_str(),
            title: view.title.as_str(),
            questions: view.questions,
            needed: view.needed,
            pot: view.pot.as_ref().map(Into::into),
            state,
            asked: view.asked.as_ref().map(Into::into),
            players: view.players,
            result: view.result.as_ref().map(Into::into),
        }
    }
}

impl<'a> From<&'a (Amount, Currency)> for PotBody<'a> {
    fn from((amount, currency): &'a (Amount, Currency)) -> Self {
        Self { amount: amount.minor(), currency: currency.as_str() }
    }
}

impl<'a> From<&'a QuizAsked> for AskedBody<'a> {
    fn from(asked: &'a QuizAsked) -> Self {
        Self {
            number: asked.number,
            text: asked.text.as_str(),
            options: asked.options.iter().map(Title::as_str).collect(),
            asked_at: asked.asked_at.unix_millis(),
            close_at: asked.close_at.unix_millis(),
            reveal_at: asked.reveal_at.unix_millis(),
            answered: asked.answered,
            outcome: asked.outcome.as_ref().map(Into::into),
        }
    }
}

impl<'a> From<&'a QuizOutcome> for OutcomeBody<'a> {
    fn from(outcome: &'a QuizOutcome) -> Self {
        Self { right: outcome.right, counts: &outcome.counts }
    }
}

impl<'a> From<&'a QuizResult> for ResultBody<'a> {
    fn from(result: &'a QuizResult) -> Self {
        Self {
            winners: result.winners,
            share: result.share,
            rest: result.rest,
            named: result.named.iter().map(Into::into).collect(),
        }
    }
}

/// `d` of `quiz.won`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizWon")]
pub(crate) struct QuizWonBody<'a> {
    quiz: &'a str,
    share: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
}

/// `d` of what is told about quizzes.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "QuizEvent")]
pub(crate) enum QuizData<'a> {
    Updated(Box<QuizBody<'a>>),
    Won(QuizWonBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(super) fn quiz_event(event: &QuizEvent) -> (&'static str, QuizData<'_>) {
    match event {
        QuizEvent::Updated(view) => ("quiz.updated", QuizData::Updated(Box::new((&**view).into()))),
        QuizEvent::Won { quiz, share, pot } => {
            let currency = pot.as_ref().map(|(_, currency)| currency.as_str());
            let won = QuizWonBody { quiz: quiz.as_str(), share: *share, currency };
            ("quiz.won", QuizData::Won(won))
        }
    }
}

/// What a command about a quiz is answered.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "QuizReply")]
pub(crate) enum QuizReplyData<'a> {
    Answered { quiz: &'a str, question: u32, option: u8 },
    Asked { quiz: &'a str, question: u32, close_at: u64 },
    Opened { quiz: &'a str },
}

impl<'a> From<&'a QuizReply> for QuizReplyData<'a> {
    fn from(reply: &'a QuizReply) -> Self {
        match reply {
            QuizReply::Opened { quiz } => Self::Opened { quiz: quiz.as_str() },
            QuizReply::Asked { quiz, question, close_at } => Self::Asked {
                quiz: quiz.as_str(),
                question: *question,
                close_at: close_at.unix_millis(),
            },
            QuizReply::Answered { quiz, question, option } => {
                Self::Answered { quiz: quiz.as_str(), question: *question, option: *option }
            }
        }
    }
}

/// The answer of `GET .. /quizzes/{quiz}`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizRecord")]
pub(crate) struct QuizRecordBody<'a> {
    #[serde(flatten)]
    quiz: QuizBody<'a>,
    told: Vec<ToldBody<'a>>,
    winners: Vec<WinnerBody<'a>>,
    cursor: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuizTold")]
struct ToldBody<'a> {
    text: &'a str,
    options: Vec<&'a str>,
    #[serde(flatten)]
    outcome: OutcomeBody<'a>,
}

impl<'a> From<&'a (QuizQuestion, QuizOutcome)> for ToldBody<'a> {
    fn from((question, outcome): &'a (QuizQuestion, QuizOutcome)) -> Self {
        Self {
            text: question.text().as_str(),
            options: question.options().iter().map(Title::as_str).collect(),
            outcome: outcome.into(),
        }
    }
}

impl<'a> QuizRecordBody<'a> {
    /// Takes a record whose winners begin after the first `skip`, and shows `count` of them.
    pub(crate) fn new(record: &'a QuizRecord, skip: usize, count: usize) -> Self {
        let winners: &'a [Winner] = &record.winners;
        Self {
            quiz: (&record.quiz).into(),
            told: record.told.iter().map(Into::into).collect(),
            winners: winners.iter().take(count).map(Into::into).collect(),
            cursor: (winners.len() > count).then(|| (skip + count).to_string()),
        }
    }
}
