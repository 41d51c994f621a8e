//! One shopper on one WebSocket, as quick as a page: keeps its clock, waits for deadlines, sends what it
//! is told to and says what it got and when.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::down::{Countdown, Down, Pong};
use super::network::{Class, Line, Way};
use super::room_clock::{RoomClock, local_ms};
use crate::api::Api;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Pings right after joining, and their distance.
const FIRST_PINGS: u32 = 5;
const FIRST_PING_EVERY: Duration = Duration::from_millis(150);
/// Pings later: while a countdown runs, and else.
const ARMED_PING_EVERY: Duration = Duration::from_secs(2);
const IDLE_PING_EVERY: Duration = Duration::from_secs(10);

/// What a shopper is told to do.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Send a command; the answer is told with `tag`.
    Send { kind: &'static str, body: String, tag: u64 },
    /// Leave.
    Leave,
}

/// What a shopper saw.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// The answer to a command: how long it took, its code if it was refused, its room time and its body.
    Answer { tag: u64, took: Duration, at: Instant, code: Option<String>, st: f64, body: String },
    /// A countdown came, for the first time.
    Counting { of: String, at: Instant },
    /// A countdown ended on this shopper's screen: by its estimate at `estimated`, when its timer ran at `fired`.
    Fired { of: String, estimated: Instant, fired: Instant },
    /// One or several events with numbers in their stream.
    Event {
        shopper: usize,
        stream: String,
        q: [u64; 2],
        /// Room time of the message.
        st: f64,
        /// How many things it tells, and of gifts when the server took each.
        items: u64,
        taken: Vec<f64>,
        at: Instant,
        bytes: usize,
    },
    /// The socket closed by itself.
    Lost,
}

/// Who a shopper is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) number: usize,
    /// The network between; none is the machine's own loopback.
    pub(crate) network: Option<Class>,
    /// The beginning of everybody's local time.
    pub(crate) start: Instant,
    /// Whether to keep a clock. Who only waits needs none.
    pub(crate) keeps_time: bool,
}

/// The room did not let a shopper in.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    code: String,
    /// After so long the shopper may come again.
    pub(crate) retry_ms: Option<u64>,
}

impl std::fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code)
    }
}

impl std::error::Error for TurnedAway {}

/// A connected shopper.
pub(crate) struct Shopper {
    place: Place,
    socket: Socket,
    up: Line<String>,
    down: Line<String>,
    clock: RoomClock,
    pings_sent: u32,
    next_ping: Option<Instant>,
    /// Countdowns on screen: what they are of, and room time of their end.
    armed: Vec<(String, f64)>,
    waiting: HashMap<u64, Instant>,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Shopper {
    /// Connects and says hello to `room`.
    pub(crate) async fn join(
        api: &Api,
        room: &str,
        place: Place,
        seen: mpsc::UnboundedSender<Seen>,
    ) -> Result<Self> {
        let url = api.socket_url()?;
        let (mut socket, _) = tokio_tungstenite::connect_async(url.as_str()).await?;
        let hello = json!({ "v": 1, "t": "hello", "rid": "0", "d": { "room": room } });
        socket.send(Message::text(hello.to_string())).await?;
        loop {
            let frame = socket.next().await.context("the socket closed before the welcome")??;
            let Ok(text) = frame.to_text() else { continue };
            let Some(down) = Down::read(text) else { continue };
            match (&*down.t, down.rid.as_deref()) {
                ("ack", Some("0")) => break,
                ("err", Some("0")) => {
                    let code = down.code.as_deref().unwrap_or("refused").to_owned();
                    return Err(TurnedAway { code, retry_ms: down.retry_ms }.into());
                }
                _ => {}
            }
        }
        Ok(Self {
            next_ping: place.keeps_time.then(Instant::now),
            place,
            socket,
            up: Line::new(Way::Up),
            down: Line::new(Way::Down),
            clock: RoomClock::default(),
            pings_sent: 0,
            armed: Vec::new(),
            waiting: HashMap::new(),
            seen,
        })
    }

    /// Shops until told to leave or cut off.
    pub(crate) async fn run(mut self, mut asks: mpsc::UnboundedReceiver<Ask>) {
        let ended = self.shop(&mut asks).await;
        if ended.is_err() {
            self.tell(Seen::Lost);
        }
        let _ = self.socket.close(None).await;
    }

    /// Returns once told to leave; an error if the socket ended before.
    async fn shop(&mut self, asks: &mut mpsc::UnboundedReceiver<Ask>) -> Result<()> {
        loop {
            self.catch_up(Instant::now()).await?;
            let due = self.due();
            tokio::select! {
                ask = asks.recv() => match ask {
                    Some(Ask::Send { kind, body, tag }) => self.send(kind, &body, tag).await?,
                    Some(Ask::Leave) | None => return Ok(()),
                },
                frame = self.socket.next() => {
                    let frame = frame.context("the socket closed")??;
                    if let Message::Text(text) = frame {
                        self.take(text.as_str());
                    }
                }
                () = sleep_until(due) => {}
            }
        }
    }

    /// Returns when something is due without anybody's doing.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        let armed = self.armed.iter();
        let ends = armed.filter_map(|(_, at)| self.clock.instant_of(*at, self.place.start, now));
        let others = [self.up.due(), self.down.due(), self.next_ping];
        others.into_iter().flatten().chain(ends).min()
    }

