//! Red packets and lotteries.

use room_rules::{
    GiveawayReply, LotteryRecord, LotteryState, LotteryView, PacketRecord, PacketState,
    PacketTaker, PacketView, Winner,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `RedPacket`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RedPacket")]
pub(crate) struct PacketBody<'a> {
    packet: &'a str,
    title: &'a str,
    total: u64,
    shares: u32,
    #[schemars(extend("enum" = ["lucky", "fixed"]))]
    split: &'static str,
    wants_keyword: bool,
    open_at: u64,
    close_at: u64,
    left: u32,
    left_total: u64,
    #[schemars(extend("enum" = ["counting", "open", "empty", "expired", "cancelled"]))]
    state: &'static str,
    luckiest: Option<TakerBody<'a>>,
    refunded: u64,
}

impl<'a> From<&'a PacketView> for PacketBody<'a> {
    fn from(packet: &'a PacketView) -> Self {
        let state = match packet.state {
            PacketState::Counting => "counting",
            PacketState::Open => "open",
            PacketState::Empty => "empty",
            PacketState::Expired => "expired",
            PacketState::Cancelled => "cancelled",
        };
        let split = match packet.split {
            room_rules::PacketSplit::Lucky => "lucky",
            room_rules::PacketSplit::Fixed => "fixed",
        };
        Self {
            packet: packet.packet.as_str(),
            title: packet.title.as_str(),
            total: packet.total,
            shares: packet.shares,
            split,
            wants_keyword: packet.wants_keyword,
            open_at: packet.open_at.unix_millis(),
            close_at: packet.close_at.unix_millis(),
            left: packet.left,
            left_total: packet.left_total,
            state,
            luckiest: packet.luckiest.as_ref().map(Into::into),
            refunded: packet.refunded,
        }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "PacketTaker")]
pub(crate) struct TakerBody<'a> {
    user: &'a str,
    name: &'a str,
    amount: u64,
}

impl<'a> From<&'a PacketTaker> for TakerBody<'a> {
    fn from(taker: &'a PacketTaker) -> Self {
        Self { user: taker.user.as_str(), name: &taker.name, amount: taker.amount }
    }
}

/// The answer of `GET .. /packets/{packet}`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RedPacketRecord")]
pub(crate) struct PacketRecordBody<'a> {
    #[serde(flatten)]
    packet: PacketBody<'a>,
    takers: Vec<TakerBody<'a>>,
}

impl<'a> From<&'a PacketRecord> for PacketRecordBody<'a> {
    fn from(record: &'a PacketRecord) -> Self {
        let takers = record.takers.iter().map(Into::into).collect();
        Self { packet: (&record.packet).into(), takers }
    }
}

/// `Lottery`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Lottery")]
pub(crate) struct LotteryBody<'a> {
    lottery: &'a str,
    title: &'a str,
    prize: &'a str,
    places: u32,
    wants_keyword: bool,
    commitment: String,
    close_at: u64,
    draw_at: u64,
    entered: u64,
    #[schemars(extend("enum" = ["open", "closed", "drawn", "aborted"]))]
    state: &'static str,
    entries_hash: Option<String>,
    seed: Option<String>,
    winners: Vec<WinnerBody<'a>>,
}

impl<'a> From<&'a LotteryView> for LotteryBody<'a> {
    fn from(lottery: &'a LotteryView) -> Self {
        let state = match lottery.state {
            LotteryState::Open => "open",
            LotteryState::Closed => "closed",
            LotteryState::Drawn => "drawn",
            LotteryState::Aborted => "aborted",
        };
        Self {
            lottery: lottery.lottery.as_str(),
            title: lottery.title.as_str(),
            prize: lottery.prize.as_str(),
            places: lottery.places,
            wants_keyword: lottery.wants_keyword,
            commitment: lottery.commitment.to_string(),
            close_at: lottery.close_at.unix_millis(),
            draw_at: lottery.draw_at.unix_millis(),
            entered: lottery.entries,
            state,
            entries_hash: lottery.entries_hash.map(|hash| hash.to_string()),
            seed: lottery.seed.map(|seed| seed.to_string()),
            winners: lottery.winners.iter().map(Into::into).collect(),
        }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Winner")]
pub(crate) struct WinnerBody<'a> {
    user: &'a str,
    name: &'a str,
}

impl<'a> From<&'a Winner> for WinnerBody<'a> {
    fn from(winner: &'a Winner) -> Self {
        Self { user: winner.user.as_str(), name: &winner.name }
    }
}

/// The answer of `GET .. /lotteries/{lottery}`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "LotteryRecord")]
pub(crate) struct LotteryRecordBody<'a> {
    #[serde(flatten)]
    lottery: LotteryBody<'a>,
    entries: Vec<&'a str>,
}

impl<'a> From<&'a LotteryRecord> for LotteryRecordBody<'a> {
    fn from(record: &'a LotteryRecord) -> Self {
        let entries = record.entries.iter().map(room_rules::UserId::as_str).collect();
        Self { lottery: (&record.lottery).into(), entries }
    }
}

/// What such a command is answered.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "GiveawayReply")]
pub(crate) enum GiveawayReplyBody<'a> {
    PacketOpened { packet: &'a str, open_at: u64 },
    Claimed { packet: &'a str, amount: u64, place: u32, left: u32 },
    LotteryOpened { lottery: &'a str, close_at: u64, draw_at: u64 },
    Entered { lottery: &'a str, entered: u64 },
}

impl<'a> From<&'a GiveawayReply> for GiveawayReplyBody<'a> {
    fn from(reply: &'a GiveawayReply) -> Self {
        match reply {
            GiveawayReply::PacketOpened { packet, open_at } => {
                Self::PacketOpened { packet: packet.as_str(), open_at: open_at.unix_millis() }
            }
            GiveawayReply::Claimed(share) => Self::Claimed {
                packet: share.packet.as_str(),
                amount: share.amount,
                place: share.place,
                left: share.left,
            },
            GiveawayReply::LotteryOpened { lottery, close_at, draw_at } => Self::LotteryOpened {
                lottery: lottery.as_str(),
                close_at: close_at.unix_millis(),
                draw_at: draw_at.unix_millis(),
            },
            GiveawayReply::Entered { lottery, entries } => {
                Self::Entered { lottery: lottery.as_str(), entered: *entries }
            }
        }
    }
}
