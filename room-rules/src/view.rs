//! What a room looks like from outside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{
    BattleView, ChatLine, Countdown, Digest, LotteryView, Member, ModerationView, PacketView,
    PayWindow, ProductId, QuestionView, Reactions, RoomId, SaleId, SeatWish, ServerTime,
    SettingsView, ShopView, Silence, Tags, Title, UserId, Watermarks,
};

/// Everything a member needs at joining; events continue from its watermarks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// The room.
    pub room: RoomId,
    /// Its title.
    pub title: Arc<str>,
    /// Whether it is on air.
    pub state: RoomState,
    /// The member who joined.
    pub you: Member,
    /// All nine seats.
    pub seats: Vec<SeatView>,
    /// Who is on screen, in drawing order.
    pub stage: Vec<Performer>,
    /// The battle, if there is one.
    pub battle: Option<BattleView>,
    /// The sales, oldest first.
    pub sales: Vec<SaleView>,
    /// The red packets, oldest first.
    pub packets: Vec<PacketView>,
    /// The lotteries, oldest first.
    pub lotteries: Vec<LotteryView>,
    /// What else is sold or to be won, and what the member has of it.
    pub shop: ShopView,
    /// The countdowns that matter still.
    pub countdowns: Vec<Countdown>,
    /// The last lines of chat, oldest first.
    pub chat: Vec<ChatLine>,
    /// What is asked, and what was answered lately; each oldest first.
    pub questions: Vec<QuestionView>,
    /// How the room is set.
    pub settings: SettingsView,
    /// Who asks for a seat, for those who grant them; one's own wish for everybody else.
    pub wishes: Vec<SeatWish>,
    /// Who is muted and banned, for those who keep order.
    pub moderation: Option<ModerationView>,
    /// Until when the member may not talk: `Some(None)` is for good.
    pub muted: Option<Option<ServerTime>>,
    /// Likes, coins and heads.
    pub reactions: Reactions,
    /// When this was so.
    pub at: ServerTime,
    /// The last event of each stream that is in here.
    pub watermarks: Watermarks,
}

/// A room as the list of rooms shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomView {
    /// The room.
    pub room: RoomId,
    /// Its title.
    pub title: Arc<str>,
    /// Whether it is on air.
    pub state: RoomState,
    /// Whether the list of rooms leaves it out.
    pub hidden: bool,
    /// Under which words that list finds it.
    pub tags: Tags,
    /// The host, once known.
    pub host: Option<UserId>,
    /// All nine seats.
    pub seats: Vec<SeatView>,
    /// Who is on screen, in drawing order.
    pub stage: Vec<Performer>,
    /// The battle, if there is one.
    pub battle: Option<BattleView>,
    /// Users in the room.
    pub online: u32,
}

/// Whether a room is on air.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoomState {
    /// The host has not been on air yet.
    Created,
    /// It is open, and what was prepared is shown until the host is on air.
    Waiting,
    /// The host is on air.
    Live,
    /// The host went off air and may come back.
    Interrupted,
    /// It is over.
    Ended,
}

/// Why a room ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// The host went off air and did not come back.
    HostLeft,
    /// Someone who may ended it.
    Closed,
    /// The platform ended it.
    Forced,
    /// The platform banned its host.
    Banned,
}

/// Someone on screen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Performer {
    /// The room they publish in; another one than this for the other host of a battle.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// Their seat in their room.
    pub seat: SeatIndex,
    /// Whether they must not be heard.
    pub muted: bool,
}

/// The number of a seat: 0 is the host's, 1 to 8 are for guests.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SeatIndex(u8);

impl TryFrom<u8> for SeatIndex {
    type Error = OutOfLimits;

    fn try_from(index: u8) -> Result<Self, OutOfLimits> {
        Self::new(index).ok_or(OutOfLimits("SeatIndex"))
    }
}

impl From<SeatIndex> for u8 {
    fn from(index: SeatIndex) -> Self {
        index.0
    }
}

impl SeatIndex {
    /// The host's seat.
    pub const HOST: Self = Self(0);
    /// Seats in a room, the host's included.
    pub const COUNT: usize = 9;

    /// Takes 0 to 8; `None` for anything else.
    pub const fn new(index: u8) -> Option<Self> {
        if (index as usize) < Self::COUNT { Some(Self(index)) } else { None }
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A seat as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeatView {
    /// Which.
    pub index: SeatIndex,
    /// What it is doing.
    pub state: SeatState,
    /// Who it is for, unless it is idle.
    pub user: Option<UserId>,
    /// Whether its user must not be heard.
    pub muted: bool,
    /// Whether its user must not be seen.
    pub unseen: bool,
    /// Whether its user's microphone is on, as far as they say so.
    pub mic: bool,
    /// Whether its user's camera is on, as far as they say so.
    pub cam: bool,
    /// Whether nobody may take it.
    pub locked: bool,
    /// What nobody who sits there is.
    pub lock: Silence,
    /// Rises with every change of the seat.
    pub rev: u64,
}

/// What a seat is doing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SeatState {
    /// Nobody's.
    Idle,
    /// Kept for someone.
    Reserved,
    /// Its user is connecting.
    Joining,
    /// Its user is on air.
    Live,
    /// Its user went off air and may come back.
    Held,
}

/// A sale as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SaleView {
    /// Which.
    pub sale: SaleId,
    /// What it is called.
    pub title: Title,
    /// The seller's own name of the product.
    pub sku: Title,
    /// The product of the room's list that it sells, if it is one of those.
    pub product: Option<ProductId>,
    /// The price of one unit.
    pub price_cents: u64,
    /// Units offered.
    pub stock: u32,
    /// Units left.
    pub left: u32,
    /// Units one user may order altogether.
    pub per_user: u32,
    /// The first instant at which an order is accepted.
    pub open_at: ServerTime,
    /// The first instant at which an order is no longer accepted.
    pub close_at: ServerTime,
    /// How far it is.
    pub state: SaleState,
    /// Whether it was announced early enough for everyone to be there in time.
    pub fair: bool,
    /// Users who hold units or wait for some, if everybody may know.
    pub buyers: Option<u32>,
    /// How long an order is kept for its buyer to pay, if not for ever.
    pub pay_within: Option<PayWindow>,
    /// The draw among those who come first, if there is one.
    pub draw: Option<DrawPromise>,
}

/// A draw that was promised: what decides it is fixed and hidden until it is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DrawPromise {
    /// The SHA-256 of the seed.
    pub commitment: Digest,
    /// When the draw is made; orders until then take part.
    pub decided_at: ServerTime,
    /// What came of it, once it is made.
    pub result: Option<DrawResult>,
}

/// A draw that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DrawResult {
    /// The seed.
    pub seed: Digest,
    /// Orders that took part.
    pub entries: u32,
    /// Orders that were drawn.
    pub orders: u32,
    /// The rank of the last one that was drawn, if any was.
    pub last_winner: Option<Digest>,
}

/// How far a sale is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SaleState {
    /// Announced, not open.
    Counting,
    /// Orders are accepted.
    Open,
    /// No orders are accepted for a while.
    Paused,
    /// Everything is sold.
    SoldOut,
    /// The time is up.
    Closed,
    /// Called off.
    Cancelled,
}
