//! The RTP header extensions that we know, and the numbers that an offer gave them (RFC 8285).

/// A header extension.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Extension {
    Mid,
    Rid,
    RepairedRid,
    TransportCc,
    AbsSendTime,
    AudioLevel,
    AbsCaptureTime,
    PlayoutDelay,
    DependencyDescriptor,
    Orientation,
}

impl Extension {
    /// Every one, in the order in which answers list them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::TransportCc,
        Self::AbsSendTime,
        Self::AudioLevel,
        Self::AbsCaptureTime,
        Self::PlayoutDelay,
        Self::DependencyDescriptor,
        Self::Orientation,
    ];

    /// Returns its name in SDP.
    pub(crate) const fn uri(self) -> &'static str {
        match self {
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::TransportCc => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::AbsCaptureTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
            Self::Orientation => "urn:3gpp:video-orientation",
        }
    }
}

/// By extension, the number that packets of one section carry it under. The offerer chose them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ExtensionIds {
    pub(crate) mid: Option<u8>,
    pub(crate) rid: Option<u8>,
    pub(crate) repaired_rid: Option<u8>,
    pub(crate) transport_cc: Option<u8>,
    pub(crate) abs_send_time: Option<u8>,
    pub(crate) audio_level: Option<u8>,
    pub(crate) abs_capture_time: Option<u8>,
    pub(crate) playout_delay: Option<u8>,
    pub(crate) dependency_descriptor: Option<u8>,
    pub(crate) orientation: Option<u8>,
}

impl ExtensionIds {
    /// Returns the number of an extension, if it was agreed on.
    pub(crate) const fn id(&self, extension: Extension) -> Option<u8> {
        match extension {
            Extension::Mid => self.mid,
            Extension::Rid => self.rid,
            Extension::RepairedRid => self.repaired_rid,
            Extension::TransportCc => self.transport_cc,
            Extension::AbsSendTime => self.abs_send_time,
            Extension::AudioLevel => self.audio_level,
            Extension::AbsCaptureTime => self.abs_capture_time,
            Extension::PlayoutDelay => self.playout_delay,
            Extension::DependencyDescriptor => self.dependency_descriptor,
            Extension::Orientation => self.orientation,
        }
    }

    /// Reads the value of `a=extmap`. What is unknown, is numbered beyond one-byte headers or takes
    /// a number twice is left out, so that nobody ever writes it.
    pub(crate) fn take(&mut self, value: &str) {
        // "4/sendonly uri attributes"
        let mut words = value.split_ascii_whitespace();
        let (Some(id), Some(uri)) = (words.next(), words.next()) else {
            return;
        };
        let id = id.split('/').next().and_then(|id| id.parse::<u8>().ok());
        let Some(id) = id.filter(|id| (1..15).contains(id)) else {
            return;
        };
        let is_taken = Extension::ALL.into_iter().any(|other| self.id(other) == Some(id));
        if let Some(extension) = Extension::ALL.into_iter().find(|known| known.uri() == uri)
            && !is_taken
        {
            *self.slot(extension) = Some(id);
        }
    }

    /// Keeps only those for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl Fn(Extension) -> bool) {
        for extension in Extension::ALL {
            if !keep(extension) {
                *self.slot(extension) = None;
            }
        }
    }

    const fn slot(&mut self, extension: Extension) -> &mut Option<u8> {
        match extension {
            Extension::Mid => &mut self.mid,
            Extension::Rid => &mut self.rid,
            Extension::RepairedRid => &mut self.repaired_rid,
            Extension::TransportCc => &mut self.transport_cc,
            Extension::AbsSendTime => &mut self.abs_send_time,
            Extension::AudioLevel => &mut self.audio_level,
            Extension::AbsCaptureTime => &mut self.abs_capture_time,
            Extension::PlayoutDelay => &mut self.playout_delay,
            Extension::DependencyDescriptor => &mut self.dependency_descriptor,
            Extension::Orientation => &mut self.orientation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_offerers_and_nonsense_is_left_out() {
        let mut ids = ExtensionIds::default();
        for value in [
            "4 urn:ietf:params:rtp-hdrext:sdes:mid",
            "3/recvonly urn:3gpp:video-orientation",
            "4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            "15 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "0 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "5 urn:example",
            "x",
            "",
        ] {
            ids.take(value);
        }
        let expected =
            ExtensionIds { mid: Some(4), orientation: Some(3), ..ExtensionIds::default() };
        assert_eq!(ids, expected);
        ids.retain(|extension| extension == Extension::Mid);
        assert_eq!(ids, ExtensionIds { mid: Some(4), ..ExtensionIds::default() });
    }
}
