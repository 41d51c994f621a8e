//! The catalogue of gifts and the leaderboards, as HTTP shows them.

use room_rules::{GiftCatalog, Leaders};
use schemars::JsonSchema;
use serde::Serialize;

use crate::body::{BattleTopBody, ContributorBody, GiftBody, contributors};
use crate::encode::write;

/// Encodes the answer of `GET /v1/gifts`.
pub fn encode_gift_catalog(catalog: &GiftCatalog) -> String {
    write(&GiftsBody { gifts: catalog.gifts().iter().map(Into::into).collect() })
}

/// Encodes the answer of `GET /v1/rooms/{room}/leaderboard`.
pub fn encode_leaderboard(leaders: &Leaders) -> String {
    write(&LeaderboardBody {
        gifts: leaders.gifts,
        coins: leaders.coins,
        senders: leaders.senders,
        top: contributors(&leaders.top),
        battle_top: leaders.battle.as_ref().map(Into::into),
    })
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Gifts")]
pub(crate) struct GiftsBody<'a> {
    gifts: Vec<GiftBody<'a>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Leaderboard")]
pub(crate) struct LeaderboardBody<'a> {
    gifts: u64,
    coins: u64,
    senders: u64,
    top: Vec<ContributorBody<'a>>,
    battle_top: Option<BattleTopBody<'a>>,
}
