//! The catalogue of gifts, leaderboards, red packets and lotteries, as HTTP shows them.

use room_rules::{
    CouponRecord, GiftCatalog, Leaders, LotteryRecord, PacketRecord, ProductRecord, QuizRecord,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::body::{
    BattleTopBody, ContributorBody, CouponRecordBody, GiftBody, LotteryRecordBody,
    PacketRecordBody, ProductsBody, QuizRecordBody, contributors,
};
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

/// Encodes the answer of `GET /v1/rooms/{room}/packets/{packet}`.
pub fn encode_packet(record: &PacketRecord) -> String {
    write(&PacketRecordBody::from(record))
}

/// Encodes the answer of `GET /v1/rooms/{room}/products`.
pub fn encode_products(record: &ProductRecord) -> String {
    write(&ProductsBody::from(record))
}

/// Encodes the answer of `GET /v1/rooms/{room}/coupons/{coupon}`: `count` of those who have one, who
/// begin after the first `skip`.
pub fn encode_coupon(record: &CouponRecord, skip: usize, count: usize) -> String {
    write(&CouponRecordBody::new(record, skip, count))
}

/// Encodes the answer of `GET /v1/rooms/{room}/quizzes/{quiz}`: `count` of its winners, who begin
/// after the first `skip`.
pub fn encode_quiz(record: &QuizRecord, skip: usize, count: usize) -> String {
    write(&QuizRecordBody::new(record, skip, count))
}

/// Encodes the answer of `GET /v1/rooms/{room}/lotteries/{lottery}`.
pub fn encode_lottery(record: &LotteryRecord) -> String {
    write(&LotteryRecordBody::from(record))
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
