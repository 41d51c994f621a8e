//! What to send to a receiver that tells nothing of single packets: only a receiver report a second
//! (loss, round trip), and perhaps a REMB.
//!
//! Loss counts only together with a round trip that has grown, or when next to nothing arrives.

use std::time::Duration;

use crate::MediaTime;

const HEAVY_LOSS: f32 = 0.1;
/// Beyond this it does not matter why.
const HOPELESS_LOSS: f32 = 0.85;
const BACKOFF: f32 = 0.85;
const GROWTH_PER_SECOND: f32 = 1.08;
/// A round trip is grown if it exceeds one and a half times the shortest by this.
const GROWN: Duration = Duration::from_millis(50);

/// The estimate from reports.
#[derive(Debug)]
pub(super) struct ReportEstimator {
    bps: f32,
    shortest: Option<Duration>,
    rtt: Option<Duration>,
    sent_bytes: u32,
    reported: Option<MediaTime>,
}

impl ReportEstimator {
    /// Starts without a limit: nothing is known against the path.
    pub(super) const fn new(max_bps: f32) -> Self {
        Self { bps: max_bps, shortest: None, rtt: None, sent_bytes: 0, reported: None }
    }

    pub(super) const fn bps(&self) -> f32 {
        self.bps
    }

    pub(super) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    pub(super) const fn handle_sent(&mut self, bytes: u32) {
        self.sent_bytes = self.sent_bytes.saturating_add(bytes);
    }

    pub(super) fn handle_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(rtt, |held| (held * 7 + rtt) / 8));
        self.shortest = Some(self.shortest.map_or(rtt, |held| held.min(rtt)));
        // Routes change: what was shortest once may be out of reach now.
        self.shortest = self.shortest.map(|held| held + held / 64);
    }

    pub(super) fn handle_loss(
        &mut self,
        fraction: f32,
        min_bps: f32,
        max_bps: f32,
        now: MediaTime,
    ) {
        let Some(before) = self.reported.replace(now) else {
            self.sent_bytes = 0;
            return;
        };
        let passed = now.since(before).as_secs_f32().clamp(0.05, 5.0);
        let sent_bps = std::mem::take(&mut self.sent_bytes) as f32 * 8.0 / passed;
        let has_queue = self
            .shortest
            .zip(self.rtt)
            .is_some_and(|(shortest, rtt)| rtt > shortest + shortest / 2 + GROWN);
        if fraction > HOPELESS_LOSS || (fraction > HEAVY_LOSS && has_queue) {
            let arriving = sent_bps * (1.0 - fraction).max(0.1);
            self.bps = (BACKOFF * arriving).min(self.bps).max(min_bps);
        } else {
            self.bps = (self.bps * GROWTH_PER_SECOND.powf(passed)).min(max_bps);
        }
    }
}
