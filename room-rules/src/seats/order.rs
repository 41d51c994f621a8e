//! Keeping order on the seats: locks, mutes and moves.

use super::{SeatLock, SeatPick, Seats};
use crate::announcer::Announcer;
use crate::{Effect, Rejected, SeatIndex, ServerTime, Silence, UserId};

impl Seats {
    /// Silences whoever sits, for as long as they sit.
    pub(crate) fn mute(
        &mut self,
        user: &UserId,
        wish: (Option<bool>, Option<bool>),
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.guest_index(user)?;
        let sitter = self.sitter_mut(index);
        let next = sitter.mute.changed(wish);
        if sitter.mute != next {
            sitter.mute = next;
            self.announce(index, now, out);
        }
        Ok(())
    }

    /// Takes what somebody switched on or off themselves.
    pub(crate) fn switch(
        &mut self,
        user: &UserId,
        (mic, cam): (Option<bool>, Option<bool>),
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.index_of(user).ok_or(Rejected::NotFound("seat of yours"))?;
        let silence = self.seat(index).silence();
        if mic == Some(true) && silence.audio || cam == Some(true) && silence.video {
            return Err(Rejected::SeatMutedByHost);
        }
        let sitter = self.sitter_mut(index);
        let next = sitter.off.changed((mic.map(|on| !on), cam.map(|on| !on)));
        if sitter.off != next {
            sitter.off = next;
            self.announce(index, now, out);
        }
        Ok(())
    }

    /// Locks a seat, or what comes from it.
    pub(crate) fn lock(
        &mut self,
        wish: SeatLock,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let SeatLock { index, rev, seat, audio, video, force } = wish;
        if index == SeatIndex::HOST {
            return Err(Rejected::Forbidden);
        }
        self.expect_rev(index, rev)?;
        let locked = self.seat_mut(index);
        let before = (locked.is_locked, locked.lock);
        locked.is_locked = seat.unwrap_or(locked.is_locked);
        locked.lock = locked.lock.changed((audio, video));
        let after = (locked.is_locked, locked.lock);
        if force && after.0 && locked.sitter.is_some() {
            self.clear(index, now, out);
        } else if before != after {
            self.announce(index, now, out);
        }
        Ok(())
    }

    /// Puts a guest on another seat at once; their media goes on. By themselves guests move only where
    /// seats are free to take.
    pub(crate) fn move_to(
        &mut self,
        user: &UserId,
        pick: SeatPick,
        swap: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<SeatIndex, Rejected> {
        let from = self.guest_index(user)?;
        if pick.index == Some(from) {
            return Ok(from);
        }
        let to = match self.vacant(pick) {
            Ok(to) => to,
            Err(Rejected::SeatTaken) if swap && self.seat(from).is_locked => {
                return Err(Rejected::SeatLocked);
            }
            Err(Rejected::SeatTaken) if swap => pick.index.ok_or(Rejected::SeatTaken)?,
            Err(rejected) => return Err(rejected),
        };
        let mover = self.seat_mut(from).sitter.take();
        let other = std::mem::replace(&mut self.seat_mut(to).sitter, mover);
        self.seat_mut(from).sitter = other;
        self.announce(from, now, out);
        self.announce(to, now, out);
        Ok(to)
    }

    /// Returns what of `user` is dropped where it comes in.
    pub(crate) fn silence_of(&self, user: &UserId) -> Silence {
        self.index_of(user).map_or_else(Silence::default, |index| self.seat(index).silence())
    }

    /// Tells the shell of everybody whose silence is another than it knows.
    pub(crate) fn tell_silence(&mut self, out: &mut Announcer) {
        let mut told = std::mem::take(&mut self.silence_told);
        for (index, sitter) in self.sitters() {
            let silence = self.seat(index).silence();
            let known = told.remove(&sitter.user).unwrap_or_default();
            if silence != known {
                out.effect(Effect::Silence { user: sitter.user.clone(), silence });
            }
        }
        // Who is left in there sits no more, and what they publish is closed.
        self.silence_told = self
            .sitters()
            .map(|(index, sitter)| (sitter.user.clone(), self.seat(index).silence()))
            .filter(|(_, silence)| *silence != Silence::default())
            .collect();
    }
}
