//! Encodes the program once for every output: H.264 for all of them, Opus for WebRTC unless a host's own
//! is passed on, AAC while somebody takes RTMP; where renditions are asked for, each of them once more,
//! from the same picture.
//!
//! Buffers carry the media clock as their time, so an encoded frame's moment is read straight from
//! it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use media_rules::{EncodedFrame, FrameCodec, MediaTime, Rung, Waiting};
use mixer::link::Start;
use mixer::{Quality, Rendition, RenditionName, media_now};
use tracing::{error, info, warn};

use crate::exit::Exit;
use crate::h264_element::H264Element;
use crate::revisions::Revisions;
use crate::sound_encoder::SoundEncoder;
use crate::video_encoder::{Shape, VideoEncoder};

/// Everything that encodes.
pub(crate) struct Encoder {
    /// `None` while a host's own is passed on.
    opus: Mutex<Option<SoundEncoder>>,
    opus_kbps: u32,
    /// `None` while nobody takes it.
    aac: Mutex<Option<SoundEncoder>>,
    aac_kbps: u32,
    exit: Arc<Exit>,
    video: Mutex<Video>,
    worst_us: Arc<AtomicU32>,
    revisions: Arc<Revisions>,
}

impl Encoder {
    /// Starts encoding into `exit`.
    pub(crate) fn start(start: &Start, exit: &Arc<Exit>) -> anyhow::Result<Self> {
        let opus = encoder_of_sound(FrameCodec::Opus, start.opus_kbps, exit)?;
        let aac = encoder_of_sound(FrameCodec::Aac, start.aac_kbps, exit)?;

        let worst_us = Arc::new(AtomicU32::new(0));
        let revisions = Arc::<Revisions>::default();
        let outputs = Outputs {
            exit: Arc::clone(exit),
            worst_us: Arc::clone(&worst_us),
            revisions: Arc::clone(&revisions),
        };
        let video = Mutex::new(Video::start(start, outputs)?);
        let (opus, aac) = (Mutex::new(Some(opus)), Mutex::new(Some(aac)));
        let (exit, opus_kbps, aac_kbps) = (Arc::clone(exit), start.opus_kbps, start.aac_kbps);
        Ok(Self { opus, opus_kbps, aac, aac_kbps, exit, video, worst_us, revisions })
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

    /// Encodes interleaved 48 kHz stereo for RTMP, if somebody takes it.
    pub(crate) fn push_aac(&self, at: MediaTime, samples: Vec<u8>) {
        if let Some(aac) = &mut *self.aac() {
            aac.push(at, samples);
        }
    }

    /// Sends what a host encoded instead of our own Opus.
    pub(crate) fn pass_opus(&self, passed: Vec<EncodedFrame>) {
        // What our encoder remembers would be of a former time.
        *self.opus.lock().unwrap_or_else(PoisonError::into_inner) = None;
        passed.into_iter().for_each(|frame| self.exit.send_encoded(frame, 0));
    }

    /// Encodes 20 ms of interleaved 48 kHz stereo for viewers.
    pub(crate) fn push_opus(&self, at: MediaTime, samples: Vec<u8>) {
        let mut opus = self.opus.lock().unwrap_or_else(PoisonError::into_inner);
        if opus.is_none() {
            match encoder_of_sound(FrameCodec::Opus, self.opus_kbps, &self.exit) {
                Ok(encoder) => *opus = Some(encoder),
                Err(error) => warn!(%error, "Opus could not be started."),
            }
        }
        if let Some(opus) = &mut *opus {
            opus.push(at, samples);
        }
    }

    /// Forgets the sound so far; what is encoded next may be of any time.
    pub(crate) fn restart_sound(&self) {
        // It is started when it is needed.
        *self.opus.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let had_aac = self.aac().take().is_some();
        self.set_aac(had_aac);
    }

    /// Makes AAC from the next piece of sound on, or none.
    pub(crate) fn set_aac(&self, is_wanted: bool) {
        let mut aac = self.aac();
        if is_wanted == aac.is_some() {
            return;
        }
        *aac = None;
        if is_wanted {
            match encoder_of_sound(FrameCodec::Aac, self.aac_kbps, &self.exit) {
                Ok(encoder) => *aac = Some(encoder),
                Err(error) => warn!(%error, "AAC could not be started."),
            }
        }
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
        *self.aac() = None;
        let mut video = self.video();
        (video.main, video.coming) = (None, None);
        video.renditions = Default::default();
    }

    fn aac(&self) -> MutexGuard<'_, Option<SoundEncoder>> {
        self.aac.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// By the numbers of their names.
    renditions: [Option<VideoEncoder>; Quality::MAX_RENDITIONS],
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
            renditions: Default::default(),
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
        self.main.iter().chain(self.renditions.iter().flatten())
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

        self.follow_renditions();
    }

    fn follow_renditions(&mut self) {
        for place in 0..self.renditions.len() {
            let is_it = |rendition: &&Rendition| rendition.name.place() == place;
            let Some(wanted) = self.quality.renditions.iter().find(is_it).copied() else {
                self.renditions[place].take().into_iter().for_each(VideoEncoder::retire);
                continue;
            };
            let shape = self.rendition_shape(wanted);
            if let Some(encoder) = &mut self.renditions[place] {
                encoder.set_kbps(wanted.kbps);
                if *encoder.shape() == shape {
                    continue;
                }
            }
            match self.start_rendition(wanted.name, shape) {
                Ok(new) => {
                    let former = self.renditions[place].replace(new);
                    former.into_iter().for_each(VideoEncoder::retire);
                }
                Err(error) => warn!(%error, ?wanted, "A rendition could not be started."),
            }
        }
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

    fn start_rendition(&self, name: RenditionName, shape: Shape) -> anyhow::Result<VideoEncoder> {
        let exit = Arc::clone(&self.outputs.exit);
        VideoEncoder::start(self.kind, shape, move |frame| exit.send_rendition(name, frame))
    }
}

fn encoder_of_sound(
    codec: FrameCodec,
    kbps: u32,
    exit: &Arc<Exit>,
) -> anyhow::Result<SoundEncoder> {
    let exit = Arc::clone(exit);
    SoundEncoder::start(codec, kbps, move |frame| exit.send_encoded(frame, 0), end_on_error)
}

/// Says when a buffer is due.
fn stamp(buffer: &mut gst::Buffer, at: MediaTime) {
    let buffer = buffer.get_mut().expect("a buffer that was just made has one owner");
    buffer.set_pts(gst::ClockTime::from_nseconds(at.nanos()));
}

/// Nothing can be repaired from inside: the server starts a new process.
pub(crate) fn end_on_error(message: &gst::MessageRef) {
    if let gst::MessageView::Error(failure) = message.view() {
        error!(error = %failure.error(), debug = ?failure.debug(), "The encoder failed.");
        std::process::exit(1);
    }
}
