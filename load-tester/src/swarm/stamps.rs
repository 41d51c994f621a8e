//! When the publisher sent what: by a hash of the payload, because that is all that reaches a viewer
//! unchanged. A clip takes seconds to come round again, so the last time is the right one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Payloads shorter than this may be alike, e.g. those of a picture that stands still.
const MIN_LEN: usize = 200;

/// What one publisher sent.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    /// As many entries as the clip has packets.
    sent: Mutex<HashMap<u64, Duration>>,
    packets: AtomicU64,
}

impl Stamps {
    /// Notes that `payload` is sent now, and not for the second time.
    pub(crate) fn handle_sent(&self, payload: &[u8]) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        if payload.len() < MIN_LEN {
            return;
        }
        let now = wall_clock();
        self.sent.lock().expect("nobody panics with it").insert(hash(payload), now);
    }

    /// Returns when `payload` was sent.
    pub(crate) fn sent(&self, payload: &[u8]) -> Option<Duration> {
        if payload.len() < MIN_LEN {
            return None;
        }
        self.sent.lock().expect("nobody panics with it").get(&hash(payload)).copied()
    }

    /// Returns how many packets have been sent, each counted once.
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }
}

/// Returns the time of the clock that the kernel stamps datagrams with.
pub(crate) fn wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970")
}

fn hash(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_found_again_and_a_short_one_is_not_kept() {
        let stamps = Stamps::default();
        stamps.handle_sent(&[7; 300]);
        stamps.handle_sent(&[7; 20]);
        let first = stamps.sent(&[7; 300]).expect("it was sent");
        stamps.handle_sent(&[7; 300]);
        assert!(stamps.sent(&[7; 300]) > Some(first), "the next round of the clip");
        assert_eq!(stamps.sent(&[7; 20]), None);
        assert_eq!(stamps.sent(&[8; 300]), None);
        assert_eq!(stamps.packets(), 3);
    }
}
