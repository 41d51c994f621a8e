//! Makes a picture of the program every 1/fps second, on a grid of the media clock that every
//! process of this program shares, whatever the hosts do. A scene is taken between two pictures,
//! so no picture is ever half of one scene and half of another.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use gstreamer as gst;
use media_rules::{FeedId, MediaTime, Scene, Shedding};
use mixer::link::{Beat, SnapshotWish, Start, Up};
use mixer::media_now;
use tracing::{info, warn};

use crate::canvas::Canvas;
use crate::encoder::Encoder;
use crate::outlet::Outlet;
use crate::photographer::{self, Exposure};
use crate::pictures::{Pictures, Sight};
use crate::scenery::Scenery;
use crate::stage::Stage;

/// Pictures that are made up for after a busy moment.
const MOST_LATE: u64 = 4;

/// Snapshots that may be waited for. Full: the oldest is dropped, and whoever wished gives up.
const MOST_WISHES: usize = 8;

/// A snapshot waits so long for everybody's first picture.
const WHOLE_WITHIN: Duration = Duration::from_millis(1_500);

/// The pictures of one feed, filled by its decoder and drawn from here.
pub(crate) type SharedPictures = Arc<Mutex<Pictures<gst::Sample>>>;

/// The pictures of feeds that may be drawn. A feed that is gone takes its pictures with it: they
/// hold on to the decoder's memory and files.
pub(crate) type Sources = HashMap<FeedId, Weak<Mutex<Pictures<gst::Sample>>>>;

/// A new scene and every feed that it or the scene before it may draw.
pub(crate) struct SceneCue {
    /// What to draw.
    pub(crate) scene: Scene,
    /// Where the pictures are.
    pub(crate) feeds: Sources,
}

/// The same once everything in it is drawn.
pub(crate) struct SceneryCue {
    /// What to draw.
    pub(crate) scenery: Arc<Scenery>,
    /// Where the pictures are.
    pub(crate) feeds: Sources,
}

/// What the tick is told.
pub(crate) enum Cue {
    /// Another scene.
    Scenery(SceneryCue),
    /// Make pictures, as soon as there is something to show.
    Work,
    /// Make none but for snapshots, and encode none.
    Look,
    /// Make none.
    Rest,
    /// The next picture is wanted as a file.
    Snapshot(SnapshotWish),
}

/// Whether pictures are made.
#[derive(Clone, Copy, Debug)]
enum Shift {
    Working,
    /// Decoders catch up; what is drawn before they have is not sent, for so long at most.
    Waking {
        until: MediaTime,
    },
    /// Only for snapshots.
    Looking,
    Resting,
}

/// Starts the thread; it ends when the sender is dropped. The queue holds scenes only, which are
/// rare and taken at every picture.
pub(crate) fn start(
    start: Start,
    encoder: Arc<Encoder>,
    outlet: Arc<Outlet>,
) -> anyhow::Result<Sender<Cue>> {
    let (cues, inbox) = channel();
    let outlet_of_photographer = Arc::clone(&outlet);
    let canvas = Canvas::new(start.width, start.height)?;
    let tick = PictureTick {
        start,
        encoder,
        outlet,
        canvas,
        stage: Stage::default(),
        feeds: HashMap::new(),
        shedding: Shedding::default(),
        composing: Duration::ZERO,
        beat: Beat::default(),
        shift: Shift::Working,
        wishes: Vec::new(),
        photographer: photographer::start(outlet_of_photographer)?,
    };
    std::thread::Builder::new().name("picture-tick".into()).spawn(move || tick.run(&inbox))?;
    Ok(cues)
}

struct PictureTick {
    start: Start,
    encoder: Arc<Encoder>,
    outlet: Arc<Outlet>,
    canvas: Canvas,
    stage: Stage,
    feeds: Sources,
    shedding: Shedding,
    /// How long it took to compose the last picture.
    composing: Duration,
    beat: Beat,
    shift: Shift,
    /// With when they came.
    wishes: Vec<(SnapshotWish, MediaTime)>,
    photographer: SyncSender<Exposure>,
}

