//! One life of a program's mixer, from its start until nobody wants the program. Says whose pictures
//! are shown; how they leave is the [`Junction`]'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_rules::{EncodedFrame, Scene};
use mixer::link::Clip;
use mixer::{Duty, Program, ProgramEvent};
use sfu::Sfu;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::composites::{Joined, Lent, is_same_sight};
use super::junction::Junction;
use super::part::{News, Part, Source, is_shareable};
use super::taps::Taps;
use super::{Orders, Recipe};

/// How long a mixer may take to finish its last frames before it is cut off.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// How long an owner goes on for guests who have no pictures of their own yet.
const PART_WITHIN: Duration = Duration::from_secs(1);

/// How long a guest waits for the owner's first keyframe; a host's picture may be on its way.
const JOIN_WITHIN: Duration = Duration::from_secs(3);

/// After an owner fell silent, a program makes its own pictures for so long.
const SHARE_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A running mixer and what becomes of its frames.
pub(super) struct Run<'a> {
    program: Program,
    recipe: &'a Recipe,
    sfu: &'a Sfu,
    junction: Arc<Junction>,
    taps: Taps,
    part: Part,
    scene: Scene,
    /// What is wanted instead, once the guests have parted.
    next: Option<Option<Scene>>,
    times_shared: u64,
    share_after: Instant,
    /// The films that the mixer has or is to load.
    clips: Vec<Clip>,
}

impl<'a> Run<'a> {
    /// Takes over a mixer that was just started and whose frames go to `junction`.
    pub(super) fn new(
        program: Program,
        recipe: &'a Recipe,
        sfu: &'a Sfu,
        junction: Arc<Junction>,
    ) -> Self {
        program.set_duty(recipe.duty);
        Self {
            taps: Taps::new(sfu.clone(), program.clone()),
            program,
            recipe,
            sfu,
            junction,
            part: Part::Alone,
            scene: Scene::new(0, Vec::new()),
            next: None,
            times_shared: 0,
            share_after: Instant::now(),
            clips: Vec::new(),
        }
    }

    /// Mixes until no scene is wanted any more, then ends the mixer.
    pub(super) async fn mix(
        mut self,
        orders: &mut Orders,
        mut events: mpsc::Receiver<ProgramEvent>,
    ) {
        let name = &self.recipe.config.name;
        info!(program = %name, "Program started.");
        let Orders { wanted, keyframes, clips, snapshots } = orders;
        loop {
            let deadline = self.part.deadline();
            let goes_on = tokio::select! {
                changed = wanted.changed() => {
                    let scene = wanted.borrow_and_update().clone();
                    changed.is_ok() && self.handle_wanted(scene)
                }
                event = events.recv() => match event {
                    Some(event) => self.handle_event(event),
                    None => false,
                },
                () = self.junction.changed() => self.handle_junction(),
                Some(()) = keyframes.recv() => self.request_keyframe(),
                Ok(()) = clips.changed() => {
                    self.clips.clone_from(&clips.borrow_and_update());
                    self.program.set_clips(self.clips.clone());
                    true
                }
                Some(wish) = snapshots.recv() => {
                    self.program.request_snapshot(wish);
                    true
                }
                news = self.part.news() => self.handle_news(news),
                () = sleep_until(deadline) => self.handle_timeout(),
            };
            if !goes_on {
                break;
            }
        }
        drop(self.taps);
        self.junction.lend(None);
        drop(self.part);
        if tokio::time::timeout(STOP_WITHIN, self.program.stop()).await.is_err() {
            warn!(program = %name, "A mixer did not stop in time.");
        }
        info!(program = %name, "Program stopped.");
    }

    /// Takes what is wanted now. Returns whether the mixer goes on, as all that handle something do.
    fn handle_wanted(&mut self, wanted: Option<Scene>) -> bool {
        if let Part::Owner { owned, ends_at, .. } = &mut self.part
            && owned.has_guests()
            && !wanted.as_ref().is_some_and(|scene| owned.shows(scene) && ends_at.is_none())
        {
            owned.withdraw();
            ends_at.get_or_insert_with(|| Instant::now() + PART_WITHIN);
            self.next = Some(wanted);
            return true;
        }
        self.show(wanted)
    }

    fn show(&mut self, wanted: Option<Scene>) -> bool {
        // Whatever waited for guests to part is overtaken.
        self.next = None;
        let Some(scene) = wanted else { return false };
        self.taps.follow(&scene);
        let is_same = is_same_sight(&self.scene, &scene);
        self.scene = scene;
        match (&self.part, is_same) {
            (Part::Joining { .. }, true) => {}
            (Part::Owner { .. } | Part::Guest { .. }, true) | (Part::Leaving { .. }, _) => {
                self.program.set_scene(self.scene.clone());
            }
            (Part::Guest { .. }, false) => self.leave(),
            (Part::Alone, _) | (Part::Owner { .. } | Part::Joining { .. }, false) => {
                self.be_alone()
            }
        }
        true
    }

    /// Ends whatever was shared, and looks whether somebody makes what is wanted now.
    fn be_alone(&mut self) {
        self.part = Part::Alone;
        self.junction.lend(None);
        self.junction.switch_to(Source::Own);
        self.share();
        if !matches!(self.part, Part::Joining { .. }) {
            self.program.set_scene(self.scene.clone());
        }
    }

