//! A flash sale: "3, 2, 1, link!" for every viewer at the same instant.
//!
//! The sale is announced ahead of time together with the moment it opens. Each client holds that
//! moment against its own estimate of server time and flips the button locally, so a slow network
//! delays the announcement but never the opening. Whether an order was in time is decided here and
//! nowhere else.
//!
//! ```text
//! Counting ──open_at──▶ Open ──last unit sold──▶ SoldOut
//!     │                   ├────── close_at ─────▶ Closed
//!     └───── cancel ──────┴────────────────────▶ Cancelled
//! ```

use std::collections::HashMap;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::answered::Answered;
use crate::countdown::CountdownTimer;
use crate::id::{Kind, Mint};
use crate::pace::Throttle;
use crate::{
    Countdown, CountdownKind, EventBody, Member, OrderId, OrderPlaced, OrderRequest, Rejected,
    SaleId, SaleOffer, SaleState, SaleView, ServerTime, UserId,
};

/// The announcement must reach a weak network and still leave three seconds to count.
const LEAD_MIN: Duration = Duration::from_millis(2_000);
/// What is left is told at most five times a second, however fast it sells.
const LEFT_EVERY: Duration = Duration::from_millis(200);

/// One sale of one product in one room.
#[derive(Debug)]
pub(crate) struct FlashSale {
    view: SaleView,
    countdown: CountdownTimer,
    /// An order is at least one unit, so there are never more than the stock.
    orders: Answered<OrderRequest, OrderPlaced>,
    bought: HashMap<UserId, u32>,
    last_seq: u64,
    units_sold: u32,
    left_told: Throttle,
}

impl FlashSale {
    /// Announces a sale, or says that it opens too soon for everyone to hear of it.
    pub(crate) fn announce(
        id: SaleId,
        offer: &SaleOffer,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Self, Rejected> {
        if offer.lead < LEAD_MIN {
            return Err(Rejected::LeadTooShort {
                min_ms: u64::try_from(LEAD_MIN.as_millis()).expect("two seconds fit"),
            });
        }
        let open_at = now + offer.lead;
        let close_at = open_at + Duration::from_millis(offer.open_for.number().into());
        let stock = offer.stock.number();
        let view = SaleView {
            sale: id,
            title: offer.title.clone(),
            sku: offer.sku.clone(),
            price_cents: offer.price_cents,
            stock,
            left: stock,
            per_user: offer.per_user.number(),
            open_at,
            close_at,
            state: SaleState::Counting,
        };
        out.broadcast(EventBody::SaleUpdated(view.clone()), now);
        let kind = CountdownKind::SaleOpen;
        let subject = view.sale.as_str();
        let countdown = CountdownTimer::start(kind, subject, open_at, Some(close_at), now, out);
        Ok(Self {
            view,
            countdown,
            orders: Answered::new(stock as usize),
            bought: HashMap::new(),
            last_seq: 0,
            units_sold: 0,
            left_told: Throttle::new(LEFT_EVERY),
        })
    }

    /// Takes an order, or says why not.
    pub(crate) fn handle_order(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<OrderPlaced, Rejected> {
        // An order may arrive before the timer that would have moved the state.
        self.handle_timeout(now, out);

        if let Some(placed) = self.orders.find(&member.user, &order.idem, order)? {
            return Ok(placed);
        }
        match self.view.state {
            SaleState::Counting => {
                let opens_in = self.view.open_at.since(now);
                let opens_in_ms = u64::try_from(opens_in.as_millis()).unwrap_or(u64::MAX);
                return Err(Rejected::NotOpen { opens_in_ms });
            }
            SaleState::SoldOut => return Err(Rejected::SoldOut { left: 0 }),
            SaleState::Closed | SaleState::Cancelled => return Err(Rejected::Closed("sale")),
            SaleState::Open => {}
        }
        let units = order.quantity.number();
        let bought = self.bought.get(&member.user).copied().unwrap_or(0) + units;
        if bought > self.view.per_user {
            return Err(Rejected::LimitPerUser { per_user: self.view.per_user });
        }
        let Some(left) = self.view.left.checked_sub(units) else {
            return Err(Rejected::SoldOut { left: self.view.left });
        };

        let placed = OrderPlaced {
            order: OrderId::made(&mint.make(Kind::Order, now)),
            seq: self.last_seq + 1,
            sale: self.view.sale.clone(),
            quantity: order.quantity,
            stock: left,
        };
        self.sell(member, order, bought, &placed, now, out);
        Ok(placed)
    }

    /// Calls the sale off.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        if self.is_over() {
            return Err(Rejected::Closed("sale"));
        }
        self.countdown.cancel(now, out);
        self.enter(SaleState::Cancelled, now, out);
        Ok(())
    }

    /// Moves the sale to where it must be at `now`.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.countdown.handle_timeout(now, out);
        if self.view.state == SaleState::Counting && now >= self.view.open_at {
            self.enter(SaleState::Open, now, out);
        }
        if self.view.state == SaleState::Open && now >= self.view.close_at {
            self.enter(SaleState::Closed, now, out);
        }
        if self.left_told.take(now) {
            out.broadcast(EventBody::SaleUpdated(self.view.clone()), now);
        }
        self.check();
    }

    /// Returns when `handle_timeout` is next due, or `None` once the sale is over.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            SaleState::Counting => Some(self.view.open_at),
            SaleState::Open => Some(self.view.close_at),
            SaleState::SoldOut | SaleState::Closed | SaleState::Cancelled => None,
        };
        let others = [self.countdown.poll_timeout(), self.left_told.poll_timeout()];
        others.into_iter().chain([state]).flatten().min()
    }

    pub(crate) const fn view(&self) -> &SaleView {
        &self.view
    }

    /// Returns the countdown as long as a client can make use of it.
    pub(crate) fn countdown(&self) -> Option<&Countdown> {
        (!self.is_over()).then(|| self.countdown.shown())
    }

    pub(crate) const fn is_over(&self) -> bool {
        match self.view.state {
            SaleState::Counting | SaleState::Open => false,
            SaleState::SoldOut | SaleState::Closed | SaleState::Cancelled => true,
        }
    }

    fn sell(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        bought: u32,
        placed: &OrderPlaced,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        assert!(now >= self.view.open_at && now < self.view.close_at, "no order out of time");
        self.last_seq = placed.seq;
        self.view.left = placed.stock;
        self.units_sold += order.quantity.number();
        self.bought.insert(member.user.clone(), bought);
        self.orders.insert(&member.user, &order.idem, order.clone(), placed.clone());
        if placed.stock == 0 {
            self.enter(SaleState::SoldOut, now, out);
        } else {
            self.left_told.touch(now);
        }
        self.check();
    }

    fn enter(&mut self, state: SaleState, now: ServerTime, out: &mut Announcer) {
        assert!(self.view.state < state, "a sale never goes back");
        self.view.state = state;
        self.left_told.clear();
        out.broadcast(EventBody::SaleUpdated(self.view.clone()), now);
    }

    fn check(&self) {
        assert_eq!(self.view.left + self.units_sold, self.view.stock, "units do not vanish");
        assert_eq!(self.orders.len() as u64, self.last_seq, "sequence numbers have no gaps");
        if self.view.left == 0 {
            assert_eq!(self.view.state, SaleState::SoldOut);
        }
    }
}
