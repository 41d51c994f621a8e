//! At most one battle at a time, owned here or mirrored, and who may start and stop it.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::battle::{Battle, Side};
use crate::battle_mirror::BattleMirror;
use crate::id::{Kind, Mint};
use crate::scoreboard::Scoreboard;
use crate::{
    BattleState, BattleTerms, BattleView, Countdown, Member, PeerMessage, PkId, RejectReason,
    Rejected, RoomId, Scores, ServerTime,
};

/// A host who was turned down may ask the same room again after this.
const COOLDOWN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Arena {
    room: RoomId,
    slot: Slot,
    /// This room's host, once known, and whether they are on air.
    host: Option<Member>,
    live: bool,
    /// Whom this room invited in vain, and until when it may not ask them again.
    cooldown: Option<(RoomId, ServerTime)>,
}

#[derive(Debug)]
enum Slot {
    Free,
    Owned(Box<Battle>),
    Mirrored(Box<BattleMirror>),
}

impl Arena {
    pub(crate) const fn new(room: RoomId) -> Self {
        Self { room, slot: Slot::Free, host: None, live: false, cooldown: None }
    }

    pub(crate) fn set_host(&mut self, host: &Member) {
        self.host = Some(host.clone());
    }

    pub(crate) fn handle_media(&mut self, live: bool, now: ServerTime, out: &mut Announcer) {
        self.live = live;
        match &mut self.slot {
            Slot::Free => {}
            Slot::Owned(battle) => battle.handle_media(Side::Owner, live, now, out),
            Slot::Mirrored(mirror) => mirror.handle_media(live, out),
        }
    }

    /// Takes that the room's process began anew, and with it letters may have been lost.
    pub(crate) fn handle_restart(&self, out: &mut Announcer) {
        match &self.slot {
            Slot::Free => {}
            Slot::Owned(battle) => battle.handle_restart(out),
            Slot::Mirrored(mirror) => mirror.handle_restart(out),
        }
    }

