//! Tells the protocols on one port apart (RFC 7983 section 7, RFC 5761 section 4).

/// What a datagram is by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Garbage,
}

impl Class {
    /// Looks at the first bytes of a datagram.
    pub(crate) fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, second, ..] if (192..=223).contains(second) => Self::Rtcp,
            [128..=191, ..] => Self::Rtp,
            _ => Self::Garbage,
        }
    }
}
