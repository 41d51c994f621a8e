//! Encodes the program once for every output: H.264 for all of them, Opus for WebRTC, AAC for RTMP.
//!
//! Buffers carry the media clock as their time, so an encoded frame's moment is read straight from
//! it. Sound codecs delay what they encode, and neither WebRTC nor RTMP has a place to write that
//! down, so it is taken off `at`: a receiver that plays every decoded sample is in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use gstreamer_video::UpstreamForceKeyUnitEvent;
use media_rules::{EncodedFrame, FrameCodec, MediaTime};
use mixer::link::Start;
use mixer::media_now;
use tracing::error;

use crate::exit::Exit;
use crate::revisions::Revisions;

/// `opusenc` takes the 6.5 ms that libopus looks ahead off its timestamps by itself.
pub(crate) const OPUS_DELAY: Duration = Duration::ZERO;

/// `avenc_aac` starts with one frame of 1024 samples that holds nothing, and stamps it as if it
/// held the first of them.
pub(crate) const AAC_DELAY: Duration = Duration::from_nanos(1024 * 1_000_000_000 / 48_000);

/// The pipeline that encodes.
pub(crate) struct Encoder {
    pipeline: gst::Pipeline,
    pictures: AppSrc,
    sound: AppSrc,
    video_encoder: gst::Element,
    worst_us: Arc<AtomicU32>,
    revisions: Arc<Revisions>,
}

impl Encoder {
    /// Starts encoding into `exit`.
    pub(crate) fn start(start: &Start, exit: &Arc<Exit>) -> anyhow::Result<Self> {
        let pipeline = gst::parse::launch(&description(start))
            .context("the encoding pipeline")?
            .downcast::<gst::Pipeline>()
            .expect("several chains always make a pipeline");
        let worst_us = Arc::new(AtomicU32::new(0));
        let revisions = Arc::<Revisions>::default();
        for (name, codec, delay) in [
            ("h264", FrameCodec::H264, Duration::ZERO),
            ("opus", FrameCodec::Opus, OPUS_DELAY),
            ("aac", FrameCodec::Aac, AAC_DELAY),
        ] {
            let sink = named(&pipeline, name)?
                .downcast::<AppSink>()
                .expect("the description names an appsink");
            let revisions = Arc::clone(&revisions);
            deliver(&sink, codec, delay, Arc::clone(exit), Arc::clone(&worst_us), revisions);
        }
        end_on_error(&pipeline);

        let source = |name: &str| -> anyhow::Result<AppSrc> {
            Ok(named(&pipeline, name)?
                .downcast::<AppSrc>()
                .expect("the description names an appsrc"))
        };
        let encoder = Self {
            pictures: source("pictures")?,
            sound: source("sound")?,
            video_encoder: named(&pipeline, "x264")?,
            pipeline,
            worst_us,
            revisions,
        };
        encoder.pipeline.set_state(gst::State::Playing).context("starting to encode")?;
        Ok(encoder)
    }

    /// Returns how many pictures wait for the one that is being encoded.
    pub(crate) fn waiting_pictures(&self) -> u64 {
        self.pictures.current_level_buffers()
    }

    /// Encodes a picture of the scene `revision`.
    pub(crate) fn push_picture(&self, at: MediaTime, mut picture: gst::Buffer, revision: u64) {
        stamp(&mut picture, at);
        self.revisions.note(at, revision);
        // Flushing happens only while the process ends.
        let _ = self.pictures.push_buffer(picture);
    }

    /// Encodes 20 ms of interleaved 48 kHz stereo.
    pub(crate) fn push_sound(&self, at: MediaTime, samples: Vec<u8>) {
        let mut block = gst::Buffer::from_mut_slice(samples);
        stamp(&mut block, at);
        let _ = self.sound.push_buffer(block);
    }

    /// Makes the next picture a keyframe.
    pub(crate) fn force_keyframe(&self) {
        let event = UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
        let pad = self.video_encoder.static_pad("src").expect("every encoder has a source pad");
        pad.send_event(event);
    }

