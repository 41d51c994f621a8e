//! What is said, asked and answered, and who keeps order.

use room_rules::{
    ChatContent, ChatText, Command, DanmakuStyle, ModerationCommand, Reply, SessionId, StickerId,
    TalkCommand, Ttl, UserId,
};

use crate::Schedule;

impl Schedule {
    /// Viewers ask, whisper and show things; whoever keeps order answers and takes away.
    pub(crate) fn talk(&mut self, session: SessionId, name: &UserId) {
        let text = || ChatText::parse("Why?").unwrap();
        let question = self.rng.choice(self.questions.clone());
        let command = match (self.rng.u8(0..12), question) {
            (0, _) => TalkCommand::Whisper { text: text(), to: None },
            (1, _) => TalkCommand::Whisper { text: text(), to: Some(name.clone()) },
            (2, _) => {
                let style = DanmakuStyle::default();
                TalkCommand::Show(ChatContent::Danmaku { text: text(), style })
            }
            (3, _) => {
                let sticker = StickerId::parse("clap").unwrap();
                TalkCommand::Show(ChatContent::Sticker(sticker))
            }
            (4, _) if !self.lines.is_empty() => {
                let line = self.rng.usize(0..self.lines.len());
                TalkCommand::Delete(self.lines[line].clone())
            }
            (5, Some(question)) => TalkCommand::PinQuestion(question),
            (6, Some(question)) => TalkCommand::UnpinQuestion(question),
            (7, Some(question)) => {
                let text = self.rng.bool().then(text);
                TalkCommand::Answer { question, text }
            }
            (8, Some(question)) => TalkCommand::DropQuestion(question),
            (9, _) => return self.keep_order(session, name),
            _ => TalkCommand::Ask(text()),
        };
        let is_answer = matches!(command, TalkCommand::Answer { .. });
        match self.world.command(session, Command::Talk(command)) {
            Ok(Reply::Chat { id }) => self.lines.push(id),
            Ok(Reply::Question { question }) => {
                assert!(!self.questions.contains(&question), "seed {}: {question}", self.seed);
                self.questions.push(question);
                self.asked += 1;
            }
            Ok(_) if is_answer => self.answered += 1,
            Ok(_) | Err(_) => {}
        }
    }

    /// Some may say nothing for a while, and now and then nobody may.
    fn keep_order(&mut self, session: SessionId, name: &UserId) {
        let who = self.people[self.rng.usize(0..self.people.len())].2.clone();
        let ttl = Ttl::new(self.rng.u32(1..20));
        let user = if self.rng.bool() { name.clone() } else { who };
        let command = match self.rng.u8(0..3) {
            0 => ModerationCommand::Mute { user, ttl },
            1 => ModerationCommand::Unmute(user),
            _ => ModerationCommand::MuteAll(self.rng.u8(0..8) == 0),
        };
        let _ = self.world.command(session, Command::Moderation(command));
    }
}
