//! People who go on whatever happens to the server: each has one request under way, keeps it until
//! there is an answer, and asks again with the same key when the server is back. To have them do
//! something new, add it to [`Request::random`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::listener::Listener;
use crate::requests::{Offered, Request};

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
    /// Answers that a key got again.
    pub(crate) repeats: u64,
    /// Requests whose answer was lost, and was found when the server was back.
    pub(crate) recovered: u64,
    pub(crate) offered: Offered,
}

/// Where the server is, while it is up.
pub(crate) type Address = watch::Receiver<Option<SocketAddr>>;

pub(crate) struct Buyer {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) rng: Rng,
    pub(crate) address: Address,
    pub(crate) seen: Arc<Mutex<Seen>>,
    pub(crate) carrier: Carrier,
    pub(crate) made: u64,
    /// The red packet that they have been at.
    pub(crate) packet: Option<String>,
}

/// How a buyer asks.
pub(crate) enum Carrier {
    Socket(Listener),
    Http(Client),
}

/// The server is gone, or does not answer.
pub(crate) struct Gone;

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
    ) -> Result<Infallible, Gone> {
        let mut socket = self.enter(address).await?;
        loop {
            if let Some(socket) = socket.as_mut().filter(|_| self.rng.u8(0..8) == 0) {
                self.say(socket).await?;
            }
            let Some(request) = pending.clone().or_else(|| self.new_request()) else {
                // Nothing is offered.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            *pending = Some(request.clone());
            let answer = self.ask(address, socket.as_mut(), &request).await?;
            if self.note(&request, &answer) {
                *pending = None;
                // What was turned down may be taken the next time.
                if answer["t"] == "ack" && self.rng.u8(0..4) == 0 {
                    let again = self.ask(address, socket.as_mut(), &request).await?;
                    self.note(&request, &again);
                }
            } else {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    fn new_request(&mut self) -> Option<Request> {
        self.made += 1;
        let offered = &mut self.seen.lock().unwrap().offered;
        Request::random(&self.name, self.made, offered, &mut self.packet, &mut self.rng)
    }

    /// Goes on in the room where they broke off, if they are there by WebSocket.
    async fn enter(&mut self, address: SocketAddr) -> Result<Option<Socket>, Gone> {
        let Carrier::Socket(ears) = &mut self.carrier else { return Ok(None) };
        let url = format!("ws://{address}/v1/ws?token={}", self.token);
        let connect = tokio_tungstenite::connect_async(url);
        let (mut socket, _) = wait(connect).await?.map_err(|_| Gone)?;
        let welcome = converse(&mut socket, &ears.hello(), ears).await?;
        if welcome["t"] != "ack" {
            return Err(Gone);
        }
        ears.begin(&welcome["d"]);
        Ok(Some(socket))
    }

    /// Says something that no journal keeps.
    async fn say(&mut self, socket: &mut Socket) -> Result<(), Gone> {
        let Carrier::Socket(ears) = &mut self.carrier else { return Ok(()) };
        let (t, d) = if self.rng.bool() {
            ("chat.send", json!({"text": "so cheap"}))
        } else {
            ("like", json!({"n": 3}))
        };
        converse(socket, &json!({"v": 1, "t": t, "rid": "said", "d": d}), ears).await.map(drop)
    }

    async fn ask(
        &mut self,
        address: SocketAddr,
        socket: Option<&mut Socket>,
        request: &Request,
    ) -> Result<Value, Gone> {
        match (&mut self.carrier, socket) {
            (Carrier::Socket(ears), Some(socket)) => {
                converse(socket, &request.on_socket(), ears).await
            }
            (Carrier::Http(client), _) => {
                let asked = request.over_http(client, address).bearer_auth(&self.token).send();
                let answer = wait(asked).await?.map_err(|_| Gone)?;
                let is_done = answer.status().is_success();
                let mut body: Value = wait(answer.json()).await?.map_err(|_| Gone)?;
                Ok(if is_done {
                    json!({"t": "ack", "d": body})
                } else {
                    json!({"t": "err", "code": body["code"].take()})
                })
            }
            (Carrier::Socket(_), None) => unreachable!("they entered"),
        }
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
            "SOLD_OUT" | "CLOSED" | "EXPIRED" | "LIMIT_PER_USER" | "NOT_OPEN" | "BID_TOO_LOW"
            | "SELF_OUTBID" | "ALREADY_CLAIMED" => {
                assert!(!seen.acked.contains_key(&key), "{key} was taken, now {answer}");
                seen.refused.insert(key, answer["code"].to_string());
                true
            }
            other => panic!("{} is answered {other}: {answer}", request.key),
        }
    }
}

/// Sends a message and returns its answer; events on the way are heard.
async fn converse(socket: &mut Socket, up: &Value, ears: &mut Listener) -> Result<Value, Gone> {
    wait(socket.send(Message::text(up.to_string()))).await?.map_err(|_| Gone)?;
    loop {
        let message = wait(socket.next()).await?.ok_or(Gone)?.map_err(|_| Gone)?;
        let Message::Text(text) = message else { continue };
        let down: Value = serde_json::from_str(&text).unwrap();
        if down["rid"] == up["rid"] {
            return Ok(down);
        }
        ears.hear(&down);
    }
}

pub(crate) async fn wait<T>(of: impl Future<Output = T>) -> Result<T, Gone> {
    tokio::time::timeout(PATIENCE, of).await.map_err(|_| Gone)
}
