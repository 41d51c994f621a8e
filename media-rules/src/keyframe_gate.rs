//! Lets at most one keyframe request per interval through to a source, whoever asks.
//!
//! A keyframe costs the host several frames' worth of bits and serves every viewer at once, so a
//! hundred viewers joining together must cost one. A request inside the interval is not lost: it
//! goes out when the interval ends, unless a keyframe came by meanwhile.
//!
//! ```text
//!            request               request
//!   Open ──────────────▶ Closed ──────────────▶ Closed, one waiting
//!     ▲   (let through)    │  ▲                    │        │ interval ends
//!     └────────────────────┘  └── keyframe ────────┘        ▼ (let through)
//!         interval ends                                   Closed
//! ```

use std::time::Duration;

use crate::MediaTime;

/// The requests for one source.
#[derive(Debug)]
pub struct KeyframeGate {
    min_interval: Duration,
    opens_at: Option<MediaTime>,
    is_waiting: bool,
}

impl KeyframeGate {
    /// The interval that suits hosts: short enough that a joining viewer hardly notices it.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(400);

    /// Lets one request through per `min_interval`.
    pub const fn new(min_interval: Duration) -> Self {
        Self { min_interval, opens_at: None, is_waiting: false }
    }

    /// Somebody needs a keyframe. Returns whether to ask the source now.
    #[must_use]
    pub fn handle_request(&mut self, now: MediaTime) -> bool {
        if self.opens_at.is_some_and(|opens_at| now < opens_at) {
            self.is_waiting = true;
            return false;
        }
        self.let_through(now)
    }

    /// The source sent a keyframe, which serves everybody who asked before.
    pub const fn handle_keyframe(&mut self) {
        self.is_waiting = false;
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        self.opens_at.filter(|_| self.is_waiting)
    }

    /// Returns whether to ask the source now, for a request that had to wait.
    #[must_use]
    pub fn handle_timeout(&mut self, now: MediaTime) -> bool {
        self.poll_timeout().is_some_and(|opens_at| opens_at <= now) && self.let_through(now)
    }

    fn let_through(&mut self, now: MediaTime) -> bool {
        self.is_waiting = false;
        self.opens_at = Some(now + self.min_interval);
        true
    }
}

impl Default for KeyframeGate {
    fn default() -> Self {
        Self::new(Self::DEFAULT_INTERVAL)
    }
}
