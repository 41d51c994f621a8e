//! A link between two to nine rooms and the battles (PK) that they fight, as the inviter's room owns it.
//!
//! Gifts score by the moment at which their room took them, strictly before `end_at`. Each other room
//! counts its own viewers' gifts and reports totals, so a lost or repeated letter cannot make a wrong
//! score, and the battle waits a moment after `end_at` for the last totals on their way.
//!
//! ```text
//!           all answered, 30 s, start             start          start_at
//! Inviting ─────────────────────▶ Linking ─▶ Linked ─▶ Preparing ─▶ Battling
//!    │ nobody came               5 s │ └──────▶─▲─────────▲ │ hang up  │ end_at, all but one surrendered
//!    ▼                               ▼          │           ▼          ▼
//!   Idle ◀───────────────────────────┴──────────┼───────── draw ── Punishing
//!    ▲                                          └─ the link may outlast the battle ─┘ │
//!    └────────────────────────────────────────────────────────────────────────────────┘
//! ```

mod post;
mod sides;

use std::time::Duration;

use crate::announcer::Announcer;
use crate::battle_board::BattleBoard;
use crate::pace::Throttle;
use crate::resend::Resend;
use crate::scoreboard::Scoreboard;
use crate::{
    BattleEnd, BattleResult, BattleState, BattleTerms, BattleView, LinkKind, Member, PkId, RoomId,
    Rush, Scores, ServerTime, SideState,
};

pub(crate) const INVITING_FOR: Duration = Duration::from_secs(30);
pub(crate) const LINKING_FOR: Duration = Duration::from_secs(5);
/// How long the last totals may be on their way after the end: longer than a busy disk takes for them.
const SETTLING_FOR: Duration = Duration::from_secs(3);
/// Scores go out at most ten times a second, however fast the gifts come.
const SCORE_EVERY: Duration = Duration::from_millis(100);
/// Who has not answered is asked again: a no may be lost.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A room of a link in which nothing has a deadline is gone if it is not heard of for so long.
pub(crate) const ALIVE_FOR: Duration = Duration::from_secs(45);
/// How long rooms that have not heard of the end are told of it.
const PARTING_FOR: Duration = Duration::from_secs(60);
/// The inviter's side.
pub(crate) const OWNER: usize = 0;

#[derive(Debug)]
pub(crate) struct Battle {
    /// The truth; what is shown follows.
    view: BattleView,
    board: Scoreboard,
    terms: BattleTerms,
    /// What the owner knows of each side besides what everybody sees.
    sides: Vec<Side>,
    givers: BattleBoard,
    /// When the present state ends by itself.
    until: Option<ServerTime>,
    ask_at: Option<ServerTime>,
    score_told: Throttle,
    /// The version that all rooms must have seen; newer ones bring scores only.
    must_see: u64,
    resend: Resend,
}

#[derive(Debug)]
struct Side {
    on_air: bool,
    /// The number of its newest report and of its newest wish, and when it was heard last.
    heard: u64,
    wished: u64,
    heard_at: ServerTime,
    /// The newest version that it has seen.
    seen: u64,
    /// Once it is out: the version by which it hears so.
    parting: Option<u64>,
    /// What the viewers of this room have given to each side.
    given: Vec<u64>,
    /// Whether nothing comes to that any more.
    is_final: bool,
}

impl Battle {
    /// Asks the other rooms; `host` is on air.
    pub(crate) fn invite(
        pk: PkId,
        rooms: Vec<RoomId>,
        terms: BattleTerms,
        host: Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let count = rooms.len();
        let view = BattleView::new(pk, rooms, host);
        let side = |at: usize| Side {
            on_air: at == OWNER,
            heard: 0,
            wished: 0,
            heard_at: now,
            seen: 0,
            parting: None,
            given: vec![0; count],
            is_final: false,
        };
        let battle = Self {
            board: Scoreboard::new(view.clone(), now, out),
            view,
            terms,
            sides: (0..count).map(side).collect(),
            givers: BattleBoard::new(count),
            until: Some(now + INVITING_FOR),
            ask_at: Some(now + ASK_EVERY),
            score_told: Throttle::new(SCORE_EVERY),
            must_see: 0,
            resend: Resend::default(),
        };
        battle.ask(out);
        battle
    }

    /// Takes that a host came on air or went off. A host who is lost does not lose: the battle goes on
    /// without them.
    pub(crate) fn handle_media(
        &mut self,
        side: usize,
        live: bool,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.sides[side].on_air = live;
        self.link(now, out);
    }

    /// Counts a gift that a viewer of the owner's room gave to `side`.
    pub(crate) fn handle_gift(
        &mut self,
        side: usize,
        by: &Member,
        coins: u64,
        now: ServerTime,
    ) -> Scores {
        if self.view.is_scoring(now) {
            let points = coins * self.view.factor(now);
            self.sides[OWNER].given[side] += points;
            self.givers.give(side, by, points, now);
            self.score_told.touch(now);
        }
        self.scores()
    }

