//! Puts access units together from RTP payloads that come in order.
//!
//! An access unit ends at the marker, or where the timestamp changes. After a gap nobody can tell
//! whether the first packet begins an access unit or continues one whose head is lost, unless it
//! starts with what only stands at the head: a delimiter or a sequence parameter set.
//!
//! <https://www.rfc-editor.org/rfc/rfc6184#section-5.6>

use std::collections::VecDeque;

use bytes::Bytes;

use super::annex_b::{NalType, push_nal};
use super::rtp_payload::{FU_A, FU_END, FU_START, STAP_A, aggregated};
use crate::MediaTime;

/// A larger access unit is taken for nonsense and dropped. Far below what a mixer's link carries.
const MAX_ACCESS_UNIT: usize = 2 << 20;

/// The access unit being put together, and those that are ready.
#[derive(Debug)]
pub struct AccessUnitAssembler {
    current: Option<Current>,
    /// Whether packets are missing right before the next one.
    is_after_gap: bool,
    /// Whether something was lost since the last whole access unit.
    is_picture_broken: bool,
    /// Access units dropped and not yet reported.
    broken: u64,
    sps: Option<Vec<u8>>,
    pps: Option<Vec<u8>>,
    /// At most two per packet; the caller drains it after each.
    ready: VecDeque<AccessUnit>,
}

impl AccessUnitAssembler {
    /// Starts at an unknown point of a stream.
    pub const fn new() -> Self {
        Self {
            current: None,
            is_after_gap: true,
            is_picture_broken: true,
            broken: 0,
            sps: None,
            pps: None,
            ready: VecDeque::new(),
        }
    }

    /// The next packet in sequence order.
    pub fn handle_packet(&mut self, packet: &VideoPacket) {
        // A packet of nothing but padding takes a number and says nothing.
        if packet.payload.is_empty() {
            return;
        }
        if self.current.as_ref().is_some_and(|unit| unit.timestamp != packet.timestamp) {
            self.finish();
        }
        let is_after_gap = std::mem::take(&mut self.is_after_gap);
        let mut unit = self.current.take().unwrap_or_else(|| {
            let is_head_lost = is_after_gap && !starts_access_unit(&packet.payload);
            Current::new(packet, is_head_lost)
        });
        unit.arrival = unit.arrival.max(packet.arrival);
        self.append(&mut unit, &packet.payload);
        self.current = Some(unit);
        if packet.marker {
            self.finish();
        }
    }

    /// The packets before the next one are lost for good.
    pub fn handle_gap(&mut self) {
        self.is_after_gap = true;
        self.is_picture_broken = true;
        if let Some(unit) = &mut self.current {
            unit.is_broken = true;
        }
    }

