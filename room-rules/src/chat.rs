//! What people say, and the last of it for those who come later.

use std::collections::VecDeque;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::{LastTime, Pace};
use crate::{ChatId, ChatLine, ChatText, EventBody, Member, Rejected, ServerTime};

const KEPT: usize = 50;
const INTERVAL: Duration = Duration::from_secs(1);
const BURST: u32 = 5;

#[derive(Debug)]
pub(crate) struct Chat {
    /// Full: the oldest line is forgotten.
    lines: VecDeque<ChatLine>,
    pace: Pace,
    said: LastTime,
}

impl Chat {
    pub(crate) fn new() -> Self {
        Self {
            lines: VecDeque::with_capacity(KEPT),
            pace: Pace::new(INTERVAL, BURST),
            said: LastTime::default(),
        }
    }

    pub(crate) fn handle_line(
        &mut self,
        member: &Member,
        text: ChatText,
        slow_mode: Duration,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<ChatId, Rejected> {
        // Those who keep order answer as fast as they are asked.
        let is_slow = !slow_mode.is_zero() && member.role.rank() == 0;
        if is_slow && !self.said.is_before(&member.user, slow_mode, now)
            || !self.pace.allow(&member.user, now)
        {
            return Err(Rejected::RateLimited);
        }
        self.said.note(&member.user, now);
        let id = ChatId::made(&mint.make(Kind::Chat, now));
        let line = ChatLine {
            id: id.clone(),
            user: member.user.clone(),
            name: member.name.clone(),
            role: member.role,
            text,
        };
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
        out.broadcast(EventBody::Chat(line), now);
        Ok(id)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &ChatLine> {
        self.lines.iter()
    }
}
