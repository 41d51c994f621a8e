//! The sales of a room, several of which may run at once.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::flash_sale::FlashSale;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::{
    Countdown, Member, OrderPlaced, OrderRequest, Rejected, Reply, SaleId, SaleOffer, SaleView,
    ServerTime,
};

const RUNNING_MAX: usize = 5;
/// Sales that are over and still shown; their orders are still answered the same way.
const OVER_KEPT: usize = 10;
const ORDER_INTERVAL: Duration = Duration::from_millis(50);
const ORDER_BURST: u32 = 40;

#[derive(Debug)]
pub(crate) struct Sales {
    sales: Vec<FlashSale>,
    order_pace: Pace,
}

impl Sales {
    pub(crate) fn new() -> Self {
        Self { sales: Vec::new(), order_pace: Pace::new(ORDER_INTERVAL, ORDER_BURST) }
    }

    pub(crate) fn announce(
        &mut self,
        offer: &SaleOffer,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let over = self.sales.iter().filter(|sale| sale.is_over()).count();
        if self.sales.len() - over >= RUNNING_MAX {
            return Err(Rejected::Conflict("too many sales are running"));
        }
        let sale = FlashSale::announce(SaleId::made(&mint.make(Kind::Sale, now)), offer, now, out)?;
        let reply = Reply::Sale { sale: sale.view().sale.clone(), open_at: sale.view().open_at };
        if over >= OVER_KEPT
            && let Some(oldest) = self.sales.iter().position(FlashSale::is_over)
        {
            self.sales.remove(oldest);
        }
        self.sales.push(sale);
        Ok(reply)
    }

    pub(crate) fn cancel(
        &mut self,
        id: &SaleId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.find(id)?.cancel(now, out)
    }

    pub(crate) fn handle_order(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<OrderPlaced, Rejected> {
        if !self.order_pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        self.find(&order.sale)?.handle_order(member, order, now, mint, out)
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        for sale in self.sales.iter_mut().filter(|sale| !sale.is_over()) {
            sale.cancel(now, out).unwrap_or_else(|_| assert!(sale.is_over()));
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        for sale in &mut self.sales {
            sale.handle_timeout(now, out);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.sales.iter().filter_map(FlashSale::poll_timeout).min()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &SaleView> {
        self.sales.iter().map(FlashSale::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.sales.iter().filter_map(FlashSale::countdown)
    }

    fn find(&mut self, id: &SaleId) -> Result<&mut FlashSale, Rejected> {
        self.sales.iter_mut().find(|sale| sale.view().sale == *id).ok_or(Rejected::NotFound("sale"))
    }
}
