//! What a synthetic host sends: four seconds of H.264 and Opus, made once per test run. Every
//! picture carries the test mark (its number, the host's id, the flash); the sound is the host's
//! own tone and, together with the flash, the host's own beep.

use std::sync::mpsc::channel;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use media_rules::Codec;

pub(crate) const FPS: usize = 30;
pub(crate) const SECONDS: usize = 4;
/// The mark's cells on a picture as wide as this are 15 pixels.
pub(crate) const CELLS: usize = 24;
const RATE: usize = 48_000;
const PACKET: usize = 960;

/// One host's media, to be sent in a loop.
pub(crate) struct Clip {
    /// What the pictures are in.
    pub(crate) codec: Codec,
    /// Whole pictures, FPS a second; every second starts with a keyframe.
    pub(crate) pictures: Vec<Bytes>,
    /// Opus packets of 20 ms.
    pub(crate) sound: Vec<Bytes>,
}

impl Clip {
    /// Makes the clip of a host.
    pub(crate) fn make(id: u8, width: usize, height: usize, colour: [u8; 3]) -> Self {
        Self::of(id, width, height, 1_000, |n| picture(id, n, width, height, colour))
    }

    /// Makes the clip of a host whose browser encodes in another codec.
    pub(crate) fn make_in(codec: Codec, id: u8, width: usize, height: usize, c: [u8; 3]) -> Self {
        let encoder = match codec {
            Codec::Vp8 => {
                "vp8enc deadline=1 cpu-used=8 target-bitrate=1000000 \
                 lag-in-frames=0 auto-alt-ref=false"
            }
            Codec::Vp9 => {
                "vp9enc deadline=1 cpu-used=8 target-bitrate=1000000 \
                 lag-in-frames=0 auto-alt-ref=false"
            }
            Codec::Av1 => {
                "av1enc usage-profile=realtime cpu-used=8 target-bitrate=1000 lag-in-frames=0"
            }
            Codec::H264 | Codec::Opus => panic!("other clips are made in H.264"),
        };
        let encoder = format!("{encoder} keyframe-max-dist={FPS}");
        Self::encoded(codec, &encoder, id, (width, height), |n| picture(id, n, width, height, c))
    }

    /// Makes a clip of other pictures, which are asked for by number.
    pub(crate) fn of(
        id: u8,
        width: usize,
        height: usize,
        kbps: u32,
        picture: impl Fn(usize) -> Vec<u8>,
    ) -> Self {
        let encoder = format!(
            "x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} \
               key-int-max={FPS} bframes=0 threads=1 aud=false \
             ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au"
        );
        Self::encoded(Codec::H264, &encoder, id, (width, height), picture)
    }

    fn encoded(
        codec: Codec,
        encoder: &str,
        id: u8,
        (width, height): (usize, usize),
        picture: impl Fn(usize) -> Vec<u8>,
    ) -> Self {
        gst::init().unwrap();
        let pictures = encode(
            &format!(
                "appsrc name=in format=time max-buffers=4 block=true \
                   caps=video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1 \
                 ! {encoder} ! appsink name=out sync=false"
            ),
            (0..FPS * SECONDS).map(|n| (n as u64 * 1_000_000_000 / FPS as u64, picture(n))),
        );
        let sound = encode(
            "appsrc name=in format=time max-buffers=4 block=true \
               caps=audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved \
             ! opusenc bitrate=64000 ! appsink name=out sync=false",
            (0..RATE * SECONDS / PACKET).map(|n| (n as u64 * 20_000_000, packet(id, n))),
        );
        assert_eq!(pictures.len(), FPS * SECONDS);
        assert!(sound.len() >= RATE * SECONDS / PACKET);
        Self { codec, pictures, sound: sound[..RATE * SECONDS / PACKET].to_vec() }
    }

