//! VP9's payload descriptor.
//!
//! <https://www.rfc-editor.org/rfc/rfc9628#section-4.2>

use super::{FrameInfo, Opening};
use crate::bits::Bits;

const MAX_REFERENCES: usize = 3;
/// What stands in front of a frame's size where it has one of its own.
const SYNC_CODE: u32 = 0x0049_8342;
const RGB: u32 = 7;

/// The part of a descriptor that forwarding looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Descriptor {
    pub(crate) is_inter_predicted: bool,
    pub(crate) begins_frame: bool,
    ends_frame: bool,
    /// No frame of a higher spatial layer of this picture refers to it.
    is_last_of_references: bool,
    temporal: u8,
    pub(crate) spatial: u8,
    /// No later frame of a higher temporal layer refers to one before this.
    is_switching_point: bool,
    /// Of the highest spatial layer.
    size: Option<(u16, u16)>,
    /// Bytes before the payload proper.
    pub(crate) len: usize,
}

impl Descriptor {
    /// Reads the descriptor of a payload; `None` if it ends too early.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let has_picture_id = bits.flag()?;
        let is_inter_predicted = bits.flag()?;
        let has_layers = bits.flag()?;
        let is_flexible = bits.flag()?;
        let mut new = Self {
            is_inter_predicted,
            begins_frame: bits.flag()?,
            ends_frame: bits.flag()?,
            ..Self::default()
        };
        let has_structure = bits.flag()?;
        new.is_last_of_references = bits.flag()?;
        if has_picture_id {
            let is_long = bits.flag()?;
            bits.fixed(if is_long { 15 } else { 7 })?;
        }
        if has_layers {
            new.temporal = bits.small(3)?;
            new.is_switching_point = bits.flag()?;
            new.spatial = bits.small(3)?;
            bits.flag()?; // Refers to the lower spatial layer; the layer that is referred to counts.
            if !is_flexible {
                bits.fixed(8)?; // Index of the base layer.
            }
        }
        if is_inter_predicted && is_flexible {
            for _ in 0..MAX_REFERENCES {
                bits.fixed(7)?;
                if !bits.flag()? {
                    break;
                }
            }
        }
        if has_structure {
            new.size = read_structure(&mut bits)?;
        }
        new.len = bits.bytes_read();
        Some(new)
    }
}

/// Reads the scalability structure; returns the size of the highest layer, if it is told.
fn read_structure(bits: &mut Bits<'_>) -> Option<Option<(u16, u16)>> {
    let layers = bits.small(3)? + 1;
    let has_sizes = bits.flag()?;
    let has_pictures = bits.flag()?;
    bits.fixed(3)?;
    let mut size = None;
    for _ in 0..if has_sizes { layers } else { 0 } {
        let side = |bits: &mut Bits<'_>| u16::try_from(bits.fixed(16)?).ok();
        size = Some((side(bits)?, side(bits)?));
    }
    for _ in 0..if has_pictures { bits.fixed(8)? } else { 0 } {
        bits.fixed(4)?; // Temporal layer, switching point.
        let references = bits.fixed(2)?;
        bits.fixed(2)?;
        for _ in 0..references {
            bits.fixed(8)?;
        }
    }
    Some(size)
}

/// Returns what a payload says of its frame.
pub(super) fn frame_info(payload: &[u8]) -> FrameInfo {
    let Some(descriptor) = Descriptor::parse(payload) else {
        return FrameInfo::default();
    };
    let Descriptor { begins_frame, ends_frame, temporal, spatial, is_switching_point, .. } =
        descriptor;
    FrameInfo {
        is_entry: begins_frame && !descriptor.is_inter_predicted && spatial == 0,
        ends_frame,
        temporal,
        spatial,
        is_discardable: false,
        serves_higher_layers: !descriptor.is_last_of_references,
        opening: if is_switching_point {
            Opening { from: temporal, to: u8::MAX }
        } else {
            Opening::default()
        },
    }
}

/// Returns width and height of the largest picture, where the descriptor tells them.
pub(super) fn picture_size(payload: &[u8]) -> Option<(u16, u16)> {
    Descriptor::parse(payload)?.size
}

/// Returns the size that a frame of profile 0 asks the decoder for: `None` if it cannot be read,
/// zero if it names none.
///
/// VP9 bitstream specification, section 6.2.
pub(super) fn coded_size(frame: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(frame);
    let is_profile_0 = bits.fixed(2)? == 2 && bits.fixed(2)? == 0;
    if !is_profile_0 {
        return None;
    }
    if bits.flag()? {
        return Some((0, 0)); // Shows a frame that the decoder has.
    }
    let is_key = !bits.flag()?;
    let is_shown = bits.flag()?;
    let is_resilient = bits.flag()?;
    let is_alone = is_key || !is_shown && bits.flag()?;
    if !is_key && !is_resilient {
        bits.fixed(2)?; // What of the context is forgotten.
    }
    if is_alone {
        if bits.fixed(24)? != SYNC_CODE {
            return None;
        }
        if is_key {
            if bits.fixed(3)? == RGB {
                return None; // Not in profile 0.
            }
            bits.fixed(1)?;
        } else {
            bits.fixed(8)?;
        }
    } else {
        bits.fixed(8)?;
        for _ in 0..MAX_REFERENCES {
            bits.fixed(4)?;
        }
        for _ in 0..MAX_REFERENCES {
            if bits.flag()? {
                return Some((0, 0)); // As large as a frame that the decoder has.
            }
        }
    }
    Some((bits.fixed(16)? + 1, bits.fixed(16)? + 1))
}
