//! How fast one viewer is sent to, and what its path is found to carry.
//!
//! Every packet is charged to a budget that fills at the pacing rate; sound and repairs do not wait
//! for it, pictures do. What surprises: there is no queue here either. A picture that has to wait
//! stays in the shared log, and a viewer who waits too long skips.

use std::time::Duration;

use media_rules::MediaTime;
use media_rules::bwe::{FeedbackKind, Probe, SendConfig, SendEstimator};
use media_rules::twcc::Feedback;

/// What a path is taken to carry until its receiver has told something.
const START_BPS: u32 = 1_500_000;
const MIN_BPS: u32 = 60_000;
const MAX_BPS: u32 = 20_000_000;
/// The budget holds what the pacing rate gives in this time, so that a frame goes in one piece where
/// the path is wide ...
const BURST_MICROS: u64 = 10_000;
/// ... and no less than this, so that a few packets always do.
const MIN_BURST: i64 = 4_000;
/// Bursts may go at the pacing rate for so long; then the estimate itself is the rate, or a picture
/// that is too large for the path would flood it for as long as it lasts.
const RESERVE_MICROS: u64 = 500_000;
const MIN_RESERVE: i64 = 30_000;
/// How much faster than the estimate the rest goes, in percent.
const CATCH_UP: u64 = 115;
/// Who had to wait within this wants more than the estimate.
const PRESSED: Duration = Duration::from_secs(2);
/// Sound and repairs may take the budget this far below zero.
const MAX_DEBT: i64 = 16_000;
/// How soon a viewer who waits, or is probed, is served again.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// A picture that was skipped because the path is too narrow is not asked for anew before this ...
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// ... nor, if that happens again and again, before this.
const MAX_PATIENCE: Duration = Duration::from_secs(8);
/// So many times what a path carried when a picture was skipped is reason enough to ask again.
const WIDER: u64 = 2;

/// One viewer's estimate and budget.
pub(super) struct Pace {
    estimator: SendEstimator,
    rates: Rates,
    /// When a probe is worth thinking of, as far as is known since something was heard last.
    probe_due: Option<MediaTime>,
    /// The next transport-wide number.
    number: u16,
    /// Bytes that may be sent now.
    budget: i64,
    /// Bytes that may be sent faster than the estimate.
    reserve: i64,
    refilled: MediaTime,
    probe: Option<Running>,
    /// When a picture had to wait last.
    pressed: Option<MediaTime>,
    /// What the next larger picture would take.
    larger_bps: u64,
    /// What would be sent if the path carried it; zero if that is what is sent.
    wish_bps: u64,
    /// What may be sent whatever is estimated, repairs included.
    allowed_bps: u64,
    /// Until when no keyframe is asked for, and how long that is next time.
    quiet_until: MediaTime,
    patience: Duration,
    /// What the path was taken to carry when a picture was skipped last.
    skipped_bps: u64,
}

/// What the estimate comes to, in bits per second. It changes when something is heard, ten times a
/// second, and is looked at whenever something is sent.
#[derive(Clone, Copy, Default)]
struct Rates {
    /// For as long as there is a reserve.
    burst: u64,
    steady: u64,
    /// Whether the path has shown where it ends.
    is_limited: bool,
}

/// A probe that is being sent.
struct Running {
    probe: Probe,
    since: MediaTime,
    bytes: u32,
    packets: u32,
}

impl Pace {
    /// Starts with nothing known.
    pub(super) fn new(has_transport_cc: bool) -> Self {
        let feedback =
            if has_transport_cc { FeedbackKind::Transport } else { FeedbackKind::Reports };
        let mut pace = Self {
            estimator: SendEstimator::new(SendConfig {
                feedback,
                start_bps: START_BPS,
                min_bps: MIN_BPS,
                max_bps: MAX_BPS,
            }),
            rates: Rates::default(),
            probe_due: None,
            number: 1,
            budget: MIN_BURST,
            reserve: MIN_RESERVE,
            refilled: MediaTime::default(),
            probe: None,
            pressed: None,
            larger_bps: 0,
            wish_bps: 0,
            allowed_bps: 0,
            quiet_until: MediaTime::default(),
            patience: FIRST_PATIENCE,
            skipped_bps: u64::MAX,
        };
        pace.heed(MediaTime::default());
        pace
    }

