//! What the rooms of a battle say to each other.
//!
//! The inviter's room owns the battle and sends its whole view at every change; the others only
//! report how it stands with them, as a whole, too. Whoever needs to know that a letter arrived says
//! so in it and repeats it until the answer is there; so letters may be lost, repeated or late
//! without a wrong score: views carry a version, reports a number, and what was given is a total.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BattleTerms, BattleView, Member, PkId, RoomId, ServerTime, UserId};

/// One message between the rooms of a battle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerMessage {
    /// Owner to others: will you?
    Invite {
        /// The battle, as long as it is only an idea.
        pk: PkId,
        /// All its rooms, the inviter's first.
        rooms: Vec<RoomId>,
        /// Who asks.
        host: Member,
        /// On what terms.
        terms: BattleTerms,
        /// The owner waits until here.
        expires_at: ServerTime,
    },
    /// Other to owner: no.
    Reject {
        /// Which battle.
        pk: PkId,
        /// Why not.
        reason: RejectReason,
    },
    /// Other to owner: this is how it stands here.
    Report(Box<PeerReport>),
    /// Owner to others: this is how the battle stands.
    Mirror {
        /// The whole battle, whose version only rises.
        battle: Box<BattleView>,
        /// The number of the newest report of the room that this is sent to.
        heard: u64,
        /// Whether the owner repeats this until it hears which version has arrived.
        asks: bool,
    },
    /// Either way: I have no part in this battle any more.
    Gone {
        /// Which battle.
        pk: PkId,
    },
    /// From the shell: there is no such room.
    Unreachable,
}

/// How a battle stands in a room that does not own it. A newer report makes an older one worthless.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PeerReport {
    /// Which battle.
    pub pk: PkId,
    /// Rises with every report that says something new.
    pub number: u64,
    /// The newest version that this room has seen.
    pub version: u64,
    /// The room's host, once they have said yes.
    pub host: Option<Member>,
    /// Whether the host is on air.
    pub live: bool,
    /// Which battle of the link `given` is of.
    pub round: u32,
    /// The points that this room's viewers have given in time to each side, altogether.
    pub given: Vec<u64>,
    /// Who gave them: those of whom the owner may not have heard.
    pub givers: Vec<PeerGiver>,
    /// Whether that battle's time is up here, so that nothing comes to it any more.
    pub is_final: bool,
    /// What the host wanted of the owner last, and the number of the report that was made for it.
    pub wish: Option<(u64, PeerWish)>,
    /// Whether this room repeats this until it hears that it has arrived.
    pub asks: bool,
}

/// What a viewer has given to one side of a battle in one room, altogether.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PeerGiver {
    /// The place of the side.
    pub side: usize,
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// The points.
    pub points: u64,
    /// When that was reached.
    pub at: ServerTime,
}

/// What the host of a room that does not own the battle wants.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerWish {
    /// To begin a battle of rooms that are linked.
    Start,
    /// To surrender.
    Surrender,
    /// To hang up.
    HangUp,
    /// To end it for everybody, because the platform says so.
    Force,
}

impl PeerMessage {
    /// Returns the battle it speaks of.
    pub(crate) const fn pk(&self) -> Option<&PkId> {
        match self {
            Self::Invite { pk, .. } | Self::Reject { pk, .. } | Self::Gone { pk } => Some(pk),
            Self::Report(report) => Some(&report.pk),
            Self::Mirror { battle, .. } => Some(&battle.pk),
            Self::Unreachable => None,
        }
    }
}

/// Why a challenge is turned down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The host said no.
    Declined,
    /// The room is in another battle.
    Busy,
    /// Its host is not on air.
    NotLive,
}
