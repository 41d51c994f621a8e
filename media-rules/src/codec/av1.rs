//! AV1's aggregation header and, for senders without a dependency descriptor, the layers that a
//! packet's first unit names.
//!
//! <https://aomediacodec.github.io/av1-rtp-spec/#44-av1-aggregation-header>

use super::FrameInfo;

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

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(MAX_LEB128_LEN) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}
