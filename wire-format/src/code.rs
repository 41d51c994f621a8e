//! The codes with which a request is turned down, on every carrier.

use room_rules::Rejected;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal;)*) => {
        /// Why a request was turned down; the text is the same on HTTP, WebSocket and data channels.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns the HTTP status that carries this code.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read, or a value is outside its limits.
    BadRequest = "BAD_REQUEST", 400;
    /// A sale must be announced earlier.
    LeadTooShort = "LEAD_TOO_SHORT", 400;
    /// No token, or not one of ours.
    Unauthenticated = "UNAUTHENTICATED", 401;
    /// The token was good once.
    TokenExpired = "TOKEN_EXPIRED", 401;
    /// Whoever keeps the user's money does not pay for it.
    PaymentRefused = "PAYMENT_REFUSED", 402;
    /// The role does not allow it.
    Forbidden = "FORBIDDEN", 403;
    /// The user has not said what one must say.
    ConditionUnmet = "CONDITION_UNMET", 403;
    /// The user may not be in this room.
    Banned = "BANNED", 403;
    /// The user may not talk in this room.
    Muted = "MUTED", 403;
    /// This may not be said in this room.
    ContentRejected = "CONTENT_REJECTED", 403;
    /// The host muted this user.
    SeatMutedByHost = "SEAT_MUTED_BY_HOST", 403;
    /// There is no such room.
    RoomNotFound = "ROOM_NOT_FOUND", 404;
    /// There is no such thing in the room.
    NotFound = "NOT_FOUND", 404;
    /// The path is there, but not for this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    /// It does not fit the present state.
    Conflict = "CONFLICT", 409;
    /// No seat is free.
    SeatTaken = "SEAT_TAKEN", 409;
    /// Nobody may take the seat.
    SeatLocked = "SEAT_LOCKED", 409;
    /// There are as many as there may be.
    QueueFull = "QUEUE_FULL", 409;
    /// The user has a seat or has asked for one.
    AlreadySeated = "ALREADY_SEATED", 409;
    /// One of the rooms is in another battle.
    PkBusy = "PK_BUSY", 409;
    /// The battle is not in a state for this.
    PkState = "PK_STATE", 409;
    /// Fewer units are left than were ordered.
    SoldOut = "SOLD_OUT", 409;
    /// One user may not have so many.
    LimitPerUser = "LIMIT_PER_USER", 409;
    /// The bid is not high enough.
    BidTooLow = "BID_TOO_LOW", 409;
    /// The bidder leads already.
    SelfOutbid = "SELF_OUTBID", 409;
    /// A request with this key is being carried out.
    IdempotencyInFlight = "IDEMPOTENCY_IN_FLIGHT", 409;
    /// The user has had their share, or takes part already.
    AlreadyClaimed = "ALREADY_CLAIMED", 409;
    /// Nobody publishes this feed now; somebody may soon.
    NotLive = "NOT_LIVE", 409;
    /// The room or the sale is over.
    Closed = "CLOSED", 410;
    /// The entity tag is not the one of the ICE session as it is now.
    PreconditionFailed = "PRECONDITION_FAILED", 412;
    /// The body or frame is too large.
    TooLarge = "TOO_LARGE", 413;
    /// The body is of the wrong type.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415;
    /// What was asked for is not kept any more, or can no longer be had.
    Expired = "EXPIRED", 410;
    /// The key was used for another request.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH", 422;
    /// The offer is well-formed and holds what the server cannot play or take.
    OfferRefused = "OFFER_REFUSED", 422;
    /// The sale has not opened.
    NotOpen = "NOT_OPEN", 425;
    /// The request must say by `If-Match` which ICE session it means.
    PreconditionRequired = "PRECONDITION_REQUIRED", 428;
    /// Too much in too short a time.
    RateLimited = "RATE_LIMITED", 429;
    /// A queue is full; try again.
    Busy = "BUSY", 503;
    /// The room holds as many sessions as it may.
    RoomFull = "ROOM_FULL", 503;
    /// The room could not write down what it decided, and stopped; the same key gets the answer when it
    /// is back.
    LedgerFailed = "LEDGER_FAILED", 503;
    /// Whoever must agree to it did not answer in time.
    HookFailed = "HOOK_FAILED", 503;
    /// The server is shutting down.
    Draining = "DRAINING", 503;
    /// The two hosts were not both on air in time.
    LinkFailed = "LINK_FAILED", 504;
}

impl Code {
    /// Returns after how many milliseconds it is worth to try again (RFC 9725 section 4.5, and
    /// draft-ietf-wish-whep for a feed that is not live); `None` where time alone changes nothing.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most codes are final")]
    pub const fn retry_ms(self) -> Option<u64> {
        match self {
            Self::RateLimited => Some(1_000),
            Self::Busy | Self::NotLive | Self::HookFailed => Some(2_000),
            Self::RoomFull | Self::Draining => Some(5_000),
            _ => None,
        }
    }
}

impl From<&Rejected> for Code {
    fn from(rejected: &Rejected) -> Self {
        match rejected {
            Rejected::Forbidden | Rejected::FeatureOff(_) => Self::Forbidden,
            Rejected::NotFound(_) => Self::NotFound,
            Rejected::Conflict(_) => Self::Conflict,
            Rejected::SeatTaken => Self::SeatTaken,
            Rejected::SeatLocked => Self::SeatLocked,
            Rejected::SeatMutedByHost => Self::SeatMutedByHost,
            Rejected::Banned => Self::Banned,
            Rejected::Muted => Self::Muted,
            Rejected::ContentRejected => Self::ContentRejected,
            Rejected::QueueFull(_) => Self::QueueFull,
            Rejected::AlreadySeated => Self::AlreadySeated,
            Rejected::PkBusy => Self::PkBusy,
            Rejected::PkState => Self::PkState,
            Rejected::SoldOut { .. } => Self::SoldOut,
            Rejected::LimitPerUser { .. } => Self::LimitPerUser,
            Rejected::Closed(_) => Self::Closed,
            Rejected::IdempotencyMismatch => Self::IdempotencyMismatch,
            Rejected::NotOpen { .. } => Self::NotOpen,
            Rejected::RateLimited => Self::RateLimited,
            Rejected::Busy => Self::Busy,
            Rejected::RoomFull => Self::RoomFull,
            Rejected::AlreadyClaimed => Self::AlreadyClaimed,
            Rejected::ConditionUnmet => Self::ConditionUnmet,
            Rejected::Expired(_) => Self::Expired,
            Rejected::LeadTooShort { .. } => Self::LeadTooShort,
            Rejected::BidTooLow { .. } => Self::BidTooLow,
            Rejected::SelfOutbid => Self::SelfOutbid,
        }
    }
}

impl From<Rejected> for Code {
    fn from(rejected: Rejected) -> Self {
        Self::from(&rejected)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
