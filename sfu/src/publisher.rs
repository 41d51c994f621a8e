//! The receiving half of a publisher: puts its packets in order of meaning, repairs and reports.
//!
//! Streams are told apart by payload type (the offer gave each codec its own), not by SSRC lines in
//! the SDP, which are optional. A retransmission is unwrapped to the packet it stands for, so that
//! nobody further on knows that it was late.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use media_rules::packet::{MIN_HEADER_LEN, PlainHeader, RtpHeader};
use media_rules::{Arrival, LossDetector, MediaKind, MediaTime};

use crate::clock::ntp_nanos;
use crate::event::PeerId;
use crate::negotiate::Track;
use crate::packet::{Anchor, Packet, SourceId};
use crate::reception::Reception;
use crate::rtcp;

/// We send publishers nothing that they could time, so this is assumed; it only paces repeats.
const ASSUMED_RTT: Duration = Duration::from_millis(50);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Our own SSRC in feedback. A receiver needs one, but nobody looks at it.
const RECEIVER_SSRC: u32 = 1;

/// A publisher's tracks.
pub(crate) struct Publisher {
    peer: PeerId,
    tracks: Vec<ReceiveTrack>,
    epoch: u8,
    /// Smallest (arrival - sender's NTP) so far, in nanoseconds: both tracks share it, which is
    /// what keeps lips in sync.
    ntp_offset: Option<i128>,
    reported: MediaTime,
    max_bps: u32,
    /// Whether feedback may go without a report in front of it (RFC 5506).
    has_reduced_size: bool,
    newest: Option<MediaTime>,
    /// Whether the world was told that the feed is live.
    pub(crate) is_live: bool,
}

struct ReceiveTrack {
    kind: MediaKind,
    payload_type: u8,
    rtx_payload_type: Option<u8>,
    has_nack: bool,
    ssrc: Option<u32>,
    loss: LossDetector,
    reception: Reception,
}

impl Publisher {
    /// Creates the tracks that the negotiation agreed on.
    pub(crate) fn new(peer: PeerId, tracks: &[Track], max_bps: u32) -> Self {
        let has_reduced_size = tracks.iter().all(|track| track.has_reduced_size);
        let tracks = tracks.iter().map(|track| ReceiveTrack {
            kind: track.kind,
            payload_type: track.codec.payload_type,
            rtx_payload_type: track.codec.rtx_payload_type,
            has_nack: track.codec.feedback.contains(&"nack"),
            ssrc: None,
            loss: LossDetector::default(),
            reception: Reception::new(track.kind.clock_rate_hz()),
        });
        Self {
            peer,
            tracks: tracks.collect(),
            epoch: 0,
            ntp_offset: None,
            reported: MediaTime::default(),
            max_bps,
            has_reduced_size,
            newest: None,
            is_live: false,
        }
    }

    /// Returns the current source.
    pub(crate) fn source(&self) -> SourceId {
        SourceId::new(self.peer, self.epoch)
    }

