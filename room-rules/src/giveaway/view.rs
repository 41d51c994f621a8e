//! Red packets and lotteries as everyone sees them.

use std::sync::Arc;

use crate::{Digest, LotteryId, PacketId, PacketSplit, ServerTime, Title, UserId};

/// A red packet or a lottery changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GiveawayEvent {
    /// A red packet.
    Packet(PacketView),
    /// A lottery.
    Lottery(LotteryView),
}

/// A red packet as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PacketView {
    /// Which.
    pub packet: PacketId,
    /// What it is called.
    pub title: Title,
    /// What is in it, in minor units.
    pub total: u64,
    /// Into how many shares it is split.
    pub shares: u32,
    /// How.
    pub split: PacketSplit,
    /// Whether one must say something to get a share.
    pub wants_keyword: bool,
    /// The first instant at which it can be claimed.
    pub open_at: ServerTime,
    /// The first instant at which it can no longer be claimed.
    pub close_at: ServerTime,
    /// Shares left.
    pub left: u32,
    /// What is in those.
    pub left_total: u64,
    /// How far it is.
    pub state: PacketState,
    /// Who got most, once it is over.
    pub luckiest: Option<PacketTaker>,
    /// What goes back to the giver, once it is over.
    pub refunded: u64,
}

/// How far a red packet is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PacketState {
    /// Announced, not to be claimed yet.
    Counting,
    /// To be claimed.
    Open,
    /// All shares are taken.
    Empty,
    /// The time is up.
    Expired,
    /// Taken back.
    Cancelled,
}

/// Who got how much.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PacketTaker {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// How much, in minor units.
    pub amount: u64,
}

/// A red packet and who got what, first come first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PacketRecord {
    /// The red packet.
    pub packet: PacketView,
    /// Who has claimed.
    pub takers: Vec<PacketTaker>,
}

/// A lottery as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LotteryView {
    /// Which.
    pub lottery: LotteryId,
    /// What it is called.
    pub title: Title,
    /// What each winner gets.
    pub prize: Title,
    /// How many win at most.
    pub places: u32,
    /// Whether one must say something to take part.
    pub wants_keyword: bool,
    /// The SHA-256 of the seed.
    pub commitment: Digest,
    /// The first instant at which nobody can enter any more.
    pub close_at: ServerTime,
    /// When it is drawn.
    pub draw_at: ServerTime,
    /// How many take part.
    pub entries: u64,
    /// How far it is.
    pub state: LotteryState,
    /// The hash of the list of those who take part, once that is closed.
    pub entries_hash: Option<Digest>,
    /// The seed, once it is drawn or aborted.
    pub seed: Option<Digest>,
    /// Who has won, best rank first.
    pub winners: Vec<Winner>,
}

/// How far a lottery is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LotteryState {
    /// One can enter.
    Open,
    /// The list is closed and its hash told; the draw is to come.
    Closed,
    /// The seed is told, and who has won.
    Drawn,
    /// Called off. The seed is told all the same, so that everybody can see whom it would have hit.
    Aborted,
}

/// Somebody who has won.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Winner {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
}

/// A lottery with everything that is needed to do the draw again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LotteryRecord {
    /// The lottery.
    pub lottery: LotteryView,
    /// Who takes part, sorted by id; empty as long as one can enter.
    pub entries: Arc<[UserId]>,
}