    /// Works out anew what the estimate comes to: after whatever was heard, and now and then, because
    /// what the receiver wants at most (REMB) is forgotten in time.
    pub(super) fn heed(&mut self, now: MediaTime) {
        let burst = self.estimator.pacing_bps(now);
        let is_limited = self.estimator.has_limit();
        let steady = match is_limited {
            true => self.estimator.target_bps(now).saturating_mul(CATCH_UP) / 100,
            false => burst,
        };
        self.rates = Rates { burst, steady, is_limited };
        self.probe_due = self.estimator.poll_timeout();
    }

    /// Fills the budget for the time that has passed.
    pub(super) fn refill(&mut self, now: MediaTime) {
        let passed = now.since(self.refilled).as_micros().min(1_000_000);
        let passed = u64::try_from(passed).expect("at most a second");
        self.refilled = now;
        let bytes = |bps: u64, micros: u64| (bps.saturating_mul(micros) / 8_000_000).cast_signed();
        let Rates { burst, steady, .. } = self.rates;
        let most = bytes(steady, RESERVE_MICROS).max(MIN_RESERVE);
        self.reserve = self.reserve.saturating_add(bytes(steady, passed)).min(most);
        let bps = if self.reserve > 0 { burst } else { steady };
        let probe = self.probe.as_ref().map_or(0, |running| running.probe.bps);
        // What is allowed is an average; frames come in bursts.
        let bps = bps.max(probe).max(self.allowed_bps * 3 / 2);
        let full = bytes(bps, BURST_MICROS).max(MIN_BURST);
        self.budget = self.budget.saturating_add(bytes(bps, passed)).min(full);
    }

    /// Reads a little of each piece of it, so that memory brings it.
    pub(super) const fn touch(&self) -> u64 {
        let Rates { steady, .. } = self.rates;
        let due = self.probe_due.is_some() as u64;
        due.wrapping_add(steady)
            .wrapping_add(self.budget.cast_unsigned())
            .wrapping_add(self.refilled.nanos())
            .wrapping_add(self.allowed_bps)
            .wrapping_add(self.skipped_bps)
    }

    /// Reads where the next packets will be noted.
    pub(super) fn touch_path(&self) -> u64 {
        self.estimator.touch(self.number)
    }

    /// Reads a little of each piece that feedback changes.
    pub(super) fn touch_estimate(&self) -> u64 {
        self.estimator.touch_all(self.number)
    }

    /// Whether a picture's packet may go now.
    pub(super) const fn has_budget(&self) -> bool {
        self.budget > 0
    }

    /// Returns the number that the next packet carries.
    pub(super) const fn number(&self) -> [u8; 2] {
        self.number.to_be_bytes()
    }

    /// A packet of `len` bytes went out; `is_numbered` if it carried [`number`](Self::number).
    pub(super) fn handle_sent(&mut self, len: usize, is_numbered: bool, now: MediaTime) {
        self.charge(len);
        let id = self.probe.as_ref().map(|running| running.probe.id);
        self.estimator.handle_sent(self.number, len, now, id);
        if !is_numbered {
            return;
        }
        self.number = self.number.wrapping_add(1);
        if let Some(running) = &mut self.probe {
            running.bytes = running.bytes.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
            running.packets += 1;
            let Running { probe, bytes, packets, .. } = running;
            if *bytes >= probe.bytes && *packets >= probe.packets {
                self.probe = None;
            }
        }
    }

    /// Counts bytes that do not wait and carry no number of their own.
    pub(super) fn charge(&mut self, len: usize) {
        let len = i64::try_from(len).unwrap_or(MAX_DEBT);
        self.budget = (self.budget - len).max(-MAX_DEBT);
        self.reserve = (self.reserve - len).max(-MAX_DEBT);
    }

    /// Notes whether pictures have to wait, which makes a wider path worth looking for. On one that has
    /// not shown where it ends only the largest wait, for a moment, and nothing is known to be gained.
    pub(super) fn note_demand(&mut self, is_waiting: bool, now: MediaTime) {
        let was_pressed = self.pressed.is_some();
        if is_waiting && self.rates.is_limited {
            self.pressed = Some(now);
        }
        self.pressed = self.pressed.filter(|at| now.since(*at) < PRESSED);
        if was_pressed || self.pressed.is_some() {
            self.tell_demand(now);
        }
    }

    /// Notes what the next larger picture would take, 0 if there is none; worth looking for, too.
    pub(super) fn want(&mut self, larger_bps: u64, now: MediaTime) {
        if std::mem::replace(&mut self.larger_bps, larger_bps) != larger_bps {
            self.tell_demand(now);
        }
    }

