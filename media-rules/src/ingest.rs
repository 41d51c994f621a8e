//! Turns one feed's RTP packets into whole frames on this machine's clock, for a mixer.
//!
//! Packets are put back in order, missing ones are waited for a little, video is put together to
//! whole pictures, and every frame gets the moment at which to present it. What surprises: a frame
//! comes out as soon as it is whole, normally before it is due; holding it is the mixer's part.
//! After a loss, video stays silent until the next keyframe, because a broken picture is worse
//! than a still one; sound goes on, and says how much of it is missing.
//!
//! How long a frame is held is the feed's own jitter margin, and what [`set_extra`] adds so that
//! hosts with faster networks wait for those with slower ones ([`HostSync`]).
//!
//! [`set_extra`]: Ingest::set_extra
//! [`HostSync`]: crate::HostSync

mod jitter;
mod reorder;
mod sender_clock;
mod smallest;
mod timeline;
mod track;

use std::collections::VecDeque;
use std::time::Duration;

use jitter::JitterMargin;
use reorder::Delivery;
use sender_clock::SenderClock;
use track::{Source, Track};

use crate::assembly::Assembler;
use crate::h264::{AccessUnit, VideoPacket};
use crate::{Codec, FeedFrame, MediaKind, MediaTime, RtpHeader, SenderReport, TapItem, TapPacket};

/// A missing video packet is waited for this long: a round trip and a retransmission.
const VIDEO_WAIT: Duration = Duration::from_millis(80);
/// A missing audio packet is waited for this long; later it would be past its time anyway.
const AUDIO_WAIT: Duration = Duration::from_millis(20);
const MAX_HELD_VIDEO: usize = 1024;
const MAX_HELD_AUDIO: usize = 64;
const MAX_VIDEO_FRAMES: usize = 64;
const MAX_AUDIO_FRAMES: usize = 256;
/// Of a longer hole in the sound nobody can make up what was in it.
const LONGEST_LOSS: Duration = Duration::from_millis(120);
/// Of 100 pictures this many may come late. A late one is shown a moment later.
const LATE_PICTURES_PERCENT: u32 = 10;
/// Of 100 packets of sound this many may come late. A late one is a hole.
const LATE_SOUND_PERCENT: u32 = 2;

/// The two tracks of one feed.
#[derive(Debug)]
pub struct Ingest {
    margin: Duration,
    /// By track, video first.
    jitter: [JitterMargin; 2],
    /// What this feed waits so that others catch up with it.
    extra: Duration,
    clock: SenderClock,
    video: Track<VideoPacket>,
    audio: Track<AudioPacket>,
    video_codec: Codec,
    assembler: Assembler,
    /// Whether pictures that depend on others are of no use.
    needs_keyframe: bool,
    /// Stays false while the keyframe that is needed is already arriving.
    is_keyframe_wanted: bool,
    /// Packets of sound that were given up since the last one that came out.
    lost_packets: u64,
    /// Full: emptied, and video starts again at the next keyframe.
    video_frames: VecDeque<FeedFrame>,
    /// Full: the oldest is dropped.
    audio_frames: VecDeque<FeedFrame>,
    stats: IngestStats,
}

impl Ingest {
    /// Creates the ingest of a feed that nothing is known of.
    pub fn new() -> Self {
        let jitter = [LATE_PICTURES_PERCENT, LATE_SOUND_PERCENT].map(JitterMargin::new);
        Self {
            margin: jitter[0].margin(),
            jitter,
            extra: Duration::ZERO,
            clock: SenderClock::default(),
            video: Track::new(MediaKind::Video, VIDEO_WAIT, MAX_HELD_VIDEO),
            audio: Track::new(MediaKind::Audio, AUDIO_WAIT, MAX_HELD_AUDIO),
            video_codec: Codec::H264,
            assembler: Assembler::new(Codec::H264),
            needs_keyframe: true,
            is_keyframe_wanted: false,
            lost_packets: 0,
            video_frames: VecDeque::new(),
            audio_frames: VecDeque::new(),
            stats: IngestStats::default(),
        }
    }

    /// The feed sent something.
    pub fn handle(&mut self, item: TapItem, now: MediaTime) {
        match item {
            TapItem::Packet(packet) => self.handle_packet(&packet, now),
            TapItem::Report(report) => self.handle_report(&report),
        }
    }

    /// Presents everything this much later from now on, gently.
    pub const fn set_extra(&mut self, extra: Duration) {
        self.extra = extra;
    }

    /// Returns how long after its capture a frame of this feed is presented, without what
    /// [`set_extra`](Self::set_extra) adds; `None` while its sender's clock is not known.
    pub fn lag(&self) -> Option<Duration> {
        let transits = [self.video.timeline.wall_transit(), self.audio.timeline.wall_transit()];
        let slower = transits.into_iter().flatten().max()?;
        Some(self.clock.delay_of(slower)? + self.margin)
    }

    /// Returns how long frames are held against jitter.
    pub const fn margin(&self) -> Duration {
        self.margin
    }

