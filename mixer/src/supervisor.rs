//! Keeps one mixer process alive for one program.
//!
//! A thread of its own starts the process, reads what it encodes and starts it again when it dies
//! or hangs; the last scene is told to every new one. It is a thread and not a task because the
//! kernel ends the child with the *thread* that started it (`PR_SET_PDEATHSIG`), and a runtime is
//! free to retire its threads.
//!
//! ```text
//! Starting ──Ready, first picture──▶ Running ──exit, no picture for 3 s──▶ Waiting ──back-off──▶ Starting
//! ```

mod back_off;
mod delivery;
mod life;
mod patience;
mod stand_in;
mod usage;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaKind, Scene, TapItem};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use crate::link::{
    Clip, ClipNews, Down, Duty, SeatLoudness, SideMix, Snapshot, SnapshotWish, Start,
};
use crate::{Outbox, Quality, RenditionName, VideoEncoder, Weight, media_now};
use back_off::BackOff;
use delivery::Delivery;
use life::{End, Life};

/// RTP packets on their way to the process: about half a second of nine busy hosts. Full: see
/// [`Weight`]; a hole in a picture makes the mixer ask its host for a keyframe.
const INPUT_CAPACITY: usize = 2048;

/// Frames on their way to whoever owns the program: some three seconds. Full: see [`Delivery`].
const EVENT_CAPACITY: usize = 512;

/// What a program looks like and where its process is found.
#[derive(Clone, Debug)]
pub struct ProgramConfig {
    /// Names the program in logs.
    pub name: String,
    /// Size of the picture in pixels: width, height; both even.
    pub canvas: (u32, u32),
    /// Pictures per second; a keyframe comes every second.
    pub fps: u32,
    /// What encodes the picture.
    pub encoder: VideoEncoder,
    /// How much is made of each picture at first.
    pub quality: Quality,
    /// Target of the Opus encoder.
    pub opus_kbps: u32,
    /// Target of the AAC encoder.
    pub aac_kbps: u32,
    /// A folder with the images that scenes may show; without one they show none.
    pub images_dir: Option<PathBuf>,
    /// A process that holds more memory than this is replaced; 0 for no limit.
    pub memory_limit_bytes: u64,
    /// The program `lianmai-mixer`.
    pub mixer_bin: PathBuf,
    /// A folder that may be written; holds GStreamer's plugin registry where the user has no
    /// cache folder.
    pub runtime_dir: PathBuf,
}

impl ProgramConfig {
    /// Returns the usual portrait program: 720x1280, 30 pictures a second, 1500 kbit/s.
    pub fn portrait(name: &str, mixer_bin: PathBuf, runtime_dir: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            canvas: (720, 1280),
            fps: 30,
            encoder: VideoEncoder::Auto,
            quality: Quality { video_kbps: 1500, renditions: Vec::new() },
            opus_kbps: 96,
            aac_kbps: 128,
            images_dir: None,
            memory_limit_bytes: 1 << 30,
            mixer_bin,
            runtime_dir,
        }
    }

    fn start(&self, quality: Quality) -> Start {
        Start {
            width: self.canvas.0,
            height: self.canvas.1,
            fps: self.fps,
            opus_kbps: self.opus_kbps,
            aac_kbps: self.aac_kbps,
            encoder: self.encoder,
            quality,
        }
    }
}

/// Something a program did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProgramEvent {
    /// A piece of the program. `at` rises strictly per codec, also across restarts.
    Frame {
        /// The piece.
        frame: EncodedFrame,
        /// The revision of the scene that a picture shows; 0 before there is one, and for sound.
        revision: u64,
    },
    /// A piece of a mix that was asked for with [`Program::set_side_mixes`]. `at` rises as long as one
    /// process lives.
    SideFrame {
        /// Whose voice is left out.
        without: FeedId,
        /// Opus or AAC.
        frame: EncodedFrame,
    },
    /// How loud the seats are, five times a second.
    Loudness(Vec<SeatLoudness>),
    /// How a film of [`Program::set_clips`] is doing. Those of a process that died are not heard of again.
    Clip {
        /// Which.
        feed: FeedId,
        /// What is the matter.
        news: ClipNews,
    },
    /// A picture that was asked for with [`Program::request_snapshot`].
    Snapshot(Snapshot),
    /// A picture of a rendition. `at` rises strictly in each of them.
    Rendition {
        /// Which.
        name: RenditionName,
        /// The picture.
        frame: EncodedFrame,
    },
    /// A host must send a keyframe before its picture can be shown.
    KeyframeWanted(FeedId),
    /// A process made its first picture.
    Started {
        /// Counts the processes of this program, from 1.
        generation: u64,
    },
    /// A process ended without being asked to; another is on its way.
    Died {
        /// Which process.
        generation: u64,
        /// What is known about its end.
        reason: String,
    },
}

