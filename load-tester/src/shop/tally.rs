//! What reaches a crowd meanwhile: the control lane, all of it and how late, and lines of chat.

use std::collections::HashMap;

use super::run::Shop;
use super::shopper::Seen;

/// What a crowd saw.
#[derive(Default)]
pub(crate) struct Tally {
    /// From the server's saying something on the control lane to a shopper's hearing it.
    pub(crate) late_ms: Vec<f64>,
    pub(crate) lines: u64,
    pub(crate) refused: usize,
    /// Shoppers who were cut off.
    pub(crate) cut: usize,
    /// The first and the last number of the sale stream that each shopper got, and how many.
    heard: HashMap<usize, u64>,
}

impl Tally {
    /// Takes what a shopper saw.
    pub(crate) fn take(&mut self, seen: Seen, shop: &Shop) {
        match seen {
            Seen::Event { shopper, stream, q: [first, last], st, at, .. } if stream == "sale" => {
                *self.heard.entry(shopper).or_default() += last - first + 1;
                self.late_ms.push(shop.room_ms(at) - st);
            }
            Seen::Event { stream, items, .. } if stream == "chat" => self.lines += items,
            Seen::Answer { code: Some(_), .. } => self.refused += 1,
            Seen::Lost => self.cut += 1,
            _ => {}
        }
    }

    /// Returns how many control events whoever got most of them got.
    pub(crate) fn most(&self) -> u64 {
        self.heard.values().max().copied().unwrap_or(0)
    }

    /// Returns how many of them the others got less, altogether.
    pub(crate) fn lost(&self, shoppers: usize) -> u64 {
        self.most() * shoppers as u64 - self.heard.values().sum::<u64>()
    }
}
