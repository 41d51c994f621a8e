//! Turns one feed's RTP packets into whole frames on this machine's clock, for a mixer.
//!
//! Packets are put back in order, missing ones are waited for a little, video is put together to
//! access units, and every frame gets the moment at which to present it. What surprises: a frame
//! comes out as soon as it is whole, normally before it is due; holding it is the mixer's part.
//! After a loss, video stays silent until the next keyframe, because a broken picture is worse
//! than a still one.
//!
//! Packets are expected to be H.264 and Opus, which is all that is ever negotiated.

mod reorder;
mod timeline;

use std::collections::VecDeque;
use std::time::Duration;

use reorder::{Delivery, ReorderBuffer};
use timeline::Timeline;

use crate::h264::{AccessUnit, AccessUnitAssembler, VideoPacket};
use crate::{
    EncodedFrame, FrameCodec, MediaKind, MediaTime, RtpHeader, SenderReport, TapItem, TapPacket,
};

/// A missing video packet is waited for this long: a round trip and a retransmission.
const VIDEO_WAIT: Duration = Duration::from_millis(80);
/// A missing audio packet is waited for this long; later it would be past its time anyway.
const AUDIO_WAIT: Duration = Duration::from_millis(20);
const MAX_HELD_VIDEO: usize = 1024;
const MAX_HELD_AUDIO: usize = 64;
const MAX_VIDEO_FRAMES: usize = 64;
const MAX_AUDIO_FRAMES: usize = 256;
/// Packets of a publisher's former connection are ignored this long after the new one began.
const FORMER_SOURCE: Duration = Duration::from_secs(2);

/// The two tracks of one feed.
#[derive(Debug)]
pub struct Ingest {
    margin: Duration,
    video: Track<VideoPacket>,
    audio: Track<AudioPacket>,
    assembler: AccessUnitAssembler,
    /// Whether pictures that depend on others are of no use.
    needs_keyframe: bool,
    /// Stays false while the keyframe that is needed is already arriving.
    is_keyframe_wanted: bool,
    /// Full: emptied, and video starts again at the next keyframe.
    video_frames: VecDeque<EncodedFrame>,
    /// Full: the oldest is dropped.
    audio_frames: VecDeque<EncodedFrame>,
    stats: IngestStats,
}

impl Ingest {
    /// How long after the fastest possible arrival a frame is due, unless told otherwise.
    pub const DEFAULT_MARGIN: Duration = Duration::from_millis(30);

    /// Presents frames `margin` after the fastest of them arrive; it absorbs network jitter.
    pub fn new(margin: Duration) -> Self {
        Self {
            margin,
            video: Track::new(MediaKind::Video, VIDEO_WAIT, MAX_HELD_VIDEO),
            audio: Track::new(MediaKind::Audio, AUDIO_WAIT, MAX_HELD_AUDIO),
            assembler: AccessUnitAssembler::new(),
            needs_keyframe: true,
            is_keyframe_wanted: false,
            video_frames: VecDeque::new(),
            audio_frames: VecDeque::new(),
            stats: IngestStats::default(),
        }
    }

    /// The feed sent something.
    pub fn handle(&mut self, item: TapItem) {
        match item {
            TapItem::Packet(packet) => self.handle_packet(&packet),
            TapItem::Report(report) => self.handle_report(&report),
        }
    }

    /// Returns the next frame that is ready, the earliest due first.
    pub fn poll_frame(&mut self, now: MediaTime) -> Option<EncodedFrame> {
        self.advance_video(now);
        self.advance_audio(now);
        match (self.video_frames.front(), self.audio_frames.front()) {
            (Some(video), Some(audio)) if video.at <= audio.at => self.video_frames.pop_front(),
            (Some(_), None) => self.video_frames.pop_front(),
            (_, Some(_)) => self.audio_frames.pop_front(),
            (None, None) => None,
        }
    }

    /// Returns when [`poll_frame`](Self::poll_frame) has something to do without a new packet.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        [self.video.reorder.poll_timeout(), self.audio.reorder.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns whether the picture stands still until the next keyframe, so that the publisher
    /// should be asked for one. Stays true until it came; the caller limits the rate.
    pub const fn poll_keyframe_wanted(&self) -> bool {
        self.is_keyframe_wanted
    }

    /// Returns what happened so far.
    pub const fn stats(&self) -> IngestStats {
        self.stats
    }

    fn handle_packet(&mut self, packet: &TapPacket) {
        let Ok(header) = RtpHeader::parse(&packet.rtp) else {
            self.stats.malformed_packets += 1;
            return;
        };
        let payload = packet.rtp.slice(header.payload_range(packet.rtp.len()));
        let (timestamp, marker, arrival) = (header.timestamp, header.marker, packet.arrival);
        let is_of_use = match packet.kind {
            MediaKind::Video => {
                let source = self.video.admit(&header, arrival);
                if source == Source::New {
                    self.assembler = AccessUnitAssembler::new();
                    self.needs_keyframe = true;
                }
                let packet = VideoPacket { timestamp, marker, arrival, payload };
                let is_of_use = source != Source::Former
                    && self.video.reorder.insert(header.sequence, packet, arrival);
                self.advance_video(arrival);
                is_of_use
            }
            MediaKind::Audio => {
                let source = self.audio.admit(&header, arrival);
                let packet = AudioPacket { timestamp, arrival, payload };
                let is_of_use = source != Source::Former
                    && self.audio.reorder.insert(header.sequence, packet, arrival);
                self.advance_audio(arrival);
                is_of_use
            }
        };
        self.stats.late_packets += u64::from(!is_of_use);
    }

