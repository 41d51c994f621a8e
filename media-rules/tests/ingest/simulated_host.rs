//! A publisher with clocks of its own, as far as a mixer can tell.
//!
//! Every picture and every packet of audio carries its capture time, so that what comes out can be
//! held against the truth.

use std::time::Duration;

use bytes::Bytes;
use media_rules::h264::{Packetizer, nals, push_nal};
use media_rules::packet::PlainHeader;
use media_rules::{Codec, FeedId, MediaKind, MediaTime, SenderReport, TapItem, TapPacket};

/// Nanoseconds in a millisecond.
pub(crate) const MS: u64 = 1_000_000;
/// When the host starts, on the machine's clock.
pub(crate) const START: u64 = 5_000 * MS;

/// A publisher, as far as a mixer can tell.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) ssrc: u32,
    pub(crate) started: u64,
    pub(crate) sequence: u16,
    pub(crate) video_timestamp: u32,
    pub(crate) audio_timestamp: u32,
    /// From capture to the arrival of a frame's last packet.
    pub(crate) video_delay: u64,
    pub(crate) audio_delay: u64,
    /// How much faster the host's clocks run.
    pub(crate) drift_ppm: i64,
    /// Milliseconds between sender reports; zero for none.
    pub(crate) reports_every: u64,
    pub(crate) audio_report_error: u64,
    /// The way of a report.
    pub(crate) report_delay: u64,
    pub(crate) round_trip: Option<u64>,
    /// Added to the host's wall clock.
    pub(crate) wall_ahead: u64,
    /// Frames from one keyframe to the next.
    pub(crate) keyframe_every: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            ssrc: 100,
            started: START,
            // Everything wraps soon.
            sequence: 0xffe0,
            video_timestamp: u32::MAX - 50_000,
            audio_timestamp: u32::MAX - 30_000,
            video_delay: 20 * MS,
            audio_delay: 20 * MS,
            drift_ppm: 0,
            reports_every: 0,
            audio_report_error: 0,
            report_delay: 20 * MS,
            round_trip: None,
            wall_ahead: 0,
            keyframe_every: u64::MAX,
        }
    }
}

impl Host {
    pub(crate) fn other() -> Self {
        Self { sequence: 5, video_timestamp: 77, audio_timestamp: 7_777, ..Self::default() }
    }

    /// Returns what arrives of `millis` of 30 pictures and 50 packets of audio a second.
    pub(crate) fn record(&self, millis: u64) -> Vec<Recorded> {
        let mut items = self.video(millis);
        items.extend(self.audio(millis));
        for captured in
            (0..millis).filter(|now| self.reports_every > 0 && now % self.reports_every == 7)
        {
            items.extend(self.reports(captured * MS));
        }
        items.sort_by_key(|item| item.arrival);
        items
    }

    fn video(&self, millis: u64) -> Vec<Recorded> {
        let mut sequence = self.sequence;
        let mut items = Vec::new();
        for number in 0..millis * 30 / 1_000 {
            let captured = number * 1_000 * MS / 30;
            let mut payloads = Vec::new();
            Packetizer::new(200).packetize(
                &access_unit(number, captured / MS, number % self.keyframe_every == 0),
                &mut payloads,
            );
            let last = payloads.len() - 1;
            for (index, payload) in payloads.into_iter().enumerate() {
                let header = PlainHeader {
                    marker: index == last,
                    payload_type: 102,
                    sequence,
                    timestamp: self.video_timestamp.wrapping_add(self.ticks(captured, 90_000)),
                    ssrc: self.ssrc,
                };
                sequence = sequence.wrapping_add(1);
                let arrival = self.started + captured + self.video_delay;
                let rtp = [&header.to_bytes()[..], &payload].concat().into();
                let item = tap_packet(MediaKind::Video, arrival, rtp);
                items.push(Recorded { arrival, captured: captured / MS, item });
            }
        }
        items
    }

