//! How long frames are held so that the late ones among them are still in time.
//!
//! The margin grows at once when too many frames come late. How fast it shrinks depends on how often that was:
//! what was late once in the last minute is soon forgotten, what was late more often will be again, so
//! the margin that it needed goes slowly. What surprises: of a track's first moments nothing is kept. A page
//! that starts is busy and its first pictures are large, which says nothing about the network after it.

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
/// What is late within this of a track's first frame is not counted.
const SETTLING: Duration = Duration::from_secs(2);
/// The margin is enough for the last one to two of these.
const WINDOW: Duration = Duration::from_secs(3);
/// A minute of them is remembered, to tell what comes again from what came once.
const WINDOWS: usize = 20;
/// Fewer frames say nothing.
const FEW: u32 = 25;
/// The margin shrinks by at least one part in this many of the passing time ..
const SHRINK: u32 = 500;
/// .. and what only one window needed, at a pace that would take it away within this.
const FORGET: Duration = Duration::from_secs(2);

/// The margin of one track.
#[derive(Debug)]
pub(super) struct JitterMargin {
    late_percent: u32,
    margin: Duration,
    /// When the first frame of the source came.
    begun: Option<MediaTime>,
    this_window: [u32; BINS],
    last_window: [u32; BINS],
    window_start: Option<MediaTime>,
    /// What would have been enough for each window, the newest first.
    needs: [Duration; WINDOWS],
    /// What more than one of them needed.
    habit: Duration,
    last: MediaTime,
}

impl JitterMargin {
    /// Lets at most `late_percent` of the frames come late.
    pub(super) fn new(late_percent: u32) -> Self {
        Self {
            late_percent,
            margin: START,
            begun: None,
            this_window: [0; BINS],
            last_window: [0; BINS],
            window_start: None,
            needs: [Duration::ZERO; WINDOWS],
            habit: Duration::ZERO,
            last: MediaTime::default(),
        }
    }

    /// The track starts, or starts again from another source. What was learnt is kept.
    pub(super) const fn restart(&mut self) {
        self.begun = None;
    }

    /// A frame is here, so much later than the fastest would be.
    pub(super) fn handle_frame(&mut self, lateness: Duration, now: MediaTime) {
        // A pause is no reason to forget.
        let passed = now.since(self.last).min(BIN * 20);
        self.last = now;
        if now.since(*self.begun.get_or_insert(now)) < SETTLING {
            return;
        }
        let start = *self.window_start.get_or_insert(now);
        if now.since(start) >= WINDOW {
            self.close_window();
            self.window_start = Some(now);
        }
        let bin = lateness.as_nanos() / BIN.as_nanos();
        if let Some(count) = usize::try_from(bin).ok().and_then(|bin| self.this_window.get_mut(bin))
        {
            *count += 1;
        }

        let counts = self.this_window.iter().zip(&self.last_window).map(|(a, b)| a + b);
        if let Some(wanted) = enough_for(counts, self.late_percent) {
            let is_known = self.last_window.iter().any(|count| *count > 0);
            let floor = if is_known { self.shrunk(wanted, passed) } else { self.margin };
            self.margin = wanted.max(floor).clamp(SHORTEST, LONGEST);
        }
    }

    pub(super) const fn margin(&self) -> Duration {
        self.margin
    }

    fn close_window(&mut self) {
        self.last_window = std::mem::replace(&mut self.this_window, [0; BINS]);
        let need = enough_for(self.last_window.iter().copied(), self.late_percent);
        self.needs.rotate_right(1);
        self.needs[0] = need.unwrap_or_default();
        let mut needs = self.needs;
        needs.sort_unstable();
        self.habit = needs[WINDOWS - 2];
    }

    /// Returns the margin after some time in which no more than `wanted` was needed.
    fn shrunk(&self, wanted: Duration, passed: Duration) -> Duration {
        let excess = self.margin.saturating_sub(wanted.max(self.habit).max(SHORTEST));
        let forgotten = excess.mul_f64(passed.as_secs_f64() / FORGET.as_secs_f64());
        self.margin.saturating_sub(forgotten.max(passed / SHRINK))
    }
}

/// Returns what would have been enough for all of these frames, counted by how late they were, but a few.
fn enough_for(
    counts: impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + Clone,
    late_percent: u32,
) -> Option<Duration> {
    let total: u32 = counts.clone().sum();
    if total < FEW {
        return None;
    }
    let mut late = 0;
    let free = counts.rev().take_while(|count| {
        late += count;
        late * 100 <= total * late_percent
    });
    let free = u32::try_from(free.count()).unwrap_or(0);
    Some(BIN * (BINS as u32 - free))
}
