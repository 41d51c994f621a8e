//! Coupons.

use room_rules::{
    CouponEvent, CouponRecord, CouponReply, CouponState, CouponTicket, CouponView, CouponWorth,
    ServerTime,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `Coupon`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Coupon")]
pub(crate) struct CouponBody<'a> {
    coupon: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
    min_spend: u64,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_s: Option<u32>,
    count: u32,
    left: u32,
    wants_keyword: bool,
    open_at: u64,
    close_at: u64,
    #[schemars(extend("enum" = ["counting", "open", "sold_out", "closed", "cancelled"]))]
    state: &'static str,
}

impl<'a> From<&'a CouponView> for CouponBody<'a> {
    fn from(view: &'a CouponView) -> Self {
        let state = match view.state {
            CouponState::Counting => "counting",
            CouponState::Open => "open",
            CouponState::SoldOut => "sold_out",
            CouponState::Closed => "closed",
            CouponState::Cancelled => "cancelled",
        };
        let terms = &view.terms;
        let (amount, percent) = match terms.worth {
            CouponWorth::Amount(amount) => (Some(amount.minor()), None),
            CouponWorth::Percent(percent) => (None, Some(percent.number())),
        };
        Self {
            coupon: view.coupon.as_str(),
            title: terms.title.as_str(),
            amount,
            percent,
            min_spend: terms.min_spend.minor(),
            currency: terms.currency.as_str(),
            product: terms.product.as_ref().map(room_rules::ProductId::as_str),
            valid_s: terms.valid_for.map(Into::into),
            count: view.count,
            left: view.left,
            wants_keyword: view.wants_keyword,
            open_at: view.open_at.unix_millis(),
            close_at: view.close_at.unix_millis(),
            state,
        }
    }
}

/// `CouponTicket`: `d` of `coupon.claimed`, and what a claim is answered.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "CouponTicket")]
pub(crate) struct TicketBody<'a> {
    coupon: &'a str,
    ticket: &'a str,
    place: u32,
    left: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<u64>,
}

impl<'a> From<&'a CouponTicket> for TicketBody<'a> {
    fn from(ticket: &'a CouponTicket) -> Self {
        Self {
            coupon: ticket.coupon.as_str(),
            ticket: ticket.ticket.as_str(),
            place: ticket.place,
            left: ticket.left,
            valid_until: ticket.valid_until.map(ServerTime::unix_millis),
        }
    }
}

/// `d` of what is told about coupons.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "CouponEvent")]
pub(crate) enum CouponData<'a> {
    Updated(CouponBody<'a>),
    Claimed(TicketBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(super) fn coupon_event(event: &CouponEvent) -> (&'static str, CouponData<'_>) {
    match event {
        CouponEvent::Updated(view) => ("coupon.updated", CouponData::Updated(view.into())),
        CouponEvent::Claimed(ticket) => ("coupon.claimed", CouponData::Claimed(ticket.into())),
    }
}

/// What a command about coupons is answered.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "CouponReply")]
pub(crate) enum CouponReplyData<'a> {
    Issued { coupon: &'a str, open_at: u64 },
    Claimed(TicketBody<'a>),
}

impl<'a> From<&'a CouponReply> for CouponReplyData<'a> {
    fn from(reply: &'a CouponReply) -> Self {
        match reply {
            CouponReply::Issued { coupon, open_at } => {
                Self::Issued { coupon: coupon.as_str(), open_at: open_at.unix_millis() }
            }
            CouponReply::Claimed(ticket) => Self::Claimed(ticket.into()),
        }
    }
}

/// The answer of `GET .. /coupons/{coupon}`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "CouponRecord")]
pub(crate) struct CouponRecordBody<'a> {
    #[serde(flatten)]
    coupon: CouponBody<'a>,
    holders: Vec<HolderBody<'a>>,
    cursor: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "CouponHolder")]
struct HolderBody<'a> {
    ticket: &'a str,
    user: &'a str,
    name: &'a str,
    at: u64,
}

impl<'a> CouponRecordBody<'a> {
    /// Takes a record whose holders begin after the first `skip`, and shows `count` of them.
    pub(crate) fn new(record: &'a CouponRecord, skip: usize, count: usize) -> Self {
        let holders = record.holders.iter().take(count).map(|holder| HolderBody {
            ticket: holder.ticket.as_str(),
            user: holder.user.as_str(),
            name: &holder.name,
            at: holder.at.unix_millis(),
        });
        Self {
            coupon: (&record.coupon).into(),
            holders: holders.collect(),
            cursor: (record.holders.len() > count).then(|| (skip + count).to_string()),
        }
    }
}
