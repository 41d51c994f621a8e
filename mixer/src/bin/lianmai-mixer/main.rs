//! The mixer process of one program: RTP of the hosts in, one encoded program out.
//!
//! Its standard input is a socket to the server (`mixer::link`). When that socket closes the
//! process ends, whatever it was doing, so no mixer outlives its server.
//!
//! ```text
//! link ─▶ desk ─▶ artist ───────────────────────────────▶ picture tick ─▶ canvas ─┐
//!          └────▶ feed: ingest ─▶ decoders ─▶ pictures ────────┘                  │
//!                                          └▶ voice    ─▶ sound tick ─────────────┤
//! link ◀─ outlet ◀────────────────────────────────────────────────────── encoder ◀┘
//! ```
//!
//! Of a host who is passed on (`solo`, `sound_pass`) pictures and sound go from the feed to the outlet.
//!
//! GStreamer decodes, scales and encodes; the two ticks, not a GStreamer clock, decide when
//! a picture is due. Every feed has pipelines of its own, so neither a broken stream nor a scene
//! change can disturb the pipeline that encodes the program.

#![forbid(unsafe_code)]

mod artist;
mod backfill;
mod canvas;
mod chain;
mod clip;
mod decoder;
mod desk;
mod ducking;
mod encoder;
mod exit;
mod expand;
mod face;
mod feed;
mod fit;
mod h264_element;
mod inlet;
mod limiter;
mod loudness;
mod motion;
mod outlet;
mod paint;
mod photographer;
mod picture_tick;
mod pictures;
mod reel;
mod revisions;
mod scenery;
mod side_mixes;
mod solo;
mod sound_decoder;
mod sound_encoder;
mod sound_pass;
mod sound_thread;
mod sound_tick;
mod stage;
mod stretch;
mod video_encoder;
mod voice;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use mixer::link::{Down, Start, Up};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::desk::Desk;
use crate::encoder::Encoder;
use crate::exit::Exit;
use crate::inlet::Inlet;
use crate::outlet::Outlet;
use crate::solo::Solo;
use crate::sound_thread::SoundDesk;

/// How far this process goes before others on the machine, in units of `nice`.
const PRIORITY: i32 = -10;

/// The same of its session. A session's rank is divided among its threads by how much they want, and
/// the ones that must wake in time want least, so it takes all that there is (docs/LATENCY.md).
const SESSION_PRIORITY: i32 = -20;

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    if let [_, option, encoder] = &std::env::args().collect::<Vec<_>>()[..]
        && option == "--check-encoder"
    {
        gstreamer::init().context("GStreamer")?;
        h264_element::H264Element::find(encoder.parse()?)?;
        return Ok(());
    }
    // The server starts this process from a thread that lives as long as it wants the process.
    set_parent_process_death_signal(Some(Signal::KILL)).context("asking to die with the server")?;
    die_with_any_thread();
    go_first();

    let link = std::io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let mut link = Inlet::new(UnixStream::from(link));
    let Some(Down::Start(start)) = link.next()? else {
        anyhow::bail!("the server did not say what to make");
    };
    let outlet = Arc::new(Outlet::start(link.try_clone()?)?);
    outlet.send(Up::Ready);
    run(link, start, outlet)
}

fn run(mut link: Inlet, start: Start, outlet: Arc<Outlet>) -> anyhow::Result<()> {
    gstreamer::init().context("GStreamer")?;
    let exit = Arc::new(Exit::new(Arc::clone(&outlet)));
    let encoder = Arc::new(Encoder::start(&start, &exit)?);
    let canvas = (start.width, start.height);
    let pictures = picture_tick::start(start.clone(), Arc::clone(&encoder), Arc::clone(&outlet))?;
    let scenes = artist::start(canvas, images(), pictures.clone())?;
    let sound = SoundDesk::start(Arc::clone(&encoder), Arc::clone(&outlet))?;
    let solo = Solo::new(&start, exit);
    let desk = Desk::new(start, Arc::clone(&encoder), outlet, (scenes, pictures), sound, solo);
    let told = desk.run(&mut link);
    encoder.stop();
    told
}

/// Returns the folder of the images that may be shown: the argument after the program's name.
fn images() -> Option<PathBuf> {
    std::env::args_os().nth(2).map(PathBuf::from)
}

/// Thousands watch what this process makes, so it asks to run before others on a busy machine. Only
/// some systems allow that, so a refusal is no error.
fn go_first() {
    let _ = rustix::process::nice(PRIORITY);
    // Linux shares the processors between sessions first and looks at `nice` only inside one
    // (sched(7), autogroup): a session of our own gets a share of its own, and can rank it.
    if rustix::process::setsid().is_ok() {
        let _ = std::fs::write("/proc/self/autogroup", SESSION_PRIORITY.to_string());
    }
}

/// A process with a dead thread would look alive and make no program; the server restarts a dead
/// process within a second.
fn die_with_any_thread() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        std::process::exit(101);
    }));
}
