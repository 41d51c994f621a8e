//! What a sale must answer, worked out from all that was ever accepted in it.

use std::collections::BTreeMap;

use room_rules::{OrderState, Rejected, Reply, SaleId, Seed};

/// All that was ever accepted in one sale.
pub(crate) struct SaleModel {
    pub(crate) id: SaleId,
    pub(crate) open_at: u64,
    pub(crate) close_at: u64,
    pub(crate) stock: u32,
    pub(crate) per_user: u32,
    pub(crate) pay_within: Option<u64>,
    /// Seed, and whether the draw is to come.
    pub(crate) draw: Option<(Seed, u64, bool)>,
    pub(crate) waiting: Vec<(&'static str, u32)>,
    pub(crate) orders: Vec<ModelOrder>,
    pub(crate) early: BTreeMap<&'static str, u32>,
    pub(crate) keys: BTreeMap<(&'static str, u8), (u32, Reply)>,
    pub(crate) is_paused: bool,
    pub(crate) is_over: bool,
}

pub(crate) struct ModelOrder {
    pub(crate) user: &'static str,
    pub(crate) units: u32,
    pub(crate) at: u64,
    pub(crate) state: OrderState,
}

impl SaleModel {
    /// Lets happen what is due by `now`, oldest first.
    pub(crate) fn advance(&mut self, now: u64, reached: &mut BTreeMap<&'static str, u64>) {
        if let Some((_, window, true)) = self.draw
            && !self.is_over
            && now >= self.open_at + window
        {
            self.draw(self.open_at + window, reached);
        }
        let Some(pay_within) = self.pay_within else { return self.close(now) };
        let due: Vec<usize> = (0..self.orders.len())
            .filter(|index| {
                let order = &self.orders[*index];
                order.state == OrderState::Placed && order.at + pay_within <= now
            })
            .collect();
        for index in due {
            let at = self.orders[index].at + pay_within;
            self.close(at.saturating_sub(1));
            let was_sold_out = self.left() == 0 && !self.is_over;
            self.orders[index].state = OrderState::Expired;
            *reached.entry("expired").or_default() += 1;
            if was_sold_out && at < self.close_at {
                *reached.entry("reopened").or_default() += 1;
            }
        }
        self.close(now);
    }

    fn close(&mut self, now: u64) {
        if now >= self.close_at && self.left() > 0 {
            self.is_over = true;
        }
    }

    pub(crate) fn draw(&mut self, at: u64, reached: &mut BTreeMap<&'static str, u64>) {
        let (seed, _, to_come) = self.draw.as_mut().unwrap();
        *to_come = false;
        let id = self.id.as_str();
        let mut ranked: Vec<_> = (0..)
            .zip(std::mem::take(&mut self.waiting))
            .map(|(number, (user, units))| (seed.rank(id, user), number, user, units))
            .collect();
        ranked.sort_by_key(|(rank, number, _, _)| (*rank, *number));
        for (_, _, user, units) in ranked {
            let fits = units <= self.left();
            if fits {
                self.orders.push(ModelOrder { user, units, at, state: OrderState::Placed });
            }
            *reached.entry(if fits { "drawn" } else { "not drawn" }).or_default() += 1;
        }
    }

    pub(crate) fn left(&self) -> u32 {
        let stands = self.orders.iter().filter(|order| order.state != OrderState::Expired);
        self.stock - stands.map(|order| order.units).sum::<u32>()
    }

    fn held(&self, user: &str) -> u32 {
        let stands = self.orders.iter().filter(|order| order.state != OrderState::Expired);
        let orders = stands.filter(|order| order.user == user).map(|order| order.units);
        let waiting = self.waiting.iter().filter(|(who, _)| *who == user).map(|(_, units)| units);
        orders.sum::<u32>() + waiting.sum::<u32>()
    }

    /// What an order of now must be answered, and what the test counts it as.
    pub(crate) fn expect(
        &self,
        user: &str,
        units: u32,
        now: u64,
    ) -> (&'static str, Option<Rejected>) {
        if self.is_over {
            return ("closed", Some(Rejected::Closed("sale")));
        }
        let tries = self.early.get(user).copied().unwrap_or(0);
        let not_open = |opens_at: u64| Some(Rejected::NotOpen { opens_in_ms: opens_at - now });
        if now < self.open_at {
            let hold = if tries >= 2 { 200 } else { 0 };
            return ("early", not_open(self.open_at + hold));
        }
        if self.left() == 0 {
            return ("sold out", Some(Rejected::SoldOut { left: 0 }));
        }
        if self.is_paused {
            return ("paused", Some(Rejected::Conflict("the sale is paused")));
        }
        if tries > 2 && now < self.open_at + 200 {
            return ("held", not_open(self.open_at + 200));
        }
        if self.held(user) + units > self.per_user {
            return ("limit", Some(Rejected::LimitPerUser { per_user: self.per_user }));
        }
        if matches!(self.draw, Some((_, _, true))) {
            return ("queued", None);
        }
        if units > self.left() {
            return ("sold out", Some(Rejected::SoldOut { left: self.left() }));
        }
        ("placed", None)
    }
}
