//! What viewers ask the host. Questions outlive a crash: whoever asked is owed an answer.

use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::{ChatText, EventBody, Member, QuestionId, Rejected, ServerTime, TalkEvent, UserId};

/// Full: nobody can ask before one is answered or taken away.
const OPEN_MAX: usize = 100;
/// Of one user, so that one cannot keep all others from asking.
const OPEN_PER_USER: usize = 3;
/// Answered ones that are still shown. Full: the oldest is forgotten.
const ANSWERED_KEPT: usize = 20;
const ASK_INTERVAL: Duration = Duration::from_secs(10);
const ASK_BURST: u32 = 3;

#[derive(Debug)]
pub(crate) struct Questions {
    /// Oldest first.
    open: Vec<QuestionView>,
    answered: Vec<QuestionView>,
    pace: Pace,
}

impl Questions {
    pub(crate) fn new() -> Self {
        Self { open: Vec::new(), answered: Vec::new(), pace: Pace::new(ASK_INTERVAL, ASK_BURST) }
    }

    pub(crate) fn ask(
        &mut self,
        member: &Member,
        text: ChatText,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<QuestionId, Rejected> {
        if !self.pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let own = self.open.iter().filter(|question| question.user == member.user).count();
        if self.open.len() >= OPEN_MAX || own >= OPEN_PER_USER {
            return Err(Rejected::QueueFull("questions"));
        }
        let id = QuestionId::made(&mint.make(Kind::Question, now));
        let question = QuestionView {
            question: id.clone(),
            user: member.user.clone(),
            name: member.name.clone(),
            text,
            asked_at: now,
            pinned: false,
            answered_at: None,
            answer: None,
        };
        tell(&question, now, out);
        self.open.push(question);
        Ok(id)
    }

    pub(crate) fn pin(
        &mut self,
        id: &QuestionId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.index_of(id)?;
        let before = self.open.iter().position(|question| question.pinned);
        if before == Some(index) {
            return Ok(());
        }
        if let Some(before) = before {
            self.set_pinned(before, false, now, out);
        }
        self.set_pinned(index, true, now, out);
        Ok(())
    }

    pub(crate) fn unpin(
        &mut self,
        id: &QuestionId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.index_of(id)?;
        if self.open[index].pinned {
            self.set_pinned(index, false, now, out);
        }
        Ok(())
    }

    pub(crate) fn answer(
        &mut self,
        id: &QuestionId,
        text: Option<ChatText>,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let mut question = self.open.remove(self.index_of(id)?);
        question.pinned = false;
        question.answered_at = Some(now);
        question.answer = text;
        tell(&question, now, out);
        if self.answered.len() == ANSWERED_KEPT {
            self.answered.remove(0);
        }
        self.answered.push(question);
        Ok(())
    }

    /// Takes a question away, whether it was answered or not.
    pub(crate) fn take_away(
        &mut self,
        id: &QuestionId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let all = self.open.len() + self.answered.len();
        self.open.retain(|question| question.question != *id);
        self.answered.retain(|question| question.question != *id);
        if self.open.len() + self.answered.len() == all {
            return Err(Rejected::NotFound("question"));
        }
        out.broadcast(EventBody::Talk(TalkEvent::QuestionGone(id.clone())), now);
        Ok(())
    }

    /// Forgets what a user has asked; that they are wiped is told as a whole.
    pub(crate) fn wipe(&mut self, user: &UserId) {
        self.open.retain(|question| question.user != *user);
        self.answered.retain(|question| question.user != *user);
    }

    /// Returns the answered ones that are shown still and then the open ones, each oldest first.
    pub(crate) fn views(&self) -> impl Iterator<Item = &QuestionView> {
        self.answered.iter().chain(&self.open)
    }

    /// Returns whether `user` asked it.
    pub(crate) fn is_of(&self, id: &QuestionId, user: &UserId) -> bool {
        self.views().any(|question| question.question == *id && question.user == *user)
    }

    fn set_pinned(&mut self, index: usize, pinned: bool, now: ServerTime, out: &mut Announcer) {
        self.open[index].pinned = pinned;
        tell(&self.open[index], now, out);
    }

    fn index_of(&self, id: &QuestionId) -> Result<usize, Rejected> {
        let index = self.open.iter().position(|question| question.question == *id);
        index.ok_or(Rejected::NotFound("question"))
    }
}

fn tell(question: &QuestionView, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::Talk(TalkEvent::Question(question.clone())), now);
}

/// A question as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuestionView {
    /// Which.
    pub question: QuestionId,
    /// Who asks.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// What.
    pub text: ChatText,
    /// When.
    pub asked_at: ServerTime,
    /// Whether it is shown above all others.
    pub pinned: bool,
    /// When it was answered, once it is.
    pub answered_at: Option<ServerTime>,
    /// How, if that was written.
    pub answer: Option<ChatText>,
}
