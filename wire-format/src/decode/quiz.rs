//! Quizzes.

use room_rules::{
    Amount, AnswerWindow, ChatText, Command, Currency, QuizAnswer, QuizCommand, QuizId, QuizOffer,
    QuizQuestion, QuizQuestions, ShopCommand, Suspense, Title,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::idem_key;
use super::message::{Message, messages};

const ANSWER_MS: u32 = 10_000;
const SUSPENSE_MS: u32 = 3_000;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "quiz.open": OpenBody => |body| body.read().map(Box::new).map(QuizCommand::Open).map(command);
    "quiz.next": QuizIdBody => |body| quiz_id(&body.quiz).map(QuizCommand::Next).map(command);
    "quiz.answer": AnswerBody => |body| body.read().map(QuizCommand::Answer).map(command);
    "quiz.cancel": QuizIdBody => |body| quiz_id(&body.quiz).map(QuizCommand::Cancel).map(command);
};

const fn command(command: QuizCommand) -> Command {
    Command::Shop(ShopCommand::Quiz(command))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "QuizOpen")]
struct OpenBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 20))]
    questions: Vec<QuestionBody>,
    #[schemars(range(min = 1, max = 20))]
    needed: Option<u32>,
    #[schemars(range(min = 3_000, max = 120_000))]
    answer_ms: Option<u32>,
    #[schemars(range(min = 1_000, max = 60_000))]
    suspense_ms: Option<u32>,
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pot: Option<u64>,
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "QuizOpenQuestion")]
struct QuestionBody {
    #[schemars(length(min = 1, max = 300))]
    text: String,
    #[schemars(length(min = 2, max = 6), inner(length(min = 1, max = 100)))]
    options: Vec<String>,
    #[schemars(range(max = 5))]
    right: u8,
}

impl OpenBody {
    fn read(self) -> Result<QuizOffer, String> {
        let all = self.questions.into_iter().map(QuestionBody::read);
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let needed = self.needed.unwrap_or_else(|| u32::try_from(all.len()).unwrap_or(u32::MAX));
        let questions = QuizQuestions::new(all, needed)
            .ok_or("there must be 1 to 20 questions, and needed at most so many")?;
        let currency = self
            .currency
            .as_deref()
            .map(|text| Currency::parse(text).ok_or("currency must be three capital letters"));
        let currency = currency.transpose()?.unwrap_or_default();
        let pot = self.pot.map(|minor| match Amount::new(minor) {
            Some(amount) if minor > 0 => Ok((amount, currency)),
            Some(_) | None => Err("pot must be 1 to 9007199254740991"),
        });
        Ok(QuizOffer {
            title: title(&self.title, "title")?,
            questions,
            answer_within: AnswerWindow::new(self.answer_ms.unwrap_or(ANSWER_MS))
                .ok_or("answer_ms must be 3000 to 120000")?,
            suspense: Suspense::new(self.suspense_ms.unwrap_or(SUSPENSE_MS))
                .ok_or("suspense_ms must be 1000 to 60000")?,
            pot: pot.transpose()?,
        })
    }
}

impl QuestionBody {
    fn read(self) -> Result<QuizQuestion, String> {
        let text = ChatText::parse(&self.text).ok_or("text must hold 1 to 300 characters")?;
        let options = self.options.iter().map(|text| title(text, "an option"));
        QuizQuestion::new(text, options.collect::<Result<_, _>>()?, self.right).ok_or_else(|| {
            "a question has 2 to 6 options, and right is the index of one".to_owned()
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "QuizAnswer")]
struct AnswerBody {
    quiz: String,
    #[schemars(range(min = 1, max = 20))]
    question: u32,
    #[schemars(range(max = 5))]
    option: u8,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl AnswerBody {
    fn read(self) -> Result<QuizAnswer, String> {
        let (quiz, idem) = (quiz_id(&self.quiz)?, idem_key(&self.idem)?);
        Ok(QuizAnswer { quiz, question: self.question, option: self.option, idem })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfQuiz")]
struct QuizIdBody {
    quiz: String,
}

fn title(text: &str, field: &str) -> Result<Title, String> {
    Title::parse(text).ok_or_else(|| format!("{field} must hold 1 to 100 characters"))
}

fn quiz_id(text: &str) -> Result<QuizId, String> {
    QuizId::parse(text).ok_or_else(|| "quiz is not an id".to_owned())
}
