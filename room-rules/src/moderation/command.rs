//! What those who keep order ask.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::words::Word;
use crate::UserId;
use crate::limit::OutOfLimits;

/// One thing somebody who keeps order asks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModerationCommand {
    /// Lets a user say nothing more.
    Mute {
        /// Whom.
        user: UserId,
        /// For how long; for good if left out.
        ttl: Option<Ttl>,
    },
    /// Lets a user talk again.
    Unmute(UserId),
    /// Throws a user out and does not let them in again.
    Ban {
        /// Whom.
        user: UserId,
        /// For how long; for good if left out.
        ttl: Option<Ttl>,
        /// Why, for the user and for those who keep order.
        reason: Option<ReasonCode>,
        /// Whether what they said is taken away, too.
        wipe: bool,
    },
    /// Lets a user in again.
    Unban(UserId),
    /// Sets the time between two lines of one viewer.
    SlowMode(SlowMode),
    /// Lets only those who keep order talk, and who host; or everybody again.
    MuteAll(bool),
    /// Changes what nobody may say.
    Words {
        /// Not to be said from now on.
        add: Vec<Word>,
        /// May be said again.
        remove: Vec<Word>,
    },
    /// Asks who is muted and banned.
    List,
}

/// How long something lasts: 1 second to 366 days.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Ttl(u32);

impl TryFrom<u32> for Ttl {
    type Error = OutOfLimits;

    fn try_from(number: u32) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("Ttl"))
    }
}

impl From<Ttl> for u32 {
    fn from(value: Ttl) -> Self {
        value.0
    }
}

impl Ttl {
    const MAX_S: u32 = 366 * 24 * 3_600;

    /// Takes seconds within the limits; `None` for any others.
    pub fn new(seconds: u32) -> Option<Self> {
        (1..=Self::MAX_S).contains(&seconds).then_some(Self(seconds))
    }

    /// Returns how long that is.
    pub const fn span(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// The time between two lines of one viewer: 0 (the ordinary pace) to 300 seconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SlowMode(u32);

impl TryFrom<u32> for SlowMode {
    type Error = OutOfLimits;

    fn try_from(number: u32) -> Result<Self, OutOfLimits> {
        Self::new(number).ok_or(OutOfLimits("SlowMode"))
    }
}

impl From<SlowMode> for u32 {
    fn from(value: SlowMode) -> Self {
        value.0
    }
}

impl SlowMode {
    /// Takes seconds within the limits; `None` for any others.
    pub fn new(seconds: u32) -> Option<Self> {
        (seconds <= 300).then_some(Self(seconds))
    }

    /// Returns how long that is.
    pub const fn span(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// Why something was done, in a word that programs understand: 1 to 64 of `a-z 0-9 _`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReasonCode(Arc<str>);

impl TryFrom<String> for ReasonCode {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("ReasonCode"))
    }
}

impl From<ReasonCode> for String {
    fn from(code: ReasonCode) -> Self {
        (*code.0).into()
    }
}

impl ReasonCode {
    /// Reads a code; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        ((1..=64).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
