//! Delivers the letters to one endpoint: one room's letters one after another, several rooms at once.
//! Where each stands is in the ledger, so a desk remembers nothing but which rooms are under way; what
//! a crash takes is a note that a letter arrived, and then it arrives twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ledger::{Delivery, LedgerError, Letter, LetterHead, Outbox};
use ring::rand::{SecureRandom, SystemRandom};
use room_rules::ServerTime;
use signaling::RoomClock;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::retry::Retry;

/// So many letters about a room go out before what became of them is written down.
const RUN: usize = 16;
/// Letters of the same moment are looked for together.
const ROUND_PAUSE: Duration = Duration::from_millis(10);
/// How long a desk waits for a ledger that fails.
const LEDGER_PAUSE: Duration = Duration::from_secs(1);

/// The way to an endpoint.
pub(crate) trait Post: Send + Sync + 'static {
    /// Posts one letter; says why if it was not taken.
    fn post(&self, letter: &Letter) -> impl Future<Output = Result<(), String>> + Send;
}

/// Delivers the letters to one endpoint.
pub(crate) struct Desk<P> {
    endpoint: Arc<str>,
    outbox: Outbox,
    clock: RoomClock,
    retry: Retry,
    /// Rooms at once.
    parallel: usize,
    way: Arc<P>,
}

type Runs = JoinSet<(String, Vec<(u64, Delivery)>)>;

impl<P: Post> Desk<P> {
    pub(super) fn new(
        endpoint: &str,
        outbox: Outbox,
        clock: RoomClock,
        (retry, parallel): (Retry, usize),
        way: P,
    ) -> Self {
        let (endpoint, way) = (endpoint.into(), Arc::new(way));
        Self { endpoint, outbox, clock, retry, parallel, way }
    }

    /// Delivers until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut runs: Runs = JoinSet::new();
        let mut busy: HashSet<String> = HashSet::new();
        loop {
            let wake = match self.begin(&mut runs, &mut busy).await {
                Ok(wake) => wake,
                Err(error) => {
                    warn!(endpoint = %self.endpoint, %error, "Letters cannot be read.");
                    Some(self.clock.now() + LEDGER_PAUSE)
                }
            };
            tokio::select! {
                Some(run) = runs.join_next(), if !runs.is_empty() => {
                    let mut settled = Vec::new();
                    let mut next = Some(run);
                    while let Some(run) = next {
                        let (room, became) = run.expect("a run does not panic");
                        busy.remove(&room);
                        settled.extend(became);
                        next = runs.try_join_next();
                    }
                    self.settle(settled).await;
                }
                () = self.outbox.more_written() => tokio::time::sleep(ROUND_PAUSE).await,
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    /// Begins with the rooms that are due and not under way; returns when the next is due.
    async fn begin(
        &self,
        runs: &mut Runs,
        busy: &mut HashSet<String>,
    ) -> Result<Option<ServerTime>, LedgerError> {
        // Rooms under way may come first, and one more says when to wake.
        let heads = self.outbox.heads(&self.endpoint, 2 * self.parallel + 1).await?;
        let now = self.clock.now().unix_millis();
        for LetterHead { room, due_at } in heads {
            if busy.contains(&room) {
                continue;
            }
            if runs.len() >= self.parallel {
                break;
            }
            if due_at > now {
                return Ok(Some(ServerTime::from_unix_millis(due_at)));
            }
            let letters = self.outbox.waiting(&self.endpoint, &room, RUN).await?;
            busy.insert(room.clone());
            let (way, clock, retry) = (Arc::clone(&self.way), self.clock, self.retry);
            let endpoint = Arc::clone(&self.endpoint);
            runs.spawn(
                async move { (room, deliver(&endpoint, letters, &*way, clock, retry).await) },
            );
        }
        Ok(None)
    }

    async fn settle(&self, settled: Vec<(u64, Delivery)>) {
        if let Err(error) = self.outbox.settle(settled).await {
            warn!(endpoint = %self.endpoint, %error, "What became of letters cannot be written.");
            tokio::time::sleep(LEDGER_PAUSE).await;
        }
    }
}

/// Posts letters one after another until one is not taken.
async fn deliver<P: Post>(
    endpoint: &Arc<str>,
    letters: Vec<Letter>,
    way: &P,
    clock: RoomClock,
    retry: Retry,
) -> Vec<(u64, Delivery)> {
    let mut became = Vec::new();
    for letter in letters {
        let result = way.post(&letter).await;
        let delivery = match result {
            Ok(()) => Delivery::Delivered,
            Err(error) => {
                let now = clock.now();
                match retry.pause(letter.tries + 1, luck()) {
                    Some(pause) => {
                        debug!(%endpoint, room = letter.room, error, "A letter was not taken.");
                        let due_at = (now + pause).unix_millis();
                        Delivery::RetryAt { due_at, error }
                    }
                    None => {
                        warn!(%endpoint, room = letter.room, seq = letter.seq, error,
                            "A letter was given up.");
                        Delivery::GivenUp { error }
                    }
                }
            }
        };
        count(endpoint, &delivery);
        let is_taken = delivery == Delivery::Delivered;
        became.push((letter.id, delivery));
        if !is_taken {
            break;
        }
    }
    became
}

fn luck() -> u32 {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
    u32::from_le_bytes(bytes)
}

fn count(endpoint: &Arc<str>, delivery: &Delivery) {
    let outcome = match delivery {
        Delivery::Delivered => "ok",
        Delivery::RetryAt { .. } => "retry",
        Delivery::GivenUp { .. } => "dead",
    };
    // Endpoints are a short list of the configuration's.
    let endpoint = endpoint.to_string();
    metrics::counter!("server_webhooks_total", "endpoint" => endpoint, "outcome" => outcome)
        .increment(1);
}

#[cfg(test)]
mod tests;
