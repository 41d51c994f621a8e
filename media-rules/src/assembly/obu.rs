//! AV1's units (OBUs), from the pieces that RTP cuts them into to the byte stream of a decoder.
//!
//! In RTP a unit comes without its size and may go on in the next packet; a decoder wants the size
//! in each unit's header and a delimiter in front of each temporal unit.
//!
//! <https://aomediacodec.github.io/av1-rtp-spec/#44-av1-aggregation-header>

use crate::codec::av1::leb128;

const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// The first byte of every payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The first element goes on with the unit that the packet before ended in.
    pub(super) continues_unit: bool,
    /// The last element's unit goes on in the next packet.
    goes_on: bool,
    /// How many elements there are; zero if each tells its length.
    counted: usize,
    /// The first packet of a keyframe.
    pub(super) begins_sequence: bool,
}

impl Head {
    pub(super) const fn read(byte: u8) -> Self {
        Self {
            continues_unit: byte & 0x80 != 0,
            goes_on: byte & 0x40 != 0,
            counted: (byte >> 4 & 3) as usize,
            begins_sequence: byte & 0x08 != 0,
        }
    }
}

/// The unit that is still arriving.
#[derive(Debug, Default)]
pub(super) struct Units {
    open: Option<Vec<u8>>,
}

impl Units {
    /// Whether no unit waits for its end.
    pub(super) const fn is_whole(&self) -> bool {
        self.open.is_none()
    }

    /// Returns how much of a unit waits for its end.
    pub(super) fn open_len(&self) -> usize {
        self.open.as_ref().map_or(0, Vec::len)
    }

    /// Appends the units that end in `payload` to `out`; `None` if it does not fit what came before.
    pub(super) fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (&head, mut rest) = payload.split_first()?;
        let head = Head::read(head);
        if head.continues_unit != self.open.is_some() {
            return None;
        }
        if out.is_empty() {
            out.extend_from_slice(&[TEMPORAL_DELIMITER << 3 | HAS_SIZE, 0]);
        }
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            // All but the last of a counted few have their length in front.
            let element = if number == head.counted {
                std::mem::take(&mut rest)
            } else {
                let (len, after) = leb128(rest)?;
                let (element, after) = after.split_at_checked(len)?;
                rest = after;
                element
            };
            let mut unit = self.open.take().unwrap_or_default();
            unit.extend_from_slice(element);
            if rest.is_empty() && head.goes_on {
                self.open = Some(unit);
            } else {
                push_unit(&unit, out)?;
            }
        }
        (head.counted == 0 || head.counted == number).then_some(())
    }
}

/// Appends a unit with its size; those that a decoder has no use for are left out.
fn push_unit(unit: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // An empty element is allowed and says nothing.
    let Some(&header) = unit.first() else {
        return Some(());
    };
    let header_len = if header & HAS_EXTENSION == 0 { 1 } else { 2 };
    let (head, mut body) = unit.split_at_checked(header_len)?;
    if header & HAS_SIZE != 0 {
        let (len, after) = leb128(body)?;
        body = after.get(..len)?;
    }
    if matches!(header >> 3 & 0x0f, TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
        return Some(());
    }
    out.push(header | HAS_SIZE);
    out.extend_from_slice(&head[1..]);
    push_leb128(body.len(), out);
    out.extend_from_slice(body);
    Some(())
}

fn push_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}
