//! How often one user may ask for media sessions and change them. Each offer makes keys and takes a
//! place until it connects or times out, so RFC 9725 section 5 wants a pace for `POST`, `PATCH` and
//! `DELETE`. What surprises: nobody is remembered who has not asked lately, so a crowd costs nothing.

use std::collections::HashMap;
use std::time::Duration;

use room_rules::{ServerTime, UserId};

/// A studio that reloads opens nine at once; a page that comes back tries with growing pauses.
const BURST: u32 = 64;

/// One more every.
const REFILL: Duration = Duration::from_millis(250);

/// Users remembered at most. Full: those whose allowance is whole again are forgotten first, and if
/// there is none, a user who is not known yet is refused.
const MAX_USERS: usize = 16_384;

/// The allowances of a room's users.
#[derive(Debug)]
pub(crate) struct MediaPace {
    burst: u32,
    refill: Duration,
    /// When each user's allowance is whole again.
    whole_at: HashMap<UserId, ServerTime>,
}

impl Default for MediaPace {
    fn default() -> Self {
        Self::new(BURST, REFILL)
    }
}

impl MediaPace {
    /// Lets each user ask `burst` times at once, and then once every `refill`.
    pub(crate) fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, whole_at: HashMap::new() }
    }

    /// Takes from the allowance of `user`; false if nothing is left of it.
    pub(crate) fn allows(&mut self, user: &UserId, now: ServerTime) -> bool {
        let known = self.whole_at.get(user).copied();
        if known.is_none() && self.whole_at.len() >= MAX_USERS {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            if self.whole_at.len() >= MAX_USERS {
                return false;
            }
        }
        let whole_at = known.unwrap_or(now).max(now) + self.refill;
        if whole_at.since(now) > self.refill * self.burst {
            return false;
        }
        self.whole_at.insert(user.clone(), whole_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: ServerTime = ServerTime::from_unix_millis(1_780_000_000_000);

    #[test]
    fn a_burst_is_allowed_then_one_a_quarter_second_and_others_do_not_pay() {
        let mut pace = MediaPace::default();
        let at_once = (0..BURST * 2).filter(|_| pace.allows(&user("vera"), START)).count();

        assert_eq!(at_once, BURST as usize);
        assert!(!pace.allows(&user("vera"), START + Duration::from_millis(249)));
        assert!(pace.allows(&user("vera"), START + Duration::from_millis(250)));
        assert!(!pace.allows(&user("vera"), START + Duration::from_millis(250)));
        assert!(pace.allows(&user("walter"), START));
    }

    #[test]
    fn a_crowd_is_forgotten_when_it_has_calmed_down() {
        let mut pace = MediaPace::default();
        for number in 0..MAX_USERS {
            assert!(pace.allows(&user(&format!("u{number}")), START));
        }
        assert!(!pace.allows(&user("late"), START));
        assert!(pace.allows(&user("late"), START + REFILL));
        assert_eq!(pace.whole_at.len(), 1);
    }

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a name")
    }
}
