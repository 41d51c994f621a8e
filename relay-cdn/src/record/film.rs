//! A program's frames in, the bytes of a fragmented MP4 file out.
//!
//! A sample's duration is known once the next one of its track is there, so the newest of each track
//! is held back. A fragment ends before a keyframe, or after a second. A hole in the sound ends one,
//! too, since only the beginning of a fragment names a time; a picture stands until the next.

use std::time::Duration;

use bytes::BufMut;
use media_rules::h264::{NalType, ParameterSets, nals};
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

use super::boxes::{self, Entry, MOVIE_TICKS_PER_SECOND, Run, Sample, TrackKind};

/// What a packet of sound holds.
const SOUND_TICKS: u32 = 1_024;
/// How long the last picture of a film is shown.
const PICTURE_TICKS: u32 = 3_000;
/// A fragment ends early with so many bytes.
const MAX_FRAGMENT_BYTES: usize = 4 << 20;

/// A film that is being written.
#[derive(Debug)]
pub(super) struct Film {
    start: MediaTime,
    picture: Track,
    sound: Track,
    sequence: u32,
    /// Where the next fragment goes in the file.
    offset: u64,
    /// Where the duration goes in the file.
    duration_place: u64,
    /// Nineteen bytes for each keyframe, so a film's limits bound it.
    entries: Vec<Entry>,
}

/// What remains to be written at the end.
#[derive(Debug)]
pub(super) struct Ending {
    /// To be appended.
    pub(super) tail: Vec<u8>,
    /// To be written over what is there, from this place on.
    pub(super) patch: (u64, Vec<u8>),
    /// How long the film is.
    pub(super) duration: Duration,
}

impl Film {
    /// Begins a film with `frame` and returns what the file begins with; `None` if it is no keyframe
    /// with its parameter sets.
    pub(super) fn begin(frame: &EncodedFrame) -> Option<(Self, Vec<u8>)> {
        if frame.codec != FrameCodec::H264 || !frame.is_key {
            return None;
        }
        let (head, duration_place) = boxes::head(&ParameterSets::find(&frame.data)?);
        let mut film = Self {
            start: frame.at,
            picture: Track::new(TrackKind::Picture),
            sound: Track::new(TrackKind::Sound),
            sequence: 0,
            offset: head.len() as u64,
            duration_place,
            entries: Vec::new(),
        };
        let fragment = film.handle_frame(frame);
        debug_assert!(fragment.is_none(), "one frame makes no fragment");
        Some((film, head))
    }

    /// Takes the next frame and returns a fragment that it completes. Sound from before the first
    /// picture and what does not come in order is left out.
    pub(super) fn handle_frame(&mut self, frame: &EncodedFrame) -> Option<Vec<u8>> {
        if frame.at < self.start {
            return None;
        }
        let kind = match frame.codec {
            FrameCodec::H264 => TrackKind::Picture,
            FrameCodec::Aac => TrackKind::Sound,
            FrameCodec::Opus => return None,
        };
        let at = ticks(frame.at.since(self.start), kind);
        let track = if kind == TrackKind::Picture { &mut self.picture } else { &mut self.sound };
        if track.held.as_ref().is_some_and(|held| at <= held.at) {
            metrics::counter!("relay_frames_dropped_total", "reason" => "recorded_out_of_order")
                .increment(1);
            return None;
        }
        let data = match kind {
            TrackKind::Picture => with_lengths(&frame.data),
            TrackKind::Sound => frame.data.to_vec(),
        };
        if kind == TrackKind::Sound && track.ends_before(at) {
            track.release(SOUND_TICKS);
            let fragment = self.cut();
            self.sound.hold(Held { at, is_key: true, data });
            return fragment;
        }
        track.hold(Held { at, is_key: frame.is_key, data });
        let is_due = kind == TrackKind::Picture && frame.is_key
            || self.picture.lasts(1)
            // Behind the picture it would cut just before each keyframe; it is for when no picture comes.
            || self.sound.lasts(2)
            || self.picture.run.data.len() + self.sound.run.data.len() > MAX_FRAGMENT_BYTES;
        if is_due { self.cut() } else { None }
    }

