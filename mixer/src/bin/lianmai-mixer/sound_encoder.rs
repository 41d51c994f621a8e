//! Encodes sound in the thread of whoever pushes it.
//!
//! Sound codecs delay what they encode, and neither WebRTC nor RTMP has a place to write that
//! down, so it is taken off `at`: a receiver that plays every decoded sample is in time.
//!
//! Frames of AAC begin at multiples of their length on the media clock, whenever and in whichever process
//! they are made. So where one process's sound follows another's there is a frame that begins when the last
//! one ended. (Those of Opus are as long as a block of the mix and do so by themselves.)

use std::time::Duration;

use gstreamer as gst;
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

use crate::chain::Chain;
use crate::voice::{moment, position};

const CAPS: &str = "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved";

/// What libopus looks ahead.
pub(crate) const OPUS_LOOK_AHEAD: Duration = Duration::from_micros(6_500);

/// `opusenc` takes that off its timestamps by itself.
const OPUS_DELAY: Duration = Duration::ZERO;

/// `avenc_aac` starts with one frame of 1024 samples that holds nothing, and stamps it as if it
/// held the first of them.
const AAC_DELAY: Duration = Duration::from_nanos(1024 * 1_000_000_000 / 48_000);

/// Samples in a frame of AAC.
const AAC_FRAME: i64 = 1024;

/// Bytes of one moment of stereo sound.
const SAMPLE: usize = 4;

/// A running encoder of 48 kHz stereo.
pub(crate) struct SoundEncoder {
    chain: Chain,
    /// Frames begin at multiples of so many samples.
    grid: i64,
    has_begun: bool,
}

impl SoundEncoder {
    /// Starts an encoder whose frames go to `take` and its messages to `hear`.
    pub(crate) fn start(
        codec: FrameCodec,
        kbps: u32,
        mut take: impl FnMut(EncodedFrame) + Send + 'static,
        hear: impl Fn(&gst::MessageRef) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let bps = kbps * 1000;
        let (description, delay) = match codec {
            FrameCodec::Opus => (
                format!(
                    "opusenc bitrate={bps} bitrate-type=constrained-vbr frame-size=20 dtx=false complexity=5"
                ),
                OPUS_DELAY,
            ),
            FrameCodec::Aac => (
                format!(
                    "audioconvert ! avenc_aac bitrate={bps} aac-coder=fast \
                     ! capsfilter caps=audio/mpeg,mpegversion=4,stream-format=raw"
                ),
                AAC_DELAY,
            ),
            FrameCodec::H264 => anyhow::bail!("H.264 is no sound"),
        };
        let delay = gst::ClockTime::from_nseconds(delay.as_nanos() as u64);
        let frame = move |buffer: gst::Buffer| {
            let at = buffer.pts()?.checked_sub(delay)?;
            let data = buffer.map_readable().ok()?.to_vec().into();
            Some(EncodedFrame {
                codec,
                at: MediaTime::from_nanos(at.nseconds()),
                is_key: true,
                data,
            })
        };
        let take = move |buffer| frame(buffer).into_iter().for_each(&mut take);
        let grid = if codec == FrameCodec::Aac { AAC_FRAME } else { 1 };
        Ok(Self { chain: Chain::start(&description, CAPS, take, hear)?, grid, has_begun: false })
    }

    /// Encodes interleaved 16-bit samples, the first of which are due at `at`.
    pub(crate) fn push(&mut self, mut at: MediaTime, mut samples: Vec<u8>) {
        if !self.has_begun {
            let first = position(at);
            let left_out = (-first).rem_euclid(self.grid);
            let bytes = usize::try_from(left_out).expect("less than a frame") * SAMPLE;
            if bytes >= samples.len() {
                return;
            }
            samples.drain(..bytes);
            if left_out > 0 {
                at = moment(first + left_out);
            }
            self.has_begun = true;
        }
        let mut block = gst::Buffer::from_mut_slice(samples);
        let buffer = block.get_mut().expect("a buffer that was just made has one owner");
        buffer.set_pts(gst::ClockTime::from_nseconds(at.nanos()));
        // What goes wrong is heard.
        let _ = self.chain.push(block);
    }
}
