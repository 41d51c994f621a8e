//! The nine seats: 0 is the host's, 1 to 8 are for guests.
//!
//! The server decides who sits where; a seat that is granted but not used falls back by itself. Locks
//! belong to a seat and outlast whoever sits there; a mute belongs to the one who sits and ends with
//! the sitting. What either of them silences is dropped where the media comes in.
//!
//! ```text
//! Idle ──accept 15 s / invite 30 s──▶ Reserved ──join──▶ Joining 10 s ──media──▶ Live
//!  ▲                                     │                  │                  │   ▲
//!  └──────── leave, kick, time up ───────┴──────────────────┴── Held 30 s ◀─lost┘   │
//!                                                                 └──media back────┘
//! ```
//!
//! The host's seat is held as long as the room waits for the host.

mod applications;
mod command;
mod order;
mod silence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::{
    Capability, Effect, EventBody, Member, Rejected, SeatIndex, SeatMode, SeatRequestKind,
    SeatState, SeatView, ServerTime, UserId,
};
use applications::Applications;

pub use applications::SeatWish;
pub use command::{SeatCommand, SeatLock, SeatPick};
pub use silence::Silence;

const ACCEPTED_FOR: Duration = Duration::from_secs(15);
const INVITED_FOR: Duration = Duration::from_secs(30);
const JOINING_FOR: Duration = Duration::from_secs(10);
const HELD_FOR: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Seats {
    /// Index 0 is the host's.
    seats: [Seat; SeatIndex::COUNT],
    applications: Applications,
    mode: SeatMode,
    /// How many seats there are, the host's included; whoever sits further back may stay.
    count: u8,
    /// Who is silenced, as far as the shell was told.
    silence_told: BTreeMap<UserId, Silence>,
}

/// A seat without a sitter is idle.
#[derive(Debug, Default)]
struct Seat {
    sitter: Option<Sitter>,
    /// Whether nobody may take it.
    is_locked: bool,
    /// Who sits here is not heard, or not seen.
    lock: Silence,
    /// Rises with every change that is told.
    rev: u64,
}

/// Who a seat is for.
#[derive(Debug)]
pub(crate) struct Sitter {
    pub(crate) user: UserId,
    pub(crate) name: Arc<str>,
    pub(crate) state: SeatState,
    /// What the host took from them.
    mute: Silence,
    /// What they switched off themselves.
    off: Silence,
    until: Option<ServerTime>,
}

impl Seats {
    pub(crate) fn new(mode: SeatMode, count: u8) -> Self {
        Self {
            seats: std::array::from_fn(|_| Seat::default()),
            applications: Applications::default(),
            mode,
            count,
            silence_told: BTreeMap::new(),
        }
    }

    pub(crate) const fn set_rules(&mut self, mode: SeatMode, count: u8) {
        self.mode = mode;
        self.count = count;
    }

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

    /// Takes away whatever a user who was banned has here; the host's seat too.
    pub(crate) fn expel(&mut self, user: &UserId, now: ServerTime, out: &mut Announcer) {
        if self.applications.take(user).is_some() {
            announce_request(user, SeatRequestKind::Reject, now, out);
        }
        if let Some(index) = self.index_of(user) {
            self.clear(index, now, out);
        }
    }

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

    /// Frees what a user who left the room has asked for and not taken.
    pub(crate) fn handle_absent(&mut self, user: &UserId, now: ServerTime, out: &mut Announcer) {
        if self.applications.take(user).is_some() {
            announce_request(user, SeatRequestKind::Decline, now, out);
        }
        if let Some(index) = self.index_of(user)
            && self.sitter(index).state == SeatState::Reserved
        {
            self.clear(index, now, out);
            announce_request(user, SeatRequestKind::Decline, now, out);
        }
    }

