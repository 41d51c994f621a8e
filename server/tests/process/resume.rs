//! Connections that break off at any moment, on real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::running::{PATIENCE, Running};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const VIEWERS: usize = 6;
const GIFTS: u64 = 30;

/// Goal: 0 lost and 0 twice, whenever the connection breaks, for five seconds and for less.
/// Method: six viewers whose sockets are dropped at random moments, without a close frame, while
/// gifts and requests for seats go on; each checks the numbers of both streams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_cut_at_random_lose_nothing_and_hear_nothing_twice() {
    let server = Running::start();
    server.open_room("a").await;
    let mut viewers = Vec::new();
    for number in 0..VIEWERS {
        let token = server.token("a", &format!("v{number}"), "viewer").await;
        let url = format!("ws://{}/v1/ws?token={token}", server.http);
        viewers.push(tokio::spawn(watch(url, 7 + number as u64)));
    }
    let token = server.token("a", "giver", "viewer").await;
    let mut giver = connect(&format!("ws://{}/v1/ws?token={token}", server.http)).await;
    say(&mut giver, json!({"v": 1, "t": "hello", "rid": "h", "d": {"room": "a"}})).await;
    for number in 0..GIFTS {
        let d = json!({"gift": "rose", "n": 1, "idem": format!("g{number}")});
        say(&mut giver, json!({"v": 1, "t": "gift.send", "rid": "g", "d": d})).await;
        let t = if number % 2 == 0 { "seat.apply" } else { "seat.decline" };
        say(&mut giver, json!({"v": 1, "t": t, "rid": "s"})).await;
        hears(&mut giver, |message| message["rid"] == "s").await;
        // No faster than the server lets one user speak.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mut cuts = 0;
    for viewer in viewers {
        cuts += timeout(PATIENCE * 2, viewer).await.expect("a viewer waits for ever").unwrap();
    }
    assert!(cuts > VIEWERS, "only {cuts} cuts");
}

/// Watches until all gifts were heard; returns how often the connection was cut.
async fn watch(url: String, seed: u64) -> usize {
    let mut random = Random(seed);
    let mut socket = connect(&url).await;
    say(&mut socket, json!({"v": 1, "t": "hello", "rid": "h", "d": {"room": "a"}})).await;
    let ack = hears(&mut socket, |message| message["rid"] == "h").await["d"].take();
    let (sid, epoch) = (ack["sid"].clone(), ack["epoch"].clone());
    let mut q = ack["q"].clone();
    let (mut cuts, mut roses) = (0, 0);
    while roses < GIFTS {
        // The first viewer's first cut is a long one.
        let listen = Duration::from_millis(random.below(4_000));
        let until = Instant::now() + listen;
        while let Ok(frame) = tokio::time::timeout_at(until, socket.next()).await {
            let Some(Ok(frame)) = frame else { panic!("the server cut a listener: {frame:?}") };
            let Message::Text(text) = frame else { continue };
            roses += take(&serde_json::from_str(&text).unwrap(), &mut q);
        }
        drop(socket);
        cuts += 1;
        let away = if cuts == 1 && seed == 7 { 5_000 } else { random.below(2_000) };
        tokio::time::sleep(Duration::from_millis(away)).await;

        socket = connect(&url).await;
        let resume = json!({"sid": sid, "epoch": epoch, "q": q});
        let d = json!({"room": "a", "resume": resume});
        say(&mut socket, json!({"v": 1, "t": "hello", "rid": "h", "d": d})).await;
        let ack = hears(&mut socket, |message| message["rid"] == "h").await;
        assert_eq!(ack["d"]["resumed"], true, "{ack}");
    }
    assert_eq!(roses, GIFTS);
    cuts
}

/// Takes a message; an event of a stream that loses nothing must be the next one. Returns how many
/// roses are in it.
fn take(message: &Value, q: &mut Value) -> u64 {
    if message["t"] == "batch" {
        return message["d"].as_array().unwrap().iter().map(|event| take(event, q)).sum();
    }
    let Some(stream) = message["s"].as_str() else { return 0 };
    let (number, last) = (message["q"].as_u64().unwrap(), q[stream].as_u64().unwrap_or(0));
    match stream {
        "chat" | "react" => {}
        // What was in the snapshot already may follow it.
        _ => assert_eq!(number, last + 1, "{message}"),
    }
    q[stream] = number.max(last).into();
    let gifts = message["d"]["gifts"].as_array();
    gifts.into_iter().flatten().filter_map(|gift| gift["n"].as_u64()).sum()
}

async fn connect(url: &str) -> Socket {
    timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap().0
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::Text(message.to_string().into())).await.unwrap();
}

/// Waits for a message; what comes before it is of no interest.
async fn hears(socket: &mut Socket, is_it: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            let frame = socket.next().await.unwrap().unwrap();
            let Message::Text(text) = frame else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if is_it(&message) {
                return message;
            }
        }
    };
    timeout(PATIENCE, wait).await.unwrap()
}

/// Xorshift, so that a seed says everything.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
