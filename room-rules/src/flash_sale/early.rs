//! Who orders again and again before a sale opens waits a little longer than the others.

use std::collections::HashMap;
use std::time::Duration;

use crate::{ServerTime, UserId};

/// A clock that is a little off explains two.
const FREE_TRIES: u8 = 2;
/// How much later the sale opens for whoever tried more often.
const HOLD: Duration = Duration::from_millis(200);
/// Users that are counted. Full: others try for nothing.
const USERS_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct EarlyTries(HashMap<UserId, u8>);

impl EarlyTries {
    /// Counts an order that came too early.
    pub(crate) fn count(&mut self, user: &UserId) {
        if let Some(tries) = self.0.get_mut(user) {
            *tries = tries.saturating_add(1);
        } else if self.0.len() < USERS_MAX {
            self.0.insert(user.clone(), 1);
        }
    }

    /// Returns when a sale that opens at `open_at` opens for `user`.
    pub(crate) fn opens_for(&self, user: &UserId, open_at: ServerTime) -> ServerTime {
        let is_held = self.0.get(user).is_some_and(|tries| *tries > FREE_TRIES);
        if is_held { open_at + HOLD } else { open_at }
    }
}
