//! How many pictures a stream has had, and how many a second: counted as they pass, looked at by a timer.

use std::time::Duration;

use media_rules::MediaTime;

/// Looks nearer to one another than this tell nothing.
const LOOK_INTERVAL: Duration = Duration::from_millis(900);

/// The pictures of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PictureRate {
    total: u64,
    /// When it was looked at last, and how many there were by then.
    looked: Option<(MediaTime, u64)>,
    per_second: f64,
}

impl PictureRate {
    /// A picture is complete.
    pub(crate) const fn handle_picture(&mut self) {
        self.total += 1;
    }

    /// Works out the rate since the look before.
    pub(crate) fn look(&mut self, now: MediaTime) {
        let (before, seen) = self.looked.unwrap_or((now, self.total));
        let passed = now.since(before);
        if passed >= LOOK_INTERVAL {
            self.per_second = (self.total - seen) as f64 / passed.as_secs_f64();
            self.looked = Some((now, self.total));
        } else {
            self.looked = Some((before, seen));
        }
    }

    /// Returns how many pictures there were since the beginning.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Returns how many a second there were between the last two looks.
    pub(crate) const fn per_second(&self) -> f64 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second_whenever_it_is_looked_at() {
        let mut pictures = PictureRate::default();
        for ms in (0..=3_000).step_by(10) {
            if ms % 40 == 0 {
                pictures.handle_picture();
            }
            if ms % 500 == 0 {
                pictures.look(MediaTime::from_millis(10_000 + ms));
            }
        }
        assert!((24.0..=26.0).contains(&pictures.per_second()), "{}", pictures.per_second());
        pictures.look(MediaTime::from_millis(15_000));
        assert!(pictures.per_second() < 1.0, "it has stopped");
        assert_eq!(pictures.total(), 76);
    }
}
