//! Owns the feeds and tells the two ticks what to draw and to mix. The only place that knows both
//! the scene and the hosts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use media_rules::{FeedId, HostSync, MediaTime, Rect, Scene, TapItem, Tile};
use mixer::link::{Clip as Order, ClipNews, Down, Duty, Start, Up};
use mixer::media_now;

use crate::clip::Clip;
use crate::encoder::Encoder;
use crate::feed::Feed;
use crate::fit::clip;
use crate::inlet::{Heard, Inlet};
use crate::outlet::Outlet;
use crate::picture_tick::{Cue, SceneCue, SharedPictures};
use crate::solo::Solo;
use crate::sound_thread::SoundDesk;
use crate::sound_tick::{SharedVoice, SoundCue, VoiceCue};

/// How often feeds are looked at while something is to be done about them.
const GLANCE: Duration = Duration::from_millis(5);

/// What has no moment of its own, a host that stalls for example, is looked at this often.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The same while sound is another's, too: what hosts send is taken in as it comes and needs no clock.
const LONGEST_NAP: Duration = Duration::from_millis(250);

/// How often it is looked whether hosts have to wait for one another.
const SYNC: Duration = Duration::from_millis(100);

/// After a snapshot another one is likely; what was woken for it goes on for so long.
const LOOK: Duration = Duration::from_secs(2);

/// Added to the time for which a picture of a feed that left its scene may still be needed.
const MARGIN: Duration = Duration::from_millis(200);

/// The owner of the feeds.
pub(crate) struct Desk {
    start: Start,
    encoder: Arc<Encoder>,
    outlet: Arc<Outlet>,
    /// To whoever draws what a scene needs, and then to the picture tick.
    scenes: Sender<SceneCue>,
    pictures: Sender<Cue>,
    sound: SoundDesk,
    feeds: HashMap<FeedId, Feed>,
    clips: HashMap<FeedId, Clip>,
    /// Which of them are wanted whatever the scene is.
    ordered: Vec<FeedId>,
    /// Which of them the scene shows.
    played: Vec<FeedId>,
    looked: MediaTime,
    sync: HostSync,
    synced: MediaTime,
    /// A feed outlives its scene by this much: the scene before may be held while a newcomer comes,
    /// and is then on its way out.
    grace: Duration,
    solo: Solo,
    /// Whose sound may be passed on.
    passed_on: Option<FeedId>,
    work: Work,
    is_asleep: bool,
    /// Snapshots are likely until then.
    looks_until: MediaTime,
}

/// What is done about pictures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Work {
    /// They are decoded, composed and encoded.
    Compose,
    /// They are decoded, and composed for a snapshot.
    Look,
    /// Nothing.
    Rest,
}

impl Desk {
    /// Creates a desk with nobody at it.
    pub(crate) fn new(
        start: Start,
        encoder: Arc<Encoder>,
        outlet: Arc<Outlet>,
        (scenes, pictures): (Sender<SceneCue>, Sender<Cue>),
        sound: SoundDesk,
        solo: Solo,
    ) -> Self {
        let feeds = HashMap::new();
        Self {
            start,
            encoder,
            outlet,
            scenes,
            pictures,
            sound,
            feeds,
            clips: HashMap::new(),
            ordered: Vec::new(),
            played: Vec::new(),
            looked: MediaTime::default(),
            sync: HostSync::default(),
            synced: MediaTime::default(),
            grace: Scene::PATIENCE + MARGIN,
            solo,
            passed_on: None,
            work: Work::Compose,
            is_asleep: false,
            looks_until: MediaTime::default(),
        }
    }

    /// Works until the server says stop or is gone.
    pub(crate) fn run(mut self, link: &mut Inlet) -> anyhow::Result<()> {
        loop {
            let pause = self.pause(media_now());
            let heard = match self.sound.is_here() {
                true => link.next_after(pause)?,
                false => link.next_within(pause)?,
            };
            let is_time = heard == Heard::Nothing;
            match heard {
                Heard::End | Heard::Message(Down::Stop) => return Ok(()),
                Heard::Message(message) => self.handle(message),
                Heard::Nothing => {}
            }
            let now = media_now();
            if is_time || now.since(self.looked) >= GLANCE {
                self.looked = now;
                self.look_at_all(now);
            }
            if now.since(self.synced) >= SYNC {
                self.synced = now;
                self.sync_hosts();
            }
        }
    }