    /// Notes what repairs would take, which makes a wider path worth looking for, too, and what
    /// may be sent of it: pictures must not wait for their own copies.
    pub(super) fn handle_repairs(&mut self, wish_bps: u64, allowed_bps: u64, now: MediaTime) {
        self.allowed_bps = allowed_bps;
        if std::mem::replace(&mut self.wish_bps, wish_bps) != wish_bps {
            self.tell_demand(now);
        }
    }

    /// Returns what the path carries and how long packets stand in its queue, once the receiver has
    /// told anything.
    pub(super) fn path(&self, now: MediaTime) -> Option<(u64, Duration)> {
        self.estimator.is_known().then(|| (self.target_bps(now), self.estimator.queue()))
    }

    fn tell_demand(&mut self, now: MediaTime) {
        let pressed = self.pressed.map_or(0, |_| 2 * self.target_bps(now));
        self.estimator.set_wanted_bps(pressed.max(self.larger_bps).max(self.wish_bps));
        self.probe_due = self.estimator.poll_timeout();
    }

    /// Starts the probe that is due, if any.
    pub(super) fn poll_probe(&mut self, now: MediaTime) {
        if self.probe.is_some() || self.probe_due.is_none_or(|due| now < due) {
            return;
        }
        // What was not worth a probe now is not before something is heard or wanted.
        self.probe_due = None;
        if let Some(probe) = self.estimator.poll_probe(now) {
            metrics::counter!("sfu_bwe_probes_total").increment(1);
            // The first piece goes at once.
            self.probe = Some(Running { probe, since: now, bytes: 0, packets: 0 });
        }
    }

    /// Whether a probe is being sent.
    pub(super) const fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Returns how many bytes of padding the running probe lacks by now; `None` without one.
    pub(super) fn padding(&self, now: MediaTime) -> Option<usize> {
        let running = self.probe.as_ref()?;
        let passed = u64::try_from((now.since(running.since) + TICK).as_micros()).ok()?;
        let due = running.probe.bps.saturating_mul(passed) / 8_000_000;
        usize::try_from(due.saturating_sub(u64::from(running.bytes))).ok()
    }

    /// Gives a probe up that cannot be sent.
    pub(super) fn drop_probe(&mut self) {
        self.probe = None;
    }

    /// The viewer told which packets arrived.
    pub(super) fn handle_feedback(&mut self, feedback: &Feedback<'_>, now: MediaTime) {
        self.estimator.handle_feedback(feedback, now);
        self.heed(now);
    }

    /// The viewer named the most that it wants.
    pub(super) fn handle_remb(&mut self, bps: u64, now: MediaTime) {
        self.estimator.handle_remb(bps, now);
        self.heed(now);
    }

    /// The viewer reported on a stream of pictures.
    pub(super) fn handle_report(&mut self, loss: f32, rtt: Option<Duration>, now: MediaTime) {
        if let Some(rtt) = rtt {
            self.estimator.handle_rtt(rtt);
        }
        self.estimator.handle_loss(loss, now);
        self.heed(now);
    }

    /// Returns how much the path is known to carry; `None` while nobody has told.
    pub(super) fn known_bps(&self, now: MediaTime) -> Option<u64> {
        self.estimator.is_known().then(|| self.target_bps(now))
    }

    /// Returns how much may be sent, repairs included, in bits per second.
    pub(super) fn target_bps(&self, now: MediaTime) -> u64 {
        self.estimator.target_bps(now)
    }

    /// Returns the round trip, once known.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.estimator.rtt()
    }

    /// The picture waited too long and was skipped.
    pub(super) fn handle_skip(&mut self, now: MediaTime) {
        if now.since(self.quiet_until) > 2 * MAX_PATIENCE {
            self.patience = FIRST_PATIENCE;
        }
        self.quiet_until = now + self.patience;
        self.skipped_bps = self.target_bps(now);
        self.patience = (self.patience * 2).min(MAX_PATIENCE);
    }

    /// Another picture is to be shown. That the one before was too much says nothing of it.
    pub(super) fn handle_other_picture(&mut self, now: MediaTime) {
        self.quiet_until = self.quiet_until.min(now);
    }

    /// Whether this viewer may ask for a keyframe, which costs everybody who watches. One whose path
    /// was found too narrow for what it is sent waits for the next one instead, or until the path is
    /// found wider.
    pub(super) fn may_ask(&self, now: MediaTime) -> bool {
        now >= self.quiet_until || self.target_bps(now) / WIDER >= self.skipped_bps
    }

    /// Tells the metrics what is known.
    pub(super) fn record(&self, now: MediaTime) {
        if !self.estimator.is_known() {
            return;
        }
        metrics::histogram!("sfu_bwe_target_bps").record(self.target_bps(now) as f64);
        if let Some(rtt) = self.rtt() {
            metrics::histogram!("sfu_bwe_rtt_seconds").record(rtt.as_secs_f64());
        }
        if let Some(loss) = self.estimator.loss() {
            metrics::histogram!("sfu_bwe_loss_ratio").record(f64::from(loss));
        }
    }
}

