//! Names: of rooms, users, and of everything a room makes.
//!
//! Ids that a room makes are [ULIDs](https://github.com/ulid/spec): the moment, the room's salt, the
//! kind of thing and a counter. So they sort by time, never repeat across rooms or across the lives
//! of one room, and making them needs no randomness: the same inputs make the same ids again.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::ServerTime;
use crate::limit::OutOfLimits;

/// The identity under which a room's mixed program is published; no user may take it.
const RESERVED_USER: &str = "program";
const NAME_MAX: usize = 64;
const MADE_ID_MAX: usize = 128;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name of `A-Z a-z 0-9 _ -`; `None` if it is empty, too long or not one.
            pub fn parse(text: &str) -> Option<Self> {
                let reserved: Option<&str> = $reserved;
                (is_name(text, $max) && reserved != Some(text)).then(|| Self(text.into()))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[allow(dead_code, reason = "rooms and users are not made here")]
            pub(crate) fn made(text: &str) -> Self {
                Self::parse(text).expect("ids are made of names, dashes and numbers")
            }
        }

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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A room; 1 to 64 characters.
    RoomId, NAME_MAX, None
);
text_id!(
    /// A person, whatever the number of connections; 1 to 64 characters, never `program`.
    UserId, NAME_MAX, Some(RESERVED_USER)
);
text_id!(
    /// A room from its creation to its end; the next room of that name is another life.
    LifeId, MADE_ID_MAX, None
);
text_id!(
    /// A gift of the catalogue; 1 to 64 characters.
    GiftId, NAME_MAX, None
);
text_id!(
    /// A battle.
    PkId, MADE_ID_MAX, None
);
text_id!(
    /// A flash sale.
    SaleId, MADE_ID_MAX, None
);
text_id!(
    /// An auction.
    AuctionId, MADE_ID_MAX, None
);
text_id!(
    /// A product of a room's list.
    ProductId, MADE_ID_MAX, None
);
text_id!(
    /// Coupons of one kind.
    CouponId, MADE_ID_MAX, None
);
text_id!(
    /// One coupon of one user.
    TicketId, MADE_ID_MAX, None
);
text_id!(
    /// A quiz.
    QuizId, MADE_ID_MAX, None
);
text_id!(
    /// A red packet.
    PacketId, MADE_ID_MAX, None
);
text_id!(
    /// A lottery.
    LotteryId, MADE_ID_MAX, None
);
text_id!(
    /// A question to the host.
    QuestionId, MADE_ID_MAX, None
);
text_id!(
    /// A chat line.
    ChatId, MADE_ID_MAX, None
);
text_id!(
    /// An accepted order.
    OrderId, MADE_ID_MAX, None
);
text_id!(
    /// A countdown.
    CountdownId, MADE_ID_MAX, None
);

/// One connection of a user. The shell numbers connections; a number is never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

/// The client's own key of a request that must not be carried out twice.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub struct IdemKey(Arc<str>);

impl IdemKey {
    /// Reads a key of 1 to 64 characters, none of them a control character.
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let is_key = (1..=NAME_MAX).contains(&length) && !text.chars().any(char::is_control);
        is_key.then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdemKey {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("IdemKey"))
    }
}

impl Serialize for IdemKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What an id names. Each kind counts by itself, so that an id does not depend on how much was said
/// in between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Life = 1,
    Chat = 2,
    Pk = 3,
    Sale = 4,
    Order = 5,
    Packet = 30,
    Lottery = 31,
    Auction = 20,
    Product = 40,
    Coupon = 41,
    Ticket = 42,
    Quiz = 43,
    Question = 44,
}

/// Makes the ids of one room.
#[derive(Debug)]
pub(crate) struct Mint {
    salt: u64,
    made: Made,
}

/// How many ids of each kind were made, by the kind's number.
pub(crate) type Made = [u32; KINDS];
/// Above every kind's number.
const KINDS: usize = 64;

impl Mint {
    /// Takes what tells this room's ids from those that others make in the same millisecond: its name
    /// on this server, and a salt among servers.
    pub(crate) fn new(room: &RoomId, salt: u64) -> Self {
        // FNV-1a: what matters is that it never changes, because ids must come out the same again.
        let name = room.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { salt: (name ^ salt) & SALT_MASK, made: [0; KINDS] }
    }

    /// Returns what [`take_back_to`](Self::take_back_to) wants.
    pub(crate) const fn made(&self) -> Made {
        self.made
    }

    /// Takes back the ids that were made since, because what they were for was refused: a journal
    /// knows no refusals, and its replay must come to the same ids.
    pub(crate) const fn take_back_to(&mut self, made: Made) {
        self.made = made;
    }

    /// Makes the next id of its kind.
    pub(crate) fn make(&mut self, kind: Kind, now: ServerTime) -> String {
        let made = &mut self.made[kind as usize];
        *made = made.checked_add(1).expect("a room does not live for four billion of one kind");
        // Sorted by time; within a millisecond and a kind, by the counter.
        let tail = u128::from(self.salt) << 40 | (kind as u128) << 32 | u128::from(*made);
        ulid(now.unix_millis(), tail)
    }
}

const SALT_MASK: u64 = (1 << 40) - 1;
const TAIL_BITS: u32 = 80;
/// Crockford's: no I, L, O and U, so that nobody misreads one.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Writes 48 bits of time and 80 more in 26 characters.
fn ulid(millis: u64, tail: u128) -> String {
    let bits = u128::from(millis) << TAIL_BITS | tail;
    let digit = |place: u32| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
    (0..26).rev().map(digit).collect()
}

fn is_name(text: &str, max: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=max).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ulids_that_sort_as_they_were_made_and_each_kind_counts_by_itself() {
        let at = ServerTime::from_unix_millis;
        let (mut talkative, mut quiet) = (mint("a", 7), mint("a", 7));

        let ids: Vec<_> = [(Kind::Sale, 10), (Kind::Chat, 10), (Kind::Sale, 10), (Kind::Sale, 11)]
            .map(|(kind, now)| (kind, talkative.make(kind, at(now))))
            .into();
        let sales: Vec<_> = ids.iter().filter(|(kind, _)| *kind == Kind::Sale).collect();

        assert!(sales.is_sorted_by(|a, b| a.1 < b.1), "{sales:?}");
        assert!(ids.iter().all(|(_, id)| id.len() == 26 && !id.contains(['I', 'L', 'O', 'U'])));
        for (room, salt) in [("b", 7), ("a", 8)] {
            assert_ne!(mint(room, salt).make(Kind::Sale, at(10)), ids[0].1);
        }
        let without_chat = [10, 10, 11].map(|now| quiet.make(Kind::Sale, at(now)));
        assert!(sales.iter().map(|(_, id)| id).eq(&without_chat), "chat changes no other id");
        // The specification's own example of a time: 1469918176385 is 01ARYZ6S41.
        assert!(ulid(1_469_918_176_385, 0).starts_with("01ARYZ6S41"));
    }

    fn mint(room: &str, salt: u64) -> Mint {
        Mint::new(&RoomId::parse(room).expect("it is a name"), salt)
    }
}
