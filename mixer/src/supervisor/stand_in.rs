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
    /// Whether there is nobody to wait for.
    is_dead: bool,
}

impl StandIn {
    /// A process made a piece of sound.
    pub(super) fn handle_sound(&mut self, codec: FrameCodec, at: MediaTime) {
        if let Some(index) = index(codec) {
            self.newest[index] = Some(at);
            self.is_dead = false;
        }
    }

    /// Nobody takes this sound, so none is made.
    pub(super) fn handle_unwanted(&mut self, codec: FrameCodec) {
        if let Some(index) = index(codec) {
            self.newest[index] = None;
        }
    }

    /// The process is gone.
    pub(super) const fn handle_death(&mut self) {
        self.is_dead = true;
    }

    /// Returns the next frame of silence that is due.
    pub(super) fn poll_frame(&mut self, now: MediaTime) -> Option<EncodedFrame> {
        let silences = [
            (FrameCodec::Opus, OPUS_SILENCE, OPUS_NANOS),
            (FrameCodec::Aac, AAC_SILENCE, AAC_NANOS),
        ];
        let patience = if self.is_dead { Duration::ZERO } else { PATIENCE };
        for (newest, (codec, silence, nanos)) in self.newest.iter_mut().zip(silences) {
            let Some(before) = newest else { continue };
            let late = now.since(*before);
            let at = *before + Duration::from_nanos(nanos);
            if late > MOST {
                *newest = None;
            } else if late > patience && at + MARGIN <= now {
                *newest = Some(at);
                let data = Bytes::from_static(silence);
                return Some(EncodedFrame { codec, at, is_key: true, data });
            }
        }
        None
    }
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
    fn sound_that_nobody_takes_is_not_missed() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(1_000));
        stand_in.handle_sound(FrameCodec::Aac, at(1_000));
        stand_in.handle_unwanted(FrameCodec::Aac);
        let silence = drain(&mut stand_in, 1_400);
        assert!(!silence.is_empty() && silence.iter().all(|(codec, _)| *codec == FrameCodec::Opus));
    }

    #[test]
    fn nobody_makes_up_for_a_night() {
        let mut stand_in = StandIn::default();
        stand_in.handle_sound(FrameCodec::Opus, at(0));
        assert_eq!(drain(&mut stand_in, 8 * 3_600_000), []);
    }
}
