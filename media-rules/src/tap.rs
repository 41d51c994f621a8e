//! A copy of what a publisher sends, on its way to a mixer.

use std::time::Duration;

use bytes::Bytes;

use crate::{Codec, FeedId, MediaKind, MediaTime, RtpHeader};

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

/// Says after which of a feed's items its reader has something to do. The packets of a picture are of no
/// use before the last of them is there, and waking somebody for each costs more than what is then done.
#[derive(Debug, Default)]
pub struct TapPace {
    /// The number of the video packet after the newest.
    next: Option<u16>,
}

impl TapPace {
    /// Takes note of the next item; returns whether its reader should look at once. What comes out of its
    /// turn may be all that a picture waits for.
    pub fn handle(&mut self, item: &TapItem) -> bool {
        let TapItem::Packet(packet) = item else { return true };
        if packet.kind() == MediaKind::Audio {
            return true;
        }
        let Ok(header) = RtpHeader::parse(&packet.rtp) else { return true };
        let is_next = self.next == Some(header.sequence);
        let is_newer = self.next.is_none_or(|next| header.sequence.wrapping_sub(next) < 0x8000);
        if is_newer {
            self.next = Some(header.sequence.wrapping_add(1));
        }
        header.marker || !is_next
    }
}

/// Says after which items the reader of several feeds should look who rests and only keeps what comes.
#[derive(Debug, Default)]
pub struct TapBatch {
    looked: MediaTime,
}

impl TapBatch {
    /// As much as this waits together.
    const LENGTH: Duration = Duration::from_millis(100);

    /// Takes note of the next item of any feed; returns whether the reader should look.
    pub fn handle(&mut self, item: &TapItem) -> bool {
        let arrival = match item {
            TapItem::Packet(packet) => packet.arrival,
            TapItem::Report(report) => report.arrival,
        };
        let is_time = arrival.since(self.looked) >= Self::LENGTH;
        if is_time {
            self.looked = arrival;
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::PlainHeader;

    fn packet(codec: Codec, sequence: u16, marker: bool) -> TapItem {
        let header =
            PlainHeader { marker, payload_type: 96, sequence, timestamp: 7, ssrc: 1 }.to_bytes();
        let (feed, arrival) = (FeedId::new("a", "alice"), MediaTime::default());
        TapItem::Packet(TapPacket { feed, codec, arrival, rtp: header.to_vec().into() })
    }

    #[test]
    fn a_reader_looks_at_whole_pictures_at_sound_and_at_whatever_fills_a_hole() {
        let mut pace = TapPace::default();
        let mut looks = |sequence, marker| pace.handle(&packet(Codec::H264, sequence, marker));
        assert!(looks(0xfffe, false), "nobody knows what was before it");
        assert!(!looks(0xffff, false) && !looks(0, false) && looks(1, true));
        assert!(!looks(2, false) && looks(4, false), "3 is missing");
        assert!(!looks(5, false) && looks(3, false), "and here it is");
        assert!(!looks(6, false) && looks(7, true));
        assert!(pace.handle(&packet(Codec::Opus, 9, false)));
        assert!(!pace.handle(&packet(Codec::H264, 8, false)), "sound has numbers of its own");
    }

    #[test]
    fn a_reader_who_rests_looks_ten_times_a_second_however_much_comes() {
        let mut batch = TapBatch::default();
        let mut look = |millis| {
            let TapItem::Packet(packet) = packet(Codec::Opus, 1, true) else { unreachable!() };
            batch.handle(&TapItem::Packet(TapPacket {
                arrival: MediaTime::from_millis(millis),
                ..packet
            }))
        };
        let looks: Vec<u64> = (1_000..2_000).filter(|millis| look(*millis)).collect();
        assert_eq!(looks, [1_000, 1_100, 1_200, 1_300, 1_400, 1_500, 1_600, 1_700, 1_800, 1_900]);
    }
}
