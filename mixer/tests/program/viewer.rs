//! Looks at a program: records what it makes, then decodes it and reads the marks and the sound.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use media_rules::{EncodedFrame, FrameCodec, MediaTime, Rect};
use mixer::{ProgramEvent, media_now};
use tokio::sync::mpsc;

use crate::clip::CELLS;

/// An event with the moment it came.
pub(crate) type Recorded = (MediaTime, ProgramEvent);

/// Records everything for `length`.
pub(crate) async fn record(
    events: &mut mpsc::Receiver<ProgramEvent>,
    length: Duration,
) -> Vec<Recorded> {
    record_until(events, length, |_| false).await
}

/// Records everything up to the first event that `is_last`, for `longest` at most.
pub(crate) async fn record_until(
    events: &mut mpsc::Receiver<ProgramEvent>,
    longest: Duration,
    is_last: impl Fn(&ProgramEvent) -> bool,
) -> Vec<Recorded> {
    let mut recorded = Vec::new();
    let end = tokio::time::Instant::now() + longest;
    while let Ok(Some(event)) = tokio::time::timeout_at(end, events.recv()).await {
        let ends = is_last(&event);
        recorded.push((media_now(), event));
        if ends {
            break;
        }
    }
    recorded
}

/// Returns the frames of one codec, each with the moment it came.
pub(crate) fn frames(recorded: &[Recorded], codec: FrameCodec) -> Vec<(MediaTime, EncodedFrame)> {
    let frame = |(came, event): &Recorded| {
        let ProgramEvent::Frame { frame, .. } = event else { return None };
        (frame.codec == codec).then(|| (*came, frame.clone()))
    };
    recorded.iter().filter_map(frame).collect()
}

/// A decoded picture of the program.
pub(crate) struct Picture {
    pub(crate) at: MediaTime,
    pub(crate) came: MediaTime,
    width: usize,
    height: usize,
    planes: Vec<u8>,
}

/// What a tile's mark says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    pub(crate) number: usize,
    pub(crate) host: u8,
    pub(crate) is_flash: bool,
}

impl Picture {
    /// Returns width and height.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }

    /// Returns the colour at a place as Y, U, V.
    pub(crate) fn colour(&self, x: usize, y: usize) -> [u8; 3] {
        let luma = self.width * self.height;
        let chroma = y / 2 * (self.width / 2) + x / 2;
        let planes = &self.planes;
        [planes[y * self.width + x], planes[luma + chroma], planes[luma * 5 / 4 + chroma]]
    }

    /// Returns the mean luma of a part of the picture.
    pub(crate) fn luma(&self, area: Rect) -> u32 {
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|n| n as usize);
        let rows = self.planes.chunks(self.width).skip(y).take(height);
        let sum: u64 = rows.flat_map(|row| &row[x..x + width]).map(|pixel| u64::from(*pixel)).sum();
        (sum / (width * height) as u64) as u32
    }

    /// Returns the mean luma of the whole picture.
    pub(crate) fn mean_luma(&self) -> u32 {
        self.luma(Rect { x: 0, y: 0, width: self.width as u32, height: self.height as u32 })
    }

    /// Reads the mark of the host in a tile.
    pub(crate) fn mark(&self, tile: Rect) -> Option<Mark> {
        let centre = |cell: usize| (2 * cell + 1) * tile.width as usize / (2 * CELLS);
        let is_white = |row: usize, column: usize| {
            let (x, y) = (tile.x as usize + centre(column), tile.y as usize + centre(row));
            self.colour(x, y)[0] > 125
        };
        let number = |row: usize, columns: std::ops::Range<usize>| {
            columns.fold(0, |bits, column| bits << 1 | usize::from(is_white(row, column)))
        };
        let (shown, inverted) = (number(0, 0..CELLS), number(1, 0..CELLS));
        let (host, not_host) = (number(2, 0..8), number(2, 8..16));
        let is_whole = shown ^ inverted == (1 << CELLS) - 1 && host ^ not_host == 0xff;
        let is_flash = is_white(2, 20);
        is_whole.then_some(Mark { number: shown, host: host as u8, is_flash })
    }
}

/// Decodes every picture of a recording.
pub(crate) fn pictures(recorded: &[Recorded]) -> Vec<Picture> {
    let frames = frames(recorded, FrameCodec::H264);
    let from_key: Vec<_> = frames.into_iter().skip_while(|(_, frame)| !frame.is_key).collect();
    let decoded = decode(
        "appsrc name=in format=time caps=video/x-h264,stream-format=byte-stream,alignment=au \
         ! avdec_h264 max-threads=2 std-compliance=normal ! videoconvert \
         ! video/x-raw,format=I420 ! appsink name=out sync=false",
        from_key.iter().map(|(_, frame)| frame),
    );
    assert_eq!(decoded.len(), from_key.len(), "every encoded picture can be decoded");
    let picture = |((came, frame), (caps, _, planes)): (_, (gst::Caps, _, Vec<u8>))| {
        let (came, frame): (MediaTime, EncodedFrame) = (came, frame);
        let shape = caps.structure(0).unwrap();
        let size = |name| shape.get::<i32>(name).unwrap() as usize;
        let (width, height) = (size("width"), size("height"));
        assert_eq!(planes.len(), width * height * 3 / 2);
        Picture { at: frame.at, came, width, height, planes }
    };
    from_key.into_iter().zip(decoded).map(picture).collect()
}