    fn handle_report(&mut self, report: &SenderReport) {
        match report.kind {
            MediaKind::Video => self.video.timeline.handle_report(report.ntp, report.rtp_timestamp),
            MediaKind::Audio => self.audio.timeline.handle_report(report.ntp, report.rtp_timestamp),
        }
    }

    fn advance_video(&mut self, now: MediaTime) {
        while let Some(delivery) = self.video.reorder.poll(now) {
            match delivery {
                Delivery::Packet(packet) => self.assembler.handle_packet(&packet),
                Delivery::Gap => {
                    self.stats.gaps += 1;
                    self.assembler.handle_gap();
                    self.break_picture();
                }
            }
            while let Some(access_unit) = self.assembler.poll_access_unit() {
                self.present_video(access_unit);
            }
            let broken = self.assembler.poll_broken();
            if broken > 0 {
                self.stats.dropped_frames += broken;
                self.break_picture();
            }
        }
    }

    /// The next picture cannot be decoded, nor those after it until a keyframe.
    const fn break_picture(&mut self) {
        self.needs_keyframe = true;
        self.is_keyframe_wanted = true;
    }

    fn present_video(&mut self, access_unit: AccessUnit) {
        let media = self.video.timeline.observe(access_unit.timestamp, access_unit.arrival);
        self.needs_keyframe |= access_unit.follows_loss;
        if self.video_frames.len() == MAX_VIDEO_FRAMES {
            self.stats.dropped_frames += self.video_frames.len() as u64;
            self.video_frames.clear();
            self.break_picture();
        }
        if self.needs_keyframe && !access_unit.is_key {
            self.stats.dropped_frames += 1;
            self.break_picture();
            return;
        }
        self.needs_keyframe = false;
        self.is_keyframe_wanted = false;
        let offset = self.video.timeline.offset_with(&self.audio.timeline);
        self.video_frames.push_back(EncodedFrame {
            codec: FrameCodec::H264,
            at: self.video.timeline.present(media, offset, self.margin),
            is_key: access_unit.is_key,
            data: access_unit.data,
        });
    }

    fn advance_audio(&mut self, now: MediaTime) {
        while let Some(delivery) = self.audio.reorder.poll(now) {
            let packet = match delivery {
                Delivery::Packet(packet) if !packet.payload.is_empty() => packet,
                Delivery::Packet(_) => continue,
                Delivery::Gap => {
                    self.stats.gaps += 1;
                    continue;
                }
            };
            let media = self.audio.timeline.observe(packet.timestamp, packet.arrival);
            let offset = self.audio.timeline.offset_with(&self.video.timeline);
            if self.audio_frames.len() == MAX_AUDIO_FRAMES {
                self.audio_frames.pop_front();
                self.stats.dropped_frames += 1;
            }
            self.audio_frames.push_back(EncodedFrame {
                codec: FrameCodec::Opus,
                at: self.audio.timeline.present(media, offset, self.margin),
                is_key: true,
                data: packet.payload,
            });
        }
    }
}

impl Default for Ingest {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MARGIN)
    }
}

/// What an [`Ingest`] met.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct IngestStats {
    /// Packets that are no RTP.
    pub malformed_packets: u64,
    /// Packets that came twice, after their gap was given up, or from a former connection.
    pub late_packets: u64,
    /// Gaps that were given up.
    pub gaps: u64,
    /// Frames that were thrown away: broken, waiting for a keyframe, or nobody took them.
    pub dropped_frames: u64,
}

/// One track's order and clock.
#[derive(Debug)]
struct Track<P> {
    source: Option<u32>,
    /// The source before, and when it was replaced.
    former: Option<(u32, MediaTime)>,
    reorder: ReorderBuffer<P>,
    timeline: Timeline,
}

impl<P> Track<P> {
    fn new(kind: MediaKind, wait: Duration, max_held: usize) -> Self {
        Self {
            source: None,
            former: None,
            reorder: ReorderBuffer::new(wait, max_held),
            timeline: Timeline::new(kind.clock_rate_hz()),
        }
    }

    /// Says whose packet this is; a new source starts the track's order and clock anew.
    fn admit(&mut self, header: &RtpHeader, now: MediaTime) -> Source {
        if self.source == Some(header.ssrc) {
            return Source::Current;
        }
        if let Some((former, since)) = self.former
            && former == header.ssrc
            && now.since(since) < FORMER_SOURCE
        {
            return Source::Former;
        }
        self.former = self.source.map(|source| (source, now));
        self.source = Some(header.ssrc);
        self.reorder.restart();
        self.timeline.restart();
        Source::New
    }
}

/// Which connection of the publisher a packet belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    Current,
    New,
    Former,
}

/// One RTP packet of audio.
#[derive(Debug)]
struct AudioPacket {
    timestamp: u32,
    arrival: MediaTime,
    payload: bytes::Bytes,
}
