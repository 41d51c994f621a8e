//! The byte stream format: NAL units between start codes.
//!
//! Start codes come with three or four bytes and a unit may be followed by zero bytes; both are
//! stripped, so what [`nals`] yields is exactly the unit.
//!
//! ITU-T H.264 Annex B.

/// Returns the NAL units of an Annex B byte stream, without start codes. None of them is empty.
pub fn nals(stream: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    Nals { rest: after_start_code(stream) }
}

/// Returns whether a decoder can start at this access unit, that is, whether it holds an IDR slice.
pub fn is_keyframe(access_unit: &[u8]) -> bool {
    nals(access_unit).any(|nal| NalType::of(nal) == NalType::Idr)
}

/// Appends `nal` to `stream` behind a four-byte start code.
pub fn push_nal(stream: &mut Vec<u8>, nal: &[u8]) {
    stream.extend_from_slice(&[0, 0, 0, 1]);
    stream.extend_from_slice(nal);
}

/// What a NAL unit holds (ITU-T H.264 table 7-1), as far as forwarding cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NalType {
    /// A slice of a picture that depends on others.
    Slice,
    /// A slice of a picture that decoding can start at.
    Idr,
    /// Supplemental enhancement information.
    Sei,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Access unit delimiter.
    Delimiter,
    /// Filler data.
    Filler,
    /// Anything else; the number is kept.
    Other(u8),
}

impl NalType {
    /// Returns the type of `nal`; an empty one is `Other(0)`.
    pub fn of(nal: &[u8]) -> Self {
        nal.first().map_or(Self::Other(0), |&header| Self::from_header(header))
    }

    /// Returns the type that the first byte of a NAL unit names.
    pub const fn from_header(header: u8) -> Self {
        match header & 0x1f {
            1 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Delimiter,
            12 => Self::Filler,
            other => Self::Other(other),
        }
    }
}

#[derive(Clone)]
struct Nals<'a> {
    /// What follows the last start code.
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Nals<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let rest = self.rest?;
            let end = find_start_code(rest);
            self.rest = end.map(|end| &rest[end + 3..]);
            let nal = strip_zeros(&rest[..end.unwrap_or(rest.len())]);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    }
}

fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    find_start_code(stream).map(|start| &stream[start + 3..])
}

/// Returns where the next 00 00 01 starts.
fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    // Looking at every third byte suffices while it is above 1, which it nearly always is.
    while let Some(&byte) = bytes.get(at) {
        match byte {
            0 => at += 1,
            1 if bytes[at - 1] == 0 && bytes[at - 2] == 0 => return Some(at - 2),
            _ => at += 3,
        }
    }
    None
}

/// A unit never ends in a zero byte; those belong to the next start code or are padding.
fn strip_zeros(nal: &[u8]) -> &[u8] {
    let end = nal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &nal[..end]
}
