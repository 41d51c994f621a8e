//! One run: each part after the other, with a crowd that suits it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::crowd::{Crowd, Plan};
use super::report::Report;
use super::room_clock::local_ms;
use super::{burst, countdown, gifts, idle, overload, storm};
use crate::api::Server;
use crate::control::Control;
use crate::swarm::Usage;

/// Pings by which the tester learns the server's clock over loopback, to a fraction of a millisecond.
const TRUTH_PINGS: usize = 40;
/// What the server may take to let a clock settle after the last join.
const SETTLE: Duration = Duration::from_secs(2);

/// Command line of `lianmai-load shop`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// Room to shop in; it is created, and each part that needs silence takes one beside it.
    #[arg(long, default_value = "shop")]
    room: String,
    /// Parts to run, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    parts: Vec<Part>,
    /// Shoppers.
    #[arg(long, default_value_t = 1_000)]
    shoppers: usize,
    /// Countdowns that are watched.
    #[arg(long, default_value_t = 5)]
    countdowns: usize,
    /// Orders of each shopper at the opening.
    #[arg(long, default_value_t = 10)]
    orders: usize,
    /// Units for sale in the burst.
    #[arg(long, default_value_t = 5_000)]
    stock: u64,
    /// Shoppers who order in a row, and how often each a second.
    #[arg(long, default_value_t = 3_000)]
    buyers: usize,
    #[arg(long, default_value_t = 4.5)]
    order_rate: f64,
    /// Gifts a second.
    #[arg(long, default_value_t = 20.0)]
    gift_rate: f64,
    /// Lines of chat a second when everybody talks.
    #[arg(long, default_value_t = 200.0)]
    chat_rate: f64,
    /// Seconds of orders in a row, of gifts and of chat.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Sockets that say nothing.
    #[arg(long, default_value_t = 5_000)]
    idle: usize,
    /// Sockets that come at once, and shoppers who are in before.
    #[arg(long, default_value_t = 5_000)]
    storm: usize,
    #[arg(long, default_value_t = 200)]
    residents: usize,
    /// Process of the server, whose CPU time and memory are measured.
    #[arg(long)]
    pid: Option<u32>,
    /// Write the result as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Part {
    Idle,
    Countdown,
    Burst,
    Sustained,
    Gifts,
    Overload,
    Storm,
}

impl Part {
    /// Idle first, while the server's memory is that of a server that has just started.
    const ALL: [Self; 7] = [
        Self::Idle,
        Self::Countdown,
        Self::Burst,
        Self::Gifts,
        Self::Overload,
        Self::Sustained,
        Self::Storm,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Countdown => "countdown",
            Self::Burst => "burst",
            Self::Sustained => "sustained",
            Self::Gifts => "gifts",
            Self::Overload => "overload",
            Self::Storm => "storm",
        }
    }
}

/// A room, its host's socket, and the server's clock as precisely as loopback allows.
pub(crate) struct Shop {
    control: Control,
    start: Instant,
    /// Room time less local time in milliseconds.
    offset_ms: f64,
}

/// A sale that was announced.
pub(crate) struct Sale {
    pub(crate) id: String,
    /// Room time in milliseconds.
    pub(crate) open_at: f64,
}

impl Shop {
    async fn open(server: &Server, room: &str, start: Instant) -> Result<Self> {
        let host = server.enter(room, "host", "host").await?;
        host.create_room(room, "A shop under load").await?;
        let control = Control::join(&host, room).await?;
        let offset_ms = truth(&control, start).await?;
        Ok(Self { control, start, offset_ms })
    }

    /// Announces a sale with what `offer` adds to a title, a product and a price.
    pub(crate) async fn announce(&self, offer: Value) -> Result<Sale> {
        let mut body = json!({ "title": "flash", "sku": "sku-1", "price_cents": 990 });
        let (Some(all), Value::Object(offer)) = (body.as_object_mut(), offer) else {
            unreachable!("both are objects")
        };
        all.extend(offer);
        let answer = self.control.send("sale.announce", body).await?;
        let id = answer["sale"].as_str().context("the answer names no sale")?.to_owned();
        Ok(Sale { id, open_at: answer["open_at"].as_f64().context("the sale has no opening")? })
    }

