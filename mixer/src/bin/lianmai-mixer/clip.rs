//! Plays a film into the program: a thread of its own hands pictures and sound of one reel after
//! another to where the ticks take a host's from, each at its moment on the media clock.
//!
//! ```text
//! Loading ──picture and sound are decoded──▶ Ready ──in a scene──▶ Playing ──▶ Ended
//!    └───────────────── a bad file, or one that stops ──────────────┴──▶ Failed
//! ```
//!
//! A loop has no seam: the next reel is threaded while the last seconds of this one play.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use media_rules::MediaTime;
use mixer::link::{Clip as Order, ClipNews, Up};
use mixer::media_now;
use tracing::debug;

use crate::outlet::Outlet;
use crate::picture_tick::SharedPictures;
use crate::reel::{Next, Reel};
use crate::sound_tick::SharedVoice;
use crate::voice::{RATE_HZ, Stereo};

/// How often it is looked what is due.
const STEP: Duration = Duration::from_millis(5);

/// A film begins this long after it came into a scene, so that its first sound is there in time.
const LEAD: Duration = Duration::from_millis(80);

/// So far ahead pictures and sound are handed over.
const PICTURES_AHEAD: Duration = Duration::from_millis(60);
const SOUND_AHEAD: Duration = Duration::from_millis(200);

/// A film of which nothing came for so long has failed, at its beginning or later.
const STUCK: Duration = Duration::from_secs(10);

/// A still picture of a film is no stalled host: it is shown again so often.
const REFRESH: Duration = Duration::from_millis(500);

/// The next reel of a loop is threaded so long before this one ends.
const THREAD_AHEAD: Duration = Duration::from_secs(2);

/// A pass lasts this long at least: opening a film again and again is work.
const SHORTEST: Duration = Duration::from_secs(1);

/// The end is told this much early, because the scene after it takes a picture to come on.
const TOLD_EARLY: Duration = Duration::from_millis(30);

/// A film that is played, or about to be. Dropping it ends it.
pub(crate) struct Clip {
    pictures: SharedPictures,
    voice: SharedVoice,
    begin: Sender<()>,
    has_begun: bool,
    /// When it was no longer wanted.
    left: Option<MediaTime>,
}

impl Clip {
    /// Begins to load a film; how that goes is told to `outlet`.
    pub(crate) fn load(order: Order, outlet: &Arc<Outlet>) -> std::io::Result<Self> {
        let (begin, begun) = channel();
        let (pictures, voice) = (SharedPictures::default(), SharedVoice::default());
        let player = Player {
            outlet: Arc::clone(outlet),
            pictures: Arc::clone(&pictures),
            voice: Arc::clone(&voice),
            order,
            origin: None,
            played: Duration::ZERO,
            picture: Head::Wait,
            sound: Head::Wait,
            newest: None,
            alive: media_now(),
            is_ready: false,
        };
        std::thread::Builder::new().name("clip".into()).spawn(move || player.run(&begun))?;
        Ok(Self { pictures, voice, begin, has_begun: false, left: None })
    }

    /// Notes whether it is wanted, which it is while it is ordered or in a scene.
    pub(crate) fn set_wanted(&mut self, is_wanted: bool, now: MediaTime) {
        self.left = if is_wanted { None } else { self.left.or(Some(now)) };
    }

    /// Returns whether nobody wanted it for longer than `grace`.
    pub(crate) fn is_gone(&self, grace: Duration, now: MediaTime) -> bool {
        self.left.is_some_and(|left| now.since(left) > grace)
    }

    /// Plays it from its beginning, unless it does already.
    pub(crate) fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            // A player that is gone has told why.
            let _ = self.begin.send(());
        }
    }

    /// Returns where its pictures are.
    pub(crate) const fn pictures(&self) -> &SharedPictures {
        &self.pictures
    }

    /// Returns where its sound is.
    pub(crate) fn voice(&self) -> SharedVoice {
        Arc::clone(&self.voice)
    }
}

/// What comes next of a track, looked at before it is due.
enum Head<T> {
    Wait,
    Piece(Duration, T),
    End,
}

/// What plays a film.
struct Player {
    outlet: Arc<Outlet>,
    pictures: SharedPictures,
    voice: SharedVoice,
    order: Order,
    /// When the beginning of this reel is due.
    origin: Option<MediaTime>,
    /// How much of this reel was handed over.
    played: Duration,
    picture: Head<(gst::Sample, Duration)>,
    sound: Head<Vec<Stereo>>,
    /// The newest picture that was handed over, and when.
    newest: Option<(gst::Sample, MediaTime)>,
    /// When something was last decoded.
    alive: MediaTime,
    is_ready: bool,
}

impl Player {
    fn run(mut self, begun: &Receiver<()>) {
        let told = self.play(begun);
        if let Err(error) = &told {
            debug!(%error, "A clip failed.");
            self.tell(ClipNews::Failed { reason: format!("{error:#}") });
        }
        // The last picture stays until it is no longer wanted, and a film that failed says so once.
        while matches!(begun.recv_timeout(REFRESH), Ok(()) | Err(RecvTimeoutError::Timeout)) {
            self.refresh(media_now());
        }
    }

