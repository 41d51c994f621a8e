//! The frames since the newest keyframe, so that a newcomer sees a picture at once.
//!
//! A program that stood still, as one does that nobody took for a while, is no beginning any more:
//! an output that began there would meet the pause as a jump in time.
//!
//! Audio is kept in the order in which it came. Some of it is a little older than the keyframe
//! before it, because encoding sound takes longer; the muxer of each connection leaves that out.

use std::time::{Duration, Instant};

use media_rules::{EncodedFrame, FrameCodec};

/// A program whose keyframes are further apart than this starts newcomers at the next one.
const MAX_FRAMES: usize = 400;
const MAX_BYTES: usize = 8 << 20;
/// A running program has a frame every few milliseconds.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// The current group of pictures; empty until a keyframe came.
#[derive(Debug, Default)]
pub(crate) struct Gop {
    /// Full: emptied, newcomers wait for the next keyframe. It is never cut short at the front,
    /// since what is left could not be decoded.
    frames: Vec<EncodedFrame>,
    bytes: usize,
    /// When the newest frame came.
    fed: Option<Instant>,
}

impl Gop {
    pub(crate) fn handle_frame(&mut self, frame: EncodedFrame, now: Instant) {
        if self.is_stale(now) {
            self.clear();
        }
        self.fed = Some(now);
        if frame.codec == FrameCodec::H264 && frame.is_key {
            self.clear();
        } else if self.frames.is_empty() {
            return;
        }
        self.bytes += frame.data.len();
        self.frames.push(frame);
        if self.frames.len() > MAX_FRAMES || self.bytes > MAX_BYTES {
            self.clear();
        }
    }

    pub(crate) fn frames(&self, now: Instant) -> &[EncodedFrame] {
        if self.is_stale(now) { &[] } else { &self.frames }
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.fed.is_some_and(|fed| now.duration_since(fed) >= STALE_AFTER)
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media_rules::MediaTime;

    use super::*;

    fn frame(codec: FrameCodec, at_ms: u64, is_key: bool) -> EncodedFrame {
        let at = MediaTime::from_millis(at_ms);
        EncodedFrame { codec, at, is_key, data: Bytes::from_static(b"data") }
    }

    #[test]
    fn nobody_begins_in_a_program_that_stood_still() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut gop = Gop::default();
        gop.handle_frame(frame(FrameCodec::H264, 0, true), after(0));
        gop.handle_frame(frame(FrameCodec::H264, 33, false), after(33));
        assert_eq!(gop.frames(after(1_032)).len(), 2);
        assert!(gop.frames(after(1_033)).is_empty());

        // Sound is first when it goes on.
        gop.handle_frame(frame(FrameCodec::Aac, 60_000, true), after(60_000));
        assert!(gop.frames(after(60_000)).is_empty());
        gop.handle_frame(frame(FrameCodec::H264, 60_010, true), after(60_010));
        assert_eq!(gop.frames(after(60_010)).len(), 1);
    }
}
