//! Where the pictures and the sound of the own mixer and those of another room become one stream each, and
//! where both leave. What surprises: frames come here in the thread that read them from a mixer, be it
//! another room's, and go on to viewers and RTMP without another one being woken for them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media_rules::{EncodedFrame, FrameCodec, MediaTime, PictureSplice, SoundSplice};
use mixer::{ProgramEvent, RenditionName, media_now};
use tokio::sync::Notify;

use super::Outputs;
use super::composites::{Lender, Taker};
use super::part::Source;
use crate::cues::CueWriter;
use crate::room_quality::encoding_of;

/// How much sound a frame holds: Opus, AAC.
const SOUND_FRAMES: [Duration; 2] =
    [Duration::from_millis(20), Duration::from_nanos(1024 * 1_000_000_000 / 48_000)];

/// The way out of a program. It outlives its mixers.
pub(super) struct Junction {
    outputs: Outputs,
    /// To whom the own frames are lent, pictures from which scene on. Held while a frame is handed out, and
    /// never together with the state.
    lent: Mutex<Option<(Lender, u64)>>,
    /// Held while a frame leaves, so that none overtakes another. Nothing waits meanwhile.
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    pictures: PictureSplice<Source>,
    /// By codec: Opus, AAC.
    sounds: [SoundSplice<Source>; 2],
    cues: CueWriter,
    /// Whether somebody takes the program by RTMP, so that it needs AAC.
    is_relayed: bool,
    /// Whether the mixer is to make AAC, for the own room or a guest's.
    needs_aac: bool,
    borrowed: Loan,
}

/// What is known of another's frames.
struct Loan {
    /// The scene of the own room that its pictures show.
    revision: u64,
    /// When the newest picture came.
    seen: Instant,
    /// When the newest sound came.
    heard: MediaTime,
}

impl State {
    fn new(cues: CueWriter) -> Self {
        let (pictures, sounds) = own_streams();
        let borrowed = Loan { revision: 0, seen: Instant::now(), heard: MediaTime::default() };
        // A new mixer makes AAC until it is told.
        Self { pictures, sounds, cues, is_relayed: true, needs_aac: true, borrowed }
    }

    fn restart(&mut self) {
        (self.pictures, self.sounds) = own_streams();
        (self.is_relayed, self.needs_aac) = (true, true);
    }
}

fn own_streams() -> (PictureSplice<Source>, [SoundSplice<Source>; 2]) {
    let sound = |length| SoundSplice::new(Source::Own, length);
    (PictureSplice::new(Source::Own), SOUND_FRAMES.map(sound))
}

impl Junction {
    /// Creates a way out that nothing has taken.
    pub(super) fn new(outputs: Outputs, cues: CueWriter) -> Self {
        let (lent, state) = (Mutex::default(), Mutex::new(State::new(cues)));
        Self { outputs, lent, state, changed: Notify::new() }
    }

    /// Makes ready for the first frame of a new program.
    pub(super) fn restart(&self) {
        self.lend(None);
        self.state().restart();
    }

    /// Returns where frames go.
    pub(super) const fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Sends what the own mixer made and counts how loud it is; returns what is for the program task.
    pub(super) fn take(&self, event: ProgramEvent) -> Option<ProgramEvent> {
        match event {
            ProgramEvent::Frame { frame, revision } => self.handle_own(frame, revision),
            ProgramEvent::Rendition { name, frame } => self.send_rendition(name, frame),
            // It comes five times a second, with sound.
            ProgramEvent::Loudness(seats) => {
                for seat in seats {
                    metrics::histogram!("server_seat_loudness_lufs")
                        .record(f64::from(seat.lufs_tenths) / 10.0);
                }
            }
            ProgramEvent::Died { .. } => {
                // The silence that stands in from now on is for the own room.
                if let Some((lender, _)) = &*self.lent() {
                    lender.handle_death();
                }
                return Some(event);
            }
            ProgramEvent::SideFrame { .. }
            | ProgramEvent::Clip { .. }
            | ProgramEvent::Snapshot(_)
            | ProgramEvent::KeyframeWanted(_)
            | ProgramEvent::Started { .. } => return Some(event),
        }
        None
    }

    /// Goes on with the pictures of `source` from its next keyframe on.
    pub(super) fn switch_to(&self, source: Source) {
        self.state().pictures.switch_to(source);
    }

    /// Goes on with the sound of `source` as soon as it fits.
    pub(super) fn switch_sound_to(&self, source: Source) {
        self.state().sounds.iter_mut().for_each(|sound| sound.switch_to(source));
    }

