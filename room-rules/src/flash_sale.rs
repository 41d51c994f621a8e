//! A flash sale: "3, 2, 1, link!" for every viewer at the same instant.
//!
//! The sale is announced ahead of time together with the moment it opens. Each client holds that
//! moment against its own estimate of server time and flips the button locally, so a slow network
//! delays the announcement but never the opening. Whether an order was in time is decided here and
//! nowhere else. A sale either serves who comes first, or draws among all who come in its first
//! moments and serves who comes first after that.
//!
//! ```text
//! Counting ──open_at──▶ Open ◀──▶ Paused
//!     │                 │  ▲        │
//!     │        last unit│  │came back
//!     │                 ▼  │        │
//!     │               SoldOut       │
//!     │                 │           │
//!     │                 ├─ close_at, closed ─▶ Closed
//!     └── cancel ───────┴───────────┴────────▶ Cancelled
//! ```

mod command;
mod draw;
mod early;
mod orders;
mod steering;

use std::time::Duration;

pub use command::{OrderNews, OrderQueued, SaleCommand, SalePolicy, SaleTerms};
pub use draw::DrawEntry;
pub use orders::{OrderRecord, OrderState};

use crate::announcer::Announcer;
use crate::countdown::{CountdownTimer, LEAD_MIN};
use crate::id::{Kind, Mint};
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::{
    Countdown, CountdownKind, DrawPromise, DrawResult, EventBody, Member, OrderId, OrderPlaced,
    OrderRequest, Quantity, Rejected, SaleId, SaleOffer, SaleState, SaleView, ServerTime,
    ShopEvent, UserId,
};
use draw::Draw;
use early::EarlyTries;
use orders::OrderBook;

/// What is left is told at most five times a second, however fast it sells.
const LEFT_EVERY: Duration = Duration::from_millis(200);

/// One sale of one product in one room.
#[derive(Debug)]
pub(crate) struct FlashSale {
    view: SaleView,
    countdown: CountdownTimer,
    book: OrderBook,
    early: EarlyTries,
    draw: Option<Draw>,
    hides_buyers: bool,
    left_told: Throttle,
}

/// How an order was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum OrderAnswer {
    Placed(OrderPlaced),
    Queued(OrderQueued),
}

