//! What a member asks of a room, and what the room answers.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::limit::OutOfLimits;
use crate::{
    Capability, ChatId, GiftId, GiveawayCommand, GiveawayReply, IdemKey, ModerationCommand,
    ModerationView, OrderId, PkCommand, PkId, ProductId, QuestionId, RoomCommand, RoomId,
    SaleCommand, SaleId, SaleTerms, Scores, SeatCommand, SeatIndex, Seed, ServerTime, ShopCommand,
    ShopReply, TalkCommand, UserId,
};

/// One thing a member asks for. Every value is within its limits by construction.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Says something to everyone.
    ChatSend(ChatText),
    /// Something else that is said, or done about what is said.
    Talk(TalkCommand),
    /// Adds likes.
    Like(LikeCount),
    /// Gives a gift.
    GiftSend(GiftOrder),
    /// Something about seats.
    Seat(SeatCommand),
    /// Something about who may talk and be here.
    Moderation(ModerationCommand),
    /// Something about the room itself.
    Room(RoomCommand),
    /// Something about links and battles with other rooms.
    Pk(PkCommand),
    /// Announces a flash sale.
    SaleAnnounce(SaleOffer),
    /// Calls a sale off.
    SaleCancel(SaleId),
    /// Orders from a sale.
    OrderPlace(OrderRequest),
    /// Has to do with red packets or lotteries.
    Giveaway(GiveawayCommand),
    /// Whatever else one can ask where something is sold or to be won.
    Shop(ShopCommand),
    /// Ends the room.
    RoomEnd,
}

impl Command {
    /// Returns whether the command must survive a crash. What is not kept may not change anything
    /// that is.
    pub const fn is_durable(&self) -> bool {
        if let Self::Talk(command) = self {
            return command.is_durable();
        }
        !matches!(
            self,
            Self::ChatSend(_) | Self::Like(_) | Self::Moderation(ModerationCommand::List)
        )
    }

    /// Returns the client's key of the command, if it has one.
    pub const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::GiftSend(order) => Some(&order.idem),
            Self::OrderPlace(order) => Some(&order.idem),
            Self::Giveaway(command) => command.idem(),
            Self::Shop(command) => command.idem(),
            Self::ChatSend(_)
            | Self::Talk(_)
            | Self::Like(_)
            | Self::Seat(_)
            | Self::Moderation(_)
            | Self::Room(_)
            | Self::Pk(_)
            | Self::SaleAnnounce(_)
            | Self::SaleCancel(_)
            | Self::RoomEnd => None,
        }
    }

    /// Returns the user whose presence in the room the command depends on. Who is present is not in
    /// the journal, so it becomes a part of the input.
    pub(crate) const fn about(&self) -> Option<&UserId> {
        match self {
            Self::Seat(command) => command.about(),
            Self::ChatSend(_)
            | Self::Talk(_)
            | Self::Like(_)
            | Self::GiftSend(_)
            | Self::Moderation(_)
            | Self::Room(_)
            | Self::Pk(_)
            | Self::SaleAnnounce(_)
            | Self::SaleCancel(_)
            | Self::OrderPlace(_)
            | Self::Giveaway(_)
            | Self::Shop(_)
            | Self::RoomEnd => None,
        }
    }

    /// Returns where a command that draws takes its seed. Whoever hands it in puts one there, at
    /// random; rules make none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most commands draw nothing")]
    pub const fn seed_wanted(&mut self) -> Option<&mut Option<Seed>> {
        match self {
            Self::Giveaway(command) => command.seed_wanted(),
            Self::SaleAnnounce(offer) => offer.terms.policy.seed_wanted(),
            Self::Shop(ShopCommand::Sale(SaleCommand::Draft(offer))) => {
                offer.terms.policy.seed_wanted()
            }
            _ => None,
        }
    }

    /// Returns what one must be allowed in order to give a command.
    pub const fn needs(&self) -> Capability {
        match self {
            Self::ChatSend(_) => Capability::Chat,
            Self::Talk(command) => command.needs(),
            Self::Like(_) => Capability::Like,
            Self::GiftSend(_) => Capability::Gift,
            Self::Seat(command) => command.needs(),
            Self::Moderation(_) => Capability::Moderate,
            Self::Room(command) => command.needs(),
            Self::Pk(command) => command.needs(),
            Self::SaleAnnounce(_) => Capability::AnnounceSale,
            Self::SaleCancel(_) => Capability::CancelSale,
            Self::OrderPlace(_) => Capability::Order,
            Self::Giveaway(command) => command.needs(),
            Self::Shop(command) => command.needs(),
            Self::RoomEnd => Capability::EndRoom,
        }
    }
}

