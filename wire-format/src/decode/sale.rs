//! Flash sales and orders.

use std::time::Duration;

use room_rules::{
    Command, DrawWindow, OrderRequest, PayWindow, Quantity, SaleCommand, SaleDuration, SaleOffer,
    SalePolicy, SaleTerms, ShopCommand, StockCount, Title,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{idem_key, order_id, product_id, sale_id};

const DEFAULT_LEAD_MS: u32 = 3_000;
const DEFAULT_OPEN_MS: u32 = 60_000;
/// Far enough ahead for any live show; keeps a deadline within what clients' timers can hold.
const LEAD_MAX_MS: u32 = 86_400_000;
/// JavaScript numbers are exact up to here.
const PRICE_MAX_CENTS: u64 = (1 << 53) - 1;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "sale.announce": SaleBody => |body| body.read().map(Command::SaleAnnounce);
    "sale.cancel": SaleIdBody => |body| sale_id(&body.sale).map(Command::SaleCancel);
    "sale.draft": SaleBody => |body| body.read().map(Box::new).map(SaleCommand::Draft).map(command);
    "sale.arm": ArmBody => |body| body.read().map(command);
    "sale.postpone": PostponeBody => |body| body.read().map(command);
    "sale.pause": SaleIdBody => |body| sale_id(&body.sale).map(SaleCommand::Pause).map(command);
    "sale.resume": SaleIdBody => |body| sale_id(&body.sale).map(SaleCommand::Resume).map(command);
    "sale.close": SaleIdBody => |body| sale_id(&body.sale).map(SaleCommand::Close).map(command);
    "order.paid": OrderIdBody => |body| order_id(&body.order).map(SaleCommand::Paid).map(command);
    "order.place": OrderBody => |body| body.read().map(Command::OrderPlace);
};

const fn command(command: SaleCommand) -> Command {
    Command::Shop(ShopCommand::Sale(command))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaleAnnounce")]
struct SaleBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 100))]
    sku: String,
    product: Option<String>,
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
    #[schemars(extend("enum" = ["arrival", "lottery_window"]))]
    policy: Option<String>,
    #[schemars(range(min = 500, max = 2_000))]
    window_ms: Option<u32>,
    #[schemars(range(min = 10_000, max = 3_600_000))]
    pay_within_ms: Option<u32>,
    immediate: Option<bool>,
    show_buyers: Option<bool>,
}

impl SaleBody {
    fn read(self) -> Result<SaleOffer, String> {
        let immediate = self.immediate == Some(true);
        let default_lead_ms = if immediate { 0 } else { DEFAULT_LEAD_MS };
        let lead = read_lead(self.lead_ms.unwrap_or(default_lead_ms))?;
        if self.price_cents > PRICE_MAX_CENTS {
            return Err(format!("price_cents must be at most {PRICE_MAX_CENTS}"));
        }
        let pay_within = |ms| PayWindow::new(ms).ok_or("pay_within_ms must be 10000 to 3600000");
        let terms = SaleTerms {
            policy: self.policy()?,
            pay_within: self.pay_within_ms.map(pay_within).transpose()?,
            immediate,
            hides_buyers: self.show_buyers == Some(false),
        };
        Ok(SaleOffer {
            title: Title::parse(&self.title).ok_or("title must hold 1 to 100 characters")?,
            sku: Title::parse(&self.sku).ok_or("sku must hold 1 to 100 characters")?,
            product: self.product.as_deref().map(product_id).transpose()?,
            price_cents: self.price_cents,
            stock: StockCount::new(self.stock).ok_or("stock must be 1 to 100000")?,
            per_user: Quantity::new(self.per_user.unwrap_or(1))
                .ok_or("per_user must be 1 to 100000")?,
            lead,
            open_for: SaleDuration::new(self.duration_ms.unwrap_or(DEFAULT_OPEN_MS))
                .ok_or("duration_ms must be 1000 to 86400000")?,
            terms,
        })
    }

    fn policy(&self) -> Result<SalePolicy, String> {
        match self.policy.as_deref() {
            None | Some("arrival") => Ok(SalePolicy::Arrival),
            Some("lottery_window") => {
                let window = DrawWindow::new(self.window_ms.unwrap_or(1_000));
                let window = window.ok_or("window_ms must be 500 to 2000")?;
                Ok(SalePolicy::LotteryWindow { window, seed: None })
            }
            Some(_) => Err("policy must be arrival or lottery_window".to_owned()),
        }
    }
}

fn read_lead(lead_ms: u32) -> Result<Duration, String> {
    if lead_ms > LEAD_MAX_MS {
        return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
    }
    Ok(Duration::from_millis(lead_ms.into()))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaleArm")]
struct ArmBody {
    sale: String,
    #[schemars(range(max = 86_400_000))]
    lead_ms: Option<u32>,
}

impl ArmBody {
    fn read(self) -> Result<SaleCommand, String> {
        let lead = read_lead(self.lead_ms.unwrap_or(DEFAULT_LEAD_MS))?;
        Ok(SaleCommand::Arm { sale: sale_id(&self.sale)?, lead })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SalePostpone")]
struct PostponeBody {
    sale: String,
    #[schemars(range(max = 86_400_000))]
    by_ms: u32,
}

impl PostponeBody {
    fn read(self) -> Result<SaleCommand, String> {
        let by =
            read_lead(self.by_ms).map_err(|_| format!("by_ms must be at most {LEAD_MAX_MS}"))?;
        Ok(SaleCommand::Postpone { sale: sale_id(&self.sale)?, by })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfOrder")]
struct OrderIdBody {
    order: String,
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
