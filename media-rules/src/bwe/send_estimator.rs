//! The estimate of one viewer's path, from what its receiver tells.
//!
//! Costs next to nothing per packet sent: one entry in a ring. The ring and all else is there only
//! once a receiver has sent transport-wide feedback; before that, and for receivers that never do,
//! receiver reports and REMB must do.

use std::time::Duration;

use super::arrival_groups::ArrivalGroups;
use super::loss_judge::LossJudge;
use super::probes::{Finding, Probe, ProbeId, Probes, Situation};
use super::queue_gauge::QueueGauge;
use super::rate_control::RateControl;
use super::report_estimator::ReportEstimator;
use super::sent_ring::SentRing;
use super::throughput::Throughput;
use super::trendline::{Trendline, Usage};
use crate::MediaTime;
use crate::twcc::{Feedback, TICK_MICROS, TICKS_PER_REFERENCE};

/// What may be sent at once, as a multiple of the estimate, so that a keyframe takes not for ever.
const PACE: f32 = 2.5;
/// The same while the path has not shown where it ends: the keyframe of a 720p stream, which is up to
/// 80 kB, is within what a pacer gives in 10 ms, and leaves at once.
const OPEN_BPS: u64 = 64_000_000;
/// After congestion by loss, a little less than what arrived.
const LOSS_BACKOFF: f32 = 0.9;
/// What even the least delayed packet waits is a queue from here on.
const QUEUE_MICROS: i64 = 30_000;
/// A delay that seems to grow while some packet still passes without delay is no queue: loss took
/// the last packets of groups away, or the air was busy.
const REAL_MICROS: i64 = 12_000;
/// A queue this long makes probes do harm.
const FULL_MICROS: i64 = 60_000;
/// Without feedback for so long, nothing is known of the queue.
const SILENCE: Duration = Duration::from_millis(500);
const FIRST_RTT: Duration = Duration::from_millis(100);
const MAX_RTT: Duration = Duration::from_secs(3);
/// REMB is said again every second or so; a receiver that stops saying it has no limit any more.
const REMB_VALID: Duration = Duration::from_secs(10);

/// What the receiver was found to understand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedbackKind {
    /// It tells when each packet arrived.
    Transport,
    /// It sends receiver reports only, and perhaps REMB.
    Reports,
}

/// The bounds of an estimate, in bits per second.
#[derive(Clone, Copy, Debug)]
pub struct SendConfig {
    /// What will be heard from the receiver.
    pub feedback: FeedbackKind,
    /// What is believed before the first transport-wide feedback.
    pub start_bps: u32,
    /// No estimate is ever below.
    pub min_bps: u32,
    /// No estimate is ever above.
    pub max_bps: u32,
}

/// How much one viewer's path carries.
#[derive(Debug)]
pub struct SendEstimator {
    config: SendConfig,
    reports: ReportEstimator,
    remb: Option<(u64, MediaTime)>,
    wanted_bps: u64,
    /// Made with the first feedback.
    path: Option<Box<Path>>,
}

impl SendEstimator {
    /// Starts with nothing known.
    pub const fn new(config: SendConfig) -> Self {
        Self {
            config,
            reports: ReportEstimator::new(config.max_bps as f32),
            remb: None,
            wanted_bps: 0,
            path: None,
        }
    }

