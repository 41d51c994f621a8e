//! A server that is killed at any moment has lost nothing that it said, and whoever comes back goes
//! on where they broke off.
//!
//! Buyers order, bid, give and claim on WebSockets and over HTTP without a pause, while others only
//! watch, and the server is killed with SIGKILL at random moments and started again on the same
//! ledger. After each kill every chain must hold; in the end each answered request is there once, none
//! twice, none that was turned down is there, stock, prices and shares are exact, nobody has lost an
//! event or heard one twice, and a server on a copy of the ledger goes on where the first one did.
//! `LIANMAI_KILLS=200` (as `make soak` sets) kills longer, `LIANMAI_SEED` says when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::buyers::{Buyer, Carrier, Seen, Socket};
use crate::folder::Folder;
use crate::listener::{Counts, Listener};
use crate::running::{PATIENCE, Running};
use crate::watchers::Watcher;

const BUYERS: usize = 24;
/// How many of them ask over HTTP.
const BY_HTTP: usize = 8;
const WATCHERS: usize = 6;
const KILLS: usize = 10;
const STOCK: u64 = 2_000;

#[allow(clippy::print_stdout, reason = "whoever repeats it needs the seed")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_said_before_a_kill_stands_after_it_and_nobody_misses_anything() {
    let kills = number_from("LIANMAI_KILLS").map_or(KILLS, |kills| kills as usize);
    let seed = number_from("LIANMAI_SEED").unwrap_or(41);
    println!("{kills} kills, seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = Folder::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    folder.tell(&receiver(Arc::clone(&heard)).await);
    let mut server = folder.start();
    let host = server.open_room("a").await;
    let (address, addresses) = watch::channel(None);
    let crowd = Crowd::gather(&server, &addresses, &mut rng).await;
    let mut slowest = Duration::ZERO;
    for kill in 0..kills {
        offer(&server, &host, &crowd.seen).await;
        address.send_replace(Some(server.http));
        tokio::time::sleep(Duration::from_millis(rng.u64(20..400))).await;
        server.signal("KILL");
        address.send_replace(None);
        tokio::task::block_in_place(|| server.wait());
        folder.verify();
        let began = Instant::now();
        server = folder.start();
        slowest = slowest.max(began.elapsed());
        crowd.expect_no_fault();
        let rooms: Value = server.get("/v1/rooms").await.json().await.unwrap();
        assert_eq!(rooms["rooms"][0]["room"], "a", "kill {kill}: {rooms}");
    }
    // Everybody gets the answer that is still owed.
    address.send_replace(Some(server.http));
    tokio::time::sleep(Duration::from_millis(500)).await;
    crowd.expect_no_fault();
    crowd.buyers.iter().for_each(JoinHandle::abort);
    let snapshot = snapshot(&server, &host).await;
    crowd.hear_up_to(&snapshot["q"]).await;
    server.signal("TERM");
    tokio::task::block_in_place(|| server.wait());

    folder.verify();
    let mut moved = tokio::task::block_in_place(|| folder.start_on_a_copy());
    let there = self::snapshot(&moved, &host).await;
    moved.signal("KILL");
    tokio::task::block_in_place(|| moved.wait());
    for what in ["sales", "auctions", "packets", "coins"] {
        assert_eq!(there[what], snapshot[what], "a copy goes on elsewhere");
    }
    let (seen, counts) = (crowd.seen.lock().unwrap(), crowd.counts.lock().unwrap());
    let rows = folder.check(&seen, &snapshot);
    folder.check_letters(&seen, &heard.lock().unwrap());
    println!(
        "{rows} rows, {} answers, {} turned down, {} repeated, {} found after a kill; {counts:?}; \
         slowest start {} ms",
        seen.acked.len(),
        seen.refused.len(),
        seen.repeats,
        seen.recovered,
        slowest.as_millis(),
    );
    assert!(seen.acked.len() > 20 * kills && seen.repeats > 0, "there was no load");
    for what in ["order", "gift", "bid", "claim"] {
        let is_one = |key: &String| key.starts_with(what);
        assert!(seen.acked.keys().any(is_one), "nobody got a {what}");
    }
    assert!(kills < KILLS || seen.recovered > 0, "no kill lost an answer");
    assert_eq!((&counts.lost, &counts.twice), (&BTreeMap::new(), &BTreeMap::new()));
    assert_eq!(counts.anew, 0, "somebody could not go on where they broke off");
    // Whoever is killed again on their way in goes on the next time.
    assert!(counts.resumed > (WATCHERS * kills / 2) as u64 && counts.missed > 0, "{counts:?}");
}

/// Those who use the server while it is killed.
struct Crowd {
    seen: Arc<Mutex<Seen>>,
    counts: Arc<Mutex<Counts>>,
    buyers: Vec<JoinHandle<()>>,
    watchers: Vec<(Arc<Mutex<Listener>>, JoinHandle<()>)>,
}

