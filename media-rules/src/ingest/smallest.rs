//! The smallest of what was seen lately.

/// The smallest value of the last one to two windows of time.
#[derive(Debug)]
pub(super) struct Smallest {
    window: i64,
    window_start: i64,
    this_window: i64,
    last_window: i64,
}

impl Smallest {
    /// Begins with a first `value`; `window` and `now` are in nanoseconds.
    pub(super) const fn new(window: i64, value: i64, now: i64) -> Self {
        Self { window, window_start: now, this_window: value, last_window: value }
    }

    pub(super) fn observe(&mut self, value: i64, now: i64) {
        if now - self.window_start >= self.window {
            // After a long silence what was seen before says nothing any more.
            let is_stale = now - self.window_start >= 5 * self.window;
            self.last_window = if is_stale { value } else { self.this_window };
            self.this_window = value;
            self.window_start = now;
        }
        self.this_window = self.this_window.min(value);
    }

    pub(super) fn value(&self) -> i64 {
        self.this_window.min(self.last_window)
    }
}
