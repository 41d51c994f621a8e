//! Encodes pictures of one size in a pipeline of its own. What cannot be changed in a running
//! encoder (preset, size) is changed by starting another: its first picture is a keyframe, so
//! viewers notice nothing but what was meant.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use gstreamer_video::UpstreamForceKeyUnitEvent;
use media_rules::{EncodedFrame, FrameCodec, MediaTime, Waiting};
use mixer::media_now;

use crate::encoder::end_on_error;
use crate::h264_element::H264Element;

/// What an encoder makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shape {
    /// The size of the pictures it is given.
    pub(crate) canvas: (u32, u32),
    /// The size of those that it makes; both even.
    pub(crate) size: (u32, u32),
    /// Pictures a second, also the distance of keyframes.
    pub(crate) fps: u32,
    pub(crate) kbps: u32,
    /// Whether speed counts for more than looks.
    pub(crate) is_fast: bool,
}

/// A running encoder.
pub(crate) struct VideoEncoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    element: gst::Element,
    kind: H264Element,
    shape: Shape,
    queue: Arc<Mutex<Queue>>,
}

impl VideoEncoder {
    /// Starts an encoder whose pictures go to `take`.
    pub(crate) fn start(
        kind: H264Element,
        shape: Shape,
        take: impl Fn(EncodedFrame) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let pipeline = gst::parse::launch(&description(kind, &shape))
            .context("an encoding pipeline")?
            .downcast::<gst::Pipeline>()
            .expect("a chain always makes a pipeline");
        let bus = pipeline.bus().expect("every pipeline has a bus");
        bus.set_sync_handler(|_, message| {
            end_on_error(message);
            gst::BusSyncReply::Drop
        });
        let element = pipeline.by_name("encoder").context("the chain names its encoder")?;
        let source = pipeline.by_name("pictures").and_then(|it| it.downcast::<AppSrc>().ok());
        let sink = pipeline.by_name("h264").and_then(|it| it.downcast::<AppSink>().ok());
        let (source, sink) = source.zip(sink).expect("the description names both");

        let queue = Arc::<Mutex<Queue>>::default();
        let theirs = Arc::clone(&queue);
        let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(frame) = encoded_frame(&sample) {
                let at = frame.at;
                take(frame);
                // Last, so that whoever sees an empty queue knows that everything was taken.
                lock(&theirs).handle_done(at, media_now());
            }
            Ok(gst::FlowSuccess::Ok)
        });
        sink.set_callbacks(callbacks.build());
        pipeline.set_state(gst::State::Playing).context("starting to encode")?;
        Ok(Self { pipeline, source, element, kind, shape, queue })
    }

    /// Returns what it makes.
    pub(crate) const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Encodes a picture that carries the moment `at`.
    pub(crate) fn push(&self, at: MediaTime, picture: gst::Buffer) {
        lock(&self.queue).handle_pushed(at, media_now());
        // Flushing happens only while it is stopped.
        let _ = self.source.push_buffer(picture);
    }

    /// Returns what waits to be encoded.
    pub(crate) fn waiting(&self, now: MediaTime) -> Waiting {
        lock(&self.queue).waiting(now)
    }

    /// Makes the next picture a keyframe.
    pub(crate) fn force_keyframe(&self) {
        let event = UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
        let pad = self.element.static_pad("src").expect("every encoder has a source pad");
        pad.send_event(event);
    }

    /// Changes the target without a break.
    pub(crate) fn set_kbps(&mut self, kbps: u32) {
        if kbps != self.shape.kbps {
            self.shape.kbps = kbps;
            self.kind.set_kbps(&self.element, kbps);
        }
    }

    /// Lets the encoder finish what it has on a thread of its own, because that may take as long as
    /// a few pictures.
    pub(crate) fn retire(self) {
        let _ = self.source.end_of_stream();
        let finish = move || {
            let until = media_now() + Duration::from_millis(500);
            while self.waiting(media_now()).pictures > 0 && media_now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(self);
        };
        // Without a thread it ends here and now.
        let _ = std::thread::Builder::new().name("retire".into()).spawn(finish);
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        // A pipeline that was never stopped would keep its threads.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn description(kind: H264Element, shape: &Shape) -> String {
    let (width, height) = shape.canvas;
    let fps = shape.fps;
    let mut text = format!(
        "appsrc name=pictures format=time is-live=true \
           caps=video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 ! "
    );
    if shape.size != shape.canvas {
        let (width, height) = shape.size;
        text += &format!(
            "videoconvertscale method=bilinear add-borders=false \
             ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! "
        );
    }
    text += &kind.chain(shape.kbps, fps, shape.is_fast);
    text + " ! video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline \
             ! appsink name=h264 sync=false"
}

fn encoded_frame(sample: &gst::Sample) -> Option<EncodedFrame> {
    let buffer = sample.buffer()?;
    // x264enc moves its timestamps by 1000 hours; the segment moves them back.
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let at = segment.to_running_time(buffer.pts()?)?;
    let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let data = buffer.map_readable().ok()?.to_vec().into();
    let at = MediaTime::from_nanos(at.nseconds());
    Some(EncodedFrame { codec: FrameCodec::H264, at, is_key, data })
}

fn lock(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pictures that went into the encoder and did not come out yet.
#[derive(Debug, Default)]
struct Queue {
    /// Oldest first, with the moment each was given. The shedder bounds it.
    pictures: VecDeque<(MediaTime, MediaTime)>,
    finished: MediaTime,
    cost: Duration,
}

impl Queue {
    fn handle_pushed(&mut self, at: MediaTime, now: MediaTime) {
        self.pictures.push_back((at, now));
    }

    /// An encoder may round a time, so the nearest earlier picture is the one that is done.
    fn handle_done(&mut self, at: MediaTime, now: MediaTime) {
        let at = at + Duration::from_micros(1);
        while let Some((_, given)) = self.pictures.pop_front_if(|(due, _)| *due <= at) {
            self.cost = now.since(given.max(self.finished));
        }
        self.finished = now;
    }

    fn waiting(&self, now: MediaTime) -> Waiting {
        let pictures = u32::try_from(self.pictures.len()).unwrap_or(u32::MAX);
        let began = self.pictures.front().map(|(_, given)| self.finished.max(*given));
        let working = began.map_or(Duration::ZERO, |began| now.since(began));
        Waiting { pictures, cost: self.cost, working, ..Waiting::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn what_waits_is_known_and_what_a_picture_costs() {
        let mut queue = Queue::default();
        queue.handle_pushed(at(0), at(5));
        queue.handle_pushed(at(33), at(38));
        assert_eq!(queue.waiting(at(40)).pictures, 2);
        assert_eq!(queue.waiting(at(40)).working, Duration::from_millis(35));

        queue.handle_done(at(0), at(45));
        assert_eq!(queue.waiting(at(50)).working, Duration::from_millis(5));
        assert_eq!(queue.waiting(at(45)).cost, Duration::from_millis(40));
        queue.handle_done(at(33), at(60));
        let waiting = queue.waiting(at(60));
        assert_eq!((waiting.pictures, waiting.working), (0, Duration::ZERO));
        assert_eq!(waiting.cost, Duration::from_millis(15), "not counting what it waited");
    }
}
