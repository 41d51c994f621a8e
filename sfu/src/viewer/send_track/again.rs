//! Sends a track's packets again: those that were asked for, and copies before anybody asks.

use media_rules::codec::vp8::PictureNumbers;
use media_rules::packet::{ExtensionList, PlainHeader};
use media_rules::{MediaKind, MediaTime, Passage};

use super::{Descriptor, Feeds, Outgoing, Outlet, Redundancy, SendTrack};
use crate::packet::{Packet, StreamId};

impl SendTrack {
    /// Answers a request for a packet, if it is still there and there is budget for it.
    pub(in crate::viewer) fn answer(
        &mut self,
        sequence: u16,
        feeds: Feeds<'_>,
        redundancy: Option<&mut Redundancy>,
        out: &mut Outlet<'_>,
    ) {
        if self.kind == MediaKind::Audio {
            let sealed = redundancy.as_ref().and_then(|redundancy| redundancy.sealed(sequence));
            if let Some(sealed) = sealed
                && self.may_repeat(sequence, sealed.len(), out.now)
                && let Some((srtp, path)) = out.link.media()
            {
                out.pace.charge(sealed.len());
                out.egress.push(path, sealed);
                srtp.note_sent(sealed.len());
                self.tally.handle_repeat(sealed.len());
            }
            return;
        }
        let Some(len) = self.original(sequence, out.now, feeds).map(|found| found.packet.rtp.len())
        else {
            metrics::counter!("sfu_rtx_missed_total").increment(1);
            return;
        };
        if self.may_repeat(sequence, len, out.now) {
            metrics::counter!("sfu_rtx_sent_total").increment(1);
            let is_new = self.retransmit(sequence, feeds, out);
            if let Some(redundancy) = redundancy.filter(|_| is_new) {
                redundancy.handle_answer(sequence, out.now);
            }
        }
    }

    /// Sends a packet again that nobody has asked for yet.
    pub(in crate::viewer) fn copy(
        &mut self,
        sequence: u16,
        feeds: Feeds<'_>,
        out: &mut Outlet<'_>,
    ) {
        self.repair.handle_copy(sequence, out.now);
        self.retransmit(sequence, feeds, out);
    }

    fn may_repeat(&mut self, sequence: u16, len: usize, now: MediaTime) -> bool {
        let may = self.repair.may_repeat(sequence, len, now);
        if !may {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "rtx_budget").increment(1);
        }
        may
    }

    /// Finds what the viewer knows as `sequence`.
    fn original<'a>(
        &self,
        sequence: u16,
        now: MediaTime,
        feeds: Feeds<'a>,
    ) -> Option<Original<'a>> {
        let origin = self.splice.source_of(sequence)?;
        let place = match &self.thinner {
            Some(thinner) => thinner.original(origin.source, origin.sequence)?,
            None => Passage { sequence: origin.sequence, shift: PictureNumbers::default() },
        };
        let stream = feeds.stream_of(StreamId::from_raw(origin.source))?;
        let packet = stream.log.by_sequence(place.sequence, now)?;
        Some(Original { packet, timestamp_offset: origin.timestamp_offset, shift: place.shift })
    }

    /// Sends a packet again. Returns whether it got a number of its own.
    fn retransmit(&mut self, sequence: u16, feeds: Feeds<'_>, out: &mut Outlet<'_>) -> bool {
        let Some(original) = self.original(sequence, out.now, feeds) else {
            return false;
        };
        let Original { packet, timestamp_offset, shift } = original;
        let Some(codec) = self.codecs.iter().find(|known| known.codec == packet.codec) else {
            return false;
        };
        let mut header = PlainHeader {
            marker: packet.marker || self.ends_picture(&packet.frame),
            payload_type: codec.payload_type,
            sequence,
            timestamp: packet.timestamp.wrapping_add(timestamp_offset),
            ssrc: self.ssrc,
        };
        let has_own_numbers = codec.rtx_payload_type.is_some();
        if !has_own_numbers && packet.frame.ends_frame && !packet.marker {
            // Whether it was marked depends on what was left out then, and other bytes must never
            // be sealed under the same index.
            return false;
        }
        let original = sequence.to_be_bytes();
        let (index, prefix): (u64, &[u8]) = match codec.rtx_payload_type {
            // Without a stream of its own it is the same packet again, bit for bit: sealing it
            // anew under the same index reveals nothing.
            None => (self.rollover.guess(sequence), &[]),
            Some(payload_type) => {
                let index = self.repair.next_index();
                (header.payload_type, header.ssrc) = (payload_type, self.repair.ssrc);
                // Sequence numbers wrap by definition.
                header.sequence = (index & 0xffff) as u16;
                (index, &original)
            }
        };
        let number = out.pace.number();
        let mut extensions = ExtensionList::default();
        packet.push_extensions(&self.extensions, &mut extensions);
        if has_own_numbers {
            // Another number under the same index would be another packet.
            extensions.push(self.extensions.transport_cc, &number);
        }
        let (descriptor, payload) = Descriptor::shift(packet, shift);
        let outgoing =
            Outgoing { header, extensions, prefix, descriptor: descriptor.bytes(), payload };
        let len = outgoing.max_len();
        if outgoing.seal(index, out.link, out.egress) {
            let is_numbered = has_own_numbers && self.extensions.transport_cc.is_some();
            out.pace.handle_sent(len, is_numbered, out.now);
            self.tally.handle_repeat(descriptor.len + payload.len());
        } else {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "egress_full").increment(1);
        }
        has_own_numbers
    }
}

/// A packet that the viewer was, or would have been, sent.
struct Original<'a> {
    packet: &'a Packet,
    /// To be added, wrapping, to its timestamp.
    timestamp_offset: u32,
    /// To be added, wrapping, to its VP8 numbers.
    shift: PictureNumbers,
}
