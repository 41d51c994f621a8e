//! Encodes the program once for every output: H.264 for all of them, Opus for WebRTC, AAC for RTMP;
//! where renditions are asked for, each of them once more, from the same picture.
//!
//! Buffers carry the media clock as their time, so an encoded frame's moment is read straight from
//! it. Sound codecs delay what they encode, and neither WebRTC nor RTMP has a place to write that
//! down, so it is taken off `at`: a receiver that plays every decoded sample is in time.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use media_rules::{EncodedFrame, FrameCodec, MediaTime, Rung, Waiting};
use mixer::link::Start;
use mixer::{Quality, Rendition, media_now};
use tracing::{error, info, warn};

use crate::exit::Exit;
use crate::h264_element::H264Element;
use crate::revisions::Revisions;
use crate::video_encoder::{Shape, VideoEncoder};

/// `opusenc` takes the 6.5 ms that libopus looks ahead off its timestamps by itself.
pub(crate) const OPUS_DELAY: Duration = Duration::ZERO;

/// `avenc_aac` starts with one frame of 1024 samples that holds nothing, and stamps it as if it
/// held the first of them.
pub(crate) const AAC_DELAY: Duration = Duration::from_nanos(1024 * 1_000_000_000 / 48_000);

/// Everything that encodes.
pub(crate) struct Encoder {
    sound_pipeline: gst::Pipeline,
    sound: AppSrc,
    video: Mutex<Video>,
    worst_us: Arc<AtomicU32>,
    revisions: Arc<Revisions>,
}

impl Encoder {
    /// Starts encoding into `exit`.
    pub(crate) fn start(start: &Start, exit: &Arc<Exit>) -> anyhow::Result<Self> {
        let sound_pipeline = gst::parse::launch(&sound_description(start))
            .context("the pipeline of the sound")?
            .downcast::<gst::Pipeline>()
            .expect("several chains always make a pipeline");
        for (name, codec, delay) in
            [("opus", FrameCodec::Opus, OPUS_DELAY), ("aac", FrameCodec::Aac, AAC_DELAY)]
        {
            let sink = named(&sound_pipeline, name)?
                .downcast::<AppSink>()
                .expect("the description names an appsink");
            deliver_sound(&sink, codec, delay, Arc::clone(exit));
        }
        end_on_error(&sound_pipeline);
        let sound = named(&sound_pipeline, "sound")?
            .downcast::<AppSrc>()
            .expect("the description names an appsrc");

        let worst_us = Arc::new(AtomicU32::new(0));
        let revisions = Arc::<Revisions>::default();
        let outputs = Outputs {
            exit: Arc::clone(exit),
            worst_us: Arc::clone(&worst_us),
            revisions: Arc::clone(&revisions),
        };
        let video = Mutex::new(Video::start(start, outputs)?);
        sound_pipeline.set_state(gst::State::Playing).context("starting to encode sound")?;
        Ok(Self { sound_pipeline, sound, video, worst_us, revisions })
    }

    /// Returns what waits in the encoder that is furthest behind.
    pub(crate) fn waiting(&self, now: MediaTime) -> Waiting {
        let video = self.video();
        let all = video.all().map(|encoder| encoder.waiting(now));
        all.max_by_key(Waiting::of_another).unwrap_or_default()
    }

    /// Encodes a picture of the scene `revision`.
    pub(crate) fn push_picture(&self, at: MediaTime, mut picture: gst::Buffer, revision: u64) {
        stamp(&mut picture, at);
        self.revisions.note(at, revision);
        let mut video = self.video();
        if video.look_at_coming(at, &picture) {
            video.all().for_each(|encoder| encoder.push(at, picture.clone()));
        }
    }

    /// Encodes 20 ms of interleaved 48 kHz stereo.
    pub(crate) fn push_sound(&self, at: MediaTime, samples: Vec<u8>) {
        let mut block = gst::Buffer::from_mut_slice(samples);
        stamp(&mut block, at);
        let _ = self.sound.push_buffer(block);
    }

