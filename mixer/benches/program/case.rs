//! What is measured: so many hosts of such a size in a program of 1280x720, ours or the yardstick.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use media_rules::h264::Packetizer;
use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaTime, Rect, Scene, Tile};
use mixer::{Program, ProgramConfig, ProgramEvent, Quality};
use tokio::sync::mpsc;

use crate::clip::Clip;
use crate::footage::film;
use crate::host::Host;
use crate::load::Busyness;
use crate::threads::Snapshot;
use crate::viewer::{Recorded, pictures};

/// The program's size.
const CANVAS: (u32, u32) = (1280, 720);

/// Not quite 30 a second: in 20 s the cameras' pictures go through every phase to the program's.
const CAMERA_PERIOD: Duration = Duration::from_nanos(33_277_870);

/// Until decoders, encoder and rate control have settled.
const SETTLE: Duration = Duration::from_secs(3);

/// Who makes the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Maker {
    /// `lianmai-mixer`.
    Ours,
    /// A plain GStreamer pipeline.
    Yardstick,
}

/// One situation.
pub(crate) struct Case {
    hosts: usize,
    /// Seats on the picture from which nothing comes.
    idle: u32,
    size: (usize, usize),
    kbps: u32,
}

impl Case {
    /// Returns the case of this name: `2x720`, `4x720`, `9x360`, or `2x720+2` with idle seats.
    pub(crate) fn named(name: &str) -> Self {
        let (hosts, rest) = name.split_once('x').expect("a case is named like 2x720");
        let (lines, idle) = rest.split_once('+').unwrap_or((rest, "0"));
        let (size, kbps) = match lines {
            "720" => ((1280, 720), 2_500),
            "360" => ((640, 360), 800),
            _ => panic!("hosts send 720 or 360 lines"),
        };
        Self { hosts: hosts.parse().unwrap(), idle: idle.parse().unwrap(), size, kbps }
    }

    fn feeds(&self) -> Vec<FeedId> {
        (0..self.hosts).map(|host| FeedId::new("a", &format!("host-{host}"))).collect()
    }

    /// Idle seats stand below the hosts, whose tiles are the same with and without them.
    fn scene(&self) -> Scene {
        let side = if self.hosts > 4 { 3 } else { 2 };
        let (width, height) = ((CANVAS.0 / side) & !1, (CANVAS.1 / side) & !1);
        let top = if self.hosts > 2 { 0 } else { CANVAS.1 / 4 };
        let cell = |(index, feed): (u32, FeedId)| {
            let (x, y) = (index % side * width, top + index / side * height);
            Tile::new(feed, Rect { x, y, width, height })
        };
        let idle = |seat: u32| {
            let rect = Rect { x: seat * 320, y: 540, width: 320, height: 180 };
            Tile::new(FeedId::new("a", &format!("idle-{seat}")), rect)
        };
        let live = (0..).zip(self.feeds()).map(cell);
        Scene::new(1, live.chain((0..self.idle).map(idle)).collect())
    }
}

/// What a run showed.
pub(crate) struct Run {
    /// Cores used, by stage.
    pub(crate) stages: BTreeMap<&'static str, f64>,
    /// New pictures a second.
    pub(crate) fps: f64,
    /// The H.264 stream.
    pub(crate) kbps: f64,
    /// How busy the machine was, as a share of all its cores.
    pub(crate) busy: f64,
    /// From a host's last packet of a picture to the program's packets that show it, sorted.
    pub(crate) added_ms: Vec<f64>,
}

/// Runs a case for `length`; looks at the picture only if asked, which costs time afterwards.
pub(crate) async fn run(case: &Case, maker: Maker, length: Duration, is_watched: bool) -> Run {
    let clip = Arc::new(film(case.size.0, case.size.1, case.kbps));
    let (program, mut events) = Program::start(config(maker)).unwrap();
    let hosts = start_hosts(case, &clip, &program);
    let scene = case.scene();
    program.set_scene(scene.clone());
    record(&mut events, SETTLE).await;

    let process = children()[0];
    let (before, busyness) = (Snapshot::of(process), Busyness::begin());
    let (recorded, sent) = watch(&mut events, &hosts, length).await;
    let (after, busy) = (Snapshot::of(process), busyness.share());
    drop(hosts);
    program.stop().await;

    let seconds = length.as_secs_f64();
    let mut stages = after.since(&before);
    stages.values_mut().for_each(|used| *used /= seconds);
    let encoded: Vec<&EncodedFrame> = recorded.iter().filter_map(h264).collect();
    let bytes: usize = encoded.iter().map(|frame| frame.data.len()).sum();
    let mut added_ms = Vec::new();
    if is_watched {
        let tiles: Vec<Rect> = scene.tiles.iter().take(case.hosts).map(|tile| tile.rect).collect();
        added_ms = added(&recorded, &tiles, &sent);
        added_ms.sort_by(f64::total_cmp);
    }
    Run {
        stages,
        fps: encoded.len() as f64 / seconds,
        kbps: bytes as f64 * 8.0 / 1_000.0 / seconds,
        busy,
        added_ms,
    }
}

