//! A copy of what a publisher sends, on its way to a mixer.

use std::time::Duration;

use bytes::Bytes;

use crate::{Codec, FeedId, MediaKind, MediaTime};

/// Something a tapped feed did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TapItem {
    /// An RTP packet arrived, retransmissions already put back in their place.
    Packet(TapPacket),
    /// The sender said how its RTP clock relates to its wall clock.
    Report(SenderReport),
}

/// One RTP packet of a feed, decrypted, otherwise as the publisher sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TapPacket {
    /// Whose packet it is.
    pub feed: FeedId,
    /// What is in it.
    pub codec: Codec,
    /// When the packet reached this machine.
    pub arrival: MediaTime,
    /// The packet, header included (RFC 3550 section 5.1).
    pub rtp: Bytes,
}

impl TapPacket {
    /// Returns whether it is audio or video.
    pub const fn kind(&self) -> MediaKind {
        self.codec.kind()
    }
}

/// The part of an RTCP sender report that aligns tracks and hosts (RFC 3550 section 6.4.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SenderReport {
    /// Whose report it is.
    pub feed: FeedId,
    /// Which track it speaks of.
    pub kind: MediaKind,
    /// The sender's wall clock, NTP Q32.32.
    pub ntp: u64,
    /// The same instant in units of the track's RTP clock.
    pub rtp_timestamp: u32,
    /// When the report reached this machine.
    pub arrival: MediaTime,
    /// What a packet needs to its sender and back, if that has been measured.
    pub round_trip: Option<Duration>,
}
