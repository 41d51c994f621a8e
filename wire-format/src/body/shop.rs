//! Everything that is sold or to be won, in one place for the bodies that hold it.

use std::collections::BTreeMap;

use room_rules::{Mine, ShopEvent, ShopReply, ShopView};
use schemars::JsonSchema;
use serde::Serialize;

use super::auction::{AuctionBody, AuctionData, AuctionReplyData, auction_event};
use super::coupon::{CouponBody, CouponData, CouponReplyData, coupon_event};
use super::product::{GoodsBody, PlacedBody, ProductData, product_event};
use super::quiz::{QuizBody, QuizData, QuizReplyData, quiz_event};
use super::sale::{DraftBody, OrderNewsBody, QueuedBody};

/// `d` of what the shop tells.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "ShopEvent")]
pub(crate) enum ShopData<'a> {
    Order(OrderNewsBody<'a>),
    Auction(AuctionData<'a>),
    Product(ProductData<'a>),
    Coupon(CouponData<'a>),
    Quiz(QuizData<'a>),
}

/// Returns an event's `t` and its `d`.
pub(super) fn shop_event(event: &ShopEvent) -> (&'static str, ShopData<'_>) {
    match event {
        ShopEvent::Order(news) => ("order.result", ShopData::Order(news.into())),
        ShopEvent::Auction(event) => {
            let (t, d) = auction_event(event);
            (t, ShopData::Auction(d))
        }
        ShopEvent::Product(event) => {
            let (t, d) = product_event(event);
            (t, ShopData::Product(d))
        }
        ShopEvent::Coupon(event) => {
            let (t, d) = coupon_event(event);
            (t, ShopData::Coupon(d))
        }
        ShopEvent::Quiz(event) => {
            let (t, d) = quiz_event(event);
            (t, ShopData::Quiz(d))
        }
    }
}

/// `d` of the acks of the shop.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "ShopReply")]
pub(crate) enum ShopReplyData<'a> {
    Drafted { sale: &'a str },
    Queued(QueuedBody<'a>),
    Auction(AuctionReplyData<'a>),
    Product(PlacedBody<'a>),
    Coupon(CouponReplyData<'a>),
    Quiz(QuizReplyData<'a>),
}

impl<'a> From<&'a ShopReply> for ShopReplyData<'a> {
    fn from(reply: &'a ShopReply) -> Self {
        match reply {
            ShopReply::Drafted { sale } => Self::Drafted { sale: sale.as_str() },
            ShopReply::Queued(queued) => Self::Queued(queued.into()),
            ShopReply::Auction(reply) => Self::Auction(reply.into()),
            ShopReply::Product(placed) => Self::Product(placed.into()),
            ShopReply::Coupon(reply) => Self::Coupon(reply.into()),
            ShopReply::Quiz(reply) => Self::Quiz(reply.into()),
        }
    }
}

/// The shop's part of a snapshot. What is empty is left out.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ShopView")]
pub(crate) struct ShopBody<'a> {
    #[serde(flatten)]
    goods: GoodsBody<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drafts: Vec<DraftBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    auctions: Vec<AuctionBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    coupons: Vec<CouponBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quizzes: Vec<QuizBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mine: Option<MineBody<'a>>,
}

/// What a member has in the shop.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Mine")]
struct MineBody<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    units: BTreeMap<&'a str, u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    leads: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    coupons: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    answers: BTreeMap<&'a str, u8>,
}

impl<'a> From<&'a ShopView> for ShopBody<'a> {
    fn from(shop: &'a ShopView) -> Self {
        Self {
            goods: (&shop.goods).into(),
            drafts: shop.drafts.iter().map(Into::into).collect(),
            auctions: shop.auctions.iter().map(Into::into).collect(),
            coupons: shop.coupons.iter().map(Into::into).collect(),
            quizzes: shop.quizzes.iter().map(Into::into).collect(),
            mine: (!shop.mine.is_empty()).then(|| (&shop.mine).into()),
        }
    }
}

impl<'a> From<&'a Mine> for MineBody<'a> {
    fn from(mine: &'a Mine) -> Self {
        Self {
            units: mine.units.iter().map(|(sale, units)| (sale.as_str(), *units)).collect(),
            leads: mine.leads.iter().map(|(id, max)| (id.as_str(), max.minor())).collect(),
            coupons: mine
                .coupons
                .iter()
                .map(|(id, ticket)| (id.as_str(), ticket.as_str()))
                .collect(),
            answers: mine.answers.iter().map(|(id, option)| (id.as_str(), *option)).collect(),
        }
    }
}
