//! Flash sales and orders.

use std::time::Duration;

use room_rules::{Command, OrderRequest, Quantity, SaleDuration, SaleOffer, StockCount, Title};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{idem_key, sale_id};

const DEFAULT_LEAD_MS: u32 = 3_000;
const DEFAULT_OPEN_MS: u32 = 60_000;
/// Far enough ahead for any live show; keeps a deadline within what clients' timers can hold.
const LEAD_MAX_MS: u32 = 86_400_000;
/// JavaScript numbers are exact up to here.
const PRICE_MAX_CENTS: u64 = (1 << 53) - 1;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "sale.announce": SaleBody => |body| body.read().map(Command::SaleAnnounce);
    "sale.cancel": SaleIdBody => |body| sale_id(&body.sale).map(Command::SaleCancel);
    "order.place": OrderBody => |body| body.read().map(Command::OrderPlace);
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaleAnnounce")]
struct SaleBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 100))]
    sku: String,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    price_cents: u64,
    #[schemars(range(min = 1, max = 100_000))]
    stock: u32,
    #[schemars(range(min = 1, max = 100_000))]
    per_user: Option<u32>,
    #[schemars(range(max = 86_400_000))]
    lead_ms: Option<u32>,
    #[schemars(range(min = 1_000, max = 86_400_000))]
    duration_ms: Option<u32>,
}

impl SaleBody {
    fn read(self) -> Result<SaleOffer, String> {
        let lead_ms = self.lead_ms.unwrap_or(DEFAULT_LEAD_MS);
        if lead_ms > LEAD_MAX_MS {
            return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
        }
        if self.price_cents > PRICE_MAX_CENTS {
            return Err(format!("price_cents must be at most {PRICE_MAX_CENTS}"));
        }
        Ok(SaleOffer {
            title: Title::parse(&self.title).ok_or("title must hold 1 to 100 characters")?,
            sku: Title::parse(&self.sku).ok_or("sku must hold 1 to 100 characters")?,
            price_cents: self.price_cents,
            stock: StockCount::new(self.stock).ok_or("stock must be 1 to 100000")?,
            per_user: Quantity::new(self.per_user.unwrap_or(1))
                .ok_or("per_user must be 1 to 100000")?,
            lead: Duration::from_millis(lead_ms.into()),
            open_for: SaleDuration::new(self.duration_ms.unwrap_or(DEFAULT_OPEN_MS))
                .ok_or("duration_ms must be 1000 to 86400000")?,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfSale")]
struct SaleIdBody {
    sale: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OrderPlace")]
struct OrderBody {
    sale: String,
    #[schemars(range(min = 1, max = 100_000))]
    qty: u32,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl OrderBody {
    fn read(self) -> Result<OrderRequest, String> {
        Ok(OrderRequest {
            sale: sale_id(&self.sale)?,
            quantity: Quantity::new(self.qty).ok_or("qty must be 1 to 100000")?,
            idem: idem_key(&self.idem)?,
        })
    }
}
