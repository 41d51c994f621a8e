//! A simulated host's traffic taken in, and what came of it held against the truth in its frames.

use media_rules::{Codec, FeedFrame, Ingest, MediaTime, TapItem};

use crate::simulated_host::{MS, Recorded, START, access_unit, mark_of_audio, marks_of_picture};

/// What came out.
pub(crate) struct Run {
    pub(crate) ingest: Ingest,
    pub(crate) video: Vec<Presented>,
    pub(crate) audio: Vec<Presented>,
    pub(crate) keyframe_was_wanted: bool,
}

pub(crate) struct Presented {
    pub(crate) frame: FeedFrame,
    /// When it came out.
    pub(crate) out: u64,
    /// Milliseconds after the host's start, read from the frame itself.
    pub(crate) captured: u64,
    /// Its place among the pictures, read from the frame itself; zero for audio.
    pub(crate) number: u64,
}

impl Run {
    pub(crate) fn of(items: Vec<Recorded>) -> Self {
        let mut run = Self {
            ingest: Ingest::default(),
            video: Vec::new(),
            audio: Vec::new(),
            keyframe_was_wanted: false,
        };
        for Recorded { arrival, mut item, .. } in items {
            if let TapItem::Packet(packet) = &mut item {
                packet.arrival = MediaTime::from_nanos(arrival);
            }
            run.ingest.handle(item, MediaTime::from_nanos(arrival));
            run.drain(arrival);
        }
        run
    }

    pub(crate) fn drain(&mut self, now: u64) {
        while let Some(frame) = self.ingest.poll_frame(MediaTime::from_nanos(now)) {
            match frame.codec {
                Codec::H264 => {
                    let (number, captured) = marks_of_picture(&frame.data);
                    let expected = access_unit(number, captured, frame.is_key);
                    assert_eq!(frame.data, expected, "a broken picture came out");
                    self.video.push(Presented { number, captured, out: now, frame });
                }
                Codec::Opus => {
                    let captured = mark_of_audio(&frame.data);
                    self.audio.push(Presented { number: 0, captured, out: now, frame });
                }
                Codec::Vp8 | Codec::Vp9 | Codec::Av1 => panic!("nobody publishes that"),
            }
        }
        self.keyframe_was_wanted |= self.ingest.poll_keyframe_wanted();
    }

    /// How long after its capture the last frame of each track is presented, video first.
    pub(crate) fn lag_at_end(&self) -> (u64, u64) {
        let lag = |frames: &[Presented]| {
            let last = frames.last().expect("something came out");
            // Captured at a third of a millisecond that the frame does not tell.
            let nanos = last.frame.at.nanos() - START - last.captured * MS;
            nanos / MS * MS
        };
        (lag(&self.video), lag(&self.audio))
    }

    pub(crate) fn assert_each_track_moves_forward(&self) {
        for track in [&self.video, &self.audio] {
            for pair in track.windows(2) {
                assert!(pair[0].frame.at < pair[1].frame.at, "{:?}", pair[1].frame.at);
            }
        }
    }
}
