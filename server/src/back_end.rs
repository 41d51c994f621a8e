//! What back ends ask of a room, without a session in it.

use room_rules::{Member, Rejected, ServerTime};
use signaling::{BackEndRequest, Refused};

use crate::room_task::RoomTask;
use crate::seeds::seeded;

impl RoomTask {
    /// Answers a back end; if it is gone meanwhile, what it asked for is done all the same.
    pub(crate) fn handle_back_end(&mut self, request: BackEndRequest, now: ServerTime) {
        match request {
            BackEndRequest::Ask { member, command, key, reply } => {
                let input = self.room.command_by(member, seeded(command)).under(key);
                let answer = self.ask(&input, now);
                self.answer(reply, answer);
            }
            BackEndRequest::Look { member, reply } => {
                let welcome = self.expect_welcome(&member, now);
                let snapshot = welcome.map(|()| self.room.look(member, now));
                self.answer(reply, snapshot);
            }
            BackEndRequest::Participants { member, after, count, reply } => {
                let welcome = self.expect_welcome(&member, now);
                let page = welcome.map(|()| self.sessions.participants(after.as_ref(), count));
                let _ = reply.send(page);
            }
        }
    }

    /// Says whether a member may be here, or watch.
    pub(crate) fn expect_welcome(&self, member: &Member, now: ServerTime) -> Result<(), Refused> {
        if self.room.is_banned(member, now) {
            return Err(Rejected::Banned.into());
        }
        Ok(())
    }
}
