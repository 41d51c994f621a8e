//! A copy of what a publisher sends, on its way to a mixer.

use bytes::Bytes;

use crate::{FeedId, MediaKind, MediaTime};

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
    /// Audio or video.
    pub kind: MediaKind,
    /// When the packet reached this machine.
    pub arrival: MediaTime,
    /// The packet, header included (RFC 3550 section 5.1).
    pub rtp: Bytes,
}

/// The part of an RTCP sender report that aligns tracks (RFC 3550 section 6.4.1).
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
}