    pub(crate) fn invite(
        &mut self,
        room: RoomId,
        terms: BattleTerms,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<PkId, Rejected> {
        if room == self.room {
            return Err(Rejected::Conflict("a room cannot battle itself"));
        }
        if !matches!(self.slot, Slot::Free) {
            return Err(Rejected::PkBusy);
        }
        let (Some(host), true) = (&self.host, self.live) else { return Err(Rejected::PkState) };
        if self.cooldown.as_ref().is_some_and(|(asked, until)| *asked == room && now < *until) {
            return Err(Rejected::RateLimited);
        }
        let pk = PkId::made(&mint.make(Kind::Pk, now));
        let rooms = [self.room.clone(), room];
        let battle = Battle::invite(pk.clone(), rooms, terms, host.clone(), now, out);
        self.slot = Slot::Owned(Box::new(battle));
        Ok(pk)
    }

    pub(crate) fn accept(&mut self, pk: &PkId, out: &mut Announcer) -> Result<(), Rejected> {
        let (Some(host), live) = (self.host.clone(), self.live) else {
            return Err(Rejected::PkState);
        };
        let mirror = self.invitation(pk)?;
        mirror.accept(host, live, out);
        Ok(())
    }

    pub(crate) fn reject(
        &mut self,
        pk: &PkId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.invitation(pk)?.reject(now, out);
        self.sweep(now);
        Ok(())
    }

    pub(crate) fn cancel(
        &mut self,
        pk: &PkId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.expect_known(pk)?;
        match &mut self.slot {
            Slot::Owned(battle) if battle.board().view().state == BattleState::Inviting => {
                battle.cancel(now, out);
            }
            Slot::Free | Slot::Owned(_) | Slot::Mirrored(_) => return Err(Rejected::PkState),
        }
        self.sweep(now);
        Ok(())
    }

    pub(crate) fn end(
        &mut self,
        pk: &PkId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.expect_known(pk)?;
        if self.view().is_none_or(|view| view.state == BattleState::Inviting) {
            return Err(Rejected::PkState);
        }
        match &mut self.slot {
            Slot::Free => unreachable!("a battle of this id is known"),
            Slot::Owned(battle) => battle.end(Side::Owner, now, out),
            Slot::Mirrored(mirror) => mirror.end(out),
        }
        self.sweep(now);
        Ok(())
    }

    /// Counts a gift for the side of `to`, and returns the score if there is a battle.
    pub(crate) fn handle_gift(
        &mut self,
        to: &RoomId,
        coins: u64,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Option<Scores> {
        let side = match &self.view()?.rooms {
            [owner, _] if owner == to => Side::Owner,
            [_, other] if other == to => Side::Other,
            [..] => unreachable!("a gift goes to a room of the battle"),
        };
        match &mut self.slot {
            Slot::Free => None,
            Slot::Owned(battle) => Some(battle.handle_gift(side, coins, now)),
            Slot::Mirrored(mirror) => Some(mirror.handle_gift(side, coins, now, out)),
        }
    }

    /// Returns the battle in which a gift given at `now` scores.
    pub(crate) fn scoring(&self, now: ServerTime) -> Option<&PkId> {
        self.board().filter(|board| board.is_scoring(now)).map(|board| &board.view().pk)
    }

    pub(crate) fn handle_peer(
        &mut self,
        from: &RoomId,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        if let PeerMessage::Invite { pk, host, expires_at, .. } = message {
            self.handle_invite(from, pk, host, expires_at, now, out);
            return;
        }
        let pk = message.pk().cloned();
        let concerns = |view: &BattleView, opponent: Side| {
            view.rooms[opponent.index()] == *from && pk.as_ref().is_none_or(|pk| view.pk == *pk)
        };
        match (&mut self.slot, message) {
            (Slot::Owned(_), PeerMessage::Mirror { battle, .. }) => unknown(from, &battle, out),
            (Slot::Owned(battle), message) if concerns(battle.board().view(), Side::Other) => {
                battle.handle_peer(message, now, out);
            }
            (Slot::Mirrored(mirror), message) if concerns(mirror.board().view(), Side::Owner) => {
                match message {
                    PeerMessage::Mirror { battle, host } => {
                        mirror.handle_mirror(battle, host, now, out);
                    }
                    PeerMessage::Gone { .. } | PeerMessage::Unreachable => {
                        mirror.handle_gone(now, out);
                    }
                    PeerMessage::Invite { .. }
                    | PeerMessage::Accept { .. }
                    | PeerMessage::Reject { .. }
                    | PeerMessage::HostMedia { .. }
                    | PeerMessage::Tally { .. }
                    | PeerMessage::End { .. } => {}
                }
            }
            // It speaks of a battle that is over here. Whoever believes in it must hear so.
            (_, PeerMessage::Mirror { battle, .. }) => unknown(from, &battle, out),
            (
                _,
                PeerMessage::Accept { pk, .. }
                | PeerMessage::HostMedia { pk, .. }
                | PeerMessage::Tally { pk, .. }
                | PeerMessage::End { pk },
            ) => out.post(from, PeerMessage::Gone { pk }),
            (_, _) => {}
        }
        self.sweep(now);
    }

    /// Leaves the battle because this room ends.
    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        match &mut self.slot {
            Slot::Free => {}
            Slot::Owned(battle) => battle.handle_gone(Side::Owner, now, out),
            Slot::Mirrored(mirror) => mirror.leave(now, out),
        }
        self.sweep(now);
        assert!(matches!(self.slot, Slot::Free));
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        match &mut self.slot {
            Slot::Free => {}
            Slot::Owned(battle) => battle.handle_timeout(now, out),
            Slot::Mirrored(mirror) => mirror.handle_timeout(now, out),
        }
        self.sweep(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        match &self.slot {
            Slot::Free => None,
            Slot::Owned(battle) => battle.poll_timeout(),
            Slot::Mirrored(mirror) => mirror.poll_timeout(),
        }
    }

    pub(crate) fn view(&self) -> Option<&BattleView> {
        self.board().map(Scoreboard::view)
    }

    pub(crate) fn countdown(&self) -> Option<&Countdown> {
        self.board().and_then(Scoreboard::countdown)
    }

    /// Returns both rooms with their hosts, the inviter's first, while they share the screen.
    pub(crate) fn versus(&self) -> Option<[(&RoomId, &Member); 2]> {
        let view = self.view()?;
        if matches!(view.state, BattleState::Inviting | BattleState::Idle) {
            return None;
        }
        let own = self.host.as_ref()?;
        let (inviter, invited) = match &self.slot {
            Slot::Free => return None,
            Slot::Owned(battle) => (own, battle.rival()?),
            Slot::Mirrored(mirror) => (mirror.rival(), own),
        };
        let room = |side: Side| &view.rooms[side.index()];
        Some([(room(Side::Owner), inviter), (room(Side::Other), invited)])
    }

    fn handle_invite(
        &mut self,
        from: &RoomId,
        pk: PkId,
        rival: Member,
        expires_at: ServerTime,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let mut is_glare = false;
        match &mut self.slot {
            Slot::Free => {}
            // Both hosts asked each other at once: the lower id stands, and both have said yes.
            Slot::Owned(battle)
                if battle.board().view().state == BattleState::Inviting
                    && battle.board().view().rooms[Side::Other.index()] == *from =>
            {
                if battle.board().view().pk < pk {
                    return;
                }
                battle.cancel(now, out);
                is_glare = true;
            }
            Slot::Mirrored(mirror) if mirror.board().view().pk == pk => return,
            Slot::Owned(_) | Slot::Mirrored(_) => {
                let reason = RejectReason::Busy;
                out.post(from, PeerMessage::Reject { pk, reason });
                return;
            }
        }
        let (Some(host), true) = (self.host.clone(), self.live) else {
            let reason = RejectReason::NotLive;
            out.post(from, PeerMessage::Reject { pk, reason });
            return;
        };
        let rooms = [from.clone(), self.room.clone()];
        let mut mirror = BattleMirror::new(pk, rooms, rival, expires_at, now, out);
        if is_glare {
            mirror.accept(host, self.live, out);
        }
        self.slot = Slot::Mirrored(Box::new(mirror));
    }

    fn invitation(&mut self, pk: &PkId) -> Result<&mut BattleMirror, Rejected> {
        self.expect_known(pk)?;
        match &mut self.slot {
            Slot::Mirrored(mirror) if mirror.board().view().state == BattleState::Inviting => {
                Ok(mirror)
            }
            Slot::Free | Slot::Owned(_) | Slot::Mirrored(_) => Err(Rejected::PkState),
        }
    }

    fn expect_known(&self, pk: &PkId) -> Result<(), Rejected> {
        match self.view() {
            Some(view) if view.pk == *pk => Ok(()),
            Some(_) | None => Err(Rejected::NotFound("battle")),
        }
    }

    fn board(&self) -> Option<&Scoreboard> {
        match &self.slot {
            Slot::Free => None,
            Slot::Owned(battle) => Some(battle.board()),
            Slot::Mirrored(mirror) => Some(mirror.board()),
        }
    }

    /// Forgets a battle that is over.
    fn sweep(&mut self, now: ServerTime) {
        let is_over = match &self.slot {
            Slot::Free => false,
            Slot::Owned(battle) => {
                if battle.is_over() && battle.rival().is_none() {
                    let [_, asked] = battle.board().view().rooms.clone();
                    self.cooldown = Some((asked, now + COOLDOWN));
                }
                battle.is_over()
            }
            Slot::Mirrored(mirror) => mirror.is_over(),
        };
        if is_over {
            self.slot = Slot::Free;
        }
    }
}

/// Answers a view of a battle that this room is not in, unless that is over anyway.
fn unknown(from: &RoomId, battle: &BattleView, out: &mut Announcer) {
    if battle.state != BattleState::Idle {
        out.post(from, PeerMessage::Gone { pk: battle.pk.clone() });
    }
}
