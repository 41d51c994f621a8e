//! Hands what a program makes to its owner without ever waiting for them. When the owner is slow,
//! pictures are left out up to the next keyframe; sound is left out only when nothing else fits.
//! It also keeps the promise that time never steps back, whichever process made a frame.

use media_rules::{EncodedFrame, FrameCodec, MediaTime};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::ProgramEvent;

/// Places that pictures leave free for sound and for news of the process.
const KEPT_FOR_SOUND: usize = 128;

/// The way to the owner of the program.
#[derive(Debug)]
pub(super) struct Delivery {
    events: mpsc::Sender<ProgramEvent>,
    newest: [MediaTime; 3],
    needs_key: bool,
}

impl Delivery {
    pub(super) fn new(events: mpsc::Sender<ProgramEvent>) -> Self {
        Self { events, newest: [MediaTime::default(); 3], needs_key: false }
    }

    /// Delivers a frame; returns false when the next picture should be a keyframe.
    pub(super) fn handle_frame(&mut self, frame: EncodedFrame, revision: u64) -> bool {
        let newest = &mut self.newest[match frame.codec {
            FrameCodec::H264 => 0,
            FrameCodec::Opus => 1,
            FrameCodec::Aac => 2,
        }];
        if frame.at <= *newest {
            metrics::counter!("mixer_frames_dropped_total", "reason" => "late").increment(1);
            return true;
        }
        *newest = frame.at;

        if frame.codec != FrameCodec::H264 {
            self.send(ProgramEvent::Frame { frame, revision });
            return true;
        }
        if self.needs_key && !frame.is_key {
            metrics::counter!("mixer_frames_dropped_total", "reason" => "no_key").increment(1);
            return true;
        }
        self.needs_key = self.events.capacity() < KEPT_FOR_SOUND
            || !self.send(ProgramEvent::Frame { frame, revision });
        !self.needs_key
    }

    /// Forgets the picture of a process that is gone: the next one starts with a keyframe.
    pub(super) fn handle_death(&mut self, generation: u64, reason: String) {
        self.needs_key = true;
        self.send(ProgramEvent::Died { generation, reason });
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
        let mut delivery = Delivery::new(events);
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
    fn a_slow_owner_loses_pictures_up_to_a_keyframe_and_no_sound() {
        let (events, mut receiver) = mpsc::channel(KEPT_FOR_SOUND + 2);
        let mut delivery = Delivery::new(events);
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
