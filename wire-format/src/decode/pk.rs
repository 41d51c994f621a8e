//! Links and battles.

use room_rules::{BattlePlan, BattleTerms, Command, LinkKind, PkCommand, PkId, Rivals, RoomId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{pk_id, room_id};

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "pk.invite": InviteBody => InviteBody::read;
    "pk.rematch": RematchBody => |_| Ok(Command::Pk(PkCommand::Rematch));
    "pk.accept": PkBody => |body| body.read(PkCommand::Accept);
    "pk.reject": PkBody => |body| body.read(PkCommand::Reject);
    "pk.cancel": PkBody => |body| body.read(PkCommand::Cancel);
    "pk.start": PkBody => |body| body.read(PkCommand::Start);
    "pk.end": PkBody => |body| body.read(PkCommand::End);
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PkInvite")]
struct InviteBody {
    /// The other room; of several, `rooms`.
    room: Option<String>,
    /// One to eight other rooms.
    #[schemars(length(min = 1, max = 8))]
    rooms: Option<Vec<String>>,
    #[schemars(range(min = 10, max = 900))]
    duration_s: Option<u32>,
    #[schemars(range(max = 300))]
    punish_s: Option<u32>,
    #[schemars(range(min = 3, max = 60))]
    prepare_s: Option<u32>,
    rush: Option<RushBody>,
    link: Option<LinkBody>,
}

/// The last so many seconds, in which a coin counts more.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PkRush")]
struct RushBody {
    #[schemars(range(min = 1, max = 60))]
    last_s: u32,
    #[schemars(range(min = 2, max = 5))]
    factor: u32,
}

/// `battle`: one battle at once; `stay`: and the rooms stay linked; `only`: hosts start battles.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PkLink")]
#[serde(rename_all = "snake_case")]
enum LinkBody {
    Battle,
    Stay,
    Only,
}

impl InviteBody {
    fn read(self) -> Result<Command, String> {
        let usual = BattlePlan::default();
        let rush = self.rush.map_or((0, 1), |rush| (rush.last_s, rush.factor));
        if rush.0 == 0 && rush.1 != 1 {
            return Err("rush.last_s must be 1 to 60".to_owned());
        }
        let terms = BattleTerms::of(BattlePlan {
            battle_s: self.duration_s.unwrap_or(usual.battle_s),
            punish_s: self.punish_s.unwrap_or(usual.punish_s),
            prepare_s: self.prepare_s.unwrap_or(usual.prepare_s),
            rush_s: rush.0,
            rush_factor: rush.1,
            link: match self.link {
                None | Some(LinkBody::Battle) => LinkKind::Battle,
                Some(LinkBody::Stay) => LinkKind::Stay,
                Some(LinkBody::Only) => LinkKind::Link,
            },
        });
        let terms = terms.ok_or(
            "duration_s must be 10 to 900, punish_s 0 to 300, prepare_s 3 to 60, rush.last_s 1 to 60 and \
             no more than duration_s, rush.factor 2 to 5",
        )?;
        let rooms = match (self.room, self.rooms) {
            (Some(room), None) => vec![room],
            (None, Some(rooms)) => rooms,
            (Some(_), Some(_)) | (None, None) => {
                return Err("there must be either room or rooms".to_owned());
            }
        };
        let rooms: Vec<RoomId> =
            rooms.iter().map(|room| room_id(room)).collect::<Result<_, _>>()?;
        let rooms = Rivals::new(rooms).ok_or("rooms must be 1 to 8, each once")?;
        Ok(Command::Pk(PkCommand::Invite { rooms, terms }))
    }
}

/// `d` of `pk.rematch`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PkRematch")]
struct RematchBody {}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfPk")]
struct PkBody {
    pk: String,
}

impl PkBody {
    fn read(self, command: impl FnOnce(PkId) -> PkCommand) -> Result<Command, String> {
        pk_id(&self.pk).map(|pk| Command::Pk(command(pk)))
    }
}
