//! When to tell a viewer which moment a timestamp of its picture stands for. Nothing else in WebRTC
//! lets a page find the room's time of a picture: browsers keep RTCP and SEI to themselves.

use std::time::Duration;

use media_rules::MediaTime;

/// A message may get lost, so it is said again soon, and then now and then.
const SOON: Duration = Duration::from_secs(1);
const TIMES_SOON: u8 = 2;
const NOW_AND_THEN: Duration = Duration::from_secs(10);
/// Clocks of hosts drift; a change below 20 ms of the picture's 90 kHz is none.
const TOLERANCE: u32 = 1_800;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct MediaClock {
    offset: u32,
    told: Option<MediaTime>,
    times: u8,
}

impl MediaClock {
    /// Returns whether it is time to tell. `offset` is a timestamp less what the media clock would
    /// have made of its moment, at 90 kHz.
    pub(super) fn poll(&mut self, offset: u32, now: MediaTime) -> bool {
        let moved = offset.wrapping_sub(self.offset);
        let has_moved = moved.min(moved.wrapping_neg()) > TOLERANCE;
        let pause = if self.times < TIMES_SOON { SOON } else { NOW_AND_THEN };
        let is_due = self.told.is_none_or(|told| now.since(told) >= pause);
        if has_moved || self.told.is_none() {
            self.offset = offset;
            self.times = 0;
        } else if is_due {
            self.times = self.times.saturating_add(1);
        } else {
            return false;
        }
        self.told = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_at_once_twice_again_soon_and_then_now_and_then() {
        let mut clock = MediaClock::default();
        let told = |clock: &mut MediaClock, seconds: std::ops::Range<u64>, offset: u32| {
            let at = |second: &u64| clock.poll(offset, MediaTime::from_millis(second * 1_000));
            seconds.filter(at).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut clock, 100..130, 0), [100, 101, 102, 112, 122]);
        assert_eq!(told(&mut clock, 130..131, 1_800), [0; 0], "no more than drift");
        let across_the_wrap = 0_u32.wrapping_sub(1_801);
        assert_eq!(told(&mut clock, 131..145, across_the_wrap), [131, 132, 133, 143]);
    }
}
