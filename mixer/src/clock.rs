//! Reads the clock that media is stamped with. It is the system's monotonic clock, so the server
//! and every mixer process read the same value.

use media_rules::MediaTime;

/// Returns the present on `CLOCK_MONOTONIC`.
pub fn media_now() -> MediaTime {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the monotonic clock starts at zero");
    let nanos = u64::try_from(now.tv_nsec).expect("nanoseconds are never negative");
    MediaTime::from_nanos(seconds * 1_000_000_000 + nanos)
}
