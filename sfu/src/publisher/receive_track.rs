//! One track of a publisher: its encodings, and which of them a packet belongs to.
//!
//! Tracks are told apart by payload type (the offer gave each codec its own), encodings by SSRC once
//! it is known, not by SSRC lines in the SDP, which are optional.

use media_rules::codec::FrameReader;
use media_rules::packet::RtpHeader;
use media_rules::{Codec, LossDetector, MediaKind};

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
    pub(super) encodings: Vec<Encoding>,
}

/// One stream of numbers.
pub(super) struct Encoding {
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: Option<u32>,
    pub(super) loss: LossDetector,
    pub(super) reception: Reception,
    pub(super) frames: FrameReader,
}

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// It is media of this encoding.
    Media(usize),
    /// It repeats media of this encoding (RFC 4588).
    Retransmission(usize),
    /// It is media of an encoding that has not sent before, or that has changed its SSRC.
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
        }
    }

    /// Whether packets of this type are of this track.
    pub(super) fn takes(&self, payload_type: u8) -> bool {
        let pt = Some(payload_type);
        self.payload_type == payload_type
            || self.rtx_payload_type == pt
            || self.red_payload_type == pt
    }

    /// Finds out what a packet of this track is.
    pub(super) fn place(&self, header: &RtpHeader) -> Option<Place> {
        if self.rtx_payload_type == Some(header.payload_type) {
            let by_ssrc = |e: &Encoding| e.rtx_ssrc == Some(header.ssrc);
            // Without simulcast there is only one that it can repeat.
            let at = self
                .encodings
                .iter()
                .position(by_ssrc)
                .or((!self.encodings.is_empty()).then_some(0));
            return at.map(Place::Retransmission);
        }
        let known = self.encodings.iter().position(|e| e.ssrc == header.ssrc);
        Some(known.map_or(Place::Begin(0), Place::Media))
    }

    /// Starts an encoding anew under an SSRC. Returns whether it had another one before.
    pub(super) fn begin(&mut self, at: usize, ssrc: u32) -> bool {
        let at = at.min(MAX_ENCODINGS - 1);
        let fresh = Encoding {
            ssrc,
            rtx_ssrc: None,
            loss: LossDetector::new(self.kind),
            reception: Reception::new(self.kind.clock_rate_hz()),
            frames: FrameReader::new(self.codec),
        };
        match self.encodings.get_mut(at) {
            Some(encoding) => {
                *encoding = fresh;
                true
            }
            None => {
                self.encodings.push(fresh);
                false
            }
        }
    }

    /// Returns the slot of an encoding.
    pub(super) fn slot(&self, encoding: usize) -> Slot {
        match self.kind {
            MediaKind::Audio => Slot::AUDIO,
            MediaKind::Video => Slot::encoding(encoding),
        }
    }
}
