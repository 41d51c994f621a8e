//! Starts programs for tests and waits for them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use media_rules::layout::{Choice, Figures, Performer};
use media_rules::{FeedId, FrameCodec, Rect, Scene};
use mixer::{Program, ProgramConfig, ProgramEvent};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use crate::clip::Clip;
use crate::viewer::{Recorded, pictures, record};
use crate::{CANVAS, COLOURS};

/// Tests mostly wait for real time to pass, so two of them share the machine. Who measures what a
/// neighbour would spoil has it alone.
static MACHINE: Semaphore = Semaphore::const_new(PLACES as usize);
const PLACES: u32 = 2;

pub(crate) type Place = SemaphorePermit<'static>;
pub(crate) type Events = mpsc::Receiver<ProgramEvent>;

/// Waits for a place on the machine and starts a program.
pub(crate) async fn start(name: &str) -> (Place, Program, Events) {
    let place = place().await;
    let (program, events) = launch(name);
    (place, program, events)
}

pub(crate) async fn place() -> Place {
    MACHINE.acquire().await.unwrap()
}

/// Waits until nobody else is on the machine.
pub(crate) async fn alone() -> Place {
    MACHINE.acquire_many(PLACES).await.unwrap()
}

pub(crate) fn launch(name: &str) -> (Program, Events) {
    Program::start(config(name)).unwrap()
}

/// `LIANMAI_TEST_ENCODER=openh264` runs everything here with another encoder.
pub(crate) fn config(name: &str) -> ProgramConfig {
    let mixer = PathBuf::from(env!("CARGO_BIN_EXE_lianmai-mixer"));
    let runtime = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let encoder = std::env::var("LIANMAI_TEST_ENCODER").unwrap_or_else(|_| "auto".to_owned());
    ProgramConfig {
        canvas: CANVAS,
        encoder: encoder.parse().unwrap(),
        ..ProgramConfig::portrait(name, mixer, runtime)
    }
}

pub(crate) async fn until_started(events: &mut Events) {
    let started =
        async { while !matches!(events.recv().await, Some(ProgramEvent::Started { .. })) {} };
    tokio::time::timeout(Duration::from_secs(10), started).await.expect("the mixer starts");
}

/// Waits until every one of `tiles` shows a host. A keyframe is on its way then, from which a recording
/// that begins now can be decoded.
pub(crate) async fn until_shown(program: &Program, events: &mut Events, tiles: Vec<Rect>) {
    const STEP: Duration = Duration::from_millis(200);
    program.request_keyframe();
    let mut recorded = record(events, STEP).await;
    for _ in 0..40 {
        let (looked_at, tiles) = (recorded.clone(), tiles.clone());
        let shown = tokio::task::spawn_blocking(move || {
            let pictures = pictures(&looked_at);
            let is_shown = |tile: &Rect| pictures.last().is_some_and(|p| p.mark(*tile).is_some());
            tiles.iter().all(is_shown)
        });
        // Frames that nobody takes while one looks would be dropped.
        let (next, shown) = tokio::join!(record(events, STEP), shown);
        if shown.unwrap() {
            program.request_keyframe();
            return;
        }
        recorded.extend(next);
        recorded.drain(..newest_key(&recorded));
    }
    panic!("the hosts are not shown within eight seconds");
}

/// Returns where the newest keyframe of a recording is.
fn newest_key(recorded: &[Recorded]) -> usize {
    recorded.iter().rposition(|(_, event)| is_key(event)).unwrap_or(0)
}

fn is_key(event: &ProgramEvent) -> bool {
    matches!(event, ProgramEvent::Frame { frame, .. } if frame.codec == FrameCodec::H264 && frame.is_key)
}

/// Hosts' media is made once for all tests.
pub(crate) fn clip(id: u8) -> Arc<Clip> {
    static CLIPS: [OnceLock<Arc<Clip>>; 4] = [const { OnceLock::new() }; 4];
    let index = usize::from(id) - 1;
    CLIPS[index].get_or_init(|| Arc::new(Clip::make(id, 360, 640, COLOURS[index]))).clone()
}

pub(crate) fn scene(revision: u64, feeds: &[&FeedId]) -> Scene {
    scene_on(CANVAS, revision, feeds)
}

pub(crate) fn scene_on(canvas: (u32, u32), revision: u64, feeds: &[&FeedId]) -> Scene {
    let performer =
        |feed: &&FeedId| Performer { feed: (*feed).clone(), name: String::new(), is_muted: false };
    let performers: Vec<_> = feeds.iter().map(performer).collect();
    Choice::default().scene(revision, &performers, false, canvas, Figures::default())
}
