//! Mixes 20 ms of the program's sound at a time, without a pause and whatever the hosts do: everybody
//! as loud as the scene says, hosts down while something is played in over them, the sum below full
//! scale.
//!
//! What surprises: while a host's own sound is passed on, only RTMP needs the mix, which can wait. So four
//! blocks are decoded, mixed and encoded in one go, because to begin costs as much as the work. And when
//! another program's sound has stood for ours, the first that is mixed is what was due in the last moments:
//! it lets decoders and encoders settle, and whoever joins both sounds finds the frame that comes next.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use media_rules::{EncodedFrame, FeedId, MediaTime};
use mixer::link::{SeatLoudness, SideMix, Up};
use mixer::media_now;

use crate::ducking::{Ducker, sounds};
use crate::encoder::Encoder;
use crate::limiter::{LOOK_AHEAD, Limiter};
use crate::loudness::LoudnessMeter;
use crate::outlet::Outlet;
use crate::side_mixes::SideMixes;
use crate::sound_decoder::decode_waiting;
use crate::sound_encoder::OPUS_LOOK_AHEAD;
use crate::sound_pass::SoundPass;
use crate::voice::{FULL_SCALE, RATE_HZ, Voice, position};

const BLOCK_MS: u64 = 20;
const BLOCK: Duration = Duration::from_millis(BLOCK_MS);
pub(crate) const BLOCK_SAMPLES: usize = (BLOCK_MS * RATE_HZ / 1000) as usize;

/// What the limiter keeps is not out yet, so what comes out began this much earlier.
const LIMITER_DELAY: Duration = Duration::from_nanos(LOOK_AHEAD as u64 * 1_000_000_000 / RATE_HZ);

/// A block is mixed when its first half is due. Hosts' packets are presented 20 ms or more after they
/// arrive, so the second half is there by then.
const MIX_AFTER: Duration = Duration::from_millis(10);

/// A thread that was held up longer than this many blocks starts again at the present.
const MOST_LATE: u64 = 25;

/// Blocks that are mixed together while viewers do not need the mix. RTMP holds pictures back for their
/// sound for 300 ms at most.
const BLOCKS_AT_ONCE: usize = 8;

/// Whoever wakes begins this many blocks ago: 400 ms, far enough for what an owner who fell silent has
/// left out (`media_rules::SoundShare`), and less than [`MOST_LATE`].
const BLOCKS_BACK: u64 = 20;

/// The loudness of every seat is told once in so many blocks (5 times a second).
const METER_EVERY: u64 = 10;

/// The sound of one feed, filled by its decoder and mixed from here.
pub(crate) type SharedVoice = Arc<Mutex<Voice>>;

/// One voice of a scene.
pub(crate) struct VoiceCue {
    /// Whose it is.
    pub(crate) feed: FeedId,
    /// The sound.
    pub(crate) voice: SharedVoice,
    /// Loudness, 1.0 being as it came.
    pub(crate) gain: f32,
    /// By how many decibels the others go down while it sounds.
    pub(crate) duck_db: u8,
}

/// What changes in the sound.
pub(crate) enum SoundCue {
    /// Every voice of the mix.
    Voices(Vec<VoiceCue>),
    /// The mixes that are made beside the program's.
    SideMixes(Vec<SideMix>),
    /// Whose pictures are passed on; the sound is, too, as long as nobody changes it.
    Pass(Option<FeedId>),
    /// Whether the desk has nothing to do that takes long.
    DeskIsFree(bool),
    /// Whether the sound is another's. Mixes that are made beside it are not, so then it is made as well.
    Sleep(bool),
}

/// The mix, one block after another, in whichever thread holds this ([`crate::sound_thread`]).
pub(crate) struct SoundTick {
    inbox: Receiver<SoundCue>,
    /// The next block.
    count: u64,
    encoder: Arc<Encoder>,
    side_mixes: SideMixes,
    outlet: Arc<Outlet>,
    parts: Vec<Part>,
    ducker: Ducker,
    mix: Vec<[f32; 2]>,
    limiter: Limiter,
    passed_on: Option<FeedId>,
    pass: SoundPass,
    is_passing: bool,
    desk_is_free: bool,
    /// Blocks that are still to be mixed, one after another without a gap.
    waiting: Vec<MediaTime>,
    is_asleep: bool,
}

/// A voice on its way from one loudness to another.
struct Part {
    feed: FeedId,
    voice: SharedVoice,
    gain: f32,
    wanted: f32,
    duck_db: u8,
    meter: LoudnessMeter,
    /// What it adds to the mix now.
    block: Vec<[f32; 2]>,
}

impl SoundTick {
    /// Starts without voices. What changes comes by the sender.
    pub(crate) fn new(encoder: Arc<Encoder>, outlet: Arc<Outlet>) -> (Sender<SoundCue>, Self) {
        let (cues, inbox) = channel();
        let tick = Self {
            inbox,
            count: media_now().millis() / BLOCK_MS + 1,
            encoder,
            side_mixes: SideMixes::new(Arc::clone(&outlet)),
            outlet,
            parts: Vec::new(),
            ducker: Ducker::default(),
            mix: vec![[0.0; 2]; BLOCK_SAMPLES],
            limiter: Limiter::default(),
            passed_on: None,
            pass: SoundPass::default(),
            is_passing: false,
            desk_is_free: false,
            waiting: Vec::new(),
            is_asleep: false,
        };
        (cues, tick)
    }

