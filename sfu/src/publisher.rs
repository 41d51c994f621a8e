//! The receiving half of a publisher: puts its packets in order of meaning, repairs and reports.
//!
//! A retransmission is unwrapped to the packet it stands for, so that nobody further on knows that it
//! was late.

mod counts;
mod feedback;
mod receive_track;
mod sound;
mod uplink;
mod vitals;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use media_rules::health::Conditions;
use media_rules::packet::{MIN_HEADER_LEN, PlainHeader, RtpHeader};
use media_rules::{Arrival, MediaKind, MediaTime};

use crate::clock::ntp_nanos;
use crate::command::Silence;
use crate::event::PeerId;
use crate::negotiate::Track;
use crate::packet::{Anchor, Packet, PacketExtensions, SourceId, StreamId};
use receive_track::{Place, ReceiveTrack};
use uplink::Uplink;
pub(crate) use vitals::News;
use vitals::Vitals;

/// A stream's clock is told to every viewer, so not more often than this, whatever its sender says.
const ANCHOR_INTERVAL: Duration = Duration::from_millis(100);

/// A publisher's tracks.
pub(crate) struct Publisher {
    peer: PeerId,
    tracks: Vec<ReceiveTrack>,
    epoch: u8,
    /// Smallest (arrival - sender's NTP) so far, in nanoseconds: both tracks share it, which is
    /// what keeps lips in sync.
    ntp_offset: Option<i128>,
    reported: MediaTime,
    uplink: Uplink,
    /// Whether feedback may go without a report in front of it (RFC 5506).
    has_reduced_size: bool,
    newest: Option<MediaTime>,
    /// What goes no further. It is received and repaired all the same.
    silence: Silence,
    vitals: Vitals,
    /// Bounded by what one packet of redundant sound holds.
    recovered: Vec<Packet>,
    /// Whether the world was told that the feed is live.
    pub(crate) is_live: bool,
}

impl Publisher {
    /// Creates the tracks that the negotiation agreed on.
    pub(crate) fn new(peer: PeerId, tracks: &[Track], max_bps: u32) -> Self {
        let has_reduced_size = tracks.iter().all(|track| track.has_reduced_size);
        let has_transport_cc = tracks.iter().any(|track| track.extensions.transport_cc.is_some());
        Self {
            peer,
            tracks: tracks.iter().map(ReceiveTrack::new).collect(),
            epoch: 0,
            ntp_offset: None,
            reported: MediaTime::default(),
            uplink: Uplink::new(has_transport_cc, max_bps),
            has_reduced_size,
            newest: None,
            silence: Silence::default(),
            vitals: Vitals::default(),
            recovered: Vec::new(),
            is_live: false,
        }
    }

    /// Returns the current source.
    pub(crate) fn source(&self) -> SourceId {
        SourceId::new(self.peer, self.epoch)
    }

    /// Returns what of this publisher goes no further.
    pub(crate) const fn silence(&self) -> Silence {
        self.silence
    }

    /// Sets what goes no further. A picture that comes back does so as a new source, which is
    /// returned: viewers count its packets on from what they got last, however many were dropped.
    pub(crate) fn set_silence(&mut self, silence: Silence) -> Option<SourceId> {
        let comes_back = self.silence.video && !silence.video;
        self.silence = silence;
        if !comes_back {
            return None;
        }
        match self.epoch.checked_add(1) {
            Some(epoch) => {
                self.epoch = epoch;
                Some(self.source())
            }
            // Under the old numbers its packets could not be told from others; see `handle_rtp`. Whoever
            // was silenced that often publishes anew.
            None => {
                self.silence.video = true;
                None
            }
        }
    }