    /// Lends the own frames, pictures from a scene on, or no more.
    pub(super) fn lend(&self, lent: Option<(Lender, u64)>) {
        *self.lent() = lent;
    }

    /// Says which scene of the own room another's pictures show.
    pub(super) fn show_borrowed(&self, revision: u64) {
        self.state().borrowed.revision = revision;
    }

    /// Returns whose pictures are sent; `None` before the first.
    pub(super) fn current(&self) -> Option<Source> {
        self.state().pictures.current()
    }

    /// Returns whether all sound that somebody takes is that of `source`.
    pub(super) fn is_sound_of(&self, source: Source) -> bool {
        let State { sounds: [opus, aac], is_relayed, .. } = &*self.state();
        opus.current() == source && (!is_relayed || aac.current() == source)
    }

    /// Returns when another's picture and sound came last.
    pub(super) fn borrowed(&self) -> (Instant, MediaTime) {
        let state = self.state();
        (state.borrowed.seen, state.borrowed.heard)
    }

    /// Returns whether AAC was needed when it was looked at last.
    pub(super) fn needs_aac(&self) -> bool {
        self.state().needs_aac
    }

    /// Waits until pictures or sound are another's than before, until AAC is needed that was not, or not
    /// any more.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn handle_own(&self, frame: EncodedFrame, revision: u64) {
        let guests_need_aac = self.hand_out(&frame, revision);
        let mut state = self.state();
        if frame.codec == FrameCodec::H264 {
            self.pass_picture(&mut state, Source::Own, frame, revision);
        } else {
            self.look_at_takers(&mut state, guests_need_aac);
            self.pass_sound(&mut state, Source::Own, frame);
        }
    }

    /// Lends a frame; returns whether a guest needs AAC.
    fn hand_out(&self, frame: &EncodedFrame, revision: u64) -> bool {
        let lent = self.lent();
        let Some((lender, first)) = &*lent else { return false };
        if frame.codec != FrameCodec::H264 || revision >= *first {
            lender.send(frame);
        }
        frame.codec != FrameCodec::H264 && lender.needs_aac()
    }

    /// Called with every piece of sound, so whoever comes has AAC a few hundredths of a second later.
    fn look_at_takers(&self, state: &mut State, guests_need_aac: bool) {
        state.is_relayed = self.outputs.is_relayed();
        let needs_aac = state.is_relayed || guests_need_aac;
        if std::mem::replace(&mut state.needs_aac, needs_aac) != needs_aac {
            self.changed.notify_one();
        }
    }

    fn pass_picture(
        &self,
        state: &mut State,
        source: Source,
        picture: EncodedFrame,
        revision: u64,
    ) {
        let before = state.pictures.current();
        if let Some(picture) = state.pictures.handle_picture(source, picture) {
            self.send_out(state.cues.write(picture, revision));
        }
        if state.pictures.current() != before {
            self.changed.notify_one();
        }
    }

    fn pass_sound(&self, state: &mut State, source: Source, frame: EncodedFrame) {
        let sound = &mut state.sounds[usize::from(frame.codec == FrameCodec::Aac)];
        let before = sound.current();
        let frames = sound.handle_frame(source, frame);
        if sound.current() != before {
            self.changed.notify_one();
        }
        frames.into_iter().for_each(|frame| self.send_out(frame));
    }

    fn send_out(&self, frame: EncodedFrame) {
        self.outputs.viewers.push(&frame);
        if frame.codec == FrameCodec::Aac {
            // Renditions have pictures of their own and the program's sound.
            self.outputs.renditions.push_sound(&frame);
        }
        self.outputs.relay.push(frame);
    }

    fn send_rendition(&self, name: RenditionName, frame: EncodedFrame) {
        self.outputs.viewers.push_rendition(encoding_of(name), &frame);
        self.outputs.renditions.push(name, frame);
    }

    fn lent(&self) -> MutexGuard<'_, Option<(Lender, u64)>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while this is held leaves a frame half sent, which the next keyframe mends.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taker for Junction {
    fn take_lent(&self, number: u64, frame: &EncodedFrame) {
        let source = Source::Shared(number);
        let mut state = self.state();
        if frame.codec == FrameCodec::H264 {
            state.borrowed.seen = Instant::now();
            let revision = state.borrowed.revision;
            return self.pass_picture(&mut state, source, frame.clone(), revision);
        }
        state.borrowed.heard = media_now();
        self.look_at_takers(&mut state, false);
        // The owner may need AAC that nobody takes here.
        if frame.codec != FrameCodec::Aac || state.is_relayed {
            self.pass_sound(&mut state, source, frame.clone());
        }
    }

    fn needs_aac(&self) -> bool {
        self.outputs.is_relayed()
    }
}
