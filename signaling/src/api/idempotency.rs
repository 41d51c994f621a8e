//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request of the same user is
//! carried out once. Only what was done is remembered, as everywhere here: what was refused may be
//! sent again. This memory ends with the process; orders and gifts are remembered by their room.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use axum::http::HeaderMap;
use room_rules::UserId;
use tokio::time::Instant;
use wire_format::Code;

use crate::Refused;

const HEADER: &str = "idempotency-key";
/// The longest key, as of `idem`.
const KEY_MAX: usize = 64;
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Answers kept. Full: the oldest is forgotten.
const KEPT: usize = 20_000;

/// A client's own key of a request.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key(String);

impl Key {
    /// Returns the key of a request, if it has one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refused> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim_matches('"');
        if text.is_empty() || text.len() > KEY_MAX {
            let message = "Idempotency-Key must hold 1 to 64 visible ASCII characters";
            return Err(Refused::new(Code::BadRequest, message));
        }
        Ok(Some(Self(text.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was done under which key.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    requests: HashMap<(UserId, Key), Remembered>,
    /// The oldest first.
    order: VecDeque<(Instant, (UserId, Key))>,
}

#[derive(Debug)]
struct Remembered {
    request: String,
    /// `None`: it is being carried out.
    answer: Option<String>,
}

impl Idempotency {
    /// Carries a request out, unless that was done; returns the answer that it had the first time.
    pub(crate) async fn once(
        &self,
        key: Key,
        user: &UserId,
        request: String,
        carry_out: impl Future<Output = Result<String, Refused>>,
    ) -> Result<String, Refused> {
        let key = (user.clone(), key);
        if let Some(answer) = self.begin(&key, request)? {
            return Ok(answer);
        }
        // Forgets the request if its client hangs up before the answer is there.
        let mut begun = Begun { memory: self, key: &key, answer: None };
        let answer = carry_out.await;
        begun.answer = answer.as_ref().ok().cloned();
        answer
    }

    fn begin(&self, key: &(UserId, Key), request: String) -> Result<Option<String>, Refused> {
        let mut memory = self.lock();
        memory.forget_old(Instant::now());
        if let Some(known) = memory.requests.get(key) {
            if known.request != request {
                let message = "this key was used for another request";
                return Err(Refused::new(Code::IdempotencyMismatch, message));
            }
            let in_flight = || {
                Refused::new(Code::IdempotencyInFlight, "a request with this key is under way")
                    .retry_after(1_000)
            };
            return known.answer.clone().map(Some).ok_or_else(in_flight);
        }
        memory.requests.insert(key.clone(), Remembered { request, answer: None });
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no panic happens while the memory is locked")
    }
}

struct Begun<'a> {
    memory: &'a Idempotency,
    key: &'a (UserId, Key),
    answer: Option<String>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let mut memory = self.memory.lock();
        let Some(answer) = self.answer.take() else {
            memory.requests.remove(self.key);
            return;
        };
        if let Some(known) = memory.requests.get_mut(self.key) {
            known.answer = Some(answer);
            memory.order.push_back((Instant::now(), self.key.clone()));
        }
    }
}

impl Memory {
    fn forget_old(&mut self, now: Instant) {
        while let Some((since, key)) = self.order.front() {
            if now.duration_since(*since) <= KEPT_FOR && self.order.len() < KEPT {
                return;
            }
            self.requests.remove(key);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_done_once_and_another_request_under_it_is_refused() {
        let memory = Idempotency::default();
        let user = UserId::parse("bob").expect("a name");
        let key = || Key("k".to_owned());
        let done = |answer: &str| std::future::ready(Ok(answer.to_owned()));
        let refused = Refused::new(Code::Conflict, "no");

        let no = memory.once(key(), &user, "a".into(), std::future::ready(Err(refused))).await;
        assert_eq!(no.map_err(|r| r.code), Err(Code::Conflict), "and forgotten");
        assert_eq!(memory.once(key(), &user, "a".into(), done("1")).await, Ok("1".into()));
        assert_eq!(memory.once(key(), &user, "a".into(), done("2")).await, Ok("1".into()));
        let other = memory.once(key(), &user, "b".into(), done("2")).await;
        assert_eq!(other.map_err(|r| r.code), Err(Code::IdempotencyMismatch));

        let slow = Key("slow".to_owned());
        let first = memory.once(slow.clone(), &user, "a".into(), std::future::pending());
        let second = async {
            tokio::task::yield_now().await;
            memory.once(slow.clone(), &user, "a".into(), done("2")).await
        };
        tokio::select! {
            biased;
            _ = first => unreachable!("it never ends"),
            second = second => assert_eq!(second.map_err(|r| r.code), Err(Code::IdempotencyInFlight)),
        }
        // The first one hung up.
        assert_eq!(memory.once(slow, &user, "a".into(), done("3")).await, Ok("3".into()));

        tokio::time::advance(KEPT_FOR + Duration::from_secs(1)).await;
        assert_eq!(memory.once(key(), &user, "b".into(), done("4")).await, Ok("4".into()));
    }
}
