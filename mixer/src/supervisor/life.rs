//! One mixer process from its start to its end: whoever has something for it writes down the
//! link, with a thread for what the kernel does not take at once; the keeper's own reads up. The process
//! finds its socket as its standard input, so nothing needs a name in the file system and nothing is left
//! behind.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use media_rules::FrameCodec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tracing::debug;

use super::patience::Patience;
use super::usage::Usage;
use super::{Delivery, ProgramConfig, ProgramEvent, Shared};
use crate::link::{Beat, Deframer, Down, LinkError, Up};
use crate::media_now;

/// A new process may have to scan GStreamer's plugins first.
const PATIENCE_AT_START: Duration = Duration::from_secs(15);

/// A running process makes a picture every 33 ms, whatever its hosts do.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a process may take to end after it was asked to.
const PATIENCE_AT_STOP: Duration = Duration::from_secs(1);

/// How often memory and CPU time of a process are read.
const WEIGH_EVERY: Duration = Duration::from_secs(1);

/// How often the keeper looks whether this life is over.
const GLANCE: Duration = Duration::from_millis(100);

/// How a life ended.
pub(super) enum End {
    /// As it was asked to.
    Stopped,
    /// By itself.
    Died(String),
}

/// A process and its end of the link.
pub(super) struct Life {
    child: Child,
    link: UnixStream,
    memory_limit_bytes: u64,
}

impl Life {
    /// Starts a process.
    pub(super) fn begin(config: &ProgramConfig, shared: &Shared) -> io::Result<Self> {
        let (link, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&config.mixer_bin);
        command.arg(&config.name).stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        if let Some(images) = &config.images_dir {
            command.arg(images);
        }
        if let Some(registry) = own_registry(&config.runtime_dir) {
            command.env("GST_REGISTRY", registry);
        }
        let child = command.spawn()?;

        // What was meant for the process before this one would only be a torn picture.
        shared.input.clear();
        let mut greeting = Vec::new();
        Down::Start(config.start(shared.quality().clone())).encode(&mut greeting);
        Down::Duty(*shared.duty()).encode(&mut greeting);
        if let Some(scene) = shared.scene().clone() {
            Down::Scene(scene).encode(&mut greeting);
        }
        Down::SideMixes(shared.side_mixes().clone()).encode(&mut greeting);
        Down::Aac(shared.wants_aac()).encode(&mut greeting);
        let memory_limit_bytes = config.memory_limit_bytes;
        let mut life = Self { child, link, memory_limit_bytes };
        life.link.write_all(&greeting)?;
        Ok(life)
    }

    /// Returns the id of the process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Carries messages both ways until the process ends.
    pub(super) fn run(
        mut self,
        shared: &Shared,
        delivery: &mut Delivery,
        generation: u64,
    ) -> io::Result<End> {
        shared.input.open(self.link.try_clone()?);
        let parting = std::thread::scope(|scope| {
            let writer = std::thread::Builder::new()
                .name("mixer-writer".into())
                .spawn_scoped(scope, || shared.input.write_rest())?;
            let mut watch = Watch::new(shared, delivery, generation);
            let mut scale = Scale::new(self.child.id(), self.memory_limit_bytes);
            let parting = read_up(&self.link, &mut watch, &mut scale);
            // Frees a writer that waits for a process which no longer reads.
            let _ = self.link.shutdown(Shutdown::Both);
            shared.input.close();
            writer.join().expect("the writer does not panic");
            io::Result::Ok(parting)
        })?;
        let (reason, patience) = match parting {
            Parting::Leaving(reason) => (reason, PATIENCE_AT_STOP),
            Parting::Hopeless(reason) => (reason, Duration::ZERO),
        };
        let status = self.end(patience)?;
        if shared.is_stopping() {
            return Ok(End::Stopped);
        }
        Ok(End::Died(format!("{reason} ({status})")))
    }

