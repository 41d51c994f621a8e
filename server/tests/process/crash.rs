//! A server that is killed at any moment has lost nothing that it said.
//!
//! Buyers order and give on WebSockets without a pause while the server is killed with SIGKILL at
//! random moments and started again on the same ledger. After each kill every chain must hold; in the
//! end each answered request is there once, none twice, none that was turned down is there, and the
//! stock is exact. `LIANMAI_KILLS=200` (as `make soak` sets) kills longer, `LIANMAI_SEED` says when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use ledger::SqliteStore;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

use crate::buyers::{Buyer, Seen, Socket};
use crate::running::{PATIENCE, Running, lianmai};

const BUYERS: usize = 24;
const KILLS: usize = 10;
const STOCK: u64 = 2_000;

#[allow(clippy::print_stdout, reason = "whoever repeats it needs the seed")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_answered_before_a_kill_is_there_once_after_it() {
    let kills = number_from("LIANMAI_KILLS").map_or(KILLS, |kills| kills as usize);
    let seed = number_from("LIANMAI_SEED").unwrap_or(41);
    println!("{kills} kills, seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = Folder::new();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (address, addresses) = watch::channel(None);

    let heard = Arc::new(Mutex::new(Vec::new()));
    folder.tell(&receiver(Arc::clone(&heard)).await);
    let mut server = folder.start();
    let host = server.open_room("a").await;
    let mut buyers = Vec::new();
    for n in 0..BUYERS {
        let name = format!("buyer{n}");
        let token = server.token("a", &name, "viewer").await;
        let (address, seen, rng) = (addresses.clone(), Arc::clone(&seen), rng.fork());
        let buyer = Buyer { name, token, rng, address, seen, made: 0 };
        buyers.push(tokio::spawn(buyer.run()));
    }
    let mut slowest = Duration::ZERO;
    for kill in 0..kills {
        offer(&server, &host, &seen).await;
        address.send_replace(Some(server.http));
        tokio::time::sleep(Duration::from_millis(rng.u64(20..400))).await;
        server.signal("KILL");
        address.send_replace(None);
        tokio::task::block_in_place(|| server.wait());
        folder.verify();
        let began = Instant::now();
        server = folder.start();
        slowest = slowest.max(began.elapsed());
        assert!(buyers.iter().all(|buyer| !buyer.is_finished()), "a buyer has found a fault");
        let rooms: Value = server.get("/v1/rooms").await.json().await.unwrap();
        assert_eq!(rooms["rooms"][0]["room"], "a", "kill {kill}: {rooms}");
    }
    // Everybody gets the answer that is still owed.
    address.send_replace(Some(server.http));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(buyers.iter().all(|buyer| !buyer.is_finished()), "a buyer has found a fault");
    buyers.iter().for_each(tokio::task::JoinHandle::abort);
    let snapshot = snapshot(&server, &host).await;
    server.signal("TERM");
    tokio::task::block_in_place(|| server.wait());

    folder.verify();
    let seen = seen.lock().unwrap();
    let rows = folder.check(&seen, &snapshot);
    folder.check_letters(&seen, &heard.lock().unwrap());
    println!(
        "{rows} rows, {} answers, {} turned down, {} repeated, {} found after a kill, {} events; \
         slowest start {} ms",
        seen.acked.len(),
        seen.refused.len(),
        seen.repeats,
        seen.recovered,
        seen.events.len(),
        slowest.as_millis(),
    );
    assert!(seen.acked.len() > 20 * kills && seen.repeats > 0, "there was no load");
    assert!(kills < KILLS || seen.recovered > 0, "no kill lost an answer");
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

/// Announces a sale unless one goes on, and waits until it is open.
async fn offer(server: &Running, host: &str, seen: &Mutex<Seen>) {
    let view = snapshot(server, host).await;
    let is_open = |sale: &&Value| sale["state"] == "open" && sale["left"].as_u64() > Some(0);
    if let Some(sale) = view["sales"].as_array().unwrap().iter().find(is_open) {
        seen.lock().unwrap().sale = sale["sale"].as_str().map(str::to_owned);
        return;
    }
    let announce = json!({"title": "Lipstick", "sku": "L", "price_cents": 990, "stock": STOCK,
        "per_user": STOCK, "lead_ms": 2_000, "duration_ms": 3_600_000});
    let d = ask(server, host, "sale.announce", announce).await;
    let sale = d["sale"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view = snapshot(server, host).await;
        let sales = view["sales"].as_array().unwrap();
        if sales.iter().any(|view| view["sale"] == sale.as_str() && view["state"] == "open") {
            break;
        }
        assert!(Instant::now() < deadline, "the sale did not open: {view}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    seen.lock().unwrap().sale = Some(sale);
}

/// Returns the room as the host sees it.
async fn snapshot(server: &Running, host: &str) -> Value {
    enter(server, host).await.1
}

/// Comes as the host, asks for one thing and leaves.
async fn ask(server: &Running, host: &str, kind: &str, body: Value) -> Value {
    say(&mut enter(server, host).await.0, kind, body).await
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

/// A ledger in a folder of its own, which goes when it does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("lianmai-crash-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("ledger.sqlite3")
    }

    /// Has a back end told of everything at `url`.
    fn tell(&self, url: &str) {
        let config = format!("[[webhooks.endpoints]]\nname = \"test\"\nurl = \"{url}\"\n");
        std::fs::write(self.0.join("config.toml"), config).unwrap();
    }

    fn start(&self) -> Running {
        let config = self.0.join("config.toml");
        Running::start_with(&["--ledger", path(&self.ledger()), "--config", path(&config)])
    }

    /// Holds what back ends were told against what was answered.
    fn check_letters(&self, seen: &Seen, heard: &[u64]) {
        let connection = rusqlite::Connection::open(self.ledger()).unwrap();
        let mut letters = connection.prepare("SELECT seq, body FROM letters ORDER BY seq").unwrap();
        let letters = letters.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
        let letters: Vec<(i64, String)> = letters.unwrap().map(Result::unwrap).collect();
        let mut told = BTreeMap::new();
        for (number, (seq, body)) in (1..).zip(&letters) {
            assert_eq!(*seq, number, "a number is missing");
            let body: Value = serde_json::from_str(body).unwrap();
            if let Some(key) = body["idem"].as_str() {
                assert_eq!(told.insert(key.to_owned(), *seq), None, "{key} is told twice");
            }
        }
        for key in seen.acked.keys() {
            assert!(told.contains_key(key), "{key} was answered and back ends are not told");
        }
        // What is told again after a kill was told before.
        let mut last = 0;
        for seq in heard {
            assert!(*seq <= last + 1, "{seq} came after {last}");
            last = last.max(*seq);
        }
        assert!(last > 0, "the receiver heard nothing");
    }

    fn verify(&self) {
        let ledger = self.ledger();
        let output =
            lianmai().args(["ledger", "verify", "--ledger", path(&ledger)]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("as written"), "{output:?}");
    }

    /// Holds what was seen against what is written; returns how many rows there are.
    fn check(&self, seen: &Seen, snapshot: &Value) -> usize {
        let mut store = SqliteStore::beside(&self.ledger()).unwrap();
        let lives = store.all_lives(None).unwrap();
        assert_eq!(lives.len(), 1, "the room has one life, however often it is killed");
        let rows = store.rows_of(lives[0].id, 0, usize::MAX).unwrap();
        let (mut written, mut sold) = (BTreeMap::new(), BTreeMap::<String, u64>::new());
        let mut coins = 0;
        for row in &rows {
            let input: Value = serde_json::from_str(&row.input).unwrap();
            let outcome: Value = serde_json::from_str(&row.outcome).unwrap();
            let command = &input["command"]["command"];
            for kind in ["order_place", "gift_send"] {
                if let Some(key) = command[kind]["idem"].as_str() {
                    let before = written.insert(key.to_owned(), row.seq);
                    assert_eq!(before, None, "{key} is there twice");
                }
            }
            if let Some(order) = outcome.get("order") {
                let sale = order["sale"].as_str().unwrap().to_owned();
                *sold.entry(sale).or_default() += order["quantity"].as_u64().unwrap();
            }
            coins += outcome["gift"]["coins"].as_u64().unwrap_or(0);
        }
        for key in seen.acked.keys() {
            assert!(written.contains_key(key), "{key} was answered and is not there");
        }
        for key in seen.refused.keys() {
            assert!(!written.contains_key(key), "{key} was turned down and is there");
        }
        for sale in snapshot["sales"].as_array().unwrap() {
            let sold = sold.get(sale["sale"].as_str().unwrap()).copied().unwrap_or(0);
            let (stock, left) = (sale["stock"].as_u64().unwrap(), sale["left"].as_u64().unwrap());
            assert_eq!(sold, stock - left, "units do not vanish: {sale}");
            assert!(sold <= stock);
        }
        assert_eq!(snapshot["coins"], coins, "{snapshot}");
        rows.len()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
