//! Decodes the pictures of one feed in a pipeline of its own. Whatever a host sends, the worst that
//! happens is that this pipeline fails and its feed starts another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use media_rules::{Codec, FeedFrame, MediaTime};
use mixer::media_now;
use tracing::debug;

use crate::picture_tick::SharedPictures;

/// Frames that may wait for the decoder. Full: the decoder is too slow for its feed, and it starts
/// again at a keyframe.
const MOST_WAITING: u64 = 15;

/// A picture that is decoded this long after its moment is late. A moment's hiccup makes some so.
const LATE: Duration = Duration::from_millis(50);

/// Pictures that are late for so long, with others waiting, are not a hiccup.
const LATE_FOR: Duration = Duration::from_millis(100);

/// What waits in a decoder that keeps up is less.
const SOME_WAITING: u64 = 3;

// `std-compliance=normal` is no detail: left to itself, the decoder holds back as many pictures as
// the profile might reorder, because it does not see that its source is live.
const H264: &str = "video/x-h264,stream-format=byte-stream,alignment=au \
     ! avdec_h264 max-threads=1 std-compliance=normal qos=false";
const VP8: &str = "video/x-vp8 ! vp8dec threads=1 qos=false";
const VP9: &str = "video/x-vp9 ! vp9dec threads=1 qos=false";
const AV1: &str = "video/x-av1,stream-format=obu-stream,alignment=tu ! av1dec qos=false";

/// The pipeline of one feed's pictures.
pub(crate) struct Decoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    has_trouble: Arc<AtomicBool>,
    lateness: Arc<Lateness>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    /// It will be decoded.
    Yes,
    /// There is no time for it: it and all that refers to it are left out, up to the next keyframe.
    NoTime,
    /// This decoder cannot go on and must be replaced.
    Broken,
}

impl Decoder {
    /// Starts decoding pictures of one codec into `pictures`.
    pub(crate) fn video(codec: Codec, pictures: SharedPictures) -> anyhow::Result<Self> {
        let chain = match codec {
            Codec::H264 => H264,
            Codec::Vp8 => VP8,
            Codec::Vp9 => VP9,
            Codec::Av1 => AV1,
            Codec::Opus => anyhow::bail!("Opus has no pictures"),
        };
        let description = format!(
            "appsrc name=in format=time is-live=true caps={chain} ! appsink name=out sync=false"
        );
        let lateness = Arc::<Lateness>::default();
        let theirs = Arc::clone(&lateness);
        Self::start(&description, lateness, move |sample, has_trouble| {
            let Some(at) = moment(&sample) else { return };
            theirs.handle_decoded(at, media_now());
            // What the decoder made up is worse than the picture before.
            if is_corrupted(&sample) {
                has_trouble.store(true, Ordering::Release);
                return;
            }
            let mut pictures = pictures.lock().unwrap_or_else(PoisonError::into_inner);
            pictures.handle_picture(at, sample, media_now());
        })
    }

    /// Returns whether a frame that is not urgent may be pushed.
    pub(crate) fn has_room(&self) -> bool {
        self.source.current_level_buffers() < MOST_WAITING / 2
    }

    /// Returns whether all that was pushed is decoded, or nearly.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.source.current_level_buffers() <= 1
    }

    /// Decodes a picture. One that `may_wait` is decoded however late that will be.
    pub(crate) fn push(&self, frame: FeedFrame, may_wait: bool) -> Taken {
        let waiting = self.source.current_level_buffers();
        if waiting >= MOST_WAITING || self.has_trouble.load(Ordering::Acquire) {
            return Taken::Broken;
        }
        if !may_wait && waiting >= SOME_WAITING && self.lateness.is_lasting(media_now()) {
            return Taken::NoTime;
        }
        let mut buffer = gst::Buffer::from_slice(frame.data);
        let target = buffer.get_mut().expect("a buffer that was just made has one owner");
        target.set_pts(gst::ClockTime::from_nseconds(frame.at.nanos()));
        if self.source.push_buffer(buffer).is_ok() { Taken::Yes } else { Taken::Broken }
    }

    fn start(
        description: &str,
        lateness: Arc<Lateness>,
        mut take: impl FnMut(gst::Sample, &AtomicBool) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let pipeline = gst::parse::launch(description)
            .context("a decoding pipeline")?
            .downcast::<gst::Pipeline>()
            .expect("a chain always makes a pipeline");
        let has_trouble = Arc::new(AtomicBool::new(false));
        let noticed = Arc::clone(&has_trouble);
        pipeline.bus().expect("every pipeline has a bus").set_sync_handler(move |_, message| {
            if matches!(message.type_(), gst::MessageType::Error | gst::MessageType::Warning) {
                debug!(?message, "A host's media cannot be decoded.");
                noticed.store(true, Ordering::Release);
            }
            gst::BusSyncReply::Drop
        });

        let source = pipeline.by_name("in").and_then(|source| source.downcast::<AppSrc>().ok());
        let sink = pipeline.by_name("out").and_then(|sink| sink.downcast::<AppSink>().ok());
        let (source, sink) = source.zip(sink).expect("the description names both");
        let noticed = Arc::clone(&has_trouble);
        let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
            take(sink.pull_sample().map_err(|_| gst::FlowError::Eos)?, &noticed);
            Ok(gst::FlowSuccess::Ok)
        });
        sink.set_callbacks(callbacks.build());
        pipeline.set_state(gst::State::Playing).context("starting to decode")?;
        Ok(Self { pipeline, source, has_trouble, lateness })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // A pipeline that was never stopped would keep its threads.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Whether pictures come out of a decoder in time.
#[derive(Debug, Default)]
struct Lateness {
    /// Since when each of them was late, in nanoseconds of media time; 0 if the last one was not.
    since: AtomicU64,
}

impl Lateness {
    fn handle_decoded(&self, at: MediaTime, now: MediaTime) {
        if now.since(at) < LATE {
            self.since.store(0, Ordering::Relaxed);
        } else {
            // One thread decodes, so nobody else writes between the two.
            let is_first = self.since.load(Ordering::Relaxed) == 0;
            if is_first {
                self.since.store(now.nanos(), Ordering::Relaxed);
            }
        }
    }

    fn is_lasting(&self, now: MediaTime) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since > 0 && now.since(MediaTime::from_nanos(since)) >= LATE_FOR
    }
}

fn is_corrupted(sample: &gst::Sample) -> bool {
    sample.buffer().is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::CORRUPTED))
}

fn moment(sample: &gst::Sample) -> Option<MediaTime> {
    Some(MediaTime::from_nanos(sample.buffer()?.pts()?.nseconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn only_lateness_that_lasts_counts() {
        let lateness = Lateness::default();
        lateness.handle_decoded(at(1_000), at(1_049));
        assert!(!lateness.is_lasting(at(5_000)));
        lateness.handle_decoded(at(1_033), at(1_150));
        lateness.handle_decoded(at(1_066), at(1_240));
        assert!(!lateness.is_lasting(at(1_249)));
        assert!(lateness.is_lasting(at(1_250)));

        lateness.handle_decoded(at(1_260), at(1_261));
        assert!(!lateness.is_lasting(at(1_300)), "it was a hiccup");
    }
}
