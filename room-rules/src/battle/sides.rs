//! The sides of a battle as its owner keeps them: who is asked, who came, who is left.

use super::{Battle, OWNER};
use crate::announcer::Announcer;
use crate::{BattleEnd, BattleState, Member, PeerReport, RoomId, Scores, ServerTime, SideState};

impl Battle {
    pub(super) fn handle_yes(
        &mut self,
        side: usize,
        host: Member,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let known = &mut self.view.sides[side];
        if self.view.state == BattleState::Inviting && known.state == SideState::Asked {
            (known.state, known.host) = (SideState::In, Some(host));
            self.weigh_answers(BattleEnd::Rejected, now, out);
        }
    }

    /// Takes that a room wants no part in this, before it began.
    pub(crate) fn handle_no(
        &mut self,
        side: usize,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let is_open = self.view.state == BattleState::Inviting;
        if is_open && self.view.sides[side].state != SideState::Out {
            self.set_out(side, reason);
            self.sides[side].parting = Some(0);
            self.weigh_answers(reason, now, out);
        }
    }

    /// Goes on once everybody has answered, if anybody came.
    pub(super) fn weigh_answers(
        &mut self,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        if self.view.sides.iter().any(|side| side.state == SideState::Asked) {
            self.publish(now, out);
        } else if self.view.present() > 1 {
            self.enter_linking(now, out);
        } else {
            self.finish(None, reason, now, out);
        }
    }

    /// Gives up on those who have not answered.
    pub(super) fn give_up_on_silent(&mut self, reason: BattleEnd) {
        for side in 0..self.sides.len() {
            if self.view.sides[side].state == SideState::Asked {
                self.set_out(side, reason);
            }
        }
    }

    /// Gives up on those who said yes and are not on air.
    pub(super) fn give_up_on_unseen(&mut self, now: ServerTime, out: &mut Announcer) {
        for side in 1..self.sides.len() {
            if self.is_present(side) && !self.sides[side].on_air {
                self.set_out(side, BattleEnd::LinkFailed);
            }
        }
        if self.view.present() > 1 && self.sides[OWNER].on_air {
            self.link(now, out);
        } else {
            self.finish(None, BattleEnd::LinkFailed, now, out);
        }
    }

    /// Takes what a room's viewers have given, and settles if all that is to come has come.
    pub(super) fn handle_tally(
        &mut self,
        side: usize,
        report: &PeerReport,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let PeerReport { round, given, givers, is_final, .. } = report;
        let is_open = matches!(self.view.state, BattleState::Preparing | BattleState::Battling);
        if !is_open || *round != self.view.round || given.len() != self.sides.len() {
            return;
        }
        self.sides[side].is_final |= is_final;
        for giver in givers {
            self.givers.hear(side, giver);
        }
        let known = &mut self.sides[side].given;
        // Totals only rise, so the larger one is the newer one.
        if given.iter().zip(&*known).any(|(new, old)| new > old) {
            for (new, old) in given.iter().zip(known) {
                *old = (*old).max(*new);
            }
            self.score_told.touch(now);
        }
        let is_decided = self.is_time_up(now) && !self.is_waiting_for_totals(now);
        if self.view.state == BattleState::Battling && is_decided {
            self.settle(self.leader(), BattleEnd::Time, now, out);
        }
    }

    /// Lets a side go; what is left of the link goes on if it can.
    pub(super) fn let_go(
        &mut self,
        side: usize,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        if self.is_over() || !self.is_present(side) {
            return;
        }
        let goes_on = side != OWNER && self.view.present() > 2;
        if goes_on {
            self.set_out(side, reason);
            self.publish(now, out);
            self.link(now, out);
        } else {
            self.finish(None, reason, now, out);
        }
    }

    /// Decides the battle if only one side is left that can win; returns whether it is decided.
    pub(super) fn decide_if_one_is_left(
        &mut self,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) -> bool {
        let fighting = self.view.sides.iter().filter(|side| side.state == SideState::In).count();
        if fighting > 1 {
            return false;
        }
        self.settle(self.leader(), reason, now, out);
        true
    }

    /// Returns who has most of those who can win; nobody if two have.
    pub(super) fn leader(&self) -> Option<usize> {
        let points = self.scores().points;
        let sides = self.view.sides.iter().enumerate();
        let fighting = sides.filter(|(_, side)| side.state == SideState::In);
        let fighting: Vec<usize> = fighting.map(|(at, _)| at).collect();
        let most = fighting.iter().map(|side| points[*side]).max()?;
        let mut best = fighting.into_iter().filter(|side| points[*side] == most);
        best.next().filter(|_| best.next().is_none())
    }

    pub(super) fn has_won(&self, side: usize) -> bool {
        let result = self.view.result.as_ref();
        result.and_then(|result| result.winner.as_ref()) == Some(self.room(side))
    }

    pub(super) fn scores(&self) -> Scores {
        let points = |to: usize| self.sides.iter().map(|side| side.given[to]).sum();
        Scores {
            rooms: self.view.scores.rooms.clone(),
            points: (0..self.sides.len()).map(points).collect(),
        }
    }

    pub(super) fn set_out(&mut self, side: usize, reason: BattleEnd) {
        let seen = &mut self.view.sides[side];
        (seen.state, seen.reason) = (SideState::Out, Some(reason));
        // It hears so with the version that is told next, unless it said so itself.
        self.sides[side].parting.get_or_insert(self.view.version + 1);
    }

    pub(super) fn room(&self, side: usize) -> &RoomId {
        &self.view.sides[side].room
    }

    pub(super) fn is_present(&self, side: usize) -> bool {
        self.view.sides[side].state.is_present()
    }
}
