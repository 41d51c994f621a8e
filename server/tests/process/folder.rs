//! The ledger of a server that is killed, and what must be in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ledger::SqliteStore;
use serde_json::Value;

use crate::buyers::Seen;
use crate::running::{Running, lianmai};

/// A ledger in a folder of its own, which goes when it does.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("lianmai-crash-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("ledger.sqlite3")
    }

    /// Has a back end told of everything at `url`.
    pub(crate) fn tell(&self, url: &str) {
        let config = format!("[[webhooks.endpoints]]\nname = \"test\"\nurl = \"{url}\"\n");
        std::fs::write(self.0.join("config.toml"), config).unwrap();
    }

    pub(crate) fn start(&self) -> Running {
        let config = self.0.join("config.toml");
        Running::start_with(&["--ledger", path(&self.ledger()), "--config", path(&config)])
    }

    /// Holds what back ends were told against what was answered.
    pub(crate) fn check_letters(&self, seen: &Seen, heard: &[u64]) {
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
        // Of bids and shares back ends are told how they end.
        let is_told = |key: &&String| key.starts_with("order-") || key.starts_with("gift-");
        for key in seen.acked.keys().filter(is_told) {
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

    pub(crate) fn verify(&self) {
        let ledger = self.ledger();
        let output =
            lianmai().args(["ledger", "verify", "--ledger", path(&ledger)]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("as written"), "{output:?}");
    }

    /// Holds what was seen against what is written; returns how many rows there are.
    pub(crate) fn check(&self, seen: &Seen, snapshot: &Value) -> usize {
        let mut store = SqliteStore::beside(&self.ledger()).unwrap();
        let lives = store.all_lives(None).unwrap();
        assert_eq!(lives.len(), 1, "the room has one life, however often it is killed");
        let rows = store.rows_of(lives[0].id, 0, usize::MAX).unwrap();
        let mut written = Written::default();
        for row in &rows {
            let input: Value = serde_json::from_str(&row.input).unwrap();
            let outcome: Value = serde_json::from_str(&row.outcome).unwrap();
            written.take(&input["command"]["command"], &outcome, row.seq);
        }
        for key in seen.acked.keys() {
            assert!(written.keys.contains_key(key), "{key} was answered and is not there");
        }
        for key in seen.refused.keys() {
            assert!(!written.keys.contains_key(key), "{key} was turned down and is there");
        }
        written.check(snapshot);
        rows.len()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the rows say was done.
#[derive(Default)]
struct Written {
    /// The row of each key.
    keys: BTreeMap<String, u64>,
    /// Units by sale.
    sold: BTreeMap<String, u64>,
    coins: u64,
    /// Bids by auction.
    bids: BTreeMap<String, u64>,
    /// Shares by red packet, and what was in them.
    shares: BTreeMap<String, (u64, u64)>,
}

impl Written {
    fn take(&mut self, command: &Value, outcome: &Value, seq: u64) {
        let (claim, bid) =
            (&command["giveaway"]["packet_claim"], &command["shop"]["auction"]["bid"]);
        for asked in [&command["order_place"], &command["gift_send"], claim, bid] {
            if let Some(key) = asked["idem"].as_str() {
                let before = self.keys.insert(key.to_owned(), seq);
                assert_eq!(before, None, "{key} is there twice");
            }
        }
        self.coins += outcome["gift"]["coins"].as_u64().unwrap_or(0);
        if let Some(order) = outcome.get("order") {
            *self.sold.entry(name(&order["sale"])).or_default() +=
                order["quantity"].as_u64().unwrap();
        }
        if let Some(bid) = outcome["shop"]["auction"].get("bid") {
            *self.bids.entry(name(&bid["auction"])).or_default() += 1;
        }
        if let Some(share) = outcome["giveaway"].get("claimed") {
            let (count, sum) = self.shares.entry(name(&share["packet"])).or_default();
            *count += 1;
            *sum += share["amount"].as_u64().unwrap();
        }
    }

    fn check(&self, snapshot: &Value) {
        for sale in snapshot["sales"].as_array().unwrap() {
            let sold = self.sold.get(&name(&sale["sale"])).copied().unwrap_or(0);
            let (stock, left) = (sale["stock"].as_u64().unwrap(), sale["left"].as_u64().unwrap());
            assert_eq!(sold, stock - left, "units do not vanish: {sale}");
            assert!(sold <= stock);
        }
        assert_eq!(snapshot["coins"], self.coins, "{snapshot}");
        for auction in snapshot["auctions"].as_array().unwrap() {
            let bids = self.bids.get(&name(&auction["auction"])).copied().unwrap_or(0);
            assert_eq!(auction["bids"], bids, "{auction}");
        }
        for packet in snapshot["packets"].as_array().unwrap() {
            let number = |field: &str| packet[field].as_u64().unwrap();
            let taken = (number("shares") - number("left"), number("total") - number("left_total"));
            let claimed = self.shares.get(&name(&packet["packet"])).copied().unwrap_or_default();
            assert_eq!(claimed, taken, "{packet}");
        }
    }
}

fn name(id: &Value) -> String {
    id.as_str().unwrap().to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