    /// Returns when the next block is to be mixed.
    pub(crate) fn poll_timeout(&self) -> MediaTime {
        self.block() + MIX_AFTER
    }

    /// Returns whether the desk's thread will do: a host's own sound went out in the place of the last block.
    pub(crate) fn suits_desk(&self) -> bool {
        self.is_passing && self.desk_is_free && !self.rests()
    }

    /// Returns whether there is nothing to mix until something changes.
    pub(crate) const fn rests(&self) -> bool {
        self.is_asleep && self.side_mixes.is_empty()
    }

    /// Waits for a change. Returns false once there cannot be any.
    pub(crate) fn wait(&mut self) -> bool {
        let cue = self.inbox.recv();
        let is_there = cue.is_ok();
        cue.into_iter().for_each(|cue| self.take_cue(cue));
        is_there
    }

    /// Mixes what is to be mixed until `now`. Returns false once nobody can change anything any more.
    pub(crate) fn advance(&mut self, now: MediaTime) -> bool {
        if !self.take_cues() {
            return false;
        }
        while self.poll_timeout() <= now && !self.rests() {
            if self.count.is_multiple_of(METER_EVERY) {
                self.tell_loudness();
            }
            self.tick(self.block());
            self.count += 1;

            let present = now.millis() / BLOCK_MS;
            if present >= self.count + MOST_LATE {
                self.mix_waiting();
                self.count = present;
            }
        }
        true
    }

    fn block(&self) -> MediaTime {
        MediaTime::from_millis(self.count * BLOCK_MS)
    }

    fn take_cues(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(cue) => self.take_cue(cue),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take_cue(&mut self, cue: SoundCue) {
        let has_rested = self.rests();
        match cue {
            SoundCue::Voices(voices) => {
                self.mix_waiting();
                self.handle_voices(voices);
            }
            SoundCue::SideMixes(wanted) => {
                self.mix_waiting();
                self.side_mixes.handle_wanted(&wanted);
            }
            SoundCue::Pass(feed) => self.passed_on = feed,
            SoundCue::DeskIsFree(is_free) => self.desk_is_free = is_free,
            SoundCue::Sleep(is_asleep) => {
                self.mix_waiting();
                self.is_asleep = is_asleep;
            }
        }
        if has_rested && !self.rests() {
            self.begin_anew();
        }
    }

    /// Forgets what was heard before the rest, and begins with what is just past.
    fn begin_anew(&mut self) {
        self.encoder.restart_sound();
        (self.limiter, self.pass) = (Limiter::default(), SoundPass::default());
        self.count = (media_now().millis() / BLOCK_MS).saturating_sub(BLOCKS_BACK);
    }

    /// Newcomers rise from silence and leavers fall to it within one block, so nothing clicks.
    fn handle_voices(&mut self, voices: Vec<VoiceCue>) {
        for part in &mut self.parts {
            part.wanted = 0.0;
        }
        for VoiceCue { feed, voice, gain, duck_db } in voices {
            match self.parts.iter_mut().find(|part| Arc::ptr_eq(&part.voice, &voice)) {
                Some(part) => (part.wanted, part.duck_db) = (gain, duck_db),
                None => self.parts.push(Part::new(feed, voice, gain, duck_db)),
            }
        }
    }

    fn tick(&mut self, due: MediaTime) {
        let passed = self.pass_on(earlier(due, LIMITER_DELAY));
        self.is_passing = passed.is_some();
        self.waiting.push(due);
        let Some(passed) = passed else {
            let newest = self.mix_waiting();
            return self.encoder.push_opus(earlier(due, LIMITER_DELAY), newest);
        };
        if self.waiting.len() >= BLOCKS_AT_ONCE || !self.side_mixes.is_empty() {
            self.mix_waiting();
        }
        self.encoder.pass_opus(passed);
    }

    /// Returns what a host sent, to go out instead of the mix, if the mix would be the same.
    fn pass_on(&mut self, due: MediaTime) -> Option<Vec<EncodedFrame>> {
        let at = earlier(due, OPUS_LOOK_AHEAD);
        let block = (at, at + BLOCK);
        let [part] = &self.parts[..] else {
            return self.pass.handle_block(false, block, Vec::new());
        };
        let packets = {
            let mut voice = part.voice.lock().unwrap_or_else(PoisonError::into_inner);
            voice.take_encoded(block.1)
        };
        let is_untouched = part.gain == 1.0 && part.wanted == 1.0 && self.ducker.is_at_rest();
        let is_wanted = is_untouched && self.passed_on.as_ref() == Some(&part.feed);
        self.pass.handle_block(is_wanted, block, packets)
    }

    /// Mixes every block that waits and encodes it for RTMP; returns the newest.
    fn mix_waiting(&mut self) -> Vec<u8> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(&first) = waiting.first() else { return Vec::new() };
        self.parts.iter().for_each(|part| decode_waiting(&part.voice));
        let mut samples = Vec::new();
        let mut newest = 0;
        for due in waiting {
            newest = samples.len();
            self.mix_block(due);
            push_pcm(&self.mix, &mut samples);
        }
        let block = samples[newest..].to_vec();
        self.encoder.push_aac(earlier(first, LIMITER_DELAY), samples);
        block
    }

