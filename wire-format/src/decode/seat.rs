//! Seats.

use room_rules::{Command, SeatCommand, SeatIndex, SeatLock, SeatPick, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, Nothing, messages};
use super::user_id;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "seat.apply": PickBody => |body| Ok(seat(SeatCommand::Apply(body.read()?)));
    "seat.accept": ForUserBody => |body| {
        let (user, pick) = body.read()?;
        Ok(seat(SeatCommand::Accept { user, pick }))
    };
    "seat.reject": UserBody => |body| Ok(seat(SeatCommand::Reject(body.read()?)));
    "seat.invite": ForUserBody => |body| {
        let (user, pick) = body.read()?;
        Ok(seat(SeatCommand::Invite { user, pick }))
    };
    "seat.join": Nothing => |_| Ok(seat(SeatCommand::Join));
    "seat.decline": Nothing => |_| Ok(seat(SeatCommand::Decline));
    "seat.leave": Nothing => |_| Ok(seat(SeatCommand::Leave));
    "seat.kick": UserBody => |body| Ok(seat(SeatCommand::Kick(body.read()?)));
    "seat.mute": MuteBody => |body| body.read().map(seat);
    "seat.lock": LockBody => |body| body.read().map(seat);
    "seat.move": MoveBody => |body| body.read().map(seat);
    "seat.switch": SwitchBody => |body| {
        Ok(seat(SeatCommand::Switch { mic: body.mic, cam: body.cam }))
    };
};

const fn seat(command: SeatCommand) -> Command {
    Command::Seat(command)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfUser")]
pub(super) struct UserBody {
    user: String,
}

impl UserBody {
    pub(super) fn read(self) -> Result<UserId, String> {
        user_id(&self.user)
    }
}

/// Which seat is meant: the first that is free without `index`; with `rev` only in that state.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatPick")]
struct PickBody {
    #[schemars(range(min = 1, max = 8))]
    index: Option<u8>,
    rev: Option<u64>,
}

impl PickBody {
    fn read(self) -> Result<SeatPick, String> {
        Ok(SeatPick { index: self.index.map(seat_index).transpose()?, rev: self.rev })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatForUser")]
struct ForUserBody {
    user: String,
    #[schemars(range(min = 1, max = 8))]
    index: Option<u8>,
    rev: Option<u64>,
}

impl ForUserBody {
    fn read(self) -> Result<(UserId, SeatPick), String> {
        let Self { user, index, rev } = self;
        Ok((user_id(&user)?, PickBody { index, rev }.read()?))
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatMute")]
struct MuteBody {
    user: String,
    audio: Option<bool>,
    video: Option<bool>,
}

impl MuteBody {
    fn read(self) -> Result<SeatCommand, String> {
        let Self { user, audio, video } = self;
        if audio.is_none() && video.is_none() {
            return Err("audio or video must be said".to_owned());
        }
        Ok(SeatCommand::Mute { user: user_id(&user)?, audio, video })
    }
}

/// What is to be locked; what is left out stays as it is.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatLock")]
struct LockBody {
    #[schemars(range(min = 1, max = 8))]
    index: u8,
    rev: Option<u64>,
    seat: Option<bool>,
    audio: Option<bool>,
    video: Option<bool>,
    #[serde(default)]
    force: bool,
}

impl LockBody {
    fn read(self) -> Result<SeatCommand, String> {
        let Self { index, rev, seat, audio, video, force } = self;
        let lock = SeatLock { index: seat_index(index)?, rev, seat, audio, video, force };
        Ok(SeatCommand::Lock(lock))
    }
}

/// Without `user`, oneself.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatMove")]
struct MoveBody {
    user: Option<String>,
    #[schemars(range(min = 1, max = 8))]
    index: u8,
    rev: Option<u64>,
    #[serde(default)]
    swap: bool,
}

impl MoveBody {
    fn read(self) -> Result<SeatCommand, String> {
        let user = self.user.as_deref().map(user_id).transpose()?;
        let pick = SeatPick { index: Some(seat_index(self.index)?), rev: self.rev };
        Ok(SeatCommand::Move { user, pick, swap: self.swap })
    }
}

/// Whether one's own microphone and camera are on.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SeatSwitch")]
struct SwitchBody {
    mic: Option<bool>,
    cam: Option<bool>,
}

fn seat_index(index: u8) -> Result<SeatIndex, String> {
    let guests = SeatIndex::new(index).filter(|index| *index != SeatIndex::HOST);
    guests.ok_or_else(|| "index must be 1 to 8".to_owned())
}
