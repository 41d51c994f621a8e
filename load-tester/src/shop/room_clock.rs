//! Room time as a shopper's page estimates it (web-demo/assets/clock.js): the ping with the smallest
//! round trip decides, and older pings count for less because clocks drift.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: usize = 20;
/// How fast two clocks may drift apart.
const DRIFT: f64 = 50e-6;

/// An estimate of the server's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomClock {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Room time less `local`, in milliseconds.
    offset_ms: f64,
    rtt_ms: f64,
    at: Instant,
}

/// Local time in milliseconds since `start`.
pub(crate) fn local_ms(start: Instant, at: Instant) -> f64 {
    at.saturating_duration_since(start).as_secs_f64() * 1_000.0
}

impl RoomClock {
    /// Takes an answered ping: sent at `c0` and answered at `c1` by local time, taken and answered by the
    /// server at `s1` and `s2`.
    pub(crate) fn handle_pong(&mut self, c0: f64, s1: f64, s2: f64, c1: f64, at: Instant) {
        let rtt_ms = (c1 - c0) - (s2 - s1);
        if !(rtt_ms >= 0.0 && s2 >= s1) {
            return;
        }
        let offset_ms = f64::midpoint(s1 - c0, s2 - c1);
        self.samples.push_back(Sample { offset_ms, rtt_ms, at });
        if self.samples.len() > WINDOW {
            self.samples.pop_front();
        }
    }

    /// Returns room time less local time; `None` before the first answer.
    pub(crate) fn offset_ms(&self, now: Instant) -> Option<f64> {
        let doubt = |sample: &Sample| {
            let age = now.saturating_duration_since(sample.at);
            sample.rtt_ms / 2.0 + age.as_secs_f64() * 1_000.0 * DRIFT
        };
        let best = self.samples.iter().min_by(|a, b| doubt(a).total_cmp(&doubt(b)));
        best.map(|sample| sample.offset_ms)
    }

    /// Returns the instant at which it is `room_ms` by this estimate.
    pub(crate) fn instant_of(&self, room_ms: f64, start: Instant, now: Instant) -> Option<Instant> {
        let local = room_ms - self.offset_ms(now)?;
        Some(start + Duration::from_secs_f64((local / 1_000.0).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_ping_decides() {
        let (start, mut clock) = (Instant::now(), RoomClock::default());
        // The server is a million ahead. A slow, lopsided ping first, a quick one then, a slow one last.
        clock.handle_pong(0.0, 1_000_100.0, 1_000_100.0, 110.0, start);
        clock.handle_pong(200.0, 1_000_202.0, 1_000_202.0, 204.0, start);
        clock.handle_pong(400.0, 1_000_401.0, 1_000_401.0, 460.0, start);
        assert_eq!(clock.offset_ms(start), Some(1_000_000.0));
        let at = clock.instant_of(1_000_500.0, start, start).expect("there are samples");
        assert_eq!(at, start + Duration::from_millis(500));
    }
}
