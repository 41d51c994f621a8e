//! One output's view of a program: a bounded queue that begins at a keyframe.
//!
//! When the queue is full everything in it is thrown away, not only the newest frame: what waits
//! there is seconds old, and after a hole a decoder needs a keyframe anyway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use media_rules::{EncodedFrame, FrameCodec, MediaTime};
use tokio::sync::Notify;

/// Room for a whole group of pictures and then some: about seven seconds of program.
const MAX_FRAMES: usize = 560;
const MAX_BYTES: usize = 16 << 20;

/// Frames that are written together: a picture and what is heard meanwhile, and not the whole queue of an
/// output that is behind.
const FRAMES_AT_ONCE: usize = 16;

/// An output is told once so much media can be written: a picture or two and their sound.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// Where sound or pictures are further behind, nobody waits for them.
const LONGEST_LAG: Duration = Duration::from_millis(250);

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

    /// Does the same, and takes along what waits behind it, so that it can be written at once.
    pub(crate) async fn next_few(&mut self) -> Option<Vec<EncodedFrame>> {
        let mut frames = vec![self.next().await?];
        let mut queue = self.shared.lock();
        frames.extend(std::iter::from_fn(|| queue.pop()).take(FRAMES_AT_ONCE - 1));
        Some(frames)
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
    taker: Taker,
}

/// What an output is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taker {
    /// Somebody else's screen or server.
    Player,
    /// A file of ours.
    Recorder,
}

impl Feeder {
    /// Makes both ends; `gop` is what the output sees first.
    pub(crate) fn new(gop: &[EncodedFrame], taker: Taker) -> (Self, Subscription) {
        let shared = Arc::new(Shared::default());
        let feeder = Self { shared: Arc::clone(&shared), taker };
        for frame in gop {
            feeder.push(frame);
        }
        (feeder, Subscription { shared })
    }

    /// Returns what the output is for.
    pub(crate) const fn taker(&self) -> Taker {
        self.taker
    }

    /// Queues a frame, or throws the queue away if it is full. Never waits for the output, which hears of a
    /// few frames at once: every write costs more than what is in it.
    pub(crate) fn push(&self, frame: &EncodedFrame) {
        let (dropped, may_wait) = {
            let mut queue = self.shared.lock();
            (queue.push(frame), queue.may_wait())
        };
        if dropped > 0 {
            metrics::counter!("relay_frames_dropped_total", "reason" => "slow_output")
                .increment(dropped);
        }
        if !may_wait {
            self.shared.pushed.notify_one();
        }
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
    /// When the newest picture and the newest sound are due.
    newest: [Option<MediaTime>; 2],
    /// Up to where sound and pictures were there when the output was told last.
    told: MediaTime,
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
            newest: [None; 2],
            told: MediaTime::default(),
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
        self.newest[usize::from(frame.codec != FrameCodec::H264)] = Some(frame.at);
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

    /// Returns whether the output need not be told yet. A picture is not sent before its sound, nor sound
    /// before its picture, so there is only as much to send as there is of both.
    fn may_wait(&mut self) -> bool {
        let [Some(picture), Some(sound)] = self.newest else { return false };
        let both = picture.min(sound);
        if picture.max(sound) > both + LONGEST_LAG {
            return false;
        }
        let may_wait = both < self.told + TOLD_EVERY;
        if !may_wait {
            self.told = both;
        }
        may_wait
    }

    fn pop(&mut self) -> Option<EncodedFrame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.data.len();
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(codec: FrameCodec, at: u64) -> EncodedFrame {
        let at = MediaTime::from_millis(at);
        EncodedFrame { codec, at, is_key: true, data: vec![0].into() }
    }

    /// Returns whether the output is told of each of these frames.
    fn told(feeder: &Feeder, frames: &[(FrameCodec, u64)]) -> Vec<bool> {
        let is_told = |(codec, at): &(FrameCodec, u64)| {
            let pushed = feeder.shared.pushed.notified();
            tokio::pin!(pushed);
            // A call that nobody heard is kept for the next listener.
            let _ = pushed.as_mut().enable();
            feeder.push(&frame(*codec, *at));
            pushed.enable()
        };
        frames.iter().map(is_told).collect()
    }

    #[tokio::test]
    async fn an_output_is_told_of_pictures_once_their_sound_is_there_too() {
        let (feeder, mut subscription) = Feeder::new(&[], Taker::Player);
        let frames = [
            (FrameCodec::H264, 1_000),
            (FrameCodec::H264, 1_033),
            (FrameCodec::Aac, 1_006),
            (FrameCodec::H264, 1_066),
            (FrameCodec::Aac, 1_027),
            (FrameCodec::Aac, 1_049),
            (FrameCodec::H264, 1_100),
            (FrameCodec::Aac, 1_070),
            (FrameCodec::H264, 1_133),
            (FrameCodec::Aac, 1_091),
            (FrameCodec::Aac, 1_112),
        ];
        let heard = told(&feeder, &frames);
        let at_once = [true, true, true];
        assert_eq!(heard[..3], at_once, "before there is sound nobody knows that there will be");
        assert_eq!(heard[3..], [false, false, false, false, true, false, false, false]);
        let came = subscription.next_few().await.unwrap();
        let came: Vec<u64> = came.iter().map(|frame| frame.at.millis()).collect();
        assert!(came.iter().eq(frames.iter().map(|(_, at)| at)), "{came:?}");
    }

    #[tokio::test]
    async fn an_output_that_is_behind_writes_a_part_of_its_queue_at_once() {
        let (feeder, mut subscription) = Feeder::new(&[], Taker::Player);
        let all = 2 * FRAMES_AT_ONCE + 1;
        (0..all as u64).for_each(|n| feeder.push(&frame(FrameCodec::H264, 33 * n)));
        for wanted in [FRAMES_AT_ONCE, FRAMES_AT_ONCE, 1] {
            assert_eq!(subscription.next_few().await.unwrap().len(), wanted);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_sound_or_pictures_that_have_ended() {
        for (goes_on, ends) in
            [(FrameCodec::H264, FrameCodec::Aac), (FrameCodec::Aac, FrameCodec::H264)]
        {
            let (feeder, _subscription) = Feeder::new(&[], Taker::Player);
            told(&feeder, &[(FrameCodec::H264, 1_000), (ends, 1_001), (goes_on, 1_002)]);
            let frames: Vec<_> = (1..11).map(|n| (goes_on, 1_002 + 33 * n)).collect();
            let heard = told(&feeder, &frames);
            let waited = heard.iter().position(|&is_told| is_told);
            assert_eq!(waited, Some(7), "266 ms, and then every frame: {heard:?} ({ends:?} ends)");
            assert_eq!(heard[7..], [true; 3], "{ends:?} ends");
        }
    }
}
