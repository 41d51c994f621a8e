//! The part of an RTP packet that SRTP leaves readable.

/// A header (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// Ends a frame.
    pub(crate) marker: bool,
    /// What the payload is.
    pub(crate) payload_type: u8,
    /// Number of the packet.
    pub(crate) sequence: u16,
    /// Clock of the media.
    pub(crate) timestamp: u32,
    /// The stream.
    pub(crate) ssrc: u32,
    /// Where the payload begins.
    pub(crate) len: usize,
    /// Transport-wide number, if the header carries it.
    pub(crate) transport_number: Option<u16>,
}

impl Header {
    /// Reads a header; `transport_cc` is the id of the transport-wide number.
    pub(crate) fn parse(packet: &[u8], transport_cc: Option<u8>) -> Option<Self> {
        let fixed = packet.first_chunk::<12>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut len = 12 + usize::from(fixed[0] & 0x0f) * 4;
        let mut transport_number = None;
        if fixed[0] & 0x10 != 0 {
            let head = packet.get(len..len + 4)?;
            let body = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
            let extensions = packet.get(len + 4..len + 4 + body)?;
            transport_number = transport_cc.and_then(|id| match (head[0], head[1]) {
                (0xbe, 0xde) => one_byte(extensions, id),
                (0x10, _) => two_byte(extensions, id),
                _ => None,
            });
            len += 4 + body;
        }
        Some(Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
            transport_number,
        })
    }
}

/// RFC 8285 section 4.2.
fn one_byte(mut rest: &[u8], wanted: u8) -> Option<u16> {
    while let Some((first, after)) = rest.split_first() {
        if *first == 0 {
            rest = after;
            continue;
        }
        let (id, len) = (first >> 4, usize::from(first & 0x0f) + 1);
        let value = after.get(..len)?;
        if id == wanted {
            return Some(u16::from_be_bytes(value.try_into().ok()?));
        }
        rest = &after[len..];
    }
    None
}

/// RFC 8285 section 4.3.
fn two_byte(mut rest: &[u8], wanted: u8) -> Option<u16> {
    while let Some((id, after)) = rest.split_first() {
        if *id == 0 {
            rest = after;
            continue;
        }
        let (len, after) = after.split_first()?;
        let value = after.get(..usize::from(*len))?;
        if *id == wanted {
            return Some(u16::from_be_bytes(value.try_into().ok()?));
        }
        rest = &after[usize::from(*len)..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_wide_number_is_found_in_both_forms() {
        let fixed = [0x90, 0xe6, 0, 5, 0, 0, 0, 9, 0, 0, 0, 7];
        let one =
            [&fixed[..], &[0xbe, 0xde, 0, 2, 0x10, 0xff, 0, 0x31, 0x12, 0x34, 0, 0, 1]].concat();
        let two = [&fixed[..], &[0x10, 0, 0, 2, 1, 0, 3, 2, 0x12, 0x34, 0, 0, 1]].concat();
        for packet in [one, two] {
            let header = Header::parse(&packet, Some(3)).expect("a packet");
            assert_eq!(header.transport_number, Some(0x1234));
            assert!(header.marker);
            assert_eq!((header.payload_type, header.sequence, header.timestamp), (102, 5, 9));
            assert_eq!((header.ssrc, header.len), (7, 24));
            for len in 0..packet.len() {
                let _ = Header::parse(&packet[..len], Some(3));
            }
        }
    }
}
