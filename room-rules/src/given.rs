//! What the viewers of a room that does not own the battle have given in it: points by side, and who
//! gave them. The owner is told the totals of those givers of whom it has not heard that it has the
//! newest: a report tells all that an earlier one told and that may not have arrived, and no more.

use std::collections::{BTreeMap, HashMap};

use crate::{Member, PeerGiver, ServerTime, UserId};

/// Full: who gives for the first time counts in the points and is not ranked, as in a leaderboard.
const GIVERS_MAX: usize = 100_000;

/// A side, and who gave to it.
type Key = (usize, UserId);

#[derive(Debug)]
pub(crate) struct Given {
    points: Vec<u64>,
    givers: HashMap<Key, PeerGiver>,
    /// Whose totals the owner may not know, with the number of the first report that tells them. As
    /// many as give between a report and its answer.
    unheard: BTreeMap<Key, u64>,
}

impl Given {
    pub(crate) fn new(sides: usize) -> Self {
        Self { points: vec![0; sides], givers: HashMap::new(), unheard: BTreeMap::new() }
    }

    /// Forgets everything, because a new battle begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.points.len());
    }

    /// Counts a gift of `points` to `side`, which report number `report` will tell.
    pub(crate) fn give(
        &mut self,
        side: usize,
        by: &Member,
        points: u64,
        now: ServerTime,
        report: u64,
    ) {
        self.points[side] += points;
        let key = (side, by.user.clone());
        if !self.givers.contains_key(&key) && self.givers.len() >= GIVERS_MAX {
            return;
        }
        let giver = self.givers.entry(key.clone()).or_insert_with(|| PeerGiver {
            side,
            user: by.user.clone(),
            name: by.name.clone(),
            points: 0,
            at: now,
        });
        giver.points += points;
        (giver.name, giver.at) = (by.name.clone(), now);
        self.unheard.insert(key, report);
    }

    /// Takes that the owner has heard report number `report`.
    pub(crate) fn handle_heard(&mut self, report: u64) {
        self.unheard.retain(|_, told_by| *told_by > report);
    }

    /// Returns the points by side.
    pub(crate) fn points(&self) -> &[u64] {
        &self.points
    }

    /// Returns the givers of whom the owner may not have heard.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = &PeerGiver> {
        self.unheard.keys().map(|key| &self.givers[key])
    }
}
