//! What is said, and what is done about it. Whatever its kind, who may not talk may not say it, and
//! words that may not be said are not said with it.

use super::Room;
use super::commands::done;
use crate::{ChatContent, Member, Rejected, Reply, ServerTime, TalkCommand};

impl Room {
    pub(super) fn say(
        &mut self,
        member: &Member,
        content: ChatContent,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        self.expect_speech(member, content.words(), now)?;
        let slow = self.moderation.slow_mode();
        let (mint, out) = (&mut self.mint, &mut self.out);
        let id = self.chat.handle_line(member, content, slow, now, mint, out)?;
        Ok(Reply::Chat { id })
    }

    pub(super) fn talk(
        &mut self,
        member: &Member,
        command: TalkCommand,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        let slow = self.moderation.slow_mode();
        match command {
            TalkCommand::Show(content) => return self.say(member, content, now),
            TalkCommand::Whisper { text, to } => {
                self.expect_speech(member, text.as_str(), now)?;
                let (mint, out) = (&mut self.mint, &mut self.out);
                let id = self.chat.handle_whisper(member, (text, to), slow, now, mint, out)?;
                return Ok(Reply::Chat { id });
            }
            TalkCommand::Ask(text) => {
                self.expect_speech(member, text.as_str(), now)?;
                self.chat.expect_time(member, slow, now)?;
                let (mint, out) = (&mut self.mint, &mut self.out);
                let question = self.chat.questions.ask(member, text, now, mint, out)?;
                return Ok(Reply::Question { question });
            }
            TalkCommand::Delete(id) => self.chat.delete(&id, now, &mut self.out),
            TalkCommand::PinQuestion(id) => self.chat.questions.pin(&id, now, &mut self.out)?,
            TalkCommand::UnpinQuestion(id) => self.chat.questions.unpin(&id, now, &mut self.out)?,
            TalkCommand::Answer { question, text } => {
                self.chat.questions.answer(&question, text, now, &mut self.out)?;
            }
            TalkCommand::DropQuestion(id) => {
                self.chat.questions.take_away(&id, now, &mut self.out)?;
            }
        }
        Ok(done(()))
    }

    fn expect_speech(&self, member: &Member, words: &str, now: ServerTime) -> Result<(), Rejected> {
        self.moderation.expect_voice(member, now)?;
        self.moderation.expect_decent(words)
    }
}
