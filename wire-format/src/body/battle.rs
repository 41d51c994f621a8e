//! Links and battles.

use std::collections::BTreeMap;

use room_rules::{
    BattleEnd, BattleResult, BattleState, BattleTop, BattleView, Giver, PkId, RoomId, Rush, Scores,
    ServerTime, SideState, SideView,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `d` of `pk.score`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "PkScore")]
pub(crate) struct ScoreBody<'a> {
    pk: &'a str,
    version: u64,
    scores: ScoresBody<'a>,
    /// Who gave most, if that is other than it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    top: Option<GiversBody<'a>>,
}

impl<'a> ScoreBody<'a> {
    pub(crate) fn new(
        pk: &'a PkId,
        version: u64,
        scores: &'a Scores,
        top: Option<&'a [Vec<Giver>]>,
    ) -> Self {
        let top = top.map(|top| givers(scores.rooms.iter().zip(top.iter().map(Vec::as_slice))));
        Self { pk: pk.as_str(), version, scores: scores_body(scores), top }
    }
}

/// `Battle`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Battle")]
pub(crate) struct BattleBody<'a> {
    pk: &'a str,
    state: &'static str,
    rooms: Vec<&'a str>,
    sides: Vec<SideBody<'a>>,
    round: u32,
    start_at: Option<u64>,
    end_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rush: Option<RushBody>,
    scores: ScoresBody<'a>,
    /// Who gave most to each side, once anybody has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    top: GiversBody<'a>,
    version: u64,
    result: Option<ResultBody<'a>>,
}

impl<'a> From<&'a BattleView> for BattleBody<'a> {
    fn from(battle: &'a BattleView) -> Self {
        let state = match battle.state {
            BattleState::Inviting => "inviting",
            BattleState::Linking => "linking",
            BattleState::Linked => "linked",
            BattleState::Preparing => "preparing",
            BattleState::Battling => "battling",
            BattleState::Punishing => "punishing",
            BattleState::Idle => "idle",
        };
        Self {
            pk: battle.pk.as_str(),
            state,
            rooms: battle.rooms().map(RoomId::as_str).collect(),
            sides: battle.sides.iter().map(Into::into).collect(),
            round: battle.round,
            start_at: battle.start_at.map(ServerTime::unix_millis),
            end_at: battle.end_at.map(ServerTime::unix_millis),
            rush: battle.rush.map(Into::into),
            scores: scores_body(&battle.scores),
            top: givers(battle.rooms().zip(battle.top.iter().map(Vec::as_slice))),
            version: battle.version,
            result: battle.result.as_ref().map(Into::into),
        }
    }
}

/// `BattleSide`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BattleSide")]
struct SideBody<'a> {
    room: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<'a> From<&'a SideView> for SideBody<'a> {
    fn from(side: &'a SideView) -> Self {
        let state = match side.state {
            SideState::Asked => "asked",
            SideState::In => "in",
            SideState::Surrendered => "surrendered",
            SideState::Out => "out",
        };
        Self {
            room: side.room.as_str(),
            state,
            host: side.host.as_ref().map(|host| host.user.as_str()),
            name: side.host.as_ref().map(|host| &*host.name),
            reason: side.reason.map(reason),
        }
    }
}

/// The last moments of a battle.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BattleRush")]
struct RushBody {
    from: u64,
    factor: u32,
}

impl From<Rush> for RushBody {
    fn from(rush: Rush) -> Self {
        Self { from: rush.from.unix_millis(), factor: rush.factor }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BattleResult")]
struct ResultBody<'a> {
    winner: Option<&'a str>,
    reason: &'static str,
}

impl<'a> From<&'a BattleResult> for ResultBody<'a> {
    fn from(result: &'a BattleResult) -> Self {
        let winner = result.winner.as_ref().map(RoomId::as_str);
        Self { winner, reason: reason(result.reason) }
    }
}

const fn reason(end: BattleEnd) -> &'static str {
    match end {
        BattleEnd::Time => "time",
        BattleEnd::Surrender => "surrender",
        BattleEnd::Left => "left",
        BattleEnd::Rejected => "rejected",
        BattleEnd::Cancelled => "cancelled",
        BattleEnd::Timeout => "timeout",
        BattleEnd::LinkFailed => "link_failed",
        BattleEnd::Busy => "busy",
        BattleEnd::Unreachable => "unreachable",
        BattleEnd::Forced => "forced",
    }
}

/// `Giver`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Giver")]
struct GiverBody<'a> {
    user: &'a str,
    name: &'a str,
    points: u64,
}

impl<'a> From<&'a Giver> for GiverBody<'a> {
    fn from(giver: &'a Giver) -> Self {
        Self { user: giver.user.as_str(), name: &giver.name, points: giver.points }
    }
}

/// Who gave most, by the room they gave to; rooms to which nobody gave are left out.
type GiversBody<'a> = BTreeMap<&'a str, Vec<GiverBody<'a>>>;

fn givers<'a>(sides: impl Iterator<Item = (&'a RoomId, &'a [Giver])>) -> GiversBody<'a> {
    let given = sides.filter(|(_, top)| !top.is_empty());
    given.map(|(room, top)| (room.as_str(), top.iter().map(Into::into).collect())).collect()
}

/// `BattleTop`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BattleTop")]
pub(crate) struct BattleTopBody<'a> {
    pk: &'a str,
    sides: GiversBody<'a>,
}

impl<'a> From<&'a BattleTop> for BattleTopBody<'a> {
    fn from(battle: &'a BattleTop) -> Self {
        let sides = battle.sides.iter().map(|(room, top)| (room, top.as_slice()));
        Self { pk: battle.pk.as_str(), sides: givers(sides) }
    }
}

/// Points by room.
pub(crate) type ScoresBody<'a> = BTreeMap<&'a str, u64>;

pub(crate) fn scores_body(scores: &Scores) -> ScoresBody<'_> {
    scores.rooms.iter().map(RoomId::as_str).zip(scores.points.iter().copied()).collect()
}
