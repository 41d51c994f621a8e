//! Decides what an offer gets; `answer` writes it down.
//!
//! The other side always offers (WHIP and WHEP) and we never renegotiate, so the whole of it is one
//! function from offer to agreement. All sections share one transport (BUNDLE). A player's section that
//! we have no use for is turned down with port 0, which does not spoil the others; a publisher's spoils
//! the whole offer, because half a broadcast misleads whoever makes it (RFC 9725 section 4.4.3).

use media_rules::MediaKind;

use crate::NegotiateError;
use crate::abilities::Abilities;
use crate::codec::{self, NegotiatedCodec};
use crate::dtls::Role;
use crate::extension::{Extension, ExtensionIds};
use crate::offer::{Offer, Section, Setup};

/// What the other side wants of us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    /// It sends (WHIP).
    Publish,
    /// It receives (WHEP).
    Play,
}

/// One track that both sides agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) kind: MediaKind,
    /// The section's name, which packets that we send carry at first.
    pub(crate) mid: String,
    /// Never empty, best first. Publish: exactly one. Play: a packet goes out under the payload
    /// type of its codec, and not at all if its codec is not here.
    pub(crate) codecs: Vec<NegotiatedCodec>,
    pub(crate) extensions: ExtensionIds,
    /// Whether one- and two-byte header extensions may be mixed (RFC 8285 section 6).
    pub(crate) has_mixed_headers: bool,
    /// Publish: the encodings, in the offerer's order. Empty: there is one, without a name.
    pub(crate) rids: Vec<String>,
    /// Whether feedback may go without a report in front of it (RFC 5506).
    pub(crate) has_reduced_size: bool,
    /// What we send as; of no meaning when we receive.
    pub(crate) ssrc: u32,
    /// What we send retransmissions as.
    pub(crate) rtx_ssrc: u32,
}

impl Track {
    /// Whether retransmissions are a stream of their own.
    pub(crate) fn has_rtx(&self) -> bool {
        self.codecs.iter().any(|codec| codec.rtx_payload_type.is_some())
    }
}

/// The outcome of a negotiation.
#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) tracks: Vec<Track>,
    pub(crate) has_data: bool,
    pub(crate) role: Role,
    /// By section: what it became.
    pub(crate) uses: Vec<Use>,
}

/// What became of a section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Use {
    /// Index into the tracks.
    Track(usize),
    Data,
    Rejected,
}

impl Agreement {
    /// Picks at most one section each for audio, video and data.
    ///
    /// # Errors
    ///
    /// Fails if nothing is left to send or receive, or if a section insists on its own RTCP port.
    pub(crate) fn new(
        offer: &Offer,
        direction: Direction,
        abilities: &Abilities,
    ) -> Result<Self, NegotiateError> {
        let mut agreement = Self {
            tracks: Vec::new(),
            has_data: false,
            role: match offer.setup {
                Setup::MayBeClient => Role::Server,
                Setup::Passive => Role::Client,
                Setup::Unusable => {
                    return Err(NegotiateError::Unsupported("nobody would begin the handshake"));
                }
            },
            uses: Vec::new(),
        };
        for section in &offer.sections {
            let chosen = agreement.choose(section, direction, abilities)?;
            agreement.uses.push(chosen);
        }
        if agreement.tracks.is_empty() {
            return Err(NegotiateError::Unsupported("no codec to agree on"));
        }
        if !agreement.is_bundled(offer) {
            return Err(NegotiateError::Unsupported("all sections must be in one bundle"));
        }
        Ok(agreement)
    }

    /// Whether the sections that are taken share a transport; one alone does so without saying.
    fn is_bundled(&self, offer: &Offer) -> bool {
        let taken = || {
            let sections = offer.sections.iter().zip(&self.uses);
            sections.filter(|(_, chosen)| **chosen != Use::Rejected).map(|(section, _)| section)
        };
        taken().count() == 1 || taken().all(|section| offer.bundle.contains(&section.mid))
    }

    /// What becomes of a section that the offerer means and we have no use for.
    fn turn_down(direction: Direction, why: &'static str) -> Result<Use, NegotiateError> {
        match direction {
            Direction::Publish => Err(NegotiateError::Unsupported(why)),
            Direction::Play => Ok(Use::Rejected),
        }
    }

    fn choose(
        &mut self,
        section: &Section,
        direction: Direction,
        abilities: &Abilities,
    ) -> Result<Use, NegotiateError> {
        if !section.is_in_use() {
            return Ok(Use::Rejected);
        }
        if section.is_data() && !self.has_data {
            self.has_data = true;
            return Ok(Use::Data);
        }
        let Some(kind) = section.kind() else {
            return Self::turn_down(direction, "a section is neither audio, video nor data");
        };
        let may = match direction {
            Direction::Publish => section.can_send,
            Direction::Play => section.can_receive,
        };
        if !may {
            return Self::turn_down(direction, "a section has the wrong direction");
        }
        // RFC 9725 section 4.4.2 and draft-ietf-wish-whep section 4.9.2, for either side.
        if self.tracks.iter().any(|track| track.kind == kind) {
            return Err(NegotiateError::Unsupported("one audio and one video track at most"));
        }
        let mut codecs = codec::choose(section, kind, abilities);
        if codecs.is_empty() {
            return Self::turn_down(direction, "no codec to agree on");
        }
        if !section.has_rtcp_mux {
            return Err(NegotiateError::Unsupported("RTCP must share the port of RTP"));
        }
        if direction == Direction::Publish {
            // Offered several, a browser might take one that the mixer cannot decode.
            codecs.truncate(1);
        }
        let has_transport_cc = codecs.iter().any(|codec| codec.feedback.transport_cc);
        let rids = rids(section, kind, direction, abilities);
        let mut extensions = section.extensions;
        extensions.retain(|extension| match extension {
            Extension::TransportCc => has_transport_cc,
            Extension::Rid | Extension::RepairedRid => !rids.is_empty(),
            // With a template structure it does not fit a one-byte header (RFC 8285 section 4.2).
            Extension::DependencyDescriptor => {
                section.has_mixed_headers && abilities.extensions.contains(&extension)
            }
            Extension::Mid
            | Extension::AbsSendTime
            | Extension::AudioLevel
            | Extension::AbsCaptureTime
            | Extension::PlayoutDelay
            | Extension::Orientation => abilities.extensions.contains(&extension),
        });
        self.tracks.push(Track {
            kind,
            mid: section.mid.clone(),
            codecs,
            extensions,
            has_mixed_headers: section.has_mixed_headers,
            rids,
            // A viewer's requests then come with a report each, which is how we hear of loss at once.
            has_reduced_size: section.has_rtcp_rsize && direction == Direction::Publish,
            ssrc: fastrand::u32(1..),
            rtx_ssrc: fastrand::u32(1..),
        });
        Ok(Use::Track(self.tracks.len() - 1))
    }
}

/// Returns the encodings that we take. Without an extension that names them, packets of one could
/// not be told from packets of another.
fn rids(
    section: &Section,
    kind: MediaKind,
    direction: Direction,
    abilities: &Abilities,
) -> Vec<String> {
    let is_simulcast = kind == MediaKind::Video
        && direction == Direction::Publish
        && abilities.simulcast
        && section.extensions.rid.is_some();
    if is_simulcast { section.rids.clone() } else { Vec::new() }
}

#[cfg(test)]
mod tests;
