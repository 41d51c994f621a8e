//! VP8's payload descriptor: what it says of a frame, and how its picture numbers are shifted.
//!
//! Receivers take a gap in the picture numbers for a lost frame and wait for it, so a stream that is
//! thinned out or switched needs new numbers in every packet.
//!
//! <https://www.rfc-editor.org/rfc/rfc7741#section-4.2>

use super::{FrameInfo, Opening};

/// The longest descriptor.
pub const MAX_DESCRIPTOR_LEN: usize = 6;
/// What a keyframe's first packet begins with, after the frame tag (RFC 6386 section 9.1).
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

/// A payload descriptor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Descriptor {
    /// The first packet of a frame.
    pub begins_frame: bool,
    /// No other frame refers to it.
    pub is_discardable: bool,
    /// 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// Counts the frames of the lowest temporal layer.
    pub base_layer_index: Option<u8>,
    /// Temporal layer.
    pub temporal: u8,
    /// Refers to frames of the lowest temporal layer only.
    pub is_layer_sync: bool,
    /// Bytes before the payload proper.
    pub len: usize,
    has_long_picture_id: bool,
}

impl Descriptor {
    /// Reads the descriptor of a payload; `None` if it ends too early.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut new = Self {
            begins_frame: first & 0x17 == 0x10,
            is_discardable: first & 0x20 != 0,
            len: 1,
            ..Self::default()
        };
        if first & 0x80 == 0 {
            return Some(new);
        }
        let extended = new.take(payload)?;
        if extended & 0x80 != 0 {
            let high = new.take(payload)?;
            new.has_long_picture_id = high & 0x80 != 0;
            let id = u16::from(high & 0x7f);
            let long = |low| id << 8 | u16::from(low);
            new.picture_id =
                Some(if new.has_long_picture_id { long(new.take(payload)?) } else { id });
        }
        if extended & 0x40 != 0 {
            new.base_layer_index = Some(new.take(payload)?);
        }
        if extended & 0x30 != 0 {
            let layer = new.take(payload)?;
            if extended & 0x20 != 0 {
                new.temporal = layer >> 6;
                new.is_layer_sync = layer & 0x20 != 0;
            }
        }
        Some(new)
    }

    /// Returns the numbers that other frames' numbers are counted from. Without layers there are none
    /// to count, and zero stands for that; without a picture number there is nothing to be seen.
    pub fn numbers(&self) -> Option<PictureNumbers> {
        let base_layer = self.base_layer_index.unwrap_or_default();
        Some(PictureNumbers { picture: self.picture_id?, base_layer })
    }

    /// Returns the descriptor's bytes in `payload`, whose descriptor this is, with other numbers.
    pub fn shifted(&self, payload: &[u8], shift: PictureNumbers) -> [u8; MAX_DESCRIPTOR_LEN] {
        let mut out = [0; MAX_DESCRIPTOR_LEN];
        out[..self.len].copy_from_slice(&payload[..self.len]);
        // The order of the fields is fixed: two flag bytes, picture number, index of the base layer.
        let mut at = 2;
        if let Some(id) = self.picture_id {
            let id = id.wrapping_add(shift.picture);
            if self.has_long_picture_id {
                out[at..at + 2].copy_from_slice(&(id | 0x8000).to_be_bytes());
                at += 2;
            } else {
                // The high bits fall away on purpose: the number wraps at 7 bits.
                out[at] = (id & 0x7f) as u8;
                at += 1;
            }
        }
        if let Some(index) = self.base_layer_index {
            out[at] = index.wrapping_add(shift.base_layer);
        }
        out
    }

    fn take(&mut self, payload: &[u8]) -> Option<u8> {
        let byte = *payload.get(self.len)?;
        self.len += 1;
        Some(byte)
    }
}

/// A frame's numbers, or what is added to them, wrapping.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PictureNumbers {
    /// Of the frame; 15 bits count.
    pub picture: u16,
    /// Of the newest frame of the lowest temporal layer.
    pub base_layer: u8,
}

/// Returns what a payload says of its frame.
pub(super) fn frame_info(payload: &[u8]) -> FrameInfo {
    let Some(descriptor) = Descriptor::parse(payload) else {
        return FrameInfo::default();
    };
    let is_keyframe = payload.get(descriptor.len).is_some_and(|tag| tag & 1 == 0);
    let Descriptor { begins_frame, is_discardable, temporal, is_layer_sync, .. } = descriptor;
    FrameInfo {
        is_entry: begins_frame && is_keyframe,
        temporal,
        is_discardable,
        // A frame that refers to the base layer only suits whoever has the layer below, and takes
        // layers one by one: what else is in its own layer may refer to older frames of it.
        opening: if is_layer_sync && temporal > 0 {
            Opening { from: temporal - 1, to: temporal }
        } else {
            Opening::default()
        },
        ..FrameInfo::default()
    }
}

/// Returns width and height of the keyframe that begins in a payload.
pub(super) fn picture_size(payload: &[u8]) -> Option<(u16, u16)> {
    let descriptor = Descriptor::parse(payload)?;
    let frame = payload.get(descriptor.len..).filter(|_| descriptor.begins_frame)?;
    let (tag, rest) = frame.split_first_chunk::<3>()?;
    let (code, rest) = rest.split_first_chunk::<3>()?;
    let size = rest.first_chunk::<4>()?;
    if tag[0] & 1 != 0 || *code != START_CODE {
        return None;
    }
    // Two bits above each size say how to scale it for display.
    let side = |low, high| u16::from_le_bytes([low, high]) & 0x3fff;
    Some((side(size[0], size[1]), side(size[2], size[3])))
}

/// Returns the size that a frame asks the decoder for: `None` if it cannot be read, zero if it
/// names none.
pub(super) fn coded_size(frame: &[u8]) -> Option<(u32, u32)> {
    if frame.first()? & 1 != 0 {
        return Some((0, 0));
    }
    let (code, size) = (frame.get(3..6)?, frame.get(6..10)?);
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    (code == START_CODE).then(|| (side(size[0], size[1]), side(size[2], size[3])))
}
