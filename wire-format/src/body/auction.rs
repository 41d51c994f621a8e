//! Auctions and bids.

use room_rules::{
    AuctionEvent, AuctionPrice, AuctionReply, AuctionState, AuctionView, BidPlaced, ServerTime,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `Auction`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Auction")]
pub(crate) struct AuctionBody<'a> {
    #[serde(flatten)]
    price: PriceBody<'a>,
    title: &'a str,
    sku: &'a str,
    currency: &'a str,
    start_price: u64,
    start_at: u64,
    hard_end: Option<u64>,
    soft_close: bool,
    #[schemars(extend("enum" = ["scheduled", "running", "closing", "sold", "unsold", "void"]))]
    state: &'static str,
}

impl<'a> From<&'a AuctionView> for AuctionBody<'a> {
    fn from(auction: &'a AuctionView) -> Self {
        let state = match auction.state {
            AuctionState::Scheduled => "scheduled",
            AuctionState::Running => "running",
            AuctionState::Closing => "closing",
            AuctionState::Sold => "sold",
            AuctionState::Unsold => "unsold",
            AuctionState::Void => "void",
        };
        Self {
            price: (&auction.price).into(),
            title: auction.title.as_str(),
            sku: auction.sku.as_str(),
            currency: auction.currency.as_str(),
            start_price: auction.start_price.minor(),
            start_at: auction.start_at.unix_millis(),
            hard_end: auction.hard_end.map(ServerTime::unix_millis),
            soft_close: auction.soft_close,
            state,
        }
    }
}

/// `d` of `bid.update` and `bid.outbid`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "AuctionPrice")]
pub(crate) struct PriceBody<'a> {
    auction: &'a str,
    rev: u64,
    price: Option<u64>,
    next: u64,
    leader: Option<&'a str>,
    bids: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve_met: Option<bool>,
    end_at: u64,
    extensions: u32,
}

impl<'a> From<&'a AuctionPrice> for PriceBody<'a> {
    fn from(price: &'a AuctionPrice) -> Self {
        Self {
            auction: price.auction.as_str(),
            rev: price.revision,
            price: price.price.map(room_rules::Amount::minor),
            next: price.next.minor(),
            leader: price.leader.as_deref(),
            bids: price.bids,
            reserve_met: price.reserve_met,
            end_at: price.end_at.unix_millis(),
            extensions: price.extensions,
        }
    }
}

/// `d` of `auction.won`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "AuctionWon")]
pub(crate) struct WonBody<'a> {
    auction: &'a str,
    price: u64,
    currency: &'a str,
    order: &'a str,
}

/// `d` of what an auction tells.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "AuctionEvent")]
pub(crate) enum AuctionData<'a> {
    Updated(AuctionBody<'a>),
    Price(PriceBody<'a>),
    Won(WonBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(super) fn auction_event(event: &AuctionEvent) -> (&'static str, AuctionData<'_>) {
    match event {
        AuctionEvent::Updated(view) => ("auction.updated", AuctionData::Updated(view.into())),
        AuctionEvent::Bids(price) => ("bid.update", AuctionData::Price(price.into())),
        AuctionEvent::Outbid(price) => ("bid.outbid", AuctionData::Price(price.into())),
        AuctionEvent::Won { auction, price, currency, order } => (
            "auction.won",
            AuctionData::Won(WonBody {
                auction: auction.as_str(),
                price: price.minor(),
                currency: currency.as_str(),
                order: order.as_str(),
            }),
        ),
    }
}

/// `d` of the acks of auctions.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "AuctionReply")]
pub(crate) enum AuctionReplyData<'a> {
    Opened { auction: &'a str, start_at: u64, end_at: u64 },
    Bid(BidBody<'a>),
}

/// `BidResult`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "BidResult")]
pub(crate) struct BidBody<'a> {
    auction: &'a str,
    bid: u64,
    leading: bool,
    price: u64,
    max: u64,
    end_at: u64,
}

impl<'a> From<&'a AuctionReply> for AuctionReplyData<'a> {
    fn from(reply: &'a AuctionReply) -> Self {
        match reply {
            AuctionReply::Opened { auction, start_at, end_at } => Self::Opened {
                auction: auction.as_str(),
                start_at: start_at.unix_millis(),
                end_at: end_at.unix_millis(),
            },
            AuctionReply::Bid(bid) => Self::Bid(bid.into()),
        }
    }
}

impl<'a> From<&'a BidPlaced> for BidBody<'a> {
    fn from(bid: &'a BidPlaced) -> Self {
        Self {
            auction: bid.auction.as_str(),
            bid: bid.bid,
            leading: bid.leading,
            price: bid.price.minor(),
            max: bid.max.minor(),
            end_at: bid.end_at.unix_millis(),
        }
    }
}
