//! How requests with a key were answered, so that a repeated one is not carried out twice. Keys are
//! a user's own and count in the whole room, whatever the request.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::{Command, IdemKey, Rejected, Reply, ServerTime, UserId};

/// A key is known this long.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
const KEYS_MAX: usize = 500_000;

type Id = (UserId, IdemKey);

#[derive(Debug, Default)]
pub(crate) struct Idempotence {
    answers: HashMap<Id, Answer>,
    /// Oldest first. Full: requests with new keys are refused, because forgetting a key too early
    /// would let its request be carried out twice.
    order: VecDeque<(ServerTime, Id)>,
}

#[derive(Debug)]
struct Answer {
    at: ServerTime,
    command: Command,
    reply: Reply,
}

impl Idempotence {
    /// Returns how the same request was answered before.
    pub(crate) fn find(
        &self,
        user: &UserId,
        key: &IdemKey,
        command: &Command,
        now: ServerTime,
    ) -> Result<Option<Reply>, Rejected> {
        match self.answers.get(&(user.clone(), key.clone())) {
            Some(answer) if now.since(answer.at) >= KEPT_FOR => Ok(None),
            Some(answer) if answer.command == *command => Ok(Some(answer.reply.clone())),
            Some(_) => Err(Rejected::IdempotencyMismatch),
            None if self.is_full(now) => Err(Rejected::Busy),
            None => Ok(None),
        }
    }

    /// Remembers how a request was answered.
    pub(crate) fn insert(
        &mut self,
        user: &UserId,
        key: &IdemKey,
        command: Command,
        reply: Reply,
        now: ServerTime,
    ) {
        while let Some((_, id)) = self.order.pop_front_if(|(at, _)| now.since(*at) >= KEPT_FOR) {
            self.answers.remove(&id);
        }
        let id = (user.clone(), key.clone());
        let before = self.answers.insert(id.clone(), Answer { at: now, command, reply });
        assert!(before.is_none(), "one key is answered once");
        self.order.push_back((now, id));
        assert!(self.order.len() <= KEYS_MAX && self.order.len() == self.answers.len());
    }

    fn is_full(&self, now: ServerTime) -> bool {
        let oldest_counts = |(at, _): &(ServerTime, Id)| now.since(*at) < KEPT_FOR;
        self.order.len() >= KEYS_MAX && self.order.front().is_some_and(oldest_counts)
    }
}
