//! Decides when a solo host's own pictures are the program, neither decoded nor encoded again.
//!
//! Mixing is the safe side: it copes with whatever a host does, so it is what a program starts
//! with and what it falls back to at any doubt. Bypass is for a host who is alone on a plain canvas,
//! whose pictures suit and keep coming. After trouble it stays away for a while, longer each time,
//! so that a host on a bad network does not make the program flap.
//!
//! ```text
//!         alone, fit, calm for SETTLE, and no trouble for a while
//! Mixing ────────────────────────────────────────────────────────▶ Passing
//!    ▲            scene · unfit · stalled · lossy · far too early     │
//!    └────────────────────────────────────────────────────────────────┘
//! ```

mod fitness;

use std::collections::VecDeque;
use std::time::Duration;

use crate::{EncodedFrame, FeedId, Fit, MediaTime, Rect, Scene};
use fitness::Fitness;

/// Scenes often change several times in a row; bypass waits until they have settled.
const SETTLE: Duration = Duration::from_secs(1);

/// A host without a picture for this long is the mixer's: it shows the last one, then the slate.
const STALL: Duration = Duration::from_millis(500);

/// A picture that is due later than this comes of a clock that nobody should go by.
const MOST_AHEAD: Duration = Duration::from_secs(1);

/// This many losses within [`LOSS_WINDOW`] are too many to be shown as they come.
const MOST_LOSSES: usize = 3;
const LOSS_WINDOW: Duration = Duration::from_secs(10);

/// How long bypass stays away after trouble, at first and at most.
const FIRST_PENALTY: Duration = Duration::from_secs(5);
const LONGEST_PENALTY: Duration = Duration::from_secs(60);

/// What went well for this long makes up for earlier trouble.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What a program may be. Its host's own pictures need not match it exactly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Size of the canvas in pixels: width, height.
    pub canvas: (u32, u32),
    /// Pictures per second of the program.
    pub fps: u32,
    /// Target of the program's encoder.
    pub kbps: u32,
}

impl Limits {
    /// Sizes from half the canvas to one and a half times it, of its shape within 2 %.
    fn takes(&self, width: u32, height: u32) -> bool {
        let [width, height, canvas_width, canvas_height] =
            [width, height, self.canvas.0, self.canvas.1].map(u64::from);
        let (across, down) = (width * canvas_height, height * canvas_width);
        let is_shaped = across.abs_diff(down) * 50 <= down;
        is_shaped && canvas_width <= 2 * width && 2 * width <= 3 * canvas_width
    }

    /// A camera's clock is not ours, and a late picture may share its period with the next one.
    fn most_fps(&self) -> f64 {
        f64::from(self.fps) * 1.1
    }

    /// Hosts' encoders work faster than ours and need more for the same picture: five thirds of it.
    fn most_kbps(&self) -> f64 {
        f64::from(self.kbps) * 5.0 / 3.0
    }
}

/// Who makes the program's pictures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Maker {
    /// The mixer.
    Mixer,
    /// The host itself.
    Host(FeedId),
}

/// The rule, for one program.
#[derive(Debug)]
pub struct Bypass {
    limits: Limits,
    alone: Option<Alone>,
    passing_since: Option<MediaTime>,
    not_before: MediaTime,
    penalty: Duration,
}

/// The only host on a plain canvas.
#[derive(Debug)]
struct Alone {
    feed: FeedId,
    since: MediaTime,
    fitness: Fitness,
    seen: MediaTime,
    /// Newest last; at most [`MOST_LOSSES`].
    losses: VecDeque<MediaTime>,
}

