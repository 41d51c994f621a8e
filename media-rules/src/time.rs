//! The clock that media is stamped with.

use std::time::Duration;

/// Nanoseconds on this machine's monotonic clock (`CLOCK_MONOTONIC`).
///
/// The server and its mixer processes share the machine, so they share this clock: a picture that
/// a restarted mixer stamps continues the timeline of the one before it with nothing to translate.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MediaTime(u64);

impl MediaTime {
    /// Wraps a count of nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Wraps a count of milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Returns the nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns whole milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Returns the time since `earlier`, or zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns this instant in units of an RTP clock, wrapped to 32 bits (RFC 3550 section 5.1).
    pub fn rtp_timestamp(self, clock_rate_hz: u32) -> u32 {
        let ticks = u128::from(self.0) * u128::from(clock_rate_hz) / 1_000_000_000;
        // RTP timestamps wrap by definition.
        (ticks & u128::from(u32::MAX)) as u32
    }
}

impl std::ops::Add<Duration> for MediaTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        let nanos = u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}
