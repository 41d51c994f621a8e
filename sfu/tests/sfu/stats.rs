//! Goal: what is told of a peer is what it sent and got, to the packet.
//!
//! Method: a host and a viewer behind relays that lose every tenth packet of video, so the figures are
//! known beforehand; statistics are asked for until they have caught up.

use std::time::Duration;

use media_rules::{Codec, FeedId, MediaKind};
use sfu::{PeerId, PeerStats, Protocol};

use super::client::{AUDIO_PT, Client, PATIENCE, VIDEO_PT};
use super::relay::{self, Way};
use super::{Server, stream};

const FRAMES: u32 = 60;
/// Three packets a frame.
const PACKETS: u64 = 3 * FRAMES as u64;
/// Every tenth of them.
const LOST: u64 = PACKETS / 10;
/// Six keyframes, the first packet of each with 18 bytes, all others with 904.
const BYTES: u64 = 6 * 18 + (PACKETS - 6) * 904;

async fn stats_once(
    server: &Server,
    peer: PeerId,
    are_they: impl Fn(&PeerStats) -> bool,
) -> PeerStats {
    let mut latest = None;
    let wait = async {
        loop {
            let stats = server.sfu.peer_stats(peer).await.expect("the peer is there");
            if are_they(&stats) {
                return stats;
            }
            latest = Some(stats);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("still {latest:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_a_peer_is_what_it_sent_and_got() {
    let server = Server::start();
    let feed = FeedId::new("room", "host");
    let every_tenth = |wanted: Way| {
        let mut count = 0;
        move |way: Way, datagram: &[u8]| {
            let is_video = way == wanted && relay::is_rtp(datagram, VIDEO_PT);
            count += u32::from(is_video);
            is_video && count % 10 == 7
        }
    };
    let mut host = Client::publisher(1_000).await;
    let publisher = server.join_through(&mut host, &feed, every_tenth(Way::ToServer)).await;
    let mut viewer = Client::viewer().await;
    let player = server.join_through(&mut viewer, &feed, every_tenth(Way::ToClient)).await;
    stream(&host, 0, FRAMES, 10).await;

    let whole = |stats: &PeerStats| {
        stats.received.iter().map(|s| s.packets).sum::<u64>() == PACKETS + u64::from(FRAMES)
    };
    let PeerStats { transport, received, sent } = stats_once(&server, publisher, whole).await;
    assert!(sent.is_empty());
    let video = received.iter().find(|s| s.kind == MediaKind::Video).unwrap();
    let audio = received.iter().find(|s| s.kind == MediaKind::Audio).unwrap();
    assert_eq!((video.ssrc, video.rid.as_deref(), video.bytes), (1_000, None, BYTES));
    assert_eq!((video.codec.codec, video.codec.payload_type), (Codec::H264, VIDEO_PT));
    assert_eq!((video.lost, video.retransmitted_packets), (LOST, LOST));
    assert_eq!((video.frames, video.keyframes), (u64::from(FRAMES), 6));
    assert!((1..=3 * LOST).contains(&video.nacks), "{video:?}");
    assert_eq!((audio.packets, audio.lost, audio.frames), (u64::from(FRAMES), 0, 0));
    assert_eq!((audio.bytes, audio.codec.payload_type), (4 * u64::from(FRAMES), AUDIO_PT));
    assert!(transport.is_connected && transport.protocol == Some(Protocol::Udp));
    assert!(transport.packets_received >= PACKETS + u64::from(FRAMES), "{transport:?}");
    assert!(transport.bytes_received > BYTES && transport.packets_sent > 0, "{transport:?}");

    let repaired = |stats: &PeerStats| {
        stats.sent.iter().any(|s| s.retransmitted_packets >= LOST && s.heard.is_some())
    };
    let PeerStats { transport, received, sent } = stats_once(&server, player, repaired).await;
    assert!(received.is_empty());
    let video = sent.iter().find(|s| s.kind == MediaKind::Video).unwrap();
    let audio = sent.iter().find(|s| s.kind == MediaKind::Audio).unwrap();
    assert_eq!(video.packets - video.retransmitted_packets, PACKETS);
    assert_eq!(video.bytes - video.retransmitted_bytes, BYTES);
    assert_eq!((video.frames, video.encoding), (u64::from(FRAMES), Some(0)));
    assert_eq!(video.codec.map(|codec| codec.codec), Some(Codec::H264));
    assert!(video.nacks >= 1 && video.target_bps.is_some_and(|bps| bps > 0), "{video:?}");
    let heard = video.heard.unwrap();
    assert!(heard.fraction_lost < 0.5 && heard.lost <= 2 * LOST.cast_signed(), "{heard:?}");
    assert_eq!((audio.packets, audio.target_bps, audio.encoding), (u64::from(FRAMES), None, None));
    assert!(transport.bytes_sent > BYTES && transport.packets_received > 0, "{transport:?}");

    server.sfu.close(player).await;
    server.settle(|stats| stats.peers == 1).await;
    assert_eq!(server.sfu.peer_stats(player).await, None, "who is gone has no figures");
}
