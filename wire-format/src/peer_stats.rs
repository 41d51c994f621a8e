//! Who is connected to a room's media, and how each of them is doing: the answers of
//! `GET /v1/rooms/{room}/peers` and `GET /v1/rooms/{room}/peers/{id}/stats`.
//!
//! The objects of the latter have the names and units of W3C's webrtc-stats, so that tools for a
//! browser's `getStats()` read them; they are in camel case, unlike everything else here.
//!
//! <https://www.w3.org/TR/webrtc-stats/>

use std::collections::BTreeMap;

use room_rules::ServerTime;
use schemars::JsonSchema;
use serde::Serialize;

use crate::encode::write;

/// One connection of the room's media.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct PeerEntry {
    /// Its name, as in the `Location` of its session.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// With which role.
    pub role: &'static str,
    /// The feed that it sends.
    pub publishes: Option<String>,
    /// The feed that it receives.
    pub plays: Option<String>,
    /// Since when it is there, in Unix milliseconds.
    pub since: u64,
}

/// Who is connected.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct PeerList {
    /// Publishers first, then the youngest.
    pub peers: Vec<PeerEntry>,
    /// By feed: how many play it, those among them that are not listed.
    pub viewers: BTreeMap<String, usize>,
}

/// What is known of one connection.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct PeerReport {
    /// Which.
    #[serde(flatten)]
    pub peer: PeerEntry,
    /// What is known.
    pub stats: Vec<PeerStat>,
}

/// One object of a report.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct PeerStat {
    /// Its name in the report, to which other objects refer.
    pub id: String,
    /// When it was so, in Unix milliseconds.
    pub timestamp: u64,
    /// What it says.
    #[serde(flatten)]
    pub body: StatBody,
}

impl PeerStat {
    /// Creates an object that was so at `at`.
    pub fn new(id: impl Into<String>, at: ServerTime, body: StatBody) -> Self {
        Self { id: id.into(), timestamp: at.unix_millis(), body }
    }
}

/// What an object says. Times are in seconds.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum StatBody {
    /// A stream that the peer sends us.
    InboundRtp(InboundRtp),
    /// What the peer said of that.
    RemoteOutboundRtp(RemoteOutboundRtp),
    /// A stream that we send the peer.
    OutboundRtp(OutboundRtp),
    /// What the peer said of that.
    RemoteInboundRtp(RemoteInboundRtp),
    /// A codec of one of the streams.
    Codec(CodecStat),
    /// The DTLS connection.
    Transport(Transport),
    /// The path.
    CandidatePair(CandidatePair),
    /// Our end of the path.
    LocalCandidate(LocalCandidate),
}

/// `RTCInboundRtpStreamStats`, with `keyFramesReceived` besides.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct InboundRtp {
    pub ssrc: u32,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    pub transport_id: &'static str,
    pub codec_id: String,
    pub remote_id: String,
    pub packets_received: u64,
    pub retransmitted_packets_received: u64,
    pub packets_lost: u64,
    pub bytes_received: u64,
    pub jitter: f64,
    pub nack_count: u64,
    #[serde(flatten)]
    pub video: Option<InboundVideo>,
}

/// The part of it that pictures have.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct InboundVideo {
    pub frames_received: u64,
    pub frames_per_second: f64,
    pub key_frames_received: u64,
    pub pli_count: u64,
}

/// `RTCRemoteOutboundRtpStreamStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct RemoteOutboundRtp {
    pub ssrc: u32,
    pub kind: &'static str,
    pub local_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_time: Option<f64>,
}

/// `RTCOutboundRtpStreamStats`; `encodingIndex` counts the publisher's encodings.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct OutboundRtp {
    pub ssrc: u32,
    pub kind: &'static str,
    pub transport_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    pub packets_sent: u64,
    pub bytes_sent: u64,
    pub retransmitted_packets_sent: u64,
    pub retransmitted_bytes_sent: u64,
    pub nack_count: u64,
    #[serde(flatten)]
    pub video: Option<OutboundVideo>,
}

/// The part of it that pictures have.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct OutboundVideo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_index: Option<u8>,
    pub frames_sent: u64,
    pub frames_per_second: f64,
    pub pli_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_bitrate: Option<u64>,
}

/// `RTCRemoteInboundRtpStreamStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct RemoteInboundRtp {
    pub ssrc: u32,
    pub kind: &'static str,
    pub local_id: String,
    pub packets_lost: i64,
    pub fraction_lost: f64,
    pub jitter: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_time: Option<f64>,
}

/// `RTCCodecStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct CodecStat {
    pub payload_type: u8,
    pub mime_type: String,
    pub clock_rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    pub transport_id: &'static str,
}

/// `RTCTransportStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct Transport {
    pub packets_sent: u64,
    pub packets_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub dtls_state: &'static str,
    pub ice_role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_candidate_pair_id: Option<&'static str>,
}

/// `RTCIceCandidatePairStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct CandidatePair {
    pub transport_id: &'static str,
    pub local_candidate_id: &'static str,
    pub state: &'static str,
    pub nominated: bool,
    pub packets_sent: u64,
    pub packets_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_round_trip_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_outgoing_bitrate: Option<u64>,
}

/// `RTCIceCandidateStats`.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the standard explains them")]
pub struct LocalCandidate {
    pub transport_id: &'static str,
    pub candidate_type: &'static str,
    pub protocol: &'static str,
}

/// Encodes the answer of `GET /v1/rooms/{room}/peers`.
pub fn encode_peers(list: &PeerList) -> String {
    write(list)
}

/// Encodes the answer of `GET /v1/rooms/{room}/peers/{id}/stats`.
pub fn encode_peer_report(report: &PeerReport) -> String {
    write(report)
}
