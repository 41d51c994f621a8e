//! The parts of a room that can be switched: for everybody by the room's features, for one bearer by
//! the `caps` of a token. Neither ever grants what the role does not.

use serde::{Deserialize, Serialize};

/// A part of what happens in a room.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Publishing media.
    Publish,
    /// The room itself: open, end, configure, lay out, push.
    Room,
    /// Seats.
    Seat,
    /// Links and battles with other rooms.
    Pk,
    /// Offering things for sale.
    Sale,
    /// Buying, bidding and claiming.
    Buy,
    /// Talking.
    Chat,
    /// Likes.
    Like,
    /// Gifts.
    Gift,
    /// Keeping order.
    Moderate,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 10] = [
        Self::Publish,
        Self::Room,
        Self::Seat,
        Self::Pk,
        Self::Sale,
        Self::Buy,
        Self::Chat,
        Self::Like,
        Self::Gift,
        Self::Moderate,
    ];

    /// Returns the area's name on the wire and in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Room => "room",
            Self::Seat => "seat",
            Self::Pk => "pk",
            Self::Sale => "sale",
            Self::Buy => "buy",
            Self::Chat => "chat",
            Self::Like => "like",
            Self::Gift => "gift",
            Self::Moderate => "moderate",
        }
    }

    /// Reads an area's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.as_str() == text)
    }

    /// Returns whether a room can do without it. The others are what a room is made of.
    pub const fn is_feature(self) -> bool {
        match self {
            Self::Seat
            | Self::Pk
            | Self::Sale
            | Self::Buy
            | Self::Chat
            | Self::Like
            | Self::Gift => true,
            Self::Publish | Self::Room | Self::Moderate => false,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of areas; all of them unless said otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(from = "Vec<Area>", into = "Vec<Area>")]
pub struct Areas(u16);

impl Areas {
    /// Every area.
    pub const ALL: Self = Self((1 << Area::ALL.len()) - 1);
    /// None.
    pub const NONE: Self = Self(0);

    /// Returns whether `area` is among them.
    pub const fn has(self, area: Area) -> bool {
        self.0 & area.bit() != 0
    }

    /// Returns the set with `area`.
    pub const fn with(self, area: Area) -> Self {
        Self(self.0 | area.bit())
    }

    /// Returns the set without `area`.
    pub const fn without(self, area: Area) -> Self {
        Self(self.0 & !area.bit())
    }
}

impl From<Vec<Area>> for Areas {
    fn from(areas: Vec<Area>) -> Self {
        areas.into_iter().collect()
    }
}

impl From<Areas> for Vec<Area> {
    fn from(areas: Areas) -> Self {
        Area::ALL.into_iter().filter(|area| areas.has(*area)).collect()
    }
}

impl Default for Areas {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromIterator<Area> for Areas {
    fn from_iter<I: IntoIterator<Item = Area>>(areas: I) -> Self {
        areas.into_iter().fold(Self::NONE, Self::with)
    }
}
