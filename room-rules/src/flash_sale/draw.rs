//! The lottery window: all orders of the first moments take part in one draw, so that a fast network
//! is no advantage. Each user has one place in the draw, however many orders they send.

use crate::{Digest, SaleId};
use crate::{DrawWindow, OrderId, Quantity, Rejected, Seed, ServerTime, UserId};

/// More orders than a room can take in two seconds.
const ENTRIES_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Draw {
    seed: Seed,
    window: DrawWindow,
    /// Full: further orders are refused; they may come again after the draw.
    entries: Vec<DrawEntry>,
    is_over: bool,
}

/// An order that takes part in a draw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DrawEntry {
    /// Its place among those who take part, from 1, in the order in which they came.
    pub number: u64,
    /// What the order is called.
    pub order: OrderId,
    /// Who ordered.
    pub user: UserId,
    /// Units.
    pub quantity: Quantity,
    /// When it came.
    pub at: ServerTime,
    /// Lower comes first.
    pub rank: Digest,
}

impl Draw {
    pub(crate) const fn new(seed: Seed, window: DrawWindow) -> Self {
        Self { seed, window, entries: Vec::new(), is_over: false }
    }

    pub(crate) const fn seed(&self) -> &Seed {
        &self.seed
    }

    pub(crate) const fn window(&self) -> DrawWindow {
        self.window
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Says whether one more order may take part.
    pub(crate) fn expect_room(&self) -> Result<(), Rejected> {
        if self.entries.len() >= ENTRIES_MAX {
            return Err(Rejected::RateLimited);
        }
        Ok(())
    }

    /// Enters an order.
    pub(crate) fn enter(
        &mut self,
        sale: &SaleId,
        order: OrderId,
        user: &UserId,
        quantity: Quantity,
        at: ServerTime,
    ) {
        let number = self.entries.len() as u64 + 1;
        let rank = self.seed.rank(sale.as_str(), user.as_str());
        self.entries.push(DrawEntry { number, order, user: user.clone(), quantity, at, rank });
    }

    /// Ends the window; returns the orders in the order in which units go to them.
    pub(crate) fn draw(&mut self) -> Vec<DrawEntry> {
        assert!(!self.is_over, "a draw is made once");
        self.is_over = true;
        let mut entries = self.entries.clone();
        entries.sort_unstable_by_key(|entry| (entry.rank, entry.number));
        entries
    }

    /// Returns all that took part, in the order of their arrival.
    pub(crate) fn entries(&self) -> &[DrawEntry] {
        &self.entries
    }
}
