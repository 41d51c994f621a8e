//! What is counted of a publisher's streams only to be told to whoever asks.

use media_rules::packet::RtpHeader;
use media_rules::{MediaKind, MediaTime};

use super::Publisher;
use super::receive_track::{Encoding, ReceiveTrack};
use crate::packet::Packet;
use crate::peer_stats::{ReceivedStream, StreamCodec};
use crate::picture_rate::PictureRate;

/// The counts of one encoding.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) nacks: u64,
    pub(super) plis: u64,
    pub(super) pictures: PictureRate,
    bytes: u64,
    keyframes: u64,
    /// The timestamp of the newest keyframe, of which several packets may say that it begins here.
    keyframe: Option<u32>,
}

impl Counts {
    /// A packet arrived that is no duplicate, as media or as a retransmission.
    pub(super) fn handle_payload(&mut self, header: &RtpHeader, rtp: &[u8]) {
        self.bytes += header.payload(rtp).len() as u64;
    }

    /// A packet was read.
    pub(super) fn handle_packet(&mut self, packet: &Packet) {
        if packet.kind() == MediaKind::Audio {
            return;
        }
        if packet.marker {
            self.pictures.handle_picture();
        }
        if packet.frame.is_entry
            && self.keyframe.replace(packet.timestamp) != Some(packet.timestamp)
        {
            self.keyframes += 1;
        }
    }
}

impl Publisher {
    /// Returns what is known of each encoding that has begun.
    pub(crate) fn stats(&mut self, now: MediaTime) -> Vec<ReceivedStream> {
        let mut streams = Vec::new();
        for track in &mut self.tracks {
            for encoding in &mut track.encodings {
                encoding.counts.pictures.look(now);
            }
            streams.extend(track.encodings.iter().map(|encoding| track.stats(encoding)));
        }
        streams
    }
}

impl ReceiveTrack {
    fn stats(&self, encoding: &Encoding) -> ReceivedStream {
        let Encoding { number, ssrc, reception, counts, .. } = encoding;
        let (sent, arrived) = reception.counts();
        let retransmitted_packets = reception.repaired();
        ReceivedStream {
            ssrc: *ssrc,
            kind: self.kind,
            rid: self.rids.get(*number).cloned(),
            codec: StreamCodec { codec: self.codec, payload_type: self.payload_type },
            packets: arrived + retransmitted_packets,
            retransmitted_packets,
            lost: sent.saturating_sub(arrived),
            bytes: counts.bytes,
            jitter: reception.jitter(),
            frames: counts.pictures.total(),
            frames_per_second: counts.pictures.per_second(),
            keyframes: counts.keyframes,
            nacks: counts.nacks,
            plis: counts.plis,
        }
    }
}
