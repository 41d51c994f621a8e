//! Everybody talks at once: does control still get through, all of it and in time?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::crowd::Crowd;
use super::percentile::Spread;
use super::run::Shop;
use super::tally::Tally;

/// Sales are announced and called off so often: control that everybody must hear.
const CONTROL_EVERY: Duration = Duration::from_millis(500);

/// What came of some seconds of everybody talking.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Overload {
    pub(crate) shoppers: usize,
    /// Lines a second that were sent.
    pub(crate) lines_per_s: f64,
    pub(crate) refused_lines: usize,
    /// Lines a second that each shopper got.
    pub(crate) heard_lines_per_s: f64,
    pub(crate) control_events: u64,
    /// Events of the control lane that a shopper missed.
    pub(crate) control_lost: u64,
    /// From the server's saying it to each shopper's hearing it.
    pub(crate) control_ms: Option<Spread>,
    /// Shoppers who were cut off.
    pub(crate) cut: usize,
}

/// Lets shoppers say `per_s` lines a second altogether for so long.
pub(crate) async fn measure(
    shop: &Shop,
    crowd: &mut Crowd,
    per_s: f64,
    seconds: f64,
) -> Result<Overload> {
    crowd.forget();
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(seconds);
    let mut tally = Tally::default();
    let mut said = 0_usize;
    let mut talk = tokio::time::interval(Duration::from_millis(5));
    let mut control = tokio::time::interval(CONTROL_EVERY);
    while Instant::now() < until + Duration::from_secs(2) {
        tokio::select! {
            _ = talk.tick(), if Instant::now() < until => {
                let due = (began.elapsed().as_secs_f64() * per_s) as usize;
                while said < due {
                    crowd.send(said % crowd.len(), "chat.send", format!(r#"{{"text":"line {said} 买它!"}}"#));
                    said += 1;
                }
            }
            _ = control.tick(), if Instant::now() < until => {
                let sale = shop.announce(json!({ "stock": 1, "lead_ms": 60_000 })).await?;
                shop.cancel(&sale).await;
            }
            seen = crowd.seen.recv() => tally.take(seen.context("all shoppers are gone")?, shop),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    let shoppers = crowd.len() as f64;
    Ok(Overload {
        shoppers: crowd.len(),
        lines_per_s: said as f64 / seconds,
        refused_lines: tally.refused,
        // Listening goes on for a while, so that what is late is heard, too.
        heard_lines_per_s: tally.lines as f64 / shoppers / began.elapsed().as_secs_f64(),
        control_events: tally.most(),
        control_lost: tally.lost(crowd.len()),
        control_ms: Spread::of(tally.late_ms),
        cut: tally.cut,
    })
}
