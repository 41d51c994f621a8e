//! How long frames are held so that the late ones among them are still in time.
//!
//! The margin grows at once when too many frames come late, and shrinks slowly: what a network did
//! seconds ago it will do again.

use std::time::Duration;

use crate::MediaTime;

/// What is held before anything is known.
const START: Duration = Duration::from_millis(30);
const SHORTEST: Duration = Duration::from_millis(20);
/// Beyond this it is better to miss a frame than to keep everybody waiting.
const LONGEST: Duration = Duration::from_millis(150);
const BIN: Duration = Duration::from_millis(5);
/// What is later than the longest margin is late with any, so it is not counted.
const BINS: usize = 30;
/// What is looked at is of the last one to two of these.
const WINDOW: Duration = Duration::from_secs(5);
/// Fewer frames say nothing.
const FEW: u32 = 25;
/// The margin shrinks by one part in this many of the passing time.
const SHRINK: u32 = 500;

/// The margin of one track.
#[derive(Debug)]
pub(super) struct JitterMargin {
    late_percent: u32,
    margin: Duration,
    this_window: [u32; BINS],
    last_window: [u32; BINS],
    window_start: Option<MediaTime>,
    last: MediaTime,
}

impl JitterMargin {
    /// Lets at most `late_percent` of the frames come late.
    pub(super) fn new(late_percent: u32) -> Self {
        Self {
            late_percent,
            margin: START,
            this_window: [0; BINS],
            last_window: [0; BINS],
            window_start: None,
            last: MediaTime::default(),
        }
    }

    /// A frame is here, so much later than the fastest would be.
    pub(super) fn handle_frame(&mut self, lateness: Duration, now: MediaTime) {
        let start = *self.window_start.get_or_insert(now);
        if now.since(start) >= WINDOW {
            self.last_window = std::mem::replace(&mut self.this_window, [0; BINS]);
            self.window_start = Some(now);
        }
        let bin = lateness.as_nanos() / BIN.as_nanos();
        if let Some(count) = usize::try_from(bin).ok().and_then(|bin| self.this_window.get_mut(bin))
        {
            *count += 1;
        }
        // A pause is no reason to forget.
        let passed = now.since(self.last).min(BIN * 20);
        self.last = now;

        if let Some(wanted) = self.wanted() {
            let is_known = self.last_window.iter().any(|count| *count > 0);
            let floor =
                if is_known { self.margin.saturating_sub(passed / SHRINK) } else { self.margin };
            self.margin = wanted.max(floor).clamp(SHORTEST, LONGEST);
        }
    }

    pub(super) const fn margin(&self) -> Duration {
        self.margin
    }

    /// Returns what would have been enough for all but a few.
    fn wanted(&self) -> Option<Duration> {
        let counts = self.this_window.iter().zip(&self.last_window).map(|(a, b)| a + b);
        let total: u32 = counts.clone().sum();
        if total < FEW {
            return None;
        }
        let mut late = 0;
        let bins = counts.enumerate().rev().take_while(|(_, count)| {
            late += count;
            late * 100 <= total * self.late_percent
        });
        let free = u32::try_from(bins.count()).unwrap_or(0);
        Some(BIN * (BINS as u32 - free))
    }
}
