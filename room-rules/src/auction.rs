//! An auction: the highest bid wins, and a bid in the last seconds gives the others time to answer.
//!
//! Bids are decided in the order in which the room takes them, so two are never equal: of two equal
//! highest bids the earlier leads. What surprises: who leads cannot be beaten by a bid that only
//! reaches their hidden highest bid, and such a bid moves the price all the same.
//!
//! ```text
//! Scheduled ──start_at──▶ Running ──last seconds──▶ Closing ──end_at──▶ Sold
//!     │                      │                         │        └─────▶ Unsold
//!     └─ called off (after the first bid by the platform only), room over ─▶ Void
//! ```

mod book;
mod command;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use command::{
    AuctionCommand, AuctionEnding, AuctionOffer, AuctionReply, BidPlaced, BidRequest, BidStep,
    BidSteps, SoftClose,
};
pub use view::{AuctionEvent, AuctionPrice, AuctionState, AuctionView};

use crate::announcer::Announcer;
use crate::countdown::{CountdownTimer, LEAD_MIN};
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::shop::ShopEvent;
use crate::{
    Amount, AuctionId, Countdown, CountdownKind, EventBody, Member, OrderId, Rejected, Role,
    ServerTime, UserId,
};
use book::{BidBook, Outcome};

/// The price is told at most ten times a second, however fast it rises.
const PRICE_EVERY: Duration = Duration::from_millis(100);
/// Bids that are remembered; the ledger has them all.
const BIDS_KEPT: usize = 20_000;

/// One auction in one room.
#[derive(Debug)]
pub(crate) struct Auction {
    view: AuctionView,
    ending: AuctionEnding,
    book: BidBook,
    countdown: CountdownTimer,
    /// What the winner's order will be called.
    order: OrderId,
    /// Full: the oldest is forgotten.
    log: VecDeque<BidRecord>,
    price_told: Throttle,
}

/// A bid as the room's own people may see it afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BidRecord {
    /// Its place among the bids, from 1.
    pub bid: u64,
    /// When it was taken.
    pub at: ServerTime,
    /// Whose it is.
    pub user: UserId,
    /// What was bid.
    pub amount: Amount,
    /// How far the room could bid on the bidder's behalf.
    pub max: Amount,
    /// The price after it.
    pub price: Amount,
    /// Whether the bidder led after it.
    pub leading: bool,
}

