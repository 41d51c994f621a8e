//! One output's view of a program: a bounded queue that begins at a keyframe.
//!
//! When the queue is full everything in it is thrown away, not only the newest frame: what waits
//! there is seconds old, and after a hole a decoder needs a keyframe anyway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use media_rules::{EncodedFrame, FrameCodec};
use tokio::sync::Notify;

/// Room for a whole group of pictures and then some: about seven seconds of program.
const MAX_FRAMES: usize = 560;
const MAX_BYTES: usize = 16 << 20;

/// The frames of one program, for one output.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
}

impl Subscription {
    /// Waits for the next frame; `None` once the program is over and the queue is empty.
    ///
    /// Nothing is lost when the returned future is dropped.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        loop {
            // Registered before looking, so that a frame pushed in between is not missed.
            let pushed = self.shared.pushed.notified();
            {
                let mut queue = self.shared.lock();
                if let Some(frame) = queue.pop() {
                    return Some(frame);
                }
                if queue.closed {
                    return None;
                }
            }
            pushed.await;
        }
    }

    /// Returns how many frames were thrown away because this output was too slow.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.lock().abandoned = true;
    }
}

/// The hub's end of a [`Subscription`].
#[derive(Debug)]
pub(crate) struct Feeder {
    shared: Arc<Shared>,
}

impl Feeder {
    /// Makes both ends; `gop` is what the output sees first.
    pub(crate) fn new(gop: &[EncodedFrame]) -> (Self, Subscription) {
        let shared = Arc::new(Shared::default());
        let feeder = Self { shared: Arc::clone(&shared) };
        for frame in gop {
            feeder.push(frame);
        }
        (feeder, Subscription { shared })
    }

    /// Queues a frame, or throws the queue away if it is full. Never waits for the output.
    pub(crate) fn push(&self, frame: &EncodedFrame) {
        let dropped = self.shared.lock().push(frame);
        if dropped > 0 {
            metrics::counter!("relay_frames_dropped_total", "reason" => "slow_output")
                .increment(dropped);
        }
        self.shared.pushed.notify_one();
    }

    /// Lets the output finish what is queued and then end.
    pub(crate) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.pushed.notify_one();
    }

    /// Returns whether the output went away.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.shared.lock().abandoned
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// Held for a few instructions at a time on either side, never across an await.
    queue: Mutex<Queue>,
    pushed: Notify,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Queue {
    /// Full: emptied and counted, and nothing enters before the next keyframe.
    frames: VecDeque<EncodedFrame>,
    bytes: usize,
    needs_keyframe: bool,
    /// Whether the output ever fell behind; waiting for the first keyframe is not a loss.
    fell_behind: bool,
    dropped: u64,
    closed: bool,
    abandoned: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            needs_keyframe: true,
            fell_behind: false,
            dropped: 0,
            closed: false,
            abandoned: false,
        }
    }
}

impl Queue {
    /// Returns how many frames this threw away.
    fn push(&mut self, frame: &EncodedFrame) -> u64 {
        let starts_here = frame.codec == FrameCodec::H264 && frame.is_key;
        if self.needs_keyframe && !starts_here {
            let lost = u64::from(self.fell_behind);
            self.dropped += lost;
            return lost;
        }
        self.needs_keyframe = false;
        self.bytes += frame.data.len();
        self.frames.push_back(frame.clone());
        if self.frames.len() <= MAX_FRAMES && self.bytes <= MAX_BYTES {
            return 0;
        }

        let lost = self.frames.len() as u64;
        self.frames.clear();
        self.bytes = 0;
        self.needs_keyframe = true;
        self.fell_behind = true;
        self.dropped += lost;
        lost
    }

    fn pop(&mut self) -> Option<EncodedFrame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.data.len();
        Some(frame)
    }
}