    async fn catch_up(&mut self, now: Instant) -> Result<()> {
        self.fire(now);
        if self.next_ping.is_some_and(|at| at <= now) {
            self.ping(now).await?;
        }
        while let Some(text) = self.down.pop(now) {
            self.handle(&text, now);
        }
        while let Some(text) = self.up.pop(now) {
            self.socket.send(Message::text(text)).await?;
        }
        Ok(())
    }

    fn fire(&mut self, now: Instant) {
        let (clock, start) = (&self.clock, self.place.start);
        let estimate = |at: f64| clock.instant_of(at, start, now).filter(|end| *end <= now);
        let fired: Vec<(String, Instant)> = self
            .armed
            .iter()
            .filter_map(|(of, at)| estimate(*at).map(|end| (of.clone(), end)))
            .collect();
        self.armed.retain(|(of, _)| fired.iter().all(|(gone, _)| gone != of));
        for (of, estimated) in fired {
            self.tell(Seen::Fired { of, estimated, fired: now });
        }
    }

    async fn ping(&mut self, now: Instant) -> Result<()> {
        self.pings_sent += 1;
        let pause = if self.pings_sent < FIRST_PINGS {
            FIRST_PING_EVERY
        } else if self.armed.is_empty() {
            IDLE_PING_EVERY
        } else {
            ARMED_PING_EVERY
        };
        self.next_ping = Some(now + pause);
        let c0 = local_ms(self.place.start, now);
        let text = json!({ "v": 1, "t": "clk.ping", "d": { "c0": c0 } }).to_string();
        self.post(text, now).await
    }

    async fn send(&mut self, kind: &str, body: &str, tag: u64) -> Result<()> {
        let now = Instant::now();
        self.waiting.insert(tag, now);
        let text = format!(r#"{{"v":1,"t":"{kind}","rid":"{tag}","d":{body}}}"#);
        self.post(text, now).await
    }

    async fn post(&mut self, text: String, now: Instant) -> Result<()> {
        match &self.place.network {
            Some(class) => self.up.push(text, class, now),
            None => self.socket.send(Message::text(text)).await?,
        }
        Ok(())
    }

    fn take(&mut self, text: &str) {
        let now = Instant::now();
        match &self.place.network {
            Some(class) => self.down.push(text.to_owned(), class, now),
            None => self.handle(text, now),
        }
    }

    fn handle(&mut self, text: &str, at: Instant) {
        let Some(down) = Down::read(text) else { return };
        match &*down.t {
            "clk.pong" => {
                if let Some(Pong { c0, s1, s2 }) = down.body() {
                    self.clock.handle_pong(c0, s1, s2, local_ms(self.place.start, at), at);
                }
            }
            "ack" | "err" => self.handle_answer(&down, at),
            _ => {
                if &*down.t == "countdown" {
                    self.handle_countdown(&down, at);
                }
                self.handle_event(&down, text.len(), at);
            }
        }
    }

    fn handle_answer(&mut self, down: &Down<'_>, at: Instant) {
        let tag = down.rid.as_deref().and_then(|rid| rid.parse::<u64>().ok());
        let Some((tag, sent)) = tag.and_then(|tag| Some((tag, self.waiting.remove(&tag)?))) else {
            return;
        };
        self.tell(Seen::Answer {
            tag,
            took: at.saturating_duration_since(sent),
            at,
            code: down.code.as_deref().map(str::to_owned),
            st: down.st,
            body: down.d.map_or_else(String::new, |d| d.get().to_owned()),
        });
    }

    fn handle_countdown(&mut self, down: &Down<'_>, at: Instant) {
        let Some(Countdown { open_at, state, payload }) = down.body() else { return };
        let of = payload.r#ref;
        let known = self.armed.iter().any(|(armed, _)| *armed == of);
        if state == "counting" && !known && self.place.keeps_time {
            self.armed.push((of.clone(), open_at));
            // As the page does: a better clock while it counts.
            self.next_ping = Some(at);
            self.tell(Seen::Counting { of, at });
        }
    }

    fn handle_event(&self, down: &Down<'_>, bytes: usize, at: Instant) {
        let (Some(stream), Some(q)) = (&down.s, down.q) else { return };
        let (items, taken) = match &**stream {
            "gift" | "chat" => down.items(),
            _ => (1, Vec::new()),
        };
        self.tell(Seen::Event {
            shopper: self.place.number,
            stream: stream.clone().into_owned(),
            q: q.ends(),
            st: down.st,
            items,
            taken,
            at,
            bytes,
        });
    }

    fn tell(&self, seen: Seen) {
        // Whoever listened may have what they wanted.
        let _ = self.seen.send(seen);
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
