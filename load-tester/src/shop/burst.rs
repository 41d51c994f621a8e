//! Orders: a burst at the moment a sale opens, and as many as the server decides in a row.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::crowd::Crowd;
use super::percentile::Spread;
use super::run::{Sale, Shop};
use super::shopper::Seen;

/// How long after the last order answers may come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Before the opening, a share of the shoppers cannot wait.
const EARLY: Duration = Duration::from_millis(40);
const EARLY_EVERY: usize = 3;

/// The most that one sale may offer.
const STOCK_MAX: usize = 100_000;

/// What came of a burst.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Burst {
    pub(crate) orders: usize,
    pub(crate) stock: u64,
    pub(crate) accepted: usize,
    /// Refusals by code.
    pub(crate) refused: HashMap<String, usize>,
    pub(crate) unanswered: usize,
    /// From sending to the answer.
    pub(crate) decided_ms: Option<Spread>,
    /// From the opening to the last answer.
    pub(crate) all_decided_ms: f64,
    /// Orders sent before the opening, and those of them that got in by a time before it.
    pub(crate) early: usize,
    pub(crate) early_accepts: usize,
    /// Units sold above the stock.
    pub(crate) oversold: u64,
    /// Orders of one shopper that were taken in another order than sent, or numbers missing or given twice.
    pub(crate) out_of_order: usize,
}

/// What came of ordering as fast as the server decides.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sustained {
    pub(crate) seconds: f64,
    pub(crate) offered_per_s: f64,
    pub(crate) accepted_per_s: f64,
    pub(crate) refused: HashMap<String, usize>,
    pub(crate) decided_ms: Option<Spread>,
    pub(crate) unanswered: usize,
}

#[derive(Deserialize)]
struct Placed {
    seq: u64,
    qty: u64,
}

/// Every shopper sends `each` orders at the moment a sale of `stock` opens.
pub(crate) async fn burst(
    shop: &Shop,
    crowd: &mut Crowd,
    each: usize,
    stock: u64,
) -> Result<Burst> {
    crowd.forget();
    let offer =
        json!({ "stock": stock, "per_user": 100_000, "lead_ms": 2_500, "duration_ms": 60_000 });
    let sale = shop.announce(offer).await?;
    let open = shop.instant_of(sale.open_at);
    let mut sent = Orders::default();

    tokio::time::sleep_until((open - EARLY).into()).await;
    for shopper in (0..crowd.len()).step_by(EARLY_EVERY) {
        let early = sent.place(crowd, shopper, &sale, 1);
        sent.early.insert(early);
    }
    tokio::time::sleep_until(open.into()).await;
    let began = Instant::now();
    for _ in 0..each {
        for shopper in 0..crowd.len() {
            sent.place(crowd, shopper, &sale, 1);
        }
    }
    let answers = sent.answers(crowd, PATIENCE).await?;
    shop.cancel(&sale).await;
    sum_up(&sent, answers, &sale, stock, began)
}

fn sum_up(
    sent: &Orders,
    answers: Vec<Answer>,
    sale: &Sale,
    stock: u64,
    began: Instant,
) -> Result<Burst> {
    let mut burst =
        Burst { orders: sent.shoppers.len(), stock, early: sent.early.len(), ..Burst::default() };
    let (mut units, mut numbers, mut last_of) = (0, BTreeSet::new(), HashMap::new());
    let mut decided = Vec::new();
    burst.unanswered = burst.orders - answers.len();
    for answer in answers {
        burst.all_decided_ms =
            burst.all_decided_ms.max(millis(answer.at.saturating_duration_since(began)));
        if !sent.early.contains(&answer.tag) {
            decided.push(millis(answer.took));
        }
        let placed = match &answer.outcome {
            Ok(body) => {
                serde_json::from_str::<Placed>(body).context("an order is answered otherwise")?
            }
            Err(code) => {
                *burst.refused.entry(code.clone()).or_default() += 1;
                continue;
            }
        };
        burst.accepted += 1;
        units += placed.qty;
        burst.early_accepts += usize::from(answer.st < sale.open_at);
        let in_order = last_of
            .insert(sent.shoppers[&answer.tag], placed.seq)
            .is_none_or(|last| last < placed.seq);
        burst.out_of_order += usize::from(!in_order) + usize::from(!numbers.insert(placed.seq));
    }
    let (first, last) = (numbers.first().copied(), numbers.last().copied());
    if numbers.len() == burst.accepted
        && (first, last) != (Some(1), Some(burst.accepted as u64))
        && burst.accepted > 0
    {
        burst.out_of_order += 1;
    }
    burst.oversold = units.saturating_sub(stock);
    burst.decided_ms = Spread::of(decided);
    Ok(burst)
}

