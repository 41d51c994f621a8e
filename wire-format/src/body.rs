//! The shapes of JSON bodies going down, borrowed from what the room rules hold.

mod auction;
mod battle;
mod chat;
mod countdown;
mod coupon;
mod gift;
mod giveaway;
mod order;
mod product;
mod quiz;
mod sale;
mod seat;
mod shop;

use room_rules::{
    EndReason, EventBody, GiveawayEvent, Member, Reply, RoomState, SeatRequestKind, Snapshot,
    Watermarks,
};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::gift::{ContributorBody, GiftBatchBody, GiftBody, ReactBody, contributors};
pub(crate) use auction::{AuctionBody, PriceBody, WonBody};
pub(crate) use battle::{BattleBody, BattleTopBody, ScoreBody, ScoresBody, scores_body};
pub(crate) use chat::{
    ChatBody, DeletedBody, QuestionBody, QuestionGoneBody, TalkData, WhisperBody, WipedBody,
    talk_event,
};
pub(crate) use countdown::{CountdownBody, countdown_kind};
pub(crate) use coupon::{CouponBody, CouponRecordBody, TicketBody};
pub(crate) use order::{BannedBody, MutedBody, UnmutedBody};
use order::{ModerationBody, OwnOrderBody, WishBody, own_order_body};
pub(crate) use order::{SanctionBody, SettingsBody, StaffUserBody, StaffWordsBody, staff_body};
pub(crate) use product::{
    ExplainedBody, IndexedProductBody, PinnedBody, ProductsBody, RemovedBody,
};
pub(crate) use quiz::{QuizBody, QuizRecordBody, QuizWonBody};
pub(crate) use sale::{OrderBody, OrderNewsBody, QueuedBody, SaleBody};
pub(crate) use seat::{PerformerBody, SeatBody, performers};
use shop::{ShopBody, ShopData, ShopReplyData, shop_event};

pub(crate) use self::giveaway::{
    GiveawayReplyBody, LotteryBody, LotteryRecordBody, PacketBody, PacketRecordBody,
};

