//! What the seller asks of flash sales besides announcing and cancelling them, and on what terms
//! they sell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Capability, DrawWindow, OrderId, OrderPlaced, PayWindow, Quantity, SaleId, SaleOffer};
use crate::{Seed, ServerTime, Stream};

/// One thing the seller asks of a flash sale.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleCommand {
    /// Prepares a sale that nobody hears of yet.
    Draft(Box<SaleOffer>),
    /// Announces what was prepared.
    Arm {
        /// The draft.
        sale: SaleId,
        /// How long from now until it opens.
        lead: Duration,
    },
    /// Moves the opening of an announced sale to a later moment.
    Postpone {
        /// The sale.
        sale: SaleId,
        /// By how much.
        by: Duration,
    },
    /// Takes no orders for a while.
    Pause(SaleId),
    /// Takes orders again.
    Resume(SaleId),
    /// Ends an open sale before its time.
    Close(SaleId),
    /// Says that an order was paid.
    Paid(OrderId),
}

impl SaleCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Draft(_)
            | Self::Arm { .. }
            | Self::Postpone { .. }
            | Self::Pause(_)
            | Self::Resume(_) => Capability::AnnounceSale,
            Self::Close(_) => Capability::CancelSale,
            Self::Paid(_) => Capability::ConfirmPayment,
        }
    }
}

/// On what terms a flash sale sells.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SaleTerms {
    /// Who gets the units when more are wanted than there are.
    pub policy: SalePolicy,
    /// How long an order is kept for its buyer to pay; without it, for ever.
    pub pay_within: Option<PayWindow>,
    /// Whether the sale may open sooner than everybody can hear of it; it is marked as unfair then.
    pub immediate: bool,
    /// Whether it is kept from everybody how many have bought.
    pub hides_buyers: bool,
}

/// Who gets the units when more are wanted than there are.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SalePolicy {
    /// Who comes first.
    #[default]
    Arrival,
    /// Whoever a draw picks of all who come within a short window, however fast their network; after
    /// it, who comes first.
    LotteryWindow {
        /// How long.
        window: DrawWindow,
        /// What decides. The shell puts it in, at random.
        seed: Option<Seed>,
    },
}

impl SalePolicy {
    pub(crate) const fn seed_wanted(&mut self) -> Option<&mut Option<Seed>> {
        match self {
            Self::Arrival => None,
            Self::LotteryWindow { seed, .. } => Some(seed),
        }
    }
}

/// An order that the draw decides.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OrderQueued {
    /// Its id; the order keeps it if it is drawn.
    pub order: OrderId,
    /// The sale.
    pub sale: SaleId,
    /// Units.
    pub quantity: Quantity,
    /// When it is decided.
    pub decided_at: ServerTime,
}

/// What a buyer is told about an order afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OrderNews {
    /// The draw took it.
    Drawn(OrderPlaced),
    /// The draw went to others.
    NotDrawn {
        /// The order.
        order: OrderId,
        /// The sale.
        sale: SaleId,
    },
    /// The sale was called off before the draw.
    CalledOff {
        /// The order.
        order: OrderId,
        /// The sale.
        sale: SaleId,
    },
    /// It is paid.
    Paid {
        /// The order.
        order: OrderId,
    },
    /// It was not paid in time, and its units are for sale again.
    Expired {
        /// The order.
        order: OrderId,
    },
}

impl OrderNews {
    pub(crate) const fn stream(&self) -> Stream {
        Stream::Me
    }
}
