//! Runs the program of one room. The room says which scene it wants, or none; this task starts and
//! stops the mixer to suit, carries the stage's media in and the mixed frames out. Start and stop
//! happen in one task, so two mixers of one room never overlap.

use std::collections::HashMap;
use std::time::Duration;

use media_rules::{EncodedFrame, FeedId, Scene};
use mixer::{Program, ProgramConfig, ProgramEvent};
use relay_cdn::Hub;
use sfu::{LocalFeed, Sfu};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::cues::CueWriter;
use crate::gauge::Counted;

/// How long to wait before a mixer that could not be started is tried again.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long a mixer may take to finish its last frames before it is cut off.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The room's end of its program task.
#[derive(Debug)]
pub(crate) struct ProgramControl {
    /// `None`: nobody wants the program. Only the newest wish counts.
    wanted: watch::Sender<Option<Scene>>,
    /// Full: a keyframe is on order already.
    keyframes: mpsc::Sender<()>,
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

    /// Asks the encoder for a keyframe, if there is one running.
    pub(crate) fn request_keyframe(&self) {
        let _ = self.keyframes.try_send(());
    }
}

/// Where a program's frames go.
pub(crate) struct Outputs {
    /// Viewers over WebRTC.
    pub viewers: LocalFeed,
    /// RTMP, pushed and pulled.
    pub relay: Hub,
}

/// The task. It lives as long as its room.
pub(crate) struct ProgramTask {
    config: ProgramConfig,
    sfu: Sfu,
    outputs: Outputs,
    cues: CueWriter,
    wanted: watch::Receiver<Option<Scene>>,
    keyframes: mpsc::Receiver<()>,
}

impl ProgramTask {
    /// Creates the task and its control; no mixer runs before a scene is wanted.
    pub(crate) fn new(
        config: ProgramConfig,
        sfu: Sfu,
        outputs: Outputs,
        cues: CueWriter,
    ) -> (ProgramControl, Self) {
        let (wanted_tx, wanted) = watch::channel(None);
        let (keyframes_tx, keyframes) = mpsc::channel(1);
        let control = ProgramControl { wanted: wanted_tx, keyframes: keyframes_tx };
        (control, Self { config, sfu, outputs, cues, wanted, keyframes })
    }

    /// Runs until the room lets go of its control.
    pub(crate) async fn run(mut self) {
        // An error means that the control is gone.
        while self.wanted.wait_for(Option::is_some).await.is_ok() {
            match Program::start(self.config.clone()) {
                Ok((program, events)) => {
                    let _counted = Counted::new("server_programs");
                    self.mix(&program, events).await;
                }
                Err(error) => {
                    warn!(program = %self.config.name, %error, "A mixer could not be started.");
                    tokio::time::sleep(START_AGAIN_AFTER).await;
                }
            }
        }
    }

    /// Mixes until no scene is wanted any more.
    async fn mix(&mut self, program: &Program, mut events: mpsc::Receiver<ProgramEvent>) {
        info!(program = %self.config.name, "Program started.");
        let mut taps = Taps::new(self.sfu.clone(), program.clone());
        self.wanted.mark_changed();
        loop {
            tokio::select! {
                changed = self.wanted.changed() => {
                    let scene = self.wanted.borrow_and_update().clone();
                    match (changed, scene) {
                        (Ok(()), Some(scene)) => {
                            taps.follow(&scene);
                            program.set_scene(scene);
                        }
                        (Ok(()), None) | (Err(_), _) => break,
                    }
                }
                event = events.recv() => match event {
                    Some(event) => self.handle_event(event),
                    None => break,
                },
                Some(()) = self.keyframes.recv() => program.request_keyframe(),
            }
        }
        drop(taps);
        if tokio::time::timeout(STOP_WITHIN, program.stop()).await.is_err() {
            warn!(program = %self.config.name, "A mixer did not stop in time.");
        }
        info!(program = %self.config.name, "Program stopped.");
    }

    fn handle_event(&mut self, event: ProgramEvent) {
        match event {
            ProgramEvent::Frame { frame, revision } => {
                let frame = self.cues.write(frame, revision);
                self.send_out(frame);
            }
            ProgramEvent::KeyframeWanted(feed) => self.sfu.request_keyframe(&feed),
            ProgramEvent::Started { generation } => {
                info!(program = %self.config.name, generation, "Mixer started.");
            }
            ProgramEvent::Died { generation, reason } => {
                warn!(program = %self.config.name, generation, %reason, "Mixer died.");
                metrics::counter!("server_mixer_deaths_total").increment(1);
            }
        }
    }

    fn send_out(&self, frame: EncodedFrame) {
        self.outputs.viewers.push(&frame);
        self.outputs.relay.push(frame);
    }
}

/// Pumps from the stage's feeds into the mixer, one task each; a feed that leaves takes its own down.
struct Taps {
    sfu: Sfu,
    program: Program,
    open: HashMap<FeedId, DropGuard>,
}

impl Taps {
    fn new(sfu: Sfu, program: Program) -> Self {
        Self { sfu, program, open: HashMap::new() }
    }

    /// Opens and closes taps so that there is one for each feed of `scene`.
    fn follow(&mut self, scene: &Scene) {
        self.open.retain(|feed, _| scene.tiles.iter().any(|tile| tile.feed == *feed));
        for tile in &scene.tiles {
            if !self.open.contains_key(&tile.feed) {
                let guard = self.open_tap(tile.feed.clone());
                self.open.insert(tile.feed.clone(), guard);
            }
        }
    }

    fn open_tap(&self, feed: FeedId) -> DropGuard {
        let cancelled = CancellationToken::new();
        let guard = cancelled.clone().drop_guard();
        let program = self.program.clone();
        let mut tap = self.sfu.tap(feed);
        tokio::spawn(cancelled.run_until_cancelled_owned(async move {
            while let Some(item) = tap.recv().await {
                program.input(item);
            }
        }));
        guard
    }
}
