//! Who gave most. Of two who gave as much, whoever got there first stands higher.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::{BattleTop, UserId};

/// Full: who gives for the first time is counted in the totals and not ranked.
const RANKED_MAX: usize = 100_000;

/// A ranking of users by what they gave.
#[derive(Debug, Default)]
pub(crate) struct Leaderboard {
    standings: HashMap<UserId, Standing>,
    order: BTreeSet<Place>,
}

impl Leaderboard {
    /// Counts what `user` gave at `turn`. It makes no difference in which order turns are counted.
    pub(crate) fn give(&mut self, user: &UserId, name: &Arc<str>, amount: u64, turn: u64) {
        if !self.standings.contains_key(user) && self.standings.len() >= RANKED_MAX {
            return;
        }
        let new = || Standing { name: name.clone(), amount: 0, since: 0 };
        let standing = self.standings.entry(user.clone()).or_insert_with(new);
        self.order.remove(&standing.place(user));
        standing.amount += amount;
        if turn >= standing.since {
            // The newest token counts.
            (standing.since, standing.name) = (turn, name.clone());
        }
        self.order.insert(standing.place(user));
    }

    /// Returns the first of them with what they gave, best first.
    pub(crate) fn top(&self, count: usize) -> impl Iterator<Item = (&UserId, &Arc<str>, u64)> {
        let first = self.order.iter().take(count);
        first.map(|(Reverse(amount), _, user)| (user, &self.standings[user].name, *amount))
    }

    /// Returns how many are ranked.
    pub(crate) fn len(&self) -> usize {
        self.standings.len()
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.standings.len(), self.order.len(), "everybody has one place");
    }
}

#[derive(Debug)]
struct Standing {
    name: Arc<str>,
    amount: u64,
    /// The turn in which this was reached.
    since: u64,
}

type Place = (Reverse<u64>, u64, UserId);

impl Standing {
    fn place(&self, user: &UserId) -> Place {
        (Reverse(self.amount), self.since, user.clone())
    }
}

/// Somebody on a leaderboard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contributor {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// What they gave.
    pub coins: u64,
}

/// The leaderboards of a room, with the totals behind them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaders {
    /// Gifts given in this room.
    pub gifts: u64,
    /// What they cost.
    pub coins: u64,
    /// Users who gave something.
    pub senders: u64,
    /// Who gave most, best first.
    pub top: Vec<Contributor>,
    /// Who gave most in the present or last battle, once somebody has.
    pub battle: Option<BattleTop>,
}
