//! Where the pictures of the own mixer and those of another room become one stream, and where that
//! stream leaves with the sound. What surprises: the own frames come here in the thread that read them
//! from the mixer, and go on to viewers and RTMP without another one being woken for them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use media_rules::{EncodedFrame, FrameCodec, PictureSplice};
use mixer::ProgramEvent;
use tokio::sync::Notify;

use super::Outputs;
use super::composites::Lender;
use super::part::Source;
use crate::cues::CueWriter;

/// The way out of a program. It outlives its mixers.
pub(super) struct Junction {
    outputs: Outputs,
    /// Held while a frame leaves, so that none overtakes another. Nothing waits meanwhile.
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    splice: PictureSplice<Source>,
    cues: CueWriter,
    /// To whom the own pictures are lent, from which scene on.
    lent: Option<(Lender, u64)>,
    /// Whether somebody takes the program by RTMP, so that it needs AAC.
    is_relayed: bool,
}

impl Junction {
    /// Creates a way out that nothing has taken.
    pub(super) fn new(outputs: Outputs, cues: CueWriter) -> Self {
        let splice = PictureSplice::new(Source::Own);
        let state = Mutex::new(State { splice, cues, lent: None, is_relayed: true });
        Self { outputs, state, changed: Notify::new() }
    }

    /// Makes ready for the first picture of a new program.
    pub(super) fn restart(&self) {
        let mut state = self.state();
        state.splice = PictureSplice::new(Source::Own);
        state.lent = None;
        // A new mixer makes AAC until it is told.
        state.is_relayed = true;
    }

    /// Returns where frames go.
    pub(super) const fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Sends what the own mixer made and counts how loud it is; returns what is for the program task.
    pub(super) fn take(&self, event: ProgramEvent) -> Option<ProgramEvent> {
        match event {
            ProgramEvent::Frame { frame, revision } => self.handle_own(frame, revision),
            ProgramEvent::Rendition { index, frame } => self.send_rendition(index, frame),
            // It comes five times a second, with sound.
            ProgramEvent::Loudness(seats) => {
                for seat in seats {
                    metrics::histogram!("server_seat_loudness_lufs")
                        .record(f64::from(seat.lufs_tenths) / 10.0);
                }
            }
            ProgramEvent::SideFrame { .. }
            | ProgramEvent::Clip { .. }
            | ProgramEvent::Snapshot(_)
            | ProgramEvent::KeyframeWanted(_)
            | ProgramEvent::Started { .. }
            | ProgramEvent::Died { .. } => return Some(event),
        }
        None
    }

    /// Sends a picture of `source` if it is that one's turn; `revision` is of the scene that it shows.
    pub(super) fn pass(&self, source: Source, picture: EncodedFrame, revision: u64) {
        self.pass_in(&mut self.state(), source, picture, revision);
    }

    /// Goes on with the pictures of `source` from its next keyframe on.
    pub(super) fn switch_to(&self, source: Source) {
        self.state().splice.switch_to(source);
    }

    /// Pictures of `source` were lost.
    pub(super) fn handle_loss(&self, source: Source) {
        self.state().splice.handle_loss(source);
    }

    /// Lends the own pictures of a scene and those after it, or no more.
    pub(super) fn lend(&self, lent: Option<(Lender, u64)>) {
        self.state().lent = lent;
    }

    /// Returns whose pictures are sent; `None` before the first.
    pub(super) fn current(&self) -> Option<Source> {
        self.state().splice.current()
    }

    /// Returns whether somebody took the program by RTMP when it was looked at last.
    pub(super) fn is_relayed(&self) -> bool {
        self.state().is_relayed
    }

    /// Waits until the own pictures have taken over, or until somebody takes RTMP who did not, or nobody
    /// any more.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn handle_own(&self, frame: EncodedFrame, revision: u64) {
        let mut state = self.state();
        if frame.codec != FrameCodec::H264 {
            // Looked at with every piece of sound, so whoever comes has AAC a few hundredths of a second
            // later.
            let is_relayed = self.outputs.is_relayed();
            if std::mem::replace(&mut state.is_relayed, is_relayed) != is_relayed {
                self.changed.notify_one();
            }
            return self.send_out(frame);
        }
        if let Some((lender, first)) = &state.lent
            && revision >= *first
        {
            lender.send(&frame);
        }
        let before = state.splice.current();
        self.pass_in(&mut state, Source::Own, frame, revision);
        if state.splice.current() != before {
            self.changed.notify_one();
        }
    }

    fn pass_in(&self, state: &mut State, source: Source, picture: EncodedFrame, revision: u64) {
        if let Some(picture) = state.splice.handle_picture(source, picture) {
            self.send_out(state.cues.write(picture, revision));
        }
    }

    fn send_out(&self, frame: EncodedFrame) {
        self.outputs.viewers.push(&frame);
        if frame.codec == FrameCodec::Aac {
            // Renditions have pictures of their own and the program's sound.
            self.outputs.renditions.iter().for_each(|hub| hub.push(frame.clone()));
        }
        self.outputs.relay.push(frame);
    }

    fn send_rendition(&self, index: usize, frame: EncodedFrame) {
        self.outputs.viewers.push_rendition(index, &frame);
        if let Some(hub) = self.outputs.renditions.get(index) {
            hub.push(frame);
        }
    }

    /// A panic while this is held leaves a frame half sent, which the next keyframe mends.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
