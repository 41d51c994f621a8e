//! Who gave most. Of two who gave as much, whoever got there first stands higher.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::{BattleTop, Member, UserId};

/// Full: who gives for the first time is counted in the totals and not ranked.
const RANKED_MAX: usize = 100_000;

/// A ranking of users by the coins that they gave.
#[derive(Debug, Default)]
pub(crate) struct Leaderboard {
    standings: HashMap<UserId, Standing>,
    order: BTreeSet<Place>,
    /// Counts gifts, so that it is known who got where first.
    turn: u64,
}

impl Leaderboard {
    /// Counts a gift.
    pub(crate) fn give(&mut self, member: &Member, coins: u64) {
        if !self.standings.contains_key(&member.user) && self.standings.len() >= RANKED_MAX {
            return;
        }
        self.turn += 1;
        let standing = self.standings.entry(member.user.clone()).or_insert_with(|| Standing {
            name: member.name.clone(),
            coins: 0,
            since: 0,
        });
        self.order.remove(&standing.place(&member.user));
        standing.coins += coins;
        standing.since = self.turn;
        // The newest token counts.
        standing.name = member.name.clone();
        self.order.insert(standing.place(&member.user));
    }

    /// Returns the first `count`, best first.
    pub(crate) fn top(&self, count: usize) -> Vec<Contributor> {
        let contributor = |place: &Place| {
            let (Reverse(coins), _, user) = place;
            let name = self.standings[user].name.clone();
            Contributor { user: user.clone(), name, coins: *coins }
        };
        self.order.iter().take(count).map(contributor).collect()
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
    coins: u64,
    /// The turn in which this was reached.
    since: u64,
}

type Place = (Reverse<u64>, u64, UserId);

impl Standing {
    fn place(&self, user: &UserId) -> Place {
        (Reverse(self.coins), self.since, user.clone())
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
