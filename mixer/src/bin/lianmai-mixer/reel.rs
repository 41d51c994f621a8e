//! One pass through a film: taken apart, decoded, and stamped with the time since its beginning.
//!
//! The pipeline runs ahead of who takes from it by a few pictures and then waits, so nothing but the
//! taking sets its pace. Only the containers and codecs that are named here are opened, whatever else
//! GStreamer has on this machine; a film that is none of them, or breaks, ends in [`Reel::trouble`]
//! and disturbs nobody.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use media_rules::Codec;

use crate::feed::is_affordable;
use crate::voice::{RATE_HZ, Stereo};

/// What is read ahead of a decoder: as much as sound and picture may lie apart in a file.
const QUEUE: &str = "queue max-size-buffers=0 max-size-bytes=33554432 max-size-time=3000000000";

/// Cameras that are turned say so, and a picture's dots need not be square.
const PICTURES: &str = "videoconvert ! video/x-raw,format=I420 ! videoflip video-direction=auto \
     ! videoscale ! video/x-raw,pixel-aspect-ratio=1/1 \
     ! appsink name=out sync=false max-buffers=4";

const SOUND: &str = "audioconvert ! audioresample \
     ! audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved \
     ! appsink name=out sync=false max-buffers=16";

/// A pass through a film.
pub(crate) struct Reel {
    pipeline: gst::Pipeline,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    picture: Option<AppSink>,
    sound: Option<AppSink>,
    /// Whether every track is known.
    is_complete: bool,
    trouble: Option<String>,
}

/// What comes next of a track.
#[derive(Debug)]
pub(crate) enum Next<T> {
    /// This, so long after the film's beginning.
    Piece(Duration, T),
    /// It is not decoded yet.
    Wait,
    /// Nothing.
    End,
}

impl Reel {
    /// Opens `file` and begins to decode it.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        let demuxer = demuxer_of(file)?;
        let pipeline = gst::Pipeline::new();
        let source = gst::ElementFactory::make("filesrc").property("location", file).build()?;
        let demuxer = gst::ElementFactory::make(demuxer).build()?;
        pipeline.add_many([&source, &demuxer])?;
        source.link(&demuxer)?;

        let state = Arc::new(Mutex::new(State::default()));
        let noticed = Arc::clone(&state);
        pipeline.bus().context("every pipeline has a bus")?.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let words = error.error().to_string();
                of(&noticed).trouble.get_or_insert(words);
            }
            gst::BusSyncReply::Drop
        });
        let (found, parent) = (Arc::clone(&state), pipeline.downgrade());
        demuxer.connect_pad_added(move |_, pad| {
            let Some(pipeline) = parent.upgrade() else { return };
            if let Err(error) = take_track(&pipeline, pad, &found) {
                of(&found).trouble.get_or_insert(format!("{error:#}"));
            }
        });
        let found = Arc::clone(&state);
        demuxer.connect_no_more_pads(move |_| of(&found).is_complete = true);
        let reel = Self { pipeline, state };
        reel.pipeline.set_state(gst::State::Playing).context("opening the film")?;
        Ok(reel)
    }

    /// Returns why it cannot be played, or not any further.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = of(&self.state);
        let is_blind = state.is_complete && state.picture.is_none();
        state.trouble.clone().or_else(|| is_blind.then(|| "it has no picture".to_owned()))
    }

    /// Returns how long it says that it is.
    pub(crate) fn length(&self) -> Option<Duration> {
        self.pipeline.query_duration::<gst::ClockTime>().map(Into::into)
    }

    /// Returns the next picture and for how long it is shown.
    pub(crate) fn picture(&self) -> Next<(gst::Sample, Duration)> {
        let sink = match self.track(|state| state.picture.clone()) {
            Ok(sink) => sink,
            Err(next) => return next,
        };
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::ZERO) else {
            return if sink.is_eos() { Next::End } else { Next::Wait };
        };
        let Some((at, is_before)) = moment(&sample) else { return Next::Wait };
        if is_before {
            // What only helps to decode the first picture.
            return Next::Wait;
        }
        let shown = sample.buffer().and_then(|buffer| buffer.duration()).map(Into::into);
        Next::Piece(at, (sample, shown.unwrap_or(Duration::from_millis(33))))
    }

    /// Returns the next piece of sound.
    pub(crate) fn sound(&self) -> Next<Vec<Stereo>> {
        let sink = match self.track(|state| state.sound.clone()) {
            Ok(sink) => sink,
            Err(next) => return next,
        };
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::ZERO) else {
            return if sink.is_eos() { Next::End } else { Next::Wait };
        };
        let Some((at, is_before)) = moment(&sample) else { return Next::Wait };
        let samples = samples(&sample);
        if !is_before {
            return Next::Piece(at, samples);
        }
        // An encoder's first samples are its own; the container says how many (edit lists).
        let early = usize::try_from(at.as_nanos() * u128::from(RATE_HZ) / 1_000_000_000);
        let early = early.unwrap_or(usize::MAX);
        match samples.get(early..) {
            Some(heard) if !heard.is_empty() => Next::Piece(Duration::ZERO, heard.to_vec()),
            Some(_) | None => Next::Wait,
        }
    }

    fn track<T>(&self, which: impl Fn(&State) -> Option<AppSink>) -> Result<AppSink, Next<T>> {
        let state = of(&self.state);
        which(&state).ok_or(if state.is_complete { Next::End } else { Next::Wait })
    }
}

