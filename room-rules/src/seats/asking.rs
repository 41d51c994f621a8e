//! How guests come to their seats and leave them.

use std::time::Duration;

use super::{JOINING_FOR, SeatPick, Seats, announce_request};
use crate::announcer::Announcer;
use crate::{
    Capability, Member, Rejected, SeatIndex, SeatMode, SeatRequestKind, SeatState, ServerTime,
    UserId,
};

const ACCEPTED_FOR: Duration = Duration::from_secs(15);
const INVITED_FOR: Duration = Duration::from_secs(30);

impl Seats {
    /// Asks for a seat; returns it if it may be taken at once.
    pub(crate) fn apply(
        &mut self,
        member: &Member,
        pick: SeatPick,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Option<SeatIndex>, Rejected> {
        let user = &member.user;
        if self.index_of(user).is_some() || self.applications.find(user).is_some() {
            return Err(Rejected::AlreadySeated);
        }
        if self.mode == SeatMode::Free || member.may(Capability::SeatItself) {
            let index = self.vacant(pick)?;
            self.sit(index, member, SeatState::Joining, JOINING_FOR, now, out);
            return Ok(Some(index));
        }
        if pick.index.is_some() {
            self.vacant(pick)?;
        }
        self.applications.add(member, pick.index, now)?;
        announce_request(user, SeatRequestKind::Apply, now, out);
        Ok(None)
    }

    pub(crate) fn accept(
        &mut self,
        user: &UserId,
        pick: SeatPick,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        let application =
            self.applications.find(user).ok_or(Rejected::NotFound("request for a seat"))?;
        let index = match (pick.index, application.wanted) {
            // The seat that was wanted may be taken by now; then any other one does.
            (None, Some(wanted)) => {
                self.vacant(SeatPick::of(wanted)).or_else(|_| self.vacant(SeatPick::ANY))?
            }
            (_, _) => self.vacant(pick)?,
        };
        let application = self.applications.take(user).expect("the user has applied");
        self.sit(index, &application.member, SeatState::Reserved, ACCEPTED_FOR, now, out);
        Ok(index)
    }

    pub(crate) fn reject(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.applications.take(user).ok_or(Rejected::NotFound("request for a seat"))?;
        announce_request(user, SeatRequestKind::Reject, now, out);
        Ok(())
    }

    pub(crate) fn invite(
        &mut self,
        member: &Member,
        pick: SeatPick,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        if !member.may(Capability::TakeSeat) {
            return Err(Rejected::Conflict("this user cannot take a seat"));
        }
        if self.index_of(&member.user).is_some() {
            return Err(Rejected::AlreadySeated);
        }
        let index = self.vacant(pick)?;
        self.applications.take(&member.user);
        self.sit(index, member, SeatState::Reserved, INVITED_FOR, now, out);
        announce_request(&member.user, SeatRequestKind::Invite, now, out);
        Ok(index)
    }

    pub(crate) fn join(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        let index = self.index_of(user).ok_or(Rejected::NotFound("seat kept for you"))?;
        match self.sitter(index).state {
            SeatState::Reserved => {
                self.change(index, SeatState::Joining, Some(now + JOINING_FOR), now, out);
                Ok(index)
            }
            SeatState::Joining => Ok(index),
            SeatState::Live | SeatState::Held => Err(Rejected::AlreadySeated),
            SeatState::Idle => unreachable!("a sitter's seat is not idle"),
        }
    }

    /// Turns an invitation down, or takes a wish back.
    pub(crate) fn decline(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if self.applications.take(user).is_none() {
            let index = self.index_of(user).ok_or(Rejected::NotFound("seat kept for you"))?;
            if self.sitter(index).state != SeatState::Reserved {
                return Err(Rejected::AlreadySeated);
            }
            self.clear(index, now, out);
        }
        announce_request(user, SeatRequestKind::Decline, now, out);
        Ok(())
    }

    pub(crate) fn leave(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if self.applications.take(user).is_some() {
            announce_request(user, SeatRequestKind::Decline, now, out);
            return Ok(());
        }
        let index = self.guest_index(user)?;
        self.clear(index, now, out);
        Ok(())
    }

    pub(crate) fn kick(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.guest_index(user)?;
        self.clear(index, now, out);
        Ok(())
    }
}
