//! Why a room says no.

use std::time::Duration;

use crate::countdown::LEAD_MIN;

/// Why a command was turned down. Nothing has changed when it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// The role does not allow it.
    #[error("your role does not allow this")]
    Forbidden,
    /// What the command names is not there.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It does not fit the present state.
    #[error("{0}")]
    Conflict(&'static str),
    /// No seat is free.
    #[error("no seat is free")]
    SeatTaken,
    /// Nobody may take the seat.
    #[error("the seat is locked")]
    SeatLocked,
    /// The host silenced this user.
    #[error("the host has muted you")]
    SeatMutedByHost,
    /// The room does not have it.
    #[error("this room has no {0}")]
    FeatureOff(&'static str),
    /// The user may not be here.
    #[error("you are banned from this room")]
    Banned,
    /// The user may not talk.
    #[error("you may not talk here now")]
    Muted,
    /// It may not be said here.
    #[error("this may not be said here")]
    ContentRejected,
    /// There are as many as there may be.
    #[error("too many {0}")]
    QueueFull(&'static str),
    /// The user has a seat, or has asked for one.
    #[error("the user has a seat or has asked for one")]
    AlreadySeated,
    /// One of the rooms is in another battle.
    #[error("the room is in a battle")]
    PkBusy,
    /// The battle is not in a state for this.
    #[error("the battle is not in a state for this")]
    PkState,
    /// Fewer units are left than were ordered.
    #[error("only {left} left")]
    SoldOut {
        /// Units left.
        left: u32,
    },
    /// The user would have more than one user may.
    #[error("one user may order {per_user}")]
    LimitPerUser {
        /// Units one user may order altogether.
        per_user: u32,
    },
    /// The room or the sale is over.
    #[error("the {0} is over")]
    Closed(&'static str),
    /// The key was used for another request.
    #[error("this key was used for another request")]
    IdempotencyMismatch,
    /// It has not opened, for this user.
    #[error("it opens in {opens_in_ms} ms")]
    NotOpen {
        /// Time left.
        opens_in_ms: u64,
    },
    /// Too much in too short a time.
    #[error("too many requests")]
    RateLimited,
    /// The room cannot take more of this now.
    #[error("the room cannot take more now")]
    Busy,
    /// The room holds as many sessions as it may.
    #[error("the room is full")]
    RoomFull,
    /// The user has had their share, or takes part already.
    #[error("you have had your share")]
    AlreadyClaimed,
    /// The user has not said what one must say.
    #[error("that is not the word")]
    ConditionUnmet,
    /// What could be had no longer can.
    #[error("the {0} has run out")]
    Expired(&'static str),
    /// A sale must be announced earlier.
    #[error("a sale needs a lead of at least {min_ms} ms")]
    LeadTooShort {
        /// The shortest lead.
        min_ms: u64,
    },
    /// The bid is not enough.
    #[error("the next bid is {min} at least")]
    BidTooLow {
        /// The lowest bid that is taken, in minor units.
        min: u64,
    },
    /// The bidder leads already.
    #[error("you lead already")]
    SelfOutbid,
}

impl Rejected {
    pub(crate) fn not_open(opens_in: Duration) -> Self {
        Self::NotOpen { opens_in_ms: millis(opens_in) }
    }

    pub(crate) fn lead_too_short() -> Self {
        Self::LeadTooShort { min_ms: millis(LEAD_MIN) }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