    /// Takes a decrypted packet. Returns what to pass on: nothing for padding, duplicates and
    /// strangers.
    pub(crate) fn handle_rtp(&mut self, rtp: &[u8], now: MediaTime) -> Option<Packet> {
        let header = RtpHeader::parse(rtp).ok()?;
        let at = self.tracks.iter().position(|track| track.takes(header.payload_type))?;
        self.take_number(at, &header, rtp, now);
        let encoding = match self.tracks[at].place(&header, rtp)? {
            Place::Retransmission(encoding) => {
                return self.handle_retransmission(at, encoding, rtp, &header, now);
            }
            Place::Media(encoding) => encoding,
            Place::Begin(number) => {
                if self.tracks[at].has_begun(number) {
                    // A sender that changes its SSRC all the time runs out of epochs, and its new
                    // streams are ignored: two packets in one place would go to viewers under one
                    // index, which gives their keys away (RFC 3711 section 9.1).
                    self.epoch = self.epoch.checked_add(1)?;
                    self.uplink.handle_begin();
                }
                self.tracks[at].begin(number, header.ssrc)
            }
        };
        let stream = self.stream(at, encoding);
        let received = &mut self.tracks[at].encodings[encoding];
        // Without RTX, as sound mostly is, a repeat comes under the number of the original.
        let is_repeat = received.loss.is_asked_for(header.sequence);
        if !is_repeat {
            received.reception.handle_packet(header.sequence, header.timestamp, now);
        }
        if received.loss.handle_packet(header.sequence, now) == Arrival::Duplicate {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "duplicate").increment(1);
            return None;
        }
        received.counts.handle_payload(&header, rtp);
        if is_repeat {
            received.reception.handle_repaired();
            self.uplink.handle_repaired();
        } else {
            self.uplink.handle_media(stream.slot.kind(), &header, rtp.len(), now);
        }
        self.newest = Some(now);
        if self.tracks[at].red_payload_type == Some(header.payload_type) {
            return self.handle_redundant(at, encoding, rtp, &header, now);
        }
        Some(self.describe(at, stream, &header, Bytes::copy_from_slice(rtp), now))
    }

    /// Returns packets that were lost and came with a later one, oldest first.
    pub(crate) fn take_recovered(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.recovered)
    }

    /// Takes a sender report. Returns the stream and its new anchor, if it is to be told.
    pub(crate) fn handle_sender_report(
        &mut self,
        ssrc: u32,
        ntp: u64,
        rtp_timestamp: u32,
        now: MediaTime,
    ) -> Option<(StreamId, Anchor)> {
        let (track, encoding) = self.find(ssrc)?;
        let reported = &mut self.tracks[track].encodings[encoding];
        reported.reception.handle_sender_report(ntp, now);
        if reported.anchored.is_some_and(|at| now.since(at) < ANCHOR_INTERVAL) {
            return None;
        }
        reported.anchored = Some(now);
        let sent = i128::from(ntp_nanos(ntp));
        let offset = i128::from(now.nanos()) - sent;
        let offset = self.ntp_offset.map_or(offset, |smallest| smallest.min(offset));
        self.ntp_offset = Some(offset);
        let at = MediaTime::from_nanos(u64::try_from(sent + offset).ok()?);
        Some((self.stream(track, encoding), Anchor { at, rtp_timestamp }))
    }

    /// Returns what is to be told of voice and network.
    pub(crate) fn poll_news(&mut self, now: MediaTime) -> News {
        if self.newest.is_none() {
            return News::default();
        }
        if self.vitals.is_due(now) {
            let (mut expected, mut received, mut jitter) = (0, 0, Duration::ZERO);
            for encoding in self.tracks.iter().flat_map(|track| &track.encodings) {
                let (sent, arrived) = encoding.reception.counts();
                (expected, received) = (expected + sent, received + arrived);
                jitter = jitter.max(encoding.reception.jitter());
            }
            let conditions = Conditions { rtt: self.uplink.measured_rtt(), jitter };
            self.vitals.sample(expected, received, conditions, now);
        }
        self.vitals.poll_news(now)
    }

    /// Returns what a packet needs to the publisher and back, once that has been measured.
    pub(crate) const fn measured_rtt(&self) -> Option<Duration> {
        self.uplink.measured_rtt()
    }

    /// The publisher answered a reference time of ours after `rtt`.
    pub(crate) fn handle_rtt(&mut self, rtt: Duration) {
        self.uplink.handle_rtt(rtt);
    }

    /// Returns the round trip, once it was measured.
    pub(crate) const fn rtt(&self) -> Option<Duration> {
        self.uplink.measured_rtt()
    }

    /// Returns the names of the video's encodings; none if there is only one.
    pub(crate) fn rids(&self) -> &[String] {
        let video = self.tracks.iter().find(|track| track.kind == MediaKind::Video);
        video.map_or(&[], |track| &track.rids)
    }

    /// Returns when the newest packet arrived.
    pub(crate) fn newest(&self) -> Option<MediaTime> {
        self.newest
    }

    fn stream(&self, track: usize, encoding: usize) -> StreamId {
        StreamId { source: self.source(), slot: self.tracks[track].slot(encoding) }
    }

    /// Finds track and encoding by SSRC.
    fn find(&self, ssrc: u32) -> Option<(usize, usize)> {
        self.tracks.iter().enumerate().find_map(|(at, track)| {
            let encoding = track.encodings.iter().position(|encoding| encoding.ssrc == ssrc)?;
            Some((at, encoding))
        })
    }

    /// Puts a retransmitted packet back in its place (RFC 4588 section 4): the same header with the
    /// number, the type and the SSRC of the original, and the payload behind its number.
    fn handle_retransmission(
        &mut self,
        track: usize,
        encoding: usize,
        rtp: &[u8],
        header: &RtpHeader,
        now: MediaTime,
    ) -> Option<Packet> {
        let stream = self.stream(track, encoding);
        let payload_type = self.tracks[track].payload_type;
        let received = &mut self.tracks[track].encodings[encoding];
        // Without an original sequence number it is padding that probes the bandwidth.
        let (original, _) = header.payload(rtp).split_first_chunk::<2>()?;
        let sequence = u16::from_be_bytes(*original);
        if received.loss.handle_packet(sequence, now) == Arrival::Duplicate {
            return None;
        }
        received.reception.handle_repaired();
        self.uplink.handle_repaired();
        let (head, rest) = rtp.split_at(header.header_len);
        let mut bytes = BytesMut::with_capacity(rtp.len());
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(&rest[original.len()..]);
        let plain = PlainHeader {
            marker: header.marker,
            payload_type,
            sequence,
            timestamp: header.timestamp,
            ssrc: received.ssrc,
        };
        // The first byte says what follows the fixed header, which is as it was.
        bytes[1..MIN_HEADER_LEN].copy_from_slice(&plain.to_bytes()[1..]);
        let header = RtpHeader::parse(&bytes).ok()?;
        received.counts.handle_payload(&header, &bytes);
        metrics::counter!("sfu_rtx_received_total").increment(1);
        Some(self.describe(track, stream, &header, bytes.freeze(), now))
    }

    /// Reads what viewers are told of a packet.
    fn describe(
        &mut self,
        track: usize,
        stream: StreamId,
        header: &RtpHeader,
        rtp: Bytes,
        now: MediaTime,
    ) -> Packet {
        let track = &mut self.tracks[track];
        let extensions = PacketExtensions::read(&track.extensions, header, &rtp);
        let mut packet = Packet::new(stream, track.codec, now, header, extensions, rtp);
        let encoding = track.encodings.iter_mut().find(|encoding| encoding.ssrc == header.ssrc);
        if let Some(encoding) = encoding {
            let (payload, descriptor) = (packet.payload(), packet.descriptor());
            packet.frame = encoding.frames.read(payload, packet.marker, descriptor);
            if packet.frame.is_entry {
                encoding.wish.handle_keyframe();
            }
            encoding.counts.handle_packet(&packet);
        }
        self.vitals.handle_packet(&packet, now);
        packet
    }

    /// Notes a packet's transport-wide number, whatever the packet is.
    fn take_number(&mut self, track: usize, header: &RtpHeader, rtp: &[u8], now: MediaTime) {
        if let Some(id) = self.tracks[track].extensions.transport_cc {
            let number = header.extensions(rtp).find(|(found, _)| *found == id);
            if let Some((_, number)) = number {
                self.uplink.handle_number(number, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use media_rules::Codec;

    use super::*;
    use crate::codec::{Feedback, NegotiatedCodec};
    use crate::extension::ExtensionIds;
    use crate::packet::Slot;
    use crate::rtcp;

    const MEDIA: u8 = 102;
    const RTX: u8 = 103;

    fn simulcast() -> Publisher {
        let codec = NegotiatedCodec {
            codec: Codec::H264,
            payload_type: MEDIA,
            rtx_payload_type: Some(RTX),
            red_payload_type: None,
            feedback: Feedback { nack: true, ..Feedback::default() },
            fmtp: String::new(),
        };
        let extensions =
            ExtensionIds { rid: Some(10), repaired_rid: Some(11), ..ExtensionIds::default() };
        let track = Track {
            kind: MediaKind::Video,
            mid: "0".to_owned(),
            codecs: vec![codec],
            extensions,
            has_mixed_headers: false,
            rids: vec!["h".to_owned(), "l".to_owned()],
            has_reduced_size: true,
            ssrc: 1,
            rtx_ssrc: 2,
        };
        Publisher::new(PeerId::new(1, 0), &[track], 1_000_000)
    }

    /// A packet that may name an encoding: the extension's id and the name, one letter.
    fn rtp(pt: u8, ssrc: u32, sequence: u16, named: Option<(u8, u8)>, payload: &[u8]) -> Vec<u8> {
        let header = PlainHeader { marker: true, payload_type: pt, sequence, timestamp: 9, ssrc };
        let mut out = header.to_bytes().to_vec();
        if let Some((id, name)) = named {
            out[0] |= 0x10;
            out.extend([0xbe, 0xde, 0, 1, id << 4, name, 0, 0]);
        }
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn encodings_are_told_apart_by_name_first_and_by_ssrc_afterwards() {
        let mut host = simulcast();
        let now = MediaTime::from_nanos(1);
        let mut slot = |rtp: &[u8]| host.handle_rtp(rtp, now).map(|packet| packet.stream.slot);
        // Nobody knows yet what this is.
        assert_eq!(slot(&rtp(MEDIA, 70, 1, None, &[0x41])), None);
        assert_eq!(slot(&rtp(MEDIA, 70, 2, Some((10, b'l')), &[0x41])), Some(Slot::encoding(1)));
        assert_eq!(slot(&rtp(MEDIA, 60, 5, Some((10, b'h')), &[0x41])), Some(Slot::encoding(0)));
        assert_eq!(slot(&rtp(MEDIA, 70, 3, None, &[0x41])), Some(Slot::encoding(1)));
        assert_eq!(slot(&rtp(MEDIA, 50, 1, Some((10, b'x')), &[0x41])), None);
    }

    #[test]
    fn what_is_sent_again_goes_back_to_the_encoding_that_it_names() {
        let mut host = simulcast();
        let now = MediaTime::from_nanos(1);
        for (ssrc, name) in [(60, b'h'), (70, b'l')] {
            assert!(
                host.handle_rtp(&rtp(MEDIA, ssrc, 5, Some((10, name)), &[0x41]), now).is_some()
            );
            assert!(host.handle_rtp(&rtp(MEDIA, ssrc, 7, None, &[0x41]), now).is_some());
        }
        let original = [0, 6, 0x41, 0x9a];
        assert!(host.handle_rtp(&rtp(RTX, 71, 1, None, &original), now).is_none());
        let named = host.handle_rtp(&rtp(RTX, 71, 2, Some((11, b'l')), &original), now);
        let packet = named.expect("it names its encoding");
        assert_eq!((packet.stream.slot, packet.sequence), (Slot::encoding(1), 6));
        assert_eq!(packet.payload(), [0x41, 0x9a]);
        // From then on its SSRC is known; the other encoding is not touched by it.
        let duplicate = host.handle_rtp(&rtp(RTX, 71, 3, None, &original), now);
        assert!(duplicate.is_none(), "it was there already");
        let other = host.handle_rtp(&rtp(RTX, 61, 1, Some((11, b'h')), &original), now);
        assert_eq!(other.map(|packet| packet.stream.slot), Some(Slot::encoding(0)));
    }

    #[test]
    fn a_sender_that_changes_its_ssrc_all_the_time_is_ignored_in_the_end() {
        let mut host = simulcast();
        let now = MediaTime::from_nanos(1);
        let mut places = std::collections::HashSet::new();
        // Two senders in turn, each with numbers of its own, as a publisher of two pictures has.
        for sequence in (1..400).step_by(2) {
            for (ssrc, step) in [(60, 0), (60, 1), (61, 0), (61, 1)] {
                let datagram = rtp(MEDIA, ssrc, sequence + step, Some((10, b'h')), &[0x41]);
                if let Some(packet) = host.handle_rtp(&datagram, now) {
                    let place = (packet.stream, packet.sequence);
                    assert!(places.insert(place), "two packets in one place: {place:?}");
                }
            }
        }
        assert!(places.len() > 200, "the first of them are taken");
    }

    #[test]
    fn the_clock_of_a_stream_is_told_only_so_often() {
        let mut host = simulcast();
        for (ssrc, name) in [(60, b'h'), (70, b'l')] {
            let start = rtp(MEDIA, ssrc, 1, Some((10, name)), &[0x41]);
            assert!(host.handle_rtp(&start, MediaTime::from_millis(1)).is_some());
        }
        let told = |host: &mut Publisher, ssrc, at| {
            let now = MediaTime::from_millis(at);
            let reports = (0..1_000).map(|_| host.handle_sender_report(ssrc, 1 << 40, 5, now));
            reports.flatten().count()
        };
        assert_eq!((told(&mut host, 60, 2), told(&mut host, 70, 2)), (1, 1));
        // Browsers report a few times a second at most.
        assert_eq!((told(&mut host, 60, 50), told(&mut host, 60, 200)), (0, 1));
    }

    #[test]
    fn each_encoding_is_asked_for_by_its_own_ssrc() {
        let mut host = simulcast();
        let now = MediaTime::from_nanos(1);
        host.handle_rtp(&rtp(MEDIA, 70, 1, Some((10, b'l')), &[0x41]), now);
        let mut out = Vec::new();
        host.push_keyframe_request(Slot::encoding(0), now, &mut out);
        assert!(out.is_empty(), "it has not begun");
        host.push_keyframe_request(Slot::encoding(1), now, &mut out);
        let asked = rtcp::parse(&out);
        assert!(
            asked.iter().any(|one| matches!(one, rtcp::Message::KeyframeRequest { ssrc: 70 })),
            "{asked:?}"
        );
    }
}
