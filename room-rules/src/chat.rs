//! What people say, and the last of it for those who come later. Lines are not kept through a crash;
//! what was taken away and what was asked is.

mod command;
mod questions;

use std::collections::VecDeque;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::{LastTime, Pace};
use crate::{
    Areas, ChatId, ChatLine, ChatText, Effect, EventBody, Member, QuestionId, Rejected, ServerTime,
    UserId,
};

pub use command::{
    ChatContent, CustomData, CustomKind, DanmakuPlace, DanmakuStyle, StickerId, TalkCommand,
};
pub use questions::QuestionView;
pub(crate) use questions::Questions;

const KEPT: usize = 50;
const INTERVAL: Duration = Duration::from_secs(1);
const BURST: u32 = 5;

#[derive(Debug)]
pub(crate) struct Chat {
    /// Full: the oldest line is forgotten.
    lines: VecDeque<ChatLine>,
    pub(crate) questions: Questions,
    pace: Pace,
    said: LastTime,
}

impl Chat {
    pub(crate) fn new() -> Self {
        Self {
            lines: VecDeque::with_capacity(KEPT),
            questions: Questions::new(),
            pace: Pace::new(INTERVAL, BURST),
            said: LastTime::default(),
        }
    }

    pub(crate) fn handle_line(
        &mut self,
        member: &Member,
        content: ChatContent,
        slow_mode: Duration,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<ChatId, Rejected> {
        self.expect_time(member, slow_mode, now)?;
        let line = line(member, content, now, mint);
        let id = line.id.clone();
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
        out.broadcast(EventBody::Chat(line), now);
        Ok(id)
    }

    /// Takes a line that only those hear who host and keep order, who says it, and to whom it is said.
    pub(crate) fn handle_whisper(
        &mut self,
        member: &Member,
        (text, to): (ChatText, Option<UserId>),
        slow_mode: Duration,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<ChatId, Rejected> {
        self.expect_time(member, slow_mode, now)?;
        let line = line(member, ChatContent::Text(text), now, mint);
        let id = line.id.clone();
        out.effect(Effect::Whisper(Whisper { line, to }));
        Ok(id)
    }

    /// Says whether `member` has waited long enough to say one thing more.
    pub(crate) fn expect_time(
        &mut self,
        member: &Member,
        slow_mode: Duration,
        now: ServerTime,
    ) -> Result<(), Rejected> {
        // Those who keep order answer as fast as they are asked.
        let is_slow = !slow_mode.is_zero() && member.role.rank() == 0;
        if is_slow && !self.said.is_before(&member.user, slow_mode, now)
            || !self.pace.allow(&member.user, now)
        {
            return Err(Rejected::RateLimited);
        }
        self.said.note(&member.user, now);
        Ok(())
    }

    /// Takes a line away. Pages may show one that is not known here any more, so everybody is told.
    pub(crate) fn delete(&mut self, id: &ChatId, now: ServerTime, out: &mut Announcer) {
        self.lines.retain(|line| line.id != *id);
        out.broadcast(EventBody::Talk(TalkEvent::Deleted(id.clone())), now);
    }

    /// Takes away all that a user has said and asked.
    pub(crate) fn wipe(&mut self, user: &UserId, now: ServerTime, out: &mut Announcer) {
        self.lines.retain(|line| line.user != *user);
        self.questions.wipe(user);
        out.broadcast(EventBody::Talk(TalkEvent::Wiped(user.clone())), now);
    }

    /// Returns who said a line, if it is one of the last.
    pub(crate) fn speaker_of(&self, id: &ChatId) -> Option<Member> {
        let line = self.lines.iter().find(|line| line.id == *id)?;
        let (user, name) = (line.user.clone(), line.name.clone());
        Some(Member { user, name, role: line.role, caps: Areas::default() })
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &ChatLine> {
        self.lines.iter()
    }
}

fn line(member: &Member, content: ChatContent, now: ServerTime, mint: &mut Mint) -> ChatLine {
    ChatLine {
        id: ChatId::made(&mint.make(Kind::Chat, now)),
        user: member.user.clone(),
        name: member.name.clone(),
        role: member.role,
        content,
    }
}

/// A line that not everybody hears.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Whisper {
    /// The line.
    pub line: ChatLine,
    /// Who hears it besides its speaker and those who host and keep order.
    pub to: Option<UserId>,
}

/// What became of what was said, and what is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TalkEvent {
    /// A line is to be seen no more.
    Deleted(ChatId),
    /// Nothing that a user has said or asked is to be seen any more.
    Wiped(UserId),
    /// A question is new or otherwise.
    Question(QuestionView),
    /// A question is gone.
    QuestionGone(QuestionId),
}
