//! Loads a server the way its users do: synthetic hosts that publish, viewers that count what they
//! get, shoppers who chat, give gifts and order, and the demo that puts them all on one stage.

#![forbid(unsafe_code)]

mod api;
mod clip;
mod control;
mod demo;
mod film;
mod host;
mod mark;
mod orders;
mod paint;
mod shop;
mod shopper;
mod swarm;
mod watch;
mod webrtc_client;
mod wire;
mod witness;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "lianmai-load",
    about = "Publishers, viewers and shoppers for a lianmai server",
    version
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the clips that synthetic hosts publish, unless they are there already.
    Media {
        /// Where the clips go.
        #[arg(long, default_value = "target/media")]
        out: PathBuf,
    },
    /// Publishes one clip into a room, as its host, until Ctrl-C.
    Host(host::Options),
    /// Watches a room's program and prints what arrived as one line of JSON.
    Watch(watch::Options),
    /// A bad network on loopback: relays UDP with delay, loss and a rate limit, changed by lines on
    /// standard input.
    Wire(wire::Options),
    /// Loads a server with viewers in the thousands and measures what they get and what it costs.
    Swarm(swarm::Options),
    /// Finds the most viewers that Janus sustains, and measures both servers with as many.
    Compare(swarm::CompareOptions),
    /// Shoppers in the thousands: countdowns, order bursts, gifts and chat, and how fast and fair they are.
    Shop(shop::Options),
    /// Says, once standard input ends, how long at most this machine kept a thread waiting.
    Witness,
    /// Two hosts battle each other again and again; shoppers chat, give gifts and buy.
    Demo(demo::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LIANMAI_LOG")
        .unwrap_or_else(|_| "warn,lianmai_load=info,rtc_dtls=error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    match Cli::parse().command {
        Command::Media { out } => paint::ensure_clips(&out),
        Command::Host(options) => host::run(options).await,
        Command::Watch(options) => watch::run(options).await,
        Command::Wire(options) => wire::run(options).await,
        Command::Swarm(options) => swarm::run(options).await,
        Command::Compare(options) => swarm::compare(options).await,
        Command::Shop(options) => shop::run(options).await,
        Command::Witness => witness::run(),
        Command::Demo(options) => demo::run(options).await,
    }
}
