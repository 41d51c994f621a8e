//! How well a host's stream arrives, told once a second, and at once when it turns bad or good.
//!
//! A host who is told "your network is bad" while it still is can move closer to the router; one who
//! is told late, or for every hiccup, stops looking. So loss is weighed over the last second four
//! times a second, and what was bad has to be good for a while before it is called so.

use std::collections::VecDeque;
use std::time::Duration;

use crate::MediaTime;

/// How often the caller takes a sample.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(250);
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// What loss, frame rate and bitrate are measured over.
const WINDOW: Duration = Duration::from_secs(1);
/// What loss is weighed over as well: longer, so that chance plays a smaller part.
const LONG_WINDOW: Duration = Duration::from_secs(2);
/// Fewer lost packets than this say nothing: a single voice has but fifty packets a second.
const MIN_LOST: u64 = 8;
/// How long everything has to be good again.
const CONVALESCENCE: Duration = Duration::from_secs(3);
/// A frame rate below this share of the usual one is bad.
const LOW_FRAME_RATE: f32 = 0.6;
/// How slowly the usual frame rate follows the present one down, by sample.
const FRAME_RATE_MEMORY: f32 = 0.98;

/// What has arrived since the beginning.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Packets that were sent, by their numbers.
    pub expected: u64,
    /// Packets that arrived by themselves, repeats not counted.
    pub received: u64,
    /// Pictures.
    pub frames: u64,
    /// Bytes of media.
    pub bytes: u64,
}

/// What cannot be counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// Round trip to the host, if it is known.
    pub rtt: Option<Duration>,
    /// Interarrival jitter (RFC 3550 section 6.4.1), the worst of all streams.
    pub jitter: Duration,
}

/// How well a host's stream arrives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Health {
    /// 100 is perfect, 0 is nothing at all.
    pub score: u8,
    /// What makes it bad; `None` if it is good.
    pub trouble: Option<Trouble>,
    /// Packets of a thousand that got lost on the way, before anything was repaired.
    pub loss_permille: u16,
    /// Round trip, if it is known.
    pub rtt: Option<Duration>,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// Pictures a second.
    pub fps: u16,
    /// Bits of media a second.
    pub bitrate_bps: u32,
}

/// What makes a stream bad, the worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Trouble {
    /// Nothing arrives.
    Silence,
    /// Too much gets lost.
    Loss,
    /// The round trip is too long to talk, or the network is filled up.
    Delay,
    /// Packets arrive too unevenly.
    Jitter,
    /// Far fewer pictures come than did before.
    FrameRate,
}

/// Where a kind of trouble begins and where it ends.
#[derive(Clone, Copy, Debug)]
struct Limits {
    begins: f32,
    ends: f32,
}

/// With one packet in a hundred lost, neither of these is reached by chance in an hour.
const LOSS: Limits = Limits { begins: 0.08, ends: 0.03 };
const LOSS_OVER_LONG: Limits = Limits { begins: 0.05, ends: 0.02 };
const RTT_S: Limits = Limits { begins: 0.5, ends: 0.35 };
const JITTER_S: Limits = Limits { begins: 0.06, ends: 0.04 };

impl Limits {
    /// What has begun lasts until the lower limit.
    fn is_passed(self, value: f32, has_begun: bool) -> bool {
        value >= if has_begun { self.ends } else { self.begins }
    }
}

/// What was measured over the last second.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Share and number of lost packets over the short window and the long one.
    losses: [(f32, u64); 2],
    conditions: Conditions,
    fps: f32,
    /// Whether the short window is full.
    is_whole: bool,
}

/// Watches one host's stream.
#[derive(Clone, Debug, Default)]
pub struct UplinkHealth {
    /// Of the long window, oldest first.
    samples: VecDeque<(MediaTime, Counts)>,
    usual_fps: f32,
    trouble: Option<Trouble>,
    /// Since when everything has been good again.
    good_since: Option<MediaTime>,
    reported: Option<MediaTime>,
    report: Option<Health>,
}