    /// Returns how long the film is so far.
    pub(super) fn duration(&self) -> Duration {
        self.picture.end().max(self.sound.end())
    }

    /// Ends the film.
    pub(super) fn finish(mut self) -> Ending {
        self.picture.release(PICTURE_TICKS);
        self.sound.release(SOUND_TICKS);
        let mut tail = self.cut().unwrap_or_default();
        tail.extend(boxes::index(&self.entries));
        let duration = self.duration();
        let movie_ticks = duration.as_nanos() * u128::from(MOVIE_TICKS_PER_SECOND) / 1_000_000_000;
        let length = boxes::duration(u64::try_from(movie_ticks).unwrap_or(u64::MAX));
        Ending { tail, patch: (self.duration_place, length), duration }
    }

    /// Ends the fragment, if there is anything in it.
    fn cut(&mut self) -> Option<Vec<u8>> {
        let (picture, sound) = (self.picture.take(), self.sound.take());
        if picture.samples.is_empty() && sound.samples.is_empty() {
            return None;
        }
        if picture.samples.first().is_some_and(|sample| sample.is_key) {
            self.entries.push(Entry { at: picture.start, offset: self.offset });
        }
        self.sequence += 1;
        let runs = [(TrackKind::Picture, &picture), (TrackKind::Sound, &sound)];
        let fragment = boxes::fragment(self.sequence, &runs);
        self.offset += fragment.len() as u64;
        Some(fragment)
    }
}

#[derive(Debug)]
struct Track {
    kind: TrackKind,
    run: Run,
    /// Waits for the next, which says how long it lasts.
    held: Option<Held>,
    /// When the newest sample of the run ends.
    end: u64,
}

#[derive(Debug)]
struct Held {
    at: u64,
    is_key: bool,
    data: Vec<u8>,
}

impl Track {
    fn new(kind: TrackKind) -> Self {
        Self { kind, run: Run::default(), held: None, end: 0 }
    }

    fn hold(&mut self, next: Held) {
        if let Some(held) = &self.held {
            self.release(u32::try_from(next.at - held.at).unwrap_or(u32::MAX));
        }
        self.held = Some(next);
    }

    /// Lets the held sample go, which lasts so long.
    fn release(&mut self, ticks: u32) {
        let Some(Held { at, is_key, data }) = self.held.take() else {
            return;
        };
        if self.run.samples.is_empty() {
            self.run.start = at;
        }
        let bytes = u32::try_from(data.len()).expect("a frame is below 4 GiB");
        self.run.samples.push(Sample { ticks, bytes, is_key });
        self.run.data.extend_from_slice(&data);
        self.end = at + u64::from(ticks);
    }

    /// Whether there is a hole between the held sample and `at`.
    fn ends_before(&self, at: u64) -> bool {
        self.held.as_ref().is_some_and(|held| at - held.at >= u64::from(2 * SOUND_TICKS))
    }

    fn lasts(&self, seconds: u32) -> bool {
        !self.run.samples.is_empty()
            && self.end - self.run.start >= u64::from(seconds * self.kind.ticks_per_second())
    }

    fn end(&self) -> Duration {
        let nanos = u128::from(self.end) * 1_000_000_000 / u128::from(self.kind.ticks_per_second());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn take(&mut self) -> Run {
        std::mem::take(&mut self.run)
    }
}

/// Rounded, so that what comes every 1024 samples is every 1024 ticks.
fn ticks(since: Duration, kind: TrackKind) -> u64 {
    let ticks = since.as_nanos() * u128::from(kind.ticks_per_second()) + 500_000_000;
    u64::try_from(ticks / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Returns a picture with lengths in place of start codes. Its parameter sets stay, as `avc3` wants it.
fn with_lengths(access_unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(access_unit.len() + 16);
    for nal in nals(access_unit) {
        if !matches!(NalType::of(nal), NalType::Delimiter | NalType::Filler) {
            out.put_u32(u32::try_from(nal.len()).expect("a picture is below 4 GiB"));
            out.put_slice(nal);
        }
    }
    out
}