impl Crowd {
    async fn gather(
        server: &Running,
        address: &watch::Receiver<Option<std::net::SocketAddr>>,
        rng: &mut Rng,
    ) -> Self {
        let (seen, told) = (Arc::new(Mutex::new(Seen::default())), Arc::default());
        let counts = Arc::new(Mutex::new(Counts::default()));
        let ears = || Listener::new(Arc::clone(&told), Arc::clone(&counts));
        let mut buyers = Vec::new();
        for n in 0..BUYERS {
            let name = format!("buyer{n}");
            let token = server.token("a", &name, "viewer").await;
            let (address, seen, rng) = (address.clone(), Arc::clone(&seen), rng.fork());
            let is_by_http = n < BY_HTTP;
            let carrier =
                if is_by_http { Carrier::Http(Client::new()) } else { Carrier::Socket(ears()) };
            let buyer = Buyer { name, token, rng, address, seen, carrier, made: 0, packet: None };
            buyers.push(tokio::spawn(buyer.run()));
        }
        let mut watchers = Vec::new();
        for n in 0..WATCHERS {
            let token = server.token("a", &format!("watcher{n}"), "viewer").await;
            let (address, rng, ears) = (address.clone(), rng.fork(), Arc::new(Mutex::new(ears())));
            let watcher = Watcher { token, rng, address, ears: Arc::clone(&ears) };
            watchers.push((ears, tokio::spawn(watcher.run())));
        }
        Self { seen, counts, buyers, watchers }
    }

    fn expect_no_fault(&self) {
        assert!(!self.buyers.iter().any(JoinHandle::is_finished), "a buyer has found a fault");
        self.expect_no_fault_of_watchers();
    }

    fn expect_no_fault_of_watchers(&self) {
        let is_over = self.watchers.iter().any(|(_, watcher)| watcher.is_finished());
        assert!(!is_over, "a watcher has found a fault");
    }

    /// Waits until whoever watches has heard everything that a snapshot holds.
    async fn hear_up_to(&self, q: &Value) {
        let deadline = Instant::now() + PATIENCE;
        for (ears, _) in &self.watchers {
            for stream in ["room", "seat", "pk", "sale", "gift"] {
                while ears.lock().unwrap().last(stream) < q[stream].as_u64().unwrap() {
                    assert!(Instant::now() < deadline, "the end of {stream} was never told");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        self.expect_no_fault_of_watchers();
    }
}

/// Takes webhooks and remembers their numbers; returns where.
async fn receiver(heard: Arc<Mutex<Vec<u64>>>) -> String {
    let receive = move |body: String| async move {
        let letter: Value = serde_json::from_str(&body).unwrap();
        heard.lock().unwrap().push(letter["seq"].as_u64().unwrap());
    };
    let router = axum::Router::new().route("/", axum::routing::post(receive));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Offers a sale, an auction and a red packet, those that are over anew, and waits until there is
/// something to buy.
async fn offer(server: &Running, host: &str, seen: &Mutex<Seen>) {
    let (mut socket, mut view) = enter(server, host).await;
    if open(&view, "sales", "sale", &["open", "counting"]).is_none() {
        let sale = json!({"title": "Lipstick", "sku": "L", "price_cents": 990, "stock": STOCK,
            "per_user": STOCK, "lead_ms": 2_000, "duration_ms": 3_600_000});
        say(&mut socket, "sale.announce", sale).await;
    }
    if open(&view, "auctions", "auction", &["running", "closing"]).is_none() {
        let auction = json!({"title": "Bag", "sku": "B", "start_price": 100, "lead_ms": 0,
            "steps": [{"from": 0, "step": 1}], "duration_ms": 86_400_000});
        say(&mut socket, "auction.open", auction).await;
        seen.lock().unwrap().offered.bid = 100;
    }
    if open(&view, "packets", "packet", &["open"]).is_none() {
        let packet = json!({"title": "Luck", "total": 100_000, "shares": BUYERS / 2,
            "duration_ms": 3_600_000});
        say(&mut socket, "packet.open", packet).await;
    }
    let deadline = Instant::now() + PATIENCE;
    let sale = loop {
        view = snapshot(server, host).await;
        if let Some(sale) = open(&view, "sales", "sale", &["open"]) {
            break sale;
        }
        assert!(Instant::now() < deadline, "the sale did not open: {view}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let offered = &mut seen.lock().unwrap().offered;
    offered.sale = Some(sale);
    offered.auction = open(&view, "auctions", "auction", &["running", "closing"]);
    offered.packet = open(&view, "packets", "packet", &["open"]);
}

/// Returns the id of what is to be had.
fn open(view: &Value, all: &str, id: &str, states: &[&str]) -> Option<String> {
    let is_open =
        |one: &&Value| states.iter().any(|state| one["state"] == *state) && one["left"] != 0;
    let one = view[all].as_array().into_iter().flatten().find(is_open)?;
    one[id].as_str().map(str::to_owned)
}

/// Returns the room as the host sees it.
async fn snapshot(server: &Running, host: &str) -> Value {
    enter(server, host).await.1
}

async fn enter(server: &Running, host: &str) -> (Socket, Value) {
    let url = format!("ws://{}/v1/ws?token={host}", server.http);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let snapshot = say(&mut socket, "hello", json!({"room": "a"})).await;
    (socket, snapshot)
}

async fn say(socket: &mut Socket, kind: &str, body: Value) -> Value {
    let up = json!({"v": 1, "t": kind, "rid": kind, "d": body});
    socket.send(Message::text(up.to_string())).await.unwrap();
    loop {
        let down = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        let text = down.unwrap().unwrap().into_text().unwrap();
        let down: Value = serde_json::from_str(&text).unwrap();
        if down["rid"] == kind {
            assert_eq!(down["t"], "ack", "{down}");
            return down["d"].clone();
        }
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