/// Every shopper orders `rate` times a second for so long, or until a sale's largest stock is sold.
pub(crate) async fn sustain(
    shop: &Shop,
    crowd: &mut Crowd,
    rate: f64,
    seconds: f64,
) -> Result<Sustained> {
    crowd.forget();
    let offer = json!({ "stock": STOCK_MAX, "per_user": STOCK_MAX, "lead_ms": 2_000, "duration_ms": 120_000 });
    let sale = shop.announce(offer).await?;
    tokio::time::sleep_until((shop.instant_of(sale.open_at) + Duration::from_millis(50)).into())
        .await;

    let mut sent = Orders::default();
    let began = Instant::now();
    let total = ((crowd.len() as f64 * rate * seconds) as usize).min(STOCK_MAX);
    while sent.shoppers.len() < total {
        let due = (began.elapsed().as_secs_f64() * crowd.len() as f64 * rate) as usize;
        while sent.shoppers.len() < due.min(total) {
            let shopper = sent.shoppers.len() % crowd.len();
            sent.place(crowd, shopper, &sale, 1);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let offered_for = began.elapsed().as_secs_f64();
    let answers = sent.answers(crowd, PATIENCE).await?;
    shop.cancel(&sale).await;

    let last = answers.iter().map(|answer| answer.at).max().context("no order was answered")?;
    let took = last.saturating_duration_since(began).as_secs_f64();
    let mut refused: HashMap<String, usize> = HashMap::new();
    for code in answers.iter().filter_map(|answer| answer.outcome.as_ref().err()) {
        *refused.entry(code.clone()).or_default() += 1;
    }
    let accepted = answers.iter().filter(|answer| answer.outcome.is_ok()).count();
    Ok(Sustained {
        seconds: took,
        offered_per_s: total as f64 / offered_for,
        accepted_per_s: accepted as f64 / took,
        refused,
        unanswered: total - answers.len(),
        decided_ms: Spread::of(answers.iter().map(|answer| millis(answer.took)).collect()),
    })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Orders that were sent.
#[derive(Default)]
struct Orders {
    /// Who sent which.
    shoppers: HashMap<u64, usize>,
    early: HashSet<u64>,
}

struct Answer {
    tag: u64,
    took: Duration,
    at: Instant,
    st: f64,
    /// The body, or the code of the refusal.
    outcome: Result<String, String>,
}

impl Orders {
    fn place(&mut self, crowd: &mut Crowd, shopper: usize, sale: &Sale, quantity: u32) -> u64 {
        let key = self.shoppers.len();
        let body = format!(r#"{{"sale":"{}","qty":{quantity},"idem":"k{key}"}}"#, sale.id);
        let tag = crowd.send(shopper, "order.place", body);
        self.shoppers.insert(tag, shopper);
        tag
    }

    /// Waits for an answer to each, or until none came for `patience`.
    async fn answers(&self, crowd: &mut Crowd, patience: Duration) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(self.shoppers.len());
        let mut until = Instant::now() + patience;
        while answers.len() < self.shoppers.len() {
            let next = tokio::time::timeout_at(until.into(), crowd.seen.recv()).await;
            let Ok(seen) = next else { break };
            let seen = seen.context("all shoppers are gone")?;
            ensure!(!matches!(seen, Seen::Lost), "a shopper was cut off while ordering");
            if let Seen::Answer { tag, took, at, code, st, body } = seen
                && self.shoppers.contains_key(&tag)
            {
                until = Instant::now() + patience;
                answers.push(Answer { tag, took, at, st, outcome: code.map_or(Ok(body), Err) });
            }
        }
        Ok(answers)
    }
}
