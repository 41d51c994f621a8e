//! Gifts of one kind that one user gives in one go count up: x2, x3, x10.
//!
//! The surprise is that a combo ends by time alone, and that its end is told: whoever has heard the
//! end of every combo knows how many gifts there were, however many messages were lost before.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::{GiftId, Member, RoomId, ServerTime, UserId};

/// A pause of three seconds still goes on with the combo.
const ENDS_AFTER: Duration = Duration::from_millis(3_001);
const COMBOS_MAX: usize = 4_096;

/// The combos that go on.
#[derive(Debug, Default)]
pub(crate) struct Combos {
    /// Full: the one that would end first ends now; the next gift of its giver begins another.
    going: HashMap<Giving, Combo>,
    /// The same combos by when they end.
    ends: BTreeSet<(ServerTime, u64, Giving)>,
    begun: u64,
}

impl Combos {
    /// Counts gifts; returns the combo they belong to and one that had to make room for it.
    pub(crate) fn give(
        &mut self,
        giving: Giving,
        member: &Member,
        count: u32,
        now: ServerTime,
    ) -> (Combo, Option<Combo>) {
        let crowded_out = if self.going.len() >= COMBOS_MAX && !self.going.contains_key(&giving) {
            self.ends.first().map(|(end, ..)| *end).and_then(|end| self.take_ended(end))
        } else {
            None
        };
        let combo = self.going.entry(giving.clone()).or_insert_with(|| {
            self.begun += 1;
            let name = member.name.clone();
            Combo { id: self.begun, giving: giving.clone(), name, count: 0, ends_at: now }
        });
        self.ends.remove(&(combo.ends_at, combo.id, giving.clone()));
        combo.count += u64::from(count);
        combo.ends_at = now + ENDS_AFTER;
        self.ends.insert((combo.ends_at, combo.id, giving));
        (combo.clone(), crowded_out)
    }

    /// Returns a combo that is over at `now`, each one once, the first to end first.
    pub(crate) fn take_ended(&mut self, now: ServerTime) -> Option<Combo> {
        let (ends_at, ..) = self.ends.first()?;
        if now < *ends_at {
            return None;
        }
        let (_, _, giving) = self.ends.pop_first().expect("there is a first one");
        self.going.remove(&giving)
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.ends.first().map(|(ends_at, ..)| *ends_at)
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.going.len(), self.ends.len(), "every combo ends");
        assert!(self.going.len() <= COMBOS_MAX);
    }
}

/// What makes gifts belong together.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Giving {
    pub(crate) user: UserId,
    pub(crate) gift: GiftId,
    pub(crate) to: RoomId,
}

/// One combo as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Combo {
    /// Counts the combos of the room.
    pub(crate) id: u64,
    pub(crate) giving: Giving,
    /// The giver's name.
    pub(crate) name: Arc<str>,
    /// Gifts so far.
    pub(crate) count: u64,
    /// The first instant at which a gift begins another combo.
    ends_at: ServerTime,
}