/// Sees frames of the program, how loud it is and that a process died before they are queued, in the thread
/// that read it from the process, and returns what is to be queued after all. It must not wait.
pub type Taker = Box<dyn FnMut(ProgramEvent) -> Option<ProgramEvent> + Send>;

/// A handle to a running program. The process ends with [`stop`](Self::stop) or with the last
/// clone of the handle.
#[derive(Clone, Debug)]
pub struct Program {
    handle: Arc<Handle>,
}

impl Program {
    /// Starts the program and the thread that keeps it alive.
    ///
    /// # Errors
    ///
    /// When the runtime folder or the thread cannot be made. A process that cannot be started
    /// shows as [`ProgramEvent::Died`] and is tried again.
    pub fn start(config: ProgramConfig) -> io::Result<(Self, mpsc::Receiver<ProgramEvent>)> {
        Self::start_into(config, Box::new(Some))
    }

    /// Does the same with frames that need not be queued.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_into(
        config: ProgramConfig,
        taker: Taker,
    ) -> io::Result<(Self, mpsc::Receiver<ProgramEvent>)> {
        std::fs::create_dir_all(&config.runtime_dir)?;
        let (events, receiver) = mpsc::channel(EVENT_CAPACITY);
        let (ended, has_ended) = watch::channel(());
        let shared = Arc::new(Shared {
            input: Outbox::new(INPUT_CAPACITY, Down::encode),
            scene: Mutex::default(),
            duty: Mutex::default(),
            side_mixes: Mutex::default(),
            quality: Mutex::new(config.quality.clone()),
            wants_aac: AtomicBool::new(true),
            is_stopping: AtomicBool::new(false),
        });

        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("mixer-keeper".into()).spawn(move || {
            keep_alive(&config, &theirs, Delivery::new(taker, events));
            drop(ended);
        })?;
        Ok((Self { handle: Arc::new(Handle { shared, has_ended }) }, receiver))
    }

    /// Changes the picture. It holds until the next call, across restarts of the process.
    pub fn set_scene(&self, scene: Scene) {
        *self.handle.shared.scene() = Some(scene.clone());
        self.handle.shared.tell(Down::Scene(scene));
    }

    /// Changes what the process makes, at once. It holds until the next call, across
    /// restarts of the process.
    pub fn set_duty(&self, duty: Duty) {
        let mut current = self.handle.shared.duty();
        if *current != duty {
            *current = duty;
            self.handle.shared.tell(Down::Duty(duty));
        }
    }

    /// Asks for mixes beside the program's. It holds until the next call, across restarts of the
    /// process.
    pub fn set_side_mixes(&self, mixes: Vec<SideMix>) {
        *self.handle.shared.side_mixes() = mixes.clone();
        self.handle.shared.tell(Down::SideMixes(mixes));
    }

    /// Changes how much is made of each picture, without a break. It holds like the scene.
    pub fn set_quality(&self, quality: Quality) {
        *self.handle.shared.quality() = quality.clone();
        self.handle.shared.tell(Down::Quality(quality));
    }

    /// Makes AAC, or none while nobody takes it. It holds like the scene.
    pub fn set_aac(&self, is_wanted: bool) {
        let shared = &self.handle.shared;
        if shared.wants_aac.swap(is_wanted, Ordering::AcqRel) != is_wanted {
            shared.tell(Down::Aac(is_wanted));
        }
    }

    /// Changes which films are played in, or loaded to be. A scene that shows one begins it. They end
    /// with the process: one of them may be what killed it.
    pub fn set_clips(&self, clips: Vec<Clip>) {
        self.handle.shared.tell(Down::Clips(clips));
    }

    /// Asks for a picture of the program as a file. It comes as an event, or not at all.
    pub fn request_snapshot(&self, wish: SnapshotWish) {
        self.handle.shared.tell(Down::Snapshot(wish));
    }

    /// Takes media of a host. Never waits; feeds that are not in the scene are ignored.
    pub fn input(&self, item: TapItem) {
        let weight = weight_of(&item);
        count_dropped_if(self.handle.shared.input.push(weight, Down::Input(item)).is_some());
    }

    /// Does the same with what is of no use without that which comes next (`media_rules::TapPace`), and
    /// leaves it to that to wake somebody.
    pub fn input_quietly(&self, item: TapItem) {
        let weight = weight_of(&item);
        count_dropped_if(
            self.handle.shared.input.push_quietly(weight, Down::Input(item)).is_some(),
        );
    }

    /// Makes the next picture a keyframe.
    pub fn request_keyframe(&self) {
        self.handle.shared.tell(Down::Keyframe);
    }

    /// Ends the process and returns when it is gone, at most about a second later.
    pub async fn stop(&self) {
        self.handle.shared.stop();
        let mut has_ended = self.handle.has_ended.clone();
        // The keeper never sends: an error says that it is gone, which is what is waited for.
        let _ = has_ended.changed().await;
    }
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    has_ended: watch::Receiver<()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// What the handles and the keeper's threads share.
#[derive(Debug)]
struct Shared {
    input: Outbox<Down>,
    scene: Mutex<Option<Scene>>,
    duty: Mutex<Duty>,
    side_mixes: Mutex<Vec<SideMix>>,
    quality: Mutex<Quality>,
    wants_aac: AtomicBool,
    is_stopping: AtomicBool,
}

