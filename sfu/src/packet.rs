//! What travels from a publisher to every worker: packets, and how their clock relates to ours.

use bytes::Bytes;
use media_rules::packet::RtpHeader;
use media_rules::{FeedId, MediaKind, MediaTime, h264};

use crate::event::PeerId;

/// One unbroken stream of numbers of one feed. A publisher that restarts gets a new one.
///
/// A greater source is a younger one, whoever sends it, so among two publishers of one feed
/// everybody picks the same without asking.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct SourceId(u64);

impl SourceId {
    /// Names the `epoch`-th stream of `peer`.
    pub(crate) fn new(peer: PeerId, epoch: u8) -> Self {
        Self(peer.raw() << 8 | u64::from(epoch))
    }

    /// Returns the publisher.
    pub(crate) fn peer(self) -> PeerId {
        PeerId::from_raw(self.0 >> 8)
    }

    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

/// A packet of a feed in the clear, in its place, never twice.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) source: SourceId,
    pub(crate) kind: MediaKind,
    pub(crate) arrival: MediaTime,
    pub(crate) marker: bool,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// A viewer can be switched to this source with this packet.
    pub(crate) is_entry: bool,
    pub(crate) header_len: usize,
    pub(crate) padding_len: usize,
    pub(crate) rtp: Bytes,
}

impl Packet {
    /// Describes a packet whose header has been read.
    pub(crate) fn new(
        source: SourceId,
        kind: MediaKind,
        arrival: MediaTime,
        header: &RtpHeader,
        rtp: Bytes,
    ) -> Self {
        let is_entry = match kind {
            MediaKind::Audio => true,
            MediaKind::Video => h264::has_parameter_sets(header.payload(&rtp)),
        };
        Self {
            source,
            kind,
            arrival,
            marker: header.marker,
            sequence: header.sequence,
            timestamp: header.timestamp,
            is_entry,
            header_len: header.header_len,
            padding_len: header.padding_len,
            rtp,
        }
    }

    /// Returns the payload without padding.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.rtp[self.header_len..self.rtp.len() - self.padding_len]
    }
}

/// An RTP timestamp and the moment on our own clock that it stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Anchor {
    pub(crate) at: MediaTime,
    pub(crate) rtp_timestamp: u32,
}

impl Anchor {
    /// Returns the RTP timestamp of a later moment.
    pub(crate) fn timestamp_at(self, now: MediaTime, clock_rate_hz: u32) -> u32 {
        let ticks = now.since(self.at).as_nanos() * u128::from(clock_rate_hz) / 1_000_000_000;
        // RTP timestamps wrap by definition.
        self.rtp_timestamp.wrapping_add((ticks & u128::from(u32::MAX)) as u32)
    }
}

/// Something that a feed did, on its way to the viewers of another worker.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// A packet.
    Packet(Packet),
    /// A newer anchor for one of its tracks.
    Anchor(SourceId, MediaKind, Anchor),
}

impl Item {
    /// Returns the source that it is about.
    pub(crate) fn source(&self) -> SourceId {
        match self {
            Self::Packet(packet) => packet.source,
            Self::Anchor(source, ..) => *source,
        }
    }
}

/// What crosses to another worker at once.
pub(crate) type Batch = Vec<(FeedId, Item)>;

/// Numbers the two kinds for arrays.
pub(crate) fn slot(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Audio => 0,
        MediaKind::Video => 1,
    }
}
