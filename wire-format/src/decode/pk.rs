//! Battles.

use room_rules::{BattleTerms, Command, PkId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{pk_id, room_id};

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "pk.invite": InviteBody => InviteBody::read;
    "pk.accept": PkBody => |body| body.read().map(Command::PkAccept);
    "pk.reject": PkBody => |body| body.read().map(Command::PkReject);
    "pk.cancel": PkBody => |body| body.read().map(Command::PkCancel);
    "pk.end": PkBody => |body| body.read().map(Command::PkEnd);
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PkInvite")]
struct InviteBody {
    room: String,
    #[schemars(range(min = 10, max = 900))]
    duration_s: Option<u32>,
    #[schemars(range(max = 300))]
    punish_s: Option<u32>,
}

impl InviteBody {
    fn read(self) -> Result<Command, String> {
        let terms = BattleTerms::new(self.duration_s.unwrap_or(300), self.punish_s.unwrap_or(30))
            .ok_or("duration_s must be 10 to 900, punish_s 0 to 300")?;
        Ok(Command::PkInvite { room: room_id(&self.room)?, terms })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfPk")]
struct PkBody {
    pk: String,
}

impl PkBody {
    fn read(self) -> Result<PkId, String> {
        pk_id(&self.pk)
    }
}
