//! When a letter that was not taken is tried again.

use std::time::Duration;

/// How often and how soon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// The pause after the first try.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// After so many tries a letter is given up.
    pub tries: u32,
}

impl Retry {
    /// Returns the pause after `tries` tries in vain; `None` if there is no further one. Each pause is
    /// twice the one before, and less by a share of up to a half that `luck` decides, so that letters
    /// that failed together do not come together again.
    pub fn pause(&self, tries: u32, luck: u32) -> Option<Duration> {
        if tries >= self.tries {
            return None;
        }
        let doubled = 2_u32.checked_pow(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        Some(whole / 2 + (whole / 2).mul_f64(f64::from(luck) / f64::from(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry =
        Retry { first: Duration::from_secs(1), longest: Duration::from_secs(300), tries: 20 };

    #[test]
    fn pauses_double_up_to_the_longest_and_then_end() {
        let pauses: Vec<u64> =
            (1..20).map(|tries| RETRY.pause(tries, u32::MAX).unwrap().as_secs()).collect();
        assert_eq!(pauses[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert!(pauses[10..].iter().all(|pause| *pause == 300));
        assert_eq!(RETRY.pause(20, 0), None);
    }

    #[test]
    fn luck_takes_at_most_half() {
        for tries in 1..20 {
            let (least, most) =
                (RETRY.pause(tries, 0).unwrap(), RETRY.pause(tries, u32::MAX).unwrap());
            assert!(least * 2 == most, "{tries}");
            assert!(RETRY.pause(tries, u32::MAX / 2).unwrap() > least);
        }
    }
}
