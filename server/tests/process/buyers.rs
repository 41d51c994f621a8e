//! People who go on whatever happens to the server: each has one request under way, keeps it until
//! there is an answer, and asks again with the same key when the server is back. To have them do
//! something new, add it to [`Buyer::new_request`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Nobody waits longer for an answer of a server that is there.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What all buyers have seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Answers by key.
    pub(crate) acked: BTreeMap<String, Value>,
    /// Keys of requests that were turned down for good.
    pub(crate) refused: BTreeMap<String, String>,
    /// Events of the streams that survive a crash, by stream and number.
    pub(crate) events: BTreeMap<(String, u64), Value>,
    /// Answers that a key got again.
    pub(crate) repeats: u64,
    /// Requests whose answer was lost, and was found when the server was back.
    pub(crate) recovered: u64,
    /// The sale that is open, once known.
    pub(crate) sale: Option<String>,
}

/// Where the server is, while it is up.
pub(crate) type Address = watch::Receiver<Option<SocketAddr>>;

pub(crate) struct Buyer {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) rng: Rng,
    pub(crate) address: Address,
    pub(crate) seen: Arc<Mutex<Seen>>,
    pub(crate) made: u64,
}

/// A request that has had no answer yet.
#[derive(Clone)]
struct Request {
    key: String,
    kind: &'static str,
    body: Value,
    /// Whether it was sent before, to a server that is gone.
    is_lost: bool,
}

/// The server is gone, or does not answer.
struct Gone;

impl Buyer {
    /// Buys until the test drops it.
    pub(crate) async fn run(mut self) {
        let mut pending = None;
        loop {
            let Some(address) = *self.address.borrow_and_update() else {
                if self.address.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let Err(Gone) = self.buy(address, &mut pending).await;
            if let Some(request) = &mut pending {
                request.is_lost = true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn buy(
        &mut self,
        address: SocketAddr,
        pending: &mut Option<Request>,
    ) -> Result<std::convert::Infallible, Gone> {
        let url = format!("ws://{address}/v1/ws?token={}", self.token);
        let connect = tokio_tungstenite::connect_async(url);
        let (mut socket, _) = wait(connect).await?.map_err(|_| Gone)?;
        let hello = json!({"v": 1, "t": "hello", "rid": "hello", "d": {"room": "a"}});
        let welcome = self.ask(&mut socket, &hello).await?;
        if welcome["t"] != "ack" {
            return Err(Gone);
        }
        loop {
            let Some(request) = pending.clone().or_else(|| self.new_request()) else {
                // No sale is open.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            *pending = Some(request.clone());
            let up = json!({"v": 1, "t": request.kind, "rid": request.key, "d": request.body});
            let answer = self.ask(&mut socket, &up).await?;
            if self.note(&request, &answer) {
                *pending = None;
                if self.rng.u8(0..4) == 0 {
                    let again = self.ask(&mut socket, &up).await?;
                    self.note(&request, &again);
                }
            } else {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    fn new_request(&mut self) -> Option<Request> {
        let sale = self.seen.lock().unwrap().sale.clone();
        self.made += 1;
        let key = format!("{}-{}", self.name, self.made);
        let (kind, body) = match self.rng.u8(0..4) {
            0 => ("gift.send", json!({"gift": "rose", "n": self.rng.u8(1..4), "idem": key})),
            _ => {
                let (sale, units) = (sale?, self.rng.u8(1..3));
                ("order.place", json!({"sale": sale, "qty": units, "idem": key}))
            }
        };
        Some(Request { key, kind, body, is_lost: false })
    }

    /// Notes an answer; false if the same must be asked again.
    fn note(&self, request: &Request, answer: &Value) -> bool {
        let mut seen = self.seen.lock().unwrap();
        let (key, what) = (request.key.clone(), answer["d"].clone());
        if answer["t"] == "ack" {
            assert!(!seen.refused.contains_key(&key), "{key} was turned down, now {what}");
            seen.recovered += u64::from(request.is_lost);
            if let Some(before) = seen.acked.insert(key, what.clone()) {
                assert_eq!(before, what, "{} is answered otherwise", request.key);
                seen.repeats += 1;
            }
            return true;
        }
        match answer["code"].as_str().unwrap_or_default() {
            "RATE_LIMITED" | "BUSY" | "IDEMPOTENCY_IN_FLIGHT" | "LEDGER_FAILED" => {
                // A key that was answered stays so.
                seen.acked.contains_key(&key)
            }
            "SOLD_OUT" | "CLOSED" | "LIMIT_PER_USER" | "NOT_OPEN" => {
                assert!(!seen.acked.contains_key(&key), "{key} was taken, now {answer}");
                seen.refused.insert(key, answer["code"].to_string());
                true
            }
            other => panic!("{} is answered {other}: {answer}", request.key),
        }
    }

    /// Sends a message and returns its answer; events on the way are noted.
    async fn ask(&self, socket: &mut Socket, up: &Value) -> Result<Value, Gone> {
        wait(socket.send(Message::text(up.to_string()))).await?.map_err(|_| Gone)?;
        loop {
            let message = wait(socket.next()).await?.ok_or(Gone)?.map_err(|_| Gone)?;
            let Message::Text(text) = message else { continue };
            let down: Value = serde_json::from_str(&text).unwrap();
            if down["rid"] == up["rid"] {
                return Ok(down);
            }
            self.hear(&down);
        }
    }

    /// What was told once is never told otherwise, whatever happens to the server in between.
    fn hear(&self, event: &Value) {
        let (Some(stream), Some(number)) = (event["s"].as_str(), event["q"].as_u64()) else {
            return;
        };
        if ["room", "seat", "pk", "sale", "gift"].contains(&stream) {
            let id = (stream.to_owned(), number);
            let what = json!({"t": event["t"], "st": event["st"], "d": event["d"]});
            let mut seen = self.seen.lock().unwrap();
            let before = seen.events.entry(id).or_insert_with(|| what.clone());
            assert_eq!(*before, what, "event {number} of {stream} is told otherwise");
        }
    }
}

async fn wait<T>(of: impl Future<Output = T>) -> Result<T, Gone> {
    tokio::time::timeout(PATIENCE, of).await.map_err(|_| Gone)
}
