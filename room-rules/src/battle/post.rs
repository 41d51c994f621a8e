//! The letters of a battle's owner: what it hears from the other rooms, and how it sees to it that
//! they hear of every change.

use super::{ALIVE_FOR, ASK_EVERY, Battle, OWNER, PARTING_FOR};
use crate::announcer::Announcer;
use crate::{
    BattleEnd, BattleState, BattleView, Giver, PeerMessage, PeerReport, PeerWish, RejectReason,
    RoomId, ServerTime, SideState,
};

impl Battle {
    /// Takes what the room of `side` says.
    pub(crate) fn handle_peer(
        &mut self,
        side: usize,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match message {
            PeerMessage::Report(report) => self.handle_report(side, *report, now, out),
            PeerMessage::Reject { reason, .. } => {
                let reason = match reason {
                    RejectReason::Declined => BattleEnd::Rejected,
                    RejectReason::Busy => BattleEnd::Busy,
                    RejectReason::NotLive => BattleEnd::Unreachable,
                };
                self.handle_no(side, reason, now, out);
            }
            PeerMessage::Gone { .. } | PeerMessage::Unreachable => {
                self.handle_gone(side, now, out);
            }
            // Nobody else owns this battle.
            PeerMessage::Invite { .. } | PeerMessage::Mirror { .. } => {}
        }
    }

    fn handle_report(
        &mut self,
        side: usize,
        report: PeerReport,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let before = self.view.version;
        let known = &mut self.sides[side];
        known.heard_at = now;
        known.seen = known.seen.max(report.version);
        if report.number > known.heard {
            known.heard = report.number;
            self.handle_tally(side, &report, now, out);
            if let Some(host) = report.host {
                self.sides[side].on_air = report.live;
                self.handle_yes(side, host, now, out);
                self.link(now, out);
            }
            let wish = report.wish.filter(|(number, _)| *number > self.sides[side].wished);
            if let Some((number, wish)) = wish {
                self.sides[side].wished = number;
                self.grant(side, wish, now, out);
            }
        }
        // Whatever is told anyway says which report was heard; so does a score on its way.
        let is_told = self.view.version > before || self.score_told.poll_timeout().is_some();
        if report.asks && !is_told {
            self.tell(side, out);
        }
        self.look_for_answers();
    }

    fn grant(&mut self, side: usize, wish: PeerWish, now: ServerTime, out: &mut Announcer) {
        match wish {
            // Too late or too early is as if it was not said.
            PeerWish::Start => _ = self.start(side, now, out),
            PeerWish::Surrender if self.state() == BattleState::Battling => {
                self.end(side, now, out);
            }
            PeerWish::Surrender => {}
            PeerWish::HangUp => self.end(side, now, out),
            PeerWish::Force => self.force(now, out),
        }
    }

    /// Tells the other rooms how it stands; the last letters may have been lost.
    pub(crate) fn handle_restart(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.state() == BattleState::Inviting {
            self.ask(out);
        }
        self.tell_all(out);
        self.resend.start(now);
        self.look_for_answers();
    }

    /// Shows here and in the other rooms what has become of it.
    pub(super) fn publish(&mut self, now: ServerTime, out: &mut Announcer) {
        self.score_told.clear();
        let is_only_the_score = self.view.only_scores_since(self.board.view());
        (self.view.scores, self.view.top) = (self.scores(), self.givers.told());
        self.view.version += 1;
        if !is_only_the_score {
            self.must_see = self.view.version;
            self.resend.start(now);
        }
        if self.is_over() {
            self.until = Some(now + PARTING_FOR);
        }
        self.board.show(self.view.clone(), now, out);
        self.tell_all(out);
        self.look_for_answers();
    }

    /// Asks whoever has not answered.
    pub(super) fn ask(&self, out: &mut Announcer) {
        let view = &self.view;
        let host = view.sides[OWNER].host.clone().expect("the inviter's host is known");
        let rooms: Vec<_> = view.rooms().cloned().collect();
        let expires_at = self.until.expect("an invitation ends by itself");
        for side in view.sides.iter().filter(|side| side.state == SideState::Asked) {
            let (pk, host, rooms) = (view.pk.clone(), host.clone(), rooms.clone());
            let terms = self.terms;
            out.post(&side.room, PeerMessage::Invite { pk, rooms, host, terms, expires_at });
        }
    }

    fn tell_all(&self, out: &mut Announcer) {
        for side in 1..self.sides.len() {
            if self.concerns(side) {
                self.tell(side, out);
            }
        }
    }

    fn tell(&self, side: usize, out: &mut Announcer) {
        let mirror = PeerMessage::Mirror {
            battle: Box::new(self.view.clone()),
            heard: self.sides[side].heard,
            asks: self.is_missing(side),
        };
        out.post(self.room(side), mirror);
    }

    /// Returns whether the room of `side` is to hear of this battle.
    fn concerns(&self, side: usize) -> bool {
        self.sides[side].parting.is_none_or(|version| self.sides[side].seen < version)
    }

    /// Returns whether the room of `side` has not seen what it must.
    fn is_missing(&self, side: usize) -> bool {
        let must_see = self.sides[side].parting.unwrap_or(self.must_see);
        side != OWNER && self.concerns(side) && self.sides[side].seen < must_see
    }

    fn look_for_answers(&mut self) {
        if !(1..self.sides.len()).any(|side| self.is_missing(side)) {
            self.resend.stop();
        }
    }

    /// Returns when a letter is due.
    pub(super) fn letters_due(&self) -> Option<ServerTime> {
        let heard_at = self.sides.iter().enumerate().skip(1);
        let present = heard_at.filter(|(at, _)| self.is_present(*at));
        let silent = present.map(|(_, side)| side.heard_at + ALIVE_FOR).min();
        let silent = silent.filter(|_| self.state() == BattleState::Linked);
        [self.ask_at.filter(|_| !self.is_over()), silent, self.resend.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Asks and tells again, and lets those go who are not heard of any more.
    pub(super) fn look_after_letters(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.is_over() && self.until.is_some_and(|until| now >= until) {
            self.resend.stop();
        }
        if !self.is_over() && self.ask_at.is_some_and(|at| now >= at) {
            self.ask_at = Some(now + ASK_EVERY);
            self.ask(out);
        }
        if self.resend.take(now) {
            for side in 1..self.sides.len() {
                if self.is_missing(side) {
                    self.tell(side, out);
                }
            }
        }
        for side in 1..self.sides.len() {
            let is_silent = now >= self.sides[side].heard_at + ALIVE_FOR;
            if self.state() == BattleState::Linked && self.is_present(side) && is_silent {
                self.handle_gone(side, now, out);
            }
        }
    }

    /// Returns whether `room` may call this off by asking the same: it is asked, and nobody has said yes.
    pub(crate) fn is_glare(&self, room: &RoomId) -> bool {
        let view = &self.view;
        let is_asked = view.side_of(room).is_some_and(|side| side != OWNER);
        view.state == BattleState::Inviting && is_asked && view.present() == 1
    }

    /// Returns who gave most to each side.
    pub(crate) fn top(&self, count: usize) -> Vec<Vec<Giver>> {
        self.givers.top(count)
    }

    /// Returns the battle as it is told.
    pub(crate) const fn view(&self) -> &BattleView {
        &self.view
    }
}
