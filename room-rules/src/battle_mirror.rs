//! A battle in a room that was invited. It shows what the owner says, counts what its own viewers give,
//! and gives up by itself if the owner falls silent past its own deadline. Once it is over here it still
//! listens: the owner may have something to add about the end.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::battle::{ALIVE_FOR, LINKING_FOR, OWNER};
use crate::given::Given;
use crate::pace::Throttle;
use crate::resend::Resend;
use crate::scoreboard::Scoreboard;
use crate::{
    BattleEnd, BattleResult, BattleState, BattleTerms, BattleView, Member, PeerMessage, PeerReport,
    PeerWish, PkId, RejectReason, Scores, ServerTime, SideState,
};

/// How much longer than the owner this room waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a room says that it is there while nothing has a deadline.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// However fast the gifts come, the owner hears of them at most ten times a second.
const TALLY_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct BattleMirror {
    board: Scoreboard,
    terms: BattleTerms,
    /// This room's place.
    side: usize,
    /// This room's host, once they have said yes.
    host: Option<Member>,
    live: bool,
    has_rejected: bool,
    /// What this room's viewers have given in time, in the present round.
    given: Given,
    tally_told: Throttle,
    /// Whether the owner was told that nothing comes to that any more.
    is_final: bool,
    /// What the host wanted last, and in which report.
    wish: Option<(u64, PeerWish)>,
    /// The number of the newest report.
    number: u64,
    /// The newest version that has come.
    seen: u64,
    resend: Resend,
    alive_at: ServerTime,
    /// When the owner must have been heard of.
    until: ServerTime,
}

impl BattleMirror {
    /// Shows an invitation.
    pub(crate) fn new(
        view: BattleView,
        side: usize,
        terms: BattleTerms,
        expires_at: ServerTime,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        Self {
            given: Given::new(view.sides.len()),
            tally_told: Throttle::new(TALLY_EVERY),
            seen: view.version,
            board: Scoreboard::new(view, now, out),
            terms,
            side,
            host: None,
            live: false,
            has_rejected: false,
            is_final: false,
            wish: None,
            number: 0,
            resend: Resend::default(),
            alive_at: now,
            until: expires_at + PATIENCE,
        }
    }

    /// Says yes. Saying it again does no harm.
    pub(crate) fn accept(
        &mut self,
        host: Member,
        live: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        (self.host, self.live) = (Some(host), live);
        self.report(now, out);
    }

    pub(crate) fn reject(&mut self, now: ServerTime, out: &mut Announcer) {
        self.has_rejected = true;
        self.say_no(out);
        self.finish(BattleEnd::Rejected, now, out);
    }

    /// Asks the owner for something; the owner's answer shows what came of it.
    pub(crate) fn wish(&mut self, wish: PeerWish, now: ServerTime, out: &mut Announcer) {
        self.wish = Some((self.number + 1, wish));
        self.report(now, out);
    }

    /// Takes what the owner says.
    pub(crate) fn handle_peer(
        &mut self,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match message {
            PeerMessage::Mirror { battle, heard, asks } => {
                self.handle_mirror(*battle, heard, asks, now, out);
            }
            PeerMessage::Gone { .. } | PeerMessage::Unreachable if !self.is_over() => {
                self.finish(BattleEnd::Left, now, out);
            }
            PeerMessage::Gone { .. } | PeerMessage::Unreachable => {}
            // It was not heard, or is not known to have been.
            PeerMessage::Invite { .. } if self.has_rejected => self.say_no(out),
            PeerMessage::Invite { .. } if self.host.is_some() && !self.is_over() => {
                self.report(now, out);
            }
            PeerMessage::Invite { .. } | PeerMessage::Reject { .. } | PeerMessage::Report(_) => {}
        }
    }

    fn handle_mirror(
        &mut self,
        battle: BattleView,
        heard: u64,
        asks: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        if heard >= self.number {
            self.resend.stop();
        }
        self.given.handle_heard(heard);
        if self.is_over() && !is_over_for(&battle, self.side) {
            self.tell(PeerMessage::Gone { pk: self.pk() }, out);
            return;
        }
        self.await_owner(&battle, now);
        // An older view may come late; it says nothing new.
        if battle.version > self.seen {
            self.seen = battle.version;
            self.show(battle, now, out);
        }
        if asks {
            self.tell(self.state_of_things(false), out);
        }
    }

    fn show(&mut self, battle: BattleView, now: ServerTime, out: &mut Announcer) {
        if battle.round != self.board.view().round {
            self.given.clear();
            self.is_final = false;
        }
        let side = &battle.sides[self.side];
        if side.state == SideState::Out && battle.state != BattleState::Idle {
            // The others go on.
            let reason = side.reason.unwrap_or(BattleEnd::Left);
            let result = battle.result.clone().or(Some(BattleResult { winner: None, reason }));
            self.end_with(BattleView { state: BattleState::Idle, result, ..battle }, now, out);
        } else if battle.state == BattleState::Idle {
            self.end_with(battle, now, out);
        } else {
            self.board.show(battle, now, out);
        }
    }

    fn await_owner(&mut self, battle: &BattleView, now: ServerTime) {
        if battle.version < self.seen {
            return;
        }
        self.until = match battle.state {
            BattleState::Inviting | BattleState::Idle => self.until,
            BattleState::Linking => now + LINKING_FOR + PATIENCE,
            BattleState::Linked => now + ALIVE_FOR,
            BattleState::Preparing => battle.start_at.unwrap_or(now) + PATIENCE,
            BattleState::Battling => battle.end_at.unwrap_or(now) + PATIENCE,
            BattleState::Punishing => battle.punish_until.unwrap_or(now) + PATIENCE,
        };
    }

