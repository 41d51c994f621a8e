//! A battle (PK) between two rooms, as the inviter's room owns it.
//!
//! Gifts score by the moment at which their room took them, strictly before `end_at`. The other
//! room counts its own viewers' gifts and sends totals, so a lost or repeated message cannot make
//! a wrong score, and the battle waits a moment after `end_at` for the last total on its way.
//!
//! ```text
//! Inviting ──accept──▶ Linking ──both on air──▶ Preparing ──start_at──▶ Battling
//!    │ 30 s               │ 5 s                    │ hang up              │ end_at, surrender
//!    ▼                    ▼                        ▼                      ▼
//!   Idle ◀────────────────┴────────────────────────┴── draw ──────── Punishing ──▶ Idle
//! ```

use std::time::Duration;

use crate::announcer::Announcer;
use crate::pace::Throttle;
use crate::scoreboard::Scoreboard;
use crate::{
    BattleEnd, BattleResult, BattleState, BattleTerms, BattleView, Member, PeerMessage, PkId,
    RejectReason, RoomId, Scores, ServerTime,
};

pub(crate) const INVITING_FOR: Duration = Duration::from_secs(30);
pub(crate) const LINKING_FOR: Duration = Duration::from_secs(5);
/// Long enough for "3, 2, 1" on every screen.
const PREPARING_FOR: Duration = Duration::from_secs(3);
/// How long the last totals may be on their way after the end.
const SETTLING_FOR: Duration = Duration::from_millis(300);
/// Scores go out at most ten times a second, however fast the gifts come.
const SCORE_EVERY: Duration = Duration::from_millis(100);

/// One of the two sides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Owner,
    Other,
}

