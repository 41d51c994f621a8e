//! Reads from a sequence parameter set what a container's header repeats: size and sample format.
//!
//! The set is wire input, so every read may fail and nothing is trusted: sizes are bounded.
//!
//! ITU-T H.264 section 7.3.2.1.1.

use super::annex_b::{NalType, nals};
use crate::bits::Bits;

/// What a sequence parameter set says about the pictures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SequenceParameters {
    /// Picture width in pixels, after cropping.
    pub width: u32,
    /// Picture height in pixels, after cropping.
    pub height: u32,
    /// Width before cropping, which is what a decoder makes room for.
    pub coded_width: u32,
    /// Height before cropping.
    pub coded_height: u32,
    /// 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
    pub chroma_format: u8,
    /// Bits per luma sample, 8-14.
    pub luma_bits: u8,
    /// Bits per chroma sample, 8-14.
    pub chroma_bits: u8,
    /// Whether every picture is a whole frame, never a field.
    pub is_progressive: bool,
}

impl SequenceParameters {
    /// Reads a NAL unit of type 7, without start code; `None` if it makes no sense.
    pub fn parse(sps: &[u8]) -> Option<Self> {
        let rbsp = without_emulation_prevention(sps.get(1..)?);
        let mut bits = Bits::new(&rbsp);
        let profile = u8::try_from(bits.fixed(8)?).ok()?;
        bits.fixed(16)?; // Compatibility flags and level.
        bits.golomb()?; // The set's id.
        let format = SampleFormat::parse(&mut bits, profile)?;
        skip_reference_handling(&mut bits)?;
        let width_mbs = bounded(bits.golomb()? + 1, 1024)?;
        let height_units = bounded(bits.golomb()? + 1, 1024)?;
        let frame_mbs_only = bits.fixed(1)?;
        if frame_mbs_only == 0 {
            bits.fixed(1)?; // Macroblock-adaptive frame/field coding.
        }
        bits.fixed(1)?; // Direct 8x8 inference.
        let coded = (width_mbs * 16, height_units * 16 * (2 - frame_mbs_only));
        let mut size = coded;
        if bits.fixed(1)? == 1 {
            let [left, right, top, bottom] =
                [bits.golomb()?, bits.golomb()?, bits.golomb()?, bits.golomb()?];
            let unit_x = if matches!(format.chroma, 1 | 2) { 2 } else { 1 };
            let unit_y = if format.chroma == 1 { 2 } else { 1 } * (2 - frame_mbs_only);
            let crop = |size: u32, a: u32, b: u32, unit: u32| {
                size.checked_sub(a.checked_add(b)?.checked_mul(unit)?).filter(|&left| left > 0)
            };
            size = (crop(size.0, left, right, unit_x)?, crop(size.1, top, bottom, unit_y)?);
        }
        Some(Self {
            width: size.0,
            height: size.1,
            coded_width: coded.0,
            coded_height: coded.1,
            chroma_format: format.chroma,
            luma_bits: format.luma_bits,
            chroma_bits: format.chroma_bits,
            is_progressive: frame_mbs_only == 1,
        })
    }

    /// Returns whether sets of this profile, and its decoder configuration, name a chroma format.
    pub const fn profile_has_chroma(profile: u8) -> bool {
        matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
    }
}

/// Returns the largest size that an access unit in Annex B asks the decoder for: `None` if a set
/// cannot be read, zero if it has none.
pub fn coded_size(access_unit: &[u8]) -> Option<(u32, u32)> {
    let sets = nals(access_unit).filter(|nal| NalType::of(nal) == NalType::Sps);
    sets.map(SequenceParameters::parse).try_fold((0, 0), |(width, height), set| {
        let set = set?;
        Some((set.coded_width.max(width), set.coded_height.max(height)))
    })
}

struct SampleFormat {
    chroma: u8,
    luma_bits: u8,
    chroma_bits: u8,
}

impl SampleFormat {
    fn parse(bits: &mut Bits<'_>, profile: u8) -> Option<Self> {
        if !SequenceParameters::profile_has_chroma(profile) {
            return Some(Self { chroma: 1, luma_bits: 8, chroma_bits: 8 });
        }
        let small =
            |value: u32, max| bounded(value, max).and_then(|value| u8::try_from(value).ok());
        let chroma = small(bits.golomb()?, 3)?;
        if chroma == 3 {
            bits.fixed(1)?; // Separate colour planes.
        }
        let luma_bits = 8 + small(bits.golomb()?, 6)?;
        let chroma_bits = 8 + small(bits.golomb()?, 6)?;
        bits.fixed(1)?; // Lossless transform bypass.
        if bits.fixed(1)? == 1 {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.fixed(1)? == 1 {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(Self { chroma, luma_bits, chroma_bits })
    }
}

/// ITU-T H.264 section 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits<'_>, len: usize) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..len {
        if next != 0 {
            next = (last + bits.signed_golomb()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// Frame numbering, picture order count and the number of reference frames.
fn skip_reference_handling(bits: &mut Bits<'_>) -> Option<()> {
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.fixed(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bounded(bits.golomb()?, 255)? {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.fixed(1)?;
    Some(())
}

/// Removes the 3 from every 00 00 03 (ITU-T H.264 section 7.4.1).
fn without_emulation_prevention(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if byte == 3 && zeros >= 2 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

fn bounded(value: u32, max: u32) -> Option<u32> {
    (value <= max).then_some(value)
}
