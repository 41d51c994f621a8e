//! A link of rooms, and their battle, as everyone sees it.

use serde::{Deserialize, Serialize};

use crate::{Giver, Member, PkId, RoomId, ServerTime};

/// A battle as everyone sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BattleView {
    /// Which.
    pub pk: PkId,
    /// How far it is.
    pub state: BattleState,
    /// The rooms, the inviter's first; they keep their places.
    pub sides: Vec<SideView>,
    /// Which battle of the link this is, from 1; 0 before the first.
    pub round: u32,
    /// When gifts begin to score, once known.
    pub start_at: Option<ServerTime>,
    /// The first instant at which gifts no longer score, once known.
    pub end_at: Option<ServerTime>,
    /// When a coin begins to count more, once known, if it ever does.
    pub rush: Option<Rush>,
    /// When the punishment ends, once known.
    pub punish_until: Option<ServerTime>,
    /// The score.
    pub scores: Scores,
    /// Who gave most to each side in all rooms together, best first; the sides in their places.
    pub top: Vec<Vec<Giver>>,
    /// Rises with every change the owner makes; equal versions have equal scores in all rooms.
    pub version: u64,
    /// How it came out, once it has; of the battle before while the next is not decided.
    pub result: Option<BattleResult>,
}

impl BattleView {
    /// Returns a battle to which every room but the first is being asked.
    pub(crate) fn new(pk: PkId, rooms: Vec<RoomId>, host: Member) -> Self {
        let side = |room: &RoomId| SideView {
            room: room.clone(),
            host: None,
            state: SideState::Asked,
            reason: None,
        };
        let mut sides: Vec<SideView> = rooms.iter().map(side).collect();
        sides[0].state = SideState::In;
        sides[0].host = Some(host);
        Self {
            pk,
            state: BattleState::Inviting,
            sides,
            round: 0,
            start_at: None,
            end_at: None,
            rush: None,
            punish_until: None,
            top: vec![Vec::new(); rooms.len()],
            scores: Scores { points: vec![0; rooms.len()], rooms },
            version: 1,
            result: None,
        }
    }

    /// Returns the place of a room.
    pub fn side_of(&self, room: &RoomId) -> Option<usize> {
        self.sides.iter().position(|side| side.room == *room)
    }

    /// Returns the rooms, the inviter's first.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.sides.iter().map(|side| &side.room)
    }

    /// Returns how many rooms share the screen, or would.
    pub(crate) fn present(&self) -> usize {
        self.sides.iter().filter(|side| side.state.is_present()).count()
    }

    /// Returns whether a gift given at `now` scores. The deadlines decide, not the state, because a
    /// view may be on its way while its deadline passes.
    pub(crate) fn is_scoring(&self, now: ServerTime) -> bool {
        let is_undecided = match self.state {
            BattleState::Preparing | BattleState::Battling => true,
            BattleState::Inviting
            | BattleState::Linking
            | BattleState::Linked
            | BattleState::Punishing
            | BattleState::Idle => false,
        };
        is_undecided
            && self.start_at.is_some_and(|start_at| now >= start_at)
            && self.end_at.is_some_and(|end_at| now < end_at)
    }

    /// Returns whether nothing but the score is other than it was `before`, and who made it.
    pub(crate) fn only_scores_since(&self, before: &Self) -> bool {
        let Self { scores, top, version, .. } = before.clone();
        Self { scores, top, version, ..self.clone() } == *before
    }

    /// Returns how many points a coin is at `now`.
    pub(crate) fn factor(&self, now: ServerTime) -> u64 {
        self.rush.filter(|rush| now >= rush.from).map_or(1, |rush| rush.factor.into())
    }
}

/// How far a battle is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BattleState {
    /// Other rooms have been asked.
    Inviting,
    /// Waiting for all hosts to be on air.
    Linking,
    /// All are on one screen, and nothing is fought out.
    Linked,
    /// The start of a battle is being counted down.
    Preparing,
    /// Gifts score.
    Battling,
    /// It is decided; the losers pay.
    Punishing,
    /// It is over.
    Idle,
}

/// One room of a battle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SideView {
    /// Which.
    pub room: RoomId,
    /// Its host, once they have said yes.
    pub host: Option<Member>,
    /// Whether it takes part.
    pub state: SideState,
    /// Why it is out, if it is.
    pub reason: Option<BattleEnd>,
}

/// Whether a room takes part in a battle.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideState {
    /// It has not answered.
    Asked,
    /// It takes part.
    In,
    /// It takes part, and cannot win this battle any more.
    Surrendered,
    /// It is not a part of it any more.
    Out,
}

impl SideState {
    /// Returns whether its host is on the screen, or would be.
    pub(crate) const fn is_present(self) -> bool {
        matches!(self, Self::In | Self::Surrendered)
    }
}

/// The last moments of a battle, when a coin counts more.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rush {
    /// The first instant.
    pub from: ServerTime,
    /// How many points a coin is from then on.
    pub factor: u32,
}

/// The points of the sides of a battle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Scores {
    /// The rooms, the inviter's first.
    pub rooms: Vec<RoomId>,
    /// Their points, in the same order.
    pub points: Vec<u64>,
}

/// How a battle came out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BattleResult {
    /// The room that won; `None` for a draw, or if nothing was decided.
    pub winner: Option<RoomId>,
    /// Why it is over.
    pub reason: BattleEnd,
}

/// Why a battle is over, or a room is out of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BattleEnd {
    /// The time was up.
    Time,
    /// All but one gave up.
    Surrender,
    /// A room ended.
    Left,
    /// The other host said no.
    Rejected,
    /// It was called off before it was decided, or somebody hung up.
    Cancelled,
    /// The other room did not answer.
    Timeout,
    /// The hosts were not all on air in time.
    LinkFailed,
    /// The other room is in another battle.
    Busy,
    /// The other room does not exist or is not on air.
    Unreachable,
    /// The platform ended it.
    Forced,
}
