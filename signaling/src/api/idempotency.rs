//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request of the same user is
//! carried out once. Only what was done is remembered, as everywhere here: what was refused may be
//! sent again. This memory ends with the process and answers for all paths, also for what leaves no trace
//! in a journal; whatever does is remembered by its room under the same key.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::HeaderMap;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use room_rules::{IdemKey, UserId};
use serde_json::{Map, Value};
use tokio::time::Instant;
use wire_format::Code;

use crate::Refused;

const HEADER: &str = "idempotency-key";
/// The longest key, as of `idem`.
const KEY_MAX: usize = 64;
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Answers kept. Full: the oldest is forgotten; who is paced needs hours for as many.
const KEPT: usize = 100_000;
/// How long a client waits for an answer before it hears `BUSY`.
const PATIENCE: Duration = Duration::from_secs(10);

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

    /// Returns the key as a room remembers it.
    pub(crate) fn for_the_room(&self) -> Result<IdemKey, Refused> {
        IdemKey::parse(&self.0).ok_or_else(|| Refused::new(Code::BadRequest, "this is no key"))
    }

    /// Puts the key where a room looks for it, unless the request has another one there. The room
    /// remembers what it did under it also through a crash.
    pub(crate) fn fill(&self, d: &mut Map<String, Value>) {
        d.entry("idem").or_insert_with(|| self.0.as_str().into());
    }
}

/// What was done under which key.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    requests: HashMap<Id, Remembered>,
    /// The oldest first.
    order: VecDeque<(Instant, Id)>,
}

type Id = (UserId, Key);
/// SHA-256 of a request.
type Fingerprint = [u8; SHA256_OUTPUT_LEN];

#[derive(Debug)]
struct Remembered {
    request: Fingerprint,
    /// `None`: it is being carried out.
    answer: Option<String>,
}

impl Idempotency {
    /// Carries a request out, unless that was done; returns the answer that it had the first time.
    /// What was begun goes on if its client hangs up or loses patience, because the room may have
    /// done it by then: until the answer is there, the same key is in flight.
    pub(crate) async fn once(
        self: &Arc<Self>,
        key: Key,
        user: &UserId,
        request: &str,
        carry_out: impl Future<Output = Result<String, Refused>> + Send + 'static,
    ) -> Result<String, Refused> {
        let id = (user.clone(), key);
        if let Some(answer) = self.begin(&id, request)? {
            return Ok(answer);
        }
        let begun = Begun { memory: self.clone(), id, answer: None };
        let work = tokio::spawn(begun.finish(carry_out));
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Refused::busy()),
        }
    }

    fn begin(&self, id: &Id, request: &str) -> Result<Option<String>, Refused> {
        let hash = digest(&SHA256, request.as_bytes());
        let request = Fingerprint::try_from(hash.as_ref()).expect("SHA-256 has its length");
        let mut memory = self.lock();
        memory.forget_old(Instant::now());
        if let Some(known) = memory.requests.get(id) {
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
        memory.requests.insert(id.clone(), Remembered { request, answer: None });
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no panic happens while the memory is locked")
    }
}

/// A request that is being carried out; it is forgotten if it was refused.
struct Begun {
    memory: Arc<Idempotency>,
    id: Id,
    answer: Option<String>,
}

impl Begun {
    async fn finish(
        mut self,
        carry_out: impl Future<Output = Result<String, Refused>>,
    ) -> Result<String, Refused> {
        let answer = carry_out.await;
        self.answer = answer.as_ref().ok().cloned();
        answer
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut memory = self.memory.lock();
        let Some(answer) = self.answer.take() else {
            memory.requests.remove(&self.id);
            return;
        };
        if let Some(known) = memory.requests.get_mut(&self.id) {
            known.answer = Some(answer);
            memory.order.push_back((Instant::now(), self.id.clone()));
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
        let memory = Arc::new(Idempotency::default());
        let user = UserId::parse("bob").expect("a name");
        let key = || Key("k".to_owned());
        let done = |answer: &str| std::future::ready(Ok(answer.to_owned()));
        let refused = Refused::new(Code::Conflict, "no");

        let no = memory.once(key(), &user, "a", std::future::ready(Err(refused))).await;
        assert_eq!(no.map_err(|r| r.code), Err(Code::Conflict), "and forgotten");
        assert_eq!(memory.once(key(), &user, "a", done("1")).await, Ok("1".into()));
        assert_eq!(memory.once(key(), &user, "a", done("2")).await, Ok("1".into()));
        let other = memory.once(key(), &user, "b", done("2")).await;
        assert_eq!(other.map_err(|r| r.code), Err(Code::IdempotencyMismatch));

        tokio::time::advance(KEPT_FOR + Duration::from_secs(1)).await;
        assert_eq!(memory.once(key(), &user, "b", done("4")).await, Ok("4".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_did_not_wait_for_is_done_once_all_the_same() {
        let memory = Arc::new(Idempotency::default());
        let user = UserId::parse("bob").expect("a name");
        let key = || Key("slow".to_owned());
        let again = || std::future::ready(Ok("2".to_owned()));
        let (disk, written) = tokio::sync::oneshot::channel::<()>();
        let slow = async move {
            written.await.expect("the disk goes on");
            Ok("1".to_owned())
        };

        let first = memory.once(key(), &user, "a", slow).await;
        assert_eq!(first.map_err(|r| r.code), Err(Code::Busy), "after the client's patience");
        let second = memory.once(key(), &user, "a", again()).await;
        assert_eq!(second.map_err(|r| r.code), Err(Code::IdempotencyInFlight));

        disk.send(()).expect("somebody waits for it");
        tokio::task::yield_now().await;
        assert_eq!(memory.once(key(), &user, "a", again()).await, Ok("1".into()));
    }
}
