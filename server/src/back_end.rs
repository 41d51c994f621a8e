//! What back ends ask of a room, without a session in it.

use room_rules::ServerTime;
use signaling::BackEndRequest;

use crate::room_task::RoomTask;

impl RoomTask {
    /// Answers a back end; if it is gone meanwhile, what it asked for is done all the same.
    pub(crate) fn handle_back_end(&mut self, request: BackEndRequest, now: ServerTime) {
        match request {
            BackEndRequest::Ask { member, command, reply } => {
                let answer = self.command_by(member, command, now);
                self.answer(reply, answer);
            }
            BackEndRequest::Look { member, reply } => {
                let snapshot = self.room.look(member, now);
                self.answer(reply, Ok(snapshot));
            }
            BackEndRequest::Participants { after, count, reply } => {
                let _ = reply.send(Ok(self.sessions.participants(after.as_ref(), count)));
            }
        }
    }
}