/// What a command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done; there is nothing to add.
    Done,
    /// The line was said.
    Chat {
        /// Its id.
        id: ChatId,
    },
    /// The question was asked.
    Question {
        /// Its id.
        question: QuestionId,
    },
    /// The gift was given.
    Gift {
        /// What it cost.
        coins: u64,
        /// The battle's score, if there is a battle.
        score: Option<Scores>,
    },
    /// Who is muted and banned.
    Moderation(Box<ModerationView>),
    /// A seat is taken or kept.
    Seat {
        /// Which.
        index: SeatIndex,
    },
    /// The other rooms are being asked.
    Pk {
        /// The battle that may come of it.
        pk: PkId,
    },
    /// The sale is announced.
    Sale {
        /// Its id.
        sale: SaleId,
        /// When it opens.
        open_at: ServerTime,
    },
    /// The order is accepted.
    Order(OrderPlaced),
    /// Of a red packet or a lottery.
    Giveaway(GiveawayReply),
    /// What a [`ShopCommand`] brought about, or an order that a draw will decide.
    Shop(ShopReply),
}

/// A gift to be given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GiftOrder {
    /// Which gift.
    pub gift: GiftId,
    /// How many.
    pub count: GiftCount,
    /// The side of a battle it goes to; without it, the giver's own room.
    pub to: Option<RoomId>,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// An order from a flash sale.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OrderRequest {
    /// The sale.
    pub sale: SaleId,
    /// Units.
    pub quantity: Quantity,
    /// Makes a repeated request harmless.
    pub idem: IdemKey,
}

/// An accepted order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OrderPlaced {
    /// Its id.
    pub order: OrderId,
    /// Its place among the orders of the sale, from 1, without gaps.
    pub seq: u64,
    /// The sale.
    pub sale: SaleId,
    /// Units.
    pub quantity: Quantity,
    /// Units left after it.
    pub stock: u32,
    /// Until when it must be paid, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_by: Option<ServerTime>,
}

/// What the host offers. The room decides whether the lead is long enough.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SaleOffer {
    /// What it is called, 1 to 100 characters.
    pub title: Title,
    /// The seller's own name of the product, 1 to 100 characters.
    pub sku: Title,
    /// The product of the room's list that it sells, if it is one of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// The price of one unit.
    pub price_cents: u64,
    /// Units for sale.
    pub stock: StockCount,
    /// Units one user may order altogether.
    pub per_user: Quantity,
    /// How long from the announcement until it opens.
    pub lead: Duration,
    /// How long it stays open, at least a second.
    pub open_for: SaleDuration,
    /// On what terms it sells.
    #[serde(default)]
    pub terms: SaleTerms,
}

macro_rules! bounded_number {
    ($(#[$doc:meta])* $name:ident, $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl TryFrom<u32> for $name {
            type Error = OutOfLimits;

            fn try_from(number: u32) -> Result<Self, OutOfLimits> {
                Self::new(number).ok_or(OutOfLimits(stringify!($name)))
            }
        }

        impl From<$name> for u32 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl $name {
            /// Takes a number within the limits; `None` for any other.
            pub const fn new(number: u32) -> Option<Self> {
                if number >= $min && number <= $max { Some(Self(number)) } else { None }
            }

            /// Returns the number.
            pub const fn number(self) -> u32 {
                self.0
            }
        }
    };
}

bounded_number!(
    /// Likes in one message, 1 to 50.
    LikeCount, 1, 50
);
bounded_number!(
    /// Gifts in one message, 1 to 9,999.
    GiftCount, 1, 9_999
);
bounded_number!(
    /// Units in one order, 1 to 100,000.
    Quantity, 1, 100_000
);
bounded_number!(
    /// Units in one sale, 1 to 100,000.
    StockCount, 1, 100_000
);
bounded_number!(
    /// How long a sale is open, 1 second to 24 hours, in milliseconds.
    SaleDuration, 1_000, 86_400_000
);
bounded_number!(
    /// How long an auction runs, 5 seconds to 24 hours, in milliseconds.
    AuctionDuration, 5_000, 86_400_000
);
bounded_number!(
    /// How long orders are gathered for a draw, 500 to 2,000 milliseconds.
    DrawWindow, 500, 2_000
);
bounded_number!(
    /// How long an order is kept for its buyer to pay, 10 seconds to an hour, in milliseconds.
    PayWindow, 10_000, 3_600_000
);

impl DrawWindow {
    /// Returns the time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

impl PayWindow {
    /// Returns the time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl TryFrom<String> for $name {
            type Error = OutOfLimits;

            fn try_from(text: String) -> Result<Self, OutOfLimits> {
                Self::parse(&text).ok_or(OutOfLimits(stringify!($name)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl $name {
            /// Takes a text within the limits that shows something; `None` for any other.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = text.chars().count() <= $max && !text.trim().is_empty();
                (fits && !text.chars().any(char::is_control)).then(|| Self(text.into()))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

bounded_text!(
    /// What someone says, 1 to 300 characters, no control characters.
    ChatText, 300
);
bounded_text!(
    /// What something is called, 1 to 100 characters, no control characters.
    Title, 100
);
