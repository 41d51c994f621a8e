//! Everybody comes at once: is everybody let in, how long does that take, and what do those notice who
//! are in already? A newcomer does as a page does: whoever is turned away closes, and comes again by
//! another connection when they were told to.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::crowd::{Crowd, Plan};
use super::percentile::Spread;
use super::run::Shop;
use super::shopper::{Ask, Place, Shopper, TurnedAway};
use super::tally::Tally;
use crate::api::Api;

/// So often a sale is announced or the last one called off, in turn: control that everybody must hear.
const CONTROL_EVERY: Duration = Duration::from_millis(500);
/// Tokens that are asked for at once, before anybody comes.
const CONCURRENCY: usize = 32;
/// When a newcomer comes again who was told nothing.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often a newcomer comes before giving up.
const TRIES: u32 = 50;
/// Nothing is waited for any longer than this.
const AT_MOST: Duration = Duration::from_secs(150);

/// What came of everybody's coming at once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) sockets: usize,
    /// Newcomers who were never let in.
    pub(crate) never_in: usize,
    /// Newcomers who were cut off again.
    pub(crate) cut: usize,
    /// From the first one's coming until the last one was in.
    pub(crate) all_in_s: f64,
    /// How long each waited, all tries together.
    pub(crate) wait_ms: Option<Spread>,
    /// How often somebody was turned away, altogether and whoever had most of it.
    pub(crate) turned_away: u64,
    pub(crate) turned_away_most: u32,
    /// Those who were in before.
    pub(crate) residents: usize,
    pub(crate) residents_cut: usize,
    pub(crate) control_events: u64,
    /// Events of the control lane that a resident missed.
    pub(crate) control_lost: u64,
    /// From the server's saying it to each resident's hearing it.
    pub(crate) control_ms: Option<Spread>,
}

impl Storm {
    /// Returns what matters of it for people.
    pub(crate) fn line(&self) -> String {
        let Self { sockets, all_in_s, turned_away, turned_away_most, never_in, cut, .. } = self;
        let Self { residents, control_events, control_lost, .. } = self;
        let p99 = |spread: Option<Spread>| spread.map_or(f64::NAN, |spread| spread.p99);
        let (wait, control) = (p99(self.wait_ms) / 1_000.0, p99(self.control_ms));
        format!(
            "{sockets} sockets in after {all_in_s:.1} s, p99 {wait:.1} s; sent away {turned_away} times, one at most {turned_away_most}; \
             never in {never_in}, cut {cut}; control p99 {control:.1} ms for {residents} who were there, {control_events} events, {control_lost} lost"
        )
    }
}

/// How a newcomer came in.
struct Came {
    /// `None`: never.
    waited: Option<Duration>,
    turned_away: u32,
}

/// Lets `sockets` come at once to where `residents` are.
pub(crate) async fn measure(
    shop: &Shop,
    plan: &Plan,
    residents: &mut Crowd,
    sockets: usize,
) -> Result<Storm> {
    let tickets = tickets(plan, sockets).await?;
    residents.forget();
    let (told, mut coming) = mpsc::unbounded_channel();
    let (mut inside, mut leave) = (JoinSet::new(), Vec::with_capacity(sockets));
    let began = Instant::now();
    for (number, api) in tickets.into_iter().enumerate() {
        let (end, asks) = mpsc::unbounded_channel();
        leave.push(end);
        let place = Place { number, network: None, start: plan.start, keeps_time: false };
        inside.spawn(come((api, plan.room.clone(), place), began, told.clone(), asks));
    }
    let mut came = Vec::with_capacity(sockets);
    let mut tally = Tally::default();
    let mut control = tokio::time::interval(CONTROL_EVERY);
    let (mut sale, mut all_in) = (None, None);
    while began.elapsed() < AT_MOST {
        if came.len() == sockets && all_in.is_none() {
            all_in = Some(Instant::now());
        }
        // What is late is heard, too.
        if all_in.is_some_and(|at| at.elapsed() > Duration::from_secs(2)) {
            break;
        }
        tokio::select! {
            Some(one) = coming.recv() => came.push(one),
            _ = control.tick(), if all_in.is_none() => {
                match sale.take() {
                    Some(sale) => shop.cancel(&sale).await,
                    None => sale = Some(shop.announce(json!({ "stock": 1, "lead_ms": 60_000 })).await?),
                }
            }
            seen = residents.seen.recv() => tally.take(seen.context("all residents are gone")?, shop),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    let never_in = came.iter().filter(|one| one.waited.is_none()).count();
    let cut = std::iter::from_fn(|| inside.try_join_next()).count().saturating_sub(never_in);
    drop(leave);
    while inside.join_next().await.is_some() {}
    Ok(storm(&came, (sockets, cut), residents.len(), tally))
}

fn storm(came: &[Came], (sockets, cut): (usize, usize), residents: usize, tally: Tally) -> Storm {
    let waits = came.iter().filter_map(|one| one.waited);
    let waits: Vec<f64> = waits.map(|wait| wait.as_secs_f64() * 1_000.0).collect();
    let wait_ms = Spread::of(waits.clone());
    Storm {
        sockets,
        never_in: sockets - waits.len(),
        cut,
        all_in_s: wait_ms.map_or(f64::NAN, |wait| wait.max / 1_000.0),
        wait_ms,
        turned_away: came.iter().map(|one| u64::from(one.turned_away)).sum(),
        turned_away_most: came.iter().map(|one| one.turned_away).max().unwrap_or(0),
        residents,
        residents_cut: tally.cut,
        control_events: tally.most(),
        control_lost: tally.lost(residents),
        control_ms: Spread::of(tally.late_ms),
    }
}

/// Gets everybody's token, which is not what is measured.
async fn tickets(plan: &Plan, sockets: usize) -> Result<Vec<Api>> {
    let client = reqwest::Client::new();
    let asked =
        (0..sockets).map(|number| {
            let client = client.clone();
            async move {
                plan.server.enter_by(client, &plan.room, &format!("new{number}"), "viewer").await
            }
        });
    futures_util::stream::iter(asked).buffered(CONCURRENCY).try_collect().await
}

/// Comes until let in, and stays until the other end of `asks` is gone.
async fn come(
    (api, room, place): (Api, String, Place),
    began: Instant,
    told: mpsc::UnboundedSender<Came>,
    asks: mpsc::UnboundedReceiver<Ask>,
) {
    // Nobody listens to what a newcomer sees.
    let (seen, _) = mpsc::unbounded_channel();
    let mut turned_away = 0;
    while turned_away < TRIES {
        match Shopper::join(&api, &room, place.clone(), seen.clone()).await {
            Ok(shopper) => {
                let waited = Some(began.elapsed());
                let _ = told.send(Came { waited, turned_away });
                return shopper.run(asks).await;
            }
            Err(error) => {
                turned_away += 1;
                let after = error.downcast_ref::<TurnedAway>().and_then(|away| away.retry_ms);
                tokio::time::sleep(after.map_or(ASK_AGAIN, Duration::from_millis)).await;
            }
        }
    }
    let _ = told.send(Came { waited: None, turned_away });
}
