//! Whether a queue builds up: the slope of the delay over the last groups, held against a threshold
//! that adapts to how restless the path is.
//!
//! Constants are those documented for Google Congestion Control.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-5.3>

use super::arrival_groups::GroupDelta;

const WINDOW: usize = 20;
const SMOOTHING: f32 = 0.9;
const GAIN: f32 = 4.0;
const MAX_DELTAS: u16 = 60;
const FIRST_THRESHOLD_MS: f32 = 12.5;
const MIN_THRESHOLD_MS: f32 = 6.0;
const MAX_THRESHOLD_MS: f32 = 600.0;
const ADAPT_UP: f32 = 0.0087;
const ADAPT_DOWN: f32 = 0.039;
/// The threshold does not follow a value that lies further outside.
const MAX_OUTLIER_MS: f32 = 15.0;
const MAX_ADAPT_STEP_MS: f32 = 100.0;
/// An overuse that is shorter is a mere wobble.
const OVERUSE_MS: f32 = 10.0;

/// What the path does with what is sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Usage {
    /// The queue stands, or there is none.
    #[default]
    Normal,
    /// A queue grows.
    Over,
    /// A queue empties.
    Under,
}

/// The delay's trend.
#[derive(Debug)]
pub(super) struct Trendline {
    /// Arrival in milliseconds since the first one and smoothed delay, the oldest overwritten.
    points: [(f32, f32); WINDOW],
    seen: u32,
    start: Option<i64>,
    deltas: u16,
    accumulated_ms: f32,
    smoothed_ms: f32,
    threshold_ms: f32,
    adapted: Option<i64>,
    previous_trend: f32,
    over_for_ms: Option<f32>,
    over_count: u32,
    usage: Usage,
}

impl Trendline {
    pub(super) const fn new() -> Self {
        Self {
            points: [(0.0, 0.0); WINDOW],
            seen: 0,
            start: None,
            deltas: 0,
            accumulated_ms: 0.0,
            smoothed_ms: 0.0,
            threshold_ms: FIRST_THRESHOLD_MS,
            adapted: None,
            previous_trend: 0.0,
            over_for_ms: None,
            over_count: 0,
            usage: Usage::Normal,
        }
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes what became of the latest group.
    pub(super) fn handle_delta(&mut self, delta: GroupDelta) {
        self.deltas = (self.deltas + 1).min(1_000);
        self.accumulated_ms += (delta.arrived - delta.sent) as f32 / 1_000.0;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.accumulated_ms;
        let start = *self.start.get_or_insert(delta.at);
        let at = (delta.at - start) as f32 / 1_000.0;
        self.points[self.seen as usize % WINDOW] = (at, self.smoothed_ms);
        self.seen = self.seen.wrapping_add(1);
        if at > 600_000.0 {
            self.rebase(delta.at);
        }
        let trend = if self.seen as usize >= WINDOW {
            slope(&self.points).unwrap_or(self.previous_trend)
        } else {
            self.previous_trend
        };
        self.detect(trend, delta.sent as f32 / 1_000.0, delta.at);
    }

    /// Nothing was heard of the path for a while, so nothing is known of its queue.
    pub(super) const fn forget_usage(&mut self) {
        self.usage = Usage::Normal;
        self.over_for_ms = None;
        self.over_count = 0;
    }

    fn detect(&mut self, trend: f32, sent_ms: f32, at: i64) {
        if self.deltas < 2 {
            return;
        }
        let modified = f32::from(self.deltas.min(MAX_DELTAS)) * trend * GAIN;
        if modified > self.threshold_ms {
            // Half of the first interval, because it is not known when in it the overuse began.
            let over_for = self.over_for_ms.map_or(sent_ms / 2.0, |ms| ms + sent_ms);
            self.over_for_ms = Some(over_for);
            self.over_count += 1;
            if over_for > OVERUSE_MS && self.over_count > 1 && trend >= self.previous_trend {
                self.over_for_ms = Some(0.0);
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_for_ms = None;
            self.over_count = 0;
            self.usage = if modified < -self.threshold_ms { Usage::Under } else { Usage::Normal };
        }
        self.previous_trend = trend;
        self.adapt(modified, at);
    }

    fn adapt(&mut self, modified: f32, at: i64) {
        let step_ms = (at - self.adapted.replace(at).unwrap_or(at)) as f32 / 1_000.0;
        let size = modified.abs();
        if size > self.threshold_ms + MAX_OUTLIER_MS {
            return;
        }
        let rate = if size < self.threshold_ms { ADAPT_DOWN } else { ADAPT_UP };
        let step_ms = step_ms.clamp(0.0, MAX_ADAPT_STEP_MS);
        self.threshold_ms = (self.threshold_ms + rate * (size - self.threshold_ms) * step_ms)
            .clamp(MIN_THRESHOLD_MS, MAX_THRESHOLD_MS);
    }

    /// Keeps the numbers small enough for their precision.
    fn rebase(&mut self, at: i64) {
        let passed = (at - self.start.replace(at).unwrap_or(at)) as f32 / 1_000.0;
        let delay = self.smoothed_ms;
        for point in &mut self.points {
            *point = (point.0 - passed, point.1 - delay);
        }
        self.accumulated_ms -= delay;
        self.smoothed_ms = 0.0;
    }
}

/// Returns the slope of the least-squares line; `None` if all points share one instant.
fn slope(points: &[(f32, f32); WINDOW]) -> Option<f32> {
    let count = WINDOW as f32;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |sum, p| {
        let x = p.0 - mean_x;
        (sum.0 + x * (p.1 - mean_y), sum.1 + x * x)
    });
    (below > 0.0).then(|| above / below)
}
