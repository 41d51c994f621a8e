//! What somebody asks about links and battles with other rooms.

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{BattleTerms, Capability, PkId, RoomId};

/// Rooms in a battle, the inviter's included: as many as a picture has tiles.
const ROOMS_MAX: usize = 9;

/// One thing somebody asks about links and battles.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PkCommand {
    /// Challenges other rooms.
    Invite {
        /// Which.
        rooms: Rivals,
        /// On what terms.
        terms: BattleTerms,
    },
    /// Challenges those of the last battle again, on the same terms.
    Rematch,
    /// Takes up a challenge.
    Accept(PkId),
    /// Turns a challenge down.
    Reject(PkId),
    /// Takes a challenge back.
    Cancel(PkId),
    /// Begins: without those who have not answered, or a battle of rooms that are linked.
    Start(PkId),
    /// Surrenders while battling; ends the link otherwise. From the platform, it ends all of it.
    End(PkId),
}

impl PkCommand {
    /// Returns what one must be allowed in order to give this command.
    pub const fn needs(&self) -> Capability {
        match self {
            Self::Invite { .. }
            | Self::Rematch
            | Self::Accept(_)
            | Self::Reject(_)
            | Self::Cancel(_)
            | Self::Start(_) => Capability::Battle,
            Self::End(_) => Capability::EndBattle,
        }
    }
}

/// One to eight other rooms, no two of them the same.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<RoomId>", into = "Vec<RoomId>")]
pub struct Rivals(Vec<RoomId>);

impl Rivals {
    /// Takes one to eight rooms; `None` for fewer, more, or one twice.
    pub fn new(rooms: Vec<RoomId>) -> Option<Self> {
        let is_new = |(at, room): (usize, &RoomId)| !rooms[..at].contains(room);
        let are_new = rooms.iter().enumerate().all(is_new);
        ((1..ROOMS_MAX).contains(&rooms.len()) && are_new).then_some(Self(rooms))
    }

    /// Returns the rooms.
    pub fn rooms(&self) -> &[RoomId] {
        &self.0
    }
}

impl From<RoomId> for Rivals {
    fn from(room: RoomId) -> Self {
        Self(vec![room])
    }
}

impl TryFrom<Vec<RoomId>> for Rivals {
    type Error = OutOfLimits;

    fn try_from(rooms: Vec<RoomId>) -> Result<Self, OutOfLimits> {
        Self::new(rooms).ok_or(OutOfLimits("Rivals"))
    }
}

impl From<Rivals> for Vec<RoomId> {
    fn from(rivals: Rivals) -> Self {
        rivals.0
    }
}
