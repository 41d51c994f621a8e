//! Hands what a program makes to its owner without ever waiting for them. What the owner takes on the
//! spot costs no change of thread; the rest waits in a queue. When the owner is slow, pictures are left
//! out of it up to the next keyframe; sound is left out only when nothing else fits.
//! It also keeps the promise that time never steps back, whichever process made a frame.

use media_rules::{EncodedFrame, FrameCodec, MediaTime};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::stand_in::StandIn;
use super::{ProgramEvent, Taker};
use crate::{Quality, RenditionName};

/// Places that pictures leave free for sound and for news of the process.
const KEPT_FOR_SOUND: usize = 128;

/// The way to the owner of the program.
pub(super) struct Delivery {
    taker: Taker,
    events: mpsc::Sender<ProgramEvent>,
    /// By codec of sound: Opus, AAC.
    newest: [MediaTime; 2],
    /// The whole picture, then each rendition.
    pictures: [Track; 1 + Quality::MAX_RENDITIONS],
    stand_in: StandIn,
}

/// The pictures of one encoder.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    newest: MediaTime,
    needs_key: bool,
}

impl Delivery {
    /// Offers every frame to `taker` first.
    pub(super) fn new(taker: Taker, events: mpsc::Sender<ProgramEvent>) -> Self {
        let stand_in = StandIn::default();
        Self { taker, events, newest: Default::default(), pictures: Default::default(), stand_in }
    }

    /// Delivers a frame; returns false when the next picture should be a keyframe.
    pub(super) fn handle_frame(&mut self, frame: EncodedFrame, revision: u64) -> bool {
        let newest = match frame.codec {
            FrameCodec::H264 => {
                return self
                    .handle_picture(0, frame, |frame| ProgramEvent::Frame { frame, revision });
            }
            FrameCodec::Opus => &mut self.newest[0],
            FrameCodec::Aac => &mut self.newest[1],
        };
        while let Some(silence) = self.stand_in.poll_frame_before(frame.codec, frame.at) {
            metrics::counter!("mixer_silence_frames_total").increment(1);
            if is_later(&silence, newest)
                && let Some(event) =
                    (self.taker)(ProgramEvent::Frame { frame: silence, revision: 0 })
            {
                let _ = self.events.try_send(event);
            }
        }
        if is_later(&frame, newest) {
            self.stand_in.handle_sound(frame.codec, frame.at);
            self.offer(ProgramEvent::Frame { frame, revision });
        }
        true
    }

    /// Lets the sound that somebody takes go on as silence where no process makes any.
    pub(super) fn fill_silence(&mut self, now: MediaTime, wanted: &[FrameCodec]) {
        for codec in [FrameCodec::Opus, FrameCodec::Aac] {
            self.stand_in.handle_wanted(codec, wanted.contains(&codec), now);
        }
        while let Some(silence) = self.stand_in.poll_frame(now) {
            metrics::counter!("mixer_silence_frames_total").increment(1);
            if is_later(&silence, &mut self.newest[usize::from(silence.codec == FrameCodec::Aac)]) {
                self.offer(ProgramEvent::Frame { frame: silence, revision: 0 });
            }
        }
    }

    /// Delivers a picture of a rendition; returns the same.
    pub(super) fn handle_rendition(&mut self, name: RenditionName, frame: EncodedFrame) -> bool {
        self.handle_picture(1 + name.place(), frame, |frame| ProgramEvent::Rendition {
            name,
            frame,
        })
    }

    fn handle_picture(
        &mut self,
        track: usize,
        frame: EncodedFrame,
        event: impl FnOnce(EncodedFrame) -> ProgramEvent,
    ) -> bool {
        let Track { newest, needs_key } = &mut self.pictures[track];
        if !is_later(&frame, newest) {
            return true;
        }
        if *needs_key && !frame.is_key {
            metrics::counter!("mixer_frames_dropped_total", "reason" => "no_key").increment(1);
            return true;
        }
        let is_lost = (self.taker)(event(frame))
            .is_some_and(|event| self.events.capacity() < KEPT_FOR_SOUND || !self.send(event));
        self.pictures[track].needs_key = is_lost;
        !is_lost
    }

    /// Forgets the picture of a process that is gone: the next one starts with a keyframe.
    pub(super) fn handle_death(&mut self, generation: u64, reason: String) {
        self.pictures.iter_mut().for_each(|track| track.needs_key = true);
        self.stand_in.handle_death();
        self.offer(ProgramEvent::Died { generation, reason });
    }

    /// Delivers what the owner may take on the spot.
    pub(super) fn offer(&mut self, event: ProgramEvent) {
        if let Some(event) = (self.taker)(event) {
            self.send(event);
        }
    }

