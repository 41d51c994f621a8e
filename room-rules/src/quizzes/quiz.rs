//! A quiz: the host asks question after question, everybody has one answer to each until its
//! deadline, and nobody learns anything about the answers before the right one is told.
//!
//! ```text
//!             ┌────────────── next ──────────────┐
//!             ▼                                  │
//! Waiting ──▶ Asking ──close_at──▶ Closed ──▶ Revealed
//!    │          │                     │          │
//!    │          │                     └─ last ───┼──▶ Over
//!    └──────────┴────────── cancel ───┴──────────┴──▶ Cancelled
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::countdown::CountdownTimer;
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::shop_log::LogPage;
use crate::{
    Countdown, CountdownKind, EventBody, Member, QuizAnswer, QuizAsked, QuizEvent, QuizId,
    QuizOffer, QuizOutcome, QuizRecord, QuizResult, QuizState, QuizView, Rejected, ServerTime,
    ShopEvent, UserId, Winner,
};

/// How many have answered is told at most twice a second.
const ANSWERED_EVERY: Duration = Duration::from_millis(500);
/// Full: nobody else can take part.
const PLAYERS_MAX: usize = 50_000;
/// How many winners everybody is told of; who wants more asks.
const WINNERS_TOLD: usize = 20;

#[derive(Debug)]
pub(super) struct Quiz {
    view: QuizView,
    offer: QuizOffer,
    /// By id, so that everybody comes to the same list.
    players: BTreeMap<UserId, Player>,
    /// How the questions came out whose answer is told.
    outcomes: Vec<QuizOutcome>,
    countdown: Option<CountdownTimer>,
    answered_told: Throttle,
}

#[derive(Debug)]
struct Player {
    name: Arc<str>,
    /// Right answers to questions whose answer is told.
    right: u32,
    /// The answer to the last question that was asked.
    answer: Option<u8>,
}

impl Quiz {
    pub(super) fn open(id: QuizId, offer: QuizOffer, now: ServerTime, out: &mut Announcer) -> Self {
        let view = QuizView {
            quiz: id,
            title: offer.title.clone(),
            questions: number(offer.questions.all().len()),
            needed: offer.questions.needed(),
            pot: offer.pot,
            state: QuizState::Waiting,
            asked: None,
            players: 0,
            result: None,
        };
        tell(&view, now, out);
        Self {
            view,
            offer,
            players: BTreeMap::new(),
            outcomes: Vec::new(),
            countdown: None,
            answered_told: Throttle::new(ANSWERED_EVERY),
        }
    }

    /// Asks the next question; returns its number and until when it can be answered.
    pub(super) fn ask(
        &mut self,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(u32, ServerTime), Rejected> {
        match self.view.state {
            QuizState::Waiting | QuizState::Revealed => {}
            QuizState::Asking | QuizState::Closed => {
                return Err(Rejected::Conflict("a question is open still"));
            }
            QuizState::Over | QuizState::Cancelled => return Err(Rejected::Closed("quiz")),
        }
        let question = &self.offer.questions.all()[self.outcomes.len()];
        let number = number(self.outcomes.len()) + 1;
        let close_at = now + self.offer.answer_within.span();
        for player in self.players.values_mut() {
            player.answer = None;
        }
        self.view.asked = Some(QuizAsked {
            number,
            text: question.text().clone(),
            options: question.options().to_vec(),
            asked_at: now,
            close_at,
            reveal_at: close_at + self.offer.suspense.span(),
            answered: 0,
            outcome: None,
        });
        self.enter(QuizState::Asking, now, out);
        // Each question has a countdown of its own.
        let name = format!("{}-{number}", self.view.quiz);
        let (kind, subject) = (CountdownKind::QuizClose, self.view.quiz.as_str());
        self.countdown =
            Some(CountdownTimer::start_named(kind, &name, subject, close_at, None, now, out));
        Ok((number, close_at))
    }

    /// Takes an answer, or says why not.
    pub(super) fn handle_answer(
        &mut self,
        member: &Member,
        answer: &QuizAnswer,
        now: ServerTime,
    ) -> Result<(), Rejected> {
        if matches!(self.view.state, QuizState::Over | QuizState::Cancelled) {
            return Err(Rejected::Closed("quiz"));
        }
        let last = self.view.asked.as_ref().map_or(0, |asked| asked.number);
        if answer.question == 0 || answer.question > self.view.questions {
            return Err(Rejected::NotFound("question"));
        }
        if answer.question > last {
            // It is the host who says when.
            return Err(Rejected::not_open(Duration::ZERO));
        }
        if answer.question < last || self.view.state != QuizState::Asking {
            return Err(Rejected::Closed("question"));
        }
        let asked = self.view.asked.as_mut().expect("a question is open");
        if usize::from(answer.option) >= asked.options.len() {
            return Err(Rejected::NotFound("option"));
        }
        let known = self.players.get(&member.user);
        if known.is_some_and(|player| player.answer.is_some()) {
            return Err(Rejected::AlreadyClaimed);
        }
        if known.is_none() && self.players.len() >= PLAYERS_MAX {
            return Err(Rejected::Conflict("the quiz takes no more players"));
        }
        assert!(now >= asked.asked_at && now < asked.close_at, "nobody answers out of time");
        let player = self.players.entry(member.user.clone()).or_insert_with(|| Player {
            name: member.name.clone(),
            right: 0,
            answer: None,
        });
        player.answer = Some(answer.option);
        asked.answered += 1;
        self.view.players = number(self.players.len());
        self.answered_told.touch(now);
        Ok(())
    }

    /// Calls it off; nobody wins.
    pub(super) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        if self.is_over() {
            return Err(Rejected::Closed("quiz"));
        }
        if let Some(countdown) = &mut self.countdown {
            countdown.cancel(now, out);
        }
        self.enter(QuizState::Cancelled, now, out);
        Ok(())
    }

