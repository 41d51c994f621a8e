//! What a mixer process does about pictures; its sound never rests.

use super::LinkError;

/// Where the pictures of a process come from, if it is to make any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Duty {
    /// It composes and encodes every picture.
    #[default]
    Mix,
    /// It also passes on the own pictures of a solo host, where that will do (`media_rules::bypass`).
    MixOrPass,
    /// It makes none and decodes none: somebody else makes the same ones.
    Rest,
}

impl Duty {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Mix => 0,
            Self::MixOrPass => 1,
            Self::Rest => 2,
        }
    }

    pub(super) const fn parse(number: u8) -> Result<Self, LinkError> {
        match number {
            0 => Ok(Self::Mix),
            1 => Ok(Self::MixOrPass),
            2 => Ok(Self::Rest),
            _ => Err(LinkError::BadValue),
        }
    }
}