    /// Gives the process `patience` to end by itself, then ends it.
    fn end(&mut self, patience: Duration) -> io::Result<std::process::ExitStatus> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Only a life that could not be run to its end gets here with a process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why there is nothing more to read.
enum Parting {
    /// It closed the link and is about to end.
    Leaving(String),
    /// Waiting longer would not help.
    Hopeless(String),
}

fn read_up(mut link: &UnixStream, watch: &mut Watch<'_>, scale: &mut Scale) -> Parting {
    let mut deframer = Deframer::default();
    let mut buffer = vec![0; 64 << 10];
    let mut stopping_since = None;
    loop {
        if is_readable(link) {
            match link.read(&mut buffer) {
                Ok(0) => return Parting::Leaving("closed its link".into()),
                Ok(length) => deframer.handle_bytes(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Parting::Leaving(format!("its link broke: {error}")),
            }
        }
        if let Err(error) = watch.handle_bodies(&mut deframer) {
            return Parting::Hopeless(format!("it cannot be understood: {error}"));
        }
        watch.delivery.fill_silence(media_now(), watch.shared.wanted_sound());
        if watch.patience.is_over(Instant::now()) {
            return Parting::Hopeless("it makes no pictures".into());
        }
        if let Some(mebibytes) = scale.excess() {
            return Parting::Hopeless(format!("it holds {mebibytes} MiB of memory"));
        }
        if watch.shared.is_stopping() {
            let since = *stopping_since.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE_AT_STOP {
                return Parting::Hopeless("it does not stop".into());
            }
        }
    }
}

/// Waits a moment for something to read. A call that only reads would be woken whenever the other side
/// has read, too.
fn is_readable(link: &UnixStream) -> bool {
    let longest = Timespec::try_from(GLANCE).expect("a moment is not long");
    match poll(&mut [PollFd::new(link, PollFlags::IN)], Some(&longest)) {
        Ok(count) => count > 0,
        Err(Errno::INTR) => false,
        // Reading says why.
        Err(_) => true,
    }
}

/// Weighs a process now and then.
struct Scale {
    process: u32,
    limit_bytes: u64,
    usage: Usage,
    weighed: Instant,
}

impl Scale {
    fn new(process: u32, limit_bytes: u64) -> Self {
        Self { process, limit_bytes, usage: Usage::default(), weighed: Instant::now() }
    }

    /// Returns how many MiB the process holds if that is more than it may.
    fn excess(&mut self) -> Option<u64> {
        if self.weighed.elapsed() < WEIGH_EVERY {
            return None;
        }
        self.weighed = Instant::now();
        let usage = Usage::of(self.process)?;
        usage.count_since(&self.usage);
        self.usage = usage;
        let is_heavy = self.limit_bytes > 0 && usage.resident_bytes > self.limit_bytes;
        is_heavy.then_some(usage.resident_bytes >> 20)
    }
}

impl Drop for Scale {
    fn drop(&mut self) {
        Usage { resident_bytes: 0, ..self.usage }.count_since(&self.usage);
    }
}

/// Passes on what a process says and notices when it falls silent.
struct Watch<'a> {
    shared: &'a Shared,
    delivery: &'a mut Delivery,
    generation: u64,
    patience: Patience,
    /// Whether it gave a sign of life.
    has_begun: bool,
    beat: Beat,
}

impl<'a> Watch<'a> {
    fn new(shared: &'a Shared, delivery: &'a mut Delivery, generation: u64) -> Self {
        let patience = Patience::new(PATIENCE_AT_START, Instant::now());
        let (has_begun, beat) = (false, Beat::default());
        Self { shared, delivery, generation, patience, has_begun, beat }
    }

    fn handle_bodies(&mut self, deframer: &mut Deframer) -> Result<(), LinkError> {
        while let Some(body) = deframer.poll_body()? {
            match Up::decode(body)? {
                Up::Ready => {}
                Up::Frame { frame, revision } => {
                    if frame.codec == FrameCodec::H264 {
                        self.handle_life();
                    }
                    if !self.delivery.handle_frame(frame, revision) {
                        self.shared.tell(Down::Keyframe);
                    }
                }
                Up::Rendition { name, frame } => {
                    if !self.delivery.handle_rendition(name, frame) {
                        self.shared.tell(Down::Keyframe);
                    }
                }
                Up::KeyframeWanted(feed) => {
                    self.delivery.send(ProgramEvent::KeyframeWanted(feed));
                }
                Up::SideFrame { without, frame } => {
                    self.delivery.send(ProgramEvent::SideFrame { without, frame });
                }
                Up::Loudness(seats) => {
                    self.delivery.offer(ProgramEvent::Loudness(seats));
                }
                Up::Beat(beat) => self.handle_beat(beat),
                Up::Clip(feed, news) => {
                    self.delivery.send(ProgramEvent::Clip { feed, news });
                }
                Up::Snapshot(snapshot) => {
                    self.delivery.send(ProgramEvent::Snapshot(snapshot));
                }
            }
        }
        Ok(())
    }

    fn handle_beat(&mut self, beat: Beat) {
        debug!(?beat, "Mixer beats.");
        let count = |name, now: u64, before: u64| {
            metrics::counter!(name).increment(now.saturating_sub(before));
        };
        count("mixer_pictures_total", beat.pictures, self.beat.pictures);
        count("mixer_pictures_skipped_total", beat.skipped, self.beat.skipped);
        count("mixer_pictures_dropped_total", beat.dropped, self.beat.dropped);
        metrics::histogram!("mixer_compose_worst_seconds").record(f64::from(beat.compose_us) / 1e6);
        metrics::histogram!("mixer_encode_worst_seconds").record(f64::from(beat.encode_us) / 1e6);
        if beat.steps_down > self.beat.steps_down {
            metrics::counter!("mixer_steps_down_total")
                .increment(u64::from(beat.steps_down - self.beat.steps_down));
        }
        self.beat = beat;
        // What makes no pictures still says that it could.
        let makes_pictures = self.shared.duty().makes_pictures();
        if !makes_pictures {
            self.handle_life();
        }
    }

    fn handle_life(&mut self) {
        self.patience.handle_life(PATIENCE);
        if !std::mem::replace(&mut self.has_begun, true) {
            let generation = self.generation;
            self.delivery.send(ProgramEvent::Started { generation });
        }
    }
}

/// Returns where GStreamer shall keep its plugin registry if it would have no place of its own.
/// Without one, every start of a process scans all plugins again, which takes most of a second.
fn own_registry(runtime_dir: &Path) -> Option<PathBuf> {
    if std::env::var_os("GST_REGISTRY").is_some() {
        return None;
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => Some(PathBuf::from(cache)),
        None => std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")),
    };
    let theirs = cache.map(|cache| cache.join("gstreamer-1.0"));
    let is_usable = theirs.is_some_and(|folder| std::fs::create_dir_all(folder).is_ok());
    (!is_usable).then(|| runtime_dir.join("gstreamer-registry.bin"))
}
