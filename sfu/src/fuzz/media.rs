//! RTP and sender reports of a publisher that knows the keys but not the rules.

use std::sync::LazyLock;
use std::time::Duration;

use media_rules::MediaTime;

use super::pieces;
use crate::abilities::Abilities;
use crate::clock::NtpClock;
use crate::event::PeerId;
use crate::negotiate::{Agreement, Direction, Track};
use crate::offer::Offer;
use crate::publisher::Publisher;
use crate::rtcp;

/// Everything that a publisher may negotiate.
const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB\r\na=extmap-allow-mixed\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtcp-mux\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=rtcp-fb:111 transport-cc\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 35\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
    a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/\
    #dependency-descriptor-rtp-header-extension\r\n\
    a=rtpmap:96 CODEC/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;profile-id=0\r\n\
    a=rtpmap:35 flexfec-03/90000\r\n\
    a=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:* transport-cc\r\n\
    a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n";

/// One publisher for each video codec.
static TRACKS: LazyLock<Vec<Vec<Track>>> = LazyLock::new(|| {
    let agree = |codec: &str| {
        let offer = Offer::parse(&OFFER.replace("CODEC", codec)).expect("a good offer");
        let agreement = Agreement::new(&offer, Direction::Publish, &Abilities::all());
        agreement.expect("both sections can be taken").tracks
    };
    ["H264", "VP8", "VP9", "AV1"].map(agree).into()
});

/// Packets in the clear, each behind a byte of milliseconds; the first byte of all is the codec.
pub fn rtp(data: &[u8]) {
    let Some((codec, data)) = data.split_first() else {
        return;
    };
    let tracks = &TRACKS[usize::from(*codec) % TRACKS.len()];
    let mut publisher = Publisher::new(PeerId::new(1, 0), tracks, 1_000_000);
    let (mut now, clock) = (MediaTime::from_millis(1_000), NtpClock::start());
    for piece in pieces(data) {
        let Some((pause, packet)) = piece.split_first() else {
            continue;
        };
        now = now + Duration::from_millis(u64::from(*pause));
        if matches!(packet.get(1), Some(192..=223)) {
            for feedback in rtcp::transport_feedback(packet) {
                assert_eq!(feedback.statuses().count(), usize::from(feedback.count));
            }
            for message in rtcp::parse(packet) {
                if let rtcp::Message::SenderReport { ssrc, ntp, rtp_timestamp } = message {
                    let _ = publisher.handle_sender_report(ssrc, ntp, rtp_timestamp, now);
                }
            }
        } else if let Some(packet) = publisher.handle_rtp(packet, now) {
            assert!(packet.payload().len() <= packet.rtp.len());
        }
        let mut feedback = Vec::new();
        publisher.poll_feedback(now, clock, &mut feedback);
        assert!(feedback.len() < 64 * 1_024, "feedback to one packet fits a few datagrams");
    }
}
