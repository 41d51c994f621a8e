//! Redundant sound (RFC 2198) taken apart, so that nobody further on knows of it: the newest frame goes
//! on as a packet of its own, and an older one if the packet that should have brought it is missing.

use bytes::{Bytes, BytesMut};

use media_rules::packet::{MIN_HEADER_LEN, PlainHeader, RtpHeader};
use media_rules::red::{self, Block};
use media_rules::{Arrival, MediaTime};

use super::Publisher;
use crate::packet::Packet;

impl Publisher {
    /// Takes a packet whose number is new. Returns its newest frame; older ones that were missing
    /// are with the recovered packets.
    pub(super) fn handle_redundant(
        &mut self,
        track: usize,
        encoding: usize,
        rtp: &[u8],
        header: &RtpHeader,
        now: MediaTime,
    ) -> Option<Packet> {
        let stream = self.stream(track, encoding);
        let payload_type = self.tracks[track].payload_type;
        let blocks = red::parse(header.payload(rtp)).ok()?;
        let primary = blocks.primary();
        if primary.payload_type != payload_type || primary.payload.is_empty() {
            // What it repeats goes on together with the newest frame, and would pile up without one.
            return None;
        }
        for (sequence, block) in missing(blocks.redundant(), header.sequence) {
            let loss = &mut self.tracks[track].encodings[encoding].loss;
            if block.payload_type != payload_type || !loss.is_missing(sequence) {
                continue;
            }
            if loss.handle_packet(sequence, now) != Arrival::Repaired {
                continue;
            }
            self.tracks[track].encodings[encoding].reception.handle_repaired();
            self.uplink.handle_repaired();
            let timestamp = header.timestamp.wrapping_sub(block.timestamp_offset);
            let plain =
                PlainHeader { marker: false, payload_type, sequence, timestamp, ssrc: header.ssrc };
            let bytes = joined(&plain.to_bytes(), block.payload);
            if let Ok(header) = RtpHeader::parse(&bytes) {
                metrics::counter!("sfu_red_recovered_total").increment(1);
                let packet = self.describe(track, stream, &header, bytes, now);
                self.recovered.push(packet);
            }
        }
        let mut head = BytesMut::from(&rtp[..header.header_len]);
        // The padding, if any, was behind the payload and is gone.
        head[0] &= !0x20;
        head[1] = head[1] & 0x80 | payload_type;
        let bytes = joined(&head, primary.payload);
        let header = RtpHeader::parse(&bytes).ok()?;
        Some(self.describe(track, stream, &header, bytes, now))
    }
}

/// Returns the numbers of redundant blocks, oldest first. They do not say them, so each is taken for the
/// packet as many frames before as its offset is of the newest one's; what does not fit is left out.
fn missing<'a>(
    redundant: &'a [Block<'a>],
    sequence: u16,
) -> impl Iterator<Item = (u16, &'a Block<'a>)> {
    let frame = redundant.last().map_or(0, |newest| newest.timestamp_offset);
    redundant.iter().filter_map(move |block| {
        let back = block.timestamp_offset.checked_div(frame)?;
        let is_whole = back > 0 && back * frame == block.timestamp_offset;
        let back = u16::try_from(back).ok().filter(|_| is_whole)?;
        (!block.payload.is_empty()).then_some((sequence.wrapping_sub(back), block))
    })
}

fn joined(head: &[u8], payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity((head.len() + payload.len()).max(MIN_HEADER_LEN));
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(payload);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use media_rules::{Codec, MediaKind};

    use super::*;
    use crate::codec::{Feedback, NegotiatedCodec};
    use crate::event::PeerId;
    use crate::extension::ExtensionIds;
    use crate::negotiate::Track;

    const fn block(timestamp_offset: u32) -> Block<'static> {
        Block { payload_type: 111, timestamp_offset, payload: &[1] }
    }

    fn numbers(offsets: &[u32]) -> Vec<u16> {
        let blocks: Vec<_> = offsets.iter().map(|offset| block(*offset)).collect();
        missing(&blocks, 2).map(|(sequence, _)| sequence).collect()
    }

    const OPUS: u8 = 111;
    const RED: u8 = 63;

    fn host() -> Publisher {
        let codec = NegotiatedCodec {
            codec: Codec::Opus,
            payload_type: OPUS,
            rtx_payload_type: None,
            red_payload_type: Some(RED),
            feedback: Feedback::default(),
            fmtp: String::new(),
        };
        let track = Track {
            kind: MediaKind::Audio,
            mid: "0".to_owned(),
            codecs: vec![codec],
            extensions: ExtensionIds::default(),
            has_mixed_headers: false,
            rids: Vec::new(),
            has_reduced_size: true,
            ssrc: 1,
            rtx_ssrc: 2,
        };
        Publisher::new(PeerId::new(1, 0), &[track], 1_000_000)
    }

    /// A packet with the frame before it, whose newest frame is `newest`.
    fn packet(sequence: u16, newest: &[u8]) -> Vec<u8> {
        let timestamp = u32::from(sequence) * 960;
        let header = PlainHeader { marker: false, payload_type: RED, sequence, timestamp, ssrc: 7 };
        let mut rtp = header.to_bytes().to_vec();
        let newest = Block { payload_type: OPUS, timestamp_offset: 0, payload: newest };
        let before = Block { payload_type: OPUS, timestamp_offset: 960, payload: &[1; 80] };
        red::write(&[before], newest, &mut rtp);
        rtp
    }

    #[test]
    fn a_lost_frame_comes_with_the_next_one() {
        let (mut host, now) = (host(), MediaTime::from_millis(1));
        assert!(host.handle_rtp(&packet(1, &[5]), now).is_some());
        let newest = host.handle_rtp(&packet(3, &[5]), now).expect("the newest frame");
        assert_eq!((newest.sequence, newest.payload()), (3, &[5][..]));
        let recovered: Vec<u16> = host.take_recovered().iter().map(|one| one.sequence).collect();
        assert_eq!(recovered, [2]);
    }

    #[test]
    fn nothing_piles_up_behind_packets_that_have_no_frame_of_their_own() {
        let (mut host, now) = (host(), MediaTime::from_millis(1));
        for sequence in (1..2_000).step_by(2) {
            assert!(host.handle_rtp(&packet(sequence, &[]), now).is_none());
        }
        assert!(host.take_recovered().len() <= red::MAX_BLOCKS);
    }

    #[test]
    fn blocks_are_numbered_by_their_age_across_the_wrap() {
        assert_eq!(numbers(&[2_880, 1_920, 960]), [u16::MAX, 0, 1]);
        assert_eq!(numbers(&[960]), [1]);
        assert!(numbers(&[]).is_empty());
    }

    #[test]
    fn a_block_between_two_frames_and_one_of_no_age_are_nobody() {
        assert_eq!(numbers(&[1_000, 960]), [1]);
        assert!(numbers(&[960, 0]).is_empty());
    }
}