    /// Makes the next picture a keyframe.
    pub(crate) fn force_keyframe(&self) {
        self.video().all().for_each(VideoEncoder::force_keyframe);
    }

    /// Changes how much is made of each picture.
    pub(crate) fn set_quality(&self, quality: Quality) {
        let mut video = self.video();
        video.quality = quality;
        video.is_short_of_time = false;
        video.follow();
    }

    /// Changes what gives way to time.
    pub(crate) fn set_rung(&self, rung: Rung) {
        let mut video = self.video();
        video.is_short_of_time = rung.is_below(video.rung);
        video.rung = rung;
        video.follow();
    }

    /// Returns the longest way from a picture's due moment to its bytes since the last call, in
    /// microseconds.
    pub(crate) fn take_worst_us(&self) -> u32 {
        self.worst_us.swap(0, Ordering::Relaxed)
    }

    /// Stops every thread of the pipelines.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.sound_pipeline.set_state(gst::State::Null) {
            error!(%error, "The encoder of the sound does not stop.");
        }
        let mut video = self.video();
        (video.main, video.coming) = (None, None);
        video.renditions.clear();
    }

    fn video(&self) -> MutexGuard<'_, Video> {
        self.video.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where encoded pictures go.
#[derive(Clone)]
struct Outputs {
    exit: Arc<Exit>,
    worst_us: Arc<AtomicU32>,
    revisions: Arc<Revisions>,
}

impl Outputs {
    fn handle_picture(&self, frame: EncodedFrame) {
        let took = media_now().since(frame.at).as_micros();
        self.worst_us.fetch_max(u32::try_from(took).unwrap_or(u32::MAX), Ordering::Relaxed);
        let revision = self.revisions.take(frame.at);
        self.exit.send_encoded(frame, revision);
    }
}

/// The encoders of the picture.
struct Video {
    kind: H264Element,
    canvas: (u32, u32),
    fps: u32,
    quality: Quality,
    rung: Rung,
    /// Whether there is no time for two encoders at once.
    is_short_of_time: bool,
    /// `None` only once everything has stopped.
    main: Option<VideoEncoder>,
    coming: Option<Coming>,
    renditions: Vec<VideoEncoder>,
    outputs: Outputs,
}

/// An encoder that is to take over. Its first picture takes long, so that one is for nobody.
struct Coming {
    encoder: VideoEncoder,
    /// Whether its pictures count.
    is_live: Arc<AtomicBool>,
    has_picture: bool,
}

impl Video {
    fn start(start: &Start, outputs: Outputs) -> anyhow::Result<Self> {
        let mut video = Self {
            kind: H264Element::find(start.encoder)?,
            canvas: (start.width, start.height),
            fps: start.fps,
            quality: start.quality.clone(),
            rung: Rung::FULL,
            is_short_of_time: false,
            main: None,
            coming: None,
            renditions: Vec::new(),
            outputs,
        };
        info!(element = ?video.kind, "An encoder was chosen.");
        let Coming { encoder, is_live, .. } = video.start_coming()?;
        is_live.store(true, Ordering::Release);
        video.main = Some(encoder);
        video.follow();
        Ok(video)
    }

    fn all(&self) -> impl Iterator<Item = &VideoEncoder> {
        self.main.iter().chain(&self.renditions)
    }

    /// Brings the encoders to what is wanted of them. One that cannot be started leaves the one
    /// before it at work.
    fn follow(&mut self) {
        let shape = self.main_shape();
        let Some(main) = &mut self.main else { return };
        main.set_kbps(shape.kbps);
        if *main.shape() == shape {
            self.coming.take().into_iter().for_each(|it| it.encoder.retire());
        } else if self.coming.as_ref().is_none_or(|it| *it.encoder.shape() != shape) {
            match self.start_coming() {
                Ok(new) => self.coming.replace(new).into_iter().for_each(|it| it.encoder.retire()),
                Err(error) => warn!(%error, "The picture's encoder could not be changed."),
            }
        }

        let wanted = self.quality.renditions.clone();
        for (index, rendition) in wanted.iter().enumerate() {
            let shape = self.rendition_shape(*rendition);
            if let Some(encoder) = self.renditions.get_mut(index) {
                encoder.set_kbps(rendition.kbps);
                if *encoder.shape() == shape {
                    continue;
                }
            }
            match self.start_rendition(index, shape) {
                Ok(new) if index < self.renditions.len() => {
                    std::mem::replace(&mut self.renditions[index], new).retire();
                }
                Ok(new) => self.renditions.push(new),
                Err(error) => {
                    warn!(%error, index, "A rendition could not be started.");
                    break;
                }
            }
        }
        let kept = wanted.len().min(self.renditions.len());
        self.renditions.drain(kept..).for_each(VideoEncoder::retire);
    }