    pub(super) const fn view(&self) -> &QuizView {
        &self.view
    }

    /// Returns what `user` has answered to the last question that was asked.
    pub(super) fn answer_of(&self, user: &UserId) -> Option<u8> {
        self.players.get(user)?.answer
    }

    pub(super) fn record(&self, page: LogPage) -> QuizRecord {
        let told = self.outcomes.iter().zip(self.offer.questions.all());
        let is_over = self.view.state == QuizState::Over;
        let winners: Vec<Winner> = self.winners().filter(|_| is_over).collect();
        QuizRecord {
            quiz: self.view.clone(),
            told: told.map(|(outcome, question)| (question.clone(), outcome.clone())).collect(),
            winners: page.of(winners.iter()),
        }
    }

    fn reveal(&mut self, now: ServerTime, out: &mut Announcer) {
        let question = &self.offer.questions.all()[self.outcomes.len()];
        let mut counts = vec![0; question.options().len()];
        for player in self.players.values_mut() {
            let Some(answer) = player.answer else { continue };
            counts[usize::from(answer)] += 1;
            player.right += u32::from(answer == question.right());
        }
        let outcome = QuizOutcome { right: question.right(), counts };
        let asked = self.view.asked.as_mut().expect("what is told was asked");
        assert_eq!(outcome.counts.iter().sum::<u32>(), asked.answered, "every answer counts once");
        asked.outcome = Some(outcome.clone());
        self.outcomes.push(outcome);
        if self.outcomes.len() < self.offer.questions.all().len() {
            self.enter(QuizState::Revealed, now, out);
        } else {
            self.finish(now, out);
        }
    }

    fn finish(&mut self, now: ServerTime, out: &mut Announcer) {
        let winners: Vec<Winner> = self.winners().collect();
        let pot = self.offer.pot.map_or(0, |(amount, _)| amount.minor());
        let share = pot.checked_div(winners.len() as u64).unwrap_or(0);
        let rest = pot - share * winners.len() as u64;
        self.view.result = Some(QuizResult {
            winners: number(winners.len()),
            share,
            rest,
            named: winners.iter().take(WINNERS_TOLD).cloned().collect(),
        });
        self.enter(QuizState::Over, now, out);
        for winner in winners {
            let won = QuizEvent::Won { quiz: self.view.quiz.clone(), share, pot: self.offer.pot };
            out.tell(&winner.user, EventBody::Shop(ShopEvent::Quiz(won)), now);
        }
    }

    fn winners(&self) -> impl Iterator<Item = Winner> {
        let needed = self.offer.questions.needed();
        let won = self.players.iter().filter(move |(_, player)| player.right >= needed);
        won.map(|(user, player)| Winner { user: user.clone(), name: player.name.clone() })
    }

    fn enter(&mut self, state: QuizState, now: ServerTime, out: &mut Announcer) {
        assert!(!self.is_over(), "a quiz ends once");
        self.view.state = state;
        self.answered_told.clear();
        tell(&self.view, now, out);
    }
}

impl OnShelf for Quiz {
    type Id = QuizId;

    fn id(&self) -> &QuizId {
        &self.view.quiz
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            QuizState::Waiting | QuizState::Asking | QuizState::Closed | QuizState::Revealed => {
                false
            }
            QuizState::Over | QuizState::Cancelled => true,
        }
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        if let Some(countdown) = &mut self.countdown {
            countdown.handle_timeout(now, out);
        }
        let due = |at: fn(&QuizAsked) -> ServerTime, asked: &Option<QuizAsked>| {
            asked.as_ref().is_some_and(|asked| now >= at(asked))
        };
        if self.view.state == QuizState::Asking && due(|asked| asked.close_at, &self.view.asked) {
            self.enter(QuizState::Closed, now, out);
        }
        if self.view.state == QuizState::Closed && due(|asked| asked.reveal_at, &self.view.asked) {
            self.reveal(now, out);
        }
        if self.answered_told.take(now) {
            tell(&self.view, now, out);
        }
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let asked = self.view.asked.as_ref();
        let state = match self.view.state {
            QuizState::Asking => asked.map(|asked| asked.close_at),
            QuizState::Closed => asked.map(|asked| asked.reveal_at),
            QuizState::Waiting | QuizState::Revealed | QuizState::Over | QuizState::Cancelled => {
                None
            }
        };
        let countdown = self.countdown.as_ref().and_then(CountdownTimer::poll_timeout);
        [state, countdown, self.answered_told.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        // One that is over stays as it is.
        let _ = self.cancel(now, out);
    }

    fn countdown(&self) -> Option<&Countdown> {
        self.countdown.as_ref().filter(|_| !self.is_over()).map(CountdownTimer::shown)
    }
}

fn tell(view: &QuizView, now: ServerTime, out: &mut Announcer) {
    let updated = QuizEvent::Updated(Box::new(view.clone()));
    out.broadcast(EventBody::Shop(ShopEvent::Quiz(updated)), now);
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("players and questions are bounded")
}
