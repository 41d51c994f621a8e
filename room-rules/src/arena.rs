//! At most one battle at a time, owned here or mirrored, and who may start and stop it. Battles that
//! are over stay for a while: other rooms may not have heard of it yet.

use std::collections::VecDeque;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::battle::{Battle, OWNER};
use crate::battle_mirror::BattleMirror;
use crate::id::{Kind, Mint};
use crate::scoreboard::Scoreboard;
use crate::{
    BattleState, BattleTerms, BattleTop, BattleView, Countdown, Member, PeerMessage, PeerWish,
    PkCommand, PkId, RejectReason, Rejected, Reply, Rivals, Role, RoomId, Scores, ServerTime,
};

/// A host who was turned down may ask the same rooms again after this.
const COOLDOWN: Duration = Duration::from_secs(2);
/// Battles that are over and still spoken of. Full: the oldest is forgotten; a room that speaks of it
/// hears that this one is gone.
const PARTED: usize = 4;

#[derive(Debug)]
pub(crate) struct Arena {
    room: RoomId,
    battle: Option<Part>,
    parted: VecDeque<Part>,
    /// This room's host, once known, and whether they are on air.
    host: Option<Member>,
    live: bool,
    /// Whom this room invited in vain, and until when it may not ask them again.
    cooldown: Option<(Vec<RoomId>, ServerTime)>,
    /// With whom and how a rematch would be.
    last: Option<(Rivals, BattleTerms)>,
}

/// A room's part in a battle.
#[derive(Debug)]
enum Part {
    Owned(Box<Battle>),
    Mirrored(Box<BattleMirror>),
}

impl Arena {
    pub(crate) const fn new(room: RoomId) -> Self {
        Self {
            room,
            battle: None,
            parted: VecDeque::new(),
            host: None,
            live: false,
            cooldown: None,
            last: None,
        }
    }

    pub(crate) fn set_host(&mut self, host: &Member) {
        self.host = Some(host.clone());
    }

    pub(crate) fn handle_media(&mut self, live: bool, now: ServerTime, out: &mut Announcer) {
        self.live = live;
        match &mut self.battle {
            None => {}
            Some(Part::Owned(battle)) => battle.handle_media(OWNER, live, now, out),
            Some(Part::Mirrored(mirror)) => mirror.handle_media(live, now, out),
        }
    }

