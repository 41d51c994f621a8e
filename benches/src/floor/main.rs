//! `lianmai-floor`: what sending a stream to many viewers costs if nothing else is done.
//!
//! Each packet of a real clip is copied, numbered, sealed with AES-128-GCM and handed to the kernel:
//! a picture's packets to one viewer in messages that the kernel cuts apart (UDP_SEGMENT), sound in
//! messages of its own, `sendmmsg` for many viewers at once. There is no RTCP, no timer, no state but
//! keys and numbers, and nobody to answer, so no server that does the same can be cheaper. The
//! receivers are another process, which is not counted.

#![forbid(unsafe_code)]

mod mix;
mod sender;
mod sink;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "lianmai-floor", about = "The least that a fan-out costs")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends a clip to so many sockets and prints the CPU time per packet as JSON.
    Send(Options),
    /// Receives, for `send`: prints its ports and reads until its input ends.
    Sink {
        /// Sockets.
        #[arg(long)]
        viewers: usize,
    },
}

/// What is sent to how many.
#[derive(clap::Args)]
struct Options {
    /// Picture, H.264 in Annex B with access unit delimiters.
    #[arg(long)]
    video: PathBuf,
    /// Sound, Opus in Ogg.
    #[arg(long)]
    audio: PathBuf,
    /// Pictures a second.
    #[arg(long, default_value_t = 30)]
    rate: u32,
    /// Destinations.
    #[arg(long, default_value_t = 200)]
    viewers: usize,
    /// How long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Sends as fast as it goes, not in the clip's own time.
    #[arg(long)]
    flat_out: bool,
    /// What runs the receivers, e.g. `taskset -c 1`.
    #[arg(long, default_value = "")]
    sink_prefix: String,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Sink { viewers } => sink::run(viewers),
        Command::Send(options) => {
            let bursts = mix::load(&options.video, &options.audio, options.rate)?;
            let sink = sink::Sink::start(options.viewers, &options.sink_prefix)?;
            let pace =
                if options.flat_out { sender::Pace::FlatOut } else { sender::Pace::RealTime };
            let duration = Duration::from_secs(options.seconds);
            let sent = sender::run(&bursts, sink.ports(), pace, duration)?;
            let received = sink.finish()?;
            Ok(writeln!(std::io::stdout(), "{}", sent.to_json(received))?)
        }
    }
}