    fn share(&mut self) {
        let now = Instant::now();
        if !is_shareable(&self.scene) || now < self.share_after {
            return;
        }
        self.part = match self.recipe.composites.join(&self.scene) {
            Joined::Owner(owned) => {
                self.junction.lend(Some((owned.lender(), self.scene.revision)));
                Part::Owner { owned, ends_at: None }
            }
            Joined::Guest(borrowed) => {
                self.times_shared += 1;
                self.junction.switch_to(Source::Shared(self.times_shared));
                borrowed.request_keyframe();
                Part::Joining { borrowed, until: now + JOIN_WITHIN }
            }
        };
    }

    /// Makes own pictures again; the other's go on until there are any.
    fn leave(&mut self) {
        self.program.set_scene(self.scene.clone());
        self.program.set_duty(self.recipe.duty);
        self.junction.switch_to(Source::Own);
        self.part.begin_leaving();
        info!(program = %self.recipe.config.name, "Makes its own pictures again.");
    }

    fn handle_event(&mut self, event: ProgramEvent) -> bool {
        let name = &self.recipe.config.name;
        match event {
            // The junction took them. Nobody asks for side mixes yet: hosts who hear only the mix are
            // still to come.
            ProgramEvent::Frame { .. }
            | ProgramEvent::Rendition { .. }
            | ProgramEvent::Loudness(_)
            | ProgramEvent::SideFrame { .. } => {}
            ProgramEvent::KeyframeWanted(feed) => self.sfu.request_keyframe(&feed),
            ProgramEvent::Clip { feed, news } => self.junction.outputs().room.tell_clip(feed, news),
            ProgramEvent::Snapshot(snapshot) => self.junction.outputs().room.hand_over(snapshot),
            ProgramEvent::Started { generation } => {
                info!(program = %name, generation, "Mixer started.");
                // What was ordered while it started may have been lost.
                self.program.set_clips(self.clips.clone());
            }
            ProgramEvent::Died { generation, reason } => {
                warn!(program = %name, generation, %reason, "Mixer died.");
                metrics::counter!("server_mixer_deaths_total").increment(1);
                self.clips.clear();
                self.junction.outputs().room.tell_end(true);
            }
        }
        true
    }

    /// Takes that the own pictures are back, or that RTMP has its first taker or none any more.
    fn handle_junction(&mut self) -> bool {
        self.program.set_aac(self.junction.is_relayed());
        let is_own = self.junction.current() == Some(Source::Own);
        if is_own && matches!(self.part, Part::Leaving { .. }) {
            self.part = Part::Alone;
            self.share();
        }
        true
    }

    fn handle_news(&mut self, news: News) -> bool {
        let source = Source::Shared(self.times_shared);
        match news {
            News::KeyframeWanted => self.program.request_keyframe(),
            News::Parted => return self.end_sharing(),
            News::Lent(Lent::Picture(frame)) => self.handle_shared(source, frame),
            News::Lent(Lent::Missed) => {
                self.junction.handle_loss(source);
                self.request_keyframe();
            }
            News::Lent(Lent::Ending) => match &self.part {
                Part::Guest { .. } => self.leave(),
                Part::Joining { .. } => self.be_alone(),
                Part::Alone | Part::Owner { .. } | Part::Leaving { .. } => {}
            },
        }
        true
    }

    fn handle_shared(&mut self, source: Source, frame: EncodedFrame) {
        // It shows what this room's scene shows, whatever its number is where it was made.
        self.junction.pass(source, frame, self.scene.revision);
        if let Part::Guest { heard, .. } = &mut self.part {
            *heard = Instant::now();
        }
        if self.junction.current() != Some(source) {
            return;
        }
        if matches!(self.part, Part::Joining { .. }) {
            self.program.set_duty(Duty::Rest);
            metrics::counter!("server_pictures_shared_total").increment(1);
            self.program.set_scene(self.scene.clone());
            info!(program = %self.recipe.config.name, "Shows the pictures of another program.");
        }
        self.part.take_joined(Instant::now());
    }

    fn handle_timeout(&mut self) -> bool {
        if self.part.deadline().is_none_or(|deadline| Instant::now() < deadline) {
            return true;
        }
        let name = &self.recipe.config.name;
        match &self.part {
            Part::Owner { .. } => return self.end_sharing(),
            Part::Guest { .. } => {
                warn!(program = %name, "The pictures of another program do not come any more.");
                self.share_after = Instant::now() + SHARE_AGAIN_AFTER;
                self.leave();
            }
            Part::Joining { .. } => {
                self.share_after = Instant::now() + SHARE_AGAIN_AFTER;
                self.be_alone();
            }
            Part::Alone | Part::Leaving { .. } => {}
        }
        true
    }

    /// Shows what was wanted while guests had no pictures of their own.
    fn end_sharing(&mut self) -> bool {
        self.part = Part::Alone;
        self.junction.lend(None);
        match self.next.take() {
            Some(wanted) => self.show(wanted),
            None => true,
        }
    }

    fn request_keyframe(&self) -> bool {
        match (&self.part, self.junction.current()) {
            (
                Part::Joining { borrowed, .. }
                | Part::Guest { borrowed, .. }
                | Part::Leaving { borrowed },
                Some(Source::Shared(_)),
            ) => borrowed.request_keyframe(),
            (_, Some(Source::Own | Source::Shared(_)) | None) => self.program.request_keyframe(),
        }
        true
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
