//! The viewers as a crowd: who comes when, who leaves, and how the server took it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::engine::{Engine, Shared, Snapshot};
use super::sdp::Local;
use super::target::{Place, Target, Ticket};
use super::viewer::Spec;
use crate::api::Busy;

/// Requests under way at once; what the server cannot take at this rate shows as join time.
const CONCURRENCY: usize = 48;
/// A busy server is asked again after this ...
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// ... but not for longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// Viewers of one target.
pub(crate) struct Crowd {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    shared: Shared,
    engines: Vec<Engine>,
    /// Who is in.
    places: Mutex<HashMap<usize, Place>>,
    requests: Semaphore,
    answers: Mutex<Vec<Duration>>,
    refused: AtomicUsize,
    busy: AtomicUsize,
}

/// How the server took the requests to join.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    /// How long each answer took.
    pub(crate) answers: Vec<Duration>,
    /// Requests that were turned down for good.
    pub(crate) refused: usize,
    /// Answers that said to ask again.
    pub(crate) busy: usize,
}

impl Crowd {
    /// Creates an empty crowd on `threads` threads.
    pub(crate) fn new(target: Target, shared: &Shared, threads: usize) -> Result<Self> {
        let engines = (0..threads.max(1)).map(|_| Engine::start(shared.clone()));
        let inner = Inner {
            target,
            shared: shared.clone(),
            engines: engines.collect::<Result<_, _>>()?,
            places: Mutex::new(HashMap::new()),
            requests: Semaphore::new(CONCURRENCY),
            answers: Mutex::new(Vec::new()),
            refused: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets viewers in, spread evenly over `within`. Returns when the last one was answered.
    pub(crate) async fn join(&self, numbers: Range<usize>, within: Duration) -> Result<()> {
        let tickets: Vec<Result<(usize, Ticket)>> = futures_util::stream::iter(numbers)
            .map(|number| async move { Ok((number, self.inner.target.admit(number).await?)) })
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let step = within.div_f64(tickets.len().max(1) as f64);
        let began = tokio::time::Instant::now();
        let mut joining = JoinSet::new();
        for (at, ticket) in tickets.into_iter().enumerate() {
            let (number, ticket) = ticket?;
            tokio::time::sleep_until(began + step.mul_f64(at as f64)).await;
            let inner = Arc::clone(&self.inner);
            joining.spawn(async move { inner.join(number, &ticket).await });
        }
        while joining.join_next().await.is_some() {}
        Ok(())
    }

    /// Lets one viewer out.
    pub(crate) async fn leave(&self, number: usize) {
        self.inner.leave(number).await;
    }

    /// Lets everybody out.
    pub(crate) async fn leave_all(&self) {
        let numbers: Vec<usize> = self.inner.places().keys().copied().collect();
        let leaving = futures_util::stream::iter(numbers)
            .map(|number| self.inner.leave(number))
            .buffer_unordered(CONCURRENCY);
        leaving.collect::<()>().await;
    }

    /// Returns some viewer who is in.
    pub(crate) fn anybody(&self) -> Option<usize> {
        let places = self.inner.places();
        let at = fastrand::usize(..places.len().max(1));
        places.keys().nth(at).copied()
    }

    /// Returns how many are in.
    pub(crate) fn len(&self) -> usize {
        self.inner.places().len()
    }

    /// Begins a new measurement of latency and silence.
    pub(crate) fn mark(&self) {
        self.inner.engines.iter().for_each(Engine::mark);
    }

    /// Returns what all viewers saw so far.
    pub(crate) async fn look(&self) -> Snapshot {
        let mut all = Snapshot::default();
        for engine in &self.inner.engines {
            let one = engine.look().await;
            all.viewers.extend(one.viewers);
            all.latencies.extend(one.latencies);
            all.dropped += one.dropped;
        }
        all
    }

    /// Returns how many viewers have a picture, and how many cannot connect.
    pub(crate) fn progress(&self) -> (usize, usize) {
        let gauges = self.inner.engines.iter().map(Engine::gauges);
        gauges.fold((0, 0), |(watching, failed), gauges| {
            let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
            (watching + read(&gauges.watching), failed + read(&gauges.failed))
        })
    }

    /// Returns how many media packets were of use to anybody.
    pub(crate) fn packets(&self) -> u64 {
        let gauges = self.inner.engines.iter().map(Engine::gauges);
        gauges.map(|gauges| gauges.packets.load(Ordering::Relaxed)).sum()
    }

    /// Returns how the server took the requests so far.
    pub(crate) fn requests(&self) -> Requests {
        Requests {
            answers: self.inner.answers.lock().expect("nobody panics with it").clone(),
            refused: self.inner.refused.load(Ordering::Relaxed),
            busy: self.inner.busy.load(Ordering::Relaxed),
        }
    }
}

impl Inner {
    async fn join(&self, number: usize, ticket: &Ticket) {
        // A viewer's time runs from the wish to join, also while the server is busy with others.
        let started = Instant::now();
        let _permit = self.requests.acquire().await.expect("it is never closed");
        let local = Local::new(self.shared.identity.fingerprint());
        loop {
            match self.target.join(ticket, &local).await {
                Ok((remote, place)) => {
                    self.answers.lock().expect("nobody panics with it").push(started.elapsed());
                    self.places().insert(number, place);
                    self.engine(number).join(number, Spec { started, local, remote });
                    return;
                }
                Err(error) if error.is::<Busy>() && started.elapsed() < PATIENCE => {
                    self.busy.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(error) => {
                    // The first one tells the reason; thousands more would hide it.
                    if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::warn!(%error, number, "A viewer was turned down.");
                    }
                    return;
                }
            }
        }
    }

    async fn leave(&self, number: usize) {
        let Some(place) = self.places().remove(&number) else { return };
        // First the request: after DTLS has said goodbye the session is gone already.
        let left = self.target.leave(place).await;
        self.engine(number).leave(number);
        if let Err(error) = left {
            tracing::debug!(%error, number, "A viewer could not leave properly.");
        }
    }

    fn engine(&self, number: usize) -> &Engine {
        &self.engines[number % self.engines.len()]
    }

    fn places(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Place>> {
        self.places.lock().expect("nobody panics with it")
    }
}