    /// Returns the next frame that is ready, the earliest due first.
    pub fn poll_frame(&mut self, now: MediaTime) -> Option<FeedFrame> {
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

    fn handle_packet(&mut self, packet: &TapPacket, now: MediaTime) {
        let Ok(header) = RtpHeader::parse(&packet.rtp) else {
            self.stats.malformed_packets += 1;
            return;
        };
        let payload = packet.rtp.slice(header.payload_range(packet.rtp.len()));
        let (timestamp, marker, arrival) = (header.timestamp, header.marker, packet.arrival);
        let is_of_use = match packet.kind() {
            MediaKind::Video => {
                let source = self.video.admit(&header, arrival);
                if source == Source::New || source == Source::Current && self.is_other(packet.codec)
                {
                    self.begin_video(packet.codec);
                }
                if source == Source::New {
                    self.jitter[0].restart();
                }
                let packet = VideoPacket { timestamp, marker, arrival, payload };
                let is_of_use = source != Source::Former
                    && self.video.reorder.insert(header.sequence, packet, arrival);
                self.advance_video(now);
                is_of_use
            }
            MediaKind::Audio => {
                let source = self.audio.admit(&header, arrival);
                if source == Source::New {
                    self.jitter[1].restart();
                }
                let packet = AudioPacket { timestamp, arrival, payload };
                let is_of_use = source != Source::Former
                    && self.audio.reorder.insert(header.sequence, packet, arrival);
                self.advance_audio(now);
                is_of_use
            }
        };
        self.stats.late_packets += u64::from(!is_of_use);
    }

    fn is_other(&self, codec: Codec) -> bool {
        codec != self.video_codec
    }

    /// What is being put together belongs to a stream that has ended, or to another codec.
    fn begin_video(&mut self, codec: Codec) {
        self.video_codec = codec;
        self.video.reorder.restart();
        self.assembler = Assembler::new(codec);
        self.needs_keyframe = true;
    }

    fn handle_report(&mut self, report: &SenderReport) {
        self.clock.handle_report(report);
        let timeline = match report.kind {
            MediaKind::Video => &mut self.video.timeline,
            MediaKind::Audio => &mut self.audio.timeline,
        };
        timeline.handle_report(report.ntp, report.rtp_timestamp);
    }

    fn advance_video(&mut self, now: MediaTime) {
        while let Some(delivery) = self.video.reorder.poll(now) {
            match delivery {
                Delivery::Packet(packet) => self.assembler.handle_packet(&packet),
                Delivery::Gap(_) => {
                    self.stats.gaps += 1;
                    self.assembler.handle_gap();
                    self.break_picture();
                }
            }
            while let Some(picture) = self.assembler.poll_picture() {
                self.present_video(picture, now);
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

    fn present_video(&mut self, picture: AccessUnit, now: MediaTime) {
        let (media, lateness) =
            self.video.timeline.observe(picture.timestamp, picture.arrival, now);
        self.jitter[0].handle_frame(lateness, now);
        self.needs_keyframe |= picture.follows_loss;
        if self.video_frames.len() == MAX_VIDEO_FRAMES {
            self.stats.dropped_frames += self.video_frames.len() as u64;
            self.video_frames.clear();
            self.break_picture();
        }
        if self.needs_keyframe && !picture.is_key {
            self.stats.dropped_frames += 1;
            self.break_picture();
            return;
        }
        self.needs_keyframe = false;
        self.is_keyframe_wanted = false;
        let delay = self.delay();
        let offset = self.video.timeline.offset_with(&self.audio.timeline);
        self.video_frames.push_back(FeedFrame {
            codec: self.video_codec,
            at: self.video.timeline.present(media, offset, delay, now),
            is_key: picture.is_key,
            lost_before: Duration::ZERO,
            data: picture.data,
        });
    }

    fn advance_audio(&mut self, now: MediaTime) {
        while let Some(delivery) = self.audio.reorder.poll(now) {
            let packet = match delivery {
                Delivery::Packet(packet) if !packet.payload.is_empty() => packet,
                Delivery::Packet(_) => continue,
                Delivery::Gap(packets) => {
                    self.stats.gaps += 1;
                    self.lost_packets = packets;
                    continue;
                }
            };
            let before = self.audio.timeline.last_media();
            let (media, lateness) =
                self.audio.timeline.observe(packet.timestamp, packet.arrival, now);
            self.jitter[1].handle_frame(lateness, now);
            let delay = self.delay();
            let offset = self.audio.timeline.offset_with(&self.video.timeline);
            if self.audio_frames.len() == MAX_AUDIO_FRAMES {
                self.audio_frames.pop_front();
                self.stats.dropped_frames += 1;
            }
            let lost_before = lost_before(self.lost_packets, before, media);
            self.lost_packets = 0;
            self.audio_frames.push_back(FeedFrame {
                codec: Codec::Opus,
                at: self.audio.timeline.present(media, offset, delay, now),
                is_key: true,
                lost_before,
                data: packet.payload,
            });
        }
    }

    /// Both tracks are held for the same time, so that lips match voices.
    fn delay(&mut self) -> Duration {
        self.margin = self.jitter[0].margin().max(self.jitter[1].margin());
        self.margin + self.extra
    }
}

impl Default for Ingest {
    fn default() -> Self {
        Self::new()
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

/// Returns how much sound `packets` held that are missing between two moments of media time. Where
/// a sender was silent, only the time passes, not the numbers.
fn lost_before(packets: u64, before: Option<i64>, media: i64) -> Duration {
    let passed = before.map_or(0, |before| (media - before).max(0)).unsigned_abs();
    // The packet before the gap was as long as those in it.
    let lost = Duration::from_nanos(passed / (packets + 1) * packets);
    if lost <= LONGEST_LOSS { lost } else { Duration::ZERO }
}

/// One RTP packet of audio.
#[derive(Debug)]
struct AudioPacket {
    timestamp: u32,
    arrival: MediaTime,
    payload: bytes::Bytes,
}
