//! The two clocks of a worker, read once per turn.
//!
//! Media lives on [`MediaTime`], the protocol crates on [`Instant`]. Both are CLOCK_MONOTONIC.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use media_rules::MediaTime;
use rustix::time::{ClockId, clock_gettime};

/// Seconds from the NTP epoch (1900) to the Unix epoch (1970).
const NTP_OFFSET_S: u64 = 2_208_988_800;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) media: MediaTime,
    pub(crate) instant: Instant,
}

impl Now {
    /// Reads the clocks.
    pub(crate) fn read() -> Self {
        Self { media: media_now(), instant: Instant::now() }
    }
}

/// Reads the media clock.
pub(crate) fn media_now() -> MediaTime {
    let time = clock_gettime(ClockId::Monotonic);
    // The monotonic clock counts up from boot, so neither part is negative.
    MediaTime::from_nanos(time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs())
}

/// The wall clock that all our sender reports speak of.
///
/// It is set once and then runs with the media clock, so it never steps and all streams of all
/// workers share it: a receiver can keep lips in sync across whatever we splice together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NtpClock {
    /// NTP Q32.32 at media time zero.
    base: u64,
}

impl NtpClock {
    /// Takes the wall clock's word for what time it is now.
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = wall.as_nanos() + u128::from(NTP_OFFSET_S) * 1_000_000_000;
        Self { base: to_q32(wall).wrapping_sub(to_q32(u128::from(media_now().nanos()))) }
    }

    /// Returns a moment as NTP Q32.32.
    pub(crate) fn at(self, time: MediaTime) -> u64 {
        self.base.wrapping_add(to_q32(u128::from(time.nanos())))
    }
}

/// Converts a difference of NTP Q32.32 times to nanoseconds.
pub(crate) fn ntp_nanos(ntp: u64) -> u64 {
    let nanos = (u128::from(ntp) * 1_000_000_000) >> 32;
    u64::try_from(nanos).expect("2^32 seconds in nanoseconds fit 64 bits")
}

/// Wraps in 2036, as NTP does.
fn to_q32(nanos: u128) -> u64 {
    let q32 = (nanos << 32) / 1_000_000_000;
    (q32 & u128::from(u64::MAX)) as u64
}
