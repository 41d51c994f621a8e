//! The frames since the newest keyframe, so that a newcomer sees a picture at once.
//!
//! Audio is kept in the order in which it came. Some of it is a little older than the keyframe
//! before it, because encoding sound takes longer; the muxer of each connection leaves that out.

use media_rules::{Codec, EncodedFrame};

/// A program whose keyframes are further apart than this starts newcomers at the next one.
const MAX_FRAMES: usize = 400;
const MAX_BYTES: usize = 8 << 20;

/// The current group of pictures; empty until a keyframe came.
#[derive(Debug, Default)]
pub(crate) struct Gop {
    /// Full: emptied, newcomers wait for the next keyframe. It is never cut short at the front,
    /// since what is left could not be decoded.
    frames: Vec<EncodedFrame>,
    bytes: usize,
}

impl Gop {
    pub(crate) fn handle_frame(&mut self, frame: EncodedFrame) {
        if frame.codec == Codec::H264 && frame.is_key {
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

    pub(crate) fn frames(&self) -> &[EncodedFrame] {
        &self.frames
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}
