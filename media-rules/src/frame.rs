//! An encoded piece of a feed, as a mixer takes it, and of the program, as every output takes it.

use std::time::Duration;

use bytes::Bytes;

use crate::{Codec, MediaTime};

/// What is inside an [`EncodedFrame`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FrameCodec {
    /// One H.264 access unit in Annex B byte stream format; a keyframe starts with SPS and PPS.
    H264,
    /// One Opus packet of 20 ms, 48 kHz stereo.
    Opus,
    /// One raw AAC-LC frame (1024 samples, 48 kHz stereo), without an ADTS header.
    Aac,
}

/// One access unit or audio packet with the moment at which it is presented.
///
/// There are no B-frames anywhere, so decoding order is presentation order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncodedFrame {
    /// What `data` holds.
    pub codec: FrameCodec,
    /// When it is presented; strictly increasing per codec.
    pub at: MediaTime,
    /// Whether a decoder can start here. Audio always can.
    pub is_key: bool,
    /// The encoded bytes.
    pub data: Bytes,
}

/// One whole picture or packet of sound of a feed with the moment at which it is presented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedFrame {
    /// What `data` holds.
    pub codec: Codec,
    /// When it is presented; strictly increasing per track.
    pub at: MediaTime,
    /// Whether a decoder can start here. Sound always can.
    pub is_key: bool,
    /// How much sound was lost right before it. Zero for pictures, and where it was meant to be
    /// silent.
    pub lost_before: Duration,
    /// One Opus packet; one H.264 access unit in Annex B; one VP8 frame; the VP9 frames of all
    /// layers of one picture; one AV1 temporal unit, every unit with its size.
    pub data: Bytes,
}

impl FeedFrame {
    /// Returns it as a piece of a program that shows this feed alone; `None` if programs are not
    /// made of its codec.
    pub fn into_program(self) -> Option<EncodedFrame> {
        let codec = match self.codec {
            Codec::Opus => FrameCodec::Opus,
            Codec::H264 => FrameCodec::H264,
            Codec::Vp8 | Codec::Vp9 | Codec::Av1 => return None,
        };
        Some(EncodedFrame { codec, at: self.at, is_key: self.is_key, data: self.data })
    }
}