impl Shared {
    fn tell(&self, message: Down) {
        count_dropped_if(self.input.push(Weight::Control, message).is_some());
    }

    fn scene(&self) -> std::sync::MutexGuard<'_, Option<Scene>> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn duty(&self) -> std::sync::MutexGuard<'_, Duty> {
        self.duty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn side_mixes(&self) -> std::sync::MutexGuard<'_, Vec<SideMix>> {
        self.side_mixes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quality(&self) -> std::sync::MutexGuard<'_, Quality> {
        self.quality.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants_aac(&self) -> bool {
        self.wants_aac.load(Ordering::Acquire)
    }

    /// Returns which sound must not end: none while another program makes the same.
    fn wanted_sound(&self) -> &'static [FrameCodec] {
        match (*self.duty(), self.wants_aac()) {
            (Duty::Sleep, _) => &[],
            (Duty::Mix | Duty::MixOrPass | Duty::Rest, false) => &[FrameCodec::Opus],
            (Duty::Mix | Duty::MixOrPass | Duty::Rest, true) => {
                &[FrameCodec::Opus, FrameCodec::Aac]
            }
        }
    }

    fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.tell(Down::Stop);
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}

fn weight_of(item: &TapItem) -> Weight {
    match item {
        TapItem::Packet(packet) if packet.kind() == MediaKind::Video => Weight::Picture,
        TapItem::Packet(_) | TapItem::Report(_) => Weight::Sound,
    }
}

fn count_dropped_if(is_dropped: bool) {
    if is_dropped {
        metrics::counter!("mixer_input_dropped_total").increment(1);
    }
}

fn keep_alive(config: &ProgramConfig, shared: &Shared, mut delivery: Delivery) {
    let mut back_off = BackOff::default();
    for generation in 1.. {
        if shared.is_stopping() {
            break;
        }
        let began = Instant::now();
        let end = Life::begin(config, shared).and_then(|life| {
            if generation > 1 {
                // They come while it starts, and wait for it.
                ask_for_keyframes(shared, &delivery);
            }
            info!(program = %config.name, generation, process = life.process(), "Mixer started.");
            life.run(shared, &mut delivery, generation)
        });
        let reason = match end {
            Ok(End::Stopped) => break,
            Ok(End::Died(reason)) => reason,
            Err(error) => format!("cannot be started: {error}"),
        };
        if shared.is_stopping() {
            break;
        }
        let pause = back_off.handle_death(began.elapsed());
        warn!(program = %config.name, generation, %reason, ?pause, "Mixer died.");
        metrics::counter!("mixer_restarts_total").increment(1);
        delivery.handle_death(generation, reason);
        wait(pause, shared, &mut delivery);
    }
    info!(program = %config.name, "Mixer stopped.");
}

/// Asks every host of the scene for a keyframe, as a process does that has none.
fn ask_for_keyframes(shared: &Shared, delivery: &Delivery) {
    let tiles = shared.scene().clone().map(|scene| scene.tiles).unwrap_or_default();
    for tile in tiles.into_iter().filter(|tile| !tile.feed.is_clip()) {
        delivery.send(ProgramEvent::KeyframeWanted(tile.feed));
    }
}

fn wait(pause: Duration, shared: &Shared, delivery: &mut Delivery) {
    let until = Instant::now() + pause;
    while Instant::now() < until && !shared.is_stopping() {
        delivery.fill_silence(media_now(), shared.wanted_sound());
        std::thread::sleep(Duration::from_millis(10));
    }
}
