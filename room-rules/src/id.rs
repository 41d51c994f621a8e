//! Names: of rooms, users, and of everything a room makes.
//!
//! Ids that a room makes hold the room's name, the moment it was created and a counter, so they
//! never repeat across rooms or across the lives of one room, and making them needs no randomness.

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
    /// A battle.
    PkId, MADE_ID_MAX, None
);
text_id!(
    /// A flash sale.
    SaleId, MADE_ID_MAX, None
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

/// Makes the ids of one room. Each kind is counted by itself, so that what is not in the journal
/// (chat) cannot shift the ids of what is.
#[derive(Debug)]
pub(crate) struct Mint {
    prefix: String,
    made: Vec<(&'static str, u64)>,
    restarts: u64,
}

impl Mint {
    /// Takes the room and the moment it was created, which tells its lives apart.
    pub(crate) fn new(room: &RoomId, created_at: ServerTime) -> Self {
        Self {
            prefix: format!("{room}-{:x}", created_at.unix_millis()),
            made: Vec::new(),
            restarts: 0,
        }
    }

    /// Makes the next id of something that follows from the journal.
    pub(crate) fn make(&mut self, kind: &'static str) -> String {
        let number = self.count(kind);
        format!("{}-{kind}{number}", self.prefix)
    }

    /// Makes the next id of something that a restart forgets, so its count begins anew.
    pub(crate) fn make_fleeting(&mut self, kind: &'static str) -> String {
        let number = self.count(kind);
        match self.restarts {
            0 => format!("{}-{kind}{number}", self.prefix),
            restarts => format!("{}-r{restarts}-{kind}{number}", self.prefix),
        }
    }

    /// Takes that the room's process began anew.
    pub(crate) const fn handle_restart(&mut self) {
        self.restarts += 1;
    }

    fn count(&mut self, kind: &'static str) -> u64 {
        if let Some((_, made)) = self.made.iter_mut().find(|(of, _)| *of == kind) {
            *made += 1;
            return *made;
        }
        self.made.push((kind, 1));
        1
    }
}

fn is_name(text: &str, max: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=max).contains(&text.len()) && text.bytes().all(is_allowed)
}
