//! From what the path does to a rate: up by a share a second while nothing speaks against it, up
//! slowly near where it broke last, down at once to what really arrived.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-5.5>

use std::time::Duration;

use super::trendline::Usage;
use crate::MediaTime;

/// What remains of the arriving rate after an overuse.
const BACKOFF: f32 = 0.85;
/// Growth per second away from any known limit.
const GROWTH: f32 = 1.08;
/// The rate never grows further above what really arrives.
const MAX_AHEAD: f32 = 1.5;
const AHEAD_BPS: f32 = 10_000.0;
/// Growth near the known limit is one packet of this size per response time.
const STEP_BITS: f32 = 9_600.0;
const MIN_STEP_BPS: f32 = 4_000.0;
/// How the limit where the path broke is remembered.
const LIMIT_WEIGHT: f32 = 0.05;
const MIN_DECREASE_GAP: Duration = Duration::from_millis(10);
const MAX_DECREASE_GAP: Duration = Duration::from_millis(200);
const MAX_STEP: Duration = Duration::from_secs(1);

/// The rate that the delay allows.
#[derive(Debug)]
pub(super) struct RateControl {
    bps: f32,
    min_bps: f32,
    max_bps: f32,
    may_grow: bool,
    grown: Option<MediaTime>,
    decreased: Option<MediaTime>,
    limit: Option<Limit>,
}

/// Where the path broke, as an average in kilobits per second.
#[derive(Clone, Copy, Debug)]
struct Limit {
    kbps: f32,
    /// The variance relative to the average.
    variance: f32,
}

impl RateControl {
    pub(super) const fn new(start_bps: f32, min_bps: f32, max_bps: f32) -> Self {
        Self {
            bps: start_bps,
            min_bps,
            max_bps,
            may_grow: true,
            grown: None,
            decreased: None,
            limit: None,
        }
    }

    pub(super) const fn bps(&self) -> f32 {
        self.bps
    }

    pub(super) const fn decreased(&self) -> Option<MediaTime> {
        self.decreased
    }

    /// Takes the state of the path and the rate that arrives.
    pub(super) fn handle_usage(
        &mut self,
        usage: Usage,
        arriving_bps: Option<f32>,
        rtt: Duration,
        now: MediaTime,
    ) {
        match usage {
            Usage::Over => {
                self.may_grow = false;
                if self.may_decrease(arriving_bps, rtt, now) {
                    let arriving = arriving_bps.unwrap_or(self.bps);
                    self.decrease_to(BACKOFF * arriving, now);
                    self.note_limit(arriving / 1_000.0);
                }
            }
            // The queue empties; growing now would fill it again.
            Usage::Under => self.may_grow = false,
            Usage::Normal if !self.may_grow => {
                self.may_grow = true;
                self.grown = Some(now);
            }
            Usage::Normal => self.grow(arriving_bps, rtt, now),
        }
    }

    /// Goes down to `bps` for another reason than delay.
    pub(super) fn decrease_to(&mut self, bps: f32, now: MediaTime) {
        self.bps = bps.min(self.bps).max(self.min_bps);
        self.decreased = Some(now);
        self.grown = Some(now);
    }

    /// Goes up to what a probe has proven.
    pub(super) fn raise_to(&mut self, bps: f32, now: MediaTime) {
        if bps > self.bps {
            self.bps = bps.min(self.max_bps);
            self.grown = Some(now);
            if self.limit.is_some_and(|limit| bps / 1_000.0 > limit.highest()) {
                self.limit = None;
            }
        }
    }

    /// Does not grow before `now`, because what is known does not suffice to.
    pub(super) const fn hold(&mut self, now: MediaTime) {
        self.grown = Some(now);
    }

    fn may_decrease(&self, arriving_bps: Option<f32>, rtt: Duration, now: MediaTime) -> bool {
        let gap = rtt.clamp(MIN_DECREASE_GAP, MAX_DECREASE_GAP);
        // Far above what arrives there is no reason to wait.
        self.decreased.is_none_or(|at| now.since(at) >= gap)
            || arriving_bps.is_some_and(|arriving| arriving < 0.5 * self.bps)
    }

    fn grow(&mut self, arriving_bps: Option<f32>, rtt: Duration, now: MediaTime) {
        let passed = now.since(self.grown.replace(now).unwrap_or(now)).min(MAX_STEP).as_secs_f32();
        let Some(arriving) = arriving_bps else {
            return;
        };
        if self.limit.is_some_and(|limit| arriving / 1_000.0 > limit.highest()) {
            self.limit = None;
        }
        let grown = if self.limit.is_some_and(|limit| self.bps / 1_000.0 > limit.lowest()) {
            let response = rtt + Duration::from_millis(100);
            self.bps + (STEP_BITS / response.as_secs_f32()).max(MIN_STEP_BPS) * passed
        } else {
            self.bps * GROWTH.powf(passed)
        };
        // Who sends little proves little, but loses nothing by it.
        let ceiling = (MAX_AHEAD * arriving + AHEAD_BPS).max(self.bps);
        self.bps = grown.min(ceiling).clamp(self.min_bps, self.max_bps);
    }

    fn note_limit(&mut self, kbps: f32) {
        let fresh = Limit { kbps, variance: 0.4 };
        let held = self.limit.filter(|held| kbps >= held.lowest());
        self.limit = Some(held.map_or(fresh, |held| {
            let average = held.kbps + LIMIT_WEIGHT * (kbps - held.kbps);
            let error = average - kbps;
            let variance =
                held.variance + LIMIT_WEIGHT * (error * error / average.max(1.0) - held.variance);
            Limit { kbps: average, variance: variance.clamp(0.4, 2.5) }
        }));
    }
}

impl Limit {
    fn spread(self) -> f32 {
        3.0 * (self.variance * self.kbps).sqrt()
    }

    fn highest(self) -> f32 {
        self.kbps + self.spread()
    }

    fn lowest(self) -> f32 {
        (self.kbps - self.spread()).max(0.0)
    }
}