fn start_hosts(case: &Case, clip: &Arc<Clip>, program: &Program) -> Vec<Host> {
    let start = |feed: &FeedId| {
        // Hosts are not in step with each other.
        std::thread::sleep(Duration::from_millis(11));
        Host::start_at(CAMERA_PERIOD, feed.identity(), vec![Arc::clone(clip)], program)
    };
    case.feeds().iter().map(start).collect()
}

fn config(maker: Maker) -> ProgramConfig {
    let mixer = match maker {
        Maker::Ours => PathBuf::from(env!("CARGO_BIN_EXE_lianmai-mixer")),
        Maker::Yardstick => std::env::current_exe().unwrap(),
    };
    // The name is what this very program knows its part by.
    let name = if maker == Maker::Ours { "bench" } else { crate::YARDSTICK };
    let runtime = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    ProgramConfig {
        canvas: CANVAS,
        quality: Quality { video_kbps: 2_500, renditions: Vec::new() },
        ..ProgramConfig::portrait(name, mixer, runtime)
    }
}

/// Records what comes, each picture with the moment at which its RTP packets are made, and when
/// the hosts had sent each of their pictures, latest last.
async fn watch(
    events: &mut mpsc::Receiver<ProgramEvent>,
    hosts: &[Host],
    length: Duration,
) -> (Vec<Recorded>, Vec<Vec<Vec<MediaTime>>>) {
    let packetizer = Packetizer::default();
    let mut payloads = Vec::new();
    let (mut recorded, mut sent) = (Vec::new(), vec![Vec::new(); hosts.len()]);
    let end = tokio::time::Instant::now() + length;
    let mut look = end - length;
    while let Ok(Some(event)) = tokio::time::timeout_at(end, events.recv()).await {
        if let ProgramEvent::Frame { frame, .. } = &event
            && frame.codec == FrameCodec::H264
        {
            packetizer.packetize(&frame.data, &mut payloads);
            payloads.clear();
        }
        recorded.push((mixer::media_now(), event));
        if tokio::time::Instant::now() >= look {
            // Well within a turn of the clip, after which its numbers come again.
            look += Duration::from_secs(1);
            for (host, seen) in hosts.iter().zip(&mut sent) {
                seen.push(host.sent.lock().unwrap().clone());
            }
        }
    }
    for (host, seen) in hosts.iter().zip(&mut sent) {
        seen.push(host.sent.lock().unwrap().clone());
    }
    (recorded, sent)
}

fn added(recorded: &[Recorded], tiles: &[Rect], sent: &[Vec<Vec<MediaTime>>]) -> Vec<f64> {
    let mut added = Vec::new();
    for picture in pictures(recorded) {
        for (tile, sent) in tiles.iter().zip(sent) {
            let Some(mark) = picture.mark(*tile) else { continue };
            let moments = sent.iter().filter_map(|turn| turn.get(mark.number));
            let latest = moments.filter(|moment| **moment <= picture.came).max();
            // A picture that was sent before anything was noted.
            let Some(latest) = latest.filter(|moment| **moment > MediaTime::default()) else {
                continue;
            };
            added.push(picture.came.since(*latest).as_secs_f64() * 1e3);
        }
    }
    added
}

fn h264((_, event): &Recorded) -> Option<&EncodedFrame> {
    match event {
        ProgramEvent::Frame { frame, .. } if frame.codec == FrameCodec::H264 => Some(frame),
        _ => None,
    }
}

async fn record(events: &mut mpsc::Receiver<ProgramEvent>, length: Duration) {
    let _ = crate::viewer::record(events, length).await;
}

fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}