impl Drop for Reel {
    fn drop(&mut self) {
        // A pipeline that was never stopped would keep its threads and its file.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn of(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what takes a film apart, by its first bytes: its name proves nothing.
fn demuxer_of(file: &Path) -> anyhow::Result<&'static str> {
    let mut head = [0; 12];
    std::fs::File::open(file).context("opening the film")?.read_exact(&mut head)?;
    match &head {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Ok("qtdemux"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Ok("matroskademux"),
        _ => anyhow::bail!("neither MP4 nor WebM"),
    }
}

/// Decodes a track if it is the first of its kind; others are left alone.
fn take_track(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    found: &Mutex<State>,
) -> anyhow::Result<()> {
    let caps = pad.current_caps().or_else(|| Some(pad.query_caps(None)));
    let caps = caps.context("a track of nothing")?;
    let Some(shape) = caps.structure(0) else { return Ok(()) };
    let is_picture = shape.name().starts_with("video/");
    let is_sound = shape.name().starts_with("audio/");
    let has_one = match (is_picture, is_sound) {
        (true, _) => of(found).picture.is_some(),
        (_, true) => of(found).sound.is_some(),
        (false, false) => true,
    };
    if has_one {
        return Ok(());
    }
    let (decoder, codec) = decoder_of(shape)?;
    let tail = if is_picture { PICTURES } else { SOUND };
    let description = format!("{QUEUE} ! {decoder} ! {tail}");
    let chain = gst::parse::bin_from_description(&description, true).context("decoding a track")?;
    let sink = chain.by_name("out").and_then(|sink| sink.downcast::<AppSink>().ok());
    let sink = sink.context("the description names it")?;
    if let Some(codec) = codec {
        let decoder = chain.by_name("decoder").context("the description names it")?;
        watch_size(&decoder, codec);
    }
    pipeline.add(&chain)?;
    let entry = chain.static_pad("sink").context("it has an open end")?;
    pad.link(&entry).context("joining a track")?;
    let mut state = of(found);
    if is_picture {
        state.picture = Some(sink);
    } else {
        state.sound = Some(sink);
    }
    drop(state);
    chain.sync_state_with_parent().context("starting to decode")
}

/// Returns what decodes a track, and which pictures it holds.
fn decoder_of(shape: &gst::StructureRef) -> anyhow::Result<(&'static str, Option<Codec>)> {
    const H264: &str = "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au \
         ! avdec_h264 name=decoder max-threads=2 qos=false";
    const AV1: &str = "av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu \
         ! av1dec name=decoder qos=false";
    let version = shape.get::<i32>("mpegversion").unwrap_or(0);
    Ok(match (shape.name().as_str(), version) {
        ("video/x-h264", _) => (H264, Some(Codec::H264)),
        ("video/x-vp8", _) => ("vp8dec name=decoder threads=2 qos=false", Some(Codec::Vp8)),
        ("video/x-vp9", _) => ("vp9dec name=decoder threads=2 qos=false", Some(Codec::Vp9)),
        ("video/x-av1", _) => (AV1, Some(Codec::Av1)),
        ("audio/mpeg", 2 | 4) => ("aacparse ! avdec_aac", None),
        ("audio/mpeg", 1) => ("mpegaudioparse ! mpg123audiodec", None),
        ("audio/x-opus", _) => ("opusdec", None),
        ("audio/x-vorbis", _) => ("vorbisdec", None),
        (other, _) => anyhow::bail!("{other} is not understood"),
    })
}

/// Ends the film at a picture that would claim more memory than any camera's.
fn watch_size(decoder: &gst::Element, codec: Codec) {
    let Some(entry) = decoder.static_pad("sink") else { return };
    let decoder = decoder.downgrade();
    entry.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let is_small = info
            .buffer()
            .and_then(|buffer| buffer.map_readable().ok())
            .is_some_and(|bytes| is_affordable(codec, &bytes));
        if is_small {
            return gst::PadProbeReturn::Ok;
        }
        if let Some(decoder) = decoder.upgrade() {
            gst::element_error!(
                decoder,
                gst::StreamError::WrongType,
                ("its pictures are too large")
            );
        }
        info.data = None;
        info.flow_res = Err(gst::FlowError::Error);
        gst::PadProbeReturn::Handled
    });
}

/// Returns how far from the film's beginning a piece is, and whether before it.
fn moment(sample: &gst::Sample) -> Option<(Duration, bool)> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let at = segment.to_running_time_full(sample.buffer()?.pts()?)?;
    Some(match at {
        gst::Signed::Positive(at) => (at.into(), false),
        gst::Signed::Negative(early) => (early.into(), true),
    })
}

fn samples(sample: &gst::Sample) -> Vec<Stereo> {
    let Some(Ok(bytes)) = sample.buffer().map(|buffer| buffer.map_readable()) else {
        return Vec::new();
    };
    let number = |bytes: &[u8]| i16::from_le_bytes([bytes[0], bytes[1]]);
    bytes.chunks_exact(4).map(|pair| [number(&pair[..2]), number(&pair[2..])]).collect()
}
