//! Tells the protocols on one port apart (RFC 7983), and audio from video by payload type: the RTP
//! header is in the clear.

/// What a datagram is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Retransmissions and FEC of video count as video.
    Video,
    Audio,
    Rtcp,
    Stun,
    Dtls,
}

impl Class {
    pub(super) const ALL: [Self; 5] =
        [Self::Video, Self::Audio, Self::Rtcp, Self::Stun, Self::Dtls];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Rtcp => "rtcp",
            Self::Stun => "stun",
            Self::Dtls => "dtls",
        }
    }

    /// Returns what `datagram` is; what is none of them counts as DTLS.
    pub(super) fn of(datagram: &[u8], types: &PayloadTypes) -> Self {
        match datagram {
            [0..=3, ..] => Self::Stun,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, second, ..] if types.audio.contains(&(second & 0x7f)) => Self::Audio,
            [128..=191, ..] => Self::Video,
            _ => Self::Dtls,
        }
    }
}

/// Which payload types are audio; all others are video.
#[derive(Debug)]
pub(super) struct PayloadTypes {
    audio: Vec<u8>,
}

impl Default for PayloadTypes {
    /// What Chromium offers for Opus, RED and comfort noise.
    fn default() -> Self {
        Self { audio: vec![111, 63, 13] }
    }
}

impl PayloadTypes {
    /// Makes these payload types, and no others, audio.
    pub(super) fn set_audio(&mut self, audio: Vec<u8>) {
        self.audio = audio;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_told_apart_by_their_first_bytes() {
        let types = PayloadTypes::default();
        for (head, class) in [
            ([0, 1], Class::Stun),
            ([22, 254], Class::Dtls),
            ([128, 200], Class::Rtcp),
            ([144, 111], Class::Audio),
            ([144, 128 | 63], Class::Audio),
            ([144, 102], Class::Video),
        ] {
            assert_eq!(Class::of(&head, &types), class, "{head:?}");
        }
    }
}
