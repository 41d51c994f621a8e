//! What the doors (HTTP, WebSocket, data channels, other rooms) ask of a room, and how they are answered.

use room_rules::{Command, Input, Member, Reply, RoomView, ServerTime, SessionId};
use signaling::{Answer, MediaId, ProgramRequest, QualityRequest, Refused, RoomRequest};

use wire_format::Lane;

use super::RoomTask;
use crate::entrance::Newcomer;
use crate::negotiation::Holder;
use crate::seeds::seeded;

impl RoomTask {
    /// Does what a door asks of the room.
    pub(super) fn handle_request(&mut self, request: RoomRequest) {
        let now = self.parts.clock.now();
        match request {
            RoomRequest::Join { session, member, outbox, resume, reply } => {
                let newcomer = Newcomer { session, member, outbox, resume };
                self.let_in(newcomer, reply, now);
            }
            RoomRequest::Hearing { session, hearing } => self.handle_hearing(session, hearing, now),
            RoomRequest::Leave { session } => self.leave(session, now),
            RoomRequest::Command { session, command, reply } => {
                let answer = self.command(session, command, now);
                self.answer(reply, answer);
            }
            RoomRequest::BackEnd(request) => self.handle_back_end(request, now),
            RoomRequest::Order { member, order, reply } => {
                let placed = self.command_by(member, Command::OrderPlace(order), now);
                self.answer(reply, placed);
            }
            RoomRequest::End { member, reply } => {
                let ended = self.command_by(member, Command::RoomEnd, now);
                self.answer(reply, ended.map(drop));
            }
            RoomRequest::Peer { from, message } => self.read(from, message, now),
            RoomRequest::Describe { reply } => self.describe(reply, now),
            RoomRequest::Look(look) => self.look(look),
            RoomRequest::Publish { member, until, offer, reply } => {
                let may = self.may_publish(&member, now);
                self.once_durable(move |task, durable| match may.and(durable) {
                    Ok(()) => task.media.publish(Holder { member, until }, offer, reply),
                    Err(refused) => drop(reply.send(Err(refused))),
                });
            }
            RoomRequest::Play { member, until, feed, offer, reply } => {
                match self.may_play(&member, now) {
                    Ok(()) => self.media.play(Holder { member, until }, feed, offer, reply),
                    Err(refused) => drop(reply.send(Err(refused))),
                }
            }
            RoomRequest::PatchPeer { member, until, id, condition, fragment, reply } => {
                let holder = Holder { member, until };
                match self.media.admit(&holder.member, now) {
                    Ok(()) => self.media.patch(&holder, id, &condition, &fragment, reply),
                    Err(refused) => drop(reply.send(Err(refused))),
                }
            }
            RoomRequest::FindPeer { member, id, reply } => {
                let _ = reply.send(self.media.find_owned(&member, id));
            }
            RoomRequest::PickLayer { member, id, pin, reply } => {
                drop(reply.send(self.media.pick_layer(&member, id, pin)));
            }
            RoomRequest::ListPeers { member, reply } => {
                let _ = reply.send(self.list_peers(&member, now));
            }
            RoomRequest::ReportPeer { member, id, reply } => self.report(&member, id, reply, now),
            RoomRequest::ClosePeer { member, id, reply } => {
                let _ = reply.send(self.close_peer(&member, id, now));
            }
            RoomRequest::Layout(request) => self.media.handle_layout(request, now),
            RoomRequest::Quality(request) => self.handle_quality(request, now),
            RoomRequest::Program(request) => self.handle_program(request, now),
            RoomRequest::Recording(request) => self.media.handle_recording(request, now),
            RoomRequest::AddTarget { member: _, url, reply } => {
                let _ = reply.send(self.media.add_target(url.reveal(), now));
            }
            RoomRequest::ListTargets { reply } => drop(reply.send(Ok(self.media.targets()))),
            RoomRequest::RemoveTarget { id, reply } => {
                let _ = reply.send(self.media.remove_target(&id, now));
            }
        }
    }

    fn handle_quality(&mut self, request: QualityRequest, now: ServerTime) {
        self.media.handle_quality(request, now);
        if let Some(text) = self.media.quality_news(now) {
            self.sessions.push_all(Lane::Control, &text.into());
        }
    }

    fn handle_program(&mut self, request: ProgramRequest, now: ServerTime) {
        if let ProgramRequest::Snapshot { member, .. } = &request
            && let Err(banned) = self.expect_welcome(member, now)
        {
            request.refuse(banned);
        } else {
            self.media.handle_program(request, now);
        }
    }

    fn describe(&mut self, reply: Answer<RoomView>, now: ServerTime) {
        let view = self.room.view(now);
        self.hold_effects();
        self.answer(reply, Ok(view));
    }

    fn may_publish(&mut self, member: &Member, now: ServerTime) -> Result<(), Refused> {
        self.media.admit(member, now)?;
        self.ask(&Input::Publish { by: member.clone() }, now).map(drop)
    }

    fn may_play(&mut self, member: &Member, now: ServerTime) -> Result<(), Refused> {
        self.media.admit(member, now)?;
        self.expect_welcome(member, now)
    }

    fn close_peer(&mut self, member: &Member, id: MediaId, now: ServerTime) -> Result<(), Refused> {
        self.media.admit(member, now)?;
        let session = self.media.close_owned(member, id)?;
        if let Some(session) = session {
            self.leave(session, now);
        }
        self.media.weigh_demand(now);
        Ok(())
    }

    pub(crate) fn command(
        &mut self,
        session: SessionId,
        command: Command,
        now: ServerTime,
    ) -> Result<Reply, Refused> {
        let input = self.room.command_of(session, seeded(command))?;
        self.ask(&input, now)
    }

    pub(crate) fn command_by(
        &mut self,
        member: Member,
        command: Command,
        now: ServerTime,
    ) -> Result<Reply, Refused> {
        let input = self.room.command_by(member, seeded(command));
        self.ask(&input, now)
    }

    /// Answers once what the answer says is durable, or that too many wait for that already. Whoever
    /// asked may have left.
    pub(crate) fn answer<T: Send + 'static>(
        &mut self,
        reply: Answer<T>,
        answer: Result<T, Refused>,
    ) {
        if let Err(busy) = self.record.expect_held_place() {
            let _ = reply.send(Err(busy));
            return;
        }
        self.once_durable(move |_, durable| drop(reply.send(durable.and(answer))));
    }
}