impl Bypass {
    /// Starts with the mixer.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            alone: None,
            passing_since: None,
            not_before: MediaTime::from_nanos(0),
            penalty: FIRST_PENALTY,
        }
    }

    /// Takes what the program's encoder is told to make from now on.
    pub fn set_kbps(&mut self, kbps: u32) {
        self.limits.kbps = kbps;
        if let Some(alone) = &mut self.alone {
            alone.fitness.set_limits(self.limits);
        }
    }

    /// Takes who is alone on a plain canvas, if somebody is; see [`lone_feed`].
    pub fn handle_scene(&mut self, lone: Option<&FeedId>, now: MediaTime) {
        if lone == self.lone() {
            return;
        }
        self.passing_since = None;
        self.alone = lone.map(|feed| Alone {
            feed: feed.clone(),
            since: now,
            fitness: Fitness::new(self.limits),
            seen: now,
            losses: VecDeque::new(),
        });
    }

    /// Takes a picture of the host who is alone, whole and in order.
    pub fn handle_picture(&mut self, picture: &EncodedFrame, now: MediaTime) {
        let Some(alone) = &mut self.alone else { return };
        alone.fitness.handle_picture(picture);
        alone.seen = now;
        if picture.at > now + MOST_AHEAD {
            alone.since = now;
            if let Some(since) = self.passing_since {
                self.fall_back(since, now);
            }
        }
        self.advance(now);
    }

    /// Pictures of the host who is alone were lost; the next one is a keyframe.
    pub fn handle_loss(&mut self, now: MediaTime) {
        let Some(alone) = &mut self.alone else { return };
        if alone.losses.len() == MOST_LOSSES {
            alone.losses.pop_front();
        }
        alone.losses.push_back(now);
        self.advance(now);
    }

    /// Notes that time has passed.
    pub fn handle_timeout(&mut self, now: MediaTime) {
        self.advance(now);
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        // Passing begins with a picture, so only its end needs a clock.
        self.alone.as_ref().filter(|_| self.passing_since.is_some()).map(|alone| alone.seen + STALL)
    }

    /// Returns who should make the pictures.
    pub fn maker(&self) -> Maker {
        match (&self.alone, self.passing_since) {
            (Some(alone), Some(_)) => Maker::Host(alone.feed.clone()),
            (Some(_) | None, _) => Maker::Mixer,
        }
    }

    fn lone(&self) -> Option<&FeedId> {
        self.alone.as_ref().map(|alone| &alone.feed)
    }

    fn advance(&mut self, now: MediaTime) {
        let Some(alone) = &self.alone else { return };
        let is_stalled = now.since(alone.seen) >= STALL;
        let is_troubled = is_stalled || alone.is_lossy(now);
        match (self.passing_since, alone.fitness.is_fit()) {
            (Some(since), Some(false)) => self.fall_back(since, now),
            (Some(since), Some(true) | None) if is_troubled => self.fall_back(since, now),
            (Some(_), Some(true) | None) => {}
            (None, Some(true)) => {
                let is_settled = now.since(alone.since) >= SETTLE;
                if is_settled && !is_troubled && now >= self.not_before {
                    self.passing_since = Some(now);
                }
            }
            (None, Some(false) | None) => {}
        }
    }

    fn fall_back(&mut self, since: MediaTime, now: MediaTime) {
        if now.since(since) >= FORGIVEN_AFTER {
            self.penalty = FIRST_PENALTY;
        }
        self.passing_since = None;
        self.not_before = now + self.penalty;
        self.penalty = (self.penalty * 2).min(LONGEST_PENALTY);
    }
}

impl Alone {
    fn is_lossy(&self, now: MediaTime) -> bool {
        self.losses.len() == MOST_LOSSES && now.since(self.losses[0]) < LOSS_WINDOW
    }
}

/// Returns the feed that is all there is to see on a canvas of this size: alone, over all of it, with
/// nothing around or over it. How loud it is does not matter. What is played in is no host and is
/// always decoded.
pub fn lone_feed(scene: &Scene, (width, height): (u32, u32)) -> Option<&FeedId> {
    let mut seen = scene.tiles.iter().filter(|tile| tile.rect != Rect::NOWHERE);
    let (Some(tile), None) = (seen.next(), seen.next()) else { return None };
    let rect = tile.rect;
    let is_whole = (rect.x, rect.y, rect.width, rect.height) == (0, 0, width, height);
    let has_its_shape = matches!(tile.fit, Fit::Cover | Fit::Contain);
    let is_bare = tile.border.is_none()
        && tile.radius == 0
        && tile.label.is_none()
        && !tile.has_mute_mark
        && !tile.feed.is_clip()
        && scene.overlays.is_empty();
    (is_whole && has_its_shape && is_bare).then_some(&tile.feed)
}
