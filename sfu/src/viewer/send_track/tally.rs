//! What one track of a viewer was sent, and what the viewer said of it.

use std::time::Duration;

use media_rules::{MediaKind, MediaTime};

use super::{SendCodec, SendTrack};
use crate::peer_stats::{HeardReport, SentStream, StreamCodec};
use crate::picture_rate::PictureRate;
use crate::rtcp::Reception;

/// The counts of one track. None of them wraps in practice; what reports carry of them does.
#[derive(Default)]
pub(super) struct Tally {
    packets: u64,
    bytes: u64,
    again: u64,
    again_bytes: u64,
    pictures: PictureRate,
    nacks: u64,
    plis: u64,
    codec: Option<StreamCodec>,
    /// The viewer's last report, and the round trip that it gave.
    heard: Option<(Reception, Option<Duration>)>,
}

impl Tally {
    /// A packet with `bytes` of payload went out for the first time.
    pub(super) const fn handle_sent(&mut self, codec: SendCodec, bytes: usize, marker: bool) {
        self.packets += 1;
        self.bytes += bytes as u64;
        if marker {
            self.pictures.handle_picture();
        }
        let SendCodec { codec, payload_type, .. } = codec;
        self.codec = Some(StreamCodec { codec, payload_type });
    }

    /// Returns how many packets went out, each counted once.
    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// A packet with `bytes` of payload went out again.
    pub(super) const fn handle_repeat(&mut self, bytes: usize) {
        self.again += 1;
        self.again_bytes += bytes as u64;
    }

    /// The viewer asked for lost packets.
    pub(super) const fn handle_nack(&mut self) {
        self.nacks += 1;
    }

    /// The viewer asked for a keyframe.
    pub(super) const fn handle_keyframe_request(&mut self) {
        self.plis += 1;
    }

    /// Takes a report. Returns how many packets were lost of how many since the one before.
    pub(super) fn handle_report(
        &mut self,
        report: &Reception,
        rtt: Option<Duration>,
    ) -> (u32, u32) {
        let before = self.heard.take();
        let rtt = rtt.or(before.and_then(|(_, rtt)| rtt));
        self.heard = Some((*report, rtt));
        let Some((before, _)) = before else {
            return (0, 0);
        };
        // More than the viewer could have been sent is a report of another time.
        let total = report.highest_sequence.wrapping_sub(before.highest_sequence);
        let total = if u64::from(total) <= self.packets { total } else { 0 };
        let lost = report.cumulative_lost.saturating_sub(before.cumulative_lost);
        (lost.max(0).unsigned_abs().min(total), total)
    }

    /// Whether the viewer ever told how it receives the track.
    pub(super) const fn is_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// Returns packets and bytes as a sender report counts them, modulo 2^32 (RFC 3550 section 6.4.1);
    /// `None` if there was nothing yet.
    pub(super) fn reported(&self) -> Option<(u32, u32)> {
        let low = |count: u64| (count & u64::from(u32::MAX)) as u32;
        (self.packets > 0).then(|| (low(self.packets), low(self.bytes)))
    }

    /// Works out the rate of pictures anew.
    pub(super) fn look(&mut self, now: MediaTime) {
        self.pictures.look(now);
    }
}

impl SendTrack {
    /// Returns what is known of the track; `target_bps` is what pictures may take.
    pub(in crate::viewer) fn stats(&mut self, target_bps: u64, now: MediaTime) -> SentStream {
        self.tally.look(now);
        let Tally { packets, bytes, again, again_bytes, pictures, nacks, plis, codec, heard } =
            &self.tally;
        let rate = self.kind.clock_rate_hz();
        let is_video = self.kind == MediaKind::Video;
        SentStream {
            ssrc: self.ssrc,
            kind: self.kind,
            codec: *codec,
            encoding: self.playing.and_then(|stream| stream.slot.encoding_number()),
            packets: packets + again,
            bytes: bytes + again_bytes,
            retransmitted_packets: *again,
            retransmitted_bytes: *again_bytes,
            frames: if is_video { pictures.total() } else { 0 },
            frames_per_second: if is_video { pictures.per_second() } else { 0.0 },
            nacks: *nacks,
            plis: *plis,
            target_bps: is_video.then_some(target_bps),
            heard: heard.map(|(report, rtt)| HeardReport {
                rtt,
                fraction_lost: f64::from(report.fraction_lost) / 256.0,
                lost: report.cumulative_lost.into(),
                jitter: Duration::from_secs_f64(f64::from(report.jitter) / f64::from(rate)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODEC: SendCodec = SendCodec {
        codec: media_rules::Codec::H264,
        payload_type: 102,
        rtx_payload_type: None,
        red_payload_type: None,
    };

    fn report(highest_sequence: u32, cumulative_lost: i32) -> Reception {
        Reception {
            ssrc: 1,
            fraction_lost: 0,
            cumulative_lost,
            highest_sequence,
            jitter: 0,
            last_sr: 0,
            delay_since_sr: 0,
        }
    }

    #[test]
    fn a_report_of_more_than_was_sent_is_of_another_time() {
        let mut tally = Tally::default();
        for _ in 0..100 {
            tally.handle_sent(CODEC, 1_000, false);
        }
        assert_eq!(tally.handle_report(&report(1_000, 0), None), (0, 0), "nothing to compare with");
        assert_eq!(tally.handle_report(&report(1_050, 5), None), (5, 50));
        assert_eq!(tally.handle_report(&report(9_000, 5), None), (0, 0));
        assert_eq!(tally.handle_report(&report(9_040, 3), None), (0, 40), "repairs undo losses");
    }

    #[test]
    fn a_round_trip_stays_until_another_is_known() {
        let mut tally = Tally::default();
        let rtt = Duration::from_millis(40);
        tally.handle_report(&report(1, 0), Some(rtt));
        tally.handle_report(&report(2, 0), None);
        assert_eq!(tally.heard.and_then(|(_, rtt)| rtt), Some(rtt));
    }

    #[test]
    fn what_reports_carry_wraps_and_what_is_told_does_not() {
        let mut tally = Tally { packets: 1, bytes: u64::from(u32::MAX), ..Tally::default() };
        tally.handle_sent(CODEC, 1_001, true);
        assert_eq!(tally.reported(), Some((2, 1_000)));
        assert_eq!(tally.bytes, 4_294_968_296);
    }
}
