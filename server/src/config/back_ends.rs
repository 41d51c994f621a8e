//! Who is told what happens in rooms, and who is asked before it does.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::webhooks::Retry;

/// How back ends are told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
    /// The pause after a letter that was not taken, in milliseconds; it doubles with every try.
    pub first_retry_ms: u64,
    /// The longest pause, in seconds.
    pub longest_retry_s: u64,
    /// After so many tries a letter is given up.
    pub tries: u32,
    /// Rooms whose letters are under way to one endpoint at once, 1 to 64.
    pub parallel: u8,
    /// Who is told.
    pub endpoints: Vec<Endpoint>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            timeout_ms: 5_000,
            first_retry_ms: 1_000,
            longest_retry_s: 300,
            tries: 20,
            parallel: 8,
            endpoints: Vec::new(),
        }
    }
}

impl Webhooks {
    /// Returns when letters are tried again.
    pub const fn retry(&self) -> Retry {
        let first = Duration::from_millis(self.first_retry_ms);
        let longest = Duration::from_secs(self.longest_retry_s);
        Retry { first, longest, tries: self.tries }
    }
}

/// A back end that is told.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoint {
    /// What it is called in the ledger and in metrics. Under another name it is another endpoint.
    pub name: String,
    /// Where letters are posted to.
    pub url: String,
    /// What they are signed with, at least 32 bytes. Empty: the secret of tokens.
    pub secret: String,
    /// What it is told of, such as `order.paid` or `order.*`. Empty: everything.
    pub events: Vec<String>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A configuration may be logged; the secret may not, nor what may be in the address.
        let (name, events) = (&self.name, &self.events);
        f.debug_struct("Endpoint")
            .field("name", name)
            .field("events", events)
            .finish_non_exhaustive()
    }
}

/// Who is asked before something happens.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// Asked before somebody joins, publishes or plays. Empty: nobody is.
    pub join_url: String,
    /// Asked before a line of chat is said. Empty: nobody is.
    pub chat_url: String,
    /// Asked to take the coins of a gift before it is given. Empty: nobody is.
    pub wallet_url: String,
    /// How long an answer may take, in milliseconds.
    pub budget_ms: u64,
    /// Questions under way at once, of all kinds; one more counts as not answered.
    pub parallel: usize,
    /// What not being answered in time means: `open` lets it happen, `closed` does not.
    pub join_fail: Fail,
    /// The same for chat.
    pub chat_fail: Fail,
    /// The same for gifts.
    pub wallet_fail: Fail,
    /// What questions are signed with, at least 32 bytes. Empty: the secret of tokens.
    pub secret: String,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            join_url: String::new(),
            chat_url: String::new(),
            wallet_url: String::new(),
            budget_ms: 200,
            parallel: 256,
            join_fail: Fail::Closed,
            chat_fail: Fail::Open,
            wallet_fail: Fail::Closed,
            secret: String::new(),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("budget_ms", &self.budget_ms).finish_non_exhaustive()
    }
}

/// What a question that is not answered means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fail {
    /// It may happen.
    Open,
    /// It may not.
    Closed,
}