    /// Returns how long there is nothing to do unless a message comes.
    fn pause(&self, now: MediaTime) -> Duration {
        let is_busy = !self.clips.is_empty()
            || now < self.looks_until
            || self.feeds.values().any(Feed::has_waiting);
        if is_busy {
            return GLANCE;
        }
        if self.is_asleep {
            return LONGEST_NAP;
        }
        let feeds = self.feeds.values().filter_map(Feed::poll_timeout);
        let passed = self.solo.poll_timeout().into_iter().chain(self.sound.poll_timeout());
        let due = feeds.chain(passed).min();
        let pause = due.map_or(LONGEST_PAUSE, |due| due.since(now).min(LONGEST_PAUSE));
        if pause.is_zero() { GLANCE } else { pause }
    }

    fn handle(&mut self, message: Down) {
        match message {
            Down::Input(item) => self.handle_input(item),
            Down::Scene(scene) => self.handle_scene(scene),
            Down::SideMixes(wanted) => {
                self.sound.send(SoundCue::SideMixes(wanted));
            }
            Down::Keyframe => match self.solo.host() {
                Some(host) => self.outlet.send(Up::KeyframeWanted(host.clone())),
                None => self.encoder.force_keyframe(),
            },
            Down::Duty(duty) => {
                let now = media_now();
                self.is_asleep = duty == Duty::Sleep;
                self.solo.handle_duty(duty, now);
                self.sound.send(SoundCue::Sleep(self.is_asleep));
                self.look_at_all(now);
            }
            Down::Clips(orders) => self.handle_orders(orders),
            Down::Snapshot(wish) => {
                let now = media_now();
                self.looks_until = now + LOOK;
                let _ = self.pictures.send(Cue::Snapshot(wish));
                self.look_at_all(now);
            }
            Down::Quality(quality) => {
                self.solo.handle_rate(quality.video_kbps);
                self.encoder.set_quality(quality);
            }
            Down::Aac(is_wanted) => self.encoder.set_aac(is_wanted),
            // They begin and end what is done here.
            Down::Start(_) | Down::Stop => {}
        }
    }

    fn handle_input(&mut self, item: TapItem) {
        let (id, arrival) = match &item {
            TapItem::Packet(packet) => (&packet.feed, packet.arrival),
            TapItem::Report(report) => (&report.feed, report.arrival),
        };
        let Some(feed) = self.feeds.get_mut(id) else { return };
        // Who sleeps is woken for many packets at once. That does not make them late.
        let now = if self.is_asleep { arrival } else { media_now() };
        let id = id.clone();
        feed.handle(item, now);
        if advance(&id, feed, &mut self.solo, now) {
            self.outlet.send(Up::KeyframeWanted(id));
        }
    }

    /// Loads films that are new and lets go of those that are not wanted any more.
    fn handle_orders(&mut self, orders: Vec<Order>) {
        self.ordered = orders.iter().map(|order| order.feed.clone()).collect();
        self.sound.set_desk_free(false);
        for order in orders {
            let feed = order.feed.clone();
            if self.clips.contains_key(&feed) {
                continue;
            }
            match Clip::load(order, &self.outlet) {
                Ok(clip) => drop(self.clips.insert(feed, clip)),
                Err(error) => {
                    let reason = error.to_string();
                    self.outlet.send(Up::Clip(feed, ClipNews::Failed { reason }));
                }
            }
        }
        self.look_at_clips(media_now());
    }

    fn handle_scene(&mut self, mut scene: Scene) {
        let now = media_now();
        let canvas = (self.start.width, self.start.height);
        for tile in &mut scene.tiles {
            tile.rect = clip(tile.rect, canvas).unwrap_or(Rect::NOWHERE);
        }
        self.grace = scene.patience + scene.transition.length() + MARGIN;

        for (id, feed) in &mut self.feeds {
            let mut tiles = scene.tiles.iter().filter(|tile| tile.feed == *id).peekable();
            feed.set_in_scene(tiles.peek().is_some(), now);
            feed.set_seen(tiles.any(|tile| !tile.rect.is_empty()), now);
        }
        let shown = scene.tiles.iter().map(|tile| &tile.feed);
        self.played = shown.filter(|feed| feed.is_clip()).cloned().collect();
        self.look_at_clips(now);
        let mut voices = Vec::new();
        for tile in &scene.tiles {
            let Some(voice) = self.join(tile, now) else { continue };
            voices.push(VoiceCue {
                feed: tile.feed.clone(),
                voice,
                gain: f32::from(tile.gain_percent) / 100.0,
                duck_db: tile.duck_db,
            });
        }
        let pictures =
            |id: &FeedId, pictures: &SharedPictures| (id.clone(), Arc::downgrade(pictures));
        let hosts = self.feeds.iter().map(|(id, feed)| pictures(id, feed.pictures()));
        let clips = self.clips.iter().map(|(id, clip)| pictures(id, clip.pictures()));
        let feeds = hosts.chain(clips).collect();
        // The ticks end only after this desk.
        self.sound.send(SoundCue::Voices(voices));
        self.solo.handle_scene(&scene, now);
        let _ = self.scenes.send(SceneCue { scene, feeds });
        self.look_at_all(now);
    }

