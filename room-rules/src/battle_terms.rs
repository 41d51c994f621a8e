//! What hosts agree on when they link their rooms.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;

/// How a battle goes. Every value is within its limits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "BattlePlan", into = "BattlePlan")]
pub struct BattleTerms(BattlePlan);

/// Terms that nobody has looked at yet.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BattlePlan {
    /// How long gifts score, 10 to 900 seconds.
    pub battle_s: u32,
    /// How long the losers pay, 0 to 300 seconds.
    pub punish_s: u32,
    /// How long the start is counted down, 3 to 60 seconds.
    pub prepare_s: u32,
    /// The last so many seconds, up to 60 and to the whole battle, in which a coin counts more; 0 for none.
    pub rush_s: u32,
    /// How many points a coin is then, 2 to 5; 1 without such seconds.
    pub rush_factor: u32,
    /// What the link is for.
    pub link: LinkKind,
}

/// What rooms are linked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// One battle, at once.
    #[default]
    Battle,
    /// A battle at once; the rooms stay linked after it.
    Stay,
    /// To be on one screen. A host may start battles; the rooms stay linked after them.
    Link,
}

impl BattlePlan {
    const fn is_fine(self) -> bool {
        let no_rush = self.rush_s == 0 && self.rush_factor == 1;
        let rush = self.rush_s >= 1
            && self.rush_s <= 60
            && self.rush_s <= self.battle_s
            && self.rush_factor >= 2
            && self.rush_factor <= 5;
        self.battle_s >= 10
            && self.battle_s <= 900
            && self.punish_s <= 300
            && self.prepare_s >= 3
            && self.prepare_s <= 60
            && (no_rush || rush)
    }
}

impl Default for BattlePlan {
    fn default() -> Self {
        Self {
            battle_s: 300,
            punish_s: 30,
            prepare_s: 3,
            rush_s: 0,
            rush_factor: 1,
            link: LinkKind::Battle,
        }
    }
}

impl BattleTerms {
    /// Takes 10 to 900 seconds of battle and 0 to 300 of punishment; `None` for anything else.
    pub fn new(battle_s: u32, punish_s: u32) -> Option<Self> {
        Self::of(BattlePlan { battle_s, punish_s, ..BattlePlan::default() })
    }

    /// Takes a plan that keeps within its limits; `None` for any other.
    pub fn of(plan: BattlePlan) -> Option<Self> {
        plan.is_fine().then_some(Self(plan))
    }

    /// Returns how long gifts score.
    pub fn battle(self) -> Duration {
        Duration::from_secs(self.0.battle_s.into())
    }

    /// Returns how long the losers pay; zero for not at all.
    pub fn punish(self) -> Duration {
        Duration::from_secs(self.0.punish_s.into())
    }

    /// Returns how long the start is counted down.
    pub(crate) fn prepare(self) -> Duration {
        Duration::from_secs(self.0.prepare_s.into())
    }

    /// Returns how long before the end a coin counts more, and how much.
    pub(crate) fn rush(self) -> Option<(Duration, u32)> {
        let plan = self.0;
        (plan.rush_s > 0).then(|| (Duration::from_secs(plan.rush_s.into()), plan.rush_factor))
    }

    /// Returns what the rooms are linked for.
    pub const fn link(self) -> LinkKind {
        self.0.link
    }
}

impl TryFrom<BattlePlan> for BattleTerms {
    type Error = OutOfLimits;

    fn try_from(plan: BattlePlan) -> Result<Self, OutOfLimits> {
        Self::of(plan).ok_or(OutOfLimits("BattleTerms"))
    }
}

impl From<BattleTerms> for BattlePlan {
    fn from(terms: BattleTerms) -> Self {
        terms.0
    }
}

impl Default for BattleTerms {
    fn default() -> Self {
        Self::of(BattlePlan::default()).expect("the usual terms are fine")
    }
}