    /// Warms up the encoder that is to take over, and lets it once it is. Returns whether there is time
    /// to encode the picture.
    fn look_at_coming(&mut self, at: MediaTime, picture: &gst::Buffer) -> bool {
        let Some(mut coming) = self.coming.take() else { return true };
        let is_idle = |encoder: &VideoEncoder| encoder.waiting(at).pictures == 0;
        if !coming.has_picture {
            if !self.is_short_of_time || self.main.as_ref().is_none_or(is_idle) {
                coming.has_picture = true;
                coming.encoder.push(at, picture.clone());
            }
        } else if is_idle(&coming.encoder) {
            coming.is_live.store(true, Ordering::Release);
            coming.encoder.force_keyframe();
            self.main.replace(coming.encoder).into_iter().for_each(VideoEncoder::retire);
            return true;
        }
        self.coming = Some(coming);
        !self.is_short_of_time
    }

    fn main_shape(&self) -> Shape {
        let shrink = |pixels: u32| (pixels * self.rung.thirds / 3) & !1;
        Shape {
            canvas: self.canvas,
            size: (shrink(self.canvas.0), shrink(self.canvas.1)),
            fps: self.fps,
            kbps: self.quality.video_kbps,
            is_fast: self.rung.is_fast,
        }
    }

    const fn rendition_shape(&self, rendition: Rendition) -> Shape {
        Shape {
            canvas: self.canvas,
            size: (rendition.width, rendition.height),
            fps: self.fps,
            kbps: rendition.kbps,
            is_fast: self.rung.is_fast,
        }
    }

    fn start_coming(&self) -> anyhow::Result<Coming> {
        let (outputs, is_live) = (self.outputs.clone(), Arc::<AtomicBool>::default());
        let counts = Arc::clone(&is_live);
        let take = move |frame| {
            if counts.load(Ordering::Acquire) {
                outputs.handle_picture(frame);
            }
        };
        let encoder = VideoEncoder::start(self.kind, self.main_shape(), take)?;
        Ok(Coming { encoder, is_live, has_picture: false })
    }

    fn start_rendition(&self, index: usize, shape: Shape) -> anyhow::Result<VideoEncoder> {
        let exit = Arc::clone(&self.outputs.exit);
        VideoEncoder::start(self.kind, shape, move |frame| exit.send_rendition(index, frame))
    }
}

fn sound_description(start: &Start) -> String {
    let opus_bps = start.opus_kbps * 1000;
    let aac_bps = start.aac_kbps * 1000;
    format!(
        "appsrc name=sound format=time is-live=true max-buffers=100 leaky-type=downstream \
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

fn deliver_sound(sink: &AppSink, codec: FrameCodec, delay: Duration, exit: Arc<Exit>) {
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(frame) = encoded_frame(&sample, codec, delay) {
            exit.send_encoded(frame, 0);
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
pub(crate) fn end_on_error(pipeline: &gst::Pipeline) {
    let bus = pipeline.bus().expect("every pipeline has a bus");
    bus.set_sync_handler(|_, message| {
        if let gst::MessageView::Error(failure) = message.view() {
            error!(error = %failure.error(), debug = ?failure.debug(), "The encoder failed.");
            std::process::exit(1);
        }
        gst::BusSyncReply::Drop
    });
}
