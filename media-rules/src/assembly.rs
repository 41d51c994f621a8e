//! Puts whole pictures together from RTP payloads that come in order, whatever their codec.
//!
//! H.264 has an assembler of its own. In the others a picture ends at the marker, or where the
//! timestamp changes; a picture that begins after a gap is whole only if its first packet says that
//! it is the first. That nothing which follows a loss is shown before a keyframe is the caller's
//! part.

mod obu;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::codec::{vp8, vp9};
use crate::h264::{AccessUnit, AccessUnitAssembler, VideoPacket};
use crate::{Codec, MediaTime};
use obu::Units;

/// A larger picture is taken for nonsense and dropped.
const MAX_PICTURE: usize = 4 << 20;

/// The picture being put together, and those that are ready.
#[derive(Debug)]
pub struct Assembler {
    by_codec: ByCodec,
}

#[derive(Debug)]
enum ByCodec {
    H264(AccessUnitAssembler),
    Other(PictureAssembler),
}

impl Assembler {
    /// Starts at an unknown point of a stream.
    pub const fn new(codec: Codec) -> Self {
        let by_codec = match codec {
            Codec::H264 | Codec::Opus => ByCodec::H264(AccessUnitAssembler::new()),
            Codec::Vp8 | Codec::Vp9 | Codec::Av1 => ByCodec::Other(PictureAssembler::new(codec)),
        };
        Self { by_codec }
    }

    /// The next packet in sequence order.
    pub fn handle_packet(&mut self, packet: &VideoPacket) {
        match &mut self.by_codec {
            ByCodec::H264(assembler) => assembler.handle_packet(packet),
            ByCodec::Other(assembler) => assembler.handle_packet(packet),
        }
    }

    /// The packets before the next one are lost for good.
    pub fn handle_gap(&mut self) {
        match &mut self.by_codec {
            ByCodec::H264(assembler) => assembler.handle_gap(),
            ByCodec::Other(assembler) => assembler.handle_gap(),
        }
    }

    /// Returns the next whole picture.
    pub fn poll_picture(&mut self) -> Option<AccessUnit> {
        match &mut self.by_codec {
            ByCodec::H264(assembler) => assembler.poll_access_unit(),
            ByCodec::Other(assembler) => assembler.ready.pop_front(),
        }
    }

    /// Returns how many pictures were dropped since the last call for lack of a part.
    pub const fn poll_broken(&mut self) -> u64 {
        match &mut self.by_codec {
            ByCodec::H264(assembler) => assembler.poll_broken(),
            ByCodec::Other(assembler) => std::mem::replace(&mut assembler.broken, 0),
        }
    }
}

#[derive(Debug)]
struct PictureAssembler {
    codec: Codec,
    current: Option<Current>,
    is_after_gap: bool,
    /// Whether something was lost since the last whole picture.
    is_picture_broken: bool,
    broken: u64,
    /// At most two per packet; the caller drains it after each.
    ready: VecDeque<AccessUnit>,
}

/// The picture that packets still come for.
#[derive(Debug)]
struct Current {
    timestamp: u32,
    arrival: MediaTime,
    is_key: bool,
    is_broken: bool,
    data: Vec<u8>,
    /// AV1 only.
    units: Units,
}

/// What a packet is within its picture.
struct Part {
    is_first: bool,
    is_key: bool,
    /// Where the payload proper begins.
    start: usize,
}

impl PictureAssembler {
    const fn new(codec: Codec) -> Self {
        Self {
            codec,
            current: None,
            is_after_gap: true,
            is_picture_broken: true,
            broken: 0,
            ready: VecDeque::new(),
        }
    }

    fn handle_packet(&mut self, packet: &VideoPacket) {
        // A packet of nothing but padding takes a number and says nothing.
        if packet.payload.is_empty() {
            return;
        }
        if self.current.as_ref().is_some_and(|picture| picture.timestamp != packet.timestamp) {
            self.finish();
        }
        let is_after_gap = std::mem::take(&mut self.is_after_gap);
        let part = self.part(&packet.payload);
        let mut picture = self.current.take().unwrap_or_else(|| {
            let is_head = part.as_ref().is_some_and(|part| part.is_first || !is_after_gap);
            Current::new(packet, part.as_ref().is_some_and(|part| part.is_key), !is_head)
        });
        picture.arrival = picture.arrival.max(packet.arrival);
        match part {
            Some(part) if picture.len() + packet.payload.len() <= MAX_PICTURE => {
                picture.append(self.codec, &packet.payload, part.start);
            }
            Some(_) | None => picture.is_broken = true,
        }
        self.current = Some(picture);
        if packet.marker {
            self.finish();
        }
    }

    fn handle_gap(&mut self) {
        self.is_after_gap = true;
        self.is_picture_broken = true;
        if let Some(picture) = &mut self.current {
            picture.is_broken = true;
        }
    }

    fn finish(&mut self) {
        let Some(picture) = self.current.take() else {
            return;
        };
        if picture.is_broken || !picture.units.is_whole() || picture.data.is_empty() {
            self.is_picture_broken = true;
            self.broken += 1;
            return;
        }
        self.ready.push_back(AccessUnit {
            timestamp: picture.timestamp,
            arrival: picture.arrival,
            is_key: picture.is_key,
            follows_loss: std::mem::take(&mut self.is_picture_broken),
            data: Bytes::from(picture.data),
        });
    }

    /// Reads what is in front of the payload proper; `None` if that cannot be read.
    fn part(&self, payload: &[u8]) -> Option<Part> {
        match self.codec {
            Codec::Vp8 => {
                let descriptor = vp8::Descriptor::parse(payload)?;
                let is_first = descriptor.begins_frame;
                let tag = payload.get(descriptor.len)?;
                Some(Part { is_first, is_key: is_first && tag & 1 == 0, start: descriptor.len })
            }
            Codec::Vp9 => {
                let descriptor = vp9::Descriptor::parse(payload)?;
                let is_first = descriptor.begins_frame && descriptor.spatial == 0;
                let is_key = is_first && !descriptor.is_inter_predicted;
                (descriptor.len < payload.len()).then_some(Part {
                    is_first,
                    is_key,
                    start: descriptor.len,
                })
            }
            Codec::Av1 => {
                let head = obu::Head::read(*payload.first()?);
                let is_first = head.begins_sequence && !head.continues_unit;
                Some(Part { is_first, is_key: is_first, start: 1 })
            }
            Codec::H264 | Codec::Opus => None,
        }
    }
}

impl Current {
    fn new(packet: &VideoPacket, is_key: bool, is_broken: bool) -> Self {
        Self {
            timestamp: packet.timestamp,
            arrival: packet.arrival,
            is_key,
            is_broken,
            data: Vec::with_capacity(2 * packet.payload.len()),
            units: Units::default(),
        }
    }

    fn len(&self) -> usize {
        self.data.len() + self.units.open_len()
    }

    fn append(&mut self, codec: Codec, payload: &[u8], start: usize) {
        if self.is_broken {
            self.data.clear();
        } else if codec == Codec::Av1 {
            self.is_broken = self.units.append(payload, &mut self.data).is_none();
        } else {
            self.data.extend_from_slice(&payload[start..]);
        }
    }
}
