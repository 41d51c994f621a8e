//! Runs the program of one room. The room says which scene it wants, or none; this task starts and
//! stops the mixer to suit and carries the stage's media in; finished frames pass it by ([`junction`]).
//! Start and stop happen in one task, so two mixers of one room never overlap.
//!
//! The sound is always the own mixer's. The pictures may be another room's: see [`part`].

mod composites;
mod junction;
mod part;
mod rendition_hubs;
mod room_mail;
mod run;
mod taps;

use std::sync::Arc;
use std::time::Duration;

use media_rules::Scene;
use mixer::link::{Clip, SnapshotWish};
use mixer::{Duty, Program, ProgramConfig};
use relay_cdn::Hub;
use sfu::{LocalFeed, Sfu};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::cues::CueWriter;
use crate::gauge::Counted;
use crate::room_quality::Making;
pub use composites::Composites;
use junction::Junction;
pub(crate) use rendition_hubs::RenditionHubs;
pub(crate) use room_mail::RoomMail;
use run::Run;

/// Pictures as files that may be on order at once.
const MOST_SNAPSHOTS: usize = 16;

/// How long to wait before a mixer that could not be started is tried again.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The room's end of its program task.
#[derive(Debug)]
pub(crate) struct ProgramControl {
    /// `None`: nobody wants the program. Only the newest wish counts.
    wanted: watch::Sender<Option<Scene>>,
    /// Full: a keyframe is on order already.
    keyframes: mpsc::Sender<()>,
    /// The films that the mixer must have.
    clips: watch::Sender<Vec<Clip>>,
    /// How much is made of the picture.
    making: watch::Sender<Making>,
    /// Full: more than enough are on order; whoever waits asks again.
    snapshots: mpsc::Sender<SnapshotWish>,
}

impl ProgramControl {
    /// Asks for `scene` to be mixed, or for the program to stop.
    pub(crate) fn want(&self, scene: Option<&Scene>) {
        self.wanted.send_if_modified(|wanted| {
            let is_new = wanted.as_ref() != scene;
            if is_new {
                *wanted = scene.cloned();
            }
            is_new
        });
    }

    /// Says which films the mixer must have.
    pub(crate) fn set_clips(&self, clips: Vec<Clip>) {
        self.clips.send_if_modified(|held| {
            let is_new = *held != clips;
            *held = clips;
            is_new
        });
    }

    /// Says how much is made of the picture.
    pub(crate) fn set_making(&self, making: Making) {
        self.making.send_if_modified(|held| {
            let is_new = *held != making;
            *held = making;
            is_new
        });
    }

    /// Asks for a picture as a file. It comes by mail, or not at all.
    pub(crate) fn request_snapshot(&self, wish: SnapshotWish) {
        let _ = self.snapshots.try_send(wish);
    }

    /// Asks whoever makes the pictures for a keyframe, if somebody does.
    pub(crate) fn request_keyframe(&self) {
        let _ = self.keyframes.try_send(());
    }
}

/// How a program is made.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The mixer.
    pub config: ProgramConfig,
    /// What the mixer does about pictures while nobody else makes the same.
    pub duty: Duty,
    /// What the programs of this node can take from one another.
    pub composites: Composites,
}

/// Where a program's frames go.
pub(crate) struct Outputs {
    /// Viewers over WebRTC.
    pub viewers: LocalFeed,
    /// RTMP, pushed and pulled.
    pub relay: Hub,
    /// RTMP players of the renditions.
    pub renditions: RenditionHubs,
    /// News of films, and pictures as files.
    pub room: RoomMail,
}

impl Outputs {
    fn is_relayed(&self) -> bool {
        self.relay.outputs() > 0 || self.renditions.is_any_taken()
    }
}

/// The task. It lives as long as its room.
pub(crate) struct ProgramTask {
    recipe: Recipe,
    sfu: Sfu,
    junction: Arc<Junction>,
    orders: Orders,
}

/// The task's end of the control.
struct Orders {
    wanted: watch::Receiver<Option<Scene>>,
    keyframes: mpsc::Receiver<()>,
    clips: watch::Receiver<Vec<Clip>>,
    making: watch::Receiver<Making>,
    snapshots: mpsc::Receiver<SnapshotWish>,
}

impl ProgramTask {
    /// Creates the task and its control; no mixer runs before a scene is wanted.
    pub(crate) fn new(
        recipe: Recipe,
        sfu: Sfu,
        outputs: Outputs,
        cues: CueWriter,
        making: Making,
    ) -> (ProgramControl, Self) {
        let (wanted_tx, wanted) = watch::channel(None);
        let (keyframes_tx, keyframes) = mpsc::channel(1);
        let (clips_tx, clips) = watch::channel(Vec::new());
        let (making_tx, making) = watch::channel(making);
        let (snapshots_tx, snapshots) = mpsc::channel(MOST_SNAPSHOTS);
        let control = ProgramControl {
            wanted: wanted_tx,
            keyframes: keyframes_tx,
            clips: clips_tx,
            making: making_tx,
            snapshots: snapshots_tx,
        };
        let orders = Orders { wanted, keyframes, clips, making, snapshots };
        let junction = Arc::new(Junction::new(outputs, cues));
        (control, Self { recipe, sfu, junction, orders })
    }

    /// Runs until the room lets go of its control.
    pub(crate) async fn run(mut self) {
        // An error means that the control is gone.
        while self.orders.wanted.wait_for(Option::is_some).await.is_ok() {
            let junction = Arc::clone(&self.junction);
            junction.restart();
            let taker = Box::new(move |event| junction.take(event));
            let making = self.orders.making.borrow_and_update().clone();
            let quality = making.quality.clone();
            let config = ProgramConfig { quality, ..self.recipe.config.clone() };
            match Program::start_into(config, taker) {
                Ok((program, events)) => {
                    let _counted = Counted::new("server_programs");
                    self.orders.wanted.mark_changed();
                    self.orders.clips.mark_changed();
                    let junction = Arc::clone(&self.junction);
                    let run = Run::new(program, &self.recipe, &self.sfu, junction, making);
                    run.mix(&mut self.orders, events).await;
                    self.junction.outputs().room.tell_end(false);
                }
                Err(error) => {
                    warn!(program = %self.recipe.config.name, %error, "A mixer could not be started.");
                    tokio::time::sleep(START_AGAIN_AFTER).await;
                }
            }
        }
    }
}