/// The program's sound as one channel, with the moment of its first sample.
pub(crate) struct Sound {
    pub(crate) start: f64,
    pub(crate) samples: Vec<f64>,
}

/// Decodes the sound of a recording as a receiver does that knows nothing of codec delays.
pub(crate) fn sound(recorded: &[Recorded], codec: FrameCodec) -> Sound {
    let chain = match codec {
        FrameCodec::Opus => "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000 ! opusdec",
        FrameCodec::Aac => {
            "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=2,codec_data=(buffer)1190 \
             ! avdec_aac"
        }
        FrameCodec::H264 => panic!("not a sound"),
    };
    let frames = frames(recorded, codec);
    let decoded = decode(
        &format!(
            "appsrc name=in format=time caps={chain} ! audioconvert \
             ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! appsink name=out sync=false"
        ),
        frames.iter().map(|(_, frame)| frame),
    );
    let start = decoded[0].1 as f64 / 1e9;
    let bytes = decoded.iter().flat_map(|(_, _, bytes)| bytes.chunks_exact(2));
    let samples =
        bytes.map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect();
    Sound { start, samples }
}

impl Sound {
    /// Returns how loud one frequency is on average, 1.0 being a full sine. Windows of at most 50 ms
    /// hold whole periods of every host's tone and beep, and are wide enough for a voice that its
    /// jitter buffer plays half a percent faster or slower.
    pub(crate) fn level(samples: &[f64], hz: f64) -> f64 {
        let windows = samples.chunks_exact(samples.len().min(2_400));
        let count = windows.len() as f64;
        windows.map(|window| Self::goertzel(window, hz)).sum::<f64>() / count
    }

    fn goertzel(samples: &[f64], hz: f64) -> f64 {
        let step = std::f64::consts::TAU * hz / 48_000.0;
        let (mut a, mut b) = (0.0, 0.0);
        for sample in samples {
            (a, b) = (sample + 2.0 * step.cos() * a - b, a);
        }
        2.0 * (a * a + b * b - 2.0 * step.cos() * a * b).max(0.0).sqrt() / samples.len() as f64
    }

    /// Returns when each beep of one frequency begins. One in the first 100 ms, which is as long as a
    /// beep, may have begun before the recording, whose first sounds a decoder fades in.
    pub(crate) fn beeps(&self, hz: f64) -> Vec<f64> {
        const WINDOW: usize = 240;
        let mut beeps = Vec::new();
        let mut was_loud = true;
        for start in (0..self.samples.len().saturating_sub(WINDOW)).step_by(24) {
            let level = Self::level(&self.samples[start..start + WINDOW], hz);
            let is_loud = if was_loud { level > 0.12 } else { level > 0.24 };
            if is_loud && !was_loud && start >= 4_800 {
                beeps.push(self.start + (start + WINDOW / 2) as f64 / 48_000.0);
            }
            was_loud = is_loud;
        }
        beeps
    }
}

/// Returns when each flash begins in a tile.
pub(crate) fn flashes(pictures: &[Picture], tile: Rect) -> Vec<f64> {
    let mut flashes = Vec::new();
    let mut was_flash = true;
    for picture in pictures {
        let Some(mark) = picture.mark(tile) else { continue };
        if mark.is_flash && !was_flash {
            flashes.push(picture.at.nanos() as f64 / 1e9);
        }
        was_flash = mark.is_flash;
    }
    flashes
}

/// Returns how much later the beeps are than the flashes, in milliseconds.
pub(crate) fn skews_ms(flashes: &[f64], beeps: &[f64]) -> Vec<f64> {
    let nearest = |flash: &f64| {
        let distance = |beep: &&f64| ((*beep - flash) * 1e6).abs() as u64;
        beeps.iter().min_by_key(distance).map(|beep| (beep - flash) * 1e3)
    };
    flashes.iter().filter_map(nearest).filter(|skew| skew.abs() < 400.0).collect()
}

fn decode<'a>(
    description: &str,
    frames: impl Iterator<Item = &'a EncodedFrame>,
) -> Vec<(gst::Caps, u64, Vec<u8>)> {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let source = pipeline.by_name("in").unwrap().downcast::<AppSrc>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for frame in frames {
        let mut buffer = gst::Buffer::from_slice(frame.data.clone());
        let pts = gst::ClockTime::from_nseconds(frame.at.nanos());
        buffer.get_mut().unwrap().set_pts(pts);
        source.push_buffer(buffer).unwrap();
    }
    source.end_of_stream().unwrap();
    let mut decoded = Vec::new();
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(10)) {
        let buffer = sample.buffer().unwrap();
        let pts = buffer.pts().unwrap().nseconds();
        let bytes = buffer.map_readable().unwrap().to_vec();
        decoded.push((sample.caps_owned().unwrap(), pts, bytes));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    decoded
}
