//! What somebody asks about seats.

use serde::{Deserialize, Serialize};

use crate::{Capability, SeatIndex, UserId};

/// One thing somebody asks about seats.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatCommand {
    /// Asks for a seat; takes it where seats are free to take.
    Apply(SeatPick),
    /// Gives a seat to someone who asked.
    Accept {
        /// Who asked.
        user: UserId,
        /// Which seat.
        pick: SeatPick,
    },
    /// Turns down someone who asked.
    Reject(UserId),
    /// Keeps a seat for someone and asks them to take it.
    Invite {
        /// Whom.
        user: UserId,
        /// Which seat.
        pick: SeatPick,
    },
    /// Takes the seat that is kept.
    Join,
    /// Turns the invitation down, or takes a wish back.
    Decline,
    /// Gets up.
    Leave,
    /// Makes someone get up.
    Kick(UserId),
    /// Silences someone while they sit, or lets them be heard and seen again.
    Mute {
        /// Who.
        user: UserId,
        /// Whether they are unheard from now on.
        audio: Option<bool>,
        /// Whether they are unseen from now on.
        video: Option<bool>,
    },
    /// Locks a seat, or what comes from it.
    Lock(SeatLock),
    /// Puts someone on another seat.
    Move {
        /// Who; oneself if left out.
        user: Option<UserId>,
        /// Which seat, and which state of it is meant.
        pick: SeatPick,
        /// Whether whoever sits there may be put on the seat that becomes free.
        swap: bool,
    },
    /// Says whether one's own microphone and camera are on.
    Switch {
        /// The microphone.
        mic: Option<bool>,
        /// The camera.
        cam: Option<bool>,
    },
}

impl SeatCommand {
    /// Returns the user who has to be present for it.
    pub(crate) const fn about(&self) -> Option<&UserId> {
        match self {
            Self::Invite { user, .. } => Some(user),
            Self::Apply(_)
            | Self::Accept { .. }
            | Self::Reject(_)
            | Self::Join
            | Self::Decline
            | Self::Leave
            | Self::Kick(_)
            | Self::Mute { .. }
            | Self::Lock(_)
            | Self::Move { .. }
            | Self::Switch { .. } => None,
        }
    }

    /// Returns what one must be allowed in order to give this command.
    pub const fn needs(&self) -> Capability {
        match self {
            Self::Apply(_)
            | Self::Join
            | Self::Decline
            | Self::Leave
            | Self::Move { user: None, .. } => Capability::TakeSeat,
            Self::Accept { .. }
            | Self::Reject(_)
            | Self::Invite { .. }
            | Self::Lock(_)
            | Self::Move { user: Some(_), .. } => Capability::GrantSeat,
            Self::Kick(_) | Self::Mute { .. } => Capability::KeepOrder,
            Self::Switch { .. } => Capability::SwitchOwnMedia,
        }
    }
}

/// Which seat somebody means.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeatPick {
    /// The seat; the first that is free if left out.
    pub index: Option<SeatIndex>,
    /// The state of it that they saw; another one is a conflict.
    pub rev: Option<u64>,
}

impl SeatPick {
    /// The first seat that is free.
    pub const ANY: Self = Self { index: None, rev: None };

    /// This seat, in whatever state.
    pub const fn of(index: SeatIndex) -> Self {
        Self { index: Some(index), rev: None }
    }
}

/// What is to be locked; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeatLock {
    /// Which seat.
    pub index: SeatIndex,
    /// The state of it that the asker saw; another one is a conflict.
    pub rev: Option<u64>,
    /// Whether nobody may take it.
    pub seat: Option<bool>,
    /// Whether nobody on it is heard.
    pub audio: Option<bool>,
    /// Whether nobody on it is seen.
    pub video: Option<bool>,
    /// Whether whoever sits there has to get up.
    pub force: bool,
}
