//! Values for what is told of peers.

use std::collections::BTreeMap;

use room_rules::ServerTime;
use wire_format::{
    CandidatePair, CodecStat, InboundRtp, InboundVideo, LocalCandidate, OutboundRtp, OutboundVideo,
    PeerEntry, PeerList, PeerReport, PeerStat, RemoteInboundRtp, RemoteOutboundRtp, StatBody,
    Transport,
};

const TRANSPORT: &str = "transport";

pub(crate) fn peer_list() -> PeerList {
    let viewers = BTreeMap::from([("a/program".to_owned(), 1)]);
    PeerList { peers: vec![alice(), vera()], viewers }
}

pub(crate) fn publisher_report() -> PeerReport {
    let stats = vec![
        stat(TRANSPORT, transport(true)),
        stat("pair", pair(None)),
        stat("local", local()),
        stat("codec-111", opus()),
        stat("in-7", StatBody::InboundRtp(picture_in())),
        stat("remote-out-7", remote_out()),
        stat("in-8", StatBody::InboundRtp(sound_in())),
    ];
    PeerReport { peer: alice(), stats }
}

pub(crate) fn viewer_report() -> PeerReport {
    let stats = vec![
        stat(TRANSPORT, transport(false)),
        stat("pair", pair(Some(3_000_000))),
        stat("out-9", StatBody::OutboundRtp(picture_out())),
        stat("remote-in-9", remote_in()),
        stat("out-10", StatBody::OutboundRtp(sound_out())),
    ];
    PeerReport { peer: vera(), stats }
}

fn alice() -> PeerEntry {
    PeerEntry {
        id: "0123456789abcdef0123456789abcdef".into(),
        user: "alice".into(),
        role: "host",
        publishes: Some("a/alice".into()),
        plays: None,
        since: 1_732_233_600_000,
    }
}

fn vera() -> PeerEntry {
    PeerEntry {
        id: "00000000000000000000000000000001".into(),
        user: "vera".into(),
        role: "viewer",
        publishes: None,
        plays: Some("a/program".into()),
        since: 1_732_233_600_100,
    }
}

fn stat(id: &str, body: StatBody) -> PeerStat {
    PeerStat::new(id, ServerTime::from_unix_millis(1_732_233_600_123), body)
}

fn transport(is_up: bool) -> StatBody {
    let count = |count| if is_up { count } else { 0 };
    StatBody::Transport(Transport {
        packets_sent: count(10),
        packets_received: count(200),
        bytes_sent: count(900),
        bytes_received: count(200_000),
        dtls_state: if is_up { "connected" } else { "connecting" },
        ice_role: "controlled",
        selected_candidate_pair_id: is_up.then_some("pair"),
    })
}

fn pair(available_outgoing_bitrate: Option<u64>) -> StatBody {
    let (up, down) = ((10, 900), (200, 200_000));
    let (sent, received) =
        if available_outgoing_bitrate.is_some() { (down, up) } else { (up, down) };
    StatBody::CandidatePair(CandidatePair {
        transport_id: TRANSPORT,
        local_candidate_id: "local",
        state: "succeeded",
        nominated: true,
        packets_sent: sent.0,
        packets_received: received.0,
        bytes_sent: sent.1,
        bytes_received: received.1,
        current_round_trip_time: Some(0.04),
        available_outgoing_bitrate,
    })
}

fn local() -> StatBody {
    let (transport_id, candidate_type, protocol) = (TRANSPORT, "host", "udp");
    StatBody::LocalCandidate(LocalCandidate { transport_id, candidate_type, protocol })
}

fn opus() -> StatBody {
    StatBody::Codec(CodecStat {
        payload_type: 111,
        mime_type: "audio/opus".into(),
        clock_rate: 48_000,
        channels: Some(2),
        transport_id: TRANSPORT,
    })
}

fn picture_in() -> InboundRtp {
    InboundRtp {
        ssrc: 7,
        kind: "video",
        rid: Some("h".into()),
        transport_id: TRANSPORT,
        codec_id: "codec-102".into(),
        remote_id: "remote-out-7".into(),
        packets_received: 150,
        retransmitted_packets_received: 3,
        packets_lost: 4,
        bytes_received: 180_000,
        jitter: 0.002,
        nack_count: 2,
        video: Some(InboundVideo {
            frames_received: 30,
            frames_per_second: 25.0,
            key_frames_received: 1,
            pli_count: 1,
        }),
    }
}

fn sound_in() -> InboundRtp {
    InboundRtp {
        ssrc: 8,
        kind: "audio",
        rid: None,
        codec_id: "codec-111".into(),
        remote_id: "remote-out-8".into(),
        packets_received: 50,
        retransmitted_packets_received: 0,
        packets_lost: 0,
        bytes_received: 5_000,
        jitter: 0.0,
        nack_count: 0,
        video: None,
        ..picture_in()
    }
}

fn remote_out() -> StatBody {
    StatBody::RemoteOutboundRtp(RemoteOutboundRtp {
        ssrc: 7,
        kind: "video",
        local_id: "in-7".into(),
        round_trip_time: Some(0.04),
    })
}

fn picture_out() -> OutboundRtp {
    OutboundRtp {
        ssrc: 9,
        kind: "video",
        transport_id: TRANSPORT,
        codec_id: Some("codec-102".into()),
        remote_id: Some("remote-in-9".into()),
        packets_sent: 150,
        bytes_sent: 180_000,
        retransmitted_packets_sent: 3,
        retransmitted_bytes_sent: 3_000,
        nack_count: 2,
        video: Some(OutboundVideo {
            encoding_index: Some(0),
            frames_sent: 30,
            frames_per_second: 25.0,
            pli_count: 1,
            target_bitrate: Some(3_000_000),
        }),
    }
}

fn sound_out() -> OutboundRtp {
    OutboundRtp {
        ssrc: 10,
        kind: "audio",
        transport_id: TRANSPORT,
        codec_id: None,
        remote_id: None,
        packets_sent: 0,
        bytes_sent: 0,
        retransmitted_packets_sent: 0,
        retransmitted_bytes_sent: 0,
        nack_count: 0,
        video: None,
    }
}

fn remote_in() -> StatBody {
    StatBody::RemoteInboundRtp(RemoteInboundRtp {
        ssrc: 9,
        kind: "video",
        local_id: "out-9".into(),
        packets_lost: -1,
        fraction_lost: 0.25,
        jitter: 0.003,
        round_trip_time: Some(0.04),
    })
}
