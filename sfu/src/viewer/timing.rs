//! What a viewer is told of time beside the packets: when a frame was captured, and how long it may
//! wait before it is shown.
//!
//! <http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time> ·
//! <http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>

use std::time::Duration;

use media_rules::packet::ExtensionList;
use media_rules::{MediaKind, MediaTime};

use crate::clock::NtpClock;
use crate::extension::ExtensionIds;
use crate::packet::{Anchor, Packet};

/// A receiver reckons from one capture time to the next by itself.
const CAPTURE_EVERY: Duration = Duration::from_secs(1);
/// The wish for a delay is repeated for so long, because its first packets may get lost; later
/// keyframes repeat it.
const DELAY_FOR: Duration = Duration::from_secs(1);

/// Shortest and longest time that a viewer may hold a picture back, as the extension writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PlayoutDelay([u8; 3]);

impl PlayoutDelay {
    /// Both are counted in steps of 10 ms and at most 40.95 s long.
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        let steps =
            |span: Duration| u32::try_from(span.as_millis() / 10).unwrap_or(0xfff).min(0xfff);
        let [_, high, middle, low] = (steps(min) << 12 | steps(max.max(min))).to_be_bytes();
        Self([high, middle, low])
    }
}

/// What the tracks of all viewers have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    pub(crate) clock: NtpClock,
    pub(crate) playout_delay: Option<PlayoutDelay>,
}

/// What one track tells of time.
pub(super) struct Timing {
    wishes: Wishes,
    /// When the track went over to what it plays.
    began: MediaTime,
    /// When a capture time was told last.
    told: Option<MediaTime>,
}

/// What goes along with one packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Told {
    pub(super) capture_time: Option<[u8; 8]>,
    pub(super) playout_delay: Option<[u8; 3]>,
}

impl Told {
    /// Adds it to what a packet carries, under the viewer's numbers.
    pub(super) fn push<'a>(&'a self, ids: &ExtensionIds, out: &mut ExtensionList<'a>) {
        if let Some(time) = &self.capture_time {
            out.push(ids.abs_capture_time, time);
        }
        if let Some(delay) = &self.playout_delay {
            out.push(ids.playout_delay, delay);
        }
    }
}

impl Timing {
    pub(super) const fn new(wishes: Wishes) -> Self {
        Self { wishes, began: MediaTime::from_nanos(0), told: None }
    }

    /// The track goes over to another stream.
    pub(super) fn handle_begin(&mut self, now: MediaTime) {
        self.began = now;
        self.told = None;
    }

    /// When the track went over to what it plays.
    pub(super) const fn began(&self) -> MediaTime {
        self.began
    }

    /// Returns what goes along with a packet. A sender's own capture times are passed on; where
    /// there are none, they are reckoned from how the stream's clock relates to ours.
    pub(super) fn tell(&mut self, packet: &Packet, anchor: Option<Anchor>, now: MediaTime) -> Told {
        let mut told = Told::default();
        let is_due = self.told.is_none_or(|at| now.since(at) >= CAPTURE_EVERY);
        if is_due
            && !packet.has_capture_time()
            && let Some(anchor) = anchor
        {
            let captured = anchor.time_of(packet.timestamp, packet.kind().clock_rate_hz());
            told.capture_time = Some(self.wishes.clock.at(captured).to_be_bytes());
            self.told = Some(now);
        }
        if packet.kind() == MediaKind::Video
            && (packet.frame.is_entry || now.since(self.began) < DELAY_FOR)
        {
            told.playout_delay = self.wishes.playout_delay.map(|delay| delay.0);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_written_in_steps_of_ten_milliseconds() {
        let of =
            |min, max| PlayoutDelay::new(Duration::from_millis(min), Duration::from_millis(max));
        assert_eq!(of(0, 400).0, [0, 0, 40]);
        assert_eq!(of(100, 2_000).0, [0, 0xa0, 200]);
        assert_eq!(
            of(500, 100).0,
            [0x03, 0x20, 50],
            "the longest is not shorter than the shortest"
        );
        assert_eq!(of(0, 90_000).0, [0, 0x0f, 0xff]);
    }

    #[test]
    fn a_frame_was_captured_when_its_timestamp_says() {
        let at = MediaTime::from_millis(10_000);
        let anchor = Anchor { at, rtp_timestamp: 50 };
        let time = |timestamp| anchor.time_of(timestamp, 90_000).millis();
        assert_eq!(time(50), 10_000);
        assert_eq!(time(50 + 90_000), 11_000);
        assert_eq!(time(50_u32.wrapping_sub(9_000)), 9_900, "before the anchor, across the wrap");
    }
}
