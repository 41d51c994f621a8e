//! Looks into an RTP payload just far enough to see whether a keyframe starts there.
//!
//! Forwarding never takes frames apart; but a viewer can only be switched to a source at a packet
//! that begins a keyframe.
//!
//! <https://www.rfc-editor.org/rfc/rfc6184#section-5.2>

use super::annex_b::NalType;
use super::sps::SequenceParameters;

/// A slice of a picture that decoding cannot start at.
const SLICE: u8 = 1;
/// Not zero if other pictures refer to it (ITU-T H.264 section 7.4.1, `nal_ref_idc`).
const REFERENCE: u8 = 0x60;
/// Single-time aggregation packet: several units in one packet.
pub(super) const STAP_A: u8 = 24;
/// Fragmentation unit: one unit in several packets.
pub(super) const FU_A: u8 = 28;
/// Set in the first fragment's second byte.
pub(super) const FU_START: u8 = 0x80;
/// Set in the last fragment's second byte.
pub(super) const FU_END: u8 = 0x40;

/// Returns whether a sequence parameter set begins in this packet.
pub fn has_parameter_sets(payload: &[u8]) -> bool {
    begun(payload).any(|nal_type| nal_type == NalType::Sps)
}

/// Returns whether this packet holds slices of a picture that no other refers to, and nothing else
/// that anybody could need.
pub fn is_discardable(payload: &[u8]) -> bool {
    let Some(&header) = payload.first() else {
        return false;
    };
    match header & 0x1f {
        SLICE => header & REFERENCE == 0,
        FU_A => header & REFERENCE == 0 && payload.get(1).is_some_and(|fu| fu & 0x1f == SLICE),
        STAP_A => {
            let mut has_slice = false;
            aggregated(&payload[1..]).filter_map(|nal| nal.first()).all(|header| {
                let is_slice = header & 0x1f == SLICE;
                has_slice |= is_slice;
                !is_slice || header & REFERENCE == 0
            }) && has_slice
                && !has_parameter_sets(payload)
        }
        _ => false,
    }
}

/// Returns width and height of the pictures if their parameters begin in this packet and fit it.
pub fn picture_size(payload: &[u8]) -> Option<(u16, u16)> {
    let sps = match payload.first()? & 0x1f {
        STAP_A => aggregated(&payload[1..]).find(|nal| NalType::of(nal) == NalType::Sps)?,
        _ if NalType::of(payload) == NalType::Sps => payload,
        _ => return None,
    };
    let parameters = SequenceParameters::parse(sps)?;
    Some((u16::try_from(parameters.width).ok()?, u16::try_from(parameters.height).ok()?))
}

/// Returns the types of the units that begin in this packet.
fn begun(payload: &[u8]) -> impl Iterator<Item = NalType> + '_ {
    let kind = payload.first().map_or(0, |header| header & 0x1f);
    let alone = match kind {
        1..=23 => Some(NalType::of(payload)),
        FU_A => payload
            .get(1)
            .filter(|header| *header & FU_START != 0)
            .map(|&header| NalType::from_header(header)),
        _ => None,
    };
    let several = if kind == STAP_A { &payload[1..] } else { &[] };
    alone.into_iter().chain(aggregated(several).map(NalType::of))
}

/// Returns the units of a STAP-A, without its first byte; stops at the first that is cut short.
pub(super) const fn aggregated(rest: &[u8]) -> Aggregated<'_> {
    Aggregated { rest }
}

/// See [`aggregated`].
pub(super) struct Aggregated<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Aggregated<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.rest.split_first_chunk::<2>()?;
        let (nal, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        self.rest = rest;
        Some(nal)
    }
}
