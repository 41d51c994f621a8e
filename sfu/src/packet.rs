//! What travels from a publisher to every worker: packets, and how their clock relates to ours.

use bytes::{Bytes, BytesMut};
use media_rules::codec::FrameInfo;
use media_rules::layer::Offers;
use media_rules::packet::{ExtensionList, RtpHeader};
use media_rules::{Codec, FeedId, MediaKind, MediaTime};

use crate::event::PeerId;
use crate::extension::ExtensionIds;

/// A publisher's video comes in at most this many encodings (simulcast).
pub(crate) const MAX_ENCODINGS: usize = 4;
/// Streams of one source: audio, and each encoding of its video.
pub(crate) const STREAMS: usize = 1 + MAX_ENCODINGS;

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
}

/// One of a source's streams: its audio, or one encoding of its video.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct StreamId {
    pub(crate) source: SourceId,
    pub(crate) slot: Slot,
}

impl StreamId {
    /// Returns a number that no other stream of this process has.
    pub(crate) fn raw(self) -> u64 {
        self.source.0 << 4 | u64::from(self.slot.0)
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self { source: SourceId(raw >> 4), slot: Slot((raw & 0xf) as u8) }
    }
}

/// Which of a source's streams, as a place in an array.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Slot(u8);

impl Slot {
    pub(crate) const AUDIO: Self = Self(0);
    /// The only encoding of a video without simulcast.
    pub(crate) const VIDEO: Self = Self(1);

    /// Names an encoding of the video, numbered as the offer lists them.
    pub(crate) fn encoding(encoding: usize) -> Self {
        let number = encoding.min(MAX_ENCODINGS - 1) + 1;
        Self(u8::try_from(number).expect("a handful of encodings"))
    }

    pub(crate) fn kind(self) -> MediaKind {
        if self == Self::AUDIO { MediaKind::Audio } else { MediaKind::Video }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Returns the encoding's number as the offer lists it; `None` for audio.
    pub(crate) fn encoding_number(self) -> Option<u8> {
        self.0.checked_sub(1)
    }

    /// Returns every slot of video.
    pub(crate) fn encodings() -> impl Iterator<Item = Self> {
        (0..MAX_ENCODINGS).map(Self::encoding)
    }
}

impl From<MediaKind> for Slot {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::AUDIO,
            MediaKind::Video => Self::VIDEO,
        }
    }
}

/// Twenty milliseconds of nothing (RFC 6716 section 3.1: full band, mono, one frame).
const OPUS_SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// RFC 6464: no voice, as quiet as can be said.
const QUIETEST: u8 = 127;

/// A packet of a feed in the clear, in its place, never twice.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) stream: StreamId,
    pub(crate) codec: Codec,
    pub(crate) arrival: MediaTime,
    /// When this machine's kernel had it, which is earlier if the worker was busy.
    pub(crate) received: MediaTime,
    pub(crate) marker: bool,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) frame: FrameInfo,
    pub(crate) extensions: PacketExtensions,
    header_len: usize,
    padding_len: usize,
    pub(crate) rtp: Bytes,
}

/// What the sender said of a packet beside its payload, as far as viewers are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PacketExtensions {
    /// RFC 6464: whether it is voice, and how loud.
    pub(crate) audio_level: Option<u8>,
    /// 3GPP TS 26.114: how the picture is turned.
    pub(crate) orientation: Option<u8>,
    /// When the frame was captured, by the sender's clock; 8 or 16 bytes.
    capture_time: Option<Span>,
    /// What the frame depends on.
    descriptor: Option<Span>,
}

/// A piece of a packet's own bytes.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u16,
    len: u8,
}

impl Span {
    fn of(value: &[u8], rtp: &[u8]) -> Option<Self> {
        let start = value.as_ptr().addr().checked_sub(rtp.as_ptr().addr())?;
        Some(Self { start: start.try_into().ok()?, len: value.len().try_into().ok()? })
    }

    fn get(self, rtp: &[u8]) -> &[u8] {
        let start = usize::from(self.start);
        &rtp[start..start + usize::from(self.len)]
    }
}

