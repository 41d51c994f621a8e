//! What a packet's payload says about the frame it belongs to, for every codec that is forwarded.
//!
//! A forwarder never decodes. It wants to know where a viewer may begin, which packets a smaller
//! picture or a lower frame rate can do without, and nothing else, so all codecs answer in the
//! same words: [`FrameInfo`].

use crate::{MediaKind, h264};

/// What travels in RTP between browsers and us.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Codec {
    /// RFC 7587, 48 kHz.
    Opus,
    /// RFC 6184, packetization mode 1.
    H264,
    /// RFC 7741.
    Vp8,
    /// RFC 9628, profile 0.
    Vp9,
    /// The AOM's RTP specification, profile 0.
    Av1,
}

impl Codec {
    /// Returns what it encodes.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::H264 | Self::Vp8 | Self::Vp9 | Self::Av1 => MediaKind::Video,
        }
    }

    /// Returns its name, clock rate and channels as `a=rtpmap` writes them.
    pub const fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::H264 => "H264/90000",
            Self::Vp8 => "VP8/90000",
            Self::Vp9 => "VP9/90000",
            Self::Av1 => "AV1/90000",
        }
    }
}

/// What a forwarder has to know of a packet's frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FrameInfo {
    /// A receiver that has seen nothing of this encoding can begin with this packet.
    pub is_entry: bool,
    /// The first packet of a frame, as far as the payload tells.
    pub begins_frame: bool,
    /// The last packet of a frame of one spatial layer.
    pub ends_frame: bool,
    /// Temporal layer: a receiver of this one needs all lower ones, never a higher one.
    pub temporal: u8,
    /// Spatial layer inside one stream (VP9, AV1); 0 where each layer is a stream of its own.
    pub spatial: u8,
    /// Who has been taking lower temporal layers only may take this one, too, from here on.
    pub is_switch_point: bool,
    /// No other frame refers to it.
    pub is_discardable: bool,
    /// A higher spatial layer refers to it.
    pub serves_higher_layers: bool,
}

/// Reads the packets of one encoding.
#[derive(Debug)]
pub struct FrameReader {
    codec: Codec,
}

impl FrameReader {
    /// Creates the reader of a stream that begins.
    pub const fn new(codec: Codec) -> Self {
        Self { codec }
    }

    /// Reads a packet's payload, which may be anything: who sends it is not trusted.
    ///
    /// `descriptor` is the dependency descriptor of the packet's header extension, if there is one.
    pub fn read(&mut self, payload: &[u8], marker: bool, descriptor: Option<&[u8]>) -> FrameInfo {
        let _ = descriptor;
        let is_entry = match self.codec {
            Codec::Opus => true,
            Codec::H264 => h264::has_parameter_sets(payload),
            Codec::Vp8 | Codec::Vp9 | Codec::Av1 => false,
        };
        FrameInfo { is_entry, ends_frame: marker, ..FrameInfo::default() }
    }
}
