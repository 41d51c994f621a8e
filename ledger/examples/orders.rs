//! What deciding and writing down costs, without sockets: one room's rules, JSON and the real writer
//! thread on a real file, or on a PostgreSQL data base that is there for this.
//! `cargo run --release -p ledger --example orders [FILE or postgres://..]` prints orders that became
//! durable per second, how long a burst of 10,000 waits, and how fast the journal is read and gone through again.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "whoever runs it reads it")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ledger::{Entry, Journal, Ledger, LedgerConfig, NewRow, Place, PostgresUrl};
use room_rules::{
    Command, Decided, IdemKey, Input, Member, OrderRequest, Quantity, RULES_VERSION, Reply, Role,
    Room, RoomId, RoomSettings, SaleDuration, SaleId, SaleOffer, ServerTime, StockCount, Title,
    UserId,
};

const BURST: usize = 10_000;
const SUSTAINED_FOR: Duration = Duration::from_secs(4);
const USERS: usize = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let place = match std::env::args().nth(1) {
        Some(url) if url.starts_with("postgres://") => Place::Postgres(PostgresUrl::new(url)),
        Some(path) => Place::File(PathBuf::from(path)),
        None => {
            let name = format!("lianmai-orders-{}.sqlite3", std::process::id());
            Place::File(std::env::temp_dir().join(name))
        }
    };
    let (ledger, writer) = Ledger::open(&LedgerConfig::at(place.clone())).unwrap();
    let mut shop = Shop::open(&ledger);

    for round in 1..=3 {
        let mut waits = shop.burst().await;
        waits.sort_unstable();
        let at = |percent: usize| waits[waits.len() * percent / 100].as_secs_f64() * 1e3;
        println!("burst {round}: p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
    }
    let (orders, deciding, took) = shop.sustain().await;
    let per_second = orders as f64 / took.as_secs_f64();
    let us = deciding.as_secs_f64() * 1e6 / orders as f64;
    println!(
        "sustained: {per_second:.0} durable orders/s over {took:.1?}; deciding and JSON {us:.1} us"
    );

    let life = shop.journal.life().clone();
    drop(shop);
    let began = Instant::now();
    read(&ledger, life.clone()).await;
    let reading = began.elapsed();
    let began = Instant::now();
    let rows = decide_again(&ledger, life).await;
    let per_second = |took: Duration| rows as f64 / took.as_secs_f64();
    let (read, decided) = (per_second(reading), per_second(began.elapsed()));
    println!(
        "{rows} rows: read at {read:.0} rows/s, read and decided again at {decided:.0} rows/s"
    );
    drop(ledger);
    writer.join();
    if let Place::File(path) = place {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
}

struct Shop {
    room: Room,
    journal: Journal,
    sales: Vec<SaleId>,
    users: Vec<Member>,
    now: u64,
    made: usize,
}

impl Shop {
    fn open(ledger: &Ledger) -> Self {
        let now = 1_790_000_000_000;
        let mut shop = Self {
            room: new_room(now),
            journal: ledger.begin("a", now),
            sales: Vec::new(),
            users: (0..USERS).map(|n| member(&format!("user{n}"), Role::Viewer)).collect(),
            now,
            made: 0,
        };
        for _ in 0..5 {
            let input = shop.room.command_by(member("host", Role::Host), offer());
            let Reply::Sale { sale, .. } = shop.decide(&input) else { panic!("no sale") };
            shop.sales.push(sale);
        }
        shop.now += 3_000;
        shop
    }

    /// All at once; each waits until its row is durable.
    async fn burst(&mut self) -> Vec<Duration> {
        let began = Instant::now();
        let first = self.journal.appended();
        for _ in 0..BURST {
            self.order();
        }
        let mut waits = Vec::new();
        while waits.len() < BURST {
            let durable = self.journal.changed().await.durable.saturating_sub(first);
            let waited = began.elapsed();
            waits.resize(usize::try_from(durable).unwrap(), waited);
        }
        waits
    }

    /// As many as the queue takes; returns how many became durable, and how long deciding took.
    async fn sustain(&mut self) -> (u64, Duration, Duration) {
        let (began, mut deciding) = (Instant::now(), Duration::ZERO);
        let first = self.journal.appended();
        while began.elapsed() < SUSTAINED_FOR {
            let busy = Instant::now();
            for _ in 0..64 {
                if self.journal.has_place() {
                    self.order();
                }
            }
            deciding += busy.elapsed();
            if !self.journal.has_place() {
                self.journal.changed().await;
            }
        }
        let all = self.journal.appended();
        while self.journal.progress().durable < all {
            self.journal.changed().await;
        }
        (all - first, deciding, began.elapsed())
    }

    fn order(&mut self) {
        self.made += 1;
        if self.made.is_multiple_of(40) {
            self.now += 1;
        }
        let request = OrderRequest {
            sale: self.sales[self.made % self.sales.len()].clone(),
            quantity: Quantity::new(1).unwrap(),
            idem: IdemKey::parse(&format!("01JD8Z5X2Q7K3M9V4T6B{:06}", self.made)).unwrap(),
        };
        let by = self.users[self.made % USERS].clone();
        let input = self.room.command_by(by, Command::OrderPlace(request));
        self.decide(&input);
    }

    fn decide(&mut self, input: &Input) -> Reply {
        let decided = self.room.handle_input(input, ServerTime::from_unix_millis(self.now));
        let Ok(Decided::Fresh(reply)) = decided else { panic!("{decided:?}") };
        while self.room.poll_effect().is_some() {}
        let key = input.idem().map(|(user, key)| (user.to_string(), key.as_str().to_owned()));
        let row = NewRow {
            at: self.now,
            kind: input.kind(),
            rules: RULES_VERSION,
            key,
            input: serde_json::to_string(input).unwrap(),
            outcome: serde_json::to_string(&reply).unwrap(),
        };
        self.journal.append(Entry { row: Some(row), ..Entry::default() });
        reply
    }
}

async fn read(ledger: &Ledger, life: ledger::Life) {
    let mut reader = ledger.read(life);
    while !reader.next().await.unwrap().is_empty() {}
}

async fn decide_again(ledger: &Ledger, life: ledger::Life) -> usize {
    let mut reader = ledger.read(life.clone());
    let mut room = new_room(life.opened_at);
    let mut count = 0;
    loop {
        let rows = reader.next().await.unwrap();
        if rows.is_empty() {
            return count;
        }
        for row in &rows {
            let input: Input = serde_json::from_str(&row.input).unwrap();
            let before: Reply = serde_json::from_str(&row.outcome).unwrap();
            let decided = room.handle_input(&input, ServerTime::from_unix_millis(row.at));
            assert_eq!(decided, Ok(Decided::Fresh(before)));
            while room.poll_effect().is_some() {}
        }
        count += rows.len();
    }
}

fn new_room(now: u64) -> Room {
    let (id, title) = (RoomId::parse("a").unwrap(), Title::parse("A").unwrap());
    Room::new(id, &title, RoomSettings::default(), ServerTime::from_unix_millis(now))
}

fn member(name: &str, role: Role) -> Member {
    Member {
        user: UserId::parse(name).unwrap(),
        name: name.into(),
        role,
        caps: room_rules::Areas::ALL,
    }
}

fn offer() -> Command {
    Command::SaleAnnounce(SaleOffer {
        title: Title::parse("Lipstick").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(100_000).unwrap(),
        per_user: Quantity::new(100_000).unwrap(),
        lead: Duration::from_secs(2),
        open_for: SaleDuration::new(3_600_000).unwrap(),
        terms: room_rules::SaleTerms::default(),
    })
}