    /// Returns the longest way from a picture's due moment to its bytes since the last call, in
    /// microseconds.
    pub(crate) fn take_worst_us(&self) -> u32 {
        self.worst_us.swap(0, Ordering::Relaxed)
    }

    /// Stops every thread of the pipeline.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            error!(%error, "The encoder does not stop.");
        }
    }
}

// `async=false`: sound must not wait for a first picture, which never comes while pictures rest.
fn description(start: &Start) -> String {
    let Start { width, height, fps, video_kbps, opus_kbps, aac_kbps } = *start;
    let opus_bps = opus_kbps * 1000;
    let aac_bps = aac_kbps * 1000;
    format!(
        "appsrc name=pictures format=time is-live=true \
           caps=video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 \
         ! x264enc name=x264 tune=zerolatency speed-preset=superfast bitrate={video_kbps} \
           vbv-buf-capacity=400 key-int-max={fps} bframes=0 rc-lookahead=0 threads=2 \
           byte-stream=true aud=false \
         ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au \
         ! appsink name=h264 sync=false async=false \
         appsrc name=sound format=time is-live=true max-buffers=100 leaky-type=downstream \
           caps=audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved \
         ! tee name=both \
         both. ! queue ! opusenc bitrate={opus_bps} bitrate-type=constrained-vbr frame-size=20 \
           dtx=false complexity=5 ! appsink name=opus sync=false \
         both. ! queue ! audioconvert ! avenc_aac bitrate={aac_bps} \
         ! audio/mpeg,mpegversion=4,stream-format=raw ! appsink name=aac sync=false"
    )
}

fn named(pipeline: &gst::Pipeline, name: &str) -> anyhow::Result<gst::Element> {
    pipeline.by_name(name).with_context(|| format!("the pipeline has no {name}"))
}

/// Says when a buffer is due.
pub(crate) fn stamp(buffer: &mut gst::Buffer, at: MediaTime) {
    let buffer = buffer.get_mut().expect("a buffer that was just made has one owner");
    buffer.set_pts(gst::ClockTime::from_nseconds(at.nanos()));
}

fn deliver(
    sink: &AppSink,
    codec: FrameCodec,
    delay: Duration,
    exit: Arc<Exit>,
    worst_us: Arc<AtomicU32>,
    revisions: Arc<Revisions>,
) {
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(frame) = encoded_frame(&sample, codec, delay) {
            let mut revision = 0;
            if codec == FrameCodec::H264 {
                revision = revisions.take(frame.at);
                let took = media_now().since(frame.at).as_micros();
                worst_us.fetch_max(u32::try_from(took).unwrap_or(u32::MAX), Ordering::Relaxed);
            }
            exit.send_encoded(frame, revision);
        }
        Ok(gst::FlowSuccess::Ok)
    });
    sink.set_callbacks(callbacks.build());
}

/// Returns what an encoder made, stamped so that whoever plays every decoded sample is in time.
pub(crate) fn encoded_frame(
    sample: &gst::Sample,
    codec: FrameCodec,
    delay: Duration,
) -> Option<EncodedFrame> {
    let buffer = sample.buffer()?;
    // x264enc moves its timestamps by 1000 hours; the segment moves them back.
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let at = segment.to_running_time(buffer.pts()?)?;
    let at = at.nseconds().checked_sub(u64::try_from(delay.as_nanos()).ok()?)?;
    let is_key =
        codec != FrameCodec::H264 || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let data = buffer.map_readable().ok()?.to_vec().into();
    Some(EncodedFrame { codec, at: MediaTime::from_nanos(at), is_key, data })
}

/// Nothing can be repaired from inside: the server starts a new process.
fn end_on_error(pipeline: &gst::Pipeline) {
    let bus = pipeline.bus().expect("every pipeline has a bus");
    bus.set_sync_handler(|_, message| {
        if let gst::MessageView::Error(failure) = message.view() {
            error!(error = %failure.error(), debug = ?failure.debug(), "The encoder failed.");
            std::process::exit(1);
        }
        gst::BusSyncReply::Drop
    });
}
