//! What our code honours today. An answer promises nothing else, so a part that is wired in is
//! switched on here and nowhere else.

use media_rules::Codec;

use crate::extension::Extension;
use crate::negotiate::Direction;

/// What is read from publishers' packets and told to viewers. The MID is not read, as SSRC, RID and
/// payload type say enough, but must be in every answer (RFC 9143 section 9.1).
const PASSED_ON: &[Extension] = &[
    Extension::Mid,
    Extension::AudioLevel,
    Extension::AbsCaptureTime,
    Extension::Orientation,
    Extension::DependencyDescriptor,
];

/// The mixer decodes H.264 and nothing else, so that is preferred.
const CODECS: &[Codec] = &[Codec::Opus, Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1];

/// What viewers are told.
const TOLD: &[Extension] = &[
    Extension::Mid,
    Extension::AudioLevel,
    Extension::AbsCaptureTime,
    Extension::PlayoutDelay,
    Extension::Orientation,
    Extension::DependencyDescriptor,
];

/// What one direction can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    /// The codecs that are forwarded, best first.
    pub(crate) codecs: &'static [Codec],
    /// The header extensions that are read (publish) or written (play); those of `transport_cc` and
    /// `simulcast` come with them.
    pub(crate) extensions: &'static [Extension],
    /// Publish: we make transport-wide feedback. Play: we number packets and act upon feedback.
    pub(crate) transport_cc: bool,
    /// Play: we answer those who ask how far away we are.
    pub(crate) rrtr: bool,
    /// Publish: we ask for lost sound. Play: we repeat it.
    pub(crate) audio_nack: bool,
    /// Publish: we take RED apart (RFC 2198). Play: we make it.
    pub(crate) red: bool,
    /// Publish: we take several encodings of one picture (RFC 8853).
    pub(crate) simulcast: bool,
}

impl Abilities {
    /// Returns what we can do for somebody who publishes or plays.
    pub(crate) const fn of(direction: Direction) -> Self {
        match direction {
            Direction::Publish => Self {
                codecs: CODECS,
                extensions: PASSED_ON,
                transport_cc: true,
                rrtr: false,
                audio_nack: true,
                red: true,
                simulcast: true,
            },
            Direction::Play => Self {
                codecs: CODECS,
                extensions: TOLD,
                transport_cc: true,
                rrtr: true,
                audio_nack: true,
                red: true,
                simulcast: false,
            },
        }
    }

    /// Returns everything that can be negotiated at all.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) const fn all() -> Self {
        Self {
            codecs: CODECS,
            extensions: &Extension::ALL,
            transport_cc: true,
            rrtr: true,
            audio_nack: true,
            red: true,
            simulcast: true,
        }
    }
}