    /// Counts a gift that a viewer of this room gave to `side`.
    pub(crate) fn handle_gift(
        &mut self,
        side: usize,
        by: &Member,
        coins: u64,
        now: ServerTime,
    ) -> Scores {
        let view = self.board.view();
        if view.is_scoring(now) {
            self.given.give(side, by, coins * view.factor(now), now, self.number + 1);
            self.tally_told.touch(now);
        }
        self.board.view().scores.clone()
    }

    /// Tells the owner how it stands here; the last letter may have been lost.
    pub(crate) fn handle_restart(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.host.is_some() && !self.is_over() {
            self.report(now, out);
        }
    }

    pub(crate) fn handle_media(&mut self, live: bool, now: ServerTime, out: &mut Announcer) {
        self.live = live;
        if self.host.is_some() && !self.is_over() {
            self.report(now, out);
        }
    }

    /// Leaves because this room ends.
    pub(crate) fn leave(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.tally_told.poll_timeout().is_some() {
            self.report(now, out);
        }
        self.tell(PeerMessage::Gone { pk: self.pk() }, out);
        self.finish(BattleEnd::Left, now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.board.handle_timeout(now, out);
        if self.is_over() {
            return;
        }
        if now >= self.until {
            self.tell(PeerMessage::Gone { pk: self.pk() }, out);
            let reason = match self.state() {
                BattleState::Inviting => BattleEnd::Timeout,
                BattleState::Linking
                | BattleState::Linked
                | BattleState::Preparing
                | BattleState::Battling
                | BattleState::Punishing
                | BattleState::Idle => BattleEnd::Left,
            };
            self.finish(reason, now, out);
            return;
        }
        if self.last_tally_due().is_some_and(|at| now >= at) {
            self.is_final = true;
            self.report(now, out);
        }
        if self.tally_told.take(now) {
            self.report(now, out);
        }
        if self.state() == BattleState::Linked && now >= self.alive_at {
            self.report(now, out);
        }
        if self.resend.take(now) {
            self.tell(self.state_of_things(true), out);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let board = self.board.poll_timeout();
        if self.is_over() {
            return board;
        }
        let alive_at = Some(self.alive_at).filter(|_| self.state() == BattleState::Linked);
        let (resend, last_tally) = (self.resend.poll_timeout(), self.last_tally_due());
        let tally = self.tally_told.poll_timeout();
        let all = [board, Some(self.until), alive_at, resend, tally, last_tally];
        all.into_iter().flatten().min()
    }

    pub(crate) const fn board(&self) -> &Scoreboard {
        &self.board
    }

    pub(crate) const fn terms(&self) -> BattleTerms {
        self.terms
    }

    pub(crate) const fn has_accepted(&self) -> bool {
        self.host.is_some()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state() == BattleState::Idle
    }

    /// Returns when to say that nothing more is given here in time, until that is said.
    fn last_tally_due(&self) -> Option<ServerTime> {
        let view = self.board.view();
        let is_fought = matches!(view.state, BattleState::Preparing | BattleState::Battling);
        view.end_at.filter(|_| is_fought && !self.is_final)
    }

    /// Ends this room's view of the battle without the owner, who alone could name a winner or a new
    /// version.
    fn finish(&mut self, reason: BattleEnd, now: ServerTime, out: &mut Announcer) {
        let before = self.board.view().clone();
        let result = before.result.clone().or(Some(BattleResult { winner: None, reason }));
        self.end_with(BattleView { state: BattleState::Idle, result, ..before }, now, out);
    }

    fn end_with(&mut self, last: BattleView, now: ServerTime, out: &mut Announcer) {
        self.resend.stop();
        self.board.show(last, now, out);
    }

    /// Says how it stands here, and that this is something new.
    fn report(&mut self, now: ServerTime, out: &mut Announcer) {
        self.number += 1;
        self.alive_at = now + ALIVE_EVERY;
        self.tally_told.clear();
        self.resend.start(now);
        self.tell(self.state_of_things(true), out);
    }

    fn state_of_things(&self, asks: bool) -> PeerMessage {
        PeerMessage::Report(Box::new(PeerReport {
            pk: self.pk(),
            number: self.number,
            version: self.seen,
            host: self.host.clone(),
            live: self.live,
            round: self.board.view().round,
            given: self.given.points().to_vec(),
            givers: self.given.unheard().cloned().collect(),
            is_final: self.is_final,
            wish: self.wish,
            asks,
        }))
    }

    fn say_no(&self, out: &mut Announcer) {
        let reason = RejectReason::Declined;
        self.tell(PeerMessage::Reject { pk: self.pk(), reason }, out);
    }

    fn tell(&self, message: PeerMessage, out: &mut Announcer) {
        out.post(&self.board.view().sides[OWNER].room, message);
    }

    fn pk(&self) -> PkId {
        self.board.view().pk.clone()
    }

    const fn state(&self) -> BattleState {
        self.board.view().state
    }
}

fn is_over_for(battle: &BattleView, side: usize) -> bool {
    battle.state == BattleState::Idle || battle.sides[side].state == SideState::Out
}