impl Side {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Owner => 0,
            Self::Other => 1,
        }
    }

    const fn opponent(self) -> Self {
        match self {
            Self::Owner => Self::Other,
            Self::Other => Self::Owner,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Battle {
    board: Scoreboard,
    terms: BattleTerms,
    host: Member,
    rival: Option<Member>,
    /// Whether the host of each side is on air.
    on_air: [bool; 2],
    /// What the viewers of each room have given to each side.
    given: [[u64; 2]; 2],
    /// When the present state ends by itself.
    until: ServerTime,
    score_told: Throttle,
}

impl Battle {
    /// Asks `other` for a battle; `host` is on air.
    pub(crate) fn invite(
        pk: PkId,
        rooms: [RoomId; 2],
        terms: BattleTerms,
        host: Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let until = now + INVITING_FOR;
        let invite =
            PeerMessage::Invite { pk: pk.clone(), host: host.clone(), terms, expires_at: until };
        out.post(&rooms[Side::Other.index()], invite);
        Self {
            board: Scoreboard::new(first_view(pk, rooms), now, out),
            terms,
            host,
            rival: None,
            on_air: [true, false],
            given: [[0; 2]; 2],
            until,
            score_told: Throttle::new(SCORE_EVERY),
        }
    }

    pub(crate) fn handle_peer(
        &mut self,
        message: PeerMessage,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match message {
            PeerMessage::Accept { host, live, .. } => {
                if self.state() == BattleState::Inviting {
                    self.rival = Some(host);
                    self.on_air[Side::Other.index()] = live;
                    self.enter(BattleState::Linking, now + LINKING_FOR, now, out);
                    self.link(now, out);
                }
            }
            PeerMessage::Reject { reason, .. } => {
                if self.state() == BattleState::Inviting {
                    let reason = match reason {
                        RejectReason::Declined => BattleEnd::Rejected,
                        RejectReason::Busy => BattleEnd::Busy,
                        RejectReason::NotLive => BattleEnd::Unreachable,
                    };
                    self.finish(None, reason, now, out);
                }
            }
            PeerMessage::HostMedia { live, .. } => {
                self.handle_media(Side::Other, live, now, out);
            }
            PeerMessage::Tally { given, .. } => self.handle_tally(given, now),
            PeerMessage::End { .. } => self.end(Side::Other, now, out),
            PeerMessage::Gone { .. } | PeerMessage::Unreachable => {
                self.handle_gone(Side::Other, now, out);
            }
            PeerMessage::Invite { .. } | PeerMessage::Mirror { .. } => {
                unreachable!("the other room owns nothing of this battle")
            }
        }
    }

    /// Takes that a host came on air or went off. A host who is lost does not lose: the battle
    /// goes on without them.
    pub(crate) fn handle_media(
        &mut self,
        side: Side,
        live: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.on_air[side.index()] = live;
        self.link(now, out);
    }

    /// Tells the other room how the battle stands; the last letter may have been lost.
    pub(crate) fn handle_restart(&self, out: &mut Announcer) {
        if self.state() == BattleState::Inviting {
            return;
        }
        let battle = self.board.view().clone();
        let mirror = PeerMessage::Mirror { battle, host: self.host.clone() };
        out.post(&self.board.view().rooms[Side::Other.index()], mirror);
    }

    /// Counts a gift that a viewer of the owner's room gave to `side`.
    pub(crate) fn handle_gift(&mut self, side: Side, coins: u64, now: ServerTime) -> Scores {
        if self.board.is_scoring(now) {
            self.given[Side::Owner.index()][side.index()] += coins;
            self.score_told.touch(now);
        }
        self.scores()
    }

    /// Takes the challenge back.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) {
        assert_eq!(self.state(), BattleState::Inviting);
        self.finish(None, BattleEnd::Cancelled, now, out);
    }

    /// Surrenders for `side` while it matters; ends the link otherwise.
    pub(crate) fn end(&mut self, side: Side, now: ServerTime, out: &mut Announcer) {
        match self.state() {
            // The score has decided already; only the last totals are still on their way.
            BattleState::Battling if self.is_time_up(now) => {}
            BattleState::Battling => {
                self.settle(Some(side.opponent()), BattleEnd::Surrender, now, out);
            }
            BattleState::Linking | BattleState::Preparing => {
                self.finish(None, BattleEnd::Cancelled, now, out);
            }
            BattleState::Punishing => self.close(now, out),
            BattleState::Inviting | BattleState::Idle => {}
        }
    }

    /// Takes that the room of `side` is no more. Who leaves while it matters loses.
    pub(crate) fn handle_gone(&mut self, side: Side, now: ServerTime, out: &mut Announcer) {
        match self.state() {
            BattleState::Inviting => {
                let reason = match side {
                    Side::Owner => BattleEnd::Left,
                    Side::Other => BattleEnd::Unreachable,
                };
                self.finish(None, reason, now, out);
            }
            BattleState::Linking | BattleState::Preparing => {
                self.finish(None, BattleEnd::Left, now, out);
            }
            BattleState::Battling if self.is_time_up(now) => {
                self.finish(self.leader(), BattleEnd::Time, now, out);
            }
            BattleState::Battling => {
                self.finish(Some(side.opponent()), BattleEnd::Left, now, out);
            }
            BattleState::Punishing => self.close(now, out),
            BattleState::Idle => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.board.handle_timeout(now, out);
        while !self.is_over() && now >= self.until {
            match self.state() {
                BattleState::Inviting => self.finish(None, BattleEnd::Timeout, now, out),
                BattleState::Linking => self.finish(None, BattleEnd::LinkFailed, now, out),
                BattleState::Preparing => {
                    let end_at = self.board.view().end_at.expect("set when preparing began");
                    self.enter(BattleState::Battling, end_at + SETTLING_FOR, now, out);
                }
                BattleState::Battling => self.settle(self.leader(), BattleEnd::Time, now, out),
                BattleState::Punishing => self.close(now, out),
                BattleState::Idle => unreachable!("the loop ends when it is over"),
            }
        }
        if self.score_told.take(now) {
            let scores = self.scores();
            self.show(BattleView { scores, ..self.board.view().clone() }, now, out);
        }
        self.check();
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let until = (!self.is_over()).then_some(self.until);
        [until, self.board.poll_timeout(), self.score_told.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) const fn board(&self) -> &Scoreboard {
        &self.board
    }

    pub(crate) const fn rival(&self) -> Option<&Member> {
        self.rival.as_ref()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state() == BattleState::Idle
    }

    fn handle_tally(&mut self, given: [u64; 2], now: ServerTime) {
        let known = &mut self.given[Side::Other.index()];
        let is_late = match self.board.view().state {
            BattleState::Preparing | BattleState::Battling => false,
            BattleState::Inviting
            | BattleState::Linking
            | BattleState::Punishing
            | BattleState::Idle => true,
        };
        // Totals only rise, so the larger one is the newer one.
        if !is_late && (given[0] > known[0] || given[1] > known[1]) {
            *known = [known[0].max(given[0]), known[1].max(given[1])];
            self.score_told.touch(now);
        }
    }

    fn link(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.state() == BattleState::Linking && self.on_air == [true, true] {
            let start_at = now + PREPARING_FOR;
            let next = BattleView {
                state: BattleState::Preparing,
                start_at: Some(start_at),
                end_at: Some(start_at + self.terms.battle()),
                ..self.board.view().clone()
            };
            self.until = start_at;
            self.show(next, now, out);
        }
    }

    fn enter(
        &mut self,
        state: BattleState,
        until: ServerTime,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.until = until;
        self.show(BattleView { state, ..self.board.view().clone() }, now, out);
    }

    /// Decides the battle; the loser pays unless nobody lost or nothing was asked.
    fn settle(
        &mut self,
        winner: Option<Side>,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        if winner.is_none() || self.terms.punish().is_zero() {
            self.finish(winner, reason, now, out);
            return;
        }
        let punish_until = now + self.terms.punish();
        self.until = punish_until;
        let next = BattleView {
            state: BattleState::Punishing,
            punish_until: Some(punish_until),
            ..self.decided(winner, reason)
        };
        self.show(next, now, out);
    }

    fn finish(
        &mut self,
        winner: Option<Side>,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        let next = BattleView { state: BattleState::Idle, ..self.decided(winner, reason) };
        self.show(next, now, out);
    }

    /// Ends the link after the battle is decided.
    fn close(&mut self, now: ServerTime, out: &mut Announcer) {
        let next = BattleView { state: BattleState::Idle, ..self.board.view().clone() };
        self.show(next, now, out);
    }

    fn decided(&mut self, winner: Option<Side>, reason: BattleEnd) -> BattleView {
        self.score_told.clear();
        let before = self.board.view().clone();
        let winner = winner.map(|side| before.rooms[side.index()].clone());
        let result = Some(BattleResult { winner, reason });
        BattleView { scores: self.scores(), result, ..before }
    }

    /// Shows the next version here and in the other room.
    fn show(&mut self, mut next: BattleView, now: ServerTime, out: &mut Announcer) {
        next.version += 1;
        self.board.show(next.clone(), now, out);
        let other = next.rooms[Side::Other.index()].clone();
        out.post(&other, PeerMessage::Mirror { battle: next, host: self.host.clone() });
    }

    /// Returns whether gifts no longer score, though the result may not be known yet.
    fn is_time_up(&self, now: ServerTime) -> bool {
        self.board.view().end_at.is_some_and(|end_at| now >= end_at)
    }

    fn leader(&self) -> Option<Side> {
        let [owner, other] = self.scores().points;
        match owner.cmp(&other) {
            std::cmp::Ordering::Greater => Some(Side::Owner),
            std::cmp::Ordering::Less => Some(Side::Other),
            std::cmp::Ordering::Equal => None,
        }
    }

    fn scores(&self) -> Scores {
        let [here, there] = self.given;
        let points = [here[0] + there[0], here[1] + there[1]];
        Scores { rooms: self.board.view().rooms.clone(), points }
    }

    const fn state(&self) -> BattleState {
        self.board.view().state
    }

    fn check(&self) {
        let view = self.board.view();
        assert_eq!(
            view.result.is_some(),
            matches!(view.state, BattleState::Punishing | BattleState::Idle),
            "a battle has a result once it is decided"
        );
        if view.state > BattleState::Inviting && view.state < BattleState::Idle {
            assert!(self.rival.is_some(), "a linked battle knows both hosts");
        }
    }
}

/// Returns the battle as both rooms show it while the other one is being asked.
pub(crate) fn first_view(pk: PkId, rooms: [RoomId; 2]) -> BattleView {
    BattleView {
        pk,
        state: BattleState::Inviting,
        start_at: None,
        end_at: None,
        punish_until: None,
        scores: Scores { rooms: rooms.clone(), points: [0, 0] },
        rooms,
        version: 1,
        result: None,
    }
}