    fn audio(&self, millis: u64) -> Vec<Recorded> {
        let packet = |number: u64| {
            let captured = number * 20 * MS;
            let header = PlainHeader {
                marker: false,
                payload_type: 111,
                sequence: self.sequence.wrapping_add(number as u16),
                timestamp: self.audio_timestamp.wrapping_add(self.ticks(captured, 48_000)),
                ssrc: self.ssrc + 1,
            };
            let arrival = self.started + captured + self.audio_delay;
            let rtp = [&header.to_bytes()[..], &(captured / MS).to_be_bytes()].concat().into();
            let item = tap_packet(MediaKind::Audio, arrival, rtp);
            Recorded { arrival, captured: captured / MS, item }
        };
        (0..millis / 20).map(packet).collect()
    }

    fn reports(&self, captured: u64) -> [Recorded; 2] {
        let wall = 3_900_000_000_000 * MS + self.wall_ahead + self.own_clock(captured);
        let arrival = self.started + captured + self.report_delay;
        let report = |kind, wall: u64, rtp_timestamp| Recorded {
            arrival,
            captured: captured / MS,
            item: TapItem::Report(SenderReport {
                feed: feed(),
                kind,
                ntp: ((u128::from(wall) << 32) / 1_000_000_000) as u64,
                rtp_timestamp,
                arrival: MediaTime::from_nanos(arrival),
                round_trip: self.round_trip.map(Duration::from_nanos),
            }),
        };
        let video = self.video_timestamp.wrapping_add(self.ticks(captured, 90_000));
        let audio = self.audio_timestamp.wrapping_add(self.ticks(captured, 48_000));
        [
            report(MediaKind::Video, wall, video),
            report(MediaKind::Audio, wall + self.audio_report_error, audio),
        ]
    }

    fn own_clock(&self, nanos: u64) -> u64 {
        nanos.saturating_add_signed(nanos as i64 / 1_000_000 * self.drift_ppm)
    }

    fn ticks(&self, nanos: u64, rate: u64) -> u32 {
        (self.own_clock(nanos) * (rate / 1_000) / MS) as u32
    }
}

/// Something that arrives, with the truth about it.
#[derive(Clone)]
pub(crate) struct Recorded {
    pub(crate) arrival: u64,
    /// Milliseconds after the host's start.
    pub(crate) captured: u64,
    pub(crate) item: TapItem,
}

impl Recorded {
    pub(crate) fn is_video(&self) -> bool {
        matches!(&self.item, TapItem::Packet(packet) if packet.kind() == MediaKind::Video)
    }

    pub(crate) fn is_video_at(&self, captured: u64) -> bool {
        self.is_video() && self.captured == captured
    }
}

/// A picture that tells its number and capture time, padded to a few packets.
pub(crate) fn access_unit(number: u64, captured: u64, is_key: bool) -> Bytes {
    let mut unit = Vec::new();
    let mut slice = vec![if is_key { 0x65 } else { 0x41 }];
    slice.extend(format!("{number:08}{captured:08}").bytes());
    slice.resize(if is_key { 2_200 } else { 500 }, 0xab);
    if is_key {
        push_nal(&mut unit, &[0x67, 0x42, 0xc0, 0x1e, 0xd9]);
        push_nal(&mut unit, &[0x68, 0xcb, 0x83]);
    }
    push_nal(&mut unit, &slice);
    unit.into()
}

/// Returns the number and capture time that a picture tells.
pub(crate) fn marks_of_picture(unit: &[u8]) -> (u64, u64) {
    let slice = nals(unit).last().expect("a picture has a slice");
    let mark = |digits: &[u8]| {
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .expect("a picture tells its marks")
    };
    (mark(&slice[1..9]), mark(&slice[9..17]))
}

/// Returns the capture time that a packet of audio tells.
pub(crate) fn mark_of_audio(data: &[u8]) -> u64 {
    u64::from_be_bytes(data.try_into().expect("audio is eight bytes"))
}

fn feed() -> FeedId {
    FeedId::new("room", "host")
}

pub(crate) fn tap_packet(kind: MediaKind, arrival: u64, rtp: Bytes) -> TapItem {
    let arrival = MediaTime::from_nanos(arrival);
    let codec = match kind {
        MediaKind::Audio => Codec::Opus,
        MediaKind::Video => Codec::H264,
    };
    TapItem::Packet(TapPacket { feed: feed(), codec, arrival, rtp })
}
