//! Reads the first two numbers of a slice header, which tell a B slice from the others.
//!
//! ITU-T H.264 section 7.3.3.

use super::annex_b::{NalType, nals};
use crate::bits::Bits;

/// Returns whether an access unit holds slices that are predicted in both directions, or that
/// cannot be read.
pub fn has_b_slices(access_unit: &[u8]) -> bool {
    nals(access_unit)
        .filter(|nal| matches!(NalType::of(nal), NalType::Slice | NalType::Idr))
        .any(|nal| !matches!(slice_type(nal), Some(0 | 2 | 3 | 4)))
}

/// Returns the type of a slice modulo 5: P, B, I, SP, SI.
fn slice_type(nal: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(nal.get(1..)?);
    bits.golomb()?; // The first macroblock's number.
    bits.golomb().map(|kind| kind % 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_b_slices_are_found() {
        // First macroblock 0 (`1`), then the type: 5 is P (00110), 7 is I (0001000), 6 is B (00111).
        let unit = |slice: &[u8]| [&[0, 0, 1][..], slice].concat();
        assert!(!has_b_slices(&unit(&[0x41, 0b1001_1000, 0x80])));
        assert!(!has_b_slices(&unit(&[0x65, 0b1000_1000, 0x80])));
        assert!(has_b_slices(&unit(&[0x01, 0b1001_1100, 0x80])));
        assert!(has_b_slices(&unit(&[0x41])), "what cannot be read is not trusted");
        assert!(!has_b_slices(&unit(&[0x06, 0x05, 0x01, 0x80])), "this is no slice");
    }
}
