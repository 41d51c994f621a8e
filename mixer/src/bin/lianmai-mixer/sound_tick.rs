//! Mixes 20 ms of the program's sound at a time, without a pause and whatever the hosts do.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use media_rules::MediaTime;
use mixer::media_now;

use crate::encoder::Encoder;
use crate::voice::{RATE_HZ, Voice, position};

const BLOCK_MS: u64 = 20;
const BLOCK_SAMPLES: usize = (BLOCK_MS * RATE_HZ / 1000) as usize;

/// A block is mixed when its first half is due. Hosts' packets are presented 30 ms after they
/// arrive, so the second half is there by then, with 20 ms to spare.
const MIX_AFTER: Duration = Duration::from_millis(10);

/// A thread that was held up longer than this many blocks starts again at the present.
const MOST_LATE: u64 = 25;

/// The sound of one feed, filled by its decoder and mixed from here.
pub(crate) type SharedVoice = Arc<Mutex<Voice>>;

/// Every voice of the mix with its loudness, 1.0 being as it came.
pub(crate) type VoicesCue = Vec<(SharedVoice, f32)>;

/// Starts the thread; it ends when the sender is dropped. The queue holds scenes only, which are
/// rare and taken at every block.
pub(crate) fn start(encoder: Arc<Encoder>) -> std::io::Result<Sender<VoicesCue>> {
    let (cues, inbox) = channel();
    let tick = SoundTick { encoder, voices: Vec::new(), mix: vec![[0, 0]; BLOCK_SAMPLES] };
    std::thread::Builder::new().name("sound-tick".into()).spawn(move || tick.run(&inbox))?;
    Ok(cues)
}

struct SoundTick {
    encoder: Arc<Encoder>,
    voices: Vec<Part>,
    mix: Vec<[i32; 2]>,
}

/// A voice on its way from one loudness to another.
struct Part {
    voice: SharedVoice,
    gain: f32,
    wanted: f32,
}

impl SoundTick {
    fn run(mut self, inbox: &Receiver<VoicesCue>) {
        let mut count = media_now().millis() / BLOCK_MS + 1;
        loop {
            let due = MediaTime::from_millis(count * BLOCK_MS);
            std::thread::sleep((due + MIX_AFTER).since(media_now()));
            if !self.take_cues(inbox) {
                return;
            }
            let samples = self.mix(due);
            self.encoder.push_sound(due, samples);

            let present = media_now().millis() / BLOCK_MS;
            count = if present > count + MOST_LATE { present } else { count + 1 };
        }
    }

    fn take_cues(&mut self, inbox: &Receiver<VoicesCue>) -> bool {
        loop {
            match inbox.try_recv() {
                Ok(cue) => self.handle_voices(cue),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Newcomers rise from silence and leavers fall to it within one block, so nothing clicks.
    fn handle_voices(&mut self, cue: VoicesCue) {
        for part in &mut self.voices {
            part.wanted = 0.0;
        }
        for (voice, wanted) in cue {
            match self.voices.iter_mut().find(|part| Arc::ptr_eq(&part.voice, &voice)) {
                Some(part) => part.wanted = wanted,
                None => self.voices.push(Part { voice, gain: 0.0, wanted }),
            }
        }
    }

    fn mix(&mut self, due: MediaTime) -> Vec<u8> {
        self.mix.fill([0, 0]);
        for part in &mut self.voices {
            let mut voice = part.voice.lock().unwrap_or_else(PoisonError::into_inner);
            voice.mix_into(position(due), &mut self.mix, (part.gain, part.wanted));
            part.gain = part.wanted;
        }
        // A voice that only we still hold has left the scene, and was just faded out.
        self.voices.retain(|part| part.gain > 0.0 || Arc::strong_count(&part.voice) > 1);
        let limit = |sample: i32| sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        self.mix.iter().flatten().flat_map(|sample| limit(*sample).to_le_bytes()).collect()
    }
}
