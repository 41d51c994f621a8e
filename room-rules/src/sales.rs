//! The flash sales of a room, several of which may run at once, and those that are prepared.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::flash_sale::{FlashSale, OrderAnswer};
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::shelf::Shelf;
use crate::shop::ShopReply;
use crate::{
    Countdown, LogPage, Member, OrderId, OrderRequest, Rejected, Reply, SaleCommand, SaleId,
    SaleLog, SaleOffer, SaleView, ServerTime, UserId,
};

const RUNNING_MAX: usize = 5;
/// Sales that are over and still shown; their orders are still answered the same way.
const OVER_KEPT: usize = 10;
/// Full: another is refused.
const DRAFTS_MAX: usize = 50;
const ORDER_INTERVAL: Duration = Duration::from_millis(50);
const ORDER_BURST: u32 = 40;

#[derive(Debug)]
pub(crate) struct Sales {
    sales: Shelf<FlashSale>,
    drafts: Vec<(SaleId, SaleOffer)>,
    order_pace: Pace,
}

impl Sales {
    pub(crate) fn new() -> Self {
        Self {
            sales: Shelf::new(RUNNING_MAX, OVER_KEPT),
            drafts: Vec::new(),
            order_pace: Pace::new(ORDER_INTERVAL, ORDER_BURST),
        }
    }

    pub(crate) fn announce(
        &mut self,
        offer: &SaleOffer,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        self.sales.expect_room()?;
        self.start(SaleId::made(&mint.make(Kind::Sale, now)), offer, now, out)
    }

    /// Calls a sale off, or throws away what was prepared.
    pub(crate) fn cancel(
        &mut self,
        id: &SaleId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        if let Some(index) = self.drafts.iter().position(|(draft, _)| draft == id) {
            self.drafts.remove(index);
            return Ok(());
        }
        self.find(id)?.cancel(now, out)
    }

    pub(crate) fn handle_command(
        &mut self,
        command: SaleCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        match command {
            SaleCommand::Draft(offer) => self.draft(*offer, now, mint),
            SaleCommand::Arm { sale, lead } => self.arm(&sale, lead, now, out),
            SaleCommand::Postpone { sale, by } => {
                let open_at = self.find(&sale)?.postpone(by, now, out)?;
                Ok(Reply::Sale { sale, open_at })
            }
            SaleCommand::Pause(sale) => self.find(&sale)?.pause(now, out).map(done),
            SaleCommand::Resume(sale) => self.find(&sale)?.resume(now, out).map(done),
            SaleCommand::Close(sale) => self.find(&sale)?.close(now, out).map(done),
            SaleCommand::Paid(order) => self.pay(&order, now, out).map(done),
        }
    }

    pub(crate) fn handle_order(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        if !self.order_pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        Ok(match self.find(&order.sale)?.handle_order(member, order, now, mint, out)? {
            OrderAnswer::Placed(placed) => Reply::Order(placed),
            OrderAnswer::Queued(queued) => Reply::Shop(ShopReply::Queued(queued)),
        })
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.drafts.clear();
        self.sales.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.sales.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.sales.poll_timeout()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &SaleView> {
        self.sales.iter().map(FlashSale::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.sales.countdowns()
    }

    /// Returns what is prepared, oldest first.
    pub(crate) fn drafts(&self) -> &[(SaleId, SaleOffer)] {
        &self.drafts
    }

    /// Returns in which sales `user` holds units or waits for some, and how many.
    pub(crate) fn held_by<'a>(
        &'a self,
        user: &'a UserId,
    ) -> impl Iterator<Item = (&'a SaleId, u32)> {
        let held = self.sales.iter().map(|sale| (&sale.view().sale, sale.held_by(user)));
        held.filter(|(_, units)| *units > 0)
    }

    pub(crate) fn log(&self, id: &SaleId, page: LogPage) -> Option<SaleLog> {
        let sale = self.sales.iter().find(|sale| sale.view().sale == *id)?;
        let (orders, entries) = sale.log();
        Some(SaleLog {
            sale: sale.view().clone(),
            orders: page.of(orders.iter()),
            entries: page.of(entries.iter()),
        })
    }

    fn draft(
        &mut self,
        offer: SaleOffer,
        now: ServerTime,
        mint: &mut Mint,
    ) -> Result<Reply, Rejected> {
        if self.drafts.len() >= DRAFTS_MAX {
            return Err(Rejected::Conflict("too many sales are prepared"));
        }
        let sale = SaleId::made(&mint.make(Kind::Sale, now));
        self.drafts.push((sale.clone(), offer));
        Ok(Reply::Shop(ShopReply::Drafted { sale }))
    }

    fn arm(
        &mut self,
        id: &SaleId,
        lead: Duration,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let index = self.drafts.iter().position(|(draft, _)| draft == id);
        let index = index.ok_or(Rejected::NotFound("draft"))?;
        self.sales.expect_room()?;
        let offer = SaleOffer { lead, ..self.drafts[index].1.clone() };
        let reply = self.start(id.clone(), &offer, now, out)?;
        self.drafts.remove(index);
        Ok(reply)
    }

    fn start(
        &mut self,
        id: SaleId,
        offer: &SaleOffer,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let sale = FlashSale::announce(id, offer, now, out)?;
        let reply = Reply::Sale { sale: sale.view().sale.clone(), open_at: sale.view().open_at };
        self.sales.push(sale);
        Ok(reply)
    }

    fn pay(
        &mut self,
        order: &OrderId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let sale = self.sales.iter_mut().find(|sale| sale.knows(order));
        sale.ok_or(Rejected::NotFound("order"))?.pay(order, now, out)
    }

    fn find(&mut self, id: &SaleId) -> Result<&mut FlashSale, Rejected> {
        self.sales.find(id, "sale")
    }
}

const fn done((): ()) -> Reply {
    Reply::Done
}
