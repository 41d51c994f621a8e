//! Who gave most in a battle, in all its rooms together. The owner of the battle keeps it: each other
//! room says what its own viewers gave, as totals, so hearing something twice, late or never adds
//! nothing wrong. Who gives in several rooms stands on it once, with all of it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::leaderboard::Leaderboard;
use crate::{Member, PeerGiver, PkId, RoomId, ServerTime, UserId};

/// How many of each side everybody is told of.
const TOLD: usize = 3;

#[derive(Debug)]
pub(crate) struct BattleBoard {
    /// By the side they gave to.
    sides: Vec<Leaderboard>,
    /// The newest total of each giver, by the room that says so and the side they gave to.
    heard: HashMap<(usize, usize, UserId), u64>,
}

impl BattleBoard {
    pub(crate) fn new(sides: usize) -> Self {
        let sides = (0..sides).map(|_| Leaderboard::default()).collect();
        Self { sides, heard: HashMap::new() }
    }

    /// Forgets everything, because a new battle begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.sides.len());
    }

    /// Counts a gift that was given in the owner's own room.
    pub(crate) fn give(&mut self, to: usize, by: &Member, points: u64, now: ServerTime) {
        self.sides[to].give(&by.user, &by.name, points, now.unix_millis());
    }

    /// Takes what a giver has given in the room of side `from`.
    pub(crate) fn hear(&mut self, from: usize, giver: &PeerGiver) {
        let PeerGiver { side, user, name, points, at } = giver;
        let Some(board) = self.sides.get_mut(*side) else { return };
        let heard = self.heard.entry((from, *side, user.clone())).or_default();
        if *points > *heard {
            board.give(user, name, *points - *heard, at.unix_millis());
            *heard = *points;
        }
    }

    /// Returns the first `count` of each side, best first.
    pub(crate) fn top(&self, count: usize) -> Vec<Vec<Giver>> {
        let giver = |(user, name, points): (&UserId, &Arc<str>, u64)| Giver {
            user: user.clone(),
            name: name.clone(),
            points,
        };
        self.sides.iter().map(|side| side.top(count).map(giver).collect()).collect()
    }

    /// Returns those whom everybody is told of.
    pub(crate) fn told(&self) -> Vec<Vec<Giver>> {
        self.top(TOLD)
    }
}

/// Somebody who gave in a battle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Giver {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// The points that they gave to one side.
    pub points: u64,
}

/// Who gave most in a battle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BattleTop {
    /// Which battle.
    pub pk: PkId,
    /// The inviter's room, which knows of more givers than the others.
    pub owner: RoomId,
    /// By the side they gave to, best first.
    pub sides: Vec<(RoomId, Vec<Giver>)>,
}
