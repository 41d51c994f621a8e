//! Coupons of one kind: so many of them, one to a user, first come first served.
//!
//! ```text
//! Counting ──open_at──▶ Open ──last one taken──▶ SoldOut
//!     │                   ├─────── close_at ────▶ Closed
//!     └───── cancel ──────┴─────────────────────▶ Cancelled
//! ```

use std::collections::HashMap;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::countdown::CountdownTimer;
use crate::giveaway::command::has_said;
use crate::id::{Kind, Mint};
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::shop_log::LogPage;
use crate::{
    Countdown, CountdownKind, CouponClaim, CouponEvent, CouponHolder, CouponId, CouponOffer,
    CouponRecord, CouponState, CouponTicket, CouponView, EventBody, Member, Rejected, ServerTime,
    ShopEvent, TicketId, Title, UserId,
};

/// What is left is told at most five times a second, however fast it goes.
const LEFT_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Coupon {
    view: CouponView,
    keyword: Option<Title>,
    countdown: Option<CountdownTimer>,
    /// In the order in which they were claimed; never more than there are.
    holders: Vec<CouponHolder>,
    /// Places in that list.
    by_user: HashMap<UserId, usize>,
    left_told: Throttle,
}

impl Coupon {
    pub(super) fn issue(
        id: CouponId,
        offer: &CouponOffer,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let open_at = now + offer.lead;
        let close_at = open_at + Duration::from_millis(offer.open_for.number().into());
        let is_open = offer.lead.is_zero();
        let view = CouponView {
            coupon: id,
            terms: offer.terms.clone(),
            count: offer.count.number(),
            left: offer.count.number(),
            wants_keyword: offer.keyword.is_some(),
            open_at,
            close_at,
            state: if is_open { CouponState::Open } else { CouponState::Counting },
        };
        tell(&view, now, out);
        let countdown = (!is_open).then(|| {
            let (kind, subject) = (CountdownKind::CouponOpen, view.coupon.as_str());
            CountdownTimer::start(kind, subject, open_at, Some(close_at), now, out)
        });
        Self {
            view,
            keyword: offer.keyword.clone(),
            countdown,
            holders: Vec::new(),
            by_user: HashMap::new(),
            left_told: Throttle::new(LEFT_EVERY),
        }
    }

    /// Gives one out, or says why not.
    pub(super) fn handle_claim(
        &mut self,
        member: &Member,
        claim: &CouponClaim,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<CouponTicket, Rejected> {
        if self.by_user.contains_key(&member.user) {
            return Err(Rejected::AlreadyClaimed);
        }
        match self.view.state {
            CouponState::Counting => return Err(Rejected::not_open(self.view.open_at.since(now))),
            CouponState::SoldOut => return Err(Rejected::SoldOut { left: 0 }),
            CouponState::Closed | CouponState::Cancelled => return Err(Rejected::Closed("coupon")),
            CouponState::Open => {}
        }
        if !has_said(self.keyword.as_ref(), claim.keyword.as_ref()) {
            return Err(Rejected::ConditionUnmet);
        }
        assert!(now >= self.view.open_at && now < self.view.close_at, "no coupon out of time");
        let ticket = TicketId::made(&mint.make(Kind::Ticket, now));
        self.by_user.insert(member.user.clone(), self.holders.len());
        let (user, name) = (member.user.clone(), member.name.clone());
        self.holders.push(CouponHolder { ticket, user, name, at: now });
        self.view.left -= 1;
        self.check();
        let ticket = self.ticket(self.holders.len() - 1);
        let told = CouponEvent::Claimed(ticket.clone());
        out.tell(&member.user, EventBody::Shop(ShopEvent::Coupon(told)), now);
        // Whoever keeps books hears of the last one before they hear that it was the last.
        if self.view.left == 0 {
            self.enter(CouponState::SoldOut, now, out);
        } else {
            self.left_told.touch(now);
        }
        Ok(ticket)
    }

    /// Gives no more away; what was claimed stands.
    pub(super) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        if self.is_over() {
            return Err(Rejected::Closed("coupon"));
        }
        if let Some(countdown) = &mut self.countdown {
            countdown.cancel(now, out);
        }
        self.enter(CouponState::Cancelled, now, out);
        Ok(())
    }

    pub(super) const fn view(&self) -> &CouponView {
        &self.view
    }

    /// Returns the one that `user` has.
    pub(super) fn held_by(&self, user: &UserId) -> Option<&TicketId> {
        self.by_user.get(user).map(|place| &self.holders[*place].ticket)
    }

    pub(super) fn record(&self, page: LogPage) -> CouponRecord {
        CouponRecord { coupon: self.view.clone(), holders: page.of(self.holders.iter()) }
    }

    fn ticket(&self, index: usize) -> CouponTicket {
        let place = u32::try_from(index + 1).expect("there are a hundred thousand at most");
        let holder = &self.holders[index];
        CouponTicket {
            coupon: self.view.coupon.clone(),
            ticket: holder.ticket.clone(),
            place,
            left: self.view.count - place,
            valid_until: self.view.terms.valid_for.map(|ttl| holder.at + ttl.span()),
        }
    }

    fn enter(&mut self, state: CouponState, now: ServerTime, out: &mut Announcer) {
        assert!(self.view.state < state, "coupons never go back");
        self.view.state = state;
        self.left_told.clear();
        tell(&self.view, now, out);
    }

    fn check(&self) {
        assert_eq!(self.holders.len() + self.view.left as usize, self.view.count as usize);
        assert_eq!(self.holders.len(), self.by_user.len(), "one coupon to a user");
    }
}

impl OnShelf for Coupon {
    type Id = CouponId;

    fn id(&self) -> &CouponId {
        &self.view.coupon
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            CouponState::Counting | CouponState::Open => false,
            CouponState::SoldOut | CouponState::Closed | CouponState::Cancelled => true,
        }
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        if let Some(countdown) = &mut self.countdown {
            countdown.handle_timeout(now, out);
        }
        if self.view.state == CouponState::Counting && now >= self.view.open_at {
            self.enter(CouponState::Open, now, out);
        }
        if self.view.state == CouponState::Open && now >= self.view.close_at {
            self.enter(CouponState::Closed, now, out);
        }
        if self.left_told.take(now) {
            tell(&self.view, now, out);
        }
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            CouponState::Counting => Some(self.view.open_at),
            CouponState::Open => Some(self.view.close_at),
            CouponState::SoldOut | CouponState::Closed | CouponState::Cancelled => None,
        };
        let countdown = self.countdown.as_ref().and_then(CountdownTimer::poll_timeout);
        [state, countdown, self.left_told.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        // Those that are over stay as they are.
        let _ = self.cancel(now, out);
    }

    fn countdown(&self) -> Option<&Countdown> {
        self.countdown.as_ref().filter(|_| !self.is_over()).map(CountdownTimer::shown)
    }
}

fn tell(view: &CouponView, now: ServerTime, out: &mut Announcer) {
    let updated = CouponEvent::Updated(view.clone());
    out.broadcast(EventBody::Shop(ShopEvent::Coupon(updated)), now);
}
