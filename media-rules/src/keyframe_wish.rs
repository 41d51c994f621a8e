//! What one received stream of pictures does to get its next keyframe.
//!
//! Requests get lost like everything else, and nobody notices: the sender is at peace, and viewers wait
//! for a packet that nobody has any more. So a stream whose pictures broke wants a keyframe until one
//! comes, and what is asked is said several times where packets get lost. How often a source may be
//! asked at all is for the [`KeyframeGate`](crate::KeyframeGate) to say.

use std::time::Duration;

use crate::MediaTime;

/// A stream that sends no keyframe within this of its last break rests, or never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// A request is said so often that at most this share of them is lost ...
const RESIDUE: f64 = 0.1;
/// ... but not more often than this,
const MAX_SENDS: i32 = 4;
/// so far apart that a burst of loss takes not all of them. Senders make one keyframe of requests that
/// come closer together than some hundred milliseconds.
const SPACING: Duration = Duration::from_millis(20);

/// One stream's wish for a keyframe.
#[derive(Debug, Default)]
pub struct KeyframeWish {
    /// When the pictures broke last, if no keyframe came since.
    broken: Option<MediaTime>,
    repeats: i32,
    due: MediaTime,
}

impl KeyframeWish {
    /// A packet will never come, so pictures are broken until the next keyframe.
    pub const fn handle_broken(&mut self, now: MediaTime) {
        self.broken = Some(now);
    }

    /// A keyframe begins to arrive.
    pub fn handle_keyframe(&mut self) {
        *self = Self::default();
    }

    /// The source was asked, over a path that loses this share of packets.
    pub fn handle_asked(&mut self, loss: f64, now: MediaTime) {
        let sends = (1..MAX_SENDS).find(|sends| loss.powi(*sends) <= RESIDUE).unwrap_or(MAX_SENDS);
        self.repeats = sends - 1;
        self.due = now + SPACING;
    }

    /// Whether the source is to be asked as soon as that is allowed.
    pub fn is_broken(&self, now: MediaTime) -> bool {
        self.broken.is_some_and(|broken| now.since(broken) < PATIENCE)
    }

    /// Returns when something is to be said again, or when the pictures broke.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        let repeat = (self.repeats > 0).then_some(self.due);
        repeat.into_iter().chain(self.broken).min()
    }

    /// Returns whether to say again now what was asked.
    #[must_use]
    pub fn poll_repeat(&mut self, now: MediaTime) -> bool {
        let is_due = self.repeats > 0 && now >= self.due;
        if is_due {
            self.repeats -= 1;
            self.due = now + SPACING;
        }
        is_due
    }
}
