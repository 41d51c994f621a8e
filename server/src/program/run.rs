//! One life of a program's mixer, from its start until nobody wants the program. Says whose pictures
//! are shown and whose sound is heard; how they leave is the [`Junction`]'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_rules::{Hearing, Scene};
use mixer::link::Clip;
use mixer::{Duty, Program, ProgramEvent, Quality, media_now};
use sfu::Sfu;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::composites::{Joined, Lent, Taker, is_same_sight};
use super::junction::Junction;
use super::part::{News, Part, Source, is_shareable};
use super::taps::Taps;
use super::{Orders, Recipe};
use crate::room_quality::Making;

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
    share_after: Instant,
    duty: Duty,
    /// Whether the mixer is there or starts for the first time.
    has_mixer: bool,
    /// The films that the mixer has or is to load.
    clips: Vec<Clip>,
    /// What is made of the picture.
    quality: Quality,
}

impl<'a> Run<'a> {
    /// Takes over a mixer that was just started and whose frames go to `junction`.
    pub(super) fn new(
        program: Program,
        recipe: &'a Recipe,
        sfu: &'a Sfu,
        junction: Arc<Junction>,
        making: Making,
    ) -> Self {
        junction.outputs().viewers.offer(making.offers);
        let duty = duty_beside(&making.quality, recipe.duty);
        program.set_duty(duty);
        Self {
            taps: Taps::new(sfu.clone(), program.clone()),
            program,
            recipe,
            sfu,
            junction,
            part: Part::Alone,
            scene: Scene::new(0, Vec::new()),
            next: None,
            share_after: Instant::now(),
            duty,
            has_mixer: true,
            clips: Vec::new(),
            quality: making.quality,
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
        let Orders { wanted, keyframes, clips, making, snapshots } = orders;
        loop {
            let deadline = self.deadline();
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
                Ok(()) = making.changed() => {
                    let making = making.borrow_and_update().clone();
                    self.handle_making(making)
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
            self.follow_sound();
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

    /// Takes how much is to be made of the picture, at once.
    fn handle_making(&mut self, making: Making) -> bool {
        self.junction.outputs().viewers.offer(making.offers);
        self.quality = making.quality;
        self.program.set_quality(self.quality.clone());
        let is_usual = self.is_usual();
        let makes_all = !is_usual || !self.quality.renditions.is_empty();
        match &mut self.part {
            Part::Guest { .. } if makes_all => self.leave(),
            Part::Joining { .. } if makes_all => self.be_alone(),
            Part::Owner { owned, ends_at } if !is_usual && owned.has_guests() => {
                owned.withdraw();
                ends_at.get_or_insert_with(|| Instant::now() + PART_WITHIN);
                self.next.get_or_insert_with(|| Some(self.scene.clone()));
            }
            Part::Owner { .. } if !is_usual => self.be_alone(),
            Part::Alone => self.share(),
            Part::Guest { .. }
            | Part::Joining { .. }
            | Part::Owner { .. }
            | Part::Leaving { .. } => {}
        }
        if !matches!(self.part, Part::Guest { .. }) {
            self.set_duty(self.own_duty());
        }
        true
    }

    /// Returns what the own mixer does while it makes pictures.
    fn own_duty(&self) -> Duty {
        duty_beside(&self.quality, self.recipe.duty)
    }

    /// Returns whether the picture is as good as those of other rooms.
    fn is_usual(&self) -> bool {
        self.quality.video_kbps == self.recipe.config.quality.video_kbps
    }

    fn show(&mut self, wanted: Option<Scene>) -> bool {
        // Whatever waited for guests to part is overtaken.
        self.next = None;
        let Some(scene) = wanted else { return false };
        self.taps.follow(&scene);
        let is_same = is_same_sight(&self.scene, &scene);
        self.scene = scene;
        self.junction.show_borrowed(self.scene.revision);
        match (&mut self.part, is_same) {
            (Part::Joining { .. }, true) => {}
            (Part::Owner { owned, .. }, true) => {
                // Guests do not hear what is about to change here.
                owned.set_hearing(Hearing::of(&self.scene));
                self.program.set_scene(self.scene.clone());
            }
            (Part::Guest { sound, .. }, true) => {
                sound.handle_own(Hearing::of(&self.scene), media_now());
                self.program.set_scene(self.scene.clone());
            }
            (Part::Leaving { .. }, _) => self.program.set_scene(self.scene.clone()),
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
        self.junction.switch_sound_to(Source::Own);
        self.share();
        if !matches!(self.part, Part::Joining { .. }) {
            self.program.set_scene(self.scene.clone());
        }
    }

    fn share(&mut self) {
        let now = Instant::now();
        if !is_shareable(&self.scene) || now < self.share_after || !self.is_usual() {
            return;
        }
        let taker = Arc::clone(&self.junction) as Arc<dyn Taker>;
        self.part = match self.recipe.composites.join(&self.scene, taker) {
            Joined::Guest(_) if !self.quality.renditions.is_empty() => Part::Alone,
            Joined::Owner(owned) => {
                owned.set_made(self.has_mixer);
                self.junction.lend(Some((owned.lender(), self.scene.revision)));
                Part::Owner { owned, ends_at: None }
            }
            Joined::Guest(borrowed) => {
                self.junction.switch_to(Source::Shared(borrowed.number()));
                borrowed.request_keyframe();
                Part::Joining { borrowed, until: now + JOIN_WITHIN }
            }
        };
    }

    /// Makes own pictures and sound again; the other's go on until there are any.
    fn leave(&mut self) {
        self.program.set_scene(self.scene.clone());
        self.set_duty(self.own_duty());
        self.junction.switch_to(Source::Own);
        self.junction.switch_sound_to(Source::Own);
        self.part.begin_leaving();
        info!(program = %self.recipe.config.name, "Makes its own pictures again.");
    }

    /// Takes the owner's sound, or lets the own mixer make it, and lets that sleep once nobody hears it.
    fn follow_sound(&mut self) {
        let Part::Guest { borrowed, sound, .. } = &mut self.part else { return };
        let (_, heard) = self.junction.borrowed();
        sound.handle_heard(heard);
        let source = Source::Shared(borrowed.number());
        let is_shared = sound.poll_shared(media_now());
        if is_shared {
            borrowed.take_sound(&Hearing::of(&self.scene));
        }
        self.junction.switch_sound_to(if is_shared { source } else { Source::Own });
        let sleeps = is_shared && self.junction.is_sound_of(source);
        self.set_duty(if sleeps { Duty::Sleep } else { Duty::Rest });
    }

    fn set_duty(&mut self, duty: Duty) {
        let before = std::mem::replace(&mut self.duty, duty);
        if before == duty {
            return;
        }
        let sleeps = duty == Duty::Sleep;
        // What it kept until now is with it before it wakes.
        self.taps.set_asleep(sleeps);
        self.program.set_duty(duty);
        if sleeps {
            metrics::counter!("server_sound_shared_total").increment(1);
            info!(program = %self.recipe.config.name, "Takes the sound of another program, too.");
        }
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
                self.set_has_mixer(true);
            }
            ProgramEvent::Died { generation, reason } => {
                warn!(program = %name, generation, %reason, "Mixer died.");
                metrics::counter!("server_mixer_deaths_total").increment(1);
                self.clips.clear();
                self.set_has_mixer(false);
                self.junction.outputs().room.tell_end(true);
            }
        }
        true
    }

    fn set_has_mixer(&mut self, has_mixer: bool) {
        self.has_mixer = has_mixer;
        if let Part::Owner { owned, .. } = &self.part {
            owned.set_made(has_mixer);
        }
    }

    /// Takes that pictures or sound come from elsewhere now, or that AAC is needed or not any more.
    fn handle_junction(&mut self) -> bool {
        self.program.set_aac(self.junction.needs_aac());
        let current = self.junction.current();
        match &self.part {
            Part::Joining { borrowed, .. }
                if current == Some(Source::Shared(borrowed.number())) =>
            {
                self.set_duty(Duty::Rest);
                metrics::counter!("server_pictures_shared_total").increment(1);
                self.program.set_scene(self.scene.clone());
                info!(program = %self.recipe.config.name, "Shows the pictures of another program.");
                self.part.take_joined(Hearing::of(&self.scene), Instant::now(), media_now());
            }
            Part::Leaving { .. }
                if current == Some(Source::Own) && self.junction.is_sound_of(Source::Own) =>
            {
                self.part = Part::Alone;
                self.share();
            }
            Part::Alone
            | Part::Owner { .. }
            | Part::Joining { .. }
            | Part::Guest { .. }
            | Part::Leaving { .. } => {}
        }
        true
    }

    fn handle_news(&mut self, news: News) -> bool {
        match news {
            News::KeyframeWanted => self.program.request_keyframe(),
            News::Parted => return self.end_sharing(),
            News::Lent(Lent::Hearing(Some(hearing))) => {
                if let Part::Guest { sound, .. } = &mut self.part {
                    sound.handle_theirs(Some(hearing), media_now());
                }
            }
            News::Lent(Lent::Hearing(None)) => self.give_up_owner(),
            News::Lent(Lent::Ending) => match &self.part {
                Part::Guest { .. } => self.leave(),
                Part::Joining { .. } => self.be_alone(),
                Part::Alone | Part::Owner { .. } | Part::Leaving { .. } => {}
            },
        }
        true
    }

    /// Nothing comes of whoever lent this program something.
    fn give_up_owner(&mut self) {
        let name = &self.recipe.config.name;
        match &self.part {
            Part::Guest { .. } => {
                warn!(program = %name, "The pictures of another program do not come any more.");
                self.share_after = Instant::now() + SHARE_AGAIN_AFTER;
                self.leave();
            }
            Part::Joining { .. } => {
                self.share_after = Instant::now() + SHARE_AGAIN_AFTER;
                self.be_alone();
            }
            Part::Alone | Part::Owner { .. } | Part::Leaving { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let sound = self.part.sound_deadline();
        let sound = sound.map(|deadline| Instant::now() + deadline.since(media_now()));
        self.part.deadline().into_iter().chain(sound).min()
    }

    fn handle_timeout(&mut self) -> bool {
        if let Part::Guest { seen, .. } = &mut self.part {
            *seen = self.junction.borrowed().0.max(*seen);
        }
        if self.part.deadline().is_none_or(|deadline| Instant::now() < deadline) {
            return true;
        }
        match &self.part {
            Part::Owner { .. } => return self.end_sharing(),
            Part::Guest { .. } | Part::Joining { .. } => self.give_up_owner(),
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
            // What was shown before is wanted again; others may have it, too.
            None => {
                self.share();
                true
            }
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

/// Returns what a mixer does about pictures; renditions are made of composed ones.
fn duty_beside(quality: &Quality, duty: Duty) -> Duty {
    if quality.renditions.is_empty() { duty } else { Duty::Mix }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
