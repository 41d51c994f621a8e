//! The form that FLV and MP4 want: length prefixes for units, parameter sets kept apart.
//!
//! ISO/IEC 14496-15 section 5.3.3.

use bytes::{BufMut, Bytes, BytesMut};

use super::annex_b::{NalType, nals};
use super::sps::SequenceParameters;

/// The parameter sets that a decoder needs before the first picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterSets {
    /// Sequence parameter set, without start code.
    pub sps: Bytes,
    /// Picture parameter set, without start code.
    pub pps: Bytes,
}

impl ParameterSets {
    /// Returns the first parameter sets in an Annex B access unit, `None` if one of them is absent.
    pub fn find(access_unit: &Bytes) -> Option<Self> {
        let first = |wanted| {
            nals(access_unit)
                .find(|nal| NalType::of(nal) == wanted && nal.len() <= usize::from(u16::MAX))
                .map(|nal| access_unit.slice_ref(nal))
        };
        // A decoder configuration quotes bytes 1 to 3 of the sequence parameter set.
        let sps = first(NalType::Sps).filter(|sps| sps.len() >= 4)?;
        Some(Self { sps, pps: first(NalType::Pps)? })
    }
}

/// Returns the AVCDecoderConfigurationRecord for `sets`, for units with four-byte lengths.
///
/// # Panics
///
/// Panics if a parameter set is 64 KiB or longer or the SPS is shorter than four bytes;
/// [`ParameterSets::find`] never returns such.
pub fn decoder_configuration(sets: &ParameterSets) -> Bytes {
    let ParameterSets { sps, pps } = sets;
    assert!(sps.len() >= 4, "an SPS names its profile and level");
    let mut record = BytesMut::with_capacity(15 + sps.len() + pps.len());
    // Version, profile, compatibility, level.
    record.put_slice(&[1, sps[1], sps[2], sps[3]]);
    // Six reserved bits and the length size minus one; three reserved bits and the SPS count.
    record.put_slice(&[0xfc | 3, 0xe0 | 1]);
    put_with_length(&mut record, sps);
    record.put_u8(1);
    put_with_length(&mut record, pps);
    if SequenceParameters::profile_has_chroma(sps[1])
        && let Some(parameters) = SequenceParameters::parse(sps)
    {
        record.put_u8(0xfc | parameters.chroma_format & 3);
        record.put_u8(0xf8 | parameters.luma_bits.saturating_sub(8) & 7);
        record.put_u8(0xf8 | parameters.chroma_bits.saturating_sub(8) & 7);
        record.put_u8(0);
    }
    record.freeze()
}

/// Returns an Annex B access unit with four-byte lengths in place of start codes.
///
/// Parameter sets, delimiters and filler are left out: the first live in the decoder
/// configuration and the others mean nothing in a container.
pub fn to_length_prefixed(access_unit: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(access_unit.len() + 16);
    for nal in nals(access_unit) {
        match NalType::of(nal) {
            NalType::Sps | NalType::Pps | NalType::Delimiter | NalType::Filler => {}
            NalType::Slice | NalType::Idr | NalType::Sei | NalType::Other(_) => {
                out.put_u32(u32::try_from(nal.len()).expect("an access unit is below 4 GiB"));
                out.put_slice(nal);
            }
        }
    }
    out.freeze()
}

fn put_with_length(record: &mut BytesMut, set: &[u8]) {
    record.put_u16(u16::try_from(set.len()).expect("a parameter set is below 64 KiB"));
    record.put_slice(set);
}
