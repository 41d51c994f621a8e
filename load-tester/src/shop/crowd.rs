//! Shoppers of one room: how they come, what they are told to do, what they say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::network::Class;
use super::shopper::{Ask, Place, Seen, Shopper};
use crate::api::{Api, Server};

/// Joins under way at once.
const CONCURRENCY: usize = 32;
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How often a shopper who is turned away comes again.
const TRIES: u32 = 50;

/// What shoppers of one crowd have in common.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) server: Server,
    pub(crate) room: String,
    /// Whether they sit behind networks of the mix.
    pub(crate) behind_networks: bool,
    pub(crate) keep_time: bool,
    pub(crate) start: Instant,
}

/// Shoppers who are in.
pub(crate) struct Crowd {
    asks: Vec<mpsc::UnboundedSender<Ask>>,
    /// What they saw; unbounded, because a tester that drops what it saw measures nothing.
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    tasks: JoinSet<()>,
    last_tag: u64,
}

impl Crowd {
    /// Lets `size` shoppers in.
    pub(crate) async fn join(plan: &Plan, size: usize) -> Result<Self> {
        let (report, seen) = mpsc::unbounded_channel();
        let client = reqwest::Client::new();
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        let joins = (0..size).map(|number| {
            let (plan, client) = (plan.clone(), client.clone());
            let (report, permits) = (report.clone(), Arc::clone(&permits));
            async move {
                let _permit = permits.acquire().await.context("the semaphore is never closed")?;
                enter(&plan, client, number, report).await
            }
        });
        let mut tasks = JoinSet::new();
        let mut asks = Vec::with_capacity(size);
        let mut joins = futures_util::stream::iter(joins).buffered(CONCURRENCY);
        while let Some(shopper) = joins.next().await {
            let (ask, inbox) = mpsc::unbounded_channel();
            asks.push(ask);
            tasks.spawn(shopper?.run(inbox));
        }
        ensure!(asks.len() == size, "not everybody came");
        Ok(Self { asks, seen, tasks, last_tag: 0 })
    }

    /// Returns how many there are.
    pub(crate) const fn len(&self) -> usize {
        self.asks.len()
    }

    /// Tells one shopper to send something, and returns the tag of the answer.
    pub(crate) fn send(&mut self, shopper: usize, kind: &'static str, body: String) -> u64 {
        self.last_tag += 1;
        let tag = self.last_tag;
        // One that was cut off is reported as lost.
        let _ = self.asks[shopper].send(Ask::Send { kind, body, tag });
        tag
    }

    /// Forgets what was seen so far.
    pub(crate) fn forget(&mut self) {
        while self.seen.try_recv().is_ok() {}
    }

    /// Lets everybody go.
    pub(crate) async fn leave(mut self) {
        for ask in &self.asks {
            let _ = ask.send(Ask::Leave);
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn enter(
    plan: &Plan,
    client: reqwest::Client,
    number: usize,
    report: mpsc::UnboundedSender<Seen>,
) -> Result<Shopper> {
    let name = format!("shopper{number}");
    let api: Api = plan.server.enter_by(client, &plan.room, &name, "viewer").await?;
    let place = Place {
        number,
        network: plan.behind_networks.then(|| Class::of(number)),
        start: plan.start,
        keeps_time: plan.keep_time,
    };
    let mut tries = 0;
    loop {
        match Shopper::join(&api, &plan.room, place.clone(), report.clone()).await {
            Ok(shopper) => return Ok(shopper),
            // A server that lets people in at a pace says so; a page comes again, too.
            Err(_) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.context("a shopper could not join")),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
