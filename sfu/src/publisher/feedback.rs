//! What a publisher is told: reports, what is missing, which packets arrived, when to send a keyframe.

use std::time::Duration;

use media_rules::{MediaKind, MediaTime};

use super::Publisher;
use crate::clock::NtpClock;
use crate::packet::Slot;
use crate::rtcp;

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Our own SSRC in feedback. A receiver needs one, but nobody looks at it.
const RECEIVER_SSRC: u32 = 1;

impl Publisher {
    /// Returns when [`poll_feedback`](Self::poll_feedback) has something to do that should not wait.
    pub(crate) fn poll_timeout(&self) -> Option<MediaTime> {
        let encodings = self.tracks.iter().flat_map(|track| &track.encodings);
        let dues = encodings.flat_map(|of| [of.loss.poll_timeout(), of.wish.poll_timeout()]);
        dues.chain([self.uplink.poll_timeout()]).flatten().min()
    }

    /// Writes the feedback that is due. Returns the streams whose picture is broken beyond repair, so
    /// that a keyframe is needed.
    pub(crate) fn poll_feedback(
        &mut self,
        now: MediaTime,
        clock: NtpClock,
        out: &mut Vec<u8>,
    ) -> Vec<Slot> {
        let is_urgent = self.uplink.poll_urgent(now);
        if is_urgent || now.since(self.reported) >= REPORT_INTERVAL {
            self.reported = now;
            self.push_reports(now, clock, out);
        }
        self.push_transport_feedback(now, out);
        let rtt = self.uplink.rtt();
        let mut broken = Vec::new();
        let mut lost = Vec::new();
        for track in &mut self.tracks {
            for encoding in &mut track.encodings {
                lost.clear();
                encoding.loss.poll_nack(now, rtt, &mut lost);
                let given_up = encoding.loss.poll_given_up();
                self.uplink.handle_given_up(given_up);
                if given_up > 0 && track.kind == MediaKind::Video {
                    encoding.wish.handle_broken(now);
                }
                if encoding.wish.is_broken(now) {
                    broken.push(Slot::encoding(encoding.number));
                }
                if encoding.wish.poll_repeat(now) {
                    begin_feedback(self.has_reduced_size, out);
                    rtcp::push_pli(out, RECEIVER_SSRC, encoding.ssrc);
                }
                if track.has_nack && !lost.is_empty() {
                    begin_feedback(self.has_reduced_size, out);
                    rtcp::push_nack(out, RECEIVER_SSRC, encoding.ssrc, &lost);
                    metrics::counter!("sfu_nacks_sent_total").increment(1);
                    encoding.counts.nacks += 1;
                }
            }
        }
        broken
    }

    /// Writes a request for a keyframe of one stream; nothing if it has not begun.
    pub(crate) fn push_keyframe_request(&mut self, slot: Slot, now: MediaTime, out: &mut Vec<u8>) {
        let video = self.tracks.iter_mut().find(|track| track.kind == MediaKind::Video);
        let encoding = video.and_then(|track| {
            let at = (0..track.encodings.len()).find(|at| track.slot(*at) == slot)?;
            track.encodings.get_mut(at)
        });
        if let Some(encoding) = encoding {
            begin_feedback(self.has_reduced_size, out);
            rtcp::push_pli(out, RECEIVER_SSRC, encoding.ssrc);
            encoding.wish.handle_asked(encoding.loss.share(), now);
            encoding.counts.plis += 1;
            metrics::counter!("sfu_plis_sent_total").increment(1);
        }
    }

    fn push_transport_feedback(&mut self, now: MediaTime, out: &mut Vec<u8>) {
        let encodings = || self.tracks.iter().flat_map(|track| &track.encodings);
        let media = encodings().next().map_or(0, |encoding| encoding.ssrc);
        let oldest_missing = encodings().filter_map(|encoding| encoding.loss.missing_since()).min();
        let has_reduced_size = self.has_reduced_size;
        self.uplink.poll_feedback(now, oldest_missing, (RECEIVER_SSRC, media), out, |out| {
            begin_feedback(has_reduced_size, out);
        });
    }

    fn push_reports(&mut self, now: MediaTime, clock: NtpClock, out: &mut Vec<u8>) {
        let blocks: Vec<_> = self
            .tracks
            .iter_mut()
            .flat_map(|track| &mut track.encodings)
            .map(|encoding| {
                encoding.counts.pictures.look(now);
                encoding.reception.block(encoding.ssrc, now)
            })
            .collect();
        if blocks.is_empty() {
            return;
        }
        let ssrcs: Vec<u32> = blocks.iter().map(|block| block.ssrc).collect();
        rtcp::push_receiver_report(out, RECEIVER_SSRC, &blocks);
        rtcp::push_description(out, RECEIVER_SSRC, "lianmai");
        rtcp::push_remb(out, RECEIVER_SSRC, self.uplink.told_bps(), &ssrcs);
        rtcp::push_reference_time(out, RECEIVER_SSRC, clock.at(now));
    }
}

/// A compound packet begins with a report (RFC 3550 section 6.1), unless agreed otherwise.
fn begin_feedback(has_reduced_size: bool, out: &mut Vec<u8>) {
    if out.is_empty() && !has_reduced_size {
        rtcp::push_receiver_report(out, RECEIVER_SSRC, &[]);
    }
}
