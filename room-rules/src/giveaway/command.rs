//! What members ask of red packets and lotteries, and what they are answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Capability, IdemKey, LotteryId, PacketId, SaleDuration, Seed, ServerTime, Title};

/// The most that one red packet holds: what a JavaScript number holds exactly.
const TOTAL_MAX: u64 = (1 << 53) - 1;
const SHARES_MAX: u32 = 10_000;
const WINNERS_MAX: u32 = 100;

/// One thing a member asks of a red packet or a lottery.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveawayCommand {
    /// Gives a red packet.
    PacketOpen(Box<PacketOffer>),
    /// Takes a share of one.
    PacketClaim(PacketClaim),
    /// Takes one back; what was claimed stays claimed.
    PacketCancel(PacketId),
    /// Begins a lottery.
    LotteryOpen(Box<LotteryOffer>),
    /// Takes part in one.
    LotteryEnter(LotteryEntry),
    /// Calls one off, for everybody to see.
    LotteryAbort(LotteryId),
}

impl GiveawayCommand {
    /// Returns what one must be allowed in order to give this command.
    pub const fn needs(&self) -> Capability {
        match self {
            Self::PacketOpen(_) | Self::LotteryOpen(_) => Capability::AnnounceSale,
            Self::PacketClaim(_) | Self::LotteryEnter(_) => Capability::Order,
            Self::PacketCancel(_) | Self::LotteryAbort(_) => Capability::CancelSale,
        }
    }

    pub(crate) const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::PacketClaim(claim) => Some(&claim.idem),
            Self::LotteryEnter(entry) => Some(&entry.idem),
            Self::PacketOpen(_)
            | Self::PacketCancel(_)
            | Self::LotteryOpen(_)
            | Self::LotteryAbort(_) => None,
        }
    }

    pub(crate) const fn seed_wanted(&mut self) -> Option<&mut Option<Seed>> {
        match self {
            Self::PacketOpen(offer) => Some(&mut offer.seed),
            Self::LotteryOpen(offer) => Some(&mut offer.seed),
            Self::PacketClaim(_)
            | Self::PacketCancel(_)
            | Self::LotteryEnter(_)
            | Self::LotteryAbort(_) => None,
        }
    }
}

/// What such a command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveawayReply {
    /// The red packet is announced.
    PacketOpened {
        /// Its id.
        packet: PacketId,
        /// When shares can be claimed.
        open_at: ServerTime,
    },
    /// A share is the user's.
    Claimed(PacketShare),
    /// The lottery has begun.
    LotteryOpened {
        /// Its id.
        lottery: LotteryId,
        /// The first instant at which nobody can enter any more.
        close_at: ServerTime,
        /// When it is drawn.
        draw_at: ServerTime,
    },
    /// The user takes part.
    Entered {
        /// In which lottery.
        lottery: LotteryId,
        /// How many do so far.
        entries: u64,
    },
}

/// A red packet as the host gives it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PacketOffer {
    /// What it is called.
    pub title: Title,
    /// What is in it.
    pub sum: PacketSum,
    /// What one must say to get a share.
    pub keyword: Option<Title>,
    /// How long until it can be claimed; zero for at once.
    pub lead: Duration,
    /// How long it can be claimed. What is left then goes back.
    pub open_for: SaleDuration,
    /// Decides who gets how much; put in at the edge.
    pub seed: Option<Seed>,
}

/// A sum of money and into how many shares it is split.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "(u64, u32, PacketSplit)", into = "(u64, u32, PacketSplit)")]
pub struct PacketSum {
    total: u64,
    shares: u32,
    split: PacketSplit,
}

impl PacketSum {
    /// Takes minor units and 1 to 10,000 shares; `None` if a share would be less than one unit, or
    /// equal shares would not make the whole.
    pub const fn new(total: u64, shares: u32, split: PacketSplit) -> Option<Self> {
        let fits = shares >= 1 && shares <= SHARES_MAX && total <= TOTAL_MAX;
        if !fits || total < shares as u64 {
            return None;
        }
        match split {
            PacketSplit::Fixed if !total.is_multiple_of(shares as u64) => None,
            PacketSplit::Fixed | PacketSplit::Lucky => Some(Self { total, shares, split }),
        }
    }