    /// Takes the challenge back.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) {
        assert_eq!(self.state(), BattleState::Inviting);
        self.finish(None, BattleEnd::Cancelled, now, out);
    }

    /// Begins: without those who have not answered, or a battle of rooms that are linked. Returns
    /// whether it was time for that.
    pub(crate) fn start(&mut self, side: usize, now: ServerTime, out: &mut Announcer) -> bool {
        match self.state() {
            BattleState::Inviting if side == OWNER && self.view.present() > 1 => {
                self.give_up_on_silent(BattleEnd::Cancelled);
                self.enter_linking(now, out);
                true
            }
            BattleState::Linked if self.is_present(side) => {
                self.prepare(now, out);
                true
            }
            BattleState::Inviting
            | BattleState::Linking
            | BattleState::Linked
            | BattleState::Preparing
            | BattleState::Battling
            | BattleState::Punishing
            | BattleState::Idle => false,
        }
    }

    /// Surrenders for `side` while it matters; hangs up otherwise.
    pub(crate) fn end(&mut self, side: usize, now: ServerTime, out: &mut Announcer) {
        if !self.is_present(side) {
            return;
        }
        match self.state() {
            // The score has decided already; only the last totals are still on their way.
            BattleState::Battling if self.is_time_up(now) => {}
            BattleState::Battling => {
                self.view.sides[side].state = SideState::Surrendered;
                if !self.decide_if_one_is_left(BattleEnd::Surrender, now, out) {
                    self.publish(now, out);
                }
            }
            BattleState::Linking | BattleState::Linked | BattleState::Preparing => {
                self.let_go(side, BattleEnd::Cancelled, now, out);
            }
            // Whoever is still linked after the punishment may want it shorter; who pays may not, unless
            // they leave a link of more.
            BattleState::Punishing if self.view.present() == 2 || self.has_won(side) => {
                self.conclude(now, out);
            }
            BattleState::Punishing => self.let_go(side, BattleEnd::Cancelled, now, out),
            BattleState::Inviting | BattleState::Idle => {}
        }
    }

    /// Ends all of it, because the platform says so.
    pub(crate) fn force(&mut self, now: ServerTime, out: &mut Announcer) {
        if !self.is_over() {
            self.finish(None, BattleEnd::Forced, now, out);
        }
    }

    /// Takes that the room of `side` is no more, or wants no part in this any more. Who leaves while it
    /// matters loses; without the owner nothing goes on.
    pub(crate) fn handle_gone(&mut self, side: usize, now: ServerTime, out: &mut Announcer) {
        self.sides[side].parting = Some(0);
        match self.state() {
            BattleState::Inviting if side == OWNER => {
                self.finish(None, BattleEnd::Left, now, out);
            }
            BattleState::Inviting => self.handle_no(side, BattleEnd::Unreachable, now, out),
            BattleState::Linking | BattleState::Linked | BattleState::Preparing => {
                self.let_go(side, BattleEnd::Left, now, out);
            }
            BattleState::Battling if self.is_time_up(now) => {
                self.settle(self.leader(), BattleEnd::Time, now, out);
                self.let_go(side, BattleEnd::Left, now, out);
            }
            BattleState::Battling if self.is_present(side) => {
                self.set_out(side, BattleEnd::Left);
                if side == OWNER || self.view.present() == 1 {
                    self.finish(self.leader(), BattleEnd::Left, now, out);
                } else if !self.decide_if_one_is_left(BattleEnd::Left, now, out) {
                    self.publish(now, out);
                }
            }
            BattleState::Punishing => self.let_go(side, BattleEnd::Left, now, out),
            BattleState::Battling | BattleState::Idle => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.board.handle_timeout(now, out);
        while !self.is_over() && self.until.is_some_and(|until| now >= until) {
            self.handle_deadline(now, out);
        }
        self.look_after_letters(now, out);
        if self.score_told.take(now) {
            self.publish(now, out);
        }
        self.check();
    }

    fn handle_deadline(&mut self, now: ServerTime, out: &mut Announcer) {
        match self.state() {
            BattleState::Inviting => {
                self.give_up_on_silent(BattleEnd::Timeout);
                self.weigh_answers(BattleEnd::Timeout, now, out);
            }
            BattleState::Linking => self.give_up_on_unseen(now, out),
            BattleState::Preparing => {
                let end_at = self.view.end_at.expect("set when preparing began");
                self.enter(BattleState::Battling, Some(end_at), now, out);
            }
            BattleState::Battling if self.is_waiting_for_totals(now) => {
                self.until = self.view.end_at.map(|end_at| end_at + SETTLING_FOR);
            }
            BattleState::Battling => self.settle(self.leader(), BattleEnd::Time, now, out),
            BattleState::Punishing => self.conclude(now, out),
            BattleState::Linked | BattleState::Idle => unreachable!("it waits for nothing"),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let (letters, board) = (self.letters_due(), self.board.poll_timeout());
        let until = self.until.filter(|_| !self.is_over());
        [until, letters, board, self.score_told.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) const fn board(&self) -> &Scoreboard {
        &self.board
    }

    pub(crate) const fn terms(&self) -> BattleTerms {
        self.terms
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state() == BattleState::Idle
    }

    fn enter_linking(&mut self, now: ServerTime, out: &mut Announcer) {
        self.ask_at = None;
        self.enter(BattleState::Linking, Some(now + LINKING_FOR), now, out);
        self.link(now, out);
    }

    fn link(&mut self, now: ServerTime, out: &mut Announcer) {
        let is_ready = |side: usize| !self.is_present(side) || self.sides[side].on_air;
        if self.state() != BattleState::Linking || !(0..self.sides.len()).all(is_ready) {
            return;
        }
        match self.terms.link() {
            LinkKind::Battle | LinkKind::Stay => self.prepare(now, out),
            LinkKind::Link => self.rest(now, out),
        }
    }

    /// Is linked, and nothing more. Only that somebody is not heard of ends it.
    fn rest(&mut self, now: ServerTime, out: &mut Announcer) {
        for side in &mut self.sides {
            side.heard_at = now;
        }
        self.enter(BattleState::Linked, None, now, out);
    }

    /// Counts down to a battle. Whatever was before it is forgotten.
    fn prepare(&mut self, now: ServerTime, out: &mut Announcer) {
        for side in &mut self.sides {
            side.given.fill(0);
            side.is_final = false;
        }
        self.givers.clear();
        for side in self.view.sides.iter_mut().filter(|side| side.state.is_present()) {
            side.state = SideState::In;
        }
        let start_at = now + self.terms.prepare();
        let end_at = start_at + self.terms.battle();
        let rush = |(span, factor)| Rush { from: end_at.before(span), factor };
        self.view.rush = self.terms.rush().map(rush);
        (self.view.start_at, self.view.end_at) = (Some(start_at), Some(end_at));
        (self.view.punish_until, self.view.result) = (None, None);
        self.view.round += 1;
        self.enter(BattleState::Preparing, Some(start_at), now, out);
    }

    fn enter(
        &mut self,
        state: BattleState,
        until: Option<ServerTime>,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.until = until;
        self.view.state = state;
        self.publish(now, out);
    }

    /// Decides the battle; the losers pay unless nobody won or nothing was asked.
    fn settle(
        &mut self,
        winner: Option<usize>,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.decide(winner, reason);
        if winner.is_none() || self.terms.punish().is_zero() {
            self.conclude(now, out);
            return;
        }
        let punish_until = now + self.terms.punish();
        self.view.punish_until = Some(punish_until);
        self.enter(BattleState::Punishing, Some(punish_until), now, out);
    }

    /// Goes back to the link after a battle, or ends all of it.
    fn conclude(&mut self, now: ServerTime, out: &mut Announcer) {
        let stays = match self.terms.link() {
            LinkKind::Battle => false,
            LinkKind::Stay | LinkKind::Link => self.view.present() > 1 && self.is_present(OWNER),
        };
        if stays {
            self.rest(now, out);
        } else {
            self.enter(BattleState::Idle, None, now, out);
        }
    }

    fn finish(
        &mut self,
        winner: Option<usize>,
        reason: BattleEnd,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        self.decide(winner, reason);
        self.enter(BattleState::Idle, None, now, out);
    }

    /// Says how the battle came out, unless that was said before.
    fn decide(&mut self, winner: Option<usize>, reason: BattleEnd) {
        if self.view.result.is_none() {
            let winner = winner.map(|side| self.room(side).clone());
            self.view.result = Some(BattleResult { winner, reason });
        }
    }

    /// Returns whether the totals of some room may still change the score, and there is time for them.
    fn is_waiting_for_totals(&self, now: ServerTime) -> bool {
        let end_at = self.view.end_at.expect("set when preparing began");
        let is_open = |side: usize| self.is_present(side) && !self.sides[side].is_final;
        now < end_at + SETTLING_FOR && (1..self.sides.len()).any(is_open)
    }

    /// Returns whether gifts no longer score, though the result may not be known yet.
    fn is_time_up(&self, now: ServerTime) -> bool {
        self.view.end_at.is_some_and(|end_at| now >= end_at)
    }

    const fn state(&self) -> BattleState {
        self.view.state
    }

    fn check(&self) {
        let (view, shown) = (&self.view, self.board.view());
        let may_have = match view.state {
            BattleState::Punishing | BattleState::Idle => view.result.is_some(),
            BattleState::Linked => view.result.is_some() == (view.round > 0),
            BattleState::Inviting
            | BattleState::Linking
            | BattleState::Preparing
            | BattleState::Battling => view.result.is_none(),
        };
        assert!(may_have, "a battle has a result once it is decided: {view:?}");
        assert_eq!(view, shown, "what is not told is not so");
        let hosts = view.sides.iter().filter(|side| side.state.is_present());
        assert!(hosts.into_iter().all(|side| side.host.is_some()), "who takes part has a host");
        let goes_on = !matches!(view.state, BattleState::Inviting | BattleState::Idle);
        assert!(!goes_on || view.present() > 1, "nobody is linked with themselves");
    }
}
