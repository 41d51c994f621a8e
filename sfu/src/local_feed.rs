//! A feed that this process makes itself: frames in, RTP packets to the feed's home worker.
//!
//! The mixer stamps its frames with the machine's monotonic clock, and the RTP timestamps are that
//! clock. So a mixer that was restarted continues the same streams: same SSRC, next number, no
//! jump, and nothing on any viewer to renegotiate.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media_rules::codec::FrameReader;
use media_rules::h264::Packetizer;
use media_rules::layer::{EncodingSet, Offers};
use media_rules::packet::{MIN_HEADER_LEN, PlainHeader, RtpHeader};
use media_rules::{Codec, EncodedFrame, FeedId, FrameCodec, MediaKind, MediaTime};

use crate::clock::media_now;
use crate::command::{Command, WorkerLink};
use crate::packet::{
    Anchor, Batch, Item, MAX_ENCODINGS, Packet, PacketExtensions, STREAMS, Slot, SourceId, StreamId,
};

/// How often workers are told how the streams' clocks relate to ours; they never change.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(1);

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
    /// By slot: the next sequence number.
    next: [u16; STREAMS],
    ssrcs: [u32; STREAMS],
    /// The renditions that were pushed so far, by their encodings' numbers; each is a stream that must
    /// be anchored.
    begun: EncodingSet,
    /// What viewers may be given; nothing is said as long as nothing is offered.
    offers: Option<Offers>,
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
            next: std::array::from_fn(|_| fastrand::u16(1..0x4000)),
            ssrcs: std::array::from_fn(|_| fastrand::u32(1..)),
            begun: EncodingSet::default(),
            offers: None,
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
        match frame.codec {
            FrameCodec::H264 => self.send(Slot::VIDEO, frame),
            FrameCodec::Opus => self.send(Slot::AUDIO, frame),
            FrameCodec::Aac => {}
        }
    }

    /// Sends a picture of a smaller rendition, which viewers with little bandwidth or a small window
    /// are given instead of the whole picture, if it is offered. Encodings beyond what a feed may have,
    /// and the whole picture, which is number 0, are ignored.
    pub fn push_rendition(&self, encoding: u8, frame: &EncodedFrame) {
        let number = usize::from(encoding);
        if frame.codec == FrameCodec::H264 && (1..MAX_ENCODINGS).contains(&number) {
            let mut streams = self.lock();
            if !streams.begun.contains(encoding) {
                streams.begun.insert(encoding);
                // Now, not in a second: nobody can be sent what has no clock.
                streams.anchored = MediaTime::default();
            }
            drop(streams);
            self.send(Slot::encoding(number), frame);
        }
    }

    /// Says which encodings viewers may be given. What one of them takes and is not sent yet is told
    /// as [`Event::EncodingsTaken`](crate::Event::EncodingsTaken).
    pub fn offer(&self, offers: Offers) {
        let mut batch = Batch::new();
        {
            let mut streams = self.lock();
            // A feed that never had a choice needs no word about it.
            if streams.offers == Some(offers) || streams.offers.is_none() && !offers.is_choice() {
                return;
            }
            streams.offers = Some(offers);
            streams.is_announced = streams.is_announced || self.announce();
            batch.push((self.feed.clone(), Item::Offers(self.source, offers)));
        }
        // A batch that does not fit is made up for with the next anchors.
        let _ = self.home.try_media(batch, true);
    }

    fn send(&self, slot: Slot, frame: &EncodedFrame) {
        let now = media_now();
        let mut batch = Batch::new();
        {
            let mut streams = self.lock();
            streams.is_announced = streams.is_announced || self.announce();
            self.anchor(&mut streams, now, &mut batch);
            if slot == Slot::AUDIO {
                let packet = self.packet(&mut streams, slot, frame.at, now, &frame.data, false);
                batch.extend(packet);
            } else {
                let mut payloads = std::mem::take(&mut streams.payloads);
                streams.packetizer.packetize(&frame.data, &mut payloads);
                let last = payloads.len().saturating_sub(1);
                for (at, payload) in payloads.drain(..).enumerate() {
                    let is_last = at == last;
                    let packet = self.packet(&mut streams, slot, frame.at, now, &payload, is_last);
                    batch.extend(packet);
                }
                streams.payloads = payloads;
            }
        }
        // A batch that does not fit is counted; its viewers will ask for a keyframe.
        let _ = self.home.try_media(batch, true);
    }

    /// A panic while this is held leaves nothing half done that would matter.
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
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
        let offers = streams.offers.map(|offers| Item::Offers(self.source, offers));
        batch.extend(offers.map(|item| (self.feed.clone(), item)));
        let begun = streams.begun;
        let is_begun = |slot: &Slot| {
            slot.encoding_number().is_some_and(|number| number == 0 || begun.contains(number))
        };
        let pictures = Slot::encodings().filter(is_begun);
        for slot in std::iter::once(Slot::AUDIO).chain(pictures) {
            let rtp_timestamp = now.rtp_timestamp(slot.kind().clock_rate_hz());
            let anchor = Anchor { at: now, rtp_timestamp };
            batch.push((self.feed.clone(), Item::Anchor(self.stream(slot), anchor)));
        }
    }

    const fn stream(&self, slot: Slot) -> StreamId {
        StreamId { source: self.source, slot }
    }

    fn packet(
        &self,
        streams: &mut Streams,
        slot: Slot,
        at: MediaTime,
        now: MediaTime,
        payload: &Bytes,
        marker: bool,
    ) -> Option<(FeedId, Item)> {
        let (stream, kind, index) = (self.stream(slot), slot.kind(), slot.index());
        let sequence = streams.next[index];
        streams.next[index] = sequence.wrapping_add(1);
        let header = PlainHeader {
            marker,
            // What the packets carry on their way to the viewers, each of which has its own.
            payload_type: if kind == MediaKind::Audio { 111 } else { 96 },
            sequence,
            timestamp: at.rtp_timestamp(kind.clock_rate_hz()),
            ssrc: streams.ssrcs[index],
        };
        let mut rtp = BytesMut::with_capacity(MIN_HEADER_LEN + payload.len());
        rtp.put_slice(&header.to_bytes());
        rtp.put_slice(payload);
        let header = RtpHeader::parse(&rtp).ok()?;
        let codec = if kind == MediaKind::Audio { Codec::Opus } else { Codec::H264 };
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
