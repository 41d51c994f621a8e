//! The ledger of a server that is killed, and what must be in it. `LIANMAI_CRASH_POSTGRES_URL` names
//! an empty data base to be used in place of a file, by a server that has the feature `postgres`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ledger::{Caretaker, LetterFilter, Place, PostgresUrl};
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

    fn beside<T>(&self, look: impl FnOnce(&mut Caretaker) -> T) -> T {
        let place = match postgres() {
            Some(url) => Place::Postgres(PostgresUrl::new(url)),
            None => Place::File(self.ledger()),
        };
        tokio::task::block_in_place(|| look(&mut Caretaker::open(&place).unwrap()))
    }

    fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Has a back end told of everything at `url`.
    pub(crate) fn tell(&self, url: &str) {
        let (key, place) = match postgres() {
            Some(url) => ("postgres_url", url),
            None => ("path", path(&self.ledger()).to_owned()),
        };
        let config = format!(
            "[ledger]\n{key} = \"{place}\"\n\
             [[webhooks.endpoints]]\nname = \"test\"\nurl = \"{url}\"\n"
        );
        std::fs::write(self.config(), config).unwrap();
    }

    pub(crate) fn start(&self) -> Running {
        Running::start_with(&["--config", path(&self.config())])
    }

    /// Starts a server on a copy of the ledger in a new file.
    pub(crate) fn start_on_a_copy(&self) -> Running {
        let (own, config, copy) =
            (self.config(), self.0.join("copy.toml"), self.0.join("copy.sqlite3"));
        let output = lianmai()
            .args(["ledger", "copy", "--config", path(&own), "--to", path(&copy)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("copied and checked"), "{output:?}");
        std::fs::write(&config, format!("[ledger]\npath = \"{}\"\n", path(&copy))).unwrap();
        Running::start_with(&["--config", path(&config)])
    }

    /// Holds what back ends were told against what was answered.
    pub(crate) fn check_letters(&self, seen: &Seen, heard: &[u64]) {
        let all = LetterFilter::default();
        let mut letters = self.beside(|ledger| ledger.letters(&all, usize::MAX)).unwrap();
        letters.sort_by_key(|letter| letter.seq);
        let mut told = BTreeMap::new();
        for (number, letter) in (1..).zip(&letters) {
            assert_eq!(letter.seq, number, "a number is missing");
            let body: Value = serde_json::from_str(&letter.body).unwrap();
            if let Some(key) = body["idem"].as_str() {
                assert_eq!(told.insert(key.to_owned(), letter.seq), None, "{key} is told twice");
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
        let config = self.config();
        let output =
            lianmai().args(["ledger", "verify", "--config", path(&config)]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("as written"), "{output:?}");
    }

    /// Holds what was seen against what is written; returns how many rows there are.
    pub(crate) fn check(&self, seen: &Seen, snapshot: &Value) -> usize {
        let lives = self.beside(|ledger| ledger.lives(None)).unwrap();
        assert_eq!(lives.len(), 1, "the room has one life, however often it is killed");
        let rows = self.beside(|ledger| ledger.rows(lives[0].id, 0, usize::MAX)).unwrap();
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

fn postgres() -> Option<String> {
    std::env::var("LIANMAI_CRASH_POSTGRES_URL").ok()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
