//! Countdowns.

use room_rules::{Countdown, CountdownKind, CountdownState};
use schemars::JsonSchema;
use serde::Serialize;

/// `Countdown`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Countdown")]
pub(crate) struct CountdownBody<'a> {
    id: &'a str,
    rev: u32,
    kind: &'static str,
    open_at: u64,
    close_at: Option<u64>,
    state: &'static str,
    labels: &'static [&'static str],
    fair: bool,
    payload: PayloadBody<'a>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Payload")]
struct PayloadBody<'a> {
    #[serde(rename = "ref")]
    subject: &'a str,
}

/// Returns what a countdown counts to.
pub(crate) const fn countdown_kind(kind: CountdownKind) -> &'static str {
    match kind {
        CountdownKind::SaleOpen => "sale_open",
        CountdownKind::PacketOpen => "packet_open",
        CountdownKind::CouponOpen => "coupon_open",
        CountdownKind::LotteryDraw => "lottery_draw",
        CountdownKind::AuctionStart => "auction_start",
        CountdownKind::AuctionEnd => "auction_end",
        CountdownKind::QuizClose => "quiz_close",
        CountdownKind::PkStart => "pk_start",
        CountdownKind::PkEnd => "pk_end",
        CountdownKind::Punish => "punish",
    }
}

impl<'a> From<&'a Countdown> for CountdownBody<'a> {
    fn from(countdown: &'a Countdown) -> Self {
        Self {
            id: countdown.id.as_str(),
            rev: countdown.revision,
            kind: countdown_kind(countdown.kind),
            open_at: countdown.open_at.unix_millis(),
            close_at: countdown.close_at.map(room_rules::ServerTime::unix_millis),
            state: match countdown.state {
                CountdownState::Counting => "counting",
                CountdownState::Fired => "fired",
                CountdownState::Cancelled => "cancelled",
            },
            labels: countdown.labels,
            fair: countdown.fair,
            payload: PayloadBody { subject: &countdown.subject },
        }
    }
}
