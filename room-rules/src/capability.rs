//! Who may do what. What is not granted here is denied.

use crate::{Command, Role};

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
    /// Decide how the program's picture is laid out.
    DirectPicture,
    /// See who is connected to the room's media, and how they are doing.
    SeePeers,
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
            | Capability::DirectPicture
            | Capability::SeePeers
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
}

impl Command {
    /// Returns what one must be allowed in order to give a command.
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::ChatSend(_) => Capability::Chat,
            Self::Like(_) => Capability::Like,
            Self::GiftSend(_) => Capability::Gift,
            Self::SeatApply | Self::SeatJoin | Self::SeatDecline | Self::SeatLeave => {
                Capability::TakeSeat
            }
            Self::SeatAccept(_) | Self::SeatReject(_) | Self::SeatInvite(_) => {
                Capability::GrantSeat
            }
            Self::SeatKick(_) | Self::SeatMute { .. } => Capability::KeepOrder,
            Self::PkInvite { .. } | Self::PkAccept(_) | Self::PkReject(_) | Self::PkCancel(_) => {
                Capability::Battle
            }
            Self::PkEnd(_) => Capability::EndBattle,
            Self::SaleAnnounce(_) => Capability::AnnounceSale,
            Self::SaleCancel(_) => Capability::CancelSale,
            Self::OrderPlace(_) => Capability::Order,
            Self::Giveaway(command) => command.needs(),
            Self::RoomEnd => Capability::EndRoom,
        }
    }
}
