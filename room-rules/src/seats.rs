//! The nine seats: 0 is the host's, 1 to 8 are for guests.
//!
//! The server decides who sits where; a seat that is granted but not used falls back by itself.
//!
//! ```text
//! Idle ──accept 15 s / invite 30 s──▶ Reserved ──join──▶ Joining 10 s ──media──▶ Live
//!  ▲                                     │                  │                  │   ▲
//!  └──────── leave, kick, time up ───────┴──────────────────┴── Held 30 s ◀─lost┘   │
//!                                                                 └──media back────┘
//! ```
//!
//! The host's seat is held as long as the room waits for the host.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::{
    Capability, Effect, EventBody, Member, Rejected, SeatIndex, SeatRequestKind, SeatState,
    SeatView, ServerTime, UserId,
};

const APPLICATION_TTL: Duration = Duration::from_secs(60);
const APPLICATIONS_MAX: usize = 50;
const ACCEPTED_FOR: Duration = Duration::from_secs(15);
const INVITED_FOR: Duration = Duration::from_secs(30);
const JOINING_FOR: Duration = Duration::from_secs(10);
const HELD_FOR: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Seats {
    /// Index 0 is the host's.
    seats: [Option<Sitter>; SeatIndex::COUNT],
    /// Full: further wishes are turned down.
    applications: VecDeque<Application>,
}

/// Who a seat is for. A seat without a sitter is idle.
#[derive(Debug)]
pub(crate) struct Sitter {
    pub(crate) user: UserId,
    pub(crate) name: Arc<str>,
    pub(crate) state: SeatState,
    pub(crate) muted: bool,
    until: Option<ServerTime>,
}

#[derive(Debug)]
struct Application {
    member: Member,
    until: ServerTime,
}

impl Seats {
    pub(crate) const fn new() -> Self {
        Self { seats: [const { None }; SeatIndex::COUNT], applications: VecDeque::new() }
    }

    pub(crate) fn apply(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let user = &member.user;
        if self.index_of(user).is_some() || self.has_applied(user) {
            return Err(Rejected::AlreadySeated);
        }
        if member.role.may(Capability::SeatItself) {
            let index = self.free_seat()?;
            self.sit(index, member, SeatState::Joining, JOINING_FOR, now, out);
            return Ok(());
        }
        if self.applications.len() >= APPLICATIONS_MAX {
            return Err(Rejected::Conflict("too many people are asking for a seat"));
        }
        let until = now + APPLICATION_TTL;
        self.applications.push_back(Application { member: member.clone(), until });
        announce_request(user, SeatRequestKind::Apply, now, out);
        Ok(())
    }

    pub(crate) fn accept(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        if !self.has_applied(user) {
            return Err(Rejected::NotFound("request for a seat"));
        }
        let index = self.free_seat()?;
        let member = self.take_application(user).expect("the user has applied");
        self.sit(index, &member, SeatState::Reserved, ACCEPTED_FOR, now, out);
        Ok(index)
    }

    pub(crate) fn reject(
        &mut self,
        user: &UserId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.take_application(user).ok_or(Rejected::NotFound("request for a seat"))?;
        announce_request(user, SeatRequestKind::Reject, now, out);
        Ok(())
    }