impl Auction {
    /// Announces an auction, or says that it starts too soon for everyone to hear of it.
    pub(crate) fn open(
        id: AuctionId,
        order: OrderId,
        offer: &AuctionOffer,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Self, Rejected> {
        if !offer.lead.is_zero() && offer.lead < LEAD_MIN {
            return Err(Rejected::lead_too_short());
        }
        let start_at = now + offer.lead;
        let hard_end = match offer.ending {
            AuctionEnding::SuddenDeath => None,
            AuctionEnding::Soft(soft) => soft.hard_limit().map(|limit| start_at + limit),
        };
        let planned = start_at + Duration::from_millis(offer.open_for.number().into());
        let end_at = hard_end.map_or(planned, |hard_end| hard_end.min(planned));
        let book = BidBook::new(offer.start_price, offer.reserve, offer.steps.clone());
        let price = AuctionPrice {
            auction: id,
            revision: 1,
            price: None,
            next: book.next(),
            leader: None,
            bids: 0,
            reserve_met: book.reserve_met(),
            end_at,
            extensions: 0,
        };
        let view = AuctionView {
            title: offer.title.clone(),
            sku: offer.sku.clone(),
            currency: offer.currency,
            start_price: offer.start_price,
            start_at,
            hard_end,
            soft_close: matches!(offer.ending, AuctionEnding::Soft(_)),
            state: AuctionState::Scheduled,
            price,
        };
        out.broadcast(told(AuctionEvent::Updated(view.clone())), now);
        let (kind, subject) = (CountdownKind::AuctionStart, view.price.auction.as_str());
        let countdown = CountdownTimer::start(kind, subject, start_at, Some(end_at), now, out);
        Ok(Self {
            view,
            ending: offer.ending,
            book,
            countdown,
            order,
            log: VecDeque::new(),
            price_told: Throttle::new(PRICE_EVERY),
        })
    }

    /// Takes a bid, or says why not.
    pub(crate) fn handle_bid(
        &mut self,
        member: &Member,
        bid: &BidRequest,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<BidPlaced, Rejected> {
        // A bid may arrive before the timer that would have moved the state.
        self.handle_timeout(now, out);
        match self.view.state {
            AuctionState::Scheduled => {
                return Err(Rejected::not_open(self.view.start_at.since(now)));
            }
            AuctionState::Running | AuctionState::Closing => {}
            AuctionState::Sold | AuctionState::Unsold | AuctionState::Void => {
                return Err(Rejected::Closed("auction"));
            }
        }
        let outcome = self.book.bid(member, bid.amount, bid.max)?;

        assert!(now >= self.view.start_at && now < self.view.price.end_at, "no bid out of time");
        self.view.price.bids += 1;
        self.show_book();
        self.put_off(now, out);
        if let Outcome::Leads { ousted: Some(ousted) } = &outcome {
            let news = AuctionEvent::Outbid(self.view.price.clone());
            out.tell(&ousted.user, told(news), now);
        }
        self.price_told.touch(now);
        Ok(self.record(member, bid, now))
    }

    /// Calls the auction off.
    pub(crate) fn cancel(
        &mut self,
        member: &Member,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        if self.is_over() {
            return Err(Rejected::Closed("auction"));
        }
        if self.view.price.bids > 0 && member.role != Role::Admin {
            return Err(Rejected::Conflict("there are bids; only the platform may call it off"));
        }
        self.void(now, out);
        Ok(())
    }

    pub(crate) const fn view(&self) -> &AuctionView {
        &self.view
    }

    /// Returns whether `user` leads, and how far the room would bid on their behalf.
    pub(crate) fn lead_of(&self, user: &UserId) -> Option<Amount> {
        self.book.lead().filter(|lead| lead.member.user == *user).map(|lead| lead.max)
    }

    /// Returns the bids that are remembered, oldest first.
    pub(crate) fn log(&self) -> impl Iterator<Item = &BidRecord> {
        self.log.iter()
    }

    /// Brings the view up to what the book says.
    fn show_book(&mut self) {
        let price = &mut self.view.price;
        price.revision += 1;
        price.price = self.book.price();
        price.next = self.book.next();
        price.leader = self.book.lead().map(|lead| masked(&lead.member.name));
        price.reserve_met = self.book.reserve_met();
    }

    /// Puts the end off if a bid came close to it.
    fn put_off(&mut self, now: ServerTime, out: &mut Announcer) {
        let AuctionEnding::Soft(soft) = self.ending else { return };
        let price = &mut self.view.price;
        if price.end_at.since(now) > soft.window() || price.extensions >= soft.extensions_max() {
            return;
        }
        let wanted = now + soft.extension();
        let allowed = self.view.hard_end.map_or(wanted, |hard_end| wanted.min(hard_end));
        if allowed <= price.end_at {
            return;
        }
        price.end_at = allowed;
        price.extensions += 1;
        self.countdown.put_off(allowed, None, now, out);
        self.tell(now, out);
    }

    fn record(&mut self, member: &Member, bid: &BidRequest, now: ServerTime) -> BidPlaced {
        let price = &self.view.price;
        let leading = self.book.leads(&member.user);
        let max = bid.max.unwrap_or(bid.amount).max(bid.amount);
        let placed = BidPlaced {
            auction: price.auction.clone(),
            bid: price.bids,
            leading,
            price: price.price.expect("there was a bid"),
            max,
            end_at: price.end_at,
        };
        if self.log.len() == BIDS_KEPT {
            self.log.pop_front();
        }
        self.log.push_back(BidRecord {
            bid: placed.bid,
            at: now,
            user: member.user.clone(),
            amount: bid.amount,
            max,
            price: placed.price,
            leading,
        });
        placed
    }

    fn settle(&mut self, now: ServerTime, out: &mut Announcer) {
        let sold = self.view.price.reserve_met != Some(false);
        match self.book.lead() {
            Some(lead) if sold => {
                let auction = self.view.price.auction.clone();
                let news = AuctionEvent::Won {
                    order: self.order.clone(),
                    auction,
                    price: self.view.price.price.expect("who leads has bid"),
                    currency: self.view.currency,
                };
                out.tell(&lead.member.user, told(news), now);
                self.enter(AuctionState::Sold, now, out);
            }
            Some(_) | None => self.enter(AuctionState::Unsold, now, out),
        }
    }

    fn void(&mut self, now: ServerTime, out: &mut Announcer) {
        self.countdown.cancel(now, out);
        self.enter(AuctionState::Void, now, out);
    }

    fn enter(&mut self, state: AuctionState, now: ServerTime, out: &mut Announcer) {
        assert!(self.view.state < state, "an auction never goes back");
        self.view.state = state;
        self.view.price.revision += 1;
        self.tell(now, out);
    }

    fn tell(&mut self, now: ServerTime, out: &mut Announcer) {
        self.price_told.clear();
        out.broadcast(told(AuctionEvent::Updated(self.view.clone())), now);
    }

    /// Counts down to the end from the moment that bids are taken.
    fn start(&mut self, now: ServerTime, out: &mut Announcer) {
        self.enter(AuctionState::Running, now, out);
        let (kind, subject) = (CountdownKind::AuctionEnd, self.view.price.auction.as_str());
        let end_at = self.view.price.end_at;
        self.countdown = CountdownTimer::start(kind, subject, end_at, None, now, out);
    }

    /// Returns when the last seconds begin, if a bid means more in them.
    fn closing_at(&self) -> Option<ServerTime> {
        match self.ending {
            AuctionEnding::SuddenDeath => None,
            AuctionEnding::Soft(soft) => Some(self.view.price.end_at.before(soft.window())),
        }
    }
}

impl OnShelf for Auction {
    type Id = AuctionId;

    fn id(&self) -> &AuctionId {
        &self.view.price.auction
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            AuctionState::Scheduled | AuctionState::Running | AuctionState::Closing => false,
            AuctionState::Sold | AuctionState::Unsold | AuctionState::Void => true,
        }
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.countdown.handle_timeout(now, out);
        if self.view.state == AuctionState::Scheduled && now >= self.view.start_at {
            self.start(now, out);
        }
        if self.view.state == AuctionState::Running && self.closing_at().is_some_and(|at| now >= at)
        {
            self.enter(AuctionState::Closing, now, out);
        }
        if !self.is_over()
            && self.view.state != AuctionState::Scheduled
            && now >= self.view.price.end_at
        {
            self.countdown.handle_timeout(now, out);
            self.settle(now, out);
        }
        if self.price_told.take(now) {
            out.broadcast(told(AuctionEvent::Bids(self.view.price.clone())), now);
        }
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            AuctionState::Scheduled => Some(self.view.start_at),
            AuctionState::Running => Some(self.closing_at().unwrap_or(self.view.price.end_at)),
            AuctionState::Closing => Some(self.view.price.end_at),
            AuctionState::Sold | AuctionState::Unsold | AuctionState::Void => None,
        };
        let others = [self.countdown.poll_timeout(), self.price_told.poll_timeout()];
        others.into_iter().chain([state]).flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        if !self.is_over() {
            self.void(now, out);
        }
    }

    fn countdown(&self) -> Option<&Countdown> {
        (!self.is_over()).then(|| self.countdown.shown())
    }
}

const fn told(event: AuctionEvent) -> EventBody {
    EventBody::Shop(ShopEvent::Auction(event))
}

/// Shows enough of a name for its owner to know themselves.
fn masked(name: &str) -> Arc<str> {
    let first: String = name.chars().take(1).collect();
    format!("{first}***").into()
}
