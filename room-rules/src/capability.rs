//! Who may do what. What is not granted here is denied.

use crate::{Area, Role};

/// Something that not everyone may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Capability {
    /// Publish on seat 0.
    PublishAsHost,
    /// Publish on a seat that was granted.
    PublishOnSeat,
    /// Create the room.
    CreateRoom,
    /// Open the room before the host is on air.
    OpenRoom,
    /// End the room.
    EndRoom,
    /// Say what the room has and how its seats are taken.
    ConfigureRoom,
    /// Hide a room, and end it for a reason that everybody is told.
    PoliceRoom,
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
    /// Say whether one's own microphone and camera are on.
    SwitchOwnMedia,
    /// Accept, reject, invite, lock and move.
    GrantSeat,
    /// Make guests get up, and silence them.
    KeepOrder,
    /// Mute and ban users, delete lines, pin questions.
    Moderate,
    /// Invite, accept, reject and cancel a battle.
    Battle,
    /// End a battle.
    EndBattle,
    /// Announce a sale.
    AnnounceSale,
    /// Cancel a sale.
    CancelSale,
    /// Say what is for sale, and what the host speaks about.
    ManageProducts,
    /// Order.
    Order,
    /// Say that an order was paid.
    ConfirmPayment,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 26] = [
        Self::PublishAsHost,
        Self::PublishOnSeat,
        Self::CreateRoom,
        Self::OpenRoom,
        Self::EndRoom,
        Self::ConfigureRoom,
        Self::PoliceRoom,
        Self::ManageTargets,
        Self::DirectPicture,
        Self::SeePeers,
        Self::Chat,
        Self::Like,
        Self::Gift,
        Self::TakeSeat,
        Self::SeatItself,
        Self::SwitchOwnMedia,
        Self::GrantSeat,
        Self::KeepOrder,
        Self::Moderate,
        Self::Battle,
        Self::EndBattle,
        Self::AnnounceSale,
        Self::CancelSale,
        Self::ManageProducts,
        Self::Order,
        Self::ConfirmPayment,
    ];

    /// Returns the area by which it can be switched off.
    pub const fn area(self) -> Area {
        match self {
            Self::PublishAsHost | Self::PublishOnSeat | Self::SwitchOwnMedia => Area::Publish,
            Self::CreateRoom
            | Self::OpenRoom
            | Self::EndRoom
            | Self::ConfigureRoom
            | Self::PoliceRoom
            | Self::ManageTargets
            | Self::DirectPicture
            | Self::SeePeers => Area::Room,
            Self::Chat => Area::Chat,
            Self::Like => Area::Like,
            Self::Gift => Area::Gift,
            Self::TakeSeat | Self::SeatItself | Self::GrantSeat => Area::Seat,
            Self::KeepOrder | Self::Moderate => Area::Moderate,
            Self::Battle | Self::EndBattle => Area::Pk,
            Self::AnnounceSale | Self::CancelSale | Self::ManageProducts | Self::ConfirmPayment => {
                Area::Sale
            }
            Self::Order => Area::Buy,
        }
    }
}

impl Role {
    /// Returns whether this role grants `capability`.
    pub const fn may(self, capability: Capability) -> bool {
        use Role::{Admin, Assistant, Guest, Host, Moderator, Viewer};
        match capability {
            Capability::PublishAsHost => matches!(self, Host),
            Capability::PublishOnSeat | Capability::TakeSeat => matches!(self, Guest | Viewer),
            Capability::SeatItself => matches!(self, Guest),
            Capability::SwitchOwnMedia => matches!(self, Host | Guest | Viewer),
            Capability::CreateRoom => matches!(self, Host | Admin),
            Capability::EndRoom
            | Capability::ConfigureRoom
            | Capability::ManageTargets
            | Capability::DirectPicture
            | Capability::SeePeers
            | Capability::GrantSeat
            | Capability::EndBattle
            | Capability::CancelSale
            | Capability::ManageProducts
            | Capability::ConfirmPayment => matches!(self, Host | Assistant | Admin),
            Capability::PoliceRoom => matches!(self, Admin),
            Capability::Chat => matches!(self, Host | Guest | Viewer | Moderator | Admin),
            Capability::Like => true,
            Capability::Gift | Capability::Order => matches!(self, Viewer | Guest | Moderator),
            Capability::OpenRoom | Capability::Battle | Capability::AnnounceSale => {
                matches!(self, Host | Assistant)
            }
            Capability::KeepOrder | Capability::Moderate => {
                matches!(self, Host | Assistant | Moderator | Admin)
            }
        }
    }
}
