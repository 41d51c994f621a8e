//! What the server says, read as far as the tester needs it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message of the server.
#[derive(Debug, Deserialize)]
pub(crate) struct Down<'a> {
    #[serde(borrow)]
    pub(crate) t: Cow<'a, str>,
    /// The stream, of events.
    #[serde(borrow, default)]
    pub(crate) s: Option<Cow<'a, str>>,
    /// Its number in the stream; of a batch the first and the last.
    #[serde(default)]
    pub(crate) q: Option<Sequence>,
    /// Room time.
    #[serde(default)]
    pub(crate) st: f64,
    #[serde(borrow, default)]
    pub(crate) rid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) code: Option<Cow<'a, str>>,
    /// After how long a request may come again.
    #[serde(default)]
    pub(crate) retry_ms: Option<u64>,
    #[serde(borrow, default)]
    pub(crate) d: Option<&'a RawValue>,
}

/// Where events stand in their stream.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Sequence {
    One(u64),
    Batch([u64; 2]),
}

impl Sequence {
    pub(crate) const fn ends(self) -> [u64; 2] {
        match self {
            Self::One(q) => [q, q],
            Self::Batch(ends) => ends,
        }
    }
}

/// The body of `clk.pong`.
#[derive(Debug, Deserialize)]
pub(crate) struct Pong {
    pub(crate) c0: f64,
    pub(crate) s1: f64,
    pub(crate) s2: f64,
}

/// The body of `countdown`, as far as it matters.
#[derive(Debug, Deserialize)]
pub(crate) struct Countdown {
    pub(crate) open_at: f64,
    pub(crate) state: String,
    pub(crate) payload: Payload,
}

/// What a countdown is of.
#[derive(Debug, Deserialize)]
pub(crate) struct Payload {
    pub(crate) r#ref: String,
}

/// One of the things that a batch tells.
#[derive(Debug, Deserialize)]
struct Item {
    /// When the server took it, if that is not when it told it.
    #[serde(default)]
    at: Option<f64>,
    /// The gifts of a batch, each with its own time.
    #[serde(default)]
    gifts: Vec<Self>,
}

impl Item {
    fn gifts_or_itself(self) -> Vec<Self> {
        if self.gifts.is_empty() { vec![self] } else { self.gifts }
    }
}

impl<'a> Down<'a> {
    /// Reads a frame; `None` for what is not the protocol's.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns how many things a message tells, and when the server took each.
    pub(crate) fn items(&self) -> (u64, Vec<f64>) {
        let items: Vec<Item> = match self.d.map(RawValue::get) {
            Some(list) if list.starts_with('[') => self.body().unwrap_or_default(),
            Some(_) => self.body().map_or_else(Vec::new, Item::gifts_or_itself),
            None => Vec::new(),
        };
        (items.len() as u64, items.iter().map(|item| item.at.unwrap_or(self.st)).collect())
    }

    /// Reads the body.
    pub(crate) fn body<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.d?.get()).ok()
    }
}
