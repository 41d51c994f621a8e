//! Cuts access units into RTP payloads, packetization-mode 1.
//!
//! Small units that follow one another share a packet (STAP-A), so parameter sets ride in one and
//! cannot be lost apart; large units are cut into fragments (FU-A) of one size, the last shorter,
//! which lets the sender hand a whole frame to the kernel at once.
//!
//! <https://www.rfc-editor.org/rfc/rfc6184#section-5.6>

use bytes::{BufMut, Bytes, BytesMut};

use super::annex_b::{NalType, nals};
use super::rtp_payload::{FU_A, FU_END, FU_START, STAP_A};

/// Makes payloads of a bounded size.
#[derive(Clone, Copy, Debug)]
pub struct Packetizer {
    max_payload: usize,
}

impl Packetizer {
    /// Fits a 1200-byte packet with a plain 12-byte header.
    pub const DEFAULT_MAX_PAYLOAD: usize = 1188;

    /// Makes payloads of at most `max_payload` bytes.
    ///
    /// # Panics
    ///
    /// Panics if `max_payload` is below 64 or above 65535, which no network asks for.
    pub const fn new(max_payload: usize) -> Self {
        assert!(max_payload >= 64 && max_payload <= 0xffff, "no such network");
        Self { max_payload }
    }

    /// Appends the payloads of an Annex B access unit to `out`; the last of them takes the marker.
    ///
    /// Delimiters and filler are left out: RTP has its own means for both.
    pub fn packetize(&self, access_unit: &Bytes, out: &mut Vec<Bytes>) {
        // Units waiting to share a packet; their STAP-A would have `aggregate_len` bytes.
        let mut waiting: Vec<&[u8]> = Vec::new();
        let mut aggregate_len = 1;
        for nal in nals(access_unit) {
            if matches!(NalType::of(nal), NalType::Delimiter | NalType::Filler) {
                continue;
            }
            if aggregate_len + 2 + nal.len() > self.max_payload {
                flush(access_unit, &mut waiting, aggregate_len, out);
                aggregate_len = 1;
            }
            if nal.len() > self.max_payload {
                self.fragment(nal, out);
            } else {
                // A unit that fits alone but not with a length in front still ends up alone.
                waiting.push(nal);
                aggregate_len += 2 + nal.len();
            }
        }
        flush(access_unit, &mut waiting, aggregate_len, out);
    }

    fn fragment(&self, nal: &[u8], out: &mut Vec<Bytes>) {
        let (header, body) = (nal[0], &nal[1..]);
        let pieces = body.chunks(self.max_payload - 2);
        let last = pieces.len() - 1;
        // One allocation for the whole unit; the payloads are slices of it.
        let mut bytes = BytesMut::with_capacity(body.len() + 2 * pieces.len());
        for (index, piece) in pieces.enumerate() {
            bytes.put_u8(header & 0xe0 | FU_A);
            let mut fu_header = header & 0x1f;
            if index == 0 {
                fu_header |= FU_START;
            }
            if index == last {
                fu_header |= FU_END;
            }
            bytes.put_u8(fu_header);
            bytes.put_slice(piece);
            out.push(bytes.split().freeze());
        }
    }
}

impl Default for Packetizer {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_PAYLOAD)
    }
}

/// Sends one waiting unit as it is, several as a STAP-A (RFC 6184 section 5.7.1).
fn flush(
    access_unit: &Bytes,
    waiting: &mut Vec<&[u8]>,
    aggregate_len: usize,
    out: &mut Vec<Bytes>,
) {
    match waiting.as_slice() {
        [] => {}
        [alone] => out.push(access_unit.slice_ref(alone)),
        several => {
            let mut payload = BytesMut::with_capacity(aggregate_len);
            // The aggregate is as important as its most important unit.
            let importance = several.iter().map(|nal| nal[0] & 0x60).max().unwrap_or_default();
            payload.put_u8(importance | STAP_A);
            for nal in several {
                let len = u16::try_from(nal.len()).expect("a waiting unit fits the payload");
                payload.put_u16(len);
                payload.put_slice(nal);
            }
            out.push(payload.freeze());
        }
    }
    waiting.clear();
}
