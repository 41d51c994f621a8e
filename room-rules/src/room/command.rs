//! What somebody asks about the room itself.

use serde::{Deserialize, Serialize};

use crate::{Capability, ConfigChange, ReasonCode};

/// One thing somebody asks about the room itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomCommand {
    /// Opens the room before the host is on air: the program shows what was prepared.
    Open,
    /// Says what the room has.
    Configure(ConfigChange),
    /// Leaves the room out of the list, or puts it back.
    Hide(bool),
    /// Ends the room for a reason that everybody is told.
    ForceEnd(ReasonCode),
}

impl RoomCommand {
    /// Returns what one must be allowed in order to give this command.
    pub const fn needs(&self) -> Capability {
        match self {
            Self::Open => Capability::OpenRoom,
            Self::Configure(_) => Capability::ConfigureRoom,
            Self::Hide(_) | Self::ForceEnd(_) => Capability::PoliceRoom,
        }
    }
}
