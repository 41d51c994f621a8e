//! Whether loss is the path's nature or our doing. This is where we differ from Google Congestion
//! Control, which takes more than a tenth of loss for congestion whatever its cause.
//!
//! Loss that a queue comes with is congestion. Loss without a queue is either random, and then the
//! same at any rate, or a full short buffer, and then all the more the more is sent. So a short
//! stretch of higher rate (a check) is put to the test of which of the two explains it better
//! (Wald's sequential test); only then is the loss believed to be the path's own.
//!
//! ```text
//! Explained ──more loss, no queue──▶ Doubted ──check: same loss──────▶ Explained (inherent)
//!     ▲  ╲──more loss and a queue──▶ Congested ◀──check: more loss──── Doubted
//!     ╰──────────rate lowered────────────╯
//! ```

use std::time::Duration;

use crate::MediaTime;

const MIN_PACKETS: u32 = 20;
const MIN_SPAN_MICROS: i64 = 250_000;
/// How much more loss than the path's own, beside chance, needs an explanation.
const MARGIN: f32 = 0.05;
/// How fast the path's own loss follows what is seen.
const LEARNING: f32 = 0.25;
/// Doubt is given up after this if nothing can be sent to check; up to `MAX_UNPROVEN` of loss is
/// then believed random, because the product is made for paths that lose at random; up to `MAX_LIKELY`
/// if no check spoke against it.
const PATIENCE: Duration = Duration::from_secs(3);
const MAX_UNPROVEN: f32 = 0.6;
const MAX_LIKELY: f32 = 0.9;
/// Believed loss above `RECHECK_LOSS` is put to the test again after this.
const RECHECK: Duration = Duration::from_secs(10);
const RECHECK_LOSS: f32 = 0.1;
/// How many times likelier one explanation must be, as the logarithm: 20 times to trust a path, 3,000
/// times to blame it, because it is asked often and a blamed path loses its layer.
const TRUST: f32 = 3.0;
const BLAME: f32 = -8.0;
/// When loss of more than `HEAVY` falls below `CLEAR`, the path is another.
const HEAVY: f32 = 0.3;
const CLEAR: f32 = 0.1;
/// Checks that raised the rate by less say nothing.
const MIN_RAISE: f32 = 1.15;

/// What is known of a path's loss.
#[derive(Debug, Default)]
pub(super) struct LossJudge {
    window: Window,
    /// The share that gets lost whatever we do.
    inherent: f32,
    /// The share lost in the last window.
    recent: f32,
    /// What was sent in the last window, in bits per second.
    sent_bps: f32,
    doubt: Option<Doubt>,
    verified: MediaTime,
    is_congested: bool,
    /// The worst of the last few windows, each counting half of the one after it.
    worst: f32,
    has_cleared: bool,
}

#[derive(Debug, Default)]
struct Window {
    packets: u32,
    lost: u32,
    bytes: u32,
    first_sent: Option<i64>,
    last_sent: i64,
}

#[derive(Debug)]
struct Doubt {
    since: MediaTime,
    /// How many windows have shown the loss. The first of them may have begun before it.
    windows: u32,
    loss: f32,
    /// The logarithm of how much likelier random loss is than a full buffer.
    score: f32,
}

/// What became of a check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    pub(super) packets: u32,
    pub(super) lost: u32,
    /// The rate at which it was sent, media included.
    pub(super) bps: f32,
}

impl LossJudge {
    /// A packet sent at `sent` microseconds was told received or lost for the first time.
    pub(super) fn handle_packet(&mut self, sent: i64, bytes: u32, is_lost: bool) {
        let window = &mut self.window;
        window.first_sent.get_or_insert(sent);
        window.last_sent = window.last_sent.max(sent);
        window.packets += 1;
        window.bytes = window.bytes.saturating_add(bytes);
        window.lost += u32::from(is_lost);
    }

    /// A packet that had been told lost came after all.
    pub(super) fn handle_late(&mut self) {
        self.window.lost = self.window.lost.saturating_sub(1);
    }

