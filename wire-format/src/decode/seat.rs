//! Seats.

use room_rules::{Command, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, Nothing, messages};
use super::user_id;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "seat.apply": Nothing => |_| Ok(Command::SeatApply);
    "seat.accept": UserBody => |body| body.read().map(Command::SeatAccept);
    "seat.reject": UserBody => |body| body.read().map(Command::SeatReject);
    "seat.invite": UserBody => |body| body.read().map(Command::SeatInvite);
    "seat.join": Nothing => |_| Ok(Command::SeatJoin);
    "seat.decline": Nothing => |_| Ok(Command::SeatDecline);
    "seat.leave": Nothing => |_| Ok(Command::SeatLeave);
    "seat.kick": UserBody => |body| body.read().map(Command::SeatKick);
    "seat.mute": MuteBody => |body| {
        Ok(Command::SeatMute { user: user_id(&body.user)?, audio: body.audio })
    };
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfUser")]
struct UserBody {
    user: String,
}

impl UserBody {
    fn read(self) -> Result<UserId, String> {
        user_id(&self.user)
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatMute")]
struct MuteBody {
    user: String,
    audio: bool,
}
