//! VP9's payload descriptor.
//!
//! <https://www.rfc-editor.org/rfc/rfc9628#section-4.2>

use super::{FrameInfo, Opening};
use crate::bits::Bits;

const MAX_REFERENCES: usize = 3;

/// The part of a descriptor that forwarding looks at.
#[derive(Clone, Copy, Debug, Default)]
struct Descriptor {
    is_inter_predicted: bool,
    begins_frame: bool,
    ends_frame: bool,
    /// No frame of a higher spatial layer of this picture refers to it.
    is_last_of_references: bool,
    temporal: u8,
    spatial: u8,
    /// No later frame of a higher temporal layer refers to one before this.
    is_switching_point: bool,
    /// Of the highest spatial layer.
    size: Option<(u16, u16)>,
}

impl Descriptor {
    fn parse(payload: &[u8]) -> Option<Self> {
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
            let layers = bits.small(3)? + 1;
            let has_sizes = bits.flag()?;
            bits.fixed(4)?;
            for _ in 0..if has_sizes { layers } else { 0 } {
                let side = |bits: &mut Bits<'_>| u16::try_from(bits.fixed(16)?).ok();
                new.size = Some((side(&mut bits)?, side(&mut bits)?));
            }
        }
        Some(new)
    }
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
