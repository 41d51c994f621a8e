//! How requests with a key were answered, so that a repeated one is not carried out twice. Keys are
//! a user's own and count in the whole room, whatever the request.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::{Command, IdemKey, Rejected, Reply, ServerTime, UserId};

/// A key is known this long.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
const KEYS_MAX: usize = 500_000;
/// Keys of one user. Full: only this user's requests with new keys are refused.
const KEYS_OF_A_USER: u32 = 50_000;

type Id = (UserId, IdemKey);

#[derive(Debug, Default)]
pub(crate) struct Idempotence {
    answers: HashMap<Id, Answer>,
    /// Oldest first. Full: requests with new keys are refused, because forgetting a key too early
    /// would let its request be carried out twice.
    order: VecDeque<(ServerTime, Id)>,
    /// How many keys each user has.
    of_users: HashMap<UserId, u32>,
}

#[derive(Debug)]
struct Answer {
    command: Command,
    reply: Reply,
}

impl Idempotence {
    /// Returns how the same request was answered before.
    pub(crate) fn find(
        &mut self,
        user: &UserId,
        key: &IdemKey,
        command: &Command,
        now: ServerTime,
    ) -> Result<Option<Reply>, Rejected> {
        self.forget_old(now);
        match self.answers.get(&(user.clone(), key.clone())) {
            Some(answer) if answer.command == unseeded(command.clone()) => {
                Ok(Some(answer.reply.clone()))
            }
            Some(_) => Err(Rejected::IdempotencyMismatch),
            None if self.is_full_for(user) => Err(Rejected::Busy),
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
        let id = (user.clone(), key.clone());
        let answer = Answer { command: unseeded(command), reply };
        let before = self.answers.insert(id.clone(), answer);
        assert!(before.is_none(), "one key is answered once");
        *self.of_users.entry(user.clone()).or_default() += 1;
        self.order.push_back((now, id));
        assert!(self.order.len() <= KEYS_MAX && self.order.len() == self.answers.len());
    }

    fn forget_old(&mut self, now: ServerTime) {
        while let Some((_, id)) = self.order.pop_front_if(|(at, _)| now.since(*at) >= KEPT_FOR) {
            self.answers.remove(&id);
            let keys = self.of_users.get_mut(&id.0).expect("whoever has a key is counted");
            *keys -= 1;
            if *keys == 0 {
                self.of_users.remove(&id.0);
            }
        }
    }

    fn is_full_for(&self, user: &UserId) -> bool {
        let theirs = self.of_users.get(user).copied().unwrap_or(0);
        self.order.len() >= KEYS_MAX || theirs >= KEYS_OF_A_USER
    }
}

/// Returns the command as its client said it: a seed is put there on the way, another one each time.
const fn unseeded(mut command: Command) -> Command {
    if let Some(seed) = command.seed_wanted() {
        *seed = None;
    }
    command
}
