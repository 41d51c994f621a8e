//! What one member hears over all their connections: each says where the last one broke off, and
//! what is told must go on there, whatever became of the server in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The streams that lose nothing.
const RELIABLE: [&str; 6] = ["room", "seat", "pk", "sale", "gift", "me"];

/// What everybody has heard, by stream and number: nothing is ever told otherwise.
pub(crate) type Told = Arc<Mutex<BTreeMap<(String, u64), Value>>>;

/// One member's ears.
pub(crate) struct Listener {
    told: Told,
    counts: Arc<Mutex<Counts>>,
    /// The secret name of the session and the room's life.
    name: Option<(Value, Value)>,
    /// The last event of each stream, and the one up to which the first snapshot told everything.
    last: BTreeMap<String, u64>,
    known: BTreeMap<String, u64>,
}

/// What all members together heard and did not.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) heard: u64,
    /// Times that somebody went on where they broke off, and the events that they were told then.
    pub(crate) resumed: u64,
    pub(crate) missed: u64,
    /// Times that somebody who wanted to go on was sent a snapshot.
    pub(crate) anew: u64,
    /// Events that never came, and that came twice, by stream.
    pub(crate) lost: BTreeMap<String, u64>,
    pub(crate) twice: BTreeMap<String, u64>,
}

impl Listener {
    pub(crate) fn new(told: Told, counts: Arc<Mutex<Counts>>) -> Self {
        Self { told, counts, name: None, last: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Returns how to begin on a new connection.
    pub(crate) fn hello(&self) -> Value {
        let mut d = json!({"room": "a"});
        if let Some((sid, epoch)) = &self.name {
            d["resume"] = json!({"sid": sid, "epoch": epoch, "q": self.last});
        }
        json!({"v": 1, "t": "hello", "rid": "hello", "d": d})
    }

    /// Takes the answer to that.
    pub(crate) fn begin(&mut self, d: &Value) {
        let mut counts = self.counts.lock().unwrap();
        if d["resumed"] == true {
            counts.resumed += 1;
            counts.missed += d["missed"].as_u64().unwrap();
        } else {
            counts.anew += u64::from(self.name.is_some());
            for (stream, q) in d["q"].as_object().unwrap() {
                self.last.insert(stream.clone(), q.as_u64().unwrap());
            }
            self.known = self.last.clone();
        }
        self.name = Some((d["sid"].clone(), d["epoch"].clone()));
    }

    /// Takes what is told, one event or several.
    pub(crate) fn hear(&mut self, message: &Value) {
        if message["t"] == "batch" {
            message["d"].as_array().unwrap().iter().for_each(|event| self.hear(event));
        } else if let (Some(stream), Some(q)) = (message["s"].as_str(), message["q"].as_u64()) {
            if RELIABLE.contains(&stream) {
                self.count(stream, q);
            }
            if RELIABLE.contains(&stream) && stream != "me" {
                self.compare(stream, q, message);
            }
        }
    }

    /// Returns the number of the last event of `stream`.
    pub(crate) fn last(&self, stream: &str) -> u64 {
        self.last.get(stream).copied().unwrap_or(0)
    }

    fn count(&mut self, stream: &str, q: u64) {
        // What a snapshot holds already may follow it, and come before it.
        let is_known = self.known.get(stream).is_some_and(|known| q <= *known);
        if is_known || self.name.is_none() && stream != "me" {
            return;
        }
        let mut counts = self.counts.lock().unwrap();
        let last = self.last.entry(stream.to_owned()).or_insert(0);
        if q <= *last {
            *counts.twice.entry(stream.to_owned()).or_default() += 1;
        } else if q > *last + 1 {
            *counts.lost.entry(stream.to_owned()).or_default() += q - *last - 1;
        }
        counts.heard += 1;
        *last = q.max(*last);
    }

    fn compare(&self, stream: &str, q: u64, event: &Value) {
        let what = json!({"t": event["t"], "st": event["st"], "d": event["d"]});
        let mut told = self.told.lock().unwrap();
        let before = told.entry((stream.to_owned(), q)).or_insert_with(|| what.clone());
        assert_eq!(*before, what, "event {q} of {stream} is told otherwise");
    }
}
