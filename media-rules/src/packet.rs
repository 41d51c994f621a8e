//! The RTP header: read it once, change four of its fields in place.
//!
//! A forwarded packet is copied and restamped for every viewer, so nothing here allocates and the
//! setters write straight into the bytes. The setters assume a header that [`RtpHeader::parse`]
//! has accepted.
//!
//! <https://www.rfc-editor.org/rfc/rfc3550#section-5.1>

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
    /// Profile and position of the extension block's data.
    extensions: Option<Extensions>,
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
        let mut extensions = None;
        if packet[0] & 0x10 != 0 {
            let head = packet.get(header_len..header_len + 4).ok_or(PacketError::TooShort)?;
            let profile = u16::from_be_bytes([head[0], head[1]]);
            let start = header_len + 4;
            header_len = start + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            extensions = Some(Extensions { profile, start });
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
            extensions,
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

    /// Returns where the payload lies in a packet of `packet_len` bytes.
    pub const fn payload_range(&self, packet_len: usize) -> std::ops::Range<usize> {
        self.header_len..packet_len - self.padding_len
    }

    /// Returns the header extension `id` of the `packet` that this header was read from.
    ///
    /// Understands both forms of RFC 8285, one-byte (section 4.2) and two-byte (section 4.3).
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        let Extensions { profile, start } = self.extensions?;
        let mut rest = packet.get(start..self.header_len)?;
        let two_bytes = match profile {
            0xbede => false,
            profile if profile & 0xfff0 == 0x1000 => true,
            _ => return None,
        };
        while let Some((&first, after)) = rest.split_first() {
            if first == 0 {
                rest = after;
                continue;
            }
            let (this, len, after) = if two_bytes {
                let (&len, after) = after.split_first()?;
                (first, usize::from(len), after)
            } else {
                if first >> 4 == 15 {
                    return None;
                }
                (first >> 4, usize::from(first & 0x0f) + 1, after)
            };
            let value = after.get(..len)?;
            if this == id {
                return Some(value);
            }
            rest = &after[len..];
        }
        None
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
        set_sequence(&mut out, self.sequence);
        set_timestamp(&mut out, self.timestamp);
        set_ssrc(&mut out, self.ssrc);
        out
    }
}

/// Changes the payload type and leaves the marker as it is.
pub fn set_payload_type(packet: &mut [u8], payload_type: u8) {
    packet[1] = packet[1] & 0x80 | payload_type & 0x7f;
}

/// Changes the marker and leaves the payload type as it is.
pub fn set_marker(packet: &mut [u8], marker: bool) {
    packet[1] = packet[1] & 0x7f | u8::from(marker) << 7;
}

/// Changes the sequence number.
pub fn set_sequence(packet: &mut [u8], sequence: u16) {
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
}

/// Changes the timestamp.
pub fn set_timestamp(packet: &mut [u8], timestamp: u32) {
    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
}

/// Changes the synchronization source.
pub fn set_ssrc(packet: &mut [u8], ssrc: u32) {
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
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

/// Where the extension block's data starts; it ends where the header ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Extensions {
    profile: u16,
    start: usize,
}