    /// Lets somebody, or something that is played in, be part of the program; returns their sound.
    fn join(&mut self, tile: &Tile, now: MediaTime) -> Option<SharedVoice> {
        let (id, is_seen) = (&tile.feed, !tile.rect.is_empty());
        if id.is_clip() {
            // One that was lost with the process before leaves a placeholder until the server hears.
            let clip = self.clips.get_mut(id)?;
            clip.begin();
            return Some(clip.voice());
        }
        let is_decoding = self.work != Work::Rest && is_seen;
        let feed = self.feeds.entry(id.clone()).or_insert_with(|| {
            let mut feed = Feed::new(is_decoding);
            feed.set_seen(is_seen, now);
            feed
        });
        Some(feed.voice())
    }

    fn look_at_clips(&mut self, now: MediaTime) {
        for (id, clip) in &mut self.clips {
            clip.set_wanted(self.ordered.contains(id) || self.played.contains(id), now);
        }
    }

    /// Those that are in the scene wait for one another.
    fn sync_hosts(&mut self) {
        let here = self.feeds.iter().filter(|(_, feed)| feed.is_in_scene());
        let lags: Vec<_> = here.map(|(id, feed)| (id.clone(), feed.lag())).collect();
        self.sync.handle_lags(&lags);
        for (id, feed) in &mut self.feeds {
            if feed.is_in_scene() {
                feed.set_wait(self.sync.wait(id));
            }
        }
    }

    fn look_at_all(&mut self, now: MediaTime) {
        self.feeds.retain(|_, feed| !feed.is_gone(self.grace, now));
        self.clips.retain(|_, clip| !clip.is_gone(self.grace, now));
        for (id, feed) in &mut self.feeds {
            if advance(id, feed, &mut self.solo, now) {
                self.outlet.send(Up::KeyframeWanted(id.clone()));
            }
        }
        self.sound.advance(now);
        // Of a host who is passed on, a picture leaves with the sound before it, if it is there by then, and
        // needs no waking of its own.
        let ahead = self.sound.poll_timeout().map_or(Duration::ZERO, |sound| sound.since(now));
        if let Some(host) = self.solo.advance(now, ahead)
            && self.feeds.get_mut(&host).is_some_and(|feed| feed.may_ask(now))
        {
            self.outlet.send(Up::KeyframeWanted(host));
        }
        if self.solo.host() != self.passed_on.as_ref() {
            self.passed_on = self.solo.host().cloned();
            self.sound.send(SoundCue::Pass(self.passed_on.clone()));
        }
        self.set_work(match self.solo.needs_composite() {
            true => Work::Compose,
            false if now < self.looks_until => Work::Look,
            false => Work::Rest,
        });
        self.sound.set_desk_free(self.work == Work::Rest && self.clips.is_empty());
        // Whom no layout shows needs no decoder; it catches up when it is shown.
        for feed in self.feeds.values_mut() {
            feed.set_decoding(self.work != Work::Rest && feed.is_seen(self.grace, now));
        }
    }

    /// Wakes what composes and encodes pictures, or lets it rest.
    fn set_work(&mut self, work: Work) {
        let before = std::mem::replace(&mut self.work, work);
        if before == work {
            return;
        }
        let _ = self.pictures.send(match work {
            Work::Compose => Cue::Work,
            Work::Look => Cue::Look,
            Work::Rest => Cue::Rest,
        });
    }
}

/// Lets a feed go on; returns whether its host must be asked for a keyframe.
fn advance(id: &FeedId, feed: &mut Feed, solo: &mut Solo, now: MediaTime) -> bool {
    let asks = feed.advance(now, |picture| {
        if let Some(picture) = picture.clone().into_program() {
            solo.handle_picture(id, picture, now);
        }
    });
    if feed.take_loss() {
        solo.handle_loss(id, now);
    }
    asks
}
