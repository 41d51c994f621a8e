//! An encoded piece of the program, as the mixer makes it and every output takes it.

use bytes::Bytes;

use crate::MediaTime;

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