    /// Returns whether [`handle_absent`](Self::handle_absent) would change anything.
    pub(crate) fn waits_for(&self, user: &UserId) -> bool {
        let is_reserved = |index| self.sitter(index).state == SeatState::Reserved;
        self.applications.find(user).is_some() || self.index_of(user).is_some_and(is_reserved)
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.applications.clear();
        for index in indices() {
            if self.seat(index).sitter.is_some() {
                self.clear(index, now, out);
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        while let Some(application) = self.applications.take_late(now) {
            announce_request(&application.member.user, SeatRequestKind::Timeout, now, out);
        }
        for index in indices() {
            let Some(sitter) = &self.seat(index).sitter else { continue };
            if sitter.until.is_none_or(|until| now < until) {
                continue;
            }
            let user = sitter.user.clone();
            let was_taken = sitter.state == SeatState::Held;
            self.clear(index, now, out);
            if !was_taken {
                announce_request(&user, SeatRequestKind::Timeout, now, out);
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let seats = self.sitters().filter_map(|(_, sitter)| sitter.until);
        seats.chain(self.applications.poll_timeout()).min()
    }

    /// Returns those who are on screen when the room is by itself, by seat.
    pub(crate) fn on_air(&self) -> impl Iterator<Item = (SeatIndex, &Sitter)> {
        let is_on_air = |sitter: &Sitter| matches!(sitter.state, SeatState::Live | SeatState::Held);
        self.sitters().filter(move |(_, sitter)| is_on_air(sitter))
    }

    pub(crate) fn views(&self) -> Vec<SeatView> {
        indices().map(|index| self.view(index)).collect()
    }

    pub(crate) fn wishes(&self) -> Vec<SeatWish> {
        self.applications.views()
    }

    pub(crate) fn check(&self) {
        self.applications.check();
        for (index, sitter) in self.sitters() {
            assert!(sitter.state != SeatState::Idle, "an idle seat has no user");
            let has_applied = self.applications.find(&sitter.user).is_some();
            assert!(!has_applied, "who has a seat asks for none");
            let seats = self.sitters().filter(|(_, other)| other.user == sitter.user);
            assert_eq!(seats.count(), 1, "one user, one seat");
            let waits = match sitter.state {
                SeatState::Live => false,
                SeatState::Held => index != SeatIndex::HOST,
                SeatState::Idle | SeatState::Reserved | SeatState::Joining => true,
            };
            assert_eq!(sitter.until.is_some(), waits, "only a live seat waits for nothing");
        }
    }

    fn sit(
        &mut self,
        index: SeatIndex,
        member: &Member,
        state: SeatState,
        span: Duration,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let seat = self.seat_mut(index);
        assert!(seat.sitter.is_none(), "a seat is given once");
        assert!(!seat.is_locked, "nobody takes a locked seat");
        seat.sitter = Some(Sitter {
            user: member.user.clone(),
            name: member.name.clone(),
            state,
            mute: Silence::default(),
            off: Silence::default(),
            until: Some(now + span),
        });
        self.announce(index, now, out);
    }

    fn change(
        &mut self,
        index: SeatIndex,
        state: SeatState,
        until: Option<ServerTime>,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let sitter = self.sitter_mut(index);
        sitter.state = state;
        sitter.until = until;
        self.announce(index, now, out);
    }

    fn clear(&mut self, index: SeatIndex, now: ServerTime, out: &mut Announcer) {
        let sitter = self.seat_mut(index).sitter.take().expect("only a taken seat is freed");
        self.announce(index, now, out);
        if sitter.state != SeatState::Reserved {
            out.effect(Effect::Unpublish(sitter.user));
        }
    }

    fn announce(&mut self, index: SeatIndex, now: ServerTime, out: &mut Announcer) {
        self.seat_mut(index).rev += 1;
        out.broadcast(EventBody::SeatUpdated(self.view(index)), now);
    }

    fn view(&self, index: SeatIndex) -> SeatView {
        let seat = self.seat(index);
        let sitter = seat.sitter.as_ref();
        let silence = seat.silence();
        let off = sitter.map_or_else(Silence::default, |sitter| sitter.off);
        SeatView {
            index,
            state: sitter.map_or(SeatState::Idle, |sitter| sitter.state),
            user: sitter.map(|sitter| sitter.user.clone()),
            muted: sitter.is_some() && silence.audio,
            unseen: sitter.is_some() && silence.video,
            mic: !off.audio,
            cam: !off.video,
            locked: seat.is_locked || index.number() >= self.count,
            lock: seat.lock,
            rev: seat.rev,
        }
    }

    /// Returns the seat that is meant if it can be taken now.
    fn vacant(&self, pick: SeatPick) -> Result<SeatIndex, Rejected> {
        let is_open = |index: SeatIndex| !self.seat(index).is_locked && index.number() < self.count;
        let is_free = |index: SeatIndex| self.seat(index).sitter.is_none();
        let Some(index) = pick.index else {
            let mut guests = indices().skip(1);
            return guests
                .find(|index| is_open(*index) && is_free(*index))
                .ok_or(Rejected::SeatTaken);
        };
        if index == SeatIndex::HOST {
            return Err(Rejected::Forbidden);
        }
        self.expect_rev(index, pick.rev)?;
        match (is_open(index), is_free(index)) {
            (false, _) => Err(Rejected::SeatLocked),
            (true, false) => Err(Rejected::SeatTaken),
            (true, true) => Ok(index),
        }
    }

    fn expect_rev(&self, index: SeatIndex, seen: Option<u64>) -> Result<(), Rejected> {
        let is_stale = seen.is_some_and(|seen| seen != self.seat(index).rev);
        if is_stale { Err(Rejected::Conflict("the seat has changed meanwhile")) } else { Ok(()) }
    }

    fn sitters(&self) -> impl Iterator<Item = (SeatIndex, &Sitter)> {
        indices().zip(&self.seats).filter_map(|(index, seat)| Some((index, seat.sitter.as_ref()?)))
    }

    fn seat(&self, index: SeatIndex) -> &Seat {
        &self.seats[usize::from(index.number())]
    }

    fn seat_mut(&mut self, index: SeatIndex) -> &mut Seat {
        &mut self.seats[usize::from(index.number())]
    }

    fn sitter(&self, index: SeatIndex) -> &Sitter {
        self.seat(index).sitter.as_ref().expect("the seat was found by its user")
    }

    fn sitter_mut(&mut self, index: SeatIndex) -> &mut Sitter {
        self.seat_mut(index).sitter.as_mut().expect("the seat was found by its user")
    }

    fn index_of(&self, user: &UserId) -> Option<SeatIndex> {
        self.sitters().find(|(_, sitter)| sitter.user == *user).map(|(index, _)| index)
    }

    fn guest_index(&self, user: &UserId) -> Result<SeatIndex, Rejected> {
        match self.index_of(user) {
            None => Err(Rejected::NotFound("user on a seat")),
            Some(SeatIndex::HOST) => Err(Rejected::Forbidden),
            Some(index) => Ok(index),
        }
    }
}

impl Seat {
    /// Returns what of whoever sits here is dropped.
    fn silence(&self) -> Silence {
        let mute = self.sitter.as_ref().map_or_else(Silence::default, |sitter| sitter.mute);
        self.lock.or(mute)
    }
}

fn indices() -> impl Iterator<Item = SeatIndex> {
    (0..=u8::MAX).map_while(SeatIndex::new)
}

fn announce_request(user: &UserId, kind: SeatRequestKind, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::SeatRequest { user: user.clone(), kind }, now);
}
