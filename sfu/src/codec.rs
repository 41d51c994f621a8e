//! Which of the offered codecs are taken, with everything that belongs to each: retransmission,
//! redundancy, feedback and format parameters.

use media_rules::{Codec, MediaKind};

use crate::abilities::Abilities;
use crate::offer::Section;

/// Opus knows 6 to 510 kbit/s (RFC 7587 section 6.1).
const OPUS_BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

/// A codec that both sides agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NegotiatedCodec {
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    /// Carries retransmissions of `payload_type` (RFC 4588 section 8.6).
    pub(crate) rtx_payload_type: Option<u8>,
    /// Carries several blocks of `payload_type` at once (RFC 2198).
    pub(crate) red_payload_type: Option<u8>,
    pub(crate) feedback: Feedback,
    /// The format parameters of the answer; empty if there are none.
    pub(crate) fmtp: String,
}

/// The feedback that both sides understand (RFC 4585).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Feedback {
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
    pub(crate) remb: bool,
    pub(crate) transport_cc: bool,
    /// The other side only receives and asks for the round trip (RFC 3611 section 5.1).
    pub(crate) rrtr: bool,
}

impl Feedback {
    /// Returns the values of `a=rtcp-fb` in the order in which they are written.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.nack, "nack"),
            (self.pli, "nack pli"),
            (self.fir, "ccm fir"),
            (self.remb, "goog-remb"),
            (self.transport_cc, "transport-cc"),
            (self.rrtr, "rrtr"),
        ]
        .into_iter()
        .filter_map(|(is_agreed, name)| is_agreed.then_some(name))
    }
}

/// Returns the codecs of a section that we take, best first.
pub(crate) fn choose(
    section: &Section,
    kind: MediaKind,
    abilities: &Abilities,
) -> Vec<NegotiatedCodec> {
    let known = abilities.codecs.iter().filter(|codec| codec.kind() == kind);
    known.filter_map(|&codec| NegotiatedCodec::new(section, codec, abilities)).collect()
}

impl NegotiatedCodec {
    fn new(section: &Section, codec: Codec, abilities: &Abilities) -> Option<Self> {
        let payload_type = payload_type(section, codec)?;
        let feedback = feedback(section, codec.kind(), payload_type, abilities);
        let apt = payload_type.to_string();
        let rtx = match codec.kind() {
            MediaKind::Audio => "rtx/48000",
            MediaKind::Video => "rtx/90000",
        };
        let rtx_payload_type = section.payload_types_of(rtx).find(|&pt| {
            // Retransmission without a way to ask for it is of no use.
            feedback.nack && section.parameter(pt, "apt").as_deref() == Some(&apt)
        });
        let red = || {
            // RFC 2198 section 5: the payload types of the blocks.
            let blocks = format!("{apt}/{apt}");
            section.payload_types_of("red/48000/2").find(|&pt| section.fmtp(pt) == Some(&blocks))
        };
        Some(Self {
            codec,
            payload_type,
            rtx_payload_type,
            red_payload_type: (codec == Codec::Opus && abilities.red).then(red).flatten(),
            feedback,
            fmtp: answered_parameters(section, codec, payload_type),
        })
    }
}

/// Returns the offered payload type whose profile we forward.
fn payload_type(section: &Section, codec: Codec) -> Option<u8> {
    let mut offered = section.payload_types_of(codec.rtpmap());
    // Without the parameter it is profile 0 (RFC 9628 section 6, AV1 RTP section 7.2.1).
    let is_main = |pt: &u8, name| section.parameter(*pt, name).is_none_or(|value| value == "0");
    match codec {
        Codec::Opus | Codec::Vp8 => offered.next(),
        Codec::Vp9 => offered.find(|pt| is_main(pt, "profile-id")),
        Codec::Av1 => offered.find(|pt| is_main(pt, "profile")),
        Codec::H264 => offered
            .filter_map(|pt| Some((h264_preference(section, pt)?, pt)))
            .min_by_key(|&(preference, _)| preference)
            .map(|(_, pt)| pt),
    }
}

/// Lower is better: the nearest to constrained baseline. `None` if it is no H.264 that we forward.
fn h264_preference(section: &Section, payload_type: u8) -> Option<u8> {
    if section.parameter(payload_type, "packetization-mode").as_deref() != Some("1") {
        return None;
    }
    // Without the parameter it is plain baseline (RFC 6184 section 8.1).
    let profile = section.parameter(payload_type, "profile-level-id").unwrap_or_default();
    match profile.to_ascii_lowercase().as_str() {
        "42e01f" => Some(0),
        profile if profile.starts_with("42e0") => Some(1),
        profile if profile.starts_with("42") => Some(2),
        "" => Some(3),
        _ => None,
    }
}

fn feedback(section: &Section, kind: MediaKind, pt: u8, abilities: &Abilities) -> Feedback {
    let transport_cc = abilities.transport_cc
        && section.extensions.transport_cc.is_some()
        && section.has_feedback(pt, "transport-cc");
    let rrtr = abilities.rrtr && section.has_feedback(pt, "rrtr");
    match kind {
        MediaKind::Audio => Feedback {
            nack: abilities.audio_nack && section.has_feedback(pt, "nack"),
            transport_cc,
            rrtr,
            ..Feedback::default()
        },
        MediaKind::Video => Feedback {
            nack: section.has_feedback(pt, "nack"),
            pli: section.has_feedback(pt, "nack pli"),
            fir: section.has_feedback(pt, "ccm fir"),
            remb: section.has_feedback(pt, "goog-remb"),
            transport_cc,
            rrtr,
        },
    }
}

/// Returns the format parameters that answer the offered ones.
fn answered_parameters(section: &Section, codec: Codec, pt: u8) -> String {
    let offered = |name| section.parameter(pt, name);
    match codec {
        Codec::Opus => {
            // What we would like to receive: stereo, and repairable by the next packet. Music asks
            // for more bits than a browser would spend by itself, so its wish is repeated.
            let bitrate = offered("maxaveragebitrate")
                .and_then(|bitrate| bitrate.parse::<u32>().ok())
                .filter(|bitrate| OPUS_BITRATES.contains(bitrate))
                .map(|bitrate| format!(";maxaveragebitrate={bitrate}"))
                .unwrap_or_default();
            format!("minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1{bitrate}")
        }
        Codec::H264 => {
            let profile = offered("profile-level-id").unwrap_or_else(|| "42e01f".to_owned());
            format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}")
        }
        Codec::Vp8 => String::new(),
        Codec::Vp9 => "profile-id=0".to_owned(),
        Codec::Av1 => {
            let level = offered("level-idx").map(|level| format!(";level-idx={level}"));
            let tier = offered("tier").map(|tier| format!(";tier={tier}"));
            format!("profile=0{}{}", level.unwrap_or_default(), tier.unwrap_or_default())
        }
    }
}
