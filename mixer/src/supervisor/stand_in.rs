//! Silence while no process makes sound, so that the timeline of RTMP goes on: players and CDNs
//! wait for sound to show a picture, and some close a connection on which nothing comes. Pictures
//! need no stand-in: the last one stays on every screen.

use std::time::Duration;

use bytes::Bytes;
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

/// Sound that is this late is not coming from a process that lives.
const PATIENCE: Duration = Duration::from_millis(300);

/// Silence ends this long before the present, so that it is never later than the first sound of
/// the next process.
const MARGIN: Duration = Duration::from_millis(60);

/// More than this is not made up for: whoever slept so long finds everybody gone.
const MOST: Duration = Duration::from_secs(30);

/// Two channels of nothing for 20 ms (RFC 6716: CELT, full band, stereo).
const OPUS_SILENCE: &[u8] = &[0xfc, 0xff, 0xfe];
const OPUS_NANOS: u64 = 20_000_000;

/// Two channels of nothing for 1024 samples of AAC-LC.
const AAC_SILENCE: &[u8] = &[0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c];
const AAC_NANOS: u64 = 1024 * 1_000_000_000 / 48_000;

/// Watches the sound of one program.
#[derive(Debug, Default)]
pub(super) struct StandIn {
    /// The newest frame of Opus and of AAC; `None` before there was one.
    newest: [Option<MediaTime>; 2],
    /// Whether there is nobody to wait for, or nobody who made this sound yet.
    is_dead: [bool; 2],
    /// Whether this sound was made and is not wanted at present.
    is_paused: [bool; 2],
}

impl StandIn {
    /// A process made a piece of sound.
    pub(super) fn handle_sound(&mut self, codec: FrameCodec, at: MediaTime) {
        if let Some(index) = index(codec) {
            self.newest[index] = Some(at);
            self.is_dead[index] = false;
        }
    }

    /// Nobody takes this sound, so none is made, or somebody does. Who takes it again has had it until
    /// now, or never.
    pub(super) fn handle_wanted(&mut self, codec: FrameCodec, is_wanted: bool, now: MediaTime) {
        let Some(index) = index(codec) else { return };
        if !is_wanted {
            self.is_paused[index] |= self.newest[index].take().is_some();
        } else if std::mem::take(&mut self.is_paused[index]) && self.newest[index].is_none() {
            self.newest[index] = Some(now);
        }
    }

    /// The process is gone.
    pub(super) const fn handle_death(&mut self) {
        self.is_dead = [true; 2];
    }

    /// Returns the next frame of silence that is due.
    pub(super) fn poll_frame(&mut self, now: MediaTime) -> Option<EncodedFrame> {
        for (index, (codec, silence, length)) in SILENCES.into_iter().enumerate() {
            let Some(before) = self.newest[index] else { continue };
            let patience = if self.is_dead[index] { Duration::ZERO } else { PATIENCE };
            let late = now.since(before);
            let at = before + length;
            if late > MOST {
                self.newest[index] = None;
            } else if late > patience && at + MARGIN <= now {
                self.newest[index] = Some(at);
                return Some(frame(codec, silence, at));
            }
        }
        None
    }

    /// Returns the next frame of silence that is missing before the first sound of a new process, if
    /// whoever fills it in was held up meanwhile.
    pub(super) fn poll_frame_before(
        &mut self,
        codec: FrameCodec,
        first: MediaTime,
    ) -> Option<EncodedFrame> {
        let index = index(codec)?;
        let (_, silence, length) = SILENCES[index];
        let at = self.newest[index].filter(|_| self.is_dead[index])? + length;
        if at + length > first || first.since(at) > MOST {
            return None;
        }
        self.newest[index] = Some(at);
        Some(frame(codec, silence, at))
    }
}

/// By the index of their codec.
const SILENCES: [(FrameCodec, &[u8], Duration); 2] = [
    (FrameCodec::Opus, OPUS_SILENCE, Duration::from_nanos(OPUS_NANOS)),
    (FrameCodec::Aac, AAC_SILENCE, Duration::from_nanos(AAC_NANOS)),
];

fn frame(codec: FrameCodec, silence: &'static [u8], at: MediaTime) -> EncodedFrame {
    EncodedFrame { codec, at, is_key: true, data: Bytes::from_static(silence) }
}

