//! What was decided in a sale or an auction, for the room's own people to read page by page.

use crate::{AuctionView, BidRecord, DrawEntry, OrderRecord, SaleView};

/// The most rows of one kind in one page.
const PAGE_MAX: usize = 1_000;

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogPage {
    /// How many of the oldest rows are left out.
    pub skip: usize,
}

impl LogPage {
    pub(crate) fn of<'a, T: Clone + 'a>(self, rows: impl Iterator<Item = &'a T>) -> Vec<T> {
        rows.skip(self.skip).take(PAGE_MAX).cloned().collect()
    }
}

/// What was decided in a flash sale.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SaleLog {
    /// The sale.
    pub sale: SaleView,
    /// Its orders by number; the first of the page is number `skip + 1`.
    pub orders: Vec<OrderRecord>,
    /// Who took part in the draw, in the order in which they came.
    pub entries: Vec<DrawEntry>,
}

/// What was bid in an auction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuctionLog {
    /// The auction.
    pub auction: AuctionView,
    /// Its bids, oldest first.
    pub bids: Vec<BidRecord>,
}
