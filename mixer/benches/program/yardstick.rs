//! The yardstick: one plain GStreamer pipeline that makes the same program from the same packets,
//! as `gst-launch` would, with the same decoders and the same encoder settings as ours. It speaks
//! the mixer's link, so it is started, fed and read exactly as `lianmai-mixer` is.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaKind, MediaTime, Scene, TapItem};
use mixer::link::{Deframer, Down, Start, Up};

type Link = Arc<Mutex<UnixStream>>;

/// Runs until the server closes the link.
pub(crate) fn run() {
    gst::init().unwrap();
    let mut stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let link = Arc::new(Mutex::new(stream.try_clone().unwrap()));
    send(&link, &Up::Ready);
    let (mut deframer, mut buffer) = (Deframer::default(), vec![0; 64 << 10]);
    let (mut start, mut mix) = (None, None);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        deframer.handle_bytes(&buffer[..length]);
        while let Some(body) = deframer.poll_body().unwrap() {
            match Down::decode(body).unwrap() {
                Down::Start(asked) => start = Some(asked),
                Down::Scene(scene) if mix.is_none() => {
                    mix = Some(Mix::start(start.as_ref().unwrap(), &scene, &link));
                }
                Down::Input(TapItem::Packet(packet)) => {
                    if let Some(mix) = &mix {
                        mix.push(&packet.feed, packet.kind(), packet.rtp);
                    }
                }
                Down::Stop => return,
                _ => {}
            }
        }
    }
}

struct Mix {
    sources: HashMap<(FeedId, MediaKind), AppSrc>,
    /// Plays as long as it is held.
    _pipeline: gst::Pipeline,
}

impl Mix {
    fn start(start: &Start, scene: &Scene, link: &Link) -> Self {
        let pipeline = gst::parse::launch(&description(start, scene)).unwrap();
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        // The media clock is the system clock, so base time and running time make media time.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let codecs =
            [("h264", FrameCodec::H264), ("opus", FrameCodec::Opus), ("aac", FrameCodec::Aac)];
        for (name, codec) in codecs {
            let sink = pipeline.by_name(name).unwrap().downcast::<AppSink>().unwrap();
            deliver(&sink, codec, &pipeline, Arc::clone(link));
        }
        let mut sources = HashMap::new();
        for (index, tile) in scene.tiles.iter().enumerate() {
            for (kind, letter) in [(MediaKind::Video, 'v'), (MediaKind::Audio, 'a')] {
                let source = pipeline.by_name(&format!("{letter}{index}")).unwrap();
                sources.insert((tile.feed.clone(), kind), source.downcast::<AppSrc>().unwrap());
            }
        }
        pipeline.set_state(gst::State::Playing).unwrap();
        Self { sources, _pipeline: pipeline }
    }

    fn push(&self, feed: &FeedId, kind: MediaKind, rtp: Bytes) {
        if let Some(source) = self.sources.get(&(feed.clone(), kind)) {
            source.push_buffer(gst::Buffer::from_slice(rtp)).unwrap();
        }
    }
}

fn description(start: &Start, scene: &Scene) -> String {
    let Start { width, height, fps, opus_kbps, aac_kbps, .. } = *start;
    let video_kbps = start.quality.video_kbps;
    let (opus_bps, aac_bps) = (opus_kbps * 1_000, aac_kbps * 1_000);
    let mut text = String::from("compositor name=comp background=black force-live=true");
    for (index, tile) in scene.tiles.iter().enumerate() {
        let rect = tile.rect;
        for (name, value) in
            [("xpos", rect.x), ("ypos", rect.y), ("width", rect.width), ("height", rect.height)]
        {
            text += &format!(" sink_{index}::{name}={value}");
        }
    }
    text += &format!(
        " ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 \
         ! queue name=pictures max-size-buffers=5 max-size-bytes=0 max-size-time=0 leaky=downstream \
         ! x264enc tune=zerolatency speed-preset=superfast bitrate={video_kbps} \
           vbv-buf-capacity=400 key-int-max={fps} bframes=0 rc-lookahead=0 threads=2 \
           byte-stream=true aud=false \
         ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au \
         ! appsink name=h264 sync=false \
         audiomixer name=mix ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! tee name=both \
         both. ! queue ! opusenc bitrate={opus_bps} bitrate-type=constrained-vbr frame-size=20 \
           complexity=5 ! appsink name=opus sync=false \
         both. ! queue ! audioconvert ! avenc_aac bitrate={aac_bps} \
         ! audio/mpeg,mpegversion=4,stream-format=raw ! appsink name=aac sync=false"
    );
    for index in 0..scene.tiles.len() {
        text += &format!(
            " appsrc name=v{index} format=time is-live=true do-timestamp=true \
               caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96 \
             ! rtpjitterbuffer latency=30 ! rtph264depay \
             ! video/x-h264,stream-format=byte-stream,alignment=au \
             ! avdec_h264 max-threads=1 std-compliance=normal \
             ! queue max-size-buffers=6 leaky=downstream ! comp.sink_{index} \
             appsrc name=a{index} format=time is-live=true do-timestamp=true \
               caps=application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111 \
             ! rtpjitterbuffer latency=30 ! rtpopusdepay ! opusdec ! audioconvert \
             ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! queue ! mix."
        );
    }
    text
}

fn deliver(sink: &AppSink, codec: FrameCodec, pipeline: &gst::Pipeline, link: Link) {
    let pipeline = pipeline.downgrade();
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let buffer = sample.buffer().unwrap();
        let segment = sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
        let base = pipeline.upgrade().and_then(|pipeline| pipeline.base_time());
        let at = buffer.pts().and_then(|pts| segment.to_running_time(pts)?.checked_add(base?));
        let is_key =
            codec != FrameCodec::H264 || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        if let Some(at) = at {
            let data = buffer.map_readable().unwrap().to_vec().into();
            let at = MediaTime::from_nanos(at.nseconds());
            let frame = EncodedFrame { codec, at, is_key, data };
            send(&link, &Up::Frame { frame, revision: 0 });
        }
        Ok(gst::FlowSuccess::Ok)
    });
    sink.set_callbacks(callbacks.build());
}

fn send(link: &Link, message: &Up) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    // The reading side notices when the server is gone.
    let _ = link.lock().unwrap().write_all(&bytes);
}
