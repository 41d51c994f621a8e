//! What a mixer process makes, and what it leaves to another that makes the same.

use super::LinkError;

/// What a process makes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Duty {
    /// It composes and encodes every picture.
    #[default]
    Mix,
    /// It also passes on the own pictures of a solo host, where that will do (`media_rules::bypass`).
    MixOrPass,
    /// It makes no pictures and decodes none: somebody else makes the same ones. It makes sound.
    Rest,
    /// It makes no sound either, for the same reason. It keeps what comes of its hosts, so that it can go
    /// on at any moment with what is past by then.
    Sleep,
}

impl Duty {
    /// Returns whether it makes pictures.
    pub const fn makes_pictures(self) -> bool {
        match self {
            Self::Mix | Self::MixOrPass => true,
            Self::Rest | Self::Sleep => false,
        }
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Mix => 0,
            Self::MixOrPass => 1,
            Self::Rest => 2,
            Self::Sleep => 3,
        }
    }

    pub(super) const fn parse(number: u8) -> Result<Self, LinkError> {
        match number {
            0 => Ok(Self::Mix),
            1 => Ok(Self::MixOrPass),
            2 => Ok(Self::Rest),
            3 => Ok(Self::Sleep),
            _ => Err(LinkError::BadValue),
        }
    }
}
