//! One program, many outputs: every encoded frame goes in once, each output takes its own copy.
//!
//! A frame's bytes are shared by reference count, so an output costs a queue entry. Pushing never
//! waits: the lock is held for as long as it takes to append to each output's queue, and no output
//! holds it while it writes to its network.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use media_rules::{EncodedFrame, FrameCodec};

use crate::gop::Gop;
use crate::subscription::{Feeder, Subscription, Taker};

/// Hands the frames of one program to its outputs. Clones are handles to the same program.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    outputs: Arc<Outputs>,
}

impl Hub {
    /// Creates a hub without outputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands a frame to every output. Never blocks; Opus is left out, since RTMP cannot carry it.
    pub fn push(&self, frame: EncodedFrame) {
        if frame.codec == FrameCodec::Opus {
            return;
        }
        let mut state = self.outputs.lock();
        state.feeders.retain(|feeder| !feeder.is_abandoned());
        for feeder in &state.feeders {
            feeder.push(&frame);
        }
        state.gop.handle_frame(frame, Instant::now());
    }

    /// Begins an output at the newest keyframe, or at the next one if the program does not run.
    pub fn subscribe(&self) -> Subscription {
        self.begin(Taker::Player)
    }

    /// Begins an output that nobody is at the other end of.
    pub(crate) fn subscribe_to_record(&self) -> Subscription {
        self.begin(Taker::Recorder)
    }

    fn begin(&self, taker: Taker) -> Subscription {
        let mut state = self.outputs.lock();
        let (feeder, subscription) = Feeder::new(state.gop.frames(Instant::now()), taker);
        if state.closed {
            feeder.close();
        } else {
            state.feeders.push(feeder);
        }
        subscription
    }

    /// Ends the program: every output finishes its queue and then stops.
    pub fn close(&self) {
        self.outputs.lock().close();
    }

    /// Returns how many outputs take this program.
    pub fn outputs(&self) -> usize {
        let mut state = self.outputs.lock();
        state.feeders.retain(|feeder| !feeder.is_abandoned());
        state.feeders.len()
    }

    /// Returns whether an output takes this program that is no recording: somebody may be watching.
    pub fn is_played(&self) -> bool {
        let state = self.outputs.lock();
        let is_playing =
            |feeder: &Feeder| feeder.taker() == Taker::Player && !feeder.is_abandoned();
        state.feeders.iter().any(is_playing)
    }
}

#[derive(Debug, Default)]
struct Outputs {
    state: Mutex<State>,
}

impl Outputs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.lock().close();
    }
}

#[derive(Debug, Default)]
struct State {
    gop: Gop,
    feeders: Vec<Feeder>,
    closed: bool,
}

impl State {
    fn close(&mut self) {
        self.closed = true;
        for feeder in self.feeders.drain(..) {
            feeder.close();
        }
    }
}