    /// Returns the whole, in minor units.
    pub const fn total(self) -> u64 {
        self.total
    }

    /// Returns the number of shares.
    pub const fn shares(self) -> u32 {
        self.shares
    }

    /// Returns how it is split.
    pub const fn split(self) -> PacketSplit {
        self.split
    }
}

impl TryFrom<(u64, u32, PacketSplit)> for PacketSum {
    type Error = OutOfLimits;

    fn try_from((total, shares, split): (u64, u32, PacketSplit)) -> Result<Self, OutOfLimits> {
        Self::new(total, shares, split).ok_or(OutOfLimits("PacketSum"))
    }
}

impl From<PacketSum> for (u64, u32, PacketSplit) {
    fn from(sum: PacketSum) -> Self {
        (sum.total, sum.shares, sum.split)
    }
}

/// How a red packet is split.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketSplit {
    /// By luck; on average everybody gets the same, whenever they come.
    Lucky,
    /// Equally.
    Fixed,
}

/// Somebody wants a share.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PacketClaim {
    /// Of which red packet.
    pub packet: PacketId,
    /// What they say.
    pub keyword: Option<Title>,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// A share that was claimed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PacketShare {
    /// Of which red packet.
    pub packet: PacketId,
    /// How much it is, in minor units.
    pub amount: u64,
    /// Its place among the claims, from 1.
    pub place: u32,
    /// Shares left after it.
    pub left: u32,
}

/// A lottery as the host begins it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LotteryOffer {
    /// What it is called.
    pub title: Title,
    /// What each winner gets.
    pub prize: Title,
    /// How many win.
    pub winners: WinnerCount,
    /// What one must say to take part.
    pub keyword: Option<Title>,
    /// How long one can enter.
    pub open_for: SaleDuration,
    /// How long from then until the draw, so that everybody has the list before the seed is told.
    pub suspense: Suspense,
    /// Decides who wins; put in at the edge.
    pub seed: Option<Seed>,
}

/// Somebody wants to take part.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LotteryEntry {
    /// In which lottery.
    pub lottery: LotteryId,
    /// What they say.
    pub keyword: Option<Title>,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// How many win, 1 to 100.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct WinnerCount(u32);

impl WinnerCount {
    /// Takes a number within the limits; `None` for any other.
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= WINNERS_MAX { Some(Self(number)) } else { None }
    }

    /// Returns the number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for WinnerCount {
    type Error = OutOfLimits;

    fn try_from(number: u32) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("WinnerCount"))
    }
}

impl From<WinnerCount> for u32 {
    fn from(count: WinnerCount) -> Self {
        count.0
    }
}

/// How long from the last entry to the draw, 1 to 60 seconds, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Suspense(u32);

impl Suspense {
    /// Takes milliseconds within the limits; `None` for any other.
    pub const fn new(millis: u32) -> Option<Self> {
        if millis >= 1_000 && millis <= 60_000 { Some(Self(millis)) } else { None }
    }

    /// Returns it.
    pub fn span(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

impl TryFrom<u32> for Suspense {
    type Error = OutOfLimits;

    fn try_from(millis: u32) -> Result<Self, OutOfLimits> {
        Self::new(millis).ok_or(OutOfLimits("Suspense"))
    }
}

impl From<Suspense> for u32 {
    fn from(suspense: Suspense) -> Self {
        suspense.0
    }
}

/// Returns whether somebody has said what they must. How it is written does not matter.
pub(crate) fn has_said(wanted: Option<&Title>, said: Option<&Title>) -> bool {
    let plain = |text: &Title| text.as_str().trim().to_lowercase();
    wanted.is_none_or(|wanted| said.is_some_and(|said| plain(said) == plain(wanted)))
}