const fn index(codec: FrameCodec) -> Option<usize> {
    match codec {
        FrameCodec::Opus => Some(0),
        FrameCodec::Aac => Some(1),
        FrameCodec::H264 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn drain(stand_in: &mut StandIn, now: u64) -> Vec<(FrameCodec, u64)> {
        std::iter::from_fn(|| stand_in.poll_frame(at(now)))
            .map(|frame| (frame.codec, frame.at.millis()))
            .collect()
    }

    #[test]
    fn sound_that_comes_in_time_needs_no_stand_in() {
        let mut stand_in = StandIn::default();
        assert_eq!(drain(&mut stand_in, 5_000), []);
        for millis in (0..2_000).step_by(20) {
            stand_in.handle_sound(FrameCodec::Opus, at(millis));
            assert_eq!(drain(&mut stand_in, millis + 290), []);
        }
    }

    #[test]
    fn silence_goes_on_where_sound_ended_and_gives_way_to_sound() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(1_000));
        stand_in.handle_sound(FrameCodec::Aac, at(1_010));

        assert_eq!(drain(&mut stand_in, 1_290), [], "it may only be late");
        stand_in.handle_death();
        let silence = drain(&mut stand_in, 1_300);
        let of = |codec| silence.iter().filter(move |(of, _)| *of == codec).map(|(_, at)| *at);
        assert_eq!(of(FrameCodec::Opus).collect::<Vec<_>>()[..3], [1_020, 1_040, 1_060]);
        assert_eq!(of(FrameCodec::Aac).next(), Some(1_031));
        assert!(silence.iter().all(|(_, at)| *at <= 1_240));

        stand_in.handle_sound(FrameCodec::Opus, at(1_290));
        assert!(drain(&mut stand_in, 1_320).iter().all(|(codec, _)| *codec == FrameCodec::Aac));
    }

    #[test]
    fn what_was_not_filled_in_is_when_the_next_process_makes_its_first_sound() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(1_000));
        assert_eq!(stand_in.poll_frame_before(FrameCodec::Opus, at(1_200)), None, "it lives");
        stand_in.handle_death();
        let missing = |stand_in: &mut StandIn| {
            let next = || stand_in.poll_frame_before(FrameCodec::Opus, at(1_090));
            std::iter::from_fn(next).map(|frame| frame.at.millis()).collect::<Vec<_>>()
        };
        assert_eq!(missing(&mut stand_in), [1_020, 1_040, 1_060]);
        stand_in.handle_sound(FrameCodec::Opus, at(1_090));
        assert_eq!(missing(&mut stand_in), []);
    }

    #[test]
    fn sound_that_nobody_takes_is_not_missed() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(1_000));
        stand_in.handle_sound(FrameCodec::Aac, at(1_000));
        stand_in.handle_wanted(FrameCodec::Aac, false, at(1_000));
        let silence = drain(&mut stand_in, 1_400);
        assert!(!silence.is_empty() && silence.iter().all(|(codec, _)| *codec == FrameCodec::Opus));
    }

    #[test]
    fn sound_that_is_wanted_again_and_does_not_come_is_silence() {
        let mut stand_in = StandIn::default();
        stand_in.handle_wanted(FrameCodec::Opus, false, at(500));
        stand_in.handle_wanted(FrameCodec::Opus, true, at(600));
        assert_eq!(drain(&mut stand_in, 1_000), [], "nobody made any yet");
        stand_in.handle_sound(FrameCodec::Opus, at(1_000));
        stand_in.handle_wanted(FrameCodec::Opus, false, at(1_010));
        assert_eq!(drain(&mut stand_in, 9_000), [], "another makes it");
        stand_in.handle_wanted(FrameCodec::Opus, true, at(9_000));
        stand_in.handle_wanted(FrameCodec::Opus, true, at(9_100));
        assert_eq!(drain(&mut stand_in, 9_300), []);
        assert_eq!(drain(&mut stand_in, 9_301)[0], (FrameCodec::Opus, 9_020));
    }

    #[test]
    fn nobody_makes_up_for_a_night() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(0));
        assert_eq!(drain(&mut stand_in, 8 * 3_600_000), []);
    }
}