impl UplinkHealth {
    /// Takes a sample, every [`SAMPLE_EVERY`].
    pub fn handle_sample(&mut self, counts: Counts, conditions: Conditions, now: MediaTime) {
        while self.samples.front().is_some_and(|(at, _)| now.since(*at) > LONG_WINDOW) {
            self.samples.pop_front();
        }
        let (first, recent) = (self.samples.front().copied(), self.before(now));
        self.samples.push_back((now, counts));
        let (Some((_, first)), Some((since, before))) = (first, recent) else {
            // Nothing can be said of an instant.
            return;
        };
        let span = now.since(since);
        let rate = |now: u64, before: u64| {
            now.saturating_sub(before) as f32 / span.as_secs_f32().max(0.001)
        };
        let measured = Measured {
            losses: [loss(before, counts), loss(first, counts)],
            conditions,
            fps: rate(counts.frames, before.frames),
            is_whole: span + SAMPLE_EVERY >= WINDOW,
        };
        if measured.is_whole {
            self.usual_fps = (self.usual_fps * FRAME_RATE_MEMORY).max(measured.fps);
        }
        let found = if counts.received > before.received {
            self.find_trouble(&measured)
        } else {
            measured.is_whole.then_some(Trouble::Silence)
        };
        let has_turned = self.turn(found, now);
        let is_due = self.reported.is_none_or(|at| now.since(at) >= REPORT_EVERY);
        if has_turned || is_due {
            self.reported = Some(now);
            self.report = Some(Health {
                score: self.score(&measured),
                trouble: self.trouble,
                loss_permille: (measured.losses[0].0 * 1_000.0) as u16,
                rtt: conditions.rtt,
                jitter: conditions.jitter,
                fps: measured.fps.round() as u16,
                bitrate_bps: (rate(counts.bytes, before.bytes) * 8.0) as u32,
            });
        }
    }

    /// Returns what is to be told now, if anything.
    pub fn poll_report(&mut self) -> Option<Health> {
        self.report.take()
    }

    /// Returns the oldest sample of the short window.
    fn before(&self, now: MediaTime) -> Option<(MediaTime, Counts)> {
        self.samples.iter().find(|(at, _)| now.since(*at) <= WINDOW).copied()
    }

    /// Returns the worst trouble there is.
    fn find_trouble(&self, measured: &Measured) -> Option<Trouble> {
        let Measured { losses, conditions, fps, is_whole } = *measured;
        let has_begun = |trouble| self.trouble == Some(trouble);
        let is_lossy = [LOSS, LOSS_OVER_LONG].into_iter().zip(losses).any(|(limits, loss)| {
            let (share, lost) = loss;
            lost >= MIN_LOST && limits.is_passed(share, has_begun(Trouble::Loss))
        });
        let rtt = conditions.rtt.unwrap_or_default().as_secs_f32();
        let jitter = conditions.jitter.as_secs_f32();
        // A camera that is switched off sends no pictures at all, which is nobody's trouble.
        let is_slow = is_whole && fps > 0.0 && fps < self.usual_fps * LOW_FRAME_RATE;
        [
            (Trouble::Loss, is_lossy),
            (Trouble::Delay, RTT_S.is_passed(rtt, has_begun(Trouble::Delay))),
            (Trouble::Jitter, JITTER_S.is_passed(jitter, has_begun(Trouble::Jitter))),
            (Trouble::FrameRate, is_slow),
        ]
        .into_iter()
        .find_map(|(trouble, is_there)| is_there.then_some(trouble))
    }

    /// 100, less 5 for each percent lost (60 at most), 1 for each 10 ms of round trip above 150 and
    /// for each ms of jitter above 20 (20 each at most), and up to 40 for missing pictures.
    fn score(&self, measured: &Measured) -> u8 {
        if self.trouble == Some(Trouble::Silence) {
            return 0;
        }
        let Measured { losses: [(loss, _), _], conditions, fps, .. } = *measured;
        let rtt = conditions.rtt.unwrap_or_default().as_secs_f32();
        let lost = (loss * 500.0).min(60.0);
        let delay = ((rtt - 0.15) * 100.0).clamp(0.0, 20.0);
        let jitter = ((conditions.jitter.as_secs_f32() - 0.02) * 1_000.0).clamp(0.0, 20.0);
        let is_shown = fps > 0.0 && self.usual_fps > 0.0;
        let missing = if is_shown { (1.0 - fps / self.usual_fps).clamp(0.0, 1.0) } else { 0.0 };
        (100.0 - lost - delay - jitter - missing * 40.0).clamp(1.0, 100.0) as u8
    }

    /// Becomes bad at once and good after a while. Returns whether it turned.
    fn turn(&mut self, found: Option<Trouble>, now: MediaTime) -> bool {
        if found.is_some() {
            self.good_since = None;
            let has_turned = self.trouble.is_none();
            self.trouble = found;
            return has_turned;
        }
        if self.trouble.is_none() {
            return false;
        }
        let since = *self.good_since.get_or_insert(now);
        let is_over = now.since(since) >= CONVALESCENCE;
        if is_over {
            self.trouble = None;
        }
        is_over
    }
}

/// Returns the share of packets that got lost, and how many those are.
fn loss(before: Counts, now: Counts) -> (f32, u64) {
    let expected = now.expected.saturating_sub(before.expected);
    // More may arrive than was expected: what was late before.
    let lost = expected.saturating_sub(now.received.saturating_sub(before.received));
    (lost as f32 / expected.max(1) as f32, lost)
}
