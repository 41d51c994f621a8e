//! Pumps from the stage's feeds into the mixer, on the media worker's own thread: a packet goes down the
//! link at once and wakes nobody but the mixer, and that only when a picture is whole. A feed that leaves
//! takes its own down. A mixer that sleeps is woken ten times a second for all of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use media_rules::{FeedId, Rect, Scene, TapBatch, TapItem, TapPace};
use mixer::Program;
use sfu::{Sfu, Tap};

/// The open taps of one program.
pub(super) struct Taps {
    sfu: Sfu,
    program: Program,
    open: HashMap<FeedId, Pump>,
    sleep: Arc<Sleep>,
}

/// Whether the mixer sleeps, and when it was woken last.
#[derive(Debug, Default)]
struct Sleep {
    is_asleep: AtomicBool,
    /// Held for a moment by whichever worker has a packet.
    batch: Mutex<TapBatch>,
}

impl Taps {
    /// Starts without any.
    pub(super) fn new(sfu: Sfu, program: Program) -> Self {
        Self { sfu, program, open: HashMap::new(), sleep: Arc::default() }
    }

    /// Lets the mixer be woken for many packets at once, or for each that it can do something with.
    pub(super) fn set_asleep(&self, is_asleep: bool) {
        self.sleep.is_asleep.store(is_asleep, Ordering::Release);
    }

    /// Opens and closes taps so that there is one for each feed of `scene`, and says how large each is.
    pub(super) fn follow(&mut self, scene: &Scene) {
        self.open.retain(|feed, _| scene.tiles.iter().any(|tile| tile.feed == *feed));
        // What is played in is the mixer's own.
        for tile in scene.tiles.iter().filter(|tile| !tile.feed.is_clip()) {
            let pump = self.open.entry(tile.feed.clone()).or_insert_with(|| {
                let pump = Pump::new(self.program.clone(), Arc::clone(&self.sleep));
                self.sfu.tap_into(&tile.feed, &(Arc::clone(&pump.0) as Arc<dyn Tap>));
                pump
            });
            pump.0.set_size(tile.rect);
        }
    }
}

/// An open tap, closed when this is dropped.
struct Pump(Arc<Pipe>);

impl Pump {
    fn new(program: Program, sleep: Arc<Sleep>) -> Self {
        let size = AtomicU32::new(u32::MAX);
        let (pace, is_closed) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Pipe { program, sleep, pace, size, is_closed }))
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
    }
}

/// The end that the media worker holds.
#[derive(Debug)]
struct Pipe {
    program: Program,
    sleep: Arc<Sleep>,
    /// Only one worker at a time comes here; a publisher may move to another.
    pace: Mutex<TapPace>,
    /// Width and height of its tile, 16 bits each.
    size: AtomicU32,
    is_closed: AtomicBool,
}

impl Pipe {
    fn set_size(&self, tile: Rect) {
        let [width, height] = [tile.width, tile.height].map(|pixels| pixels.min(0xffff));
        self.size.store(width << 16 | height, Ordering::Relaxed);
    }
}

impl Tap for Pipe {
    fn take(&self, item: TapItem) {
        if self.is_closed() {
            return;
        }
        let is_pressing = self.pace.lock().unwrap_or_else(PoisonError::into_inner).handle(&item);
        let looks = if self.sleep.is_asleep.load(Ordering::Acquire) {
            self.sleep.batch.lock().unwrap_or_else(PoisonError::into_inner).handle(&item)
        } else {
            is_pressing
        };
        if looks {
            self.program.input(item);
        } else {
            self.program.input_quietly(item);
        }
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn size(&self) -> (u16, u16) {
        let [a, b, c, d] = self.size.load(Ordering::Relaxed).to_be_bytes();
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    }
}
