//! What hosts and tills do about a sale that was announced.

use std::time::Duration;

use super::{FlashSale, OrderNews, tell_buyer};
use crate::announcer::Announcer;
use crate::countdown::LEAD_MIN;
use crate::shelf::OnShelf;
use crate::{OrderId, Rejected, SaleState, ServerTime};

impl FlashSale {
    /// Moves the opening to a later moment, as long as it has not come.
    pub(crate) fn postpone(
        &mut self,
        by: Duration,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<ServerTime, Rejected> {
        self.handle_timeout(now, out);
        if self.view.state != SaleState::Counting {
            return Err(Rejected::Conflict("it has opened"));
        }
        let open_at = self.view.open_at + by;
        if open_at.since(now) < LEAD_MIN {
            return Err(Rejected::lead_too_short());
        }
        self.view.open_at = open_at;
        self.view.close_at = self.view.close_at + by;
        if let Some(promise) = &mut self.view.draw {
            promise.decided_at = promise.decided_at + by;
        }
        self.countdown.put_off(open_at, Some(self.view.close_at), now, out);
        self.tell(now, out);
        Ok(open_at)
    }

    /// Takes no orders for a while; the closing time stands.
    pub(crate) fn pause(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        if self.draw.as_ref().is_some_and(|draw| !draw.is_over()) {
            return Err(Rejected::Conflict("a draw is not interrupted"));
        }
        self.change(SaleState::Open, SaleState::Paused, now, out)
    }

    /// Takes orders again.
    pub(crate) fn resume(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        self.change(SaleState::Paused, SaleState::Open, now, out)?;
        self.after_selling(now, out);
        Ok(())
    }

    /// Ends the sale before its time. What waits for a draw is drawn first.
    pub(crate) fn close(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        match self.view.state {
            SaleState::Counting => Err(Rejected::Conflict("it has not opened; cancel it")),
            SaleState::Open | SaleState::Paused | SaleState::SoldOut => {
                if self.draw.as_ref().is_some_and(|draw| !draw.is_over()) {
                    self.decide_draw(now, out);
                }
                self.enter(SaleState::Closed, now, out);
                Ok(())
            }
            SaleState::Closed | SaleState::Cancelled => Err(Rejected::Closed("sale")),
        }
    }

    /// Calls the sale off. Orders that stand go on standing.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        match self.view.state {
            SaleState::Counting | SaleState::Open | SaleState::Paused => {}
            SaleState::SoldOut | SaleState::Closed | SaleState::Cancelled => {
                return Err(Rejected::Closed("sale"));
            }
        }
        self.countdown.cancel(now, out);
        if let Some(draw) = self.draw.as_mut().filter(|draw| !draw.is_over()) {
            for entry in draw.draw() {
                self.book.release(&entry.user, entry.quantity.number());
                let (order, sale) = (entry.order, self.view.sale.clone());
                tell_buyer(&entry.user, OrderNews::CalledOff { order, sale }, now, out);
            }
            self.show_book();
        }
        self.enter(SaleState::Cancelled, now, out);
        Ok(())
    }

    /// Notes that an order is paid. Saying so again changes nothing.
    pub(crate) fn pay(
        &mut self,
        order: &OrderId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.handle_timeout(now, out);
        if let Some(user) = self.book.pay(order)? {
            tell_buyer(&user, OrderNews::Paid { order: order.clone() }, now, out);
        }
        Ok(())
    }

    fn change(
        &mut self,
        from: SaleState,
        to: SaleState,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if matches!(self.view.state, SaleState::Cancelled | SaleState::Closed) {
            return Err(Rejected::Closed("sale"));
        }
        if self.view.state != from {
            return Err(Rejected::Conflict("the sale is not in a state for this"));
        }
        self.enter(to, now, out);
        Ok(())
    }
}