/// `d` of any event.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "Event")]
pub(crate) enum EventData<'a> {
    RoomState(RoomStateBody<'a>),
    Settings(SettingsBody<'a>),
    Order(OwnOrderBody<'a>),
    Stage(StageBody<'a>),
    Seat(SeatBody<'a>),
    SeatRequest(SeatRequestBody<'a>),
    Battle(BattleBody<'a>),
    Score(ScoreBody<'a>),
    Countdown(CountdownBody<'a>),
    Sale(SaleBody<'a>),
    Packet(PacketBody<'a>),
    Lottery(LotteryBody<'a>),
    Shop(ShopData<'a>),
    Gifts(GiftBatchBody<'a>),
    Chat(ChatBody<'a>),
    Talk(TalkData<'a>),
    React(ReactBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(crate) fn event_body(body: &EventBody) -> (&'static str, EventData<'_>) {
    match body {
        EventBody::RoomState { state, reason, note } => {
            let (state, reason) = (room_state_name(*state), reason.map(end_reason));
            let note = note.as_ref().map(room_rules::ReasonCode::as_str);
            ("room.state", EventData::RoomState(RoomStateBody { state, reason, note }))
        }
        EventBody::Settings(settings) => ("room.settings", EventData::Settings(settings.into())),
        EventBody::Order(kept) => {
            let (t, body) = own_order_body(kept);
            (t, EventData::Order(body))
        }
        EventBody::StageUpdated(stage) => {
            ("stage.updated", EventData::Stage(StageBody { stage: performers(stage) }))
        }
        EventBody::SeatUpdated(seat) => ("seat.updated", EventData::Seat(seat.into())),
        EventBody::SeatRequest { user, kind } => {
            let (user, kind) = (user.as_str(), request_kind(*kind));
            ("seat.request", EventData::SeatRequest(SeatRequestBody { user, kind }))
        }
        EventBody::PkUpdated(battle) => ("pk.updated", EventData::Battle(battle.into())),
        EventBody::PkScore { pk, version, scores, top } => {
            let score = ScoreBody::new(pk, *version, scores, top.as_deref());
            ("pk.score", EventData::Score(score))
        }
        EventBody::Countdown(countdown) => ("countdown", EventData::Countdown(countdown.into())),
        EventBody::SaleUpdated(sale) => ("sale.updated", EventData::Sale(sale.into())),
        EventBody::Giveaway(GiveawayEvent::Packet(packet)) => {
            ("packet.updated", EventData::Packet(packet.into()))
        }
        EventBody::Giveaway(GiveawayEvent::Lottery(lottery)) => {
            ("lottery.updated", EventData::Lottery(lottery.into()))
        }
        EventBody::Shop(event) => {
            let (t, d) = shop_event(event);
            (t, EventData::Shop(d))
        }
        EventBody::Gifts(items) => ("gift.batch", EventData::Gifts(items.as_slice().into())),
        EventBody::Chat(line) => ("chat", EventData::Chat(line.into())),
        EventBody::Talk(event) => {
            let (t, d) = talk_event(event);
            (t, EventData::Talk(d))
        }
        EventBody::React(reactions) => ("react", EventData::React(reactions.into())),
    }
}

/// `d` of `room.state`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RoomState")]
pub(crate) struct RoomStateBody<'a> {
    #[schemars(extend("enum" = ["created", "waiting", "live", "interrupted", "ended"]))]
    state: &'static str,
    reason: Option<&'static str>,
    /// What the platform calls the reason, if it ended the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// `d` of `stage.updated`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Stage")]
pub(crate) struct StageBody<'a> {
    stage: Vec<PerformerBody<'a>>,
}

/// `d` of `seat.request`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SeatRequest")]
pub(crate) struct SeatRequestBody<'a> {
    user: &'a str,
    #[schemars(extend("enum" = ["apply", "invite", "reject", "decline", "timeout"]))]
    kind: &'static str,
}

/// `d` of an ack.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "Reply")]
pub(crate) enum ReplyData<'a> {
    Done {},
    Chat {
        id: &'a str,
    },
    Question {
        question: &'a str,
    },
    Gift {
        coins: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        score: Option<ScoresBody<'a>>,
    },
    Moderation(ModerationBody<'a>),
    Seat {
        index: u8,
    },
    Pk {
        pk: &'a str,
    },
    Sale {
        sale: &'a str,
        open_at: u64,
    },
    Order(OrderBody<'a>),
    Giveaway(GiveawayReplyBody<'a>),
    Shop(ShopReplyData<'a>),
}

impl<'a> From<&'a Reply> for ReplyData<'a> {
    fn from(reply: &'a Reply) -> Self {
        match reply {
            Reply::Done => Self::Done {},
            Reply::Chat { id } => Self::Chat { id: id.as_str() },
            Reply::Question { question } => Self::Question { question: question.as_str() },
            Reply::Gift { coins, score } => {
                Self::Gift { coins: *coins, score: score.as_ref().map(scores_body) }
            }
            Reply::Moderation(view) => Self::Moderation((&**view).into()),
            Reply::Seat { index } => Self::Seat { index: index.number() },
            Reply::Pk { pk } => Self::Pk { pk: pk.as_str() },
            Reply::Sale { sale, open_at } => {
                Self::Sale { sale: sale.as_str(), open_at: open_at.unix_millis() }
            }
            Reply::Order(order) => Self::Order(order.into()),
            Reply::Giveaway(reply) => Self::Giveaway(reply.into()),
            Reply::Shop(reply) => Self::Shop(reply.into()),
        }
    }
}

/// `Snapshot`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Snapshot")]
pub(crate) struct SnapshotBody<'a> {
    room: &'a str,
    title: &'a str,
    state: &'static str,
    you: MemberBody<'a>,
    seats: Vec<SeatBody<'a>>,
    stage: Vec<PerformerBody<'a>>,
    battle: Option<BattleBody<'a>>,
    sales: Vec<SaleBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    packets: Vec<PacketBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lotteries: Vec<LotteryBody<'a>>,
    #[serde(flatten)]
    shop: ShopBody<'a>,
    countdowns: Vec<CountdownBody<'a>>,
    chat: Vec<ChatBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    questions: Vec<QuestionBody<'a>>,
    settings: SettingsBody<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wishes: Vec<WishBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderation: Option<ModerationBody<'a>>,
    /// Left out for who may talk, `null` for whom a mute lasts for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Option<u64>>,
    #[serde(flatten)]
    reactions: ReactBody<'a>,
    st: u64,
    q: WatermarksBody,
}

impl<'a> From<&'a Snapshot> for SnapshotBody<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        Self {
            room: snapshot.room.as_str(),
            title: &snapshot.title,
            state: room_state_name(snapshot.state),
            you: (&snapshot.you).into(),
            seats: snapshot.seats.iter().map(Into::into).collect(),
            stage: performers(&snapshot.stage),
            battle: snapshot.battle.as_ref().map(Into::into),
            sales: snapshot.sales.iter().map(Into::into).collect(),
            packets: snapshot.packets.iter().map(Into::into).collect(),
            lotteries: snapshot.lotteries.iter().map(Into::into).collect(),
            shop: (&snapshot.shop).into(),
            countdowns: snapshot.countdowns.iter().map(Into::into).collect(),
            chat: snapshot.chat.iter().map(Into::into).collect(),
            questions: snapshot.questions.iter().map(Into::into).collect(),
            settings: (&snapshot.settings).into(),
            wishes: snapshot.wishes.iter().map(Into::into).collect(),
            moderation: snapshot.moderation.as_ref().map(Into::into),
            muted_until: snapshot.muted.map(|until| until.map(room_rules::ServerTime::unix_millis)),
            reactions: (&snapshot.reactions).into(),
            st: snapshot.at.unix_millis(),
            q: snapshot.watermarks.into(),
        }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Member")]
struct MemberBody<'a> {
    user: &'a str,
    name: &'a str,
    role: &'static str,
}

impl<'a> From<&'a Member> for MemberBody<'a> {
    fn from(member: &'a Member) -> Self {
        Self { user: member.user.as_str(), name: &member.name, role: member.role.as_str() }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Watermarks")]
struct WatermarksBody {
    room: u64,
    seat: u64,
    pk: u64,
    sale: u64,
    gift: u64,
    chat: u64,
    react: u64,
}

impl From<Watermarks> for WatermarksBody {
    fn from(marks: Watermarks) -> Self {
        let Watermarks { room, seat, pk, sale, gift, chat, react } = marks;
        Self { room, seat, pk, sale, gift, chat, react }
    }
}

/// Returns a room state's name on the wire.
pub const fn room_state_name(state: RoomState) -> &'static str {
    match state {
        RoomState::Created => "created",
        RoomState::Waiting => "waiting",
        RoomState::Live => "live",
        RoomState::Interrupted => "interrupted",
        RoomState::Ended => "ended",
    }
}

const fn end_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::HostLeft => "host_left",
        EndReason::Closed => "closed",
        EndReason::Forced => "forced",
        EndReason::Banned => "banned",
    }
}

const fn request_kind(kind: SeatRequestKind) -> &'static str {
    match kind {
        SeatRequestKind::Apply => "apply",
        SeatRequestKind::Invite => "invite",
        SeatRequestKind::Reject => "reject",
        SeatRequestKind::Decline => "decline",
        SeatRequestKind::Timeout => "timeout",
    }
}
