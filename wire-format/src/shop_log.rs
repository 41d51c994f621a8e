//! What was decided in a sale or an auction, for the room's own people: a page at a time, in the
//! order of the decisions. What could still be made use of is left out until it is all over: who has
//! which place in a draw, and how far a bidder would go.

use room_rules::{AuctionLog, AuctionState, BidRecord, DrawEntry, SaleLog};
use schemars::JsonSchema;
use serde::Serialize;

use crate::body::{AuctionBody, SaleBody};
use crate::encode::write;
use crate::sale_orders::{SoldBody, sold};

/// Encodes the answer of `GET /v1/rooms/{room}/sales/{sale}/log`: both lists begin after `skip` and
/// hold `count` at most.
pub fn encode_sale_log(log: &SaleLog, skip: usize, count: usize) -> String {
    let is_drawn = log.sale.draw.as_ref().is_some_and(|draw| draw.result.is_some());
    let entries = log.entries.iter().take(count).map(|entry| EntryBody::new(entry, is_drawn));
    write(&SaleLogBody {
        sale: (&log.sale).into(),
        orders: sold(log, skip, count),
        entries: entries.collect(),
        cursor: next(log.orders.len().max(log.entries.len()), skip, count),
    })
}

/// Encodes the answer of `GET /v1/rooms/{room}/auctions/{auction}/log`, `count` bids at most.
pub fn encode_auction_log(log: &AuctionLog, skip: usize, count: usize) -> String {
    let is_over = match log.auction.state {
        AuctionState::Sold | AuctionState::Unsold | AuctionState::Void => true,
        AuctionState::Scheduled | AuctionState::Running | AuctionState::Closing => false,
    };
    let bids = log.bids.iter().take(count).map(|bid| BidRecordBody::new(bid, is_over));
    write(&AuctionLogBody {
        auction: (&log.auction).into(),
        bids: bids.collect(),
        cursor: next(log.bids.len(), skip, count),
    })
}

fn next(there: usize, skip: usize, count: usize) -> Option<String> {
    (there > count).then(|| (skip + count).to_string())
}

/// Answer of `GET /v1/rooms/{room}/sales/{sale}/log`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SaleLog")]
pub(crate) struct SaleLogBody<'a> {
    sale: SaleBody<'a>,
    orders: Vec<SoldBody<'a>>,
    entries: Vec<EntryBody<'a>>,
    cursor: Option<String>,
}

/// An order that took part in a draw.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SaleEntry")]
struct EntryBody<'a> {
    number: u64,
    order: &'a str,
    user: &'a str,
    qty: u32,
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<String>,
}

impl<'a> EntryBody<'a> {
    fn new(entry: &'a DrawEntry, is_drawn: bool) -> Self {
        Self {
            number: entry.number,
            order: entry.order.as_str(),
            user: entry.user.as_str(),
            qty: entry.quantity.number(),
            at: entry.at.unix_millis(),
            rank: is_drawn.then(|| entry.rank.to_string()),
        }
    }
}

/// Answer of `GET /v1/rooms/{room}/auctions/{auction}/log`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "AuctionLog")]
pub(crate) struct AuctionLogBody<'a> {
    auction: AuctionBody<'a>,
    bids: Vec<BidRecordBody<'a>>,
    cursor: Option<String>,
}

/// A bid, and what the auction stood at after it.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BidRecord")]
struct BidRecordBody<'a> {
    bid: u64,
    user: &'a str,
    at: u64,
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    price: u64,
    leading: bool,
}

impl<'a> BidRecordBody<'a> {
    fn new(bid: &'a BidRecord, is_over: bool) -> Self {
        Self {
            bid: bid.bid,
            user: bid.user.as_str(),
            at: bid.at.unix_millis(),
            amount: bid.amount.minor(),
            max: is_over.then(|| bid.max.minor()),
            price: bid.price.minor(),
            leading: bid.leading,
        }
    }
}