    /// Looks at the window if it is complete. Returns `true` if the loss is congestion.
    pub(super) fn poll_congested(&mut self, has_queue: bool, now: MediaTime) -> bool {
        if let Some(first) = self.window.first_sent {
            let span = self.window.last_sent - first;
            if span >= MIN_SPAN_MICROS && self.window.packets >= MIN_PACKETS {
                let window = std::mem::take(&mut self.window);
                self.recent = window.lost as f32 / window.packets as f32;
                self.has_cleared |= self.worst >= HEAVY && self.recent <= CLEAR;
                let fading = if self.has_cleared { 0.0 } else { self.worst / 2.0 };
                self.worst = self.recent.max(fading);
                self.sent_bps = window.bytes as f32 * 8_000_000.0 / span as f32;
                self.judge(window.packets, has_queue, now);
            }
        }
        if self.is_congested {
            self.is_congested = false;
            self.inherent = 0.0;
            self.doubt = None;
            return true;
        }
        false
    }

    /// Returns whether heavy loss has ended since the last call, and with it all that was found out
    /// about the path.
    pub(super) const fn poll_cleared(&mut self) -> bool {
        std::mem::replace(&mut self.has_cleared, false)
    }

    /// Returns whether a check could settle a doubt.
    pub(super) fn wants_check(&self) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| doubt.windows > 1)
    }

    /// Returns whether loss is seen that nothing explains yet.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Takes what became of a check.
    pub(super) fn handle_check(&mut self, checked: Checked, now: MediaTime) {
        let Some(doubt) = &mut self.doubt else {
            return;
        };
        let raise = checked.bps / self.sent_bps.max(1.0);
        if raise < MIN_RAISE || checked.packets == 0 {
            return;
        }
        let random = doubt.loss.clamp(0.02, 0.95);
        let overflow = (1.0 - (1.0 - random) / raise).clamp(random, 0.98);
        let lost = checked.lost as f32;
        let received = checked.packets as f32 - lost;
        doubt.score +=
            lost * (random / overflow).ln() + received * ((1.0 - random) / (1.0 - overflow)).ln();
        if doubt.score >= TRUST {
            self.inherent = doubt.loss;
            self.doubt = None;
            self.verified = now;
        } else if doubt.score <= BLAME {
            self.is_congested = true;
        }
    }

    /// Returns the share of packets that the path loses at any rate.
    pub(super) const fn inherent(&self) -> f32 {
        self.inherent
    }

    /// Returns the share of packets lost lately.
    pub(super) const fn recent(&self) -> f32 {
        self.recent
    }

    /// Returns the rate at which packets were sent lately, as far as receivers told of them.
    pub(super) const fn sent_bps(&self) -> f32 {
        self.sent_bps
    }

    fn judge(&mut self, packets: u32, has_queue: bool, now: MediaTime) {
        let likely = self.inherent.max(0.02);
        let chance = 2.0 * (likely * (1.0 - likely) / packets as f32).sqrt();
        if self.recent <= self.inherent + MARGIN + chance {
            self.inherent += LEARNING * (self.recent - self.inherent);
            let is_recheck = self.inherent >= RECHECK_LOSS;
            match &mut self.doubt {
                // A doubt about loss that went away again.
                Some(doubt) if doubt.loss > self.inherent + MARGIN => self.doubt = None,
                Some(doubt) if !is_recheck || now.since(doubt.since) >= PATIENCE => {
                    self.doubt = None;
                    self.verified = now;
                }
                Some(_) => {}
                None if is_recheck && now.since(self.verified) >= RECHECK => {
                    let loss = self.inherent;
                    self.doubt = Some(Doubt { since: now, windows: 2, loss, score: 0.0 });
                }
                None => {}
            }
            return;
        }
        if has_queue {
            self.is_congested = true;
            return;
        }
        let recent = self.recent;
        let fresh = Doubt { since: now, windows: 0, loss: recent, score: 0.0 };
        let doubt = self.doubt.get_or_insert(fresh);
        doubt.windows += 1;
        let weight = if doubt.windows <= 2 { 1.0 } else { LEARNING };
        doubt.loss += weight * (recent - doubt.loss);
        if now.since(doubt.since) >= PATIENCE {
            if doubt.loss <= if doubt.score >= 0.0 { MAX_LIKELY } else { MAX_UNPROVEN } {
                self.inherent = doubt.loss;
                self.doubt = None;
                self.verified = now;
            } else {
                self.is_congested = true;
            }
        }
    }
}
