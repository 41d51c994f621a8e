//! A path in virtual time: a bottleneck with a drop-tail queue, random loss, jitter, other traffic.

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::MediaTime;

/// What the path is like, from some moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    pub(crate) capacity_bps: u64,
    /// What the queue holds, as time at the capacity.
    pub(crate) queue: Duration,
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) loss: f64,
    /// The share of feedback that gets lost on its way back.
    pub(crate) loss_back: f64,
    /// What others send through the same bottleneck.
    pub(crate) others_bps: u64,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            capacity_bps: 5_000_000,
            queue: Duration::from_millis(300),
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0.0,
            loss_back: 0.0,
            others_bps: 0,
        }
    }
}

pub(crate) struct Link {
    pub(crate) nature: Nature,
    rng: fastrand::Rng,
    rng_back: fastrand::Rng,
    free_at: MediaTime,
    others_at: MediaTime,
    last_arrival: MediaTime,
    /// Number and arrival of what is under way, in order.
    under_way: VecDeque<(u16, MediaTime)>,
}

impl Link {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            nature: Nature::default(),
            rng: fastrand::Rng::with_seed(seed),
            rng_back: fastrand::Rng::with_seed(!seed),
            free_at: MediaTime::default(),
            others_at: MediaTime::default(),
            last_arrival: MediaTime::default(),
            under_way: VecDeque::new(),
        }
    }

    pub(crate) fn send(&mut self, number: u16, bytes: usize, now: MediaTime) {
        if self.rng.f64() < self.nature.loss {
            return;
        }
        let Some(served) = self.serve(bytes, now) else {
            return;
        };
        let jitter = self.nature.jitter.mul_f64(self.rng.f64());
        // A path that delays does not reorder.
        self.last_arrival = (served + self.nature.delay + jitter).max(self.last_arrival);
        self.under_way.push_back((number, self.last_arrival));
    }

    /// Whether feedback gets lost.
    pub(crate) fn loses_back(&mut self) -> bool {
        self.rng_back.f64() < self.nature.loss_back
    }

    pub(crate) fn poll_arrival(&mut self, now: MediaTime) -> Option<(u16, MediaTime)> {
        self.under_way.pop_front_if(|(_, at)| *at <= now)
    }

    /// Sends what others send until `now`, in packets of 1200 bytes.
    pub(crate) fn handle_timeout(&mut self, now: MediaTime) {
        if self.nature.others_bps == 0 {
            self.others_at = now;
            return;
        }
        let gap = Duration::from_secs_f64(9_600.0 / self.nature.others_bps as f64);
        while self.others_at + gap <= now {
            self.others_at = self.others_at + gap;
            self.serve(1_200, self.others_at);
        }
    }

    fn serve(&mut self, bytes: usize, now: MediaTime) -> Option<MediaTime> {
        if self.free_at.since(now) > self.nature.queue {
            return None;
        }
        let time = Duration::from_secs_f64(bytes as f64 * 8.0 / self.nature.capacity_bps as f64);
        self.free_at = self.free_at.max(now) + time;
        Some(self.free_at)
    }
}
