//! Remembers how requests were answered, so that a repeated one is not carried out twice.

use std::collections::{HashMap, VecDeque};

use crate::{IdemKey, Rejected, UserId};

/// Answers by user and key.
#[derive(Debug)]
pub(crate) struct Answered<Q, A> {
    answers: HashMap<(UserId, IdemKey), (Q, A)>,
    /// Full: the oldest answer is forgotten, and its request would be carried out anew.
    order: VecDeque<(UserId, IdemKey)>,
    capacity: usize,
}

impl<Q: Eq, A: Clone> Answered<Q, A> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { answers: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// Returns the answer that this request got before, if it was made before.
    pub(crate) fn find(
        &self,
        user: &UserId,
        key: &IdemKey,
        request: &Q,
    ) -> Result<Option<A>, Rejected> {
        match self.answers.get(&(user.clone(), key.clone())) {
            None => Ok(None),
            Some((before, answer)) if before == request => Ok(Some(answer.clone())),
            Some(_) => Err(Rejected::IdempotencyMismatch),
        }
    }

    /// Remembers an answer.
    pub(crate) fn insert(&mut self, user: &UserId, key: &IdemKey, request: Q, answer: A) {
        let id = (user.clone(), key.clone());
        let before = self.answers.insert(id.clone(), (request, answer));
        assert!(before.is_none(), "one key is answered once");
        self.order.push_back(id);
        if self.order.len() > self.capacity {
            let oldest = self.order.pop_front().expect("more than capacity are there");
            self.answers.remove(&oldest);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }
}
