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
mod asking;
mod command;
mod on_air;
mod order;
mod silence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::{
    Effect, EventBody, Member, Rejected, SeatIndex, SeatMode, SeatRequestKind, SeatState, SeatView,
    ServerTime, UserId,
};
use applications::Applications;

pub use applications::SeatWish;
pub use command::{SeatCommand, SeatLock, SeatPick};
pub use silence::Silence;

const JOINING_FOR: Duration = Duration::from_secs(10);

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

    /// Takes away whatever a user who was banned has here; the host's seat too.
    pub(crate) fn expel(&mut self, user: &UserId, now: ServerTime, out: &mut Announcer) {
        if self.applications.take(user).is_some() {
            announce_request(user, SeatRequestKind::Reject, now, out);
        }
        if let Some(index) = self.index_of(user) {
            self.clear(index, now, out);
        }
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
