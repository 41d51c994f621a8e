//! Webhooks: what happens in rooms, told to back ends over HTTP. Letters are written with what they
//! tell of (`ledger`), so nothing that a member was told is missing; here they are made, signed and
//! posted, in order by room, until they are taken or given up. Every endpoint has a desk of its own,
//! so one that is slow or down keeps no other waiting.

mod dead;
mod desk;
mod notices;
mod retry;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use ledger::Ledger;
use signaling::{RoomClock, TokenKey};
use wire_format::letter_kinds;

use crate::config::Webhooks;

pub(crate) use dead::Dead;
use desk::Desk;
pub(crate) use notices::Notices;
pub use retry::Retry;
use wire::Wire;
pub(crate) use wire::{address, key};

/// Who is told what. Cheap to clone.
#[derive(Clone, Default)]
pub struct Subscribers(Arc<HashMap<&'static str, Arc<[Arc<str>]>>>);

impl Subscribers {
    /// Reads who wants to hear what: endpoints by name with the kinds that they take, such as
    /// `order.paid` or `order.*`; none means all.
    ///
    /// # Errors
    /// If a name is there twice or cannot be one, or something is asked for that is never told.
    pub fn new<'a>(
        endpoints: impl IntoIterator<Item = (&'a str, &'a [String])>,
    ) -> anyhow::Result<Self> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut takers: HashMap<&'static str, Vec<Arc<str>>> = HashMap::new();
        for (name, events) in endpoints {
            let is_name = (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            anyhow::ensure!(is_name, "{name:?} is no name: 1 to 64 of A-Z a-z 0-9 _ -");
            anyhow::ensure!(!names.iter().any(|other| &**other == name), "{name} is there twice");
            let name: Arc<str> = name.into();
            for wanted in events {
                let is_told = letter_kinds().any(|kind| matches(wanted, kind));
                anyhow::ensure!(is_told, "{name}: there is no event {wanted:?}");
            }
            for kind in letter_kinds() {
                if events.is_empty() || events.iter().any(|wanted| matches(wanted, kind)) {
                    takers.entry(kind).or_default().push(Arc::clone(&name));
                }
            }
            names.push(name);
        }
        Ok(Self(Arc::new(takers.into_iter().map(|(kind, to)| (kind, to.into())).collect())))
    }

    /// Returns the endpoints that are told of `kind`, if there are any.
    pub(crate) fn of(&self, kind: &'static str) -> Option<&Arc<[Arc<str>]>> {
        self.0.get(kind)
    }
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscribers")
    }
}

fn matches(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix(".*") {
        Some(area) => kind.split_once('.').is_some_and(|(of, _)| of == area),
        None => wanted == kind,
    }
}

/// Makes a desk for each endpoint; each is to be run as a task of its own.
///
/// # Errors
/// If an address or a secret cannot be used.
pub(crate) fn desks(
    settings: &Webhooks,
    tokens: &TokenKey,
    ledger: &Ledger,
    clock: RoomClock,
) -> anyhow::Result<Vec<Desk<Wire>>> {
    let retry = settings.retry();
    let client = Wire::client(settings)?;
    let desk = |endpoint: &crate::config::Endpoint| {
        let named = || format!("webhooks.endpoints: {}", endpoint.name);
        let wire = Wire::new(endpoint, client.clone(), tokens, clock).with_context(named)?;
        let parallel = usize::from(settings.parallel).clamp(1, 64);
        Ok(Desk::new(&endpoint.name, ledger.outbox(), clock, (retry, parallel), wire))
    };
    settings.endpoints.iter().map(desk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_hears_what_it_asks_for_and_a_wrong_wish_is_named() {
        let some = ["order.*".to_owned(), "room.live".to_owned()];
        let subscribers = Subscribers::new([("all", &[][..]), ("some", &some[..])]).unwrap();
        let of = |kind| subscribers.of(kind).map_or(0, |to| to.len());
        assert_eq!((of("order.paid"), of("room.live"), of("room.ended")), (2, 2, 1));

        let wrong = |name, events: &[String]| Subscribers::new([(name, events)]).is_err();
        assert!(wrong("a", &["order".to_owned()]) && wrong("a", &["nothing.*".to_owned()]));
        assert!(wrong("", &[]) && wrong("a b", &[]));
        assert!(Subscribers::new([("a", &[][..]), ("a", &[][..])]).is_err());
    }
}