    /// Plays to the end, or until nobody wants it.
    fn play(&mut self, begun: &Receiver<()>) -> anyhow::Result<()> {
        let mut reel = Reel::open(&self.order.file)?;
        let mut next = None;
        loop {
            match begun.recv_timeout(STEP) {
                Ok(()) => self.origin = Some(media_now() + LEAD),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let now = media_now();
            if let Some(trouble) = reel.trouble() {
                anyhow::bail!(trouble);
            }
            self.decode(&reel, now);
            if !self.is_ready {
                self.become_ready(&reel, now)?;
                continue;
            }
            let Some(origin) = self.origin else { continue };
            self.hand_over(&reel, origin, now);
            self.refresh(now);
            let waits = matches!(self.picture, Head::Wait) || matches!(self.sound, Head::Wait);
            if waits && now.since(self.alive) > STUCK {
                anyhow::bail!("it does not go on");
            }
            if self.order.is_loop && next.is_none() && self.nears_end(&reel) {
                next = Some(Reel::open(&self.order.file)?);
            }
            let is_over = matches!((&self.picture, &self.sound), (Head::End, Head::End));
            let is_too_long = self.played > self.order.longest;
            let end = origin + self.played.max(SHORTEST);
            match next.take_if(|_| is_over && now + PICTURES_AHEAD >= end) {
                Some(again) => {
                    reel = again;
                    self.origin = Some(end);
                    self.played = Duration::ZERO;
                    (self.picture, self.sound) = (Head::Wait, Head::Wait);
                }
                None if (is_over && next.is_none() || is_too_long) && now + TOLD_EARLY >= end => {
                    self.tell(ClipNews::Ended);
                    return Ok(());
                }
                None => {}
            }
        }
    }

    /// Looks at what comes next of each track.
    fn decode(&mut self, reel: &Reel, now: MediaTime) {
        if matches!(self.picture, Head::Wait) {
            self.picture = head(reel.picture());
            if !matches!(self.picture, Head::Wait) {
                self.alive = now;
            }
        }
        if matches!(self.sound, Head::Wait) {
            self.sound = head(reel.sound());
            if !matches!(self.sound, Head::Wait) {
                self.alive = now;
            }
        }
    }

    fn become_ready(&mut self, reel: &Reel, now: MediaTime) -> anyhow::Result<()> {
        if now.since(self.alive) > STUCK {
            anyhow::bail!("it cannot be decoded in time");
        }
        let is_missing = matches!(self.picture, Head::Wait) || matches!(self.sound, Head::Wait);
        if is_missing {
            return Ok(());
        }
        if matches!(self.picture, Head::End) {
            anyhow::bail!("it has no picture");
        }
        let length = reel.length();
        if length.is_some_and(|length| length > self.order.longest) {
            anyhow::bail!("it is longer than allowed");
        }
        self.is_ready = true;
        self.tell(ClipNews::Ready { length });
        Ok(())
    }

    fn hand_over(&mut self, reel: &Reel, origin: MediaTime, now: MediaTime) {
        while let Head::Piece(at, _) = &self.picture
            && origin + *at <= now + PICTURES_AHEAD
        {
            let Head::Piece(at, (sample, length)) =
                std::mem::replace(&mut self.picture, Head::Wait)
            else {
                unreachable!("it was just looked at");
            };
            self.played = self.played.max(at + length);
            self.newest = Some((sample.clone(), now));
            let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
            pictures.handle_picture(origin + at, sample, now);
            drop(pictures);
            self.decode(reel, now);
        }
        while let Head::Piece(at, _) = &self.sound
            && origin + *at <= now + SOUND_AHEAD
        {
            let Head::Piece(at, samples) = std::mem::replace(&mut self.sound, Head::Wait) else {
                unreachable!("it was just looked at");
            };
            let nanos = samples.len() as u64 * 1_000_000_000 / RATE_HZ;
            self.played = self.played.max(at + Duration::from_nanos(nanos));
            let mut voice = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
            voice.handle_packet(origin + at, &samples);
            drop(voice);
            self.decode(reel, now);
        }
    }

    /// Shows the newest picture again if it is an old one.
    fn refresh(&mut self, now: MediaTime) {
        if let Some((sample, shown)) = &mut self.newest
            && now.since(*shown) >= REFRESH
        {
            *shown = now;
            let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
            pictures.handle_picture(now, sample.clone(), now);
        }
    }

    fn nears_end(&self, reel: &Reel) -> bool {
        let is_read = matches!(self.picture, Head::End);
        is_read || reel.length().is_some_and(|length| self.played + THREAD_AHEAD >= length)
    }

    fn tell(&self, news: ClipNews) {
        self.outlet.send(Up::Clip(self.order.feed.clone(), news));
    }
}

fn head<T>(next: Next<T>) -> Head<T> {
    match next {
        Next::Piece(at, piece) => Head::Piece(at, piece),
        Next::Wait => Head::Wait,
        Next::End => Head::End,
    }
}
