//! Who is connected to the room's media, and how each is doing, for those who may know: the host and
//! assistants of everyone, everybody else of themselves. The figures are a media worker's, so they are
//! fetched beside the room's task, which waits for nobody.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use media_rules::MediaKind;
use room_rules::{Capability, Member, ServerTime};
use sfu::{PeerStats, Protocol, ReceivedStream, SentStream, StreamCodec};
use signaling::{Answer, MediaId, Refused};
use wire_format::{
    CandidatePair, Code, CodecStat, InboundRtp, InboundVideo, LocalCandidate, OutboundRtp,
    OutboundVideo, PeerEntry, PeerList, PeerReport, PeerStat, RemoteInboundRtp, RemoteOutboundRtp,
    StatBody, Transport,
};

use crate::peers::{Peer, Purpose};
use crate::room_task::RoomTask;

/// A room may have thousands of viewers, and nobody reads further.
const LISTED_MAX: usize = 500;

const TRANSPORT: &str = "transport";
const PAIR: &str = "pair";
const LOCAL: &str = "local";

impl RoomTask {
    /// Returns the peers that `member` may see.
    pub(crate) fn list_peers(
        &mut self,
        member: &Member,
        now: ServerTime,
    ) -> Result<PeerList, Refused> {
        self.media.admit(member, now)?;
        let seen = self.media.peers().iter().filter(|(_, peer)| may_see(member, peer));
        let mut seen: Vec<_> = seen.collect();
        let mut viewers = BTreeMap::new();
        for (_, peer) in &seen {
            if let Purpose::Play(feed) = &peer.purpose {
                *viewers.entry(feed.to_string()).or_default() += 1;
            }
        }
        let is_player = |peer: &Peer| matches!(peer.purpose, Purpose::Play(_));
        seen.sort_by_key(|(id, peer)| (is_player(peer), Reverse(peer.since), *id));
        let peers = seen.into_iter().take(LISTED_MAX).map(|(id, peer)| entry(id, peer)).collect();
        Ok(PeerList { peers, viewers })
    }

    /// Finds out how a peer is doing.
    pub(crate) fn report(
        &mut self,
        member: &Member,
        id: MediaId,
        reply: Answer<PeerReport>,
        now: ServerTime,
    ) {
        let found = self.media.admit(member, now).and_then(|()| self.find_peer(member, id));
        let (entry, peer) = match found {
            Ok(found) => found,
            Err(refused) => {
                let _ = reply.send(Err(refused));
                return;
            }
        };
        let (sfu, clock) = (self.parts.sfu.clone(), self.parts.clock);
        self.parts.tasks.spawn(async move {
            let stats = sfu.peer_stats(peer).await;
            let report = stats.map(|stats| PeerReport {
                peer: entry,
                stats: objects(&stats)
                    .map(|(id, body)| PeerStat::new(id, clock.now(), body))
                    .collect(),
            });
            let _ = reply.send(report.ok_or_else(no_such_peer));
        });
    }

    fn find_peer(&self, member: &Member, id: MediaId) -> Result<(PeerEntry, sfu::PeerId), Refused> {
        let peer = self.media.peers().look(id).ok_or_else(no_such_peer)?;
        if !may_see(member, peer) {
            return Err(Refused::new(Code::Forbidden, "this media session is somebody else's"));
        }
        Ok((entry(id, peer), peer.peer))
    }
}

fn may_see(member: &Member, peer: &Peer) -> bool {
    member.may(Capability::SeePeers) || peer.member.user == member.user
}

fn no_such_peer() -> Refused {
    Refused::new(Code::NotFound, "there is no such media session")
}

fn entry(id: MediaId, peer: &Peer) -> PeerEntry {
    let (publishes, plays) = match &peer.purpose {
        Purpose::Publish(feed) => (Some(feed.to_string()), None),
        Purpose::Play(feed) => (None, Some(feed.to_string())),
    };
    PeerEntry {
        id: id.to_string(),
        user: peer.member.user.to_string(),
        role: peer.member.role.as_str(),
        publishes,
        plays,
        since: peer.since.unix_millis(),
    }
}

/// Returns a peer's figures as the objects of a report, by name.
fn objects(stats: &PeerStats) -> impl Iterator<Item = (String, StatBody)> {
    let PeerStats { transport, received, sent } = stats;
    let rtt = transport.rtt.map(|rtt| rtt.as_secs_f64());
    let codecs: BTreeMap<String, StreamCodec> = received
        .iter()
        .map(|stream| stream.codec)
        .chain(sent.iter().filter_map(|stream| stream.codec))
        .map(|codec| (codec_id(codec), codec))
        .collect();
    let mut objects = connection(stats);
    objects.extend(codecs.into_iter().map(|(id, codec)| (id, StatBody::Codec(describe(codec)))));
    for stream in received {
        objects.extend(inbound(stream, rtt));
    }
    for stream in sent {
        objects.extend(outbound(stream));
    }
    objects.into_iter()
}

