//! Room time, the clock that countdowns and orders are held against.
//!
//! It is read from the system clock once, when the process starts, and runs on the monotonic clock
//! from there: an NTP step in the middle of a sale must not move the moment at which it opens.

use std::future;
use std::time::{SystemTime, UNIX_EPOCH};

use room_rules::ServerTime;
use tokio::time::{Duration, Instant};

/// Tells room time, which never steps. One per process; copies tell the same time.
#[derive(Clone, Copy, Debug)]
pub struct RoomClock {
    started_at: Instant,
    unix_at_start: Duration,
}

impl RoomClock {
    /// Starts the clock from the system's idea of UTC.
    ///
    /// # Panics
    ///
    /// Panics if the system clock stands before 1970.
    pub fn start() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a machine that thinks it is before 1970 cannot check a token either");
        Self::start_at(unix)
    }

    /// Starts the clock from the system's idea of UTC, or from `moment` if that is later: what was
    /// told once must not come again.
    pub fn start_not_before(moment: ServerTime) -> Self {
        let clock = Self::start();
        let unix = clock.unix_at_start.max(Duration::from_millis(moment.unix_millis()));
        Self { unix_at_start: unix, ..clock }
    }

    /// Starts the clock from `unix`, the time since the Unix epoch.
    pub fn start_at(unix: Duration) -> Self {
        Self { started_at: Instant::now(), unix_at_start: unix }
    }

    /// Returns room time in whole milliseconds.
    pub fn now(&self) -> ServerTime {
        let millis = self.since_epoch().as_millis();
        ServerTime::from_unix_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Returns room time in milliseconds with a fraction, as clock answers carry it.
    pub fn now_millis(&self) -> f64 {
        self.since_epoch().as_secs_f64() * 1000.0
    }

    /// Waits until `deadline`, or forever if there is none.
    pub async fn sleep_until(&self, deadline: Option<ServerTime>) {
        let Some(deadline) = deadline else {
            return future::pending().await;
        };
        let since_epoch = Duration::from_millis(deadline.unix_millis());
        let since_start = since_epoch.saturating_sub(self.unix_at_start);
        // A deadline that no instant can hold never comes.
        match self.started_at.checked_add(since_start) {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => future::pending().await,
        }
    }

    fn since_epoch(&self) -> Duration {
        self.unix_at_start + self.started_at.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_has_come_when_its_sleeper_wakes() {
        let clock = RoomClock::start_at(Duration::from_micros(1_000_000_700));
        let deadline = clock.now() + Duration::from_millis(250);

        clock.sleep_until(Some(deadline)).await;

        assert!(clock.now() >= deadline);
        assert!(clock.now() <= deadline + Duration::from_millis(1));
    }
}
