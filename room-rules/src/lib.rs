//! The rules of a live room, with no I/O.
//!
//! Every type here is told what happened and when. It never reads a clock, opens a socket or spawns
//! a task. Drive a [`Room`] like this:
//!
//! 1. call a `handle_*` method with `now`; whatever must survive a crash goes through
//!    [`Room::handle_input`],
//! 2. call [`Room::poll_effect`] until it returns `None`,
//! 3. wait until [`Room::poll_timeout`], then call [`Room::handle_timeout`] and go to 2.

#![forbid(unsafe_code)]

mod announcer;
mod area;
mod arena;
mod auction;
mod auctions;
mod battle;
mod battle_board;
mod battle_mirror;
mod battle_terms;
mod battle_view;
mod capability;
mod chat;
mod combo;
mod command;
mod countdown;
mod coupons;
mod crowd;
mod event;
mod flash_sale;
mod gift;
mod gift_batch;
mod gift_table;
mod giveaway;
mod given;
mod id;
mod idempotence;
mod input;
mod leaderboard;
mod limit;
mod member;
mod moderation;
mod money;
mod pace;
mod peer;
mod pk_command;
mod products;
mod quizzes;
mod rejected;
mod resend;
mod room;
mod room_config;
mod sales;
mod scoreboard;
mod seats;
mod seed;
mod shelf;
mod shop;
mod shop_log;
mod tags;
mod time;
mod view;

pub use area::{Area, Areas};
pub use auction::{
    AuctionCommand, AuctionEnding, AuctionEvent, AuctionOffer, AuctionPrice, AuctionReply,
    AuctionState, AuctionView, BidPlaced, BidRecord, BidRequest, BidStep, BidSteps, SoftClose,
};
pub use battle_board::{BattleTop, Giver};
pub use battle_terms::{BattlePlan, BattleTerms, LinkKind};
pub use battle_view::{
    BattleEnd, BattleResult, BattleState, BattleView, Rush, Scores, SideState, SideView,
};
pub use capability::Capability;
pub use chat::{
    ChatContent, CustomData, CustomKind, DanmakuPlace, DanmakuStyle, QuestionView, StickerId,
    TalkCommand, TalkEvent, Whisper,
};
pub use command::{
    AuctionDuration, ChatText, Command, DrawWindow, GiftCount, GiftOrder, LikeCount, OrderPlaced,
    OrderRequest, PayWindow, Quantity, Reply, SaleDuration, SaleOffer, StockCount, Title,
};
pub use countdown::{Countdown, CountdownKind, CountdownState};
pub use coupons::command::{
    CouponClaim, CouponCommand, CouponCount, CouponOffer, CouponReply, CouponTerms, CouponTicket,
    CouponWorth, Percent,
};
pub use coupons::{CouponEvent, CouponHolder, CouponRecord, CouponState, CouponView};
pub use event::{
    ChatLine, Effect, Event, EventBody, GiftItem, OrderKept, Reactions, SeatRequestKind, Stream,
    Watermarks,
};
pub use flash_sale::{
    DrawEntry, OrderNews, OrderQueued, OrderRecord, OrderState, SaleCommand, SalePolicy, SaleTerms,
};
pub use gift::{Gift, GiftCatalog, GiftLevel, NoGiftCatalog};
pub use giveaway::command::{
    GiveawayCommand, GiveawayReply, LotteryEntry, LotteryOffer, PacketClaim, PacketOffer,
    PacketShare, PacketSplit, PacketSum, Suspense, WinnerCount,
};
pub use giveaway::view::{
    GiveawayEvent, LotteryRecord, LotteryState, LotteryView, PacketRecord, PacketState,
    PacketTaker, PacketView, Winner,
};
pub use id::{
    AuctionId, ChatId, CountdownId, CouponId, GiftId, IdemKey, LifeId, LotteryId, OrderId,
    PacketId, PkId, ProductId, QuestionId, QuizId, RoomId, SaleId, SessionId, TicketId, UserId,
};
pub use input::{Decided, Input};
pub use leaderboard::{Contributor, Leaders};
pub use limit::OutOfLimits;
pub use member::{Member, Role};
pub use moderation::{
    ModerationCommand, ModerationNews, ModerationView, ReasonCode, Sanction, SlowMode, Ttl, Word,
};
pub use money::{Amount, Currency};
pub use peer::{PeerGiver, PeerMessage, PeerReport, PeerWish, RejectReason};
pub use pk_command::{PkCommand, Rivals};
pub use products::command::{
    Amend, ProductChange, ProductCommand, ProductDetails, ProductPlace, WebAddress,
};
pub use products::{
    Explanation, ProductEvent, ProductList, ProductPlaced, ProductRecord, ProductView,
};
pub use quizzes::command::{
    AnswerWindow, QuizAnswer, QuizCommand, QuizOffer, QuizQuestion, QuizQuestions, QuizReply,
};
pub use quizzes::{QuizAsked, QuizEvent, QuizOutcome, QuizRecord, QuizResult, QuizState, QuizView};
pub use rejected::Rejected;
pub use room::{MediaChange, Room, RoomCommand, RoomSettings};
pub use room_config::{ConfigChange, RoomConfig, SeatCount, SeatMode, SettingsView};
pub use seats::{SeatCommand, SeatLock, SeatPick, SeatWish, Silence};
pub use seed::{Digest, Seed};
pub use shop::{Mine, SaleDraft, ShopCommand, ShopEvent, ShopReply, ShopView};
pub use shop_log::{AuctionLog, LogPage, SaleLog};
pub use tags::{Tag, Tags};
pub use time::ServerTime;
pub use view::{
    DrawPromise, DrawResult, EndReason, Performer, RoomState, RoomView, SaleState, SaleView,
    SeatIndex, SeatState, SeatView, Snapshot,
};

/// Rises whenever an input of an earlier journal could be answered otherwise, or lead to other
/// events, than it was: such a journal must not be read again by these rules.
pub const RULES_VERSION: u32 = 3;
