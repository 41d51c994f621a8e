//! What is asked about coupons, and what is answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{
    Amount, Capability, CouponId, Currency, IdemKey, ProductId, SaleDuration, ServerTime, TicketId,
    Title, Ttl,
};

const COUNT_MAX: u32 = 100_000;

/// One thing that is asked about coupons.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponCommand {
    /// Gives a number of them away.
    Issue(Box<CouponOffer>),
    /// Takes one.
    Claim(CouponClaim),
    /// Gives no more of them away; those that were claimed stand.
    Cancel(CouponId),
}

impl CouponCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Issue(_) => Capability::AnnounceSale,
            Self::Claim(_) => Capability::Order,
            Self::Cancel(_) => Capability::CancelSale,
        }
    }

    pub(crate) const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::Claim(claim) => Some(&claim.idem),
            Self::Issue(_) | Self::Cancel(_) => None,
        }
    }
}

/// Coupons as the host gives them away.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CouponOffer {
    /// What they say.
    pub terms: CouponTerms,
    /// How many there are.
    pub count: CouponCount,
    /// What one must say to get one.
    pub keyword: Option<Title>,
    /// How long until they can be claimed; zero for at once.
    pub lead: Duration,
    /// How long they can be claimed.
    pub open_for: SaleDuration,
}

/// What a coupon says. Whether it holds when somebody pays is the platform's business.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CouponTerms {
    /// What it is called.
    pub title: Title,
    /// What one saves.
    pub worth: CouponWorth,
    /// What one must spend at least, in minor units.
    pub min_spend: Amount,
    /// What money is counted in.
    pub currency: Currency,
    /// The product of the room's list for which alone it is good.
    pub product: Option<ProductId>,
    /// How long one is good once it is claimed; without it, for ever.
    pub valid_for: Option<Ttl>,
}

/// What one saves with a coupon.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponWorth {
    /// So much, in minor units.
    Amount(Amount),
    /// So many hundredths of the price.
    Percent(Percent),
}

/// Hundredths, 1 to 100.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// Takes 1 to 100; `None` for anything else.
    pub fn new(number: u8) -> Option<Self> {
        (1..=100).contains(&number).then_some(Self(number))
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = OutOfLimits;

    fn try_from(number: u8) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("Percent"))
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// Coupons of one kind, 1 to 100,000.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct CouponCount(u32);

impl CouponCount {
    /// Takes a number within the limits; `None` for any other.
    pub fn new(number: u32) -> Option<Self> {
        (1..=COUNT_MAX).contains(&number).then_some(Self(number))
    }

    /// Returns the number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for CouponCount {
    type Error = OutOfLimits;

    fn try_from(number: u32) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("CouponCount"))
    }
}

impl From<CouponCount> for u32 {
    fn from(count: CouponCount) -> Self {
        count.0
    }
}

/// Somebody wants a coupon.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CouponClaim {
    /// Of which kind.
    pub coupon: CouponId,
    /// What they say.
    pub keyword: Option<Title>,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// What such a command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponReply {
    /// The coupons are announced.
    Issued {
        /// Their id.
        coupon: CouponId,
        /// When they can be claimed.
        open_at: ServerTime,
    },
    /// One is the user's.
    Claimed(CouponTicket),
}

/// One coupon of one user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CouponTicket {
    /// Of which kind it is.
    pub coupon: CouponId,
    /// What the platform knows it by.
    pub ticket: TicketId,
    /// Its place among the claims, from 1.
    pub place: u32,
    /// How many were left after it.
    pub left: u32,
    /// The first instant at which it is no longer good, if there is one.
    pub valid_until: Option<ServerTime>,
}
