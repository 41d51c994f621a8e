//! The one way into the room for whatever must survive a crash.

use super::{GRACE, Room};
use crate::{
    Capability, Command, Decided, Effect, IdemKey, Input, MediaChange, Member, Rejected, Reply,
    RoomState, SeatIndex, SeatState, ServerTime, SessionId, TalkCommand, UserId,
};

const DONE: Result<Decided, Rejected> = Ok(Decided::Fresh(Reply::Done));

impl Room {
    /// Returns what a session asks for, as an input.
    ///
    /// # Errors
    ///
    /// A session that has not joined may do nothing.
    pub fn command_of(&self, session: SessionId, command: Command) -> Result<Input, Rejected> {
        let by = self.crowd.member_of(session).cloned().ok_or(Rejected::Forbidden)?;
        Ok(self.command_by(by, command))
    }

    /// Returns what a member asks who needs no session for it, as an input: an order over HTTP, a
    /// back end.
    pub fn command_by(&self, by: Member, command: Command) -> Input {
        let about = self.about(&command);
        Input::Command { by, command, about, key: None }
    }

    /// Returns whom a command is about, as far as the journal cannot say it: whom it names, if they
    /// are present, or who said the line that it takes away.
    fn about(&self, command: &Command) -> Option<Member> {
        if let Command::Talk(TalkCommand::Delete(line)) = command {
            return self.chat.speaker_of(line);
        }
        command.about().and_then(|user| self.crowd.member(user)).cloned()
    }

    /// Returns what is not written down yet and can be, as an input, to be handed in at once.
    pub fn unkept(&self) -> Option<Input> {
        self.crowd.unkept_likes().map(|total| Input::Likes { total })
    }

    /// Takes what happened, or says why not. Every input that is not refused and is durable belongs
    /// in the journal, unless it only repeats an earlier one.
    ///
    /// # Errors
    ///
    /// Nothing has changed then that could change how any later input is answered, except that who
    /// asks too often may have to wait longer.
    pub fn handle_input(&mut self, input: &Input, now: ServerTime) -> Result<Decided, Rejected> {
        self.advance(now);
        let decided = match input {
            Input::Command { by, command, about, key } => {
                let key = command.idem().or(key.as_ref());
                self.decide((by, key), command, about.as_ref(), now)
            }
            Input::Publish { by } => self.may_publish(by, now),
            Input::Media { user, change } => {
                self.handle_media(user, *change, now);
                DONE
            }
            Input::Letter { from, message } => {
                // A room that is over is in no battle and not live, and answers so.
                self.arena.handle_peer(from, message.clone(), now, &mut self.out);
                DONE
            }
            Input::Absent { user } => {
                self.seats.handle_absent(user, now, &mut self.out);
                DONE
            }
            Input::Likes { total } => {
                self.crowd.handle_likes_kept(*total);
                DONE
            }
            Input::Restarted => {
                self.handle_restart(now);
                DONE
            }
        };
        self.settle(now);
        decided
    }

    fn decide(
        &mut self,
        (by, key): (&Member, Option<&IdemKey>),
        command: &Command,
        about: Option<&Member>,
        now: ServerTime,
    ) -> Result<Decided, Rejected> {
        self.expect_open()?;
        self.moderation.expect_welcome(by, now)?;
        let needed = command.needs();
        if !by.may(needed) && !self.takes_back(by, command, about) {
            return Err(Rejected::Forbidden);
        }
        if needed.area().is_feature() && !self.config.features.has(needed.area()) {
            return Err(Rejected::FeatureOff(needed.area().as_str()));
        }
        if let Some(key) = key
            && let Some(before) = self.idempotence.find(&by.user, key, command, now)?
        {
            return Ok(Decided::Repeated(before));
        }
        let made = self.mint.made();
        let reply = self
            .carry_out(by, command.clone(), about, now)
            .inspect_err(|_| self.mint.take_back_to(made))?;
        if let Some(key) = key {
            self.idempotence.insert(&by.user, key, command.clone(), reply.clone(), now);
        }
        Ok(Decided::Fresh(reply))
    }

    /// Returns whether a command takes back what its giver has said or asked. That needs no right.
    fn takes_back(&self, by: &Member, command: &Command, about: Option<&Member>) -> bool {
        if let Command::Talk(TalkCommand::DropQuestion(question)) = command {
            return self.chat.questions.is_of(question, &by.user);
        }
        let is_line = matches!(command, Command::Talk(TalkCommand::Delete(_)));
        is_line && about.is_some_and(|speaker| speaker.user == by.user)
    }

    fn may_publish(&mut self, member: &Member, now: ServerTime) -> Result<Decided, Rejected> {
        self.expect_open()?;
        self.moderation.expect_welcome(member, now)?;
        self.seats.may_publish(member, now, &mut self.out)?;
        if member.may(Capability::PublishAsHost) {
            self.set_host(member);
        }
        DONE
    }

    /// Takes that a publisher of this room came on air or went off. One that has no seat is told
    /// off with [`Effect::Unpublish`].
    fn handle_media(&mut self, user: &UserId, change: MediaChange, now: ServerTime) {
        let seat = match change {
            MediaChange::Started => self.seats.handle_media_started(user, now, &mut self.out),
            MediaChange::Stopped => self.seats.handle_media_stopped(user, now, &mut self.out),
        };
        match (change, seat) {
            (MediaChange::Started, Some(SeatIndex::HOST)) => {
                self.grace_until = None;
                if self.state != RoomState::Live {
                    self.enter(RoomState::Live, now);
                }
                self.arena.handle_media(true, now, &mut self.out);
            }
            (MediaChange::Stopped, Some(SeatIndex::HOST)) => {
                self.grace_until = Some(now + GRACE);
                self.enter(RoomState::Interrupted, now);
                self.arena.handle_media(false, now, &mut self.out);
            }
            (MediaChange::Started, None) => self.out.effect(Effect::Unpublish(user.clone())),
            (MediaChange::Started | MediaChange::Stopped, Some(_))
            | (MediaChange::Stopped, None) => {}
        }
    }

    /// Takes that the room's process began anew: whoever was on air is not, and has the usual time
    /// to come back. Deadlines stay what they were.
    fn handle_restart(&mut self, now: ServerTime) {
        self.out.handle_restart(now);
        if self.state == RoomState::Ended {
            return;
        }
        let on_air = self.seats.on_air().filter(|(_, sitter)| sitter.state == SeatState::Live);
        let lost: Vec<UserId> = on_air.map(|(_, sitter)| sitter.user.clone()).collect();
        for user in lost {
            self.handle_media(&user, MediaChange::Stopped, now);
        }
        self.arena.handle_restart(now, &mut self.out);
    }
}
