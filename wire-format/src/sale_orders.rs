//! What was ordered in one sale, for the room's own people: a page at a time, in the order of the
//! numbers.

use room_rules::{OrderState, SaleLog, ServerTime};
use schemars::JsonSchema;
use serde::Serialize;

use crate::body::SaleBody;
use crate::encode::write;

/// Encodes the answer of `GET /v1/rooms/{room}/sales/{sale}/orders`, of which the first is number
/// `skip + 1`; at most `count` orders are told.
pub fn encode_sale_orders(log: &SaleLog, skip: usize, count: usize) -> String {
    let orders = sold(log, skip, count);
    let has_more = log.orders.len() > orders.len();
    let cursor = has_more.then(|| (skip + orders.len()).to_string());
    write(&SaleOrdersBody { sale: (&log.sale).into(), orders, cursor })
}

/// Returns the first `count` orders of a page that begins after `skip`.
pub(crate) fn sold(log: &SaleLog, skip: usize, count: usize) -> Vec<SoldBody<'_>> {
    let pay_within = log.sale.pay_within.map(room_rules::PayWindow::duration);
    log.orders
        .iter()
        .take(count)
        .zip(skip as u64 + 1..)
        .map(|(order, seq)| SoldBody {
            seq,
            order: order.order.as_str(),
            user: order.user.as_str(),
            qty: order.units,
            at: order.at.unix_millis(),
            state: state_name(order.state),
            pay_by: pay_within
                .filter(|_| order.state == OrderState::Placed)
                .map(|within| ServerTime::unix_millis(order.at + within)),
        })
        .collect()
}

/// Answer of `GET /v1/rooms/{room}/sales/{sale}/orders`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SaleOrders")]
pub(crate) struct SaleOrdersBody<'a> {
    sale: SaleBody<'a>,
    orders: Vec<SoldBody<'a>>,
    cursor: Option<String>,
}

/// An order as the seller sees it.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Sold")]
pub(crate) struct SoldBody<'a> {
    seq: u64,
    order: &'a str,
    user: &'a str,
    qty: u32,
    at: u64,
    #[schemars(extend("enum" = ["placed", "paid", "expired"]))]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<u64>,
}

const fn state_name(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "placed",
        OrderState::Paid => "paid",
        OrderState::Expired => "expired",
    }
}
