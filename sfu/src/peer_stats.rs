//! What is known of one peer at one moment, in the words of W3C's webrtc-stats where it has words for it.
//!
//! Everything here was counted anyway, or is a plain number that the peer's worker adds to as packets
//! pass; nobody but that worker touches it, so asking costs a command and a copy.
//!
//! <https://www.w3.org/TR/webrtc-stats/>

use std::time::Duration;

use media_rules::{Codec, MediaKind};

/// One peer at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerStats {
    /// Its connection.
    pub transport: TransportStats,
    /// What it sends us, one entry for each encoding that has begun.
    pub received: Vec<ReceivedStream>,
    /// What we send it.
    pub sent: Vec<SentStream>,
}

/// A peer's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TransportStats {
    /// Whether ICE and DTLS are done.
    pub is_connected: bool,
    /// How packets travel; `None` while there is no path.
    pub protocol: Option<Protocol>,
    /// RTP and RTCP, sealed, that went out.
    pub packets_sent: u64,
    /// Bytes of them, behind UDP or TCP.
    pub bytes_sent: u64,
    /// RTP and RTCP that came in and proved authentic.
    pub packets_received: u64,
    /// Bytes of them, behind UDP or TCP.
    pub bytes_received: u64,
    /// By RTCP; we send no checks that could tell.
    pub rtt: Option<Duration>,
    /// What a viewer's path is found to carry, once its receiver has told something.
    pub available_outgoing_bps: Option<u64>,
}

/// How packets travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// As datagrams.
    Udp,
    /// In frames on a connection (RFC 4571).
    Tcp,
}

/// A stream that a publisher sends.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedStream {
    /// Of the media, not of its retransmissions.
    pub ssrc: u32,
    /// Sound or picture.
    pub kind: MediaKind,
    /// The encoding's name, if the publisher sends several.
    pub rid: Option<String>,
    /// What is in it.
    pub codec: StreamCodec,
    /// Packets that arrived, retransmitted ones among them.
    pub packets: u64,
    /// Packets that arrived as retransmissions of lost ones.
    pub retransmitted_packets: u64,
    /// Packets that got lost on the way, whether or not they were repaired.
    pub lost: u64,
    /// Bytes of payload.
    pub bytes: u64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: Duration,
    /// Whole pictures.
    pub frames: u64,
    /// Pictures in the last second.
    pub frames_per_second: f64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// NACKs that we sent.
    pub nacks: u64,
    /// Keyframes that we asked for.
    pub plis: u64,
}

/// A stream that a viewer is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SentStream {
    /// Of the media, not of its retransmissions.
    pub ssrc: u32,
    /// Sound or picture.
    pub kind: MediaKind,
    /// What is in it; `None` until something is played.
    pub codec: Option<StreamCodec>,
    /// Which of the publisher's encodings it is, counted from 0 as the publisher's offer lists them.
    pub encoding: Option<u8>,
    /// Packets, retransmitted ones among them.
    pub packets: u64,
    /// Bytes of payload, retransmitted ones among them.
    pub bytes: u64,
    /// Packets that were sent again.
    pub retransmitted_packets: u64,
    /// Bytes of payload that were sent again.
    pub retransmitted_bytes: u64,
    /// Whole pictures.
    pub frames: u64,
    /// Pictures in the last second.
    pub frames_per_second: f64,
    /// NACKs that the viewer sent.
    pub nacks: u64,
    /// Keyframes that the viewer asked for.
    pub plis: u64,
    /// The most that may be sent now, repairs included; of pictures only.
    pub target_bps: Option<u64>,
    /// What the viewer reported last.
    pub heard: Option<HeardReport>,
}

/// What a viewer reported last of one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardReport {
    /// Since our sender report, if it answers one.
    pub rtt: Option<Duration>,
    /// Share of the packets that got lost since the report before.
    pub fraction_lost: f64,
    /// Packets lost since the beginning; less than none if copies outnumber them.
    pub lost: i64,
    /// Interarrival jitter at the viewer.
    pub jitter: Duration,
}

/// A codec as it was agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamCodec {
    /// Which.
    pub codec: Codec,
    /// Its number at this peer.
    pub payload_type: u8,
}