    /// Takes that the room's process began anew, and with it letters may have been lost.
    pub(crate) fn handle_restart(&mut self, now: ServerTime, out: &mut Announcer) {
        for part in self.battle.iter_mut().chain(&mut self.parted) {
            match part {
                Part::Owned(battle) => battle.handle_restart(now, out),
                Part::Mirrored(mirror) => mirror.handle_restart(now, out),
            }
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        by: &Member,
        command: PkCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let asked = |pk| Reply::Pk { pk };
        match command {
            PkCommand::Invite { rooms, terms } => {
                return self.invite(&rooms, terms, now, mint, out).map(asked);
            }
            PkCommand::Rematch => {
                let (rooms, terms) = self.last.clone().ok_or(Rejected::NotFound("battle"))?;
                return self.invite(&rooms, terms, now, mint, out).map(asked);
            }
            PkCommand::Accept(pk) => self.accept(&pk, now, out)?,
            PkCommand::Reject(pk) => self.invitation(&pk)?.reject(now, out),
            PkCommand::Cancel(pk) => match self.known(&pk)? {
                Part::Owned(battle) if battle.view().state == BattleState::Inviting => {
                    battle.cancel(now, out);
                }
                Part::Owned(_) | Part::Mirrored(_) => return Err(Rejected::PkState),
            },
            PkCommand::Start(pk) => self.start(&pk, now, out)?,
            PkCommand::End(pk) if by.role == Role::Admin => self.force(&pk, now, out)?,
            PkCommand::End(pk) => self.end(&pk, now, out)?,
        }
        self.sweep(now);
        Ok(Reply::Done)
    }

    fn invite(
        &mut self,
        rivals: &Rivals,
        terms: BattleTerms,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<PkId, Rejected> {
        if rivals.rooms().contains(&self.room) {
            return Err(Rejected::Conflict("a room cannot battle itself"));
        }
        if self.battle.is_some() {
            return Err(Rejected::PkBusy);
        }
        let (Some(host), true) = (&self.host, self.live) else { return Err(Rejected::PkState) };
        let is_resting = |(asked, until): &(Vec<RoomId>, ServerTime)| {
            now < *until && rivals.rooms().iter().any(|room| asked.contains(room))
        };
        if self.cooldown.as_ref().is_some_and(is_resting) {
            return Err(Rejected::RateLimited);
        }
        let pk = PkId::made(&mint.make(Kind::Pk, now));
        let rooms = std::iter::once(&self.room).chain(rivals.rooms()).cloned().collect();
        let battle = Battle::invite(pk.clone(), rooms, terms, host.clone(), now, out);
        self.battle = Some(Part::Owned(Box::new(battle)));
        Ok(pk)
    }

    fn accept(&mut self, pk: &PkId, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        let (Some(host), live) = (self.host.clone(), self.live) else {
            return Err(Rejected::PkState);
        };
        self.invitation(pk)?.accept(host, live, now, out);
        Ok(())
    }

    fn start(&mut self, pk: &PkId, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        match self.known(pk)? {
            Part::Owned(battle) => {
                battle.start(OWNER, now, out).then_some(()).ok_or(Rejected::PkState)
            }
            Part::Mirrored(mirror) if mirror.board().view().state == BattleState::Linked => {
                mirror.wish(PeerWish::Start, now, out);
                Ok(())
            }
            Part::Mirrored(_) => Err(Rejected::PkState),
        }
    }

    fn end(&mut self, pk: &PkId, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        let part = self.known(pk)?;
        let wish = match part.board().view().state {
            BattleState::Inviting => return Err(Rejected::PkState),
            BattleState::Battling => PeerWish::Surrender,
            BattleState::Linking
            | BattleState::Linked
            | BattleState::Preparing
            | BattleState::Punishing
            | BattleState::Idle => PeerWish::HangUp,
        };
        match part {
            Part::Owned(battle) => battle.end(OWNER, now, out),
            Part::Mirrored(mirror) => mirror.wish(wish, now, out),
        }
        Ok(())
    }

    fn force(&mut self, pk: &PkId, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        match self.known(pk)? {
            Part::Owned(battle) => battle.force(now, out),
            Part::Mirrored(mirror) => mirror.wish(PeerWish::Force, now, out),
        }
        Ok(())
    }

    /// Counts a gift for the side of `to`, and returns the score if there is a battle.
    pub(crate) fn handle_gift(
        &mut self,
        by: &Member,
        to: &RoomId,
        coins: u64,
        now: ServerTime,
    ) -> Option<Scores> {
        let side = self.view()?.side_of(to).expect("a gift goes to a room of the battle");
        match self.battle.as_mut()? {
            Part::Owned(battle) => Some(battle.handle_gift(side, by, coins, now)),
            Part::Mirrored(mirror) => Some(mirror.handle_gift(side, by, coins, now)),
        }
    }

    /// Returns whether gifts may be given to `room` here because of a battle.
    pub(crate) fn is_linked_with(&self, room: &RoomId) -> bool {
        let side = |view: &BattleView| view.side_of(room).map(|side| view.sides[side].state);
        // A room that was only asked has not agreed to be in a battle.
        let view = self.view().filter(|view| view.state != BattleState::Inviting);
        view.and_then(side).is_some_and(|state| state.is_present())
    }

    /// Returns who gave most in the battle, or in the last one if none has begun since: of each side
    /// the first `count`, as far as this room knows them.
    pub(crate) fn top(&self, count: usize) -> Option<BattleTop> {
        let mut newest_first = self.battle.iter().chain(self.parted.iter().rev());
        let part = newest_first.find(|part| part.board().view().round > 0)?;
        let view = part.board().view();
        let mut sides = match part {
            Part::Owned(battle) => battle.top(count),
            Part::Mirrored(_) => view.top.clone(),
        };
        sides.iter_mut().for_each(|side| side.truncate(count));
        Some(BattleTop {
            pk: view.pk.clone(),
            owner: view.sides[OWNER].room.clone(),
            sides: view.rooms().cloned().zip(sides).collect(),
        })
    }

    pub(crate) fn handle_peer(
        &mut self,
        from: &RoomId,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let mut is_known = false;
        for part in self.battle.iter_mut().chain(&mut self.parted) {
            if part.concerns(from, &message) {
                is_known = true;
                part.handle_peer(from, message.clone(), now, out);
            }
        }
        if !is_known {
            self.handle_news(from, message, now, out);
        }
        self.sweep(now);
    }

    /// Leaves the battle because this room ends.
    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        match &mut self.battle {
            None => {}
            Some(Part::Owned(battle)) => battle.handle_gone(OWNER, now, out),
            Some(Part::Mirrored(mirror)) => mirror.leave(now, out),
        }
        self.sweep(now);
        assert!(self.battle.is_none());
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        for part in self.battle.iter_mut().chain(&mut self.parted) {
            match part {
                Part::Owned(battle) => battle.handle_timeout(now, out),
                Part::Mirrored(mirror) => mirror.handle_timeout(now, out),
            }
        }
        self.sweep(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let due = |part: &Part| match part {
            Part::Owned(battle) => battle.poll_timeout(),
            Part::Mirrored(mirror) => mirror.poll_timeout(),
        };
        self.battle.iter().chain(&self.parted).filter_map(due).min()
    }

    pub(crate) fn view(&self) -> Option<&BattleView> {
        self.battle.as_ref().map(|part| part.board().view())
    }

    pub(crate) fn countdown(&self) -> Option<&Countdown> {
        self.battle.as_ref().and_then(|part| part.board().countdown())
    }

    /// Returns the rooms with their hosts, the inviter's first, while they share the screen.
    pub(crate) fn versus(&self) -> Option<Vec<(&RoomId, &Member)>> {
        let view = self.view()?;
        if matches!(view.state, BattleState::Inviting | BattleState::Idle) {
            return None;
        }
        let present = view.sides.iter().filter(|side| side.state.is_present());
        Some(present.filter_map(|side| Some((&side.room, side.host.as_ref()?))).collect())
    }

    /// Takes a letter about a battle that this room does not know.
    fn handle_news(
        &mut self,
        from: &RoomId,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match message {
            PeerMessage::Invite { pk, rooms, host, terms, expires_at } => {
                let view = BattleView::new(pk, rooms, host);
                self.handle_invite(from, view, (terms, expires_at), now, out);
            }
            // Its invitation is still on its way, or was lost and comes again.
            PeerMessage::Mirror { battle, .. } if battle.state == BattleState::Inviting => {}
            // It speaks of a battle that is over here. Whoever believes in it must hear so.
            PeerMessage::Mirror { battle, .. } => {
                out.post(from, PeerMessage::Gone { pk: battle.pk });
            }
            PeerMessage::Report(report) => {
                out.post(from, PeerMessage::Gone { pk: report.pk });
            }
            PeerMessage::Reject { .. } | PeerMessage::Gone { .. } | PeerMessage::Unreachable => {}
        }
    }

    fn handle_invite(
        &mut self,
        from: &RoomId,
        view: BattleView,
        (terms, expires_at): (BattleTerms, ServerTime),
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let Some(side) = view.side_of(&self.room) else { return };
        if now >= expires_at {
            return;
        }
        let mut is_glare = false;
        match &mut self.battle {
            None => {}
            // Both hosts asked each other at once: the lower id stands, and both have said yes.
            Some(Part::Owned(battle)) if battle.is_glare(from) => {
                if battle.view().pk < view.pk {
                    return;
                }
                battle.cancel(now, out);
                is_glare = true;
                self.sweep(now);
            }
            Some(Part::Owned(_) | Part::Mirrored(_)) => {
                let reason = RejectReason::Busy;
                out.post(from, PeerMessage::Reject { pk: view.pk, reason });
                return;
            }
        }
        let (Some(host), true) = (self.host.clone(), self.live) else {
            let reason = RejectReason::NotLive;
            out.post(from, PeerMessage::Reject { pk: view.pk, reason });
            return;
        };
        let mut mirror = BattleMirror::new(view, side, terms, expires_at, now, out);
        if is_glare {
            mirror.accept(host, self.live, now, out);
        }
        self.battle = Some(Part::Mirrored(Box::new(mirror)));
    }

    fn invitation(&mut self, pk: &PkId) -> Result<&mut BattleMirror, Rejected> {
        match self.known(pk)? {
            Part::Mirrored(mirror) if mirror.board().view().state == BattleState::Inviting => {
                Ok(mirror)
            }
            Part::Owned(_) | Part::Mirrored(_) => Err(Rejected::PkState),
        }
    }

    fn known(&mut self, pk: &PkId) -> Result<&mut Part, Rejected> {
        let part = self.battle.as_mut().filter(|part| part.board().view().pk == *pk);
        part.ok_or(Rejected::NotFound("battle"))
    }

    /// Puts a battle that is over aside.
    fn sweep(&mut self, now: ServerTime) {
        let Some(part) = self.battle.take_if(|part| part.is_over()) else { return };
        let view = part.board().view();
        let others = view.sides.iter().filter(|side| side.room != self.room);
        let (came, asked): (Vec<_>, Vec<_>) = others.partition(|side| side.host.is_some());
        let came = Rivals::new(came.into_iter().map(|side| side.room.clone()).collect());
        match &part {
            Part::Owned(battle) => {
                if let Some(came) = came {
                    self.last = Some((came, battle.terms()));
                } else {
                    let asked = asked.into_iter().map(|side| side.room.clone()).collect();
                    self.cooldown = Some((asked, now + COOLDOWN));
                }
            }
            Part::Mirrored(mirror) => {
                let came = came.filter(|_| mirror.has_accepted());
                self.last = came.map(|came| (came, mirror.terms())).or(self.last.take());
            }
        }
        if self.parted.len() == PARTED {
            self.parted.pop_front();
        }
        self.parted.push_back(part);
    }
}

impl Part {
    const fn board(&self) -> &Scoreboard {
        match self {
            Self::Owned(battle) => battle.board(),
            Self::Mirrored(mirror) => mirror.board(),
        }
    }

    fn is_over(&self) -> bool {
        self.board().view().state == BattleState::Idle
    }

    /// Returns whether a letter is of this battle and from somebody who has a say in it.
    fn concerns(&self, from: &RoomId, message: &PeerMessage) -> bool {
        let view = self.board().view();
        let is_of_it = message.pk().is_none_or(|pk| *pk == view.pk);
        let speaks = match (self, view.side_of(from)) {
            (Self::Owned(_), Some(side)) => side != OWNER,
            (Self::Mirrored(_), Some(side)) => side == OWNER,
            (_, None) => false,
        };
        is_of_it && speaks
    }

    fn handle_peer(
        &mut self,
        from: &RoomId,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match self {
            Self::Owned(battle) => {
                let side = battle.view().side_of(from).expect("it was asked whose letter this is");
                battle.handle_peer(side, message, now, out);
            }
            Self::Mirrored(mirror) => mirror.handle_peer(message, now, out),
        }
    }
}