impl PacketExtensions {
    /// Reads what was agreed on; a value of the wrong length is none.
    pub(crate) fn read(ids: &ExtensionIds, header: &RtpHeader, rtp: &[u8]) -> Self {
        let mut read = Self::default();
        for (id, value) in header.extensions(rtp) {
            let id = Some(id);
            match value {
                [level] if id == ids.audio_level => read.audio_level = Some(*level),
                [orientation] if id == ids.orientation => read.orientation = Some(*orientation),
                _ if id == ids.abs_capture_time && matches!(value.len(), 8 | 16) => {
                    read.capture_time = Span::of(value, rtp);
                }
                _ if id == ids.dependency_descriptor => read.descriptor = Span::of(value, rtp),
                _ => {}
            }
        }
        read
    }
}

impl Packet {
    /// Describes a packet whose header has been read.
    pub(crate) fn new(
        stream: StreamId,
        codec: Codec,
        arrival: MediaTime,
        header: &RtpHeader,
        extensions: PacketExtensions,
        rtp: Bytes,
    ) -> Self {
        Self {
            stream,
            codec,
            arrival,
            received: arrival,
            marker: header.marker,
            sequence: header.sequence,
            timestamp: header.timestamp,
            frame: FrameInfo::default(),
            extensions,
            header_len: header.header_len,
            padding_len: header.padding_len,
            rtp,
        }
    }

    /// Returns a packet of silent sound in the same place: receivers miss nothing and hear nothing.
    pub(crate) fn into_silence(self) -> Self {
        let mut rtp = BytesMut::with_capacity(self.header_len + OPUS_SILENCE.len());
        rtp.extend_from_slice(&self.rtp[..self.header_len]);
        // The padding, if any, was behind the payload and is gone.
        rtp[0] &= !0x20;
        rtp.extend_from_slice(&OPUS_SILENCE);
        let audio_level = self.extensions.audio_level.map(|_| QUIETEST);
        let extensions = PacketExtensions { audio_level, ..self.extensions };
        Self { extensions, padding_len: 0, rtp: rtp.freeze(), ..self }
    }

    /// Whether its sender told when it was captured.
    pub(crate) fn has_capture_time(&self) -> bool {
        self.extensions.capture_time.is_some()
    }

    /// Returns the dependency descriptor as it came.
    pub(crate) fn descriptor(&self) -> Option<&[u8]> {
        Some(self.extensions.descriptor?.get(&self.rtp))
    }

    /// Adds what the sender said to what a viewer is told, under the viewer's numbers.
    pub(crate) fn push_extensions<'a>(&'a self, ids: &ExtensionIds, out: &mut ExtensionList<'a>) {
        let PacketExtensions { audio_level, orientation, capture_time, .. } = &self.extensions;
        if let Some(level) = audio_level {
            out.push(ids.audio_level, std::slice::from_ref(level));
        }
        if let Some(orientation) = orientation {
            out.push(ids.orientation, std::slice::from_ref(orientation));
        }
        if let Some(span) = capture_time {
            out.push(ids.abs_capture_time, span.get(&self.rtp));
        }
        if let Some(descriptor) = self.descriptor() {
            out.push(ids.dependency_descriptor, descriptor);
        }
    }

    /// Returns the payload without padding.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.rtp[self.header_len..self.rtp.len() - self.padding_len]
    }

    pub(crate) fn kind(&self) -> MediaKind {
        self.stream.slot.kind()
    }
}

/// An RTP timestamp and the moment on our own clock that it stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Anchor {
    pub(crate) at: MediaTime,
    pub(crate) rtp_timestamp: u32,
}

impl Anchor {
    /// Returns the moment that a timestamp not far from the anchor stands for.
    pub(crate) fn time_of(self, rtp_timestamp: u32, clock_rate_hz: u32) -> MediaTime {
        let ticks = i64::from(rtp_timestamp.wrapping_sub(self.rtp_timestamp).cast_signed());
        let nanos = ticks * 1_000_000_000 / i64::from(clock_rate_hz);
        MediaTime::from_nanos(self.at.nanos().saturating_add_signed(nanos))
    }

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
    /// A newer anchor for one of its streams.
    Anchor(StreamId, Anchor),
    /// What can be had of a source that makes encodings on demand.
    Offers(SourceId, Offers),
}

impl Item {
    /// Returns the source that it is about.
    pub(crate) fn source(&self) -> SourceId {
        match self {
            Self::Packet(packet) => packet.stream.source,
            Self::Anchor(stream, _) => stream.source,
            Self::Offers(source, _) => *source,
        }
    }
}

/// What crosses to another worker at once.
pub(crate) type Batch = Vec<(FeedId, Item)>;