    /// A packet of `bytes` with the transport-wide `number` was sent. Numbers count up by one.
    #[inline]
    pub fn handle_sent(
        &mut self,
        number: u16,
        bytes: usize,
        now: MediaTime,
        probe: Option<ProbeId>,
    ) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        match &mut self.path {
            Some(path) => path.ring.insert(number, bytes, micros(now), probe),
            None => self.reports.handle_sent(bytes),
        }
    }

    /// Reads where the packet of `number` will be noted, so that memory brings it before there is one.
    #[inline]
    pub fn touch(&self, number: u16) -> u64 {
        self.path.as_ref().map_or(0, |path| path.ring.touch(number))
    }

    /// Reads a little of each piece that feedback on the packets before `number` is compared with.
    pub fn touch_all(&self, number: u16) -> u64 {
        let Some(path) = &self.path else {
            return 0;
        };
        let ring = [1, 17, 33, 49].map(|back| path.ring.touch(number.wrapping_sub(back)));
        let sum = ring.into_iter().fold(path.heard.nanos(), u64::wrapping_add);
        let rates = [path.rate.bps(), path.loss.sent_bps(), path.loss.recent(), path.max_bps];
        let rates = rates.into_iter().fold(0, |sum: u64, rate| sum ^ u64::from(rate.to_bits()));
        let is_over = path.trend.usage() == Usage::Over;
        let queue = path.queue.standing_micros().cast_unsigned();
        sum.wrapping_add(rates).wrapping_add(u64::from(is_over)).wrapping_add(queue)
    }

    /// The receiver told which packets arrived, and when.
    pub fn handle_feedback(&mut self, feedback: &Feedback<'_>, now: MediaTime) {
        match &mut self.path {
            Some(path) => path.handle_feedback(feedback, now),
            None => {
                let mut path = Path::new(self.config, now);
                path.probes.set_wanted_bps(self.wanted_bps as f32);
                self.path = Some(Box::new(path));
            }
        }
    }

    /// The receiver named the most that it wants (REMB).
    pub const fn handle_remb(&mut self, bps: u64, now: MediaTime) {
        self.remb = Some((bps, now));
    }

    /// A receiver report told the share of packets lost since the one before, 0 to 1.
    pub fn handle_loss(&mut self, fraction: f32, now: MediaTime) {
        if self.path.is_none() {
            let (min, max) = (self.config.min_bps as f32, self.config.max_bps as f32);
            self.reports.handle_loss(fraction, min, max, now);
        }
    }

    /// A receiver report answered a sender report after this time.
    pub fn handle_rtt(&mut self, rtt: Duration) {
        self.reports.handle_rtt(rtt.min(MAX_RTT));
    }

    /// Sets the rate that would be sent if the path carried it. Probes reach for no more.
    pub fn set_wanted_bps(&mut self, bps: u64) {
        self.wanted_bps = bps;
        if let Some(path) = &mut self.path {
            path.probes.set_wanted_bps(bps as f32);
        }
    }

    /// Returns a probe to send now. One runs at a time; see [`Probe`].
    pub fn poll_probe(&mut self, now: MediaTime) -> Option<Probe> {
        self.path.as_mut()?.poll_probe(now)
    }

    /// Returns when [`poll_probe`](Self::poll_probe) may have something to say.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        self.path.as_ref()?.probes.poll_timeout()
    }

    /// Returns how much may be sent, repairs included, in bits per second.
    pub fn target_bps(&self, now: MediaTime) -> u64 {
        let estimate = match (&self.path, self.config.feedback) {
            (Some(path), _) => path.rate.bps() as u64,
            (None, FeedbackKind::Transport) => u64::from(self.config.start_bps),
            (None, FeedbackKind::Reports) => self.reports.bps() as u64,
        };
        match self.remb {
            Some((bps, at)) if now.since(at) < REMB_VALID => {
                estimate.min(bps.max(u64::from(self.config.min_bps)))
            }
            _ => estimate,
        }
    }

    /// Returns the rate at which a burst is spread, in bits per second.
    pub fn pacing_bps(&self, now: MediaTime) -> u64 {
        let paced = (self.target_bps(now) as f32 * PACE) as u64;
        if self.has_limit() { paced } else { paced.max(OPEN_BPS) }
    }

    /// Returns whether the estimate rests on something the receiver said.
    pub const fn is_known(&self) -> bool {
        self.path.is_some() || self.remb.is_some()
    }

    /// Returns whether the estimate is what the path was found to end at. Until then it says what was
    /// tried, and nothing speaks for holding a picture back.
    pub const fn has_limit(&self) -> bool {
        let is_found = match (&self.path, self.config.feedback) {
            (Some(path), _) => path.rate.decreased().is_some(),
            (None, FeedbackKind::Transport) => false,
            (None, FeedbackKind::Reports) => true,
        };
        is_found || self.remb.is_some()
    }

    /// Returns the round trip, from reports if there are any.
    pub fn rtt(&self) -> Option<Duration> {
        self.reports.rtt().or_else(|| self.path.as_ref().map(|path| path.rtt))
    }

    /// Returns the share of packets lost lately, 0 to 1; `None` without transport-wide feedback.
    pub fn loss(&self) -> Option<f32> {
        self.path.as_ref().map(|path| path.loss.recent())
    }

    /// Returns how long packets stand in a queue; zero without transport-wide feedback.
    pub fn queue(&self) -> Duration {
        let standing = self.path.as_ref().map_or(0, |path| path.queue.standing_micros());
        Duration::from_micros(u64::try_from(standing).unwrap_or(0))
    }
}

/// What transport-wide feedback tells of a path.
#[derive(Debug)]
struct Path {
    ring: SentRing,
    groups: ArrivalGroups,
    trend: Trendline,
    rate: RateControl,
    throughput: Throughput,
    queue: QueueGauge,
    loss: LossJudge,
    probes: Probes,
    max_bps: f32,
    rtt: Duration,
    /// The newest reference time, and the same without wrapping.
    reference: Option<(u32, i64)>,
    heard: MediaTime,
}

/// Every viewer has one.
const _: () = assert!(size_of::<Path>() <= 4_096);

impl Path {
    fn new(config: SendConfig, now: MediaTime) -> Self {
        let bounds = (config.start_bps as f32, config.min_bps as f32, config.max_bps as f32);
        Self {
            ring: SentRing::new(),
            groups: ArrivalGroups::default(),
            trend: Trendline::new(),
            rate: RateControl::new(bounds.0, bounds.1, bounds.2),
            throughput: Throughput::default(),
            queue: QueueGauge::default(),
            loss: LossJudge::default(),
            probes: Probes::new(),
            max_bps: bounds.2,
            rtt: FIRST_RTT,
            reference: None,
            heard: now,
        }
    }

