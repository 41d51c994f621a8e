//! How long a gift takes from the server's taking it to everybody's screen.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use super::crowd::Crowd;
use super::percentile::Spread;
use super::run::Shop;
use super::shopper::Seen;

/// What came of some seconds of gifts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Gifts {
    pub(crate) shoppers: usize,
    pub(crate) given: usize,
    pub(crate) refused: usize,
    /// From the giver's sending to each shopper's hearing of it.
    pub(crate) fanout_ms: Option<Spread>,
    /// Events that a shopper should have got and did not.
    pub(crate) lost: u64,
    /// Bytes a second to each shopper.
    pub(crate) bytes_per_s: f64,
}

/// Lets givers, one after the other, give `per_s` gifts a second for so long.
pub(crate) async fn measure(
    shop: &Shop,
    crowd: &mut Crowd,
    per_s: f64,
    seconds: f64,
) -> Result<Gifts> {
    crowd.forget();
    let total = (per_s * seconds) as usize;
    let mut given: HashMap<u64, ()> = HashMap::new();
    let mut tally = Tally::default();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / per_s));
    let mut number = 0;
    let mut until = Instant::now() + Duration::from_secs_f64(seconds + 2.0);
    loop {
        tokio::select! {
            _ = ticks.tick(), if number < total => {
                // Each from another shopper, so that none is merged into a combo of an earlier one.
                let body = format!(r#"{{"gift":"rose","n":1,"idem":"g{number}"}}"#);
                let tag = crowd.send(number * 7 % crowd.len(), "gift.send", body);
                given.insert(tag, ());
                number += 1;
                if number == total { until = Instant::now() + Duration::from_secs(2); }
            }
            seen = crowd.seen.recv() => tally.take(seen.context("all shoppers are gone")?, shop),
            () = tokio::time::sleep_until(until.into()) => break,
        }
    }
    Ok(Gifts {
        shoppers: crowd.len(),
        given: total,
        refused: tally.refused,
        lost: tally.lost(crowd.len()),
        bytes_per_s: tally.bytes as f64 / crowd.len() as f64 / seconds,
        fanout_ms: Spread::of(tally.late_ms),
    })
}

#[derive(Default)]
struct Tally {
    late_ms: Vec<f64>,
    refused: usize,
    bytes: usize,
    /// Events that each shopper got.
    heard: HashMap<usize, u64>,
}

impl Tally {
    fn take(&mut self, seen: Seen, shop: &Shop) {
        match seen {
            Seen::Answer { code: Some(_), .. } => self.refused += 1,
            Seen::Event { shopper, stream, q: [first, last], taken, at, bytes, .. }
                if stream == "gift" =>
            {
                self.bytes += bytes;
                *self.heard.entry(shopper).or_default() += last - first + 1;
                self.late_ms.extend(taken.iter().map(|taken| shop.room_ms(at) - taken));
            }
            _ => {}
        }
    }

    /// Everybody gets the same; whoever got less lost some.
    fn lost(&self, shoppers: usize) -> u64 {
        let most = self.heard.values().max().copied().unwrap_or(0);
        let got: u64 = self.heard.values().sum();
        most * shoppers as u64 - got
    }
}
