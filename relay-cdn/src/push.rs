//! One RTMP target: a task that keeps publishing the program to it, whatever happens to it.
//!
//! ```text
//! Connecting ──publish accepted──▶ Live ──lost──▶ Waiting ──0.5 .. 8 s──▶ Connecting
//!     └──────────failed──────────────────────────────▲
//! ```
//!
//! Each connection has a timeline of its own that starts at zero with the newest keyframe. The
//! task shares nothing with other targets except the hub, and the hub waits for nobody.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::publisher::{Ended, Publisher, PushError};
use crate::{Hub, TargetError, TargetUrl};

/// A target takes leave from its server within this, or is dropped.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running push. Dropping it ends the push as well, without waiting.
#[derive(Debug)]
pub struct PushTarget {
    id: String,
    url: TargetUrl,
    status: watch::Receiver<TargetStatus>,
    task: JoinHandle<()>,
    stop: DropGuard,
}

impl PushTarget {
    /// Starts pushing `hub`'s program to `url`. `id` names the target in logs.
    ///
    /// # Errors
    ///
    /// Returns why `url` is no push URL. A server that cannot be reached is no error: it is tried
    /// again and again, see [`status`](Self::status).
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub fn start(hub: Hub, id: String, url: &str) -> Result<Self, TargetError> {
        let url = TargetUrl::parse(url)?;
        let (sender, status) = watch::channel(TargetStatus::new());
        let stop = CancellationToken::new();
        let task =
            Task { hub, id: id.clone(), url: url.clone(), status: sender, stop: stop.clone() };
        let task = tokio::spawn(task.run());
        Ok(Self { id, url, status, task, stop: stop.drop_guard() })
    }

    /// Returns the name that was given at the start.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns where it pushes to, fit to be shown.
    pub fn masked_url(&self) -> String {
        self.url.masked()
    }

    /// Returns how it goes.
    pub fn status(&self) -> TargetStatus {
        self.status.borrow().clone()
    }

    /// Returns a receiver that wakes whenever the status changes.
    pub fn watch(&self) -> watch::Receiver<TargetStatus> {
        self.status.clone()
    }

    /// Unpublishes and closes the connection; takes two seconds at most.
    pub async fn stop(self) {
        let Self { mut task, stop, .. } = self;
        drop(stop);
        if timeout(STOP_LIMIT, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// How a target is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetStatus {
    /// What it is doing now.
    pub state: TargetState,
    /// Connections tried so far.
    pub attempts: u32,
    /// Why the last connection failed; `None` while it is live. Never holds the stream key.
    pub error: Option<String>,
    /// Frames left out because the target was too slow.
    pub dropped: u64,
}

impl TargetStatus {
    fn new() -> Self {
        Self { state: TargetState::Connecting, attempts: 0, error: None, dropped: 0 }
    }
}

/// What a target is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetState {
    /// Connecting, or asking to publish.
    Connecting,
    /// The server takes the program.
    Live,
    /// Waiting before the next attempt.
    Waiting,
    /// Over: stopped, or the program ended.
    Stopped,
}

impl TargetState {
    /// Returns the word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

struct Task {
    hub: Hub,
    id: String,
    url: TargetUrl,
    status: watch::Sender<TargetStatus>,
    stop: CancellationToken,
}

impl Task {
    async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            self.status.send_modify(|status| {
                status.state = TargetState::Connecting;
                status.attempts = status.attempts.saturating_add(1);
            });
            metrics::counter!("relay_push_attempts_total").increment(1);

            let mut live_since = None;
            let error = match self.attempt(&mut live_since).await {
                Ok(ended) => {
                    info!(target_id = %self.id, url = %self.url, ?ended, "Push ended.");
                    break;
                }
                Err(error) => error,
            };
            let live = live_since.map_or(Duration::ZERO, |since: Instant| since.elapsed());
            let wait = backoff.handle_failure(live, fastrand::u8(..));
            metrics::counter!("relay_push_failures_total", "reason" => error.reason()).increment(1);
            warn!(target_id = %self.id, url = %self.url, %error, ?wait, "Push failed; waiting.");
            self.status.send_modify(|status| {
                status.state = TargetState::Waiting;
                status.error = Some(error.to_string());
            });
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.status.send_modify(|status| status.state = TargetState::Stopped);
    }

    /// Makes one connection and stays with it; notes when it became live.
    async fn attempt(&self, live_since: &mut Option<Instant>) -> Result<Ended, PushError> {
        let mut publisher = tokio::select! {
            () = self.stop.cancelled() => return Ok(Ended::Stopped),
            publisher = Publisher::begin(&self.url) => publisher?,
        };
        *live_since = Some(Instant::now());
        info!(target_id = %self.id, url = %self.url, "Push is live.");
        let mut dropped_before = 0;
        self.status.send_modify(|status| {
            status.state = TargetState::Live;
            status.error = None;
            dropped_before = status.dropped;
        });

        // Subscribed only now: the newest keyframe of this moment is where the connection starts.
        let mut subscription = self.hub.subscribe();
        let observe = |dropped: u64| {
            self.status.send_if_modified(|status| {
                let total = dropped_before + dropped;
                std::mem::replace(&mut status.dropped, total) != total
            });
        };
        let ended = publisher.stream(&mut subscription, &self.stop, observe).await?;
        publisher.end().await;
        Ok(ended)
    }
}