impl PictureTick {
    fn run(mut self, inbox: &Receiver<Cue>) {
        let mut count = self.count_at(media_now()) + 1;
        loop {
            if matches!(self.shift, Shift::Resting) {
                count = count.next_multiple_of(u64::from(self.start.fps));
                match inbox.recv_timeout(self.due(count).since(media_now())) {
                    Ok(cue) => {
                        self.take_cue(cue);
                        count = self.count_at(media_now()) + 1;
                        continue;
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            let due = self.due(count);
            std::thread::sleep(due.since(media_now()));
            if !self.take_cues(inbox) {
                return;
            }
            if !matches!(self.shift, Shift::Resting) {
                self.tick(count, due);
            }
            if count.is_multiple_of(u64::from(self.start.fps)) {
                self.send_beat();
            }

            // Pictures that are a little late are still made, so that a busy moment leaves no gap;
            // a machine that was away longer starts again near the present.
            let oldest = self.count_at(media_now()).saturating_sub(MOST_LATE);
            let next = (count + 1).max(oldest);
            self.beat.skipped += next - count - 1;
            count = next;
        }
    }

    fn take_cues(&mut self, inbox: &Receiver<Cue>) -> bool {
        loop {
            match inbox.try_recv() {
                Ok(cue) => self.take_cue(cue),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take_cue(&mut self, cue: Cue) {
        match cue {
            Cue::Scenery(cue) => {
                self.feeds = cue.feeds;
                self.stage.handle_scenery(cue.scenery, media_now());
            }
            Cue::Work => self.shift = Shift::Waking { until: media_now() + Scene::PATIENCE },
            Cue::Look => self.shift = Shift::Looking,
            Cue::Rest => self.shift = Shift::Resting,
            Cue::Snapshot(wish) => {
                if self.wishes.len() == MOST_WISHES {
                    self.wishes.remove(0);
                }
                self.wishes.push((wish, media_now()));
            }
        }
    }

    fn tick(&mut self, count: u64, due: MediaTime) {
        let began = media_now();
        if !self.is_affordable(count, due) {
            self.beat.skipped += 1;
            return;
        }
        if self.outlet.needs_key() {
            self.encoder.force_keyframe();
        }
        let newest = self.newest(due);
        let sight = |feed: &FeedId| newest.get(feed).map_or(Sight::Waiting, |(sight, _)| *sight);
        let view = self.stage.poll_view(due, media_now(), sight);
        if let Shift::Waking { until } = self.shift {
            if !self.stage.shows_everybody(sight) && due < until {
                return;
            }
            self.shift = Shift::Working;
            self.encoder.force_keyframe();
        }
        // A program that has just begun has nothing to show for a moment.
        let is_whole = view.revision > 0 && self.stage.shows_everybody(sight);
        let is_pressing = |since: MediaTime| due.since(since) > WHOLE_WITHIN;
        let exposes = self.wishes.iter().any(|(_, since)| is_whole || is_pressing(*since));
        let is_looking = matches!(self.shift, Shift::Looking);
        if is_looking && !exposes {
            return;
        }
        let picture = |feed: &FeedId| match newest.get(feed) {
            Some((Sight::Live, picture)) => picture.clone(),
            Some((Sight::Waiting | Sight::Stalled, _)) | None => None,
        };
        match self.canvas.draw(&view, due, picture) {
            Ok(picture) => {
                if exposes {
                    self.expose(&picture, due, view.revision);
                }
                if is_looking {
                    return;
                }
                self.encoder.push_picture(due, picture, view.revision);
                self.beat.pictures += 1;
            }
            Err(error) => {
                warn!(%error, "A picture could not be drawn.");
                self.beat.skipped += 1;
            }
        }
        let now = media_now();
        self.composing = now.since(began);
        let took = u32::try_from(now.since(due).as_micros()).unwrap_or(u32::MAX);
        self.beat.compose_us = self.beat.compose_us.max(took);
    }

    /// Lets files be made of a picture.
    fn expose(&mut self, picture: &gst::Buffer, at: MediaTime, revision: u64) {
        let Ok(caps) = self.canvas.caps() else { return };
        // The encoder stamps the buffer itself, and the pool draws on it again.
        let Ok(picture) = picture.copy_deep() else { return };
        let picture = gst::Sample::builder().buffer(&picture).caps(&caps).build();
        let wishes = self.wishes.drain(..).map(|(wish, _)| wish).collect();
        let size = (self.start.width, self.start.height);
        // A photographer who is behind loses it.
        let _ = self.photographer.try_send(Exposure { picture, size, at, revision, wishes });
    }

    /// Returns whether there is time for the picture; does with less where time is short.
    fn is_affordable(&mut self, count: u64, due: MediaTime) -> bool {
        let (now, before) = (media_now(), self.shedding.rung());
        let mut waiting = self.encoder.waiting(now);
        waiting.late = now.since(due);
        waiting.compose = self.composing;
        let is_made = self.shedding.handle_picture(count, waiting, now);
        let rung = self.shedding.rung();
        if rung != before {
            info!(?rung, ?waiting, "The picture follows what there is time for.");
            self.encoder.set_rung(rung);
        }
        is_made
    }

    /// Brings on screen what is due and returns it, with what there is to see of each feed.
    fn newest(&self, due: MediaTime) -> HashMap<FeedId, (Sight, Option<gst::Sample>)> {
        let now = media_now();
        // A host's picture is shown on the grid's nearest picture, so it is half a period early
        // as often as half a period late, and stays together with its sound.
        let due = due + Duration::from_secs(1) / self.start.fps / 2;
        let mut newest = HashMap::new();
        for (feed, pictures) in &self.feeds {
            let Some(pictures) = pictures.upgrade() else { continue };
            let mut pictures = pictures.lock().unwrap_or_else(PoisonError::into_inner);
            let picture = pictures.advance(due, now).cloned();
            newest.insert(feed.clone(), (pictures.sight(now), picture));
        }
        newest
    }

    fn send_beat(&mut self) {
        self.beat.dropped = self.outlet.dropped();
        self.beat.steps_down = self.shedding.steps();
        self.beat.encode_us = self.encoder.take_worst_us();
        self.outlet.send(Up::Beat(self.beat));
        self.beat.compose_us = 0;
    }

    /// Returns the moment of the picture with this number.
    fn due(&self, count: u64) -> MediaTime {
        MediaTime::from_nanos(count * 1_000_000_000 / u64::from(self.start.fps))
    }

    /// Returns the number of the newest picture that is due at `now`.
    fn count_at(&self, now: MediaTime) -> u64 {
        let count = u128::from(now.nanos()) * u128::from(self.start.fps) / 1_000_000_000;
        u64::try_from(count).expect("fewer pictures than nanoseconds")
    }
}
