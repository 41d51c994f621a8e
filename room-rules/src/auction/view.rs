//! What auctions look like from outside.

use std::sync::Arc;

use crate::{Amount, AuctionId, Currency, OrderId, ServerTime, Stream, Title};

/// What an auction tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuctionEvent {
    /// It changed its state, or its end was put off.
    Updated(AuctionView),
    /// There were bids.
    Bids(AuctionPrice),
    /// To who led: somebody bid more.
    Outbid(AuctionPrice),
    /// To who won.
    Won {
        /// The auction.
        auction: AuctionId,
        /// What it costs.
        price: Amount,
        /// In what.
        currency: Currency,
        /// The order that follows from it.
        order: OrderId,
    },
}

impl AuctionEvent {
    pub(crate) const fn stream(&self) -> Stream {
        match self {
            Self::Updated(_) | Self::Bids(_) => Stream::Sale,
            Self::Outbid(_) | Self::Won { .. } => Stream::Me,
        }
    }
}

/// An auction as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuctionView {
    /// Its price and what else bids change.
    pub price: AuctionPrice,
    /// What it is called.
    pub title: Title,
    /// The seller's own name of it.
    pub sku: Title,
    /// What its prices are counted in.
    pub currency: Currency,
    /// The lowest first bid.
    pub start_price: Amount,
    /// The first instant at which a bid is taken.
    pub start_at: ServerTime,
    /// The end that nothing puts off, if there is one.
    pub hard_end: Option<ServerTime>,
    /// Whether bids near the end put it off.
    pub soft_close: bool,
    /// How far it is.
    pub state: AuctionState,
}

/// What bids change about an auction. Absolute, so a later one makes an earlier one worthless.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuctionPrice {
    /// Which.
    pub auction: AuctionId,
    /// Rises with every change of the auction.
    pub revision: u64,
    /// What it stands at, once there is a bid.
    pub price: Option<Amount>,
    /// The lowest bid that is taken now.
    pub next: Amount,
    /// Who leads, as far as everybody may know.
    pub leader: Option<Arc<str>>,
    /// Bids so far.
    pub bids: u64,
    /// Whether the price is high enough to sell; `None` if any is.
    pub reserve_met: Option<bool>,
    /// The first instant at which a bid is no longer taken.
    pub end_at: ServerTime,
    /// How often that was put off.
    pub extensions: u32,
}

/// How far an auction is. It never goes back.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AuctionState {
    /// Announced; no bids yet.
    Scheduled,
    /// Bids are taken.
    Running,
    /// Bids are taken, and each may put the end off.
    Closing,
    /// It went to who led.
    Sold,
    /// There was no bid, or none that was high enough.
    Unsold,
    /// It was called off, or the room ended.
    Void,
}