    fn mix_block(&mut self, due: MediaTime) {
        self.mix(due);
        let parts = &self.parts;
        let own = |feed: &FeedId| parts.iter().find(|part| part.feed == *feed).map(Part::added);
        self.side_mixes.push(earlier(due, LIMITER_DELAY), &self.mix, own);
        self.limiter.process(&mut self.mix);
    }

    /// Mixes what is due.
    fn mix(&mut self, due: MediaTime) {
        for part in &mut self.parts {
            let mut voice = part.voice.lock().unwrap_or_else(PoisonError::into_inner);
            voice.take(position(due), &mut part.block);
            drop(voice);
            part.meter.handle_block(&part.block);
        }
        let ducks = |part: &&Part| part.duck_db > 0 && part.wanted > 0.0 && sounds(&part.block);
        let deepest = self.parts.iter().filter(ducks).map(|part| part.duck_db).max();
        let duck = self.ducker.next_block(deepest, BLOCK);

        self.mix.fill([0.0; 2]);
        for part in &mut self.parts {
            let (from, to) = if part.duck_db > 0 { (1.0, 1.0) } else { duck };
            glide(&mut part.block, part.gain * from, part.wanted * to);
            part.gain = part.wanted;
            for (sum, sample) in self.mix.iter_mut().zip(&part.block) {
                *sum = [sum[0] + sample[0], sum[1] + sample[1]];
            }
        }
        // A voice that only we still hold has left the scene, and was just faded out.
        self.parts.retain(|part| part.gain > 0.0 || Arc::strong_count(&part.voice) > 1);
    }

    fn tell_loudness(&mut self) {
        let seat = |part: &mut Part| SeatLoudness {
            feed: part.feed.clone(),
            lufs_tenths: tenths(part.meter.momentary()),
            peak_dbfs_tenths: tenths(part.meter.take_peak_dbfs()),
        };
        let seats: Vec<_> = self.parts.iter_mut().map(seat).collect();
        if !seats.is_empty() {
            self.outlet.send_with_next(Up::Loudness(seats));
        }
    }
}

impl Part {
    fn new(feed: FeedId, voice: SharedVoice, wanted: f32, duck_db: u8) -> Self {
        let block = vec![[0.0; 2]; BLOCK_SAMPLES];
        Self { feed, voice, gain: 0.0, wanted, duck_db, meter: LoudnessMeter::default(), block }
    }

    fn added(&self) -> &[[f32; 2]] {
        &self.block
    }
}

fn earlier(at: MediaTime, by: Duration) -> MediaTime {
    MediaTime::from_nanos(at.nanos().saturating_sub(by.as_nanos().try_into().unwrap_or(0)))
}

fn tenths(value: f32) -> i16 {
    (value * 10.0).round() as i16
}

/// Lets the loudness of a block go from one gain to another.
fn glide(block: &mut [[f32; 2]], from: f32, to: f32) {
    if from == 1.0 && to == 1.0 {
        return;
    }
    let steps = block.len() as f32;
    for (at, sample) in block.iter_mut().enumerate() {
        let gain = from + (to - from) * at as f32 / steps;
        *sample = sample.map(|value| value * gain);
    }
}

/// Appends a block as interleaved 16-bit samples.
pub(crate) fn push_pcm(block: &[[f32; 2]], out: &mut Vec<u8>) {
    // `round` would be a call for every sample on the processors that we build for.
    let pcm = |value: f32| {
        let value = (value * FULL_SCALE).clamp(-FULL_SCALE, FULL_SCALE - 1.0);
        ((value + 0.5_f32.copysign(value)) as i32 as i16).to_le_bytes()
    };
    let start = out.len();
    out.resize(start + 4 * block.len(), 0);
    for (bytes, [left, right]) in out[start..].chunks_exact_mut(4).zip(block) {
        bytes[..2].copy_from_slice(&pcm(*left));
        bytes[2..].copy_from_slice(&pcm(*right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_glides() {
        let mut block = [[0.5, -0.5]; 960];
        glide(&mut block, 1.0, 0.0);
        assert_eq!((block[0], block[480]), ([0.5, -0.5], [0.25, -0.25]));
        assert!(block[959][0] < 0.001);
    }

    #[test]
    fn samples_are_rounded_and_never_wrap() {
        let mut bytes = Vec::new();
        push_pcm(&[[1.5, -1.5], [0.5, 0.0]], &mut bytes);
        let pcm: Vec<i16> =
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(pcm, [i16::MAX, i16::MIN, 16_384, 0]);
    }
}
