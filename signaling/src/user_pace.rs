//! How fast one user may come to a room, however many sockets and requests they come with.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use room_rules::UserId;
use tokio::time::Instant;

use crate::rate::Bucket;

/// Users whose allowances are known. Full of those who have used theirs: all get a new one, since
/// so many are no single user any more.
const USERS_MAX: usize = 20_000;

/// One allowance for each user.
#[derive(Debug)]
pub(crate) struct UserPace {
    burst: u32,
    refill: Duration,
    /// Of users whose allowance may not be full.
    buckets: Mutex<HashMap<UserId, Bucket>>,
}

impl UserPace {
    /// Allows `burst` at once, then one more every `refill`.
    pub(crate) fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, buckets: Mutex::default() }
    }

    /// Takes from the allowance of `user`; false if nothing is left of it.
    pub(crate) fn allows(&self, user: &UserId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().expect("no panic happens while this is locked");
        if let Some(bucket) = buckets.get_mut(user) {
            return bucket.take(now);
        }
        if buckets.len() >= USERS_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= USERS_MAX {
                buckets.clear();
            }
        }
        let mut bucket = Bucket::new(self.burst, self.refill, now);
        let allowed = bucket.take(now);
        buckets.insert(user.clone(), bucket);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_who_asks_too_often_waits_and_nobody_else_does() {
        let (pace, start) = (UserPace::new(3, Duration::from_secs(1)), Instant::now());
        let user = |name: &str| UserId::parse(name).expect("a name");

        let asked = (0..10).filter(|_| pace.allows(&user("eve"), start)).count();

        assert_eq!(asked, 3);
        assert!(pace.allows(&user("bob"), start));
        assert!(pace.allows(&user("eve"), start + Duration::from_secs(1)));
    }

    #[test]
    fn users_who_stopped_asking_are_forgotten_and_memory_is_bounded() {
        let (pace, start) = (UserPace::new(3, Duration::from_secs(1)), Instant::now());
        for number in 0..3 * USERS_MAX {
            let user = UserId::parse(&format!("u{number}")).expect("a name");
            assert!(pace.allows(&user, start));
            assert!(pace.buckets.lock().expect("not poisoned").len() <= USERS_MAX);
        }
    }
}
