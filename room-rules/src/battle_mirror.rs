//! A battle in the invited room. It shows what the owner says, counts what its own viewers give,
//! and gives up by itself if the owner falls silent past its own deadline.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::battle::{LINKING_FOR, Side, first_view};
use crate::scoreboard::Scoreboard;
use crate::{
    BattleEnd, BattleResult, BattleState, BattleView, Member, PeerMessage, PkId, RejectReason,
    RoomId, Scores, ServerTime,
};

/// How much longer than the owner this room waits.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct BattleMirror {
    board: Scoreboard,
    /// The owner's host.
    rival: Member,
    is_accepted: bool,
    /// What this room's viewers have given in time to `[owner, other]`.
    given: [u64; 2],
    /// When the owner must have been heard of.
    until: ServerTime,
}

impl BattleMirror {
    /// Shows an invitation.
    pub(crate) fn new(
        pk: PkId,
        rooms: [RoomId; 2],
        rival: Member,
        expires_at: ServerTime,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        Self {
            board: Scoreboard::new(first_view(pk, rooms), now, out),
            rival,
            is_accepted: false,
            given: [0; 2],
            until: expires_at + PATIENCE,
        }
    }

    /// Says yes. Saying it again is how a host gets over a letter that was lost.
    pub(crate) fn accept(&mut self, host: Member, live: bool, out: &mut Announcer) {
        self.is_accepted = true;
        self.tell(PeerMessage::Accept { pk: self.pk(), host, live }, out);
    }

    pub(crate) fn reject(&mut self, now: ServerTime, out: &mut Announcer) {
        let reason = RejectReason::Declined;
        self.tell(PeerMessage::Reject { pk: self.pk(), reason }, out);
        self.finish(BattleEnd::Rejected, now, out);
    }

    /// Asks the owner to end the battle; the owner's answer shows what came of it.
    pub(crate) fn end(&self, out: &mut Announcer) {
        self.tell(PeerMessage::End { pk: self.pk() }, out);
    }

    pub(crate) fn handle_mirror(
        &mut self,
        battle: BattleView,
        host: Member,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        // An older view may come late; it says nothing new.
        if battle.version <= self.board.view().version || battle.state < self.board.view().state {
            return;
        }
        self.rival = host;
        self.until = match battle.state {
            BattleState::Inviting | BattleState::Idle => self.until,
            BattleState::Linking => now + LINKING_FOR + PATIENCE,
            BattleState::Preparing => battle.start_at.unwrap_or(now) + PATIENCE,
            BattleState::Battling => battle.end_at.unwrap_or(now) + PATIENCE,
            BattleState::Punishing => battle.punish_until.unwrap_or(now) + PATIENCE,
        };
        self.board.show(battle, now, out);
    }

    /// Counts a gift that a viewer of this room gave to `side`.
    pub(crate) fn handle_gift(
        &mut self,
        side: Side,
        coins: u64,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Scores {
        if self.board.is_scoring(now) {
            self.given[side.index()] += coins;
            self.tell(PeerMessage::Tally { pk: self.pk(), given: self.given }, out);
        }
        self.board.view().scores.clone()
    }

    /// Tells the owner what was given here; the last letter may have been lost.
    pub(crate) fn handle_restart(&self, out: &mut Announcer) {
        if self.given != [0; 2] {
            self.tell(PeerMessage::Tally { pk: self.pk(), given: self.given }, out);
        }
    }

    pub(crate) fn handle_media(&self, live: bool, out: &mut Announcer) {
        if self.is_accepted {
            self.tell(PeerMessage::HostMedia { pk: self.pk(), live }, out);
        }
    }

    /// Takes that the owner's room is no more.
    pub(crate) fn handle_gone(&mut self, now: ServerTime, out: &mut Announcer) {
        self.finish(BattleEnd::Left, now, out);
    }

    /// Leaves because this room ends.
    pub(crate) fn leave(&mut self, now: ServerTime, out: &mut Announcer) {
        self.tell(PeerMessage::Gone { pk: self.pk() }, out);
        self.finish(BattleEnd::Left, now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.board.handle_timeout(now, out);
        if !self.is_over() && now >= self.until {
            self.tell(PeerMessage::Gone { pk: self.pk() }, out);
            let reason = match self.state() {
                BattleState::Inviting => BattleEnd::Timeout,
                BattleState::Linking
                | BattleState::Preparing
                | BattleState::Battling
                | BattleState::Punishing
                | BattleState::Idle => BattleEnd::Left,
            };
            self.finish(reason, now, out);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let until = (!self.is_over()).then_some(self.until);
        [until, self.board.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) const fn board(&self) -> &Scoreboard {
        &self.board
    }

    pub(crate) const fn rival(&self) -> &Member {
        &self.rival
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state() == BattleState::Idle
    }

    /// Ends this room's view of the battle without the owner, who alone could name a winner or a
    /// new version.
    fn finish(&mut self, reason: BattleEnd, now: ServerTime, out: &mut Announcer) {
        let before = self.board.view().clone();
        let result = before.result.clone().or(Some(BattleResult { winner: None, reason }));
        let next = BattleView { state: BattleState::Idle, result, ..before };
        self.board.show(next, now, out);
    }

    fn tell(&self, message: PeerMessage, out: &mut Announcer) {
        out.post(&self.board.view().rooms[Side::Owner.index()], message);
    }

    fn pk(&self) -> PkId {
        self.board.view().pk.clone()
    }

    const fn state(&self) -> BattleState {
        self.board.view().state
    }
}