impl FlashSale {
    /// Announces a sale, or says that it opens too soon for everyone to hear of it.
    pub(crate) fn announce(
        id: SaleId,
        offer: &SaleOffer,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Self, Rejected> {
        if offer.lead < LEAD_MIN && !offer.terms.immediate {
            return Err(Rejected::lead_too_short());
        }
        let open_at = now + offer.lead;
        let draw = draw_of(offer)?;
        let (stock, per_user) = (offer.stock.number(), offer.per_user.number());
        let pay_within = offer.terms.pay_within.map(|millis| millis.duration());
        let view = SaleView {
            sale: id,
            title: offer.title.clone(),
            sku: offer.sku.clone(),
            product: offer.product.clone(),
            price_cents: offer.price_cents,
            stock,
            left: stock,
            per_user,
            open_at,
            close_at: open_at + Duration::from_millis(offer.open_for.number().into()),
            state: SaleState::Counting,
            fair: offer.lead >= LEAD_MIN,
            buyers: (!offer.terms.hides_buyers).then_some(0),
            pay_within: offer.terms.pay_within,
            draw: draw.as_ref().map(|draw| DrawPromise {
                commitment: draw.seed().commitment(),
                decided_at: open_at + draw.window().duration(),
                result: None,
            }),
        };
        out.broadcast(EventBody::SaleUpdated(view.clone()), now);
        let kind = CountdownKind::SaleOpen;
        let (subject, close_at) = (view.sale.as_str(), Some(view.close_at));
        let countdown = CountdownTimer::start(kind, subject, open_at, close_at, now, out);
        let mut sale = Self {
            view,
            countdown,
            book: OrderBook::new(stock, per_user, pay_within),
            early: EarlyTries::default(),
            draw,
            hides_buyers: offer.terms.hides_buyers,
            left_told: Throttle::new(LEFT_EVERY),
        };
        sale.handle_timeout(now, out);
        Ok(sale)
    }

    /// Takes an order, or says why not.
    pub(crate) fn handle_order(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<OrderAnswer, Rejected> {
        // An order may arrive before the timer that would have moved the state.
        self.handle_timeout(now, out);

        self.expect_open(&member.user, now)?;
        self.book.expect_allowed(&member.user, order.quantity)?;
        self.expect_units(order)?;
        self.book.hold(&member.user, order.quantity);
        let id = OrderId::made(&mint.make(Kind::Order, now));
        let answer = match &mut self.draw {
            Some(draw) if !draw.is_over() => {
                let sale = self.view.sale.clone();
                draw.enter(&sale, id.clone(), &member.user, order.quantity, now);
                let decided_at = self.view.open_at + draw.window().duration();
                let quantity = order.quantity;
                OrderAnswer::Queued(OrderQueued { order: id, sale, quantity, decided_at })
            }
            Some(_) | None => {
                assert!(
                    now >= self.view.open_at && now < self.view.close_at,
                    "an order out of time"
                );
                let placed = self.place(id, &member.user, order.quantity, now);
                OrderAnswer::Placed(placed.expect("there are as many units"))
            }
        };
        self.after_selling(now, out);
        Ok(answer)
    }

    /// Returns whether `order` is one of this sale.
    pub(crate) fn knows(&self, order: &OrderId) -> bool {
        self.book.knows(order)
    }

    pub(crate) const fn view(&self) -> &SaleView {
        &self.view
    }

    /// Returns how many units `user` holds or waits for.
    pub(crate) fn held_by(&self, user: &UserId) -> u32 {
        self.book.held_by(user)
    }

    /// Returns what was decided: the orders by number, and who took part in the draw.
    pub(crate) fn log(&self) -> (&[OrderRecord], &[DrawEntry]) {
        (self.book.orders(), self.draw.as_ref().map_or(&[], Draw::entries))
    }

    fn expect_open(&mut self, user: &UserId, now: ServerTime) -> Result<(), Rejected> {
        match self.view.state {
            SaleState::Counting => {
                self.early.count(user);
                let opens_at = self.early.opens_for(user, self.view.open_at);
                Err(Rejected::not_open(opens_at.since(now)))
            }
            SaleState::Open => {
                let opens_at = self.early.opens_for(user, self.view.open_at);
                if now < opens_at {
                    return Err(Rejected::not_open(opens_at.since(now)));
                }
                Ok(())
            }
            SaleState::Paused => Err(Rejected::Conflict("the sale is paused")),
            SaleState::SoldOut => Err(Rejected::SoldOut { left: 0 }),
            SaleState::Closed | SaleState::Cancelled => Err(Rejected::Closed("sale")),
        }
    }

    /// Says whether there may be as many units as are ordered. Only a draw knows for sure.
    fn expect_units(&self, order: &OrderRequest) -> Result<(), Rejected> {
        match &self.draw {
            Some(draw) if !draw.is_over() => draw.expect_room(),
            Some(_) | None => self.book.expect_units(order.quantity),
        }
    }

    /// Makes an order of units that are held, if there are as many.
    fn place(
        &mut self,
        order: OrderId,
        user: &UserId,
        quantity: Quantity,
        at: ServerTime,
    ) -> Result<OrderPlaced, Rejected> {
        let (seq, pay_by) = self.book.place(&order, user, quantity, at)?;
        let (sale, stock) = (self.view.sale.clone(), self.book.left());
        Ok(OrderPlaced { order, seq, sale, quantity, stock, pay_by })
    }

    /// Draws, gives out what there is in the order of the draw, and tells everyone who waited.
    fn decide_draw(&mut self, now: ServerTime, out: &mut Announcer) {
        let draw = self.draw.as_mut().expect("this sale has a draw");
        let decided_at = self.view.open_at + draw.window().duration();
        let seed = draw.seed().reveal();
        let entries = draw.draw();
        let mut last_winner = None;
        for DrawEntry { order, user, quantity, rank, .. } in &entries {
            let placed = self.place(order.clone(), user, *quantity, decided_at.min(now));
            let news = match placed {
                Ok(placed) => {
                    last_winner = Some(*rank);
                    OrderNews::Drawn(placed)
                }
                Err(_) => {
                    self.book.release(user, quantity.number());
                    OrderNews::NotDrawn { order: order.clone(), sale: self.view.sale.clone() }
                }
            };
            tell_buyer(user, news, now, out);
        }
        let promise = self.view.draw.as_mut().expect("a sale with a draw has promised one");
        promise.result = Some(DrawResult {
            seed,
            entries: u32::try_from(entries.len()).expect("entries are bounded"),
            orders: u32::try_from(self.book.orders().len()).expect("orders are bounded"),
            last_winner,
        });
        self.show_book();
        self.tell(now, out);
        self.after_selling(now, out);
    }

    /// Shows what was sold, and that all of it is.
    fn after_selling(&mut self, now: ServerTime, out: &mut Announcer) {
        self.show_book();
        if self.book.left() == 0 && self.view.state == SaleState::Open {
            self.enter(SaleState::SoldOut, now, out);
        } else {
            self.left_told.touch(now);
        }
        self.check();
    }

    /// Takes back what was not paid in time.
    fn take_back(&mut self, now: ServerTime, out: &mut Announcer) {
        let mut is_changed = false;
        while let Some((user, order)) = self.book.expire(now) {
            tell_buyer(&user, OrderNews::Expired { order }, now, out);
            is_changed = true;
        }
        if !is_changed {
            return;
        }
        self.show_book();
        if self.view.state == SaleState::SoldOut {
            let is_late = now >= self.view.close_at;
            self.enter(if is_late { SaleState::Closed } else { SaleState::Open }, now, out);
        } else {
            self.left_told.touch(now);
        }
    }

    fn enter(&mut self, state: SaleState, now: ServerTime, out: &mut Announcer) {
        assert!(
            !matches!(self.view.state, SaleState::Closed | SaleState::Cancelled),
            "a sale ends once"
        );
        assert!(state != SaleState::Counting, "a sale opens once");
        self.view.state = state;
        self.tell(now, out);
    }

    fn tell(&mut self, now: ServerTime, out: &mut Announcer) {
        self.left_told.clear();
        out.broadcast(EventBody::SaleUpdated(self.view.clone()), now);
    }

    fn show_book(&mut self) {
        self.view.left = self.book.left();
        self.view.buyers = (!self.hides_buyers).then(|| self.book.buyers());
    }

    /// Returns when the window of the draw ends, if there is one to come.
    fn draw_at(&self) -> Option<ServerTime> {
        let draw = self.draw.as_ref().filter(|draw| !draw.is_over())?;
        Some(self.view.open_at + draw.window().duration())
    }

    fn check(&self) {
        self.book.check();
        assert_eq!(self.view.left, self.book.left());
        match self.view.state {
            SaleState::SoldOut => assert_eq!(self.view.left, 0),
            SaleState::Open => assert!(self.view.left > 0, "a sale of nothing is sold out"),
            SaleState::Counting => assert!(self.book.orders().is_empty(), "no early order"),
            SaleState::Paused | SaleState::Closed | SaleState::Cancelled => {}
        }
    }
}

impl OnShelf for FlashSale {
    type Id = SaleId;

    fn id(&self) -> &SaleId {
        &self.view.sale
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            SaleState::Counting | SaleState::Open | SaleState::Paused => false,
            // Units that are not paid for may come back.
            SaleState::SoldOut => self.book.poll_timeout().is_none(),
            SaleState::Closed | SaleState::Cancelled => true,
        }
    }

    fn is_settled(&self) -> bool {
        // Orders that wait for payment outlive their sale.
        self.is_over() && self.book.poll_timeout().is_none()
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.countdown.handle_timeout(now, out);
        if self.view.state == SaleState::Counting && now >= self.view.open_at {
            self.enter(SaleState::Open, now, out);
        }
        if self.view.state == SaleState::Open && self.draw_at().is_some_and(|at| now >= at) {
            self.decide_draw(now, out);
        }
        self.take_back(now, out);
        let is_open = matches!(self.view.state, SaleState::Open | SaleState::Paused);
        if is_open && now >= self.view.close_at {
            self.enter(SaleState::Closed, now, out);
        }
        if self.left_told.take(now) {
            out.broadcast(EventBody::SaleUpdated(self.view.clone()), now);
        }
        self.check();
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            SaleState::Counting => Some(self.view.open_at),
            SaleState::Open => Some(self.draw_at().unwrap_or(self.view.close_at)),
            SaleState::Paused => Some(self.view.close_at),
            SaleState::SoldOut | SaleState::Closed | SaleState::Cancelled => None,
        };
        let parts = [
            state,
            self.countdown.poll_timeout(),
            self.left_told.poll_timeout(),
            self.book.poll_timeout(),
        ];
        parts.into_iter().flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        match self.view.state {
            SaleState::Counting | SaleState::Open | SaleState::Paused => {
                // Its time may be up at this very moment, which is as good.
                let _ = self.cancel(now, out);
            }
            SaleState::SoldOut | SaleState::Closed | SaleState::Cancelled => {}
        }
    }

    fn countdown(&self) -> Option<&Countdown> {
        (!self.is_over()).then(|| self.countdown.shown())
    }
}

fn draw_of(offer: &SaleOffer) -> Result<Option<Draw>, Rejected> {
    let SalePolicy::LotteryWindow { window, seed } = &offer.terms.policy else { return Ok(None) };
    if window.number() > offer.open_for.number() {
        return Err(Rejected::Conflict("the window is longer than the sale"));
    }
    let seed = seed.ok_or(Rejected::Conflict("a draw needs a seed"))?;
    Ok(Some(Draw::new(seed, *window)))
}

fn tell_buyer(user: &UserId, news: OrderNews, now: ServerTime, out: &mut Announcer) {
    out.tell(user, EventBody::Shop(ShopEvent::Order(news)), now);
}