fn connection(PeerStats { transport, .. }: &PeerStats) -> Vec<(String, StatBody)> {
    let body = StatBody::Transport(Transport {
        packets_sent: transport.packets_sent,
        packets_received: transport.packets_received,
        bytes_sent: transport.bytes_sent,
        bytes_received: transport.bytes_received,
        dtls_state: if transport.is_connected { "connected" } else { "connecting" },
        ice_role: "controlled",
        selected_candidate_pair_id: transport.protocol.map(|_| PAIR),
    });
    let mut objects = vec![(TRANSPORT.to_owned(), body)];
    let Some(protocol) = transport.protocol else {
        return objects;
    };
    let pair = StatBody::CandidatePair(CandidatePair {
        transport_id: TRANSPORT,
        local_candidate_id: LOCAL,
        state: "succeeded",
        nominated: true,
        packets_sent: transport.packets_sent,
        packets_received: transport.packets_received,
        bytes_sent: transport.bytes_sent,
        bytes_received: transport.bytes_received,
        current_round_trip_time: transport.rtt.map(|rtt| rtt.as_secs_f64()),
        available_outgoing_bitrate: transport.available_outgoing_bps,
    });
    let local = StatBody::LocalCandidate(LocalCandidate {
        transport_id: TRANSPORT,
        candidate_type: "host",
        protocol: match protocol {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        },
    });
    objects.extend([(PAIR.to_owned(), pair), (LOCAL.to_owned(), local)]);
    objects
}

fn inbound(stream: &ReceivedStream, rtt: Option<f64>) -> [(String, StatBody); 2] {
    let ssrc = stream.ssrc;
    let (kind, id, remote_id) =
        (kind_name(stream.kind), format!("in-{ssrc}"), format!("remote-out-{ssrc}"));
    let remote = RemoteOutboundRtp { ssrc, kind, local_id: id.clone(), round_trip_time: rtt };
    let body = InboundRtp {
        ssrc,
        kind,
        rid: stream.rid.clone(),
        transport_id: TRANSPORT,
        codec_id: codec_id(stream.codec),
        remote_id: remote_id.clone(),
        packets_received: stream.packets,
        retransmitted_packets_received: stream.retransmitted_packets,
        packets_lost: stream.lost,
        bytes_received: stream.bytes,
        jitter: stream.jitter.as_secs_f64(),
        nack_count: stream.nacks,
        video: (stream.kind == MediaKind::Video).then_some(InboundVideo {
            frames_received: stream.frames,
            frames_per_second: stream.frames_per_second,
            key_frames_received: stream.keyframes,
            pli_count: stream.plis,
        }),
    };
    [(id, StatBody::InboundRtp(body)), (remote_id, StatBody::RemoteOutboundRtp(remote))]
}

fn outbound(stream: &SentStream) -> Vec<(String, StatBody)> {
    let ssrc = stream.ssrc;
    let (kind, id) = (kind_name(stream.kind), format!("out-{ssrc}"));
    let remote_id = stream.heard.map(|_| format!("remote-in-{ssrc}"));
    let body = OutboundRtp {
        ssrc,
        kind,
        transport_id: TRANSPORT,
        codec_id: stream.codec.map(codec_id),
        remote_id: remote_id.clone(),
        packets_sent: stream.packets,
        bytes_sent: stream.bytes,
        retransmitted_packets_sent: stream.retransmitted_packets,
        retransmitted_bytes_sent: stream.retransmitted_bytes,
        nack_count: stream.nacks,
        video: (stream.kind == MediaKind::Video).then_some(OutboundVideo {
            encoding_index: stream.encoding,
            frames_sent: stream.frames,
            frames_per_second: stream.frames_per_second,
            pli_count: stream.plis,
            target_bitrate: stream.target_bps,
        }),
    };
    let mut objects = vec![(id.clone(), StatBody::OutboundRtp(body))];
    if let (Some(heard), Some(remote_id)) = (stream.heard, remote_id) {
        let remote = RemoteInboundRtp {
            ssrc,
            kind,
            local_id: id,
            packets_lost: heard.lost,
            fraction_lost: heard.fraction_lost,
            jitter: heard.jitter.as_secs_f64(),
            round_trip_time: heard.rtt.map(|rtt| rtt.as_secs_f64()),
        };
        objects.push((remote_id, StatBody::RemoteInboundRtp(remote)));
    }
    objects
}

fn describe(StreamCodec { codec, payload_type }: StreamCodec) -> CodecStat {
    let kind = kind_name(codec.kind());
    let name = codec.rtpmap().split('/').next().unwrap_or_default();
    CodecStat {
        payload_type,
        mime_type: format!("{kind}/{name}"),
        clock_rate: codec.kind().clock_rate_hz(),
        channels: (codec.kind() == MediaKind::Audio).then_some(2),
        transport_id: TRANSPORT,
    }
}

fn codec_id(codec: StreamCodec) -> String {
    format!("codec-{}", codec.payload_type)
}

const fn kind_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}