    /// Takes a decrypted packet. Returns what to pass on: nothing for padding, duplicates and
    /// strangers.
    pub(crate) fn handle_rtp(&mut self, rtp: &[u8], now: MediaTime) -> Option<Packet> {
        let header = RtpHeader::parse(rtp).ok()?;
        let pt = header.payload_type;
        let at = self
            .tracks
            .iter()
            .position(|track| track.payload_type == pt || track.rtx_payload_type == Some(pt))?;
        if self.tracks[at].rtx_payload_type == Some(pt) {
            return self.handle_retransmission(at, rtp, &header, now);
        }
        if self.tracks[at].ssrc != Some(header.ssrc) {
            self.begin_stream(at, header.ssrc)?;
        }
        let source = self.source();
        let track = &mut self.tracks[at];
        track.reception.handle_packet(header.sequence, header.timestamp, now);
        if track.loss.handle_packet(header.sequence, now) == Arrival::Duplicate {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "duplicate").increment(1);
            return None;
        }
        self.newest = Some(now);
        Some(Packet::new(source, track.kind, now, &header, Bytes::copy_from_slice(rtp)))
    }

    /// Takes a sender report. Returns the track's kind and its new anchor.
    pub(crate) fn handle_sender_report(
        &mut self,
        ssrc: u32,
        ntp: u64,
        rtp_timestamp: u32,
        now: MediaTime,
    ) -> Option<(MediaKind, Anchor)> {
        let track = self.tracks.iter_mut().find(|track| track.ssrc == Some(ssrc))?;
        track.reception.handle_sender_report(ntp, now);
        let sent = i128::from(ntp_nanos(ntp));
        let offset = i128::from(now.nanos()) - sent;
        let offset = self.ntp_offset.map_or(offset, |smallest| smallest.min(offset));
        self.ntp_offset = Some(offset);
        let at = MediaTime::from_nanos(u64::try_from(sent + offset).ok()?);
        Some((track.kind, Anchor { at, rtp_timestamp }))
    }

    /// Writes the feedback that is due. Returns `false` if the picture is broken beyond repair and
    /// a keyframe is needed.
    pub(crate) fn poll_feedback(&mut self, now: MediaTime, out: &mut Vec<u8>) -> bool {
        if now.since(self.reported) >= REPORT_INTERVAL {
            self.reported = now;
            self.push_reports(now, out);
        }
        let mut is_whole = true;
        let mut lost = Vec::new();
        for track in &mut self.tracks {
            let Some(ssrc) = track.ssrc else {
                continue;
            };
            lost.clear();
            track.loss.poll_nack(now, ASSUMED_RTT, &mut lost);
            if track.loss.poll_given_up() > 0 && track.kind == MediaKind::Video {
                is_whole = false;
            }
            if track.has_nack && !lost.is_empty() {
                begin_feedback(self.has_reduced_size, out);
                rtcp::push_nack(out, RECEIVER_SSRC, ssrc, &lost);
                metrics::counter!("sfu_nacks_sent_total").increment(1);
            }
        }
        is_whole
    }

    /// Writes a request for a keyframe; nothing if there is no video yet.
    pub(crate) fn push_keyframe_request(&self, out: &mut Vec<u8>) {
        let video = self.tracks.iter().find(|track| track.kind == MediaKind::Video);
        if let Some(ssrc) = video.and_then(|track| track.ssrc) {
            begin_feedback(self.has_reduced_size, out);
            rtcp::push_pli(out, RECEIVER_SSRC, ssrc);
            metrics::counter!("sfu_plis_sent_total").increment(1);
        }
    }

    /// Returns when the newest packet arrived.
    pub(crate) fn newest(&self) -> Option<MediaTime> {
        self.newest
    }

    /// The first packet of an SSRC: the track begins, or begins anew.
    fn begin_stream(&mut self, at: usize, ssrc: u32) -> Option<()> {
        let track = &mut self.tracks[at];
        if track.ssrc.is_some() {
            // A sender that changes its SSRC all the time runs out of epochs and is ignored.
            self.epoch = self.epoch.checked_add(1)?;
        }
        track.ssrc = Some(ssrc);
        track.loss = LossDetector::default();
        track.reception = Reception::new(track.kind.clock_rate_hz());
        Some(())
    }

    /// Puts a retransmitted packet back in its place (RFC 4588 section 4).
    fn handle_retransmission(
        &mut self,
        at: usize,
        rtp: &[u8],
        header: &RtpHeader,
        now: MediaTime,
    ) -> Option<Packet> {
        let source = self.source();
        let track = &mut self.tracks[at];
        let ssrc = track.ssrc?;
        // Without an original sequence number it is padding that probes the bandwidth.
        let (original, payload) = header.payload(rtp).split_first_chunk::<2>()?;
        let sequence = u16::from_be_bytes(*original);
        if track.loss.handle_packet(sequence, now) == Arrival::Duplicate {
            return None;
        }
        let plain = PlainHeader {
            marker: header.marker,
            payload_type: track.payload_type,
            sequence,
            timestamp: header.timestamp,
            ssrc,
        };
        let mut bytes = BytesMut::with_capacity(MIN_HEADER_LEN + payload.len());
        bytes.extend_from_slice(&plain.to_bytes());
        bytes.extend_from_slice(payload);
        let header = RtpHeader::parse(&bytes).ok()?;
        metrics::counter!("sfu_rtx_received_total").increment(1);
        Some(Packet::new(source, track.kind, now, &header, bytes.freeze()))
    }

    fn push_reports(&mut self, now: MediaTime, out: &mut Vec<u8>) {
        let blocks: Vec<_> = self
            .tracks
            .iter_mut()
            .filter_map(|track| track.ssrc.map(|ssrc| track.reception.block(ssrc, now)))
            .collect();
        if blocks.is_empty() {
            return;
        }
        let ssrcs: Vec<u32> = blocks.iter().map(|block| block.ssrc).collect();
        rtcp::push_receiver_report(out, RECEIVER_SSRC, &blocks);
        rtcp::push_description(out, RECEIVER_SSRC, "lianmai");
        rtcp::push_remb(out, RECEIVER_SSRC, self.max_bps, &ssrcs);
    }
}

/// A compound packet begins with a report (RFC 3550 section 6.1), unless agreed otherwise.
fn begin_feedback(has_reduced_size: bool, out: &mut Vec<u8>) {
    if out.is_empty() && !has_reduced_size {
        rtcp::push_receiver_report(out, RECEIVER_SSRC, &[]);
    }
}