    /// Calls a sale off; one that is over already stays as it is.
    pub(crate) async fn cancel(&self, sale: &Sale) {
        let _ = self.control.send("sale.cancel", json!({ "sale": sale.id })).await;
    }

    /// Returns room time at `at`.
    pub(crate) fn room_ms(&self, at: Instant) -> f64 {
        local_ms(self.start, at) + self.offset_ms
    }

    /// Returns the instant at which it is `room_ms`.
    pub(crate) fn instant_of(&self, room_ms: f64) -> Instant {
        self.start + Duration::from_secs_f64((room_ms - self.offset_ms).max(0.0) / 1_000.0)
    }
}

/// Learns the server's clock by the quickest of many pings without a network between.
async fn truth(control: &Control, start: Instant) -> Result<f64> {
    let mut best = (f64::MAX, 0.0);
    for _ in 0..TRUTH_PINGS {
        let c0 = local_ms(start, Instant::now());
        let pong = control.ping(c0).await?;
        let c1 = local_ms(start, Instant::now());
        let s1 = pong["s1"].as_f64().context("a pong has no time")?;
        if c1 - c0 < best.0 {
            best = (c1 - c0, s1 - f64::midpoint(c0, c1));
        }
        // The server answers seven a second.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(best.1)
}

/// Measures, prints and writes.
pub(crate) async fn run(options: Options) -> Result<()> {
    let start = Instant::now();
    let shop = Shop::open(&options.server, &options.room, start).await?;
    let mut report = Report::default();
    for part in &options.parts {
        tracing::info!(part = part.name(), "Measuring.");
        let before = options.pid.map(Usage::of).transpose()?;
        let began = Instant::now();
        measure(*part, &options, &shop, &mut report).await?;
        if let (Some(pid), Some(before)) = (options.pid, before) {
            let used = (Usage::of(pid)?.cpu - before.cpu).as_secs_f64();
            report.server_cores.push((part.name(), used / began.elapsed().as_secs_f64()));
        }
    }
    eprint!("{}", report.table());
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

async fn measure(part: Part, options: &Options, shop: &Shop, report: &mut Report) -> Result<()> {
    let plan = Plan {
        server: options.server.clone(),
        room: options.room.clone(),
        behind_networks: part == Part::Countdown,
        keep_time: part == Part::Countdown,
        start: shop.start,
    };
    if part == Part::Idle {
        let pid = options.pid.context("--pid is needed to see what an idle socket costs")?;
        report.idle = Some(idle::measure(&plan, options.idle, pid).await?);
        return Ok(());
    }
    let size = match part {
        Part::Sustained => options.buyers,
        Part::Storm => options.residents,
        Part::Idle | Part::Countdown | Part::Burst | Part::Gifts | Part::Overload => {
            options.shoppers
        }
    };
    let mut crowd = Crowd::join(&plan, size).await?;
    tokio::time::sleep(SETTLE).await;
    let crowd_ref = &mut crowd;
    match part {
        Part::Idle => {}
        Part::Countdown => {
            report.countdown = Some(countdown::measure(shop, crowd_ref, options.countdowns).await?);
        }
        Part::Burst => {
            report.burst =
                Some(burst::burst(shop, crowd_ref, options.orders, options.stock).await?);
        }
        Part::Sustained => {
            let (rate, seconds) = (options.order_rate, options.seconds);
            report.sustained = Some(burst::sustain(shop, crowd_ref, rate, seconds).await?);
        }
        Part::Gifts => {
            let (rate, seconds) = (options.gift_rate, options.seconds);
            report.gifts = Some(gifts::measure(shop, crowd_ref, rate, seconds).await?);
        }
        Part::Overload => {
            let (rate, seconds) = (options.chat_rate, options.seconds);
            report.overload = Some(overload::measure(shop, crowd_ref, rate, seconds).await?);
        }
        Part::Storm => {
            report.storm = Some(storm::measure(shop, &plan, crowd_ref, options.storm).await?);
        }
    }
    crowd.leave().await;
    Ok(())
}