    /// Delivers anything but a frame.
    pub(super) fn send(&self, event: ProgramEvent) -> bool {
        match self.events.try_send(event) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                metrics::counter!("mixer_frames_dropped_total", "reason" => "full").increment(1);
                false
            }
            // Nobody listens any more; the keeper is about to be told to stop.
            Err(TrySendError::Closed(_)) => true,
        }
    }
}

/// Returns whether a frame is later than the newest one before it, and notes it then.
fn is_later(frame: &EncodedFrame, newest: &mut MediaTime) -> bool {
    let is_later = frame.at > *newest;
    if is_later {
        *newest = frame.at;
    } else {
        metrics::counter!("mixer_frames_dropped_total", "reason" => "late").increment(1);
    }
    is_later
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(codec: FrameCodec, at: u64, is_key: bool) -> EncodedFrame {
        EncodedFrame { codec, at: MediaTime::from_millis(at), is_key, data: Bytes::new() }
    }

    #[test]
    fn time_never_steps_back_whichever_process_made_the_frame() {
        let (events, mut receiver) = mpsc::channel(512);
        let mut delivery = Delivery::new(Box::new(Some), events);
        delivery.handle_frame(frame(FrameCodec::H264, 10, true), 1);
        delivery.handle_death(1, "killed".into());
        delivery.handle_frame(frame(FrameCodec::H264, 10, true), 1);
        delivery.handle_frame(frame(FrameCodec::H264, 11, true), 1);

        let mut seen = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            if let ProgramEvent::Frame { frame, .. } = event {
                seen.push(frame.at.millis());
            }
        }
        assert_eq!(seen, [10, 11]);
    }

    #[test]
    fn renditions_have_a_time_and_keyframes_of_their_own() {
        let (events, mut receiver) = mpsc::channel(512);
        let mut delivery = Delivery::new(Box::new(Some), events);
        delivery.handle_death(1, "killed".into());
        delivery.handle_frame(frame(FrameCodec::H264, 20, true), 1);
        delivery.handle_rendition(RenditionName::Sd, frame(FrameCodec::H264, 10, false));
        delivery.handle_rendition(RenditionName::Sd, frame(FrameCodec::H264, 11, true));
        delivery.handle_rendition(RenditionName::Ld, frame(FrameCodec::H264, 10, true));

        let mut seen = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            if let ProgramEvent::Rendition { name, frame } = event {
                seen.push((name, frame.at.millis()));
            }
        }
        assert_eq!(seen, [(RenditionName::Sd, 11), (RenditionName::Ld, 10)]);
    }

    #[test]
    fn what_is_taken_on_the_spot_never_waits_for_a_slow_owner() {
        let (events, mut receiver) = mpsc::channel(1);
        let (taken, seen) = std::sync::mpsc::channel();
        let taker = move |event: ProgramEvent| {
            let ProgramEvent::Frame { frame, .. } = event else { return Some(event) };
            taken.send(frame.at.millis()).unwrap();
            None
        };
        let mut delivery = Delivery::new(Box::new(taker), events);
        assert!(delivery.handle_frame(frame(FrameCodec::H264, 1, true), 1));
        delivery.handle_frame(frame(FrameCodec::Opus, 1, true), 0);
        delivery.handle_death(1, "killed".into());
        delivery.fill_silence(MediaTime::from_millis(100), &[FrameCodec::Opus, FrameCodec::Aac]);
        assert!(delivery.handle_frame(frame(FrameCodec::H264, 200, true), 1));

        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [1, 1, 21, 200]);
        assert!(matches!(receiver.try_recv(), Ok(ProgramEvent::Died { .. })));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn a_slow_owner_loses_pictures_up_to_a_keyframe_and_no_sound() {
        let (events, mut receiver) = mpsc::channel(KEPT_FOR_SOUND + 2);
        let mut delivery = Delivery::new(Box::new(Some), events);
        assert!(delivery.handle_frame(frame(FrameCodec::H264, 1, true), 1));
        for at in 2..6 {
            delivery.handle_frame(frame(FrameCodec::H264, at, false), 1);
        }
        assert!(delivery.handle_frame(frame(FrameCodec::Opus, 6, true), 1));
        while receiver.try_recv().is_ok() {}

        delivery.handle_frame(frame(FrameCodec::H264, 7, false), 1);
        delivery.handle_frame(frame(FrameCodec::H264, 8, true), 1);
        let next = receiver.try_recv().unwrap();
        let frame = frame(FrameCodec::H264, 8, true);
        assert_eq!(next, ProgramEvent::Frame { frame, revision: 1 });
    }
}
