//! Messages about the room as a whole.

use std::collections::BTreeMap;

use room_rules::{Area, Command, ConfigChange, RoomCommand, SeatCount, SeatMode, Tag, Tags};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, Nothing, messages};
use super::moderation::reason_code;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "room.end": Nothing => |_| Ok(Command::RoomEnd);
    "room.open": Nothing => |_| Ok(Command::Room(RoomCommand::Open));
    "room.configure": ConfigureBody => |body| {
        Ok(Command::Room(RoomCommand::Configure(body.read()?)))
    };
    "room.hide": HideBody => |body| Ok(Command::Room(RoomCommand::Hide(body.hidden)));
    "room.force_end": ForceEndBody => |body| {
        Ok(Command::Room(RoomCommand::ForceEnd(reason_code(&body.reason)?)))
    };
};

/// What is left out stays as it is.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RoomConfigure")]
struct ConfigureBody {
    /// `seat` `pk` `sale` `buy` `chat` `like` `gift`: whether the room has it.
    #[serde(default)]
    features: BTreeMap<String, bool>,
    seat_mode: Option<SeatModeBody>,
    /// The host's included.
    #[schemars(range(min = 1, max = 9))]
    seats: Option<u8>,
    /// Under which words the room is found, each 1 to 24 characters; letters are made small.
    #[schemars(length(max = 8))]
    tags: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SeatMode")]
enum SeatModeBody {
    Free,
    Apply,
}

impl ConfigureBody {
    fn read(self) -> Result<ConfigChange, String> {
        let feature = |(name, is_on): (String, bool)| {
            let area = Area::parse(&name).filter(|area| area.is_feature());
            area.map(|area| (area, is_on)).ok_or_else(|| format!("there is no feature {name:?}"))
        };
        let seats = match self.seats {
            None => None,
            Some(count) => Some(SeatCount::new(count).ok_or("seats must be 1 to 9")?),
        };
        let tags = self.tags.map(|tags| tags_of(&tags)).transpose()?;
        Ok(ConfigChange {
            features: self.features.into_iter().map(feature).collect::<Result<_, _>>()?,
            seat_mode: self.seat_mode.map(|mode| match mode {
                SeatModeBody::Free => SeatMode::Free,
                SeatModeBody::Apply => SeatMode::Apply,
            }),
            seats,
            tags,
        })
    }
}

fn tags_of(texts: &[String]) -> Result<Tags, String> {
    let tag = |text: &String| Tag::parse(text).ok_or("a tag must hold 1 to 24 characters");
    let tags = texts.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    Tags::new(tags).ok_or_else(|| "tags must be 8 at most".to_owned())
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RoomHide")]
struct HideBody {
    hidden: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RoomForceEnd")]
struct ForceEndBody {
    #[schemars(regex(pattern = "^[a-z0-9_]{1,64}$"))]
    reason: String,
}
