//! Writes a packet as one viewer gets it, header and all, into the arena and seals it there.

use media_rules::packet::{ExtensionList, MIN_HEADER_LEN, PlainHeader};

use crate::egress::Egress;
use crate::link::Link;
use crate::srtp::MAX_OVERHEAD;

const EXTENSION_BIT: u8 = 0x10;
const PADDING_BIT: u8 = 0x20;
/// The most padding that one packet holds; the last byte tells how much it is.
pub(super) const MAX_PADDING: usize = 255;
static PADDING: [u8; MAX_PADDING] = {
    let mut bytes = [0; MAX_PADDING];
    bytes[MAX_PADDING - 1] = 255;
    bytes
};

/// A packet about to be sealed.
pub(super) struct Outgoing<'a> {
    pub(super) header: PlainHeader,
    pub(super) extensions: ExtensionList<'a>,
    /// In front of the payload: the original number of a retransmission (RFC 4588 section 4).
    pub(super) prefix: &'a [u8],
    /// The part of the payload that was rewritten.
    pub(super) descriptor: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl Outgoing<'_> {
    /// The most by which a packet gets longer than it came in.
    pub(super) const MAX_GROWTH: usize = 128;

    /// Returns the room that the packet takes at most.
    pub(super) fn max_len(&self) -> usize {
        self.header_len() + self.body_len() + MAX_OVERHEAD
    }

    /// Seals the packet under `index`, which no other packet of its SSRC may have. Returns `false`
    /// if the arena has no room for it.
    pub(super) fn seal(&self, index: u64, link: &mut Link, egress: &mut Egress) -> bool {
        self.seal_with(0, index, link, egress)
    }

    /// Seals the packet with as much padding as it holds instead of a payload.
    pub(super) fn seal_padding(&self, index: u64, link: &mut Link, egress: &mut Egress) -> bool {
        Self { payload: &PADDING, ..*self }.seal_with(PADDING_BIT, index, link, egress)
    }

    fn seal_with(&self, bits: u8, index: u64, link: &mut Link, egress: &mut Egress) -> bool {
        let Some((srtp, path)) = link.media() else {
            return true;
        };
        let header_len = self.header_len();
        let len = header_len + self.body_len();
        let max_len = len + MAX_OVERHEAD;
        if !egress.has_room(max_len) {
            return false;
        }
        egress.put(path, max_len, |out| {
            let (head, rest) = out.split_at_mut(header_len);
            let (fixed, block) = head.split_at_mut(MIN_HEADER_LEN);
            fixed.copy_from_slice(&self.header.to_bytes());
            fixed[0] |= bits;
            if !block.is_empty() {
                fixed[0] |= EXTENSION_BIT;
                self.extensions.write(block);
            }
            let (start, rest) = rest.split_at_mut(self.prefix.len());
            start.copy_from_slice(self.prefix);
            let (start, rest) = rest.split_at_mut(self.descriptor.len());
            start.copy_from_slice(self.descriptor);
            rest[..self.payload.len()].copy_from_slice(self.payload);
            srtp.seal_rtp(out, header_len, len, index)
        });
        true
    }

    fn body_len(&self) -> usize {
        self.prefix.len() + self.descriptor.len() + self.payload.len()
    }

    fn header_len(&self) -> usize {
        MIN_HEADER_LEN + self.extensions.encoded_len()
    }
}
