//! The RTP header with its extensions, read and written. A forwarded packet gets a header of ours, so
//! nothing here allocates.
//!
//! <https://www.rfc-editor.org/rfc/rfc3550#section-5.1> · <https://www.rfc-editor.org/rfc/rfc8285>

mod extension;

pub use extension::{ExtensionList, Extensions};

/// The length of a header without contributing sources and extensions.
pub const MIN_HEADER_LEN: usize = 12;

/// What the header of one RTP packet says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtpHeader {
    /// Ends an access unit of video, or starts a talk spurt of audio.
    pub marker: bool,
    /// Payload type, 0-127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the codec clock.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
    /// Bytes before the payload: fixed header, contributing sources and extensions.
    pub header_len: usize,
    /// Padding bytes after the payload.
    pub padding_len: usize,
}

impl RtpHeader {
    /// Reads the header of a packet in the clear.
    ///
    /// # Errors
    ///
    /// Returns what makes the bytes no RTP packet.
    pub fn parse(packet: &[u8]) -> Result<Self, PacketError> {
        let mut header = Self::parse_sealed(packet)?;
        if packet[0] & 0x20 != 0 {
            let padding = usize::from(*packet.last().expect("a parsed packet is not empty"));
            if padding == 0 || header.header_len + padding > packet.len() {
                return Err(PacketError::BadPadding);
            }
            header.padding_len = padding;
        }
        Ok(header)
    }

    /// Reads the header of a packet whose payload is still encrypted, so its padding is unknown.
    ///
    /// # Errors
    ///
    /// Returns what makes the bytes no RTP packet.
    pub fn parse_sealed(packet: &[u8]) -> Result<Self, PacketError> {
        if packet.len() < MIN_HEADER_LEN {
            return Err(PacketError::TooShort);
        }
        if packet[0] >> 6 != 2 {
            return Err(PacketError::WrongVersion);
        }
        let mut header_len = MIN_HEADER_LEN + 4 * usize::from(packet[0] & 0x0f);
        if packet[0] & 0x10 != 0 {
            let head = packet.get(header_len..header_len + 4).ok_or(PacketError::TooShort)?;
            header_len += 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        }
        if header_len > packet.len() {
            return Err(PacketError::TooShort);
        }
        Ok(Self {
            marker: packet[1] & 0x80 != 0,
            payload_type: packet[1] & 0x7f,
            sequence: u16::from_be_bytes([packet[2], packet[3]]),
            timestamp: u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]),
            ssrc: u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]),
            header_len,
            padding_len: 0,
        })
    }

    /// Returns the payload of the `packet` that this header was read from, without padding.
    ///
    /// # Panics
    ///
    /// Panics if `packet` is shorter than the one that was parsed.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        &packet[self.payload_range(packet.len())]
    }

    /// Returns the header extensions of the `packet` that this header was read from, in order.
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        Extensions::of(packet)
    }

    /// Returns where the payload lies in a packet of `packet_len` bytes.
    pub const fn payload_range(&self, packet_len: usize) -> std::ops::Range<usize> {
        self.header_len..packet_len - self.padding_len
    }
}

/// The fields of a header that we write ourselves, in front of a payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlainHeader {
    /// Ends an access unit of video.
    pub marker: bool,
    /// Payload type, 0-127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the codec clock.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
}

impl PlainHeader {
    /// Returns the header's bytes.
    pub fn to_bytes(self) -> [u8; MIN_HEADER_LEN] {
        let mut out = [0; MIN_HEADER_LEN];
        out[0] = 0x80;
        out[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        out
    }
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PacketError {
    /// The bytes end inside the header.
    #[error("the packet ends inside its header")]
    TooShort,
    /// The first two bits are not 2.
    #[error("the packet is not RTP version 2")]
    WrongVersion,
    /// The padding count is zero or reaches into the header.
    #[error("the packet's padding is longer than its payload")]
    BadPadding,
}
