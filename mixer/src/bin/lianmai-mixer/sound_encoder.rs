//! Encodes sound in the thread of whoever pushes it.
//!
//! Sound codecs delay what they encode, and neither WebRTC nor RTMP has a place to write that
//! down, so it is taken off `at`: a receiver that plays every decoded sample is in time.

use std::time::Duration;

use gstreamer as gst;
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

use crate::chain::Chain;

const CAPS: &str = "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved";

/// What libopus looks ahead.
pub(crate) const OPUS_LOOK_AHEAD: Duration = Duration::from_micros(6_500);

/// `opusenc` takes that off its timestamps by itself.
const OPUS_DELAY: Duration = Duration::ZERO;

/// `avenc_aac` starts with one frame of 1024 samples that holds nothing, and stamps it as if it
/// held the first of them.
const AAC_DELAY: Duration = Duration::from_nanos(1024 * 1_000_000_000 / 48_000);

/// A running encoder of 48 kHz stereo.
pub(crate) struct SoundEncoder {
    chain: Chain,
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
        Ok(Self { chain: Chain::start(&description, CAPS, take, hear)? })
    }

    /// Encodes interleaved 16-bit samples, the first of which are due at `at`.
    pub(crate) fn push(&self, at: MediaTime, samples: Vec<u8>) {
        let mut block = gst::Buffer::from_mut_slice(samples);
        let buffer = block.get_mut().expect("a buffer that was just made has one owner");
        buffer.set_pts(gst::ClockTime::from_nseconds(at.nanos()));
        // What goes wrong is heard.
        let _ = self.chain.push(block);
    }
}
