//! The units of one sale: how many are left, who holds how many, and what became of each order.
//! Every question is answered in constant time, however many buy.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::{OrderId, Quantity, Rejected, ServerTime, UserId};

/// Orders of one sale; units that come back can be ordered again and again, memory cannot.
const ORDERS_MAX: usize = 400_000;

#[derive(Debug)]
pub(crate) struct OrderBook {
    stock: u32,
    left: u32,
    /// Units of the orders that stand.
    sold: u32,
    per_user: u32,
    /// By number, from 1.
    orders: Vec<OrderRecord>,
    numbers: HashMap<OrderId, u64>,
    /// Units that each user holds or waits for.
    held: HashMap<UserId, u32>,
    /// When unpaid orders run out, oldest first. All are kept equally long. The first one stands
    /// unpaid; others may be paid by now.
    unpaid: VecDeque<(ServerTime, u64)>,
    pay_within: Option<Duration>,
}

/// An order as the room's own people may see it afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderRecord {
    /// What it is called.
    pub order: OrderId,
    /// Who ordered.
    pub user: UserId,
    /// Units.
    pub units: u32,
    /// When it was decided.
    pub at: ServerTime,
    /// What became of it.
    pub state: OrderState,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OrderState {
    /// Its units are the buyer's, for the time being if the sale wants payment.
    Placed,
    /// It is paid.
    Paid,
    /// It was not paid in time.
    Expired,
}

impl OrderBook {
    pub(crate) fn new(stock: u32, per_user: u32, pay_within: Option<Duration>) -> Self {
        Self {
            stock,
            left: stock,
            sold: 0,
            per_user,
            orders: Vec::new(),
            numbers: HashMap::new(),
            held: HashMap::new(),
            unpaid: VecDeque::new(),
            pay_within,
        }
    }

    /// Says whether `user` may have as many units.
    pub(crate) fn expect_allowed(&self, user: &UserId, quantity: Quantity) -> Result<(), Rejected> {
        if self.held_by(user) + quantity.number() > self.per_user {
            return Err(Rejected::LimitPerUser { per_user: self.per_user });
        }
        Ok(())
    }

    /// Counts units towards what `user` may have, until they are released.
    pub(crate) fn hold(&mut self, user: &UserId, quantity: Quantity) {
        let held = self.held_by(user) + quantity.number();
        assert!(held <= self.per_user, "nobody has more than they may");
        self.held.insert(user.clone(), held);
    }

    /// Gives up units that were held.
    pub(crate) fn release(&mut self, user: &UserId, units: u32) {
        let held = self.held.get_mut(user).expect("what is released was held");
        *held -= units;
        if *held == 0 {
            self.held.remove(user);
        }
    }

    /// Says whether as many units are left.
    pub(crate) fn expect_units(&self, quantity: Quantity) -> Result<(), Rejected> {
        if quantity.number() > self.left || self.orders.len() >= ORDERS_MAX {
            return Err(Rejected::SoldOut { left: self.left });
        }
        Ok(())
    }

    /// Makes an order of units that are held; returns its number and until when it must be paid.
    pub(crate) fn place(
        &mut self,
        id: &OrderId,
        user: &UserId,
        quantity: Quantity,
        at: ServerTime,
    ) -> Result<(u64, Option<ServerTime>), Rejected> {
        self.expect_units(quantity)?;
        let units = quantity.number();
        self.left -= units;
        self.sold += units;
        let state = OrderState::Placed;
        let (order, user) = (id.clone(), user.clone());
        self.orders.push(OrderRecord { order, user, units, at, state });
        let seq = self.orders.len() as u64;
        self.numbers.insert(id.clone(), seq);
        let pay_by = self.pay_within.map(|within| at + within);
        if let Some(pay_by) = pay_by {
            self.unpaid.push_back((pay_by, seq));
        }
        Ok((seq, pay_by))
    }

    /// Notes that an order is paid; returns whose it is, or `None` if that was known.
    pub(crate) fn pay(&mut self, id: &OrderId) -> Result<Option<UserId>, Rejected> {
        let seq = *self.numbers.get(id).ok_or(Rejected::NotFound("order"))?;
        let order = &mut self.orders[index(seq)];
        match order.state {
            OrderState::Placed => {
                order.state = OrderState::Paid;
                let user = order.user.clone();
                self.forget_paid();
                Ok(Some(user))
            }
            OrderState::Paid => Ok(None),
            OrderState::Expired => Err(Rejected::Expired("order")),
        }
    }

    /// Returns the next order that was not paid in time, after taking its units back.
    pub(crate) fn expire(&mut self, now: ServerTime) -> Option<(UserId, OrderId)> {
        let (pay_by, seq) = *self.unpaid.front()?;
        if now < pay_by {
            return None;
        }
        self.unpaid.pop_front();
        let order = &mut self.orders[index(seq)];
        order.state = OrderState::Expired;
        let (user, id, units) = (order.user.clone(), order.order.clone(), order.units);
        self.left += units;
        self.sold -= units;
        self.release(&user, units);
        self.forget_paid();
        Some((user, id))
    }

    /// Waits no longer for what is paid.
    fn forget_paid(&mut self) {
        while let Some((_, seq)) = self.unpaid.front()
            && self.orders[index(*seq)].state != OrderState::Placed
        {
            self.unpaid.pop_front();
        }
    }

    /// Returns when the next unpaid order may run out.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.unpaid.front().map(|(pay_by, _)| *pay_by)
    }

    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    pub(crate) fn knows(&self, id: &OrderId) -> bool {
        self.numbers.contains_key(id)
    }

    /// Returns how many users hold units or wait for some.
    pub(crate) fn buyers(&self) -> u32 {
        u32::try_from(self.held.len()).unwrap_or(u32::MAX)
    }

    /// Returns how many units `user` holds or waits for.
    pub(crate) fn held_by(&self, user: &UserId) -> u32 {
        self.held.get(user).copied().unwrap_or(0)
    }

    pub(crate) fn orders(&self) -> &[OrderRecord] {
        &self.orders
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.sold + self.left, self.stock, "units do not vanish");
    }
}

fn index(seq: u64) -> usize {
    usize::try_from(seq - 1).expect("it is the index of an order")
}
