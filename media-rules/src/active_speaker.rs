//! Who speaks, by the loudness that senders put beside their packets (RFC 6464).
//!
//! Two steps, because they happen in different places. [`Loudness`] is fed by every packet and says
//! a few times a second how loud a voice is. [`ActiveSpeaker`] hears that of everybody and names one:
//! a word thrown in, a cough and a breath between sentences do not change who speaks.
//!
//! ```text
//!   nobody ──somebody speaks 200 ms──▶ A ──B clearly louder for 800 ms, or A silent 600 ms──▶ B
//!      ▲                               │
//!      └────── A silent for 2 s ───────┘
//! ```

use std::time::Duration;

use crate::MediaTime;

/// A voice is at least this loud: decibels below the loudest that can be expressed.
const VOICE_DBOV: f32 = 50.0;
/// Over how long loudness is averaged.
const SMOOTHING: Duration = Duration::from_millis(150);
/// A gap in the packets (a loss, or a sender that sends no silence) counts as this much at most.
const MAX_STEP: Duration = Duration::from_millis(60);
/// How often a voice is told of.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Without packets for this long there is no voice.
const GONE_QUIET: Duration = Duration::from_millis(400);

/// How soon somebody who speaks becomes the speaker when nobody was.
const FIRST_WORDS: Duration = Duration::from_millis(200);
/// A speaker who was silent for this long gives way to whoever speaks.
const PAUSE: Duration = Duration::from_millis(600);
/// A rival must be louder by this much ...
const MARGIN_DB: f32 = 6.0;
/// ... for this long.
const RIVALRY: Duration = Duration::from_millis(800);
/// After this nobody speaks.
const SILENCE: Duration = Duration::from_secs(2);
/// Three untold intervals: whoever told of a voice is gone without a word.
const STALE: Duration = Duration::from_millis(600);

/// How loud one voice is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Voice {
    /// It speaks, this many decibels below the loudest that can be expressed.
    Speaking(u8),
    /// It has stopped.
    Silent,
}

/// The loudness of one sender, from packet to packet.
#[derive(Clone, Debug, Default)]
pub struct Loudness {
    /// Average level; 0 is loudest.
    level: Option<f32>,
    heard: MediaTime,
    told: MediaTime,
    is_speaking: bool,
}

impl Loudness {
    /// Takes the byte beside a packet: a flag for voice, which few senders set, and the level.
    pub fn handle_level(&mut self, byte: u8, now: MediaTime) {
        let level = f32::from(byte & 0x7f);
        let step = now.since(self.heard).min(MAX_STEP).as_secs_f32();
        let share = 1.0 - (-step / SMOOTHING.as_secs_f32()).exp();
        let before = self.level.unwrap_or(127.0);
        self.level = Some(before + share * (level - before));
        self.heard = now;
    }

    /// Returns what is to be told of this voice now, if anything.
    pub fn poll_voice(&mut self, now: MediaTime) -> Option<Voice> {
        let level = self.level?;
        let is_speaking = level <= VOICE_DBOV && now.since(self.heard) < GONE_QUIET;
        let has_changed = is_speaking != self.is_speaking;
        let is_due = is_speaking && now.since(self.told) >= TELL_EVERY;
        if !has_changed && !is_due {
            return None;
        }
        self.is_speaking = is_speaking;
        self.told = now;
        if !is_speaking {
            return Some(Voice::Silent);
        }
        // Between 0 and 50.
        Some(Voice::Speaking(level.round() as u8))
    }
}

/// Names the one who speaks among several. `K` names a voice.
#[derive(Clone, Debug)]
pub struct ActiveSpeaker<K> {
    voices: Vec<Heard<K>>,
    current: Option<K>,
    has_changed: bool,
}

#[derive(Clone, Debug)]
struct Heard<K> {
    who: K,
    level: f32,
    /// When it was last known to speak.
    spoke: MediaTime,
    /// Since when it has spoken without a pause; `None` if it is silent.
    since: Option<MediaTime>,
    /// Since when it has been clearly louder than the current speaker.
    louder_since: Option<MediaTime>,
}

