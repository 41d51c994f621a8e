//! The order and the timestamps of one connection's messages.
//!
//! Audio and video come from two encoders: each in order, but sound some tens of milliseconds
//! behind the picture it belongs to. An RTMP stream has one timeline that must not step back, so a
//! frame waits here until the other kind has caught up with it. The wait is bounded by media time:
//! whoever is [`REORDER_WINDOW`] ahead goes out without the other. What then still comes late is
//! sent at once with the timestamp of what was sent before it, a few milliseconds off rather than
//! lost.
//!
//! ```text
//! picture  1 2 3 4 5      held: 4 5      sent: 1 a 2 b 3 c
//! sound    a b c                  (until sound reaches 4, or picture is a window ahead)
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::{EncodedFrame, FrameCodec, MediaTime};

/// How far one kind may run ahead of the other before it is no longer held. The sound of our mixer
/// is 20 to 60 ms behind, and up to 200 ms while it is mixed many blocks at once; a program without sound is
/// sent this much later.
const REORDER_WINDOW: Duration = Duration::from_millis(300);
/// Bounds the wait where `at` does not move.
const MAX_HELD: usize = 256;

/// Orders the frames of one connection and gives them timestamps that start at zero.
#[derive(Debug)]
pub(crate) struct Timeline {
    base: MediaTime,
    video: Held,
    audio: Held,
    last_ms: u64,
}

impl Timeline {
    /// Begins a timeline whose zero is `base`, the first keyframe's moment.
    pub(crate) fn new(base: MediaTime) -> Self {
        Self { base, video: Held::default(), audio: Held::default(), last_ms: 0 }
    }

    /// Takes a frame in. Sound from before the first picture is left out.
    pub(crate) fn handle_frame(&mut self, frame: EncodedFrame) {
        if frame.at < self.base {
            return;
        }
        match frame.codec {
            FrameCodec::H264 => self.video.frames.push_back(frame),
            FrameCodec::Aac => self.audio.frames.push_back(frame),
            FrameCodec::Opus => {}
        }
    }

    /// Returns the next frame to send, with its RTMP timestamp.
    pub(crate) fn poll_frame(&mut self) -> Option<(EncodedFrame, u32)> {
        let picture_first = match (self.video.frames.front(), self.audio.frames.front()) {
            (Some(picture), Some(sound)) => picture.at <= sound.at,
            (Some(_), None) if self.video.is_long_enough() => true,
            (None, Some(_)) if self.audio.is_long_enough() => false,
            (Some(_), None) | (None, Some(_)) | (None, None) => return None,
        };
        let kind = if picture_first { &mut self.video } else { &mut self.audio };
        let frame = kind.frames.pop_front().expect("its front was just looked at");

        let due_ms = millis(frame.at.since(self.base));
        // Not below what was sent before, and always above the last of its own kind.
        let sent_ms = due_ms.max(self.last_ms).max(kind.next_ms);
        if sent_ms > due_ms {
            metrics::counter!("relay_timestamps_clamped_total").increment(1);
        }
        kind.next_ms = sent_ms + 1;
        self.last_ms = sent_ms;
        // RTMP timestamps are 32 bits and wrap after 49.7 days (RTMP 1.0 section 5.3.1.3).
        Some((frame, (sent_ms & u64::from(u32::MAX)) as u32))
    }
}

/// Frames of one kind that wait for the other.
#[derive(Debug, Default)]
struct Held {
    /// Full: sent without waiting any longer.
    frames: VecDeque<EncodedFrame>,
    /// The smallest timestamp that the next frame of this kind may carry.
    next_ms: u64,
}

impl Held {
    fn is_long_enough(&self) -> bool {
        let (Some(oldest), Some(newest)) = (self.frames.front(), self.frames.back()) else {
            return false;
        };
        newest.at.since(oldest.at) >= REORDER_WINDOW || self.frames.len() >= MAX_HELD
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("64 bits of nanoseconds fit in 64 bits of ms")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(codec: FrameCodec, at_ms: u64) -> EncodedFrame {
        let at = MediaTime::from_millis(at_ms);
        EncodedFrame { codec, at, is_key: false, data: Bytes::new() }
    }

    fn drain(timeline: &mut Timeline) -> Vec<(FrameCodec, u32)> {
        std::iter::from_fn(|| timeline.poll_frame()).map(|(f, ms)| (f.codec, ms)).collect()
    }

    #[test]
    fn late_sound_is_put_back_where_it_belongs() {
        let mut timeline = Timeline::new(MediaTime::from_millis(1_000));
        for at in [1_000, 1_033, 1_066] {
            timeline.handle_frame(frame(FrameCodec::H264, at));
        }
        assert_eq!(drain(&mut timeline), [], "the picture waits for its sound");

        for at in [990, 1_011, 1_033, 1_054] {
            timeline.handle_frame(frame(FrameCodec::Aac, at));
        }

        let (picture, sound) = (FrameCodec::H264, FrameCodec::Aac);
        assert_eq!(
            drain(&mut timeline),
            [(picture, 0), (sound, 11), (picture, 33), (sound, 33), (sound, 54)],
            "and the next picture waits again"
        );
    }

    #[test]
    fn a_picture_without_sound_is_held_for_one_window_only() {
        let mut timeline = Timeline::new(MediaTime::from_millis(0));
        for index in 0..100 {
            timeline.handle_frame(frame(FrameCodec::H264, index * 33));
        }
        let sent = drain(&mut timeline).len();
        assert_eq!(sent, 100 - 10, "300 ms are 10 frames");
    }

    #[test]
    fn the_wrap_after_49_days_is_a_step_forward() {
        let mut timeline = Timeline::new(MediaTime::from_millis(0));
        let wrap = u64::from(u32::MAX) + 1;
        for at in [0, wrap - 10, wrap + 23, wrap + 500] {
            timeline.handle_frame(frame(FrameCodec::H264, at));
        }
        let stamps: Vec<u32> = drain(&mut timeline).into_iter().map(|(_, ms)| ms).collect();
        assert_eq!(stamps, [0, u32::MAX - 9, 23]);
        assert_eq!(stamps[2].wrapping_sub(stamps[1]), 33);
    }

    #[test]
    fn whatever_comes_no_timestamp_steps_back() {
        let mut clamped = 0;
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut timeline = Timeline::new(MediaTime::from_millis(5_000));
            let (mut video_at, mut audio_at) = (5_000, 5_000);
            let mut last = [None, None];
            let mut highest = 0;
            for _ in 0..500 {
                if rng.bool() {
                    video_at += rng.u64(1..70);
                    timeline.handle_frame(frame(FrameCodec::H264, video_at));
                } else {
                    audio_at += rng.u64(1..40);
                    timeline.handle_frame(frame(FrameCodec::Aac, audio_at));
                }
                while let Some((frame, ms)) = timeline.poll_frame() {
                    let kind = usize::from(frame.codec == FrameCodec::Aac);
                    assert!(ms >= highest, "seed {seed}: {ms} after {highest}");
                    assert!(last[kind].is_none_or(|last| ms > last), "seed {seed}");
                    clamped += u32::from(u64::from(ms) != frame.at.millis() - 5_000);
                    last[kind] = Some(ms);
                    highest = ms;
                }
            }
        }
        assert!(clamped > 100, "the schedules must reach frames that come too late");
    }
}