    /// Returns the clip with the middle of everything overwritten.
    pub(crate) fn garbled(&self) -> Self {
        let garble = |bytes: &Bytes| {
            let mut bytes = bytes.to_vec();
            // The first bytes of a picture are its parameter sets, which still promise a picture.
            let start = 60.min(bytes.len() / 2);
            for (index, byte) in bytes[start..].iter_mut().enumerate() {
                *byte = (index as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3] | 4;
            }
            bytes.into()
        };
        Self {
            codec: self.codec,
            pictures: self.pictures.iter().map(garble).collect(),
            sound: self.sound.iter().map(garble).collect(),
        }
    }
}

/// The host's own tone.
pub(crate) fn tone_hz(id: u8) -> f64 {
    220.0 * f64::from(id + 1)
}

/// The host's own beep. Hosts begin at any moment of each other's, so beeps of one frequency would
/// now and then cancel each other out; these lie apart by whole bins of `Sound::beeps`.
pub(crate) fn beep_hz(id: u8) -> f64 {
    1_000.0 + 400.0 * f64::from(id)
}

/// Pushes stamped buffers through a pipeline with an `in` and an `out`; returns what comes out.
fn encode(description: &str, input: impl Iterator<Item = (u64, Vec<u8>)>) -> Vec<Bytes> {
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let source = pipeline.by_name("in").unwrap().downcast::<AppSrc>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
    let (output, received) = channel();
    let ended = output.clone();
    sink.set_callbacks(
        AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let bytes = sample.buffer().unwrap().map_readable().unwrap().to_vec();
                let _ = output.send(Some(Bytes::from(bytes)));
                Ok(gst::FlowSuccess::Ok)
            })
            .eos(move |_| drop(ended.send(None)))
            .build(),
    );
    pipeline.set_state(gst::State::Playing).unwrap();
    for (at, bytes) in input {
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(at));
        source.push_buffer(buffer).unwrap();
    }
    source.end_of_stream().unwrap();
    let output = received.iter().map_while(|bytes| bytes).collect();
    pipeline.set_state(gst::State::Null).unwrap();
    output
}

fn is_flash(number: usize) -> bool {
    number % FPS < FPS / 10
}

/// One picture of a host.
pub(crate) fn picture(
    id: u8,
    number: usize,
    width: usize,
    height: usize,
    colour: [u8; 3],
) -> Vec<u8> {
    let mut bytes = vec![colour[0]; width * height];
    bytes.resize(width * height * 5 / 4, colour[1]);
    bytes.resize(width * height * 3 / 2, colour[2]);
    // A lower half that moves, so that the encoder has something to do.
    for y in height / 2..height {
        for x in 0..width {
            let noise = (x + number).wrapping_mul(2_654_435_761) ^ (y / 4).wrapping_mul(40_503);
            bytes[y * width + x] = colour[0] - 8 + (noise >> 9 & 15) as u8;
        }
    }
    draw_mark(&mut bytes, width, id, number);
    bytes
}

/// Writes the mark over the top of a picture.
pub(crate) fn draw_mark(bytes: &mut [u8], width: usize, id: u8, number: usize) {
    let cell = width / CELLS;
    for column in 0..CELLS {
        let bit = number >> (CELLS - 1 - column) & 1 == 1;
        let third = match column {
            0..8 => id >> (7 - column) & 1 == 1,
            8..16 => id >> (15 - column) & 1 == 0,
            _ => is_flash(number),
        };
        for (row, is_white) in [bit, !bit, third].into_iter().enumerate() {
            for y in row * cell..(row + 1) * cell {
                let start = y * width + column * cell;
                bytes[start..start + cell].fill(if is_white { 235 } else { 16 });
            }
        }
    }
}

/// 20 ms of a host's sound, as interleaved samples.
pub(crate) fn packet(id: u8, number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PACKET * 4);
    for sample in number * PACKET..(number + 1) * PACKET {
        let time = sample as f64 / RATE as f64;
        let wave = |hz: f64| (time * hz * std::f64::consts::TAU).sin();
        let beep = if sample % RATE < RATE / 10 { 0.4 * wave(beep_hz(id)) } else { 0.0 };
        let value = ((0.1 * wave(tone_hz(id)) + beep) * 32_767.0) as i16;
        bytes.extend([value, value].iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}
