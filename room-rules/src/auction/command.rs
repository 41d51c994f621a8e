//! What members ask of auctions, and what they are answered.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Amount, AuctionDuration, AuctionId, Capability, Currency, IdemKey, ServerTime, Title};

/// One thing a member asks of an auction.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionCommand {
    /// Puts something up for auction.
    Open(Box<AuctionOffer>),
    /// Bids.
    Bid(BidRequest),
    /// Calls the auction off: the host before the first bid, the platform at any time.
    Cancel(AuctionId),
}

impl AuctionCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Open(_) => Capability::AnnounceSale,
            Self::Bid(_) => Capability::Order,
            Self::Cancel(_) => Capability::CancelSale,
        }
    }

    pub(crate) const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::Bid(bid) => Some(&bid.idem),
            Self::Open(_) | Self::Cancel(_) => None,
        }
    }
}

/// What an auction command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionReply {
    /// The auction is announced.
    Opened {
        /// Its id.
        auction: AuctionId,
        /// When bids are taken.
        start_at: ServerTime,
        /// When it ends, unless it is extended.
        end_at: ServerTime,
    },
    /// The bid stands.
    Bid(BidPlaced),
}

/// What is put up for auction.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuctionOffer {
    /// What it is called.
    pub title: Title,
    /// The seller's own name of it.
    pub sku: Title,
    /// What all its prices are counted in.
    pub currency: Currency,
    /// The lowest first bid.
    pub start_price: Amount,
    /// It is sold for this or more, or not at all; told to nobody.
    pub reserve: Option<Amount>,
    /// By how much a bid must be above the last.
    pub steps: BidSteps,
    /// How long until bids are taken; zero for at once.
    pub lead: Duration,
    /// How long it runs.
    pub open_for: AuctionDuration,
    /// What a bid near the end does.
    pub ending: AuctionEnding,
}

/// What a bid near the end of an auction does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionEnding {
    /// Nothing: the end stands.
    SuddenDeath,
    /// It may put the end off.
    Soft(SoftClose),
}

/// How bids near the end put it off: one that comes in the last `window` gives the others at least
/// `extension` to answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "SoftCloseParts", into = "SoftCloseParts")]
pub struct SoftClose {
    window: Duration,
    extension: Duration,
    extensions_max: u32,
    hard_limit: Option<Duration>,
}

impl SoftClose {
    /// Takes a window and an extension of 1 to 60 seconds, 1 to 100 extensions, and after how long
    /// at most the auction ends whatever happens; `None` for anything else.
    pub fn new(
        window: Duration,
        extension: Duration,
        extensions_max: u32,
        hard_limit: Option<Duration>,
    ) -> Option<Self> {
        let seconds = Duration::from_secs(1)..=Duration::from_secs(60);
        let fits = seconds.contains(&window)
            && seconds.contains(&extension)
            && (1..=100).contains(&extensions_max)
            && hard_limit.is_none_or(|limit| limit <= Duration::from_secs(172_800));
        fits.then_some(Self { window, extension, extensions_max, hard_limit })
    }

    /// Returns how long before the end a bid puts it off.
    pub const fn window(self) -> Duration {
        self.window
    }

    /// Returns how long the others have to answer such a bid.
    pub const fn extension(self) -> Duration {
        self.extension
    }

    /// Returns how often the end may be put off.
    pub const fn extensions_max(self) -> u32 {
        self.extensions_max
    }

    /// Returns how long after its start the auction ends whatever happens.
    pub const fn hard_limit(self) -> Option<Duration> {
        self.hard_limit
    }
}

/// Window, extension, extensions at most, limit.
type SoftCloseParts = (Duration, Duration, u32, Option<Duration>);

impl TryFrom<SoftCloseParts> for SoftClose {
    type Error = OutOfLimits;

    fn try_from(
        (window, extension, extensions_max, hard_limit): SoftCloseParts,
    ) -> Result<Self, OutOfLimits> {
        let soft = Self::new(window, extension, extensions_max, hard_limit);
        soft.ok_or(OutOfLimits("SoftClose"))
    }
}

impl From<SoftClose> for SoftCloseParts {
    fn from(soft: SoftClose) -> Self {
        (soft.window, soft.extension, soft.extensions_max, soft.hard_limit)
    }
}

impl Default for SoftClose {
    fn default() -> Self {
        let ten_seconds = Duration::from_secs(10);
        Self { window: ten_seconds, extension: ten_seconds, extensions_max: 20, hard_limit: None }
    }
}

/// By how much a bid must be above the last, by how high that is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<BidStep>", into = "Vec<BidStep>")]
pub struct BidSteps(Arc<[BidStep]>);

/// From a price on, bids rise by this much.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BidStep {
    /// The price.
    pub from: Amount,
    /// By how much.
    pub step: Amount,
}

impl BidSteps {
    /// The most rows.
    pub const ROWS_MAX: usize = 16;

    /// Takes 1 to 16 rows, the first from zero, the others rising, no step zero; `None` for
    /// anything else.
    pub fn new(rows: &[BidStep]) -> Option<Self> {
        let rises = rows.windows(2).all(|pair| pair[0].from < pair[1].from);
        let starts = rows.first().is_some_and(|row| row.from.minor() == 0);
        let fits = starts && rises && rows.len() <= Self::ROWS_MAX;
        (fits && rows.iter().all(|row| row.step.minor() > 0)).then(|| Self(rows.into()))
    }

    /// Returns by how much a bid must be above `price`.
    pub fn above(&self, price: Amount) -> Amount {
        let row = self.0.iter().rev().find(|row| row.from <= price);
        row.expect("the first row is from zero").step
    }
}

impl TryFrom<Vec<BidStep>> for BidSteps {
    type Error = OutOfLimits;

    fn try_from(rows: Vec<BidStep>) -> Result<Self, OutOfLimits> {
        Self::new(&rows).ok_or(OutOfLimits("BidSteps"))
    }
}

impl From<BidSteps> for Vec<BidStep> {
    fn from(steps: BidSteps) -> Self {
        steps.0.to_vec()
    }
}

impl Default for BidSteps {
    /// Rises with the price, as auction houses have it: 1 up to 30, 50 from 2000 on.
    fn default() -> Self {
        let row = |(from, step): (u64, u64)| BidStep {
            from: Amount::new(from * 100).expect("it is small"),
            step: Amount::new(step * 100).expect("it is small"),
        };
        let rows = [(0, 1), (30, 2), (50, 3), (100, 5), (300, 10), (1_000, 20), (2_000, 50)];
        Self::new(&rows.map(row)).expect("the rows rise")
    }
}

/// A bid.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BidRequest {
    /// The auction.
    pub auction: AuctionId,
    /// What is bid now.
    pub amount: Amount,
    /// How far the room may bid on the bidder's behalf; `amount` if that is more.
    pub max: Option<Amount>,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// A bid that stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BidPlaced {
    /// The auction.
    pub auction: AuctionId,
    /// Its place among the bids, from 1.
    pub bid: u64,
    /// Whether the bidder leads now; somebody else's highest bid may be higher.
    pub leading: bool,
    /// The price now.
    pub price: Amount,
    /// How far the room bids on the bidder's behalf.
    pub max: Amount,
    /// When the auction ends.
    pub end_at: ServerTime,
}
