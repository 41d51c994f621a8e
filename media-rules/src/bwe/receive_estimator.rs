//! The estimate of a publisher's path made by the receiver, for publishers that understand REMB and
//! nothing newer.
//!
//! Send times come from RTP timestamps (all packets of a frame share one, so a frame is a group) or
//! from the abs-send-time extension where there is one. Loss does not count.

use std::time::Duration;

use super::arrival_groups::ArrivalGroups;
use super::queue_gauge::QueueGauge;
use super::rate_control::RateControl;
use super::throughput::Throughput;
use super::trendline::Trendline;
use crate::MediaTime;

const ASSUMED_RTT: Duration = Duration::from_millis(100);

/// How much one publisher's path carries.
#[derive(Debug)]
pub struct ReceiveEstimator {
    groups: ArrivalGroups,
    trend: Trendline,
    rate: RateControl,
    throughput: Throughput,
    queue: QueueGauge,
}

impl ReceiveEstimator {
    /// Starts at the most that is wanted, in bits per second: the sender feels its way up by itself.
    pub fn new(min_bps: u32, max_bps: u32) -> Self {
        Self {
            groups: ArrivalGroups::default(),
            trend: Trendline::new(),
            rate: RateControl::new(max_bps as f32, min_bps as f32, max_bps as f32),
            throughput: Throughput::default(),
            queue: QueueGauge::default(),
        }
    }

    /// A packet of `bytes` arrived that left at `sent` microseconds of the sender's clock, which
    /// must not wrap.
    pub fn handle_packet(&mut self, sent: i64, bytes: usize, now: MediaTime) {
        let arrival = (now.nanos() / 1_000).cast_signed();
        if let Some(delta) = self.groups.handle_packet(sent, arrival) {
            self.trend.handle_delta(delta);
        }
        self.throughput.handle_packet(arrival, u32::try_from(bytes).unwrap_or(u32::MAX));
        self.queue.handle_packet(arrival, arrival.saturating_sub(sent));
    }

    /// Returns what the sender should keep to, in bits per second. Called a few times a second.
    pub fn poll_bps(&mut self, rtt: Option<Duration>, now: MediaTime) -> u64 {
        self.queue.end_batch();
        let rtt = rtt.unwrap_or(ASSUMED_RTT);
        self.rate.handle_usage(self.trend.usage(), self.throughput.bps(), rtt, now);
        self.rate.bps() as u64
    }
}
