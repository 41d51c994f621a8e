//! Who may connect, and who is on air or was a moment ago.

use std::time::Duration;

use super::{JOINING_FOR, Seats, Sitter, announce_request};
use crate::announcer::Announcer;
use crate::{
    Capability, Member, Rejected, SeatIndex, SeatRequestKind, SeatState, ServerTime, UserId,
};

const HELD_FOR: Duration = Duration::from_secs(30);

impl Seats {
    /// Lets the host, or whoever was granted a seat, connect.
    pub(crate) fn may_publish(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if member.may(Capability::PublishAsHost) {
            return self.may_host(member, now, out);
        }
        if !member.may(Capability::PublishOnSeat) {
            return Err(Rejected::Forbidden);
        }
        // Not the host's seat: one user may hold tokens of several roles, and each is worth its own.
        let index = self.guest_index(&member.user).map_err(|_| Rejected::Forbidden)?;
        let until = Some(now + JOINING_FOR);
        match self.sitter(index).state {
            SeatState::Reserved => self.change(index, SeatState::Joining, until, now, out),
            SeatState::Joining => self.sitter_mut(index).until = until,
            SeatState::Live | SeatState::Held => {}
            SeatState::Idle => unreachable!("a sitter's seat is not idle"),
        }
        Ok(())
    }

    fn may_host(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        match self.index_of(&member.user) {
            Some(SeatIndex::HOST) => {
                let host = self.sitter_mut(SeatIndex::HOST);
                if host.state == SeatState::Joining {
                    host.until = Some(now + JOINING_FOR);
                }
            }
            // Somebody who came as a guest and now holds a host's token gets up first.
            Some(_) => return Err(Rejected::AlreadySeated),
            None if self.seat(SeatIndex::HOST).sitter.is_some() => return Err(Rejected::SeatTaken),
            None => {
                if self.applications.take(&member.user).is_some() {
                    announce_request(&member.user, SeatRequestKind::Decline, now, out);
                }
                self.sit(SeatIndex::HOST, member, SeatState::Joining, JOINING_FOR, now, out);
            }
        }
        Ok(())
    }

    /// Takes that a user is on air; returns the seat, or `None` if the user has none.
    pub(crate) fn handle_media_started(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Option<SeatIndex> {
        let index = self.index_of(user)?;
        if self.sitter(index).state != SeatState::Live {
            self.change(index, SeatState::Live, None, now, out);
        }
        Some(index)
    }

    /// Takes that a user went off air; returns the seat if it was live.
    pub(crate) fn handle_media_stopped(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Option<SeatIndex> {
        let index = self.index_of(user)?;
        if self.sitter(index).state != SeatState::Live {
            return None;
        }
        let until = (index != SeatIndex::HOST).then(|| now + HELD_FOR);
        self.change(index, SeatState::Held, until, now, out);
        Some(index)
    }

    /// Returns those who are on screen when the room is by itself, by seat.
    pub(crate) fn on_air(&self) -> impl Iterator<Item = (SeatIndex, &Sitter)> {
        let is_on_air = |sitter: &Sitter| matches!(sitter.state, SeatState::Live | SeatState::Held);
        self.sitters().filter(move |(_, sitter)| is_on_air(sitter))
    }
}
