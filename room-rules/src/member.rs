//! Who is in a room and what they may do. What is not granted here is denied.

use std::sync::Arc;

use crate::UserId;

/// A user as their token describes them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The identity; one person is one user however many connections they hold.
    pub user: UserId,
    /// The name shown to others.
    pub name: Arc<str>,
    /// What they may do.
    pub role: Role,
}

/// What a token makes of its bearer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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

/// Something that not everyone may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Capability {
    /// Publish on seat 0.
    PublishAsHost,
    /// Publish on a seat that was granted.
    PublishOnSeat,
    /// Create the room.
    CreateRoom,
    /// End the room.
    EndRoom,
    /// Manage the RTMP targets.
    ManageTargets,
    /// Say something.
    Chat,
    /// Send likes.
    Like,
    /// Give a gift.
    Gift,
    /// Ask for a seat, and join, decline or leave one.
    TakeSeat,
    /// Take a seat without the host's accept.
    SeatItself,
    /// Accept, reject and invite.
    GrantSeat,
    /// Kick and mute.
    KeepOrder,
    /// Invite, accept, reject and cancel a battle.
    Battle,
    /// End a battle.
    EndBattle,
    /// Announce a sale.
    AnnounceSale,
    /// Cancel a sale.
    CancelSale,
    /// Order.
    Order,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Host, Self::Assistant, Self::Guest, Self::Viewer, Self::Moderator, Self::Admin];

    /// Returns whether this role grants `capability`.
    pub const fn may(self, capability: Capability) -> bool {
        use Role::{Admin, Assistant, Guest, Host, Moderator, Viewer};
        match capability {
            Capability::PublishAsHost => matches!(self, Host),
            Capability::PublishOnSeat | Capability::TakeSeat => matches!(self, Guest | Viewer),
            Capability::SeatItself => matches!(self, Guest),
            Capability::CreateRoom => matches!(self, Host | Admin),
            Capability::EndRoom
            | Capability::ManageTargets
            | Capability::EndBattle
            | Capability::CancelSale => matches!(self, Host | Assistant | Admin),
            Capability::Chat => matches!(self, Host | Guest | Viewer | Moderator | Admin),
            Capability::Like => true,
            Capability::Gift | Capability::Order => matches!(self, Viewer | Guest | Moderator),
            Capability::GrantSeat | Capability::Battle | Capability::AnnounceSale => {
                matches!(self, Host | Assistant)
            }
            Capability::KeepOrder => matches!(self, Host | Assistant | Moderator | Admin),
        }
    }

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

    /// Reads a role's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
