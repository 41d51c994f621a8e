//! The gifts and what they cost.

use serde::{Deserialize, Serialize};

/// A gift that can be given.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GiftKind {
    /// The smallest.
    LikeSticker,
    /// A rose.
    Rose,
    /// A cake.
    Cake,
    /// The biggest.
    Rocket,
}

impl GiftKind {
    /// The whole catalogue, cheapest first.
    pub const ALL: [Self; 4] = [Self::LikeSticker, Self::Rose, Self::Cake, Self::Rocket];

    /// Returns the price; a coin is a point in a battle.
    pub const fn coins(self) -> u64 {
        match self {
            Self::LikeSticker => 1,
            Self::Rose => 10,
            Self::Cake => 99,
            Self::Rocket => 1_000,
        }
    }

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LikeSticker => "like_sticker",
            Self::Rose => "rose",
            Self::Cake => "cake",
            Self::Rocket => "rocket",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gift| gift.as_str() == text)
    }
}
