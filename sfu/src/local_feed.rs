//! A feed that this process makes itself: frames in, RTP packets to the feed's home worker.
//!
//! The mixer stamps its frames with the machine's monotonic clock, and the RTP timestamps are that
//! clock. So a mixer that was restarted continues the same streams: same SSRC, next number, no
//! jump, and nothing on any viewer to renegotiate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media_rules::codec::FrameReader;
use media_rules::h264::Packetizer;
use media_rules::packet::{MIN_HEADER_LEN, PlainHeader, RtpHeader};
use media_rules::{Codec, EncodedFrame, FeedId, FrameCodec, MediaKind, MediaTime};

use crate::clock::media_now;
use crate::command::{Command, WorkerLink};
use crate::packet::{Anchor, Batch, Item, Packet, PacketExtensions, Slot, SourceId, StreamId};

/// How often workers are told how the streams' clocks relate to ours; they never change.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(1);
/// What the packets carry on their way to the viewers, each of which has its own.
const PAYLOAD_TYPES: [u8; 2] = [111, 96];
const CODECS: [Codec; 2] = [Codec::Opus, Codec::H264];

/// Feeds encoded frames in as if somebody published them. The feed ends when this is dropped.
pub struct LocalFeed {
    feed: FeedId,
    source: SourceId,
    home: WorkerLink,
    streams: Mutex<Streams>,
    /// Keeps the workers running.
    _workers: Arc<dyn Send + Sync>,
}

struct Streams {
    /// Whether the worker knows the source; it takes nothing from one that it does not know.
    is_announced: bool,
    packetizer: Packetizer,
    /// By kind: the next sequence number.
    next: [u16; 2],
    ssrcs: [u32; 2],
    anchored: MediaTime,
    payloads: Vec<Bytes>,
}

impl LocalFeed {
    pub(crate) fn new(
        feed: FeedId,
        source: SourceId,
        home: WorkerLink,
        workers: Arc<dyn Send + Sync>,
    ) -> Self {
        let streams = Streams {
            is_announced: false,
            packetizer: Packetizer::default(),
            next: [fastrand::u16(1..0x4000), fastrand::u16(1..0x4000)],
            ssrcs: [fastrand::u32(1..), fastrand::u32(1..)],
            anchored: MediaTime::default(),
            payloads: Vec::new(),
        };
        let mut new = Self { feed, source, home, streams: Mutex::new(streams), _workers: workers };
        let is_announced = new.announce();
        new.streams.get_mut().unwrap_or_else(PoisonError::into_inner).is_announced = is_announced;
        new
    }

    /// Sends one frame. AAC is for others and is ignored. Never blocks: if the worker cannot keep
    /// up, the frame is dropped and counted.
    pub fn push(&self, frame: &EncodedFrame) {
        let kind = match frame.codec {
            FrameCodec::H264 => MediaKind::Video,
            FrameCodec::Opus => MediaKind::Audio,
            // Before anything else: an anchor put into a batch that is not sent would be lost.
            FrameCodec::Aac => return,
        };
        let now = media_now();
        let mut batch = Batch::new();
        {
            // A panic while this is held leaves nothing half done that would matter.
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            streams.is_announced = streams.is_announced || self.announce();
            self.anchor(&mut streams, now, &mut batch);
            match kind {
                MediaKind::Video => {
                    let mut payloads = std::mem::take(&mut streams.payloads);
                    streams.packetizer.packetize(&frame.data, &mut payloads);
                    let last = payloads.len().saturating_sub(1);
                    for (at, payload) in payloads.drain(..).enumerate() {
                        let packet =
                            self.packet(&mut streams, kind, frame.at, now, &payload, at == last);
                        batch.extend(packet);
                    }
                    streams.payloads = payloads;
                }
                MediaKind::Audio => {
                    let packet = self.packet(&mut streams, kind, frame.at, now, &frame.data, false);
                    batch.extend(packet);
                }
            }
        }
        // A batch that does not fit is counted; its viewers will ask for a keyframe.
        let _ = self.home.try_media(batch, true);
    }

    /// Returns the feed's name.
    pub fn feed(&self) -> &FeedId {
        &self.feed
    }

    /// Tells the worker to take this source's packets; a busy one is told again with the next frame.
    fn announce(&self) -> bool {
        self.home.try_command(Command::AddLocal(self.feed.clone(), self.source)).is_ok()
    }

    fn anchor(&self, streams: &mut Streams, now: MediaTime, batch: &mut Batch) {
        if streams.anchored != MediaTime::default() && now.since(streams.anchored) < ANCHOR_INTERVAL
        {
            return;
        }
        streams.anchored = now;
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let rtp_timestamp = now.rtp_timestamp(kind.clock_rate_hz());
            let anchor = Anchor { at: now, rtp_timestamp };
            batch.push((self.feed.clone(), Item::Anchor(self.stream(kind), anchor)));
        }
    }

    fn stream(&self, kind: MediaKind) -> StreamId {
        StreamId { source: self.source, slot: Slot::from(kind) }
    }

    fn packet(
        &self,
        streams: &mut Streams,
        kind: MediaKind,
        at: MediaTime,
        now: MediaTime,
        payload: &Bytes,
        marker: bool,
    ) -> Option<(FeedId, Item)> {
        let stream = self.stream(kind);
        let index = stream.slot.index();
        let sequence = streams.next[index];
        streams.next[index] = sequence.wrapping_add(1);
        let header = PlainHeader {
            marker,
            payload_type: PAYLOAD_TYPES[index],
            sequence,
            timestamp: at.rtp_timestamp(kind.clock_rate_hz()),
            ssrc: streams.ssrcs[index],
        };
        let mut rtp = BytesMut::with_capacity(MIN_HEADER_LEN + payload.len());
        rtp.put_slice(&header.to_bytes());
        rtp.put_slice(payload);
        let header = RtpHeader::parse(&rtp).ok()?;
        let codec = CODECS[index];
        let extensions = PacketExtensions::default();
        let mut packet = Packet::new(stream, codec, now, &header, extensions, rtp.freeze());
        packet.frame = FrameReader::new(codec).read(payload, marker, None);
        Some((self.feed.clone(), Item::Packet(packet)))
    }
}

impl Drop for LocalFeed {
    fn drop(&mut self) {
        let gone = || Command::DropLocal(self.feed.clone(), self.source);
        for _ in 0..100 {
            if self.home.try_command(gone()).is_ok() {
                return;
            }
            std::thread::yield_now();
        }
        tracing::warn!(feed = %self.feed, "A busy worker was not told that a local feed ended.");
    }
}
