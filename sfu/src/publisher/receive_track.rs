//! One track of a publisher: its encodings, and which of them a packet belongs to.
//!
//! Tracks are told apart by payload type (the offer gave each codec its own), not by SSRC lines in
//! the SDP, which are optional. Encodings are told apart by SSRC, once a packet has said by its header
//! extensions which encoding it is of (RFC 8852), or which one it repeats.

use media_rules::codec::FrameReader;
use media_rules::packet::RtpHeader;
use media_rules::{Codec, KeyframeWish, LossDetector, MediaKind, MediaTime};

use super::counts::Counts;
use crate::extension::ExtensionIds;
use crate::negotiate::Track;
use crate::packet::{MAX_ENCODINGS, Slot};
use crate::reception::Reception;

/// A track as the negotiation agreed on it.
pub(super) struct ReceiveTrack {
    pub(super) kind: MediaKind,
    pub(super) codec: Codec,
    pub(super) extensions: ExtensionIds,
    pub(super) payload_type: u8,
    pub(super) rtx_payload_type: Option<u8>,
    pub(super) red_payload_type: Option<u8>,
    pub(super) has_nack: bool,
    /// Those that have begun, in the order in which they did.
    pub(super) encodings: Vec<Encoding>,
    /// The names that encodings go by, as the offer lists them. Empty: there is only one.
    pub(super) rids: Vec<String>,
}

/// One stream of numbers.
pub(super) struct Encoding {
    /// Its place among the names.
    pub(super) number: usize,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: Option<u32>,
    pub(super) loss: LossDetector,
    pub(super) reception: Reception,
    pub(super) frames: FrameReader,
    pub(super) wish: KeyframeWish,
    pub(super) counts: Counts,
    /// When its clock was told last.
    pub(super) anchored: Option<MediaTime>,
}

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// It is media of this encoding.
    Media(usize),
    /// It repeats media of this encoding (RFC 4588).
    Retransmission(usize),
    /// It is media of the encoding of this number, which has not sent before or has a new SSRC.
    Begin(usize),
}

impl ReceiveTrack {
    pub(super) fn new(track: &Track) -> Self {
        let codec = &track.codecs[0];
        Self {
            kind: track.kind,
            codec: codec.codec,
            extensions: track.extensions,
            payload_type: codec.payload_type,
            rtx_payload_type: codec.rtx_payload_type,
            red_payload_type: codec.red_payload_type,
            has_nack: codec.feedback.nack,
            encodings: Vec::new(),
            rids: track.rids.clone(),
        }
    }

    /// Whether packets of this type are of this track.
    pub(super) fn takes(&self, payload_type: u8) -> bool {
        let pt = Some(payload_type);
        self.payload_type == payload_type
            || self.rtx_payload_type == pt
            || self.red_payload_type == pt
    }

    /// Finds out what a packet of this track is; `None` if it does not tell and cannot be guessed.
    pub(super) fn place(&mut self, header: &RtpHeader, rtp: &[u8]) -> Option<Place> {
        let ssrc = header.ssrc;
        if self.rtx_payload_type == Some(header.payload_type) {
            let known = self.encodings.iter().position(|e| e.rtx_ssrc == Some(ssrc));
            let at = known.or_else(|| self.repaired(header, rtp))?;
            self.encodings[at].rtx_ssrc = Some(ssrc);
            return Some(Place::Retransmission(at));
        }
        if let Some(known) = self.encodings.iter().position(|e| e.ssrc == ssrc) {
            return Some(Place::Media(known));
        }
        if self.rids.is_empty() {
            return Some(Place::Begin(0));
        }
        self.named(self.extensions.rid, header, rtp).map(Place::Begin)
    }

    /// Returns the encoding that a retransmission of unknown origin repeats.
    fn repaired(&self, header: &RtpHeader, rtp: &[u8]) -> Option<usize> {
        if self.rids.is_empty() {
            return (!self.encodings.is_empty()).then_some(0);
        }
        let number = self.named(self.extensions.repaired_rid, header, rtp)?;
        self.encodings.iter().position(|encoding| encoding.number == number)
    }

    /// Returns the number of the encoding that a header extension names.
    fn named(&self, id: Option<u8>, header: &RtpHeader, rtp: &[u8]) -> Option<usize> {
        let (_, name) = header.extensions(rtp).find(|(at, _)| Some(*at) == id)?;
        self.rids.iter().position(|rid| rid.as_bytes() == name)
    }

    /// Whether the encoding of a number was sent before, if under another SSRC.
    pub(super) fn has_begun(&self, number: usize) -> bool {
        self.numbered(number).is_some()
    }

    /// Starts the encoding of a number anew under an SSRC. Returns where it is now.
    pub(super) fn begin(&mut self, number: usize, ssrc: u32) -> usize {
        let number = number.min(MAX_ENCODINGS - 1);
        let fresh = Encoding {
            number,
            ssrc,
            rtx_ssrc: None,
            loss: LossDetector::new(self.kind),
            reception: Reception::new(self.kind.clock_rate_hz()),
            frames: FrameReader::new(self.codec),
            wish: KeyframeWish::default(),
            counts: Counts::default(),
            anchored: None,
        };
        if let Some(at) = self.numbered(number) {
            self.encodings[at] = fresh;
            return at;
        }
        self.encodings.push(fresh);
        self.encodings.len() - 1
    }

    fn numbered(&self, number: usize) -> Option<usize> {
        let number = number.min(MAX_ENCODINGS - 1);
        self.encodings.iter().position(|encoding| encoding.number == number)
    }

    /// Returns the slot of an encoding.
    pub(super) fn slot(&self, encoding: usize) -> Slot {
        match self.kind {
            MediaKind::Audio => Slot::AUDIO,
            MediaKind::Video => Slot::encoding(self.encodings[encoding].number),
        }
    }
}