    pub(crate) fn invite(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        if !member.role.may(Capability::TakeSeat) {
            return Err(Rejected::Conflict("this user cannot take a seat"));
        }
        if self.index_of(&member.user).is_some() {
            return Err(Rejected::AlreadySeated);
        }
        let index = self.free_seat()?;
        self.take_application(&member.user);
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
        if self.take_application(user).is_none() {
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
        if self.take_application(user).is_some() {
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

    pub(crate) fn mute(
        &mut self,
        user: &UserId,
        muted: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.guest_index(user)?;
        let sitter = self.sitter_mut(index);
        if sitter.muted != muted {
            sitter.muted = muted;
            self.announce(index, now, out);
        }
        Ok(())
    }

    /// Lets the host, or whoever was granted a seat, connect.
    pub(crate) fn may_publish(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if member.role.may(Capability::PublishAsHost) {
            return self.may_host(member, now, out);
        }
        if !member.role.may(Capability::PublishOnSeat) {
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
            None if self.host().is_some() => return Err(Rejected::SeatTaken),
            None => {
                if self.take_application(&member.user).is_some() {
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
        if self.take_application(user).is_some() {
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
        self.has_applied(user) || self.index_of(user).is_some_and(is_reserved)
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.applications.clear();
        for index in indices() {
            if self.seats[usize::from(index.number())].is_some() {
                self.clear(index, now, out);
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        while let Some(application) = self.applications.pop_front_if(|next| now >= next.until) {
            let user = &application.member.user;
            announce_request(user, SeatRequestKind::Timeout, now, out);
        }
        for index in indices() {
            let Some(sitter) = &self.seats[usize::from(index.number())] else { continue };
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
        let seats = self.seats.iter().flatten().filter_map(|sitter| sitter.until);
        // Applications all wait equally long, so the first one is due first.
        seats.chain(self.applications.front().map(|next| next.until)).min()
    }

    pub(crate) const fn host(&self) -> Option<&Sitter> {
        self.seats[0].as_ref()
    }

    /// Returns those who are on screen when the room is by itself, by seat.
    pub(crate) fn on_air(&self) -> impl Iterator<Item = (SeatIndex, &Sitter)> {
        indices().zip(&self.seats).filter_map(|(index, sitter)| {
            let sitter = sitter.as_ref()?;
            matches!(sitter.state, SeatState::Live | SeatState::Held).then_some((index, sitter))
        })
    }

    pub(crate) fn views(&self) -> Vec<SeatView> {
        indices().map(|index| self.view(index)).collect()
    }

    pub(crate) fn check(&self) {
        assert!(self.applications.len() <= APPLICATIONS_MAX);
        for (at, sitter) in self.seats.iter().enumerate() {
            let Some(sitter) = sitter else { continue };
            assert!(sitter.state != SeatState::Idle, "an idle seat has no user");
            assert!(!self.has_applied(&sitter.user), "who has a seat asks for none");
            let later = self.seats[at + 1..].iter().flatten();
            assert!(later.into_iter().all(|other| other.user != sitter.user), "one user, one seat");
            let waits = match sitter.state {
                SeatState::Live => false,
                SeatState::Held => at != 0,
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
        let seat = &mut self.seats[usize::from(index.number())];
        assert!(seat.is_none(), "a seat is given once");
        *seat = Some(Sitter {
            user: member.user.clone(),
            name: member.name.clone(),
            state,
            muted: false,
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
        let sitter =
            self.seats[usize::from(index.number())].take().expect("only a taken seat is freed");
        self.announce(index, now, out);
        if sitter.state != SeatState::Reserved {
            out.effect(Effect::Unpublish(sitter.user));
        }
    }

    fn announce(&self, index: SeatIndex, now: ServerTime, out: &mut Announcer) {
        out.broadcast(EventBody::SeatUpdated(self.view(index)), now);
    }

    fn view(&self, index: SeatIndex) -> SeatView {
        let sitter = self.seats[usize::from(index.number())].as_ref();
        SeatView {
            index,
            state: sitter.map_or(SeatState::Idle, |sitter| sitter.state),
            user: sitter.map(|sitter| sitter.user.clone()),
            muted: sitter.is_some_and(|sitter| sitter.muted),
        }
    }

    fn sitter(&self, index: SeatIndex) -> &Sitter {
        self.seats[usize::from(index.number())].as_ref().expect("the seat was found by its user")
    }

    fn sitter_mut(&mut self, index: SeatIndex) -> &mut Sitter {
        self.seats[usize::from(index.number())].as_mut().expect("the seat was found by its user")
    }

    fn index_of(&self, user: &UserId) -> Option<SeatIndex> {
        indices().find(|index| {
            self.seats[usize::from(index.number())].as_ref().is_some_and(|s| s.user == *user)
        })
    }

    fn guest_index(&self, user: &UserId) -> Result<SeatIndex, Rejected> {
        match self.index_of(user) {
            None => Err(Rejected::NotFound("user on a seat")),
            Some(SeatIndex::HOST) => Err(Rejected::Forbidden),
            Some(index) => Ok(index),
        }
    }

    fn free_seat(&self) -> Result<SeatIndex, Rejected> {
        indices()
            .skip(1)
            .find(|index| self.seats[usize::from(index.number())].is_none())
            .ok_or(Rejected::SeatTaken)
    }

    fn has_applied(&self, user: &UserId) -> bool {
        self.applications.iter().any(|application| application.member.user == *user)
    }

    fn take_application(&mut self, user: &UserId) -> Option<Member> {
        let at =
            self.applications.iter().position(|application| application.member.user == *user)?;
        self.applications.remove(at).map(|application| application.member)
    }
}

fn indices() -> impl Iterator<Item = SeatIndex> {
    (0..=u8::MAX).map_while(SeatIndex::new)
}

fn announce_request(user: &UserId, kind: SeatRequestKind, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::SeatRequest { user: user.clone(), kind }, now);
}
