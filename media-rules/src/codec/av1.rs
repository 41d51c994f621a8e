//! AV1's aggregation header and, for senders without a dependency descriptor, the layers that a
//! packet's first unit names.
//!
//! <https://aomediacodec.github.io/av1-rtp-spec/#44-av1-aggregation-header>

use super::FrameInfo;
use crate::bits::Bits;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const MAX_UNITS: usize = 8;
const MAX_LEB128_LEN: usize = 5;

/// Returns what a payload says of its frame.
pub(super) fn frame_info(payload: &[u8]) -> FrameInfo {
    let Some((&head, rest)) = payload.split_first() else {
        return FrameInfo::default();
    };
    let continues_unit = head & 0x80 != 0;
    let counted = usize::from(head >> 4 & 3);
    let begins_sequence = head & 0x08 != 0;
    let (spatial, temporal) =
        if continues_unit { None } else { layers(rest, counted) }.unwrap_or_default();
    FrameInfo {
        is_entry: begins_sequence && !continues_unit,
        temporal,
        spatial,
        // Not known without a descriptor, so it has to be supposed.
        serves_higher_layers: true,
        ..FrameInfo::default()
    }
}

/// Returns spatial and temporal layer of the first unit that names them.
fn layers(mut rest: &[u8], counted: usize) -> Option<(u8, u8)> {
    for number in 1..=MAX_UNITS {
        // All but the last of a counted few have their length in front.
        let unit = if number == counted {
            std::mem::take(&mut rest)
        } else {
            let (len, after) = leb128(rest)?;
            let (unit, after) = after.split_at_checked(len).unwrap_or((after, &[]));
            rest = after;
            unit
        };
        let header = *unit.first()?;
        let (kind, has_extension) = (header >> 3 & 0x0f, header & 4 != 0);
        if has_extension {
            let extension = *unit.get(1)?;
            return Some((extension >> 3 & 3, extension >> 5));
        }
        if kind > TEMPORAL_DELIMITER {
            return None;
        }
    }
    None
}

/// Reads a number of seven bits a byte, the lowest first; returns it with what follows.
pub(crate) fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(MAX_LEB128_LEN) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// Returns the largest size that a temporal unit asks the decoder for: `None` if it cannot be read,
/// zero if it names none. Every unit has its size in its header.
///
/// AV1 bitstream specification, section 5.5.1.
pub(super) fn coded_size(mut unit: &[u8]) -> Option<(u32, u32)> {
    let mut size = (0, 0);
    while let Some(&header) = unit.first() {
        let rest = unit.get(if header & 4 == 0 { 1 } else { 2 }..)?;
        let (len, rest) = leb128(rest)?;
        let (body, after) = rest.split_at_checked(len)?;
        if header >> 3 & 0x0f == SEQUENCE_HEADER {
            let (width, height) = sequence_size(&mut Bits::new(body))?;
            size = (width.max(size.0), height.max(size.1));
        }
        unit = after;
    }
    Some(size)
}

fn sequence_size(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    bits.fixed(4)?; // Profile, still picture.
    if bits.flag()? {
        bits.fixed(5)?;
    } else {
        skip_operating_points(bits)?;
    }
    let (width_bits, height_bits) = (bits.fixed(4)? + 1, bits.fixed(4)? + 1);
    Some((bits.fixed(width_bits)? + 1, bits.fixed(height_bits)? + 1))
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.fixed(32)?;
        bits.fixed(32)?;
        if bits.flag()? {
            bits.golomb()?; // The same code as AV1's uvlc().
        }
        if bits.flag()? {
            delay_bits = Some(bits.fixed(5)? + 1);
            bits.fixed(32)?;
            bits.fixed(10)?;
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.fixed(5)? {
        bits.fixed(12)?;
        if bits.fixed(5)? > 7 {
            bits.fixed(1)?; // Tier.
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.fixed(delay_bits)?;
            bits.fixed(delay_bits)?;
            bits.fixed(1)?;
        }
        if has_display_delay && bits.flag()? {
            bits.fixed(4)?;
        }
    }
    Some(())
}
