//! Who of this room gave most in a battle, by the side they gave to. It lasts until the next battle
//! begins to score, so that the result can be looked at.

use std::collections::BTreeMap;

use crate::leaderboard::Leaderboard;
use crate::{Contributor, Member, PkId, RoomId};

#[derive(Debug, Default)]
pub(crate) struct BattleBoard {
    pk: Option<PkId>,
    /// As many as the battle has sides.
    sides: BTreeMap<RoomId, Leaderboard>,
}

impl BattleBoard {
    /// Counts a gift that scores for `to` in battle `pk`.
    pub(crate) fn give(&mut self, pk: &PkId, to: &RoomId, member: &Member, coins: u64) {
        if self.pk.as_ref() != Some(pk) {
            self.pk = Some(pk.clone());
            self.sides.clear();
        }
        self.sides.entry(to.clone()).or_default().give(member, coins);
    }

    /// Returns the first `count` of each side, best first.
    pub(crate) fn top(&self, count: usize) -> Option<BattleTop> {
        let pk = self.pk.clone()?;
        let side = |(room, board): (&RoomId, &Leaderboard)| (room.clone(), board.top(count));
        Some(BattleTop { pk, sides: self.sides.iter().map(side).collect() })
    }
}

/// Who gave most in a battle, among the members of one room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BattleTop {
    /// Which battle.
    pub pk: PkId,
    /// By the side they gave to, best first; a side to which nobody gave is left out.
    pub sides: Vec<(RoomId, Vec<Contributor>)>,
}