impl<K: Clone + Eq> ActiveSpeaker<K> {
    /// Creates a stage on which nobody speaks.
    pub const fn new() -> Self {
        Self { voices: Vec::new(), current: None, has_changed: false }
    }

    /// Takes what is told of a voice.
    pub fn handle_voice(&mut self, who: K, voice: Voice, now: MediaTime) {
        let at = self.voices.iter().position(|heard| heard.who == who).unwrap_or_else(|| {
            let heard = Heard { who, level: 127.0, spoke: now, since: None, louder_since: None };
            self.voices.push(heard);
            self.voices.len() - 1
        });
        let heard = &mut self.voices[at];
        match voice {
            Voice::Speaking(level) => {
                heard.level = f32::from(level);
                heard.spoke = now;
                heard.since.get_or_insert(now);
            }
            Voice::Silent => heard.fall_silent(),
        }
        self.weigh(now);
    }

    /// Forgets a voice that is not on stage any more.
    pub fn handle_gone(&mut self, who: &K, now: MediaTime) {
        self.voices.retain(|heard| heard.who != *who);
        if self.current.as_ref() == Some(who) {
            self.set(None);
        }
        self.weigh(now);
    }

    /// Looks whether the time that has passed changes who speaks.
    pub fn handle_timeout(&mut self, now: MediaTime) {
        self.weigh(now);
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        let of_current = self.voices.iter().find(|heard| Some(&heard.who) == self.current.as_ref());
        let pauses = of_current.map(|heard| match heard.since {
            Some(_) => heard.spoke + STALE,
            None => heard.spoke + SILENCE,
        });
        let first_words = self.voices.iter().filter_map(|heard| Some(heard.since? + FIRST_WORDS));
        pauses.into_iter().chain(first_words.filter(|_| self.current.is_none())).min()
    }

    /// Returns who speaks now, if that has changed since it was asked last.
    pub fn poll_change(&mut self) -> Option<Option<K>> {
        std::mem::take(&mut self.has_changed).then(|| self.current.clone())
    }

    fn weigh(&mut self, now: MediaTime) {
        for heard in &mut self.voices {
            if heard.since.is_some() && now.since(heard.spoke) >= STALE {
                heard.fall_silent();
            }
        }
        let current = self.current.clone();
        let speaker = self.voices.iter().find(|heard| Some(&heard.who) == current.as_ref());
        let Some(speaker) = speaker.cloned() else {
            let first = self.loudest(|heard| heard.has_spoken_for(FIRST_WORDS, now));
            if first.is_some() {
                self.set(first);
            }
            return;
        };
        let silence = now.since(speaker.spoke);
        if speaker.since.is_none() && silence >= PAUSE {
            let next = self.loudest(|heard| heard.since.is_some());
            if next.is_some() || silence >= SILENCE {
                self.set(next);
            }
            return;
        }
        for heard in self.voices.iter_mut().filter(|heard| heard.who != speaker.who) {
            let is_louder = heard.since.is_some() && heard.level + MARGIN_DB <= speaker.level;
            heard.louder_since = is_louder.then(|| heard.louder_since.unwrap_or(now));
        }
        let has_won =
            |heard: &Heard<K>| heard.louder_since.is_some_and(|since| now.since(since) >= RIVALRY);
        let rival = self.loudest(has_won);
        if rival.is_some() {
            self.set(rival);
        }
    }

    fn loudest(&self, counts: impl Fn(&Heard<K>) -> bool) -> Option<K> {
        let counted = self.voices.iter().filter(|heard| counts(heard));
        Some(counted.min_by(|a, b| a.level.total_cmp(&b.level))?.who.clone())
    }

    fn set(&mut self, speaker: Option<K>) {
        if self.current != speaker {
            self.current = speaker;
            self.has_changed = true;
            self.voices.iter_mut().for_each(|heard| heard.louder_since = None);
        }
    }
}

impl<K: Clone + Eq> Default for ActiveSpeaker<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Heard<K> {
    fn has_spoken_for(&self, span: Duration, now: MediaTime) -> bool {
        self.since.is_some_and(|since| now.since(since) >= span)
    }

    fn fall_silent(&mut self) {
        self.since = None;
        self.louder_since = None;
        self.level = 127.0;
    }
}
