//! What two rooms say to each other about a battle.
//!
//! The inviter's room owns the battle and sends its whole view at every change; the other room only
//! reports. Every message may be lost or repeated without a wrong score: views carry a version and
//! tallies are totals.

use serde::{Deserialize, Serialize};

use crate::{BattleTerms, BattleView, Member, PkId, ServerTime};

/// One message between the rooms of a battle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerMessage {
    /// Owner to other: will you?
    Invite {
        /// The battle, as long as it is only an idea.
        pk: PkId,
        /// Who asks.
        host: Member,
        /// For how long.
        terms: BattleTerms,
        /// The owner waits until here.
        expires_at: ServerTime,
    },
    /// Other to owner: yes.
    Accept {
        /// Which battle.
        pk: PkId,
        /// The other host.
        host: Member,
        /// Whether the other host is on air at this moment.
        live: bool,
    },
    /// Other to owner: no.
    Reject {
        /// Which battle.
        pk: PkId,
        /// Why not.
        reason: RejectReason,
    },
    /// Other to owner: the other host came on air or went off.
    HostMedia {
        /// Which battle.
        pk: PkId,
        /// Whether they are on air.
        live: bool,
    },
    /// Other to owner: what the other room's viewers have given in time, altogether.
    Tally {
        /// Which battle.
        pk: PkId,
        /// Points for `[owner, other]`.
        given: [u64; 2],
    },
    /// Other to owner: the other host surrenders, or hangs up.
    End {
        /// Which battle.
        pk: PkId,
    },
    /// Owner to other: this is how the battle stands.
    Mirror {
        /// The whole battle, whose version only rises.
        battle: BattleView,
        /// The owner's host.
        host: Member,
    },
    /// Either way: I know nothing of this battle any more.
    Gone {
        /// Which battle.
        pk: PkId,
    },
    /// From the shell: there is no such room.
    Unreachable,
}

impl PeerMessage {
    /// Returns the battle it speaks of.
    pub(crate) const fn pk(&self) -> Option<&PkId> {
        match self {
            Self::Invite { pk, .. }
            | Self::Accept { pk, .. }
            | Self::Reject { pk, .. }
            | Self::HostMedia { pk, .. }
            | Self::Tally { pk, .. }
            | Self::End { pk }
            | Self::Gone { pk } => Some(pk),
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