    fn handle_feedback(&mut self, feedback: &Feedback<'_>, now: MediaTime) {
        if now.since(self.heard) >= SILENCE.max(2 * self.rtt) {
            self.trend.forget_usage();
            self.rate.hold(now);
        }
        self.heard = now;
        let start = self.unwrap_reference(feedback.reference) * TICKS_PER_REFERENCE.cast_signed();
        let now_micros = micros(now);
        let mut newest_sent = None;
        for status in feedback.statuses() {
            let Some(sent) = self.ring.get(status.number, now_micros) else {
                continue;
            };
            let arrival =
                status.arrival.map(|ticks| (start + i64::from(ticks)) * TICK_MICROS.cast_signed());
            if arrival.is_none() && sent.was_told_lost {
                continue;
            }
            match arrival {
                Some(arrival) => {
                    self.ring.resolve(status.number);
                    newest_sent = Some(sent.micros);
                    self.handle_arrival(sent.micros, arrival, sent.bytes);
                }
                None => self.ring.mark_lost(status.number),
            }
            if sent.was_told_lost {
                self.loss.handle_late();
            } else {
                self.loss.handle_packet(sent.micros, sent.bytes, arrival.is_none());
                if let Some(id) = sent.probe {
                    self.probes.handle_packet(id, sent.micros, arrival, sent.bytes);
                }
            }
        }
        if let Some(sent) = newest_sent {
            let rtt = Duration::from_micros(u64::try_from(now_micros - sent).unwrap_or(0));
            self.rtt = (self.rtt * 7 + rtt.min(MAX_RTT)) / 8;
        }
        self.queue.end_batch();
        self.update(now);
    }

    fn handle_arrival(&mut self, sent: i64, arrival: i64, bytes: u32) {
        if let Some(delta) = self.groups.handle_packet(sent, arrival) {
            self.trend.handle_delta(delta);
        }
        self.throughput.handle_packet(arrival, bytes);
        self.queue.handle_packet(arrival, arrival - sent);
    }

    fn update(&mut self, now: MediaTime) {
        let has_queue = self.queue.standing_micros() >= QUEUE_MICROS;
        let is_congested = self.loss.poll_congested(has_queue, now);
        if self.loss.poll_cleared() {
            self.probes.hurry(now);
        }
        // What the path loses anyway was carried as far as its capacity is concerned.
        let usage = self.usage();
        let arriving = match usage {
            // What passed just now may be much more than before, right after a switch upwards.
            Usage::Over => self.throughput.carried_bps(),
            Usage::Normal | Usage::Under => self.throughput.bps(),
        };
        let carried = arriving.map(|bps| bps / (1.0 - self.loss.inherent().min(0.9)));
        if is_congested {
            self.rate.decrease_to(LOSS_BACKOFF * arriving.unwrap_or(self.rate.bps()), now);
        } else if self.loss.is_in_doubt() && usage == Usage::Normal {
            self.rate.hold(now);
        } else {
            self.rate.handle_usage(usage, carried, self.rtt, now);
        }
        match self.probes.poll_finding(self.loss.inherent(), self.rtt, now) {
            Some(Finding::Carries(bps)) if usage != Usage::Over => {
                self.rate.raise_to(bps, now);
                self.throughput.expect_change();
            }
            Some(Finding::Checked(checked)) => self.loss.handle_check(checked, now),
            Some(Finding::Carries(_)) | None => {}
        }
    }

    fn poll_probe(&mut self, now: MediaTime) -> Option<Probe> {
        let situation = Situation {
            target_bps: self.rate.bps(),
            max_bps: self.max_bps,
            sent_bps: self.loss.sent_bps(),
            inherent_loss: self.loss.inherent(),
            wants_check: self.loss.wants_check(),
            is_full: self.usage() == Usage::Over || self.queue.standing_micros() >= FULL_MICROS,
            decreased: self.rate.decreased(),
        };
        self.probes.poll_probe(&situation, now)
    }

    const fn usage(&self) -> Usage {
        match self.trend.usage() {
            Usage::Over if self.queue.standing_micros() < REAL_MICROS => Usage::Normal,
            usage @ (Usage::Normal | Usage::Over | Usage::Under) => usage,
        }
    }

    /// The reference time has 24 bits and wraps every twelve days.
    fn unwrap_reference(&mut self, reference: u32) -> i64 {
        let unwrapped = self.reference.map_or(i64::from(reference), |(low, unwrapped)| {
            let step = reference.wrapping_sub(low) << 8;
            unwrapped + i64::from(step.cast_signed() >> 8)
        });
        self.reference = Some((reference, unwrapped));
        unwrapped
    }
}

fn micros(now: MediaTime) -> i64 {
    (now.nanos() / 1_000).cast_signed()
}
