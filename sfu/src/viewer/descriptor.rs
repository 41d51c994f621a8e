//! VP8's numbers in a viewer's packets: a viewer's stream is joined and thinned out, and the numbers
//! in its payloads must not show it.

use media_rules::Codec;
use media_rules::codec::vp8::{self, PictureNumbers};

use crate::packet::Packet;

/// A payload's first bytes, with numbers that fit the outgoing stream.
#[derive(Default)]
pub(super) struct Descriptor {
    bytes: [u8; vp8::MAX_DESCRIPTOR_LEN],
    pub(super) len: usize,
}

impl Descriptor {
    /// Takes a payload apart into what changes and what does not.
    pub(super) fn shift(packet: &Packet, shift: PictureNumbers) -> (Self, &[u8]) {
        let payload = packet.payload();
        if packet.codec != Codec::Vp8 || shift == PictureNumbers::default() {
            return (Self::default(), payload);
        }
        match vp8::Descriptor::parse(payload) {
            Some(read) => {
                let bytes = read.shifted(payload, shift);
                (Self { bytes, len: read.len }, &payload[read.len..])
            }
            None => (Self::default(), payload),
        }
    }

    /// Returns what goes in front of the rest of the payload.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Returns a VP8 packet's own numbers.
pub(super) fn picture_numbers(packet: &Packet) -> Option<PictureNumbers> {
    (packet.codec == Codec::Vp8).then(|| vp8::Descriptor::parse(packet.payload())?.numbers())?
}
