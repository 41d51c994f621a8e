//! What a publisher is told of its path: feedback about every packet where it understands that, the
//! most that it should send (REMB) where it does not.
//!
//! Random loss is not held against it: what gets repaired counts as received, unless a queue shows.
//! See docs/decisions/0012-bwe.md.

use std::time::Duration;

use media_rules::bwe::{QueueGauge, ReceiveEstimator};
use media_rules::packet::RtpHeader;
use media_rules::twcc::Recorder;
use media_rules::{MediaKind, MediaTime, TimestampUnwrapper};

/// The least that a publisher is told to send, in bits per second.
const MIN_BPS: u32 = 150_000;
/// Packets that all wait longer than this stand in a queue.
const QUEUE_MICROS: i64 = 40_000;
/// How often a publisher's own estimate is looked at, where it makes none itself.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// What is assumed until it was measured; it only paces repeats.
const ASSUMED_RTT: Duration = Duration::from_millis(50);
const MAX_RTT: Duration = Duration::from_secs(2);

/// One publisher's way to us.
pub(super) struct Uplink {
    /// Made with the first number, where they were agreed on.
    recorder: Option<Box<Recorder>>,
    has_transport_cc: bool,
    /// Made with the first picture of a publisher without transport-wide numbers.
    estimator: Option<Box<ReceiveEstimator>>,
    max_bps: u32,
    found_bps: u32,
    told_bps: u32,
    looked: MediaTime,
    gauge: QueueGauge,
    /// The clock that delays are measured against: sound's, or the picture's without sound.
    clock: Option<(MediaKind, TimestampUnwrapper)>,
    picture_clock: TimestampUnwrapper,
    rtt: Option<Duration>,
}

impl Uplink {
    pub(super) fn new(has_transport_cc: bool, max_bps: u32) -> Self {
        Self {
            recorder: None,
            has_transport_cc,
            estimator: None,
            max_bps,
            found_bps: max_bps,
            told_bps: max_bps,
            looked: MediaTime::default(),
            gauge: QueueGauge::default(),
            clock: None,
            picture_clock: TimestampUnwrapper::new(),
            rtt: None,
        }
    }

    /// Returns the round trip, once it was measured.
    pub(super) const fn measured_rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// A packet came, of whatever stream; `number` is its transport-wide one.
    pub(super) fn handle_number(&mut self, number: &[u8], now: MediaTime) {
        if let (true, [high, low]) = (self.has_transport_cc, number) {
            let recorder = self.recorder.get_or_insert_default();
            recorder.handle_packet(u16::from_be_bytes([*high, *low]), now);
        }
    }

    /// A packet of media came for the first time, not as a retransmission.
    pub(super) fn handle_media(
        &mut self,
        kind: MediaKind,
        header: &RtpHeader,
        len: usize,
        now: MediaTime,
    ) {
        let rate = i64::from(kind.clock_rate_hz());
        let arrival = (now.nanos() / 1_000).cast_signed();
        // Sound leaves when it was recorded; pictures wait for their encoder and their pacer.
        let is_better = |held: MediaKind| held == MediaKind::Video && kind == MediaKind::Audio;
        if self.clock.as_ref().is_none_or(|(held, _)| is_better(*held)) {
            self.clock = Some((kind, TimestampUnwrapper::new()));
            self.gauge = QueueGauge::default();
        }
        if let Some((held, clock)) = &mut self.clock
            && *held == kind
        {
            let sent = clock.unwrap(header.timestamp).saturating_mul(1_000_000) / rate;
            self.gauge.handle_packet(arrival, arrival.saturating_sub(sent));
        }
        if kind == MediaKind::Video && !self.has_transport_cc {
            let max_bps = self.max_bps;
            let estimator = self.estimator.get_or_insert_with(|| {
                Box::new(ReceiveEstimator::new(MIN_BPS.min(max_bps), max_bps))
            });
            let sent = self.picture_clock.unwrap(header.timestamp).saturating_mul(1_000_000) / rate;
            estimator.handle_packet(sent, len, now);
        }
    }

    /// A stream began under a new SSRC, and with it a new clock.
    pub(super) fn handle_begin(&mut self) {
        self.clock = None;
        self.found_bps = self.max_bps;
        self.picture_clock = TimestampUnwrapper::new();
        self.estimator = None;
    }

    /// A lost packet came after all.
    pub(super) fn handle_repaired(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.handle_repaired();
        }
    }

    /// So many lost packets never came.
    pub(super) fn handle_given_up(&mut self, packets: u64) {
        if let Some(recorder) = &mut self.recorder {
            recorder.handle_given_up(packets);
        }
    }

    /// The publisher answered a reference time of ours after `rtt`.
    pub(super) fn handle_rtt(&mut self, rtt: Duration) {
        let rtt = rtt.min(MAX_RTT);
        self.rtt = Some(self.rtt.map_or(rtt, |held| (held * 3 + rtt) / 4));
        metrics::histogram!("sfu_publisher_rtt_seconds").record(rtt.as_secs_f64());
    }

    /// Returns the round trip, or what is assumed of it.
    pub(super) fn rtt(&self) -> Duration {
        self.rtt.unwrap_or(ASSUMED_RTT)
    }

    /// Returns when transport-wide feedback is due.
    pub(super) fn poll_timeout(&self) -> Option<MediaTime> {
        self.recorder.as_ref()?.poll_timeout()
    }

    /// Writes transport-wide feedback that is due; `begin` is written in front of it. Media is missing
    /// since `oldest_missing` that may still come.
    pub(super) fn poll_feedback(
        &mut self,
        now: MediaTime,
        oldest_missing: Option<MediaTime>,
        (sender, media): (u32, u32),
        out: &mut Vec<u8>,
        begin: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if recorder.poll_timeout().is_some_and(|due| due <= now) {
            self.gauge.end_batch();
            recorder.set_oldest_missing(oldest_missing);
            recorder.set_lenient(self.gauge.standing_micros() < QUEUE_MICROS);
            begin(out);
            recorder.poll_feedback(now, sender, media, out);
        }
    }

    /// Looks at the estimate if it is time to. Returns whether the publisher must hear of it at once.
    pub(super) fn poll_urgent(&mut self, now: MediaTime) -> bool {
        let Some(estimator) = &mut self.estimator else {
            return false;
        };
        if now.since(self.looked) < LOOK_INTERVAL {
            return false;
        }
        self.looked = now;
        let found = estimator.poll_bps(self.rtt, now);
        self.found_bps = u32::try_from(found).unwrap_or(u32::MAX).min(self.max_bps);
        self.found_bps < self.told_bps - self.told_bps / 10
    }

    /// Returns the most that the publisher should send, to be told to it now.
    pub(super) const fn told_bps(&mut self) -> u32 {
        self.told_bps = self.found_bps;
        self.told_bps
    }
}
