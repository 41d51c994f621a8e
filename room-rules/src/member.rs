//! A user as the room knows them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Areas, Capability, UserId};

/// A user as their token describes them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Member {
    /// The identity; one person is one user however many connections they hold.
    pub user: UserId,
    /// The name shown to others.
    pub name: Arc<str>,
    /// What they may do.
    pub role: Role,
    /// What their token leaves of that.
    #[serde(default)]
    pub caps: Areas,
}

impl Member {
    /// Returns whether both the role and the token grant `capability`.
    pub const fn may(&self, capability: Capability) -> bool {
        self.role.may(capability) && self.caps.has(capability.area())
    }
}

/// What a token makes of its bearer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the room and publishes on seat 0.
    Host,
    /// The host's second device: controls, does not publish.
    Assistant,
    /// A co-host: takes a seat without being asked.
    Guest,
    /// Watches, talks, gives and buys.
    Viewer,
    /// Keeps order.
    Moderator,
    /// The platform.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Host, Self::Assistant, Self::Guest, Self::Viewer, Self::Moderator, Self::Admin];

    /// Returns the role's name on the wire and in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Assistant => "assistant",
            Self::Guest => "guest",
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// Returns how high the role stands when order is kept: who is lower can be muted and banned.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Viewer | Self::Guest => 0,
            Self::Moderator => 1,
            Self::Assistant => 2,
            Self::Host => 3,
            Self::Admin => 4,
        }
    }

    /// Reads a role's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
