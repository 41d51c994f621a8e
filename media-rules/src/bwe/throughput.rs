//! How much arrives: bytes acknowledged over time, smoothed by how far a new sample can be believed.

/// One sample spans so much of the receiver's time ...
const WINDOW_MICROS: i64 = 150_000;
/// ... the first one more, because streams start with a burst.
const FIRST_WINDOW_MICROS: i64 = 500_000;
/// A gap this long is a pause, not a low rate.
const PAUSE_MICROS: i64 = 1_000_000;
/// How much a sample's distance from the estimate speaks against it.
const DISTRUST: f32 = 10.0;
const DRIFT_PER_SAMPLE: f32 = 5.0;
const FIRST_VARIANCE: f32 = 50.0;
const CHANGE_VARIANCE: f32 = 200.0;

/// The rate at which packets arrive, in bits per second.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    bytes: u32,
    window_start: Option<i64>,
    newest: i64,
    /// In kilobits per second.
    estimate: Option<f32>,
    variance: f32,
    /// The newest sample as it is, in kilobits per second.
    newest_kbps: f32,
}

impl Throughput {
    /// A packet arrived, in microseconds of the receiver's clock.
    pub(super) fn handle_packet(&mut self, arrival: i64, bytes: u32) {
        let start = *self.window_start.get_or_insert(arrival);
        let is_gap = !(-PAUSE_MICROS..=PAUSE_MICROS).contains(&(arrival - self.newest));
        self.newest = self.newest.max(arrival);
        if is_gap {
            (self.bytes, self.window_start, self.newest) = (bytes, Some(arrival), arrival);
            return;
        }
        let window = if self.estimate.is_some() { WINDOW_MICROS } else { FIRST_WINDOW_MICROS };
        let span = arrival - start;
        if span >= window {
            self.handle_sample(self.bytes as f32 * 8_000.0 / span as f32);
            (self.bytes, self.window_start) = (0, Some(arrival));
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Returns the rate, once known.
    pub(super) fn bps(&self) -> Option<f32> {
        self.estimate.map(|kbps| kbps * 1_000.0)
    }

    /// Returns the greater of the rate and its newest sample: what the path carried just now.
    pub(super) fn carried_bps(&self) -> Option<f32> {
        self.estimate.map(|kbps| kbps.max(self.newest_kbps) * 1_000.0)
    }

    /// Much more, or less, is about to be sent, so what was seen so far says little.
    pub(super) const fn expect_change(&mut self) {
        self.variance = CHANGE_VARIANCE;
    }

    fn handle_sample(&mut self, kbps: f32) {
        self.newest_kbps = kbps;
        let Some(estimate) = self.estimate else {
            self.estimate = Some(kbps);
            self.variance = FIRST_VARIANCE;
            return;
        };
        let distance = DISTRUST * (estimate - kbps).abs() / estimate.max(1.0);
        let sample_variance = distance * distance;
        let variance = self.variance + DRIFT_PER_SAMPLE;
        let sum = sample_variance + variance;
        self.estimate = Some((sample_variance * estimate + variance * kbps) / sum);
        self.variance = sample_variance * variance / sum;
    }
}
