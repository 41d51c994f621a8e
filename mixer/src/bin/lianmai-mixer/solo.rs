//! Passes on a solo host's own pictures while the rule (`media_rules::bypass`) says so.
//!
//! They are held until they are due, so that they leave as evenly as composed pictures do and stay
//! together with the sound, which takes as long to be mixed. The picture side of this process rests
//! only once the host's pictures have taken over, and wakes before they give way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use media_rules::bypass::{Bypass, Limits, Maker as Wanted, lone_feed};
use media_rules::{EncodedFrame, FeedId, MediaTime, Scene};
use mixer::link::{Duty, Start};

use crate::exit::{Exit, Maker};

/// Pictures that may wait: a second of them. Full: they go out early.
const CAPACITY: usize = 32;

/// A host whose turn begins gives an encoder that is behind so long to send what it still has; what
/// it would leave out is a gap.
const ENCODER_MAY_LAG: Duration = Duration::from_millis(200);

/// An encoder whose newest picture is not older than this has nothing more to send.
const NO_GAP: Duration = Duration::from_millis(50);

/// A host is asked for a keyframe when the last one is this old: a player that joins by RTMP starts
/// at one, and a decoder that has to catch up begins there.
const KEYFRAME_EVERY: Duration = Duration::from_secs(3);

/// The way of a host's own pictures.
pub(crate) struct Solo {
    rule: Bypass,
    canvas: (u32, u32),
    duty: Duty,
    exit: Arc<Exit>,
    scene: Scene,
    turn: Option<Turn>,
    turns: u64,
}

/// One host's time of making the program's pictures.
struct Turn {
    feed: FeedId,
    maker: Maker,
    /// The scene that it shows.
    revision: u64,
    /// Full: see [`CAPACITY`].
    held: VecDeque<EncodedFrame>,
    newest_key: MediaTime,
}

impl Turn {
    fn is_due(
        &self,
        picture: &EncodedFrame,
        exit: &Exit,
        (now, ahead): (MediaTime, Duration),
    ) -> bool {
        let begins = picture.is_key && exit.current() != Some(self.maker);
        let leaves_gap = exit.newest().is_some_and(|newest| picture.at.since(newest) > NO_GAP);
        let waits = begins && leaves_gap && now < picture.at + ENCODER_MAY_LAG;
        picture.at <= now + ahead && !waits
    }
}

impl Solo {
    /// Starts with nobody.
    pub(crate) fn new(start: &Start, exit: Arc<Exit>) -> Self {
        let canvas = (start.width, start.height);
        let limits = Limits { canvas, fps: start.fps, kbps: start.quality.video_kbps };
        let (rule, scene) = (Bypass::new(limits), Scene::new(0, Vec::new()));
        Self { rule, canvas, duty: Duty::default(), exit, scene, turn: None, turns: 0 }
    }

    /// Takes what the picture is to be.
    pub(crate) fn handle_scene(&mut self, scene: &Scene, now: MediaTime) {
        self.scene = scene.clone();
        self.look_at_scene(now);
    }

    /// Takes what to do about pictures.
    pub(crate) fn handle_duty(&mut self, duty: Duty, now: MediaTime) {
        self.duty = duty;
        self.look_at_scene(now);
    }

    /// Takes what the program's encoder is told to make.
    pub(crate) fn handle_rate(&mut self, kbps: u32) {
        self.rule.set_kbps(kbps);
    }

    /// Takes the next whole picture of a feed.
    pub(crate) fn handle_picture(&mut self, feed: &FeedId, picture: EncodedFrame, now: MediaTime) {
        if self.lone() == Some(feed) {
            self.rule.handle_picture(&picture, now);
            self.follow_rule(now);
        }
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.feed == *feed) {
            if picture.is_key {
                turn.newest_key = now;
            }
            turn.held.push_back(picture);
        }
    }

    /// Pictures of a feed were lost.
    pub(crate) fn handle_loss(&mut self, feed: &FeedId, now: MediaTime) {
        if self.lone() == Some(feed) {
            self.rule.handle_loss(now);
            self.follow_rule(now);
        }
    }

    /// Sends what is due now, or will be in `ahead`; returns a host who must be asked for a keyframe.
    pub(crate) fn advance(&mut self, now: MediaTime, ahead: Duration) -> Option<FeedId> {
        self.rule.handle_timeout(now);
        self.follow_rule(now);
        let turn = self.turn.as_mut()?;
        while turn
            .held
            .front()
            .is_some_and(|picture| turn.is_due(picture, &self.exit, (now, ahead)))
            || turn.held.len() > CAPACITY
        {
            let picture = turn.held.pop_front()?;
            self.exit.send(turn.maker, picture, turn.revision);
        }
        let has_no_key = turn.held.iter().all(|picture| !picture.is_key);
        let is_old = now.since(turn.newest_key) >= KEYFRAME_EVERY;
        let asks = has_no_key && self.exit.waits_for(turn.maker) || is_old;
        asks.then(|| turn.feed.clone())
    }

    /// Returns when the next picture that is held is due.
    pub(crate) fn poll_timeout(&self) -> Option<MediaTime> {
        self.turn.as_ref()?.held.front().map(|picture| picture.at)
    }

    /// Returns whose keyframe serves somebody who joins now, if it is not the encoder's.
    pub(crate) fn host(&self) -> Option<&FeedId> {
        let is_on = |turn: &&Turn| self.exit.current() == Some(turn.maker);
        self.turn.as_ref().filter(is_on).map(|turn| &turn.feed)
    }

    /// Returns whether pictures must be composed.
    pub(crate) fn needs_composite(&self) -> bool {
        self.duty.makes_pictures() && (self.host().is_none() || self.wanted().is_none())
    }

    fn look_at_scene(&mut self, now: MediaTime) {
        let lone = self.lone().cloned();
        self.rule.handle_scene(lone.as_ref(), now);
        if let Some(turn) = &mut self.turn
            && lone.as_ref() == Some(&turn.feed)
        {
            turn.revision = self.scene.revision;
        }
        if !self.duty.makes_pictures() {
            self.turn = None;
            self.exit.switch_to(Maker::Encoder);
        }
        self.follow_rule(now);
    }

    fn lone(&self) -> Option<&FeedId> {
        match self.duty {
            Duty::MixOrPass => lone_feed(&self.scene, self.canvas),
            Duty::Mix | Duty::Rest | Duty::Sleep => None,
        }
    }

    /// Returns the host who should make the pictures.
    fn wanted(&self) -> Option<FeedId> {
        match self.rule.maker() {
            Wanted::Host(feed) => Some(feed),
            Wanted::Mixer => None,
        }
    }

    fn follow_rule(&mut self, now: MediaTime) {
        let wanted = self.wanted();
        let current = self.exit.current();
        match (&mut self.turn, wanted) {
            (None, None) => {}
            (Some(turn), Some(feed)) if turn.feed == feed => self.exit.switch_to(turn.maker),
            (_, Some(feed)) => {
                self.turns += 1;
                let (maker, revision) = (Maker::Host(self.turns), self.scene.revision);
                let held = VecDeque::new();
                self.turn = Some(Turn { feed, maker, revision, held, newest_key: now });
                self.exit.switch_to(maker);
            }
            (Some(turn), None) => {
                self.exit.switch_to(Maker::Encoder);
                // The host goes on until the encoder's keyframe is out.
                if current != Some(turn.maker) {
                    self.turn = None;
                }
            }
        }
    }
}
