//! "3, 2, 1, link!": does it end at the same moment for everybody, whatever their network?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::crowd::Crowd;
use super::percentile::Spread;
use super::run::Shop;
use super::shopper::Seen;

/// How long before its end a countdown is announced.
const LEAD_MS: u64 = 3_000;
/// A screen that draws 60 times a second shows it with its next picture.
const FRAME_MS: f64 = 1_000.0 / 60.0;
/// Whoever has not shown the end by then is left out, and late.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What came of some countdowns.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Countdowns {
    pub(crate) shoppers: usize,
    pub(crate) countdowns: usize,
    /// Middle 98 % of when the end was on screens: timers and a screen's 60 pictures a second included.
    pub(crate) spread_ms: Option<f64>,
    /// The widest of the single countdowns' spreads.
    pub(crate) worst_spread_ms: Option<f64>,
    /// The same as `spread_ms` of the end by each shopper's estimate of room time alone.
    pub(crate) clock_spread_ms: Option<f64>,
    /// When it was on screens, less the deadline by the server's clock.
    pub(crate) shown_ms: Option<Spread>,
    /// Screens on which a countdown appeared only after its end, or that did not show its end.
    pub(crate) late: usize,
}

/// Announces `times` sales and watches their countdowns.
pub(crate) async fn measure(shop: &Shop, crowd: &mut Crowd, times: usize) -> Result<Countdowns> {
    let (mut clock_ms, mut shown_ms, mut widths, mut late) = (vec![], vec![], vec![], 0);
    for _ in 0..times {
        crowd.forget();
        let offer = json!({ "stock": 1, "lead_ms": LEAD_MS, "duration_ms": 1_000 });
        let sale = shop.announce(offer).await?;
        let heard = hear(crowd, &sale.id, shop.instant_of(sale.open_at)).await?;
        late += crowd.len() - heard.in_time.min(heard.ends.len());

        let error = |at: Instant| shop.room_ms(at) - sale.open_at;
        let shown = heard.ends.iter().map(|end| error(end.fired) + fastrand::f64() * FRAME_MS);
        let shown: Vec<f64> = shown.collect();
        widths.extend(width(&shown));
        shown_ms.extend(shown);
        clock_ms.extend(heard.ends.iter().map(|end| error(end.estimated)));
    }
    Ok(Countdowns {
        shoppers: crowd.len(),
        countdowns: times,
        spread_ms: width(&shown_ms),
        worst_spread_ms: widths.into_iter().reduce(f64::max),
        clock_spread_ms: width(&clock_ms),
        shown_ms: Spread::of(shown_ms),
        late,
    })
}

fn width(values: &[f64]) -> Option<f64> {
    Spread::of(values.to_vec()).map(|spread| spread.width())
}

struct Heard {
    /// Shoppers on whose screen it appeared before its end.
    in_time: usize,
    ends: Vec<End>,
}

/// The end of a countdown for one shopper.
struct End {
    /// By their estimate of room time.
    estimated: Instant,
    /// When their timer ran.
    fired: Instant,
}

/// Listens until the countdown of `sale` has ended on every screen, or long enough after `open`.
async fn hear(crowd: &mut Crowd, sale: &str, open: Instant) -> Result<Heard> {
    let mut heard = Heard { in_time: 0, ends: Vec::new() };
    let until = tokio::time::Instant::from(open + PATIENCE);
    while heard.ends.len() < crowd.len() {
        let Ok(seen) = tokio::time::timeout_at(until, crowd.seen.recv()).await else { break };
        match seen.context("all shoppers are gone")? {
            Seen::Counting { of, at } if of == sale => heard.in_time += usize::from(at < open),
            Seen::Fired { of, estimated, fired } if of == sale => {
                heard.ends.push(End { estimated, fired });
            }
            _ => {}
        }
    }
    Ok(heard)
}