    /// Returns the next whole access unit.
    pub fn poll_access_unit(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    /// Returns how many access units were dropped since the last call for lack of a part.
    pub const fn poll_broken(&mut self) -> u64 {
        std::mem::replace(&mut self.broken, 0)
    }

    fn append(&mut self, unit: &mut Current, payload: &[u8]) {
        if unit.data.len() + payload.len() > MAX_ACCESS_UNIT {
            unit.is_broken = true;
        }
        if unit.is_broken {
            unit.data.clear();
            unit.fragment_at = None;
        }
        let kind = payload[0] & 0x1f;
        // Only another fragment may follow a fragment that is not the last.
        if unit.fragment_at.is_some() && kind != FU_A {
            unit.is_broken = true;
        }
        match kind {
            1..=23 => self.append_nal(unit, payload),
            STAP_A => {
                for nal in aggregated(&payload[1..]) {
                    self.append_nal(unit, nal);
                }
            }
            FU_A => self.append_fragment(unit, payload),
            // Interleaved mode is never negotiated.
            _ => unit.is_broken = true,
        }
    }

    fn append_nal(&mut self, unit: &mut Current, nal: &[u8]) {
        if nal.is_empty() {
            return;
        }
        let at = unit.data.len();
        push_nal(&mut unit.data, nal);
        self.note_nal(unit, at);
    }

    fn append_fragment(&mut self, unit: &mut Current, payload: &[u8]) {
        let [indicator, header, body @ ..] = payload else {
            unit.is_broken = true;
            return;
        };
        match (header & FU_START != 0, unit.fragment_at) {
            (true, None) => {
                unit.fragment_at = Some(unit.data.len());
                push_nal(&mut unit.data, &[indicator & 0xe0 | header & 0x1f]);
            }
            (false, Some(_)) => {}
            // A start without the end before it, or a middle without a start.
            (true, Some(_)) | (false, None) => {
                unit.is_broken = true;
                return;
            }
        }
        unit.data.extend_from_slice(body);
        if header & FU_END != 0
            && let Some(at) = unit.fragment_at.take()
        {
            self.note_nal(unit, at);
        }
    }

    /// Takes note of the complete unit whose start code is at `at`.
    fn note_nal(&mut self, unit: &mut Current, at: usize) {
        let nal = &unit.data[at + 4..];
        match NalType::of(nal) {
            NalType::Sps => {
                self.sps = Some(nal.to_vec());
                unit.has_sps = true;
            }
            NalType::Pps => {
                self.pps = Some(nal.to_vec());
                unit.has_pps = true;
            }
            NalType::Idr => {
                unit.is_key = true;
                unit.first_slice_at.get_or_insert(at);
            }
            NalType::Slice => {
                unit.first_slice_at.get_or_insert(at);
            }
            NalType::Sei | NalType::Delimiter | NalType::Filler | NalType::Other(_) => {}
        }
    }

    fn finish(&mut self) {
        let Some(mut unit) = self.current.take() else {
            return;
        };
        let is_whole = !unit.is_broken && unit.fragment_at.is_none();
        let is_whole = is_whole && (!unit.is_key || self.complete_parameter_sets(&mut unit));
        // Start codes and parameter sets make it longer than its packets were.
        if !is_whole || unit.data.len() > MAX_ACCESS_UNIT {
            self.is_picture_broken = true;
            self.broken += 1;
            return;
        }
        // Parameter sets alone are no picture; they were noted for the next keyframe.
        if unit.first_slice_at.is_none() {
            return;
        }
        let follows_loss = std::mem::take(&mut self.is_picture_broken);
        self.ready.push_back(AccessUnit {
            timestamp: unit.timestamp,
            arrival: unit.arrival,
            is_key: unit.is_key,
            follows_loss,
            data: unit.data.into(),
        });
    }

    /// Puts in front of the first slice what the keyframe lacks; `false` if that is unknown.
    fn complete_parameter_sets(&self, unit: &mut Current) -> bool {
        let mut lacking = Vec::new();
        for (has, remembered) in [(unit.has_sps, &self.sps), (unit.has_pps, &self.pps)] {
            match (has, remembered) {
                (true, _) => {}
                (false, Some(nal)) => push_nal(&mut lacking, nal),
                (false, None) => return false,
            }
        }
        let at = unit.first_slice_at.unwrap_or_default();
        unit.data.splice(at..at, lacking);
        true
    }
}

impl Default for AccessUnitAssembler {
    fn default() -> Self {
        Self::new()
    }
}

/// One RTP packet of video, its header already read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VideoPacket {
    /// RTP timestamp.
    pub timestamp: u32,
    /// Whether the packet ends its access unit.
    pub marker: bool,
    /// When it arrived.
    pub arrival: MediaTime,
    /// RTP payload.
    pub payload: Bytes,
}

/// A whole access unit, in Annex B with four-byte start codes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessUnit {
    /// RTP timestamp.
    pub timestamp: u32,
    /// When its last packet arrived.
    pub arrival: MediaTime,
    /// Whether a decoder can start here. Then the parameter sets are in it.
    pub is_key: bool,
    /// Whether packets were lost between the previous whole access unit and this one.
    pub follows_loss: bool,
    /// The units.
    pub data: Bytes,
}

/// The access unit that packets still come for.
#[derive(Debug)]
struct Current {
    timestamp: u32,
    arrival: MediaTime,
    data: Vec<u8>,
    /// Where the unit that is still arriving in fragments starts.
    fragment_at: Option<usize>,
    first_slice_at: Option<usize>,
    is_key: bool,
    has_sps: bool,
    has_pps: bool,
    is_broken: bool,
}

impl Current {
    fn new(packet: &VideoPacket, is_broken: bool) -> Self {
        Self {
            timestamp: packet.timestamp,
            arrival: packet.arrival,
            data: Vec::with_capacity(2 * packet.payload.len()),
            fragment_at: None,
            first_slice_at: None,
            is_key: false,
            has_sps: false,
            has_pps: false,
            is_broken,
        }
    }
}

/// Returns whether a payload begins with what only stands at the head of an access unit.
fn starts_access_unit(payload: &[u8]) -> bool {
    let first = match payload.first().map(|header| header & 0x1f) {
        Some(STAP_A) => aggregated(&payload[1..]).next().map(NalType::of),
        Some(FU_A) => None,
        Some(_) => Some(NalType::of(payload)),
        None => None,
    };
    matches!(first, Some(NalType::Sps | NalType::Delimiter))
}
