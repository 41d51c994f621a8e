//! What a room has: its features, how its seats are taken, and what its members may send besides
//! what everybody knows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Area, Areas, SeatIndex, Tags};

/// What a room has.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RoomConfig {
    /// Which of the features are there; see [`Area::is_feature`].
    pub features: Areas,
    /// How seats are taken.
    pub seat_mode: SeatMode,
    /// How many seats there are, the host's included.
    pub seats: u8,
    /// Whether the list of rooms leaves it out.
    pub hidden: bool,
    /// Under which words that list finds it.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            features: Areas::ALL,
            seat_mode: SeatMode::Apply,
            seats: SEATS_MAX,
            hidden: false,
            tags: Tags::default(),
        }
    }
}

const SEATS_MAX: u8 = 9;

/// How a viewer gets a seat.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatMode {
    /// They take one that is free.
    Free,
    /// They ask, and somebody accepts.
    Apply,
}

impl SeatMode {
    /// Returns the mode's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Apply => "apply",
        }
    }
}

/// What is to be otherwise; what is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigChange {
    /// Features that are switched on (`true`) or off.
    pub features: Vec<(Area, bool)>,
    /// How seats are taken.
    pub seat_mode: Option<SeatMode>,
    /// How many seats there are.
    pub seats: Option<SeatCount>,
    /// Under which words it is found, instead of all before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

impl ConfigChange {
    /// Returns `config` with this change.
    pub(crate) fn apply_to(&self, config: &RoomConfig) -> RoomConfig {
        let mut next = config.clone();
        for (area, is_on) in self.features.iter().filter(|(area, _)| area.is_feature()) {
            next.features =
                if *is_on { next.features.with(*area) } else { next.features.without(*area) };
        }
        next.seat_mode = self.seat_mode.unwrap_or(next.seat_mode);
        next.seats = self.seats.map_or(next.seats, SeatCount::number);
        next.tags = self.tags.clone().unwrap_or(next.tags);
        next
    }
}

/// Seats of a room, the host's included: 1 to 9.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SeatCount(u8);

impl TryFrom<u8> for SeatCount {
    type Error = OutOfLimits;

    fn try_from(number: u8) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("SeatCount"))
    }
}

impl From<SeatCount> for u8 {
    fn from(value: SeatCount) -> Self {
        value.0
    }
}

impl SeatCount {
    /// Takes 1 to 9; `None` for anything else.
    pub fn new(count: u8) -> Option<Self> {
        (1..=SEATS_MAX).contains(&count).then_some(Self(count))
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

const _: () = assert!(SEATS_MAX as usize == SeatIndex::COUNT, "every seat can be offered");

/// What everybody is told of how the room is set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsView {
    /// What the room has.
    pub config: RoomConfig,
    /// The time between two lines of one viewer; zero for the ordinary pace.
    pub slow_mode: Duration,
    /// Whether only those who keep order, and who host, may talk.
    pub all_muted: bool,
}
