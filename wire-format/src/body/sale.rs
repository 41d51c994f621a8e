//! Flash sales, and what becomes of orders.

use room_rules::{
    DrawPromise, DrawResult, OrderNews, OrderPlaced, OrderQueued, SaleDraft, SalePolicy, SaleState,
    SaleView,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `Sale`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Sale")]
pub(crate) struct SaleBody<'a> {
    sale: &'a str,
    title: &'a str,
    sku: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    price_cents: u64,
    stock: u32,
    left: u32,
    per_user: u32,
    open_at: u64,
    close_at: u64,
    state: &'static str,
    fair: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    buyers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_within_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<DrawBody>,
}

impl<'a> From<&'a SaleView> for SaleBody<'a> {
    fn from(sale: &'a SaleView) -> Self {
        let state = match sale.state {
            SaleState::Counting => "counting",
            SaleState::Open => "open",
            SaleState::Paused => "paused",
            SaleState::SoldOut => "sold_out",
            SaleState::Closed => "closed",
            SaleState::Cancelled => "cancelled",
        };
        Self {
            sale: sale.sale.as_str(),
            title: sale.title.as_str(),
            sku: sale.sku.as_str(),
            product: sale.product.as_ref().map(room_rules::ProductId::as_str),
            price_cents: sale.price_cents,
            stock: sale.stock,
            left: sale.left,
            per_user: sale.per_user,
            open_at: sale.open_at.unix_millis(),
            close_at: sale.close_at.unix_millis(),
            state,
            fair: sale.fair,
            buyers: sale.buyers,
            pay_within_ms: sale.pay_within.map(room_rules::PayWindow::number),
            draw: sale.draw.as_ref().map(Into::into),
        }
    }
}

/// `Draw`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Draw")]
struct DrawBody {
    commit: String,
    decided_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<DrawResultBody>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "DrawResult")]
struct DrawResultBody {
    seed: String,
    entries: u32,
    orders: u32,
    last: Option<String>,
}

impl From<&DrawPromise> for DrawBody {
    fn from(promise: &DrawPromise) -> Self {
        let result = |result: &DrawResult| DrawResultBody {
            seed: result.seed.to_string(),
            entries: result.entries,
            orders: result.orders,
            last: result.last_winner.map(|rank| rank.to_string()),
        };
        Self {
            commit: promise.commitment.to_string(),
            decided_at: promise.decided_at.unix_millis(),
            result: promise.result.as_ref().map(result),
        }
    }
}

/// A sale that is prepared.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SaleDraft")]
pub(crate) struct DraftBody<'a> {
    sale: &'a str,
    title: &'a str,
    sku: &'a str,
    price_cents: u64,
    stock: u32,
    per_user: u32,
    duration_ms: u32,
    policy: &'static str,
}

impl<'a> From<&'a SaleDraft> for DraftBody<'a> {
    fn from(draft: &'a SaleDraft) -> Self {
        let offer = &draft.offer;
        let policy = match offer.terms.policy {
            SalePolicy::Arrival => "arrival",
            SalePolicy::LotteryWindow { .. } => "lottery_window",
        };
        Self {
            sale: draft.sale.as_str(),
            title: offer.title.as_str(),
            sku: offer.sku.as_str(),
            price_cents: offer.price_cents,
            stock: offer.stock.number(),
            per_user: offer.per_user.number(),
            duration_ms: offer.open_for.number(),
            policy,
        }
    }
}

/// `OrderResult`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "OrderResult")]
pub(crate) struct OrderBody<'a> {
    order: &'a str,
    seq: u64,
    sale: &'a str,
    qty: u32,
    stock: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<u64>,
}

impl<'a> From<&'a OrderPlaced> for OrderBody<'a> {
    fn from(order: &'a OrderPlaced) -> Self {
        Self {
            order: order.order.as_str(),
            seq: order.seq,
            sale: order.sale.as_str(),
            qty: order.quantity.number(),
            stock: order.stock,
            pay_by: order.pay_by.map(room_rules::ServerTime::unix_millis),
        }
    }
}

/// An order that waits for a draw.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "OrderQueued")]
pub(crate) struct QueuedBody<'a> {
    order: &'a str,
    state: &'static str,
    sale: &'a str,
    qty: u32,
    decided_at: u64,
}

impl<'a> From<&'a OrderQueued> for QueuedBody<'a> {
    fn from(queued: &'a OrderQueued) -> Self {
        Self {
            order: queued.order.as_str(),
            state: "queued",
            sale: queued.sale.as_str(),
            qty: queued.quantity.number(),
            decided_at: queued.decided_at.unix_millis(),
        }
    }
}

/// `d` of `order.result`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "OrderNews")]
pub(crate) struct OrderNewsBody<'a> {
    #[schemars(extend("enum" = ["placed", "not_drawn", "cancelled", "paid", "expired"]))]
    state: &'static str,
    order: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<u64>,
}

impl<'a> From<&'a OrderNews> for OrderNewsBody<'a> {
    fn from(news: &'a OrderNews) -> Self {
        let (state, order, sale) = match news {
            OrderNews::Drawn(placed) => ("placed", &placed.order, Some(&placed.sale)),
            OrderNews::NotDrawn { order, sale } => ("not_drawn", order, Some(sale)),
            OrderNews::CalledOff { order, sale } => ("cancelled", order, Some(sale)),
            OrderNews::Paid { order } => ("paid", order, None),
            OrderNews::Expired { order } => ("expired", order, None),
        };
        let placed = match news {
            OrderNews::Drawn(placed) => Some(placed),
            OrderNews::NotDrawn { .. }
            | OrderNews::CalledOff { .. }
            | OrderNews::Paid { .. }
            | OrderNews::Expired { .. } => None,
        };
        Self {
            state,
            order: order.as_str(),
            sale: sale.map(room_rules::SaleId::as_str),
            seq: placed.map(|placed| placed.seq),
            qty: placed.map(|placed| placed.quantity.number()),
            pay_by: placed.and_then(|placed| placed.pay_by).map(|at| at.unix_millis()),
        }
    }
}
