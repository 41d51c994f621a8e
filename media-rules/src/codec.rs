//! What a packet says about the frame it belongs to, for every codec that is forwarded.
//!
//! A forwarder never decodes. It wants to know where a viewer may begin, and which packets a smaller
//! picture or a lower frame rate can do without, so all codecs answer in the same words:
//! [`FrameInfo`].

pub(crate) mod av1;
mod dependency;
pub mod vp8;
pub(crate) mod vp9;

use crate::{MediaKind, h264};
use dependency::DependencyReader;

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
    /// The last packet of a frame of one spatial layer.
    pub ends_frame: bool,
    /// Temporal layer: a receiver of this one needs all lower ones, never a higher one.
    pub temporal: u8,
    /// Spatial layer inside one stream (VP9, AV1); 0 where each layer is a stream of its own.
    pub spatial: u8,
    /// No other frame refers to it.
    pub is_discardable: bool,
    /// A higher spatial layer refers to it.
    pub serves_higher_layers: bool,
    /// Who may take more temporal layers from here on.
    pub opening: Opening,
}

/// A receiver that has been taking the layers up to `from` or more may take those up to `to`, from
/// this frame on, this one included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Opening {
    /// The least that the receiver has to have taken.
    pub from: u8,
    /// The most that it may take now. Not above `from`: nothing opens here.
    pub to: u8,
}

impl Opening {
    /// Every layer, for everybody: what a keyframe opens.
    pub const ALL: Self = Self { from: 0, to: u8::MAX };
}

/// Layers of one stream, counted from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Layers {
    /// The one spatial layer that is shown; lower ones come along if it refers to them.
    pub spatial: u8,
    /// This temporal layer and all below.
    pub temporal: u8,
}

impl Layers {
    /// Everything that the stream has.
    pub const ALL: Self = Self { spatial: u8::MAX, temporal: u8::MAX };

    /// Returns what somebody who has been taking these layers takes from `frame` on who would like
    /// to take `wanted`: less at once, more only where it is possible.
    ///
    /// `has_lower` says whether nothing of the lower spatial layers was left out so far. Without
    /// them a smaller picture begins at a keyframe like a larger one.
    #[must_use]
    pub fn toward(self, wanted: Self, frame: &FrameInfo, has_lower: bool) -> Self {
        if frame.is_entry {
            return wanted;
        }
        let Opening { from, to } = frame.opening;
        let temporal = match self.temporal {
            taken if wanted.temporal <= taken => wanted.temporal,
            taken if taken >= from && to > taken => to.min(wanted.temporal),
            taken => taken,
        };
        let spatial = if has_lower { self.spatial.min(wanted.spatial) } else { self.spatial };
        Self { spatial, temporal }
    }
}

impl FrameInfo {
    /// Whether somebody who is shown these layers needs the frame.
    pub const fn is_needed_for(&self, layers: Layers) -> bool {
        let is_shown = self.spatial == layers.spatial || layers.spatial == u8::MAX;
        let is_below = self.spatial < layers.spatial && self.serves_higher_layers;
        self.temporal <= layers.temporal && (is_shown || is_below)
    }
}

/// Reads the packets of one encoding, in order of arrival.
#[derive(Debug)]
pub struct FrameReader {
    codec: Codec,
    dependencies: DependencyReader,
}

impl FrameReader {
    /// Creates the reader of a stream that begins.
    pub const fn new(codec: Codec) -> Self {
        Self { codec, dependencies: DependencyReader::new() }
    }

    /// Reads a packet's payload, which may be anything: who sends it is not trusted.
    ///
    /// `descriptor` is the dependency descriptor of the packet's header extension, if there is one.
    /// It knows better than the payload.
    pub fn read(&mut self, payload: &[u8], marker: bool, descriptor: Option<&[u8]>) -> FrameInfo {
        let mut info = match self.codec {
            Codec::Opus => FrameInfo { is_entry: true, ..FrameInfo::default() },
            Codec::H264 => of_h264(payload),
            Codec::Vp8 => vp8::frame_info(payload),
            Codec::Vp9 => vp9::frame_info(payload),
            Codec::Av1 => av1::frame_info(payload),
        };
        info.ends_frame |= marker;
        if let Some(known) = descriptor.and_then(|bytes| self.dependencies.read(bytes)) {
            let is_entry = info.is_entry;
            info = FrameInfo { is_entry, ends_frame: known.ends_frame | marker, ..known };
        }
        if info.is_entry {
            info.opening = Opening::ALL;
        }
        info
    }
}

/// Returns the size of the picture that begins in this packet, if it says so: width and height.
pub fn picture_size(codec: Codec, payload: &[u8]) -> Option<(u16, u16)> {
    match codec {
        Codec::Opus | Codec::Av1 => None,
        Codec::H264 => h264::picture_size(payload),
        Codec::Vp8 => vp8::picture_size(payload),
        Codec::Vp9 => vp9::picture_size(payload),
    }
}

/// Returns width and height that a whole picture asks its decoder for, zero if it names none; `None`
/// if it cannot be read. A few bytes may claim gigabytes, so this is asked before decoding.
pub fn coded_size(codec: Codec, picture: &[u8]) -> Option<(u32, u32)> {
    match codec {
        Codec::Opus => Some((0, 0)),
        Codec::H264 => h264::coded_size(picture),
        Codec::Vp8 => vp8::coded_size(picture),
        Codec::Vp9 => vp9::coded_size(picture),
        Codec::Av1 => av1::coded_size(picture),
    }
}

/// H.264 has no temporal layers without a dependency descriptor, only pictures that nobody refers
/// to. They are taken for a layer, which may be taken up and left at any time.
fn of_h264(payload: &[u8]) -> FrameInfo {
    let is_discardable = h264::is_discardable(payload);
    let opening = Opening { from: 0, to: u8::from(is_discardable) };
    FrameInfo {
        is_entry: h264::has_parameter_sets(payload),
        temporal: u8::from(is_discardable),
        is_discardable,
        opening,
        ..FrameInfo::default()
    }
}
