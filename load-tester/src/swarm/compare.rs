//! Janus and lianmai side by side: the same publisher, the same film, the same viewers, one run.
//!
//! First the most viewers that Janus sustains are looked for, step by step, each step with a fresh Janus;
//! then lianmai gets as many. Ratios are of that pair.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::janus::Janus;
use super::namespace;
use super::report::Report;
use super::run::{self, Load};
use super::servers::Running;
use super::table::table;
use super::target::{Lianmai, Target};
use crate::api::Server;
use crate::film;

/// Less than this is not sustained.
const DELIVERED: f64 = 0.99;
const ROOM: &str = "load";

/// Command line of `lianmai-load compare`.
#[derive(Args)]
pub(crate) struct Options {
    /// Viewers to try on Janus, in rising order; the first step that it does not sustain is the last.
    #[arg(long, value_delimiter = ',', default_values_t = [25, 50, 75, 100, 150, 200, 300, 400])]
    counts: Vec<usize>,
    /// Threads that carry Janus' subscribers; 0 is Janus' default, one thread each.
    #[arg(long, default_value_t = 0)]
    janus_event_loops: u32,
    /// What runs the servers that are started, e.g. "taskset -c 0".
    #[arg(long, default_value = "")]
    server_prefix: String,
    /// Folder of the clips.
    #[arg(long, default_value = "target/media")]
    media: PathBuf,
    /// Joins a second.
    #[arg(long, default_value_t = 50.0)]
    join_rate: f64,
    /// Seconds that each step is measured.
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Write the result as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The pair of runs, and how it was come by.
#[derive(Serialize)]
struct Comparison {
    /// The most viewers of those tried that Janus delivered 99 % to.
    janus_sustained_viewers: usize,
    /// CPU time of lianmai for each packet, over Janus'.
    us_per_packet_ratio: Option<f64>,
    /// Janus with that many.
    janus: Report,
    /// lianmai with as many.
    lianmai: Report,
    /// Every step, also the one that Janus did not sustain.
    steps: Vec<Report>,
}

/// Compares and prints both tables.
#[expect(clippy::print_stdout, reason = "the tables are this program's output")]
pub(crate) async fn run(options: Options) -> Result<()> {
    namespace::enter()?;
    let mut steps = Vec::new();
    let mut sustained: Option<Report> = None;
    for viewers in &options.counts {
        let report = janus(&options, *viewers).await?;
        let is_sustained = is_sustained(&report, *viewers);
        print!("\n{}", table(&report));
        println!("{:<22}{}", "sustained", if is_sustained { "yes" } else { "no" });
        steps.push(report.clone());
        if !is_sustained {
            break;
        }
        sustained = Some(report);
    }
    let janus = sustained.context("Janus does not sustain even the first count")?;
    let lianmai = lianmai(&options, janus.viewers).await?;
    print!("\n{}", table(&lianmai));
    let us = |report: &Report| report.server.as_ref()?.us_per_packet;
    let ratio = us(&lianmai).zip(us(&janus)).map(|(ours, theirs)| ours / theirs);
    if let Some(ratio) = ratio {
        println!(
            "\nWith {} viewers a packet costs lianmai {ratio:.3} of what it costs Janus.",
            janus.viewers
        );
    }
    let comparison = Comparison {
        janus_sustained_viewers: janus.viewers,
        us_per_packet_ratio: ratio,
        janus,
        lianmai,
        steps,
    };
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&comparison)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn is_sustained(report: &Report, viewers: usize) -> bool {
    let delivered = report.steady.delivered_ratio.unwrap_or(0.0);
    report.joins.watching == viewers && delivered >= DELIVERED
}

async fn janus(options: &Options, viewers: usize) -> Result<Report> {
    let running = Running::janus(&options.server_prefix, options.janus_event_loops).await?;
    let target = Target::Janus(Janus::open(running.url.as_str()).await?);
    run::measure(&load(options, viewers, &running), target).await
}

async fn lianmai(options: &Options, viewers: usize) -> Result<Report> {
    let running = Running::lianmai(&options.server_prefix)?;
    ensure!(running.url.host_str() == Some("127.0.0.1"), "it listens on loopback");
    let server = Server::new(running.url.clone());
    let feed = Some(Lianmai::feed_of(ROOM));
    let target = Target::Lianmai(Lianmai::new(server, ROOM.to_owned(), feed));
    run::measure(&load(options, viewers, &running), target).await
}

fn load(options: &Options, viewers: usize, running: &Running) -> Load {
    Load {
        publish: Some(film::NAME.to_owned()),
        media: options.media.clone(),
        viewers,
        join_rate: options.join_rate,
        seconds: options.seconds,
        pid: Some(running.pid()),
        ..Load::default()
    }
}
