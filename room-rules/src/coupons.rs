//! The coupons of a room, several kinds of which may be given away at once.

pub(crate) mod command;
mod coupon;

use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::shelf::Shelf;
use crate::shop_log::LogPage;
use crate::{
    Countdown, CouponCommand, CouponId, CouponReply, CouponTerms, CouponTicket, Member, Rejected,
    Reply, ServerTime, ShopReply, Stream, TicketId, UserId,
};

use coupon::Coupon;

const RUNNING_MAX: usize = 5;
/// Kinds that are over and still shown.
const OVER_KEPT: usize = 10;
const CLAIM_INTERVAL: Duration = Duration::from_millis(200);
const CLAIM_BURST: u32 = 10;

#[derive(Debug)]
pub(crate) struct Coupons {
    coupons: Shelf<Coupon>,
    claim_pace: Pace,
}

impl Coupons {
    pub(crate) fn new() -> Self {
        Self {
            coupons: Shelf::new(RUNNING_MAX, OVER_KEPT),
            claim_pace: Pace::new(CLAIM_INTERVAL, CLAIM_BURST),
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: &CouponCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let reply = match command {
            CouponCommand::Issue(offer) => {
                self.coupons.expect_room()?;
                let id = CouponId::made(&mint.make(Kind::Coupon, now));
                self.coupons.push(Coupon::issue(id.clone(), offer, now, out));
                CouponReply::Issued { coupon: id, open_at: now + offer.lead }
            }
            CouponCommand::Claim(claim) => {
                if !self.claim_pace.allow(&member.user, now) {
                    return Err(Rejected::RateLimited);
                }
                let coupon = self.coupons.find(&claim.coupon, "coupon")?;
                CouponReply::Claimed(coupon.handle_claim(member, claim, now, mint, out)?)
            }
            CouponCommand::Cancel(id) => {
                self.coupons.find(id, "coupon")?.cancel(now, out)?;
                return Ok(Reply::Done);
            }
        };
        Ok(Reply::Shop(ShopReply::Coupon(reply)))
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.coupons.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.coupons.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.coupons.poll_timeout()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &CouponView> {
        self.coupons.iter().map(Coupon::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.coupons.countdowns()
    }

    /// Returns the coupons that `user` has, by their kind.
    pub(crate) fn held_by<'a>(
        &'a self,
        user: &'a UserId,
    ) -> impl Iterator<Item = (&'a CouponId, &'a TicketId)> {
        let held = self.coupons.iter().map(|coupon| (&coupon.view().coupon, coupon.held_by(user)));
        held.filter_map(|(id, ticket)| Some((id, ticket?)))
    }

    /// Returns who has one.
    pub(crate) fn record(&self, id: &CouponId, page: LogPage) -> Option<CouponRecord> {
        let coupon = self.coupons.iter().find(|coupon| coupon.view().coupon == *id)?;
        Some(coupon.record(page))
    }
}

/// Coupons of one kind as everyone sees them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CouponView {
    /// Which.
    pub coupon: CouponId,
    /// What they say.
    pub terms: CouponTerms,
    /// How many there are.
    pub count: u32,
    /// How many are left.
    pub left: u32,
    /// Whether one must say something to get one.
    pub wants_keyword: bool,
    /// The first instant at which they can be claimed.
    pub open_at: ServerTime,
    /// The first instant at which they can no longer be claimed.
    pub close_at: ServerTime,
    /// How far it is.
    pub state: CouponState,
}

/// How far the giving away of coupons is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CouponState {
    /// Announced, not to be claimed yet.
    Counting,
    /// To be claimed.
    Open,
    /// All are taken.
    SoldOut,
    /// The time is up.
    Closed,
    /// Called off.
    Cancelled,
}

/// What is told about coupons.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CouponEvent {
    /// Something is otherwise.
    Updated(CouponView),
    /// The user has one, in whatever session they claimed it.
    Claimed(CouponTicket),
}

impl CouponEvent {
    pub(crate) const fn stream(&self) -> Stream {
        match self {
            Self::Updated(_) => Stream::Sale,
            Self::Claimed(_) => Stream::Me,
        }
    }
}

/// Who has a coupon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CouponHolder {
    /// What the platform knows it by.
    pub ticket: TicketId,
    /// Whose it is.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// When they claimed it.
    pub at: ServerTime,
}

/// Coupons of one kind and a page of those who have one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CouponRecord {
    /// The coupons.
    pub coupon: CouponView,
    /// In the order in which they were claimed.
    pub holders: Vec<CouponHolder>,
}