#[cfg(test)]
mod tests {
    use media_rules::twcc::{FeedbackHead, write};

    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn a_keyframe_leaves_at_once_on_a_path_that_has_not_shown_where_it_ends() {
        let mut pace = Pace::new(true);
        let mut sent = 0;
        // Sixteen kilobytes a picture are twice the estimate that it starts with.
        for frame in 0..100 {
            let now = at(1_000 + 40 * frame);
            pace.refill(now);
            let size = if frame % 50 == 0 { 39_600 } else { 16_800 };
            for _ in 0..size / 1_200 {
                assert!(pace.has_budget(), "{frame}");
                pace.handle_sent(1_200, true, now);
                sent += 1_200;
            }
        }
        assert!(sent > 4 * 2 * 1_500_000 / 8, "{sent}");
    }

    #[test]
    fn a_picture_that_waits_for_a_moment_on_an_open_path_is_no_reason_to_look_for_a_wider_one() {
        let wants = |is_limited: bool| {
            let mut pace = Pace::new(true);
            if is_limited {
                pace.handle_remb(1_500_000, at(900));
            }
            pace.handle_feedback(&told(&feedback()), at(1_000));
            pace.note_demand(true, at(1_000));
            pace.poll_probe(at(1_000));
            pace.is_probing()
        };
        assert_eq!((wants(false), wants(true)), (false, true));
    }

    /// Tells of one packet.
    fn feedback() -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, FeedbackHead { sender: 9, media: 7, number: 0 }, 1, &[Some(1_000)]);
        out
    }

    fn told(message: &[u8]) -> Feedback<'_> {
        Feedback::parse(message).expect("well formed")
    }

    #[test]
    fn a_burst_is_spread_at_the_pacing_rate_and_sound_is_only_charged() {
        let mut pace = Pace::new(true);
        pace.handle_remb(1_500_000, at(1_000));
        pace.refill(at(1_000));
        let mut sent = 0;
        for now in 1_000..1_100 {
            pace.refill(at(now));
            while pace.has_budget() {
                pace.handle_sent(1_200, true, at(now));
                sent += 1_200;
            }
        }
        // 2.5 times 1.5 Mbit/s for 100 ms, and the first burst.
        assert!((46_000..54_000).contains(&sent), "{sent}");
        for _ in 0..1_000 {
            pace.handle_sent(200, true, at(1_100));
        }
        // A flood of sound is not held against the picture for ever.
        let wait = (1_100..2_000).find(|now| {
            pace.refill(at(*now));
            pace.has_budget()
        });
        assert!(wait.is_some_and(|now| now < 1_260), "{wait:?}");
    }

    #[test]
    fn who_skips_again_and_again_asks_ever_more_seldom() {
        let mut pace = Pace::new(true);
        let (mut now, mut asked) = (10_000, Vec::new());
        for _ in 0..6 {
            pace.handle_skip(at(now));
            now = (now..).find(|now| pace.may_ask(at(*now))).expect("it may ask some day");
            asked.push(now);
        }
        let gaps: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps, [2_000, 4_000, 8_000, 8_000, 8_000]);
    }

    #[test]
    fn who_was_skipped_on_a_narrow_path_asks_at_once_when_it_is_found_wider() {
        let mut pace = Pace::new(true);
        pace.handle_remb(100_000, at(1_000));
        pace.handle_skip(at(1_000));
        pace.handle_remb(190_000, at(1_100));
        assert!(!pace.may_ask(at(1_100)));
        pace.handle_remb(200_000, at(1_200));
        assert!(pace.may_ask(at(1_200)));
    }
}
