//! The elements that can encode the program's picture, and how each is told the same wishes: a
//! constant bit rate with little to spare, a keyframe a second, no B-frames, nothing held back.

use anyhow::bail;
use gstreamer as gst;
use gstreamer::prelude::*;
use mixer::VideoEncoder;

/// An element that encodes H.264.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum H264Element {
    X264,
    OpenH264,
    /// The newer of two plugins for the same hardware.
    Va,
    Vaapi,
    Nvenc,
}

impl H264Element {
    /// Finds the element for what the operator asked for.
    pub(crate) fn find(wanted: VideoEncoder) -> anyhow::Result<Self> {
        let choices: &[Self] = match wanted {
            VideoEncoder::Auto => &[Self::X264, Self::OpenH264],
            VideoEncoder::X264 => &[Self::X264],
            VideoEncoder::OpenH264 => &[Self::OpenH264],
            VideoEncoder::Vaapi => &[Self::Va, Self::Vaapi],
            VideoEncoder::Nvenc => &[Self::Nvenc],
        };
        let is_there = |element: &&Self| gst::ElementFactory::find(element.factory()).is_some();
        match choices.iter().find(is_there) {
            Some(element) => Ok(*element),
            None => {
                let names: Vec<_> = choices.iter().map(|element| element.factory()).collect();
                bail!(
                    "encoder \"{wanted}\" needs the GStreamer element {}, which is not installed",
                    names.join(" or ")
                )
            }
        }
    }

    const fn factory(self) -> &'static str {
        match self {
            Self::X264 => "x264enc",
            Self::OpenH264 => "openh264enc",
            Self::Va => "vah264enc",
            Self::Vaapi => "vaapih264enc",
            Self::Nvenc => "nvh264enc",
        }
    }

    /// Returns the chain from raw I420 to H.264, the element being named `encoder`.
    pub(crate) fn chain(self, kbps: u32, keyframe_distance: u32, is_fast: bool) -> String {
        let gop = keyframe_distance;
        let rate = self.rate(kbps);
        let factory = self.factory();
        let settings = match self {
            Self::X264 => {
                let preset = if is_fast { "ultrafast" } else { "superfast" };
                format!(
                    "tune=zerolatency speed-preset={preset} vbv-buf-capacity=400 \
                     key-int-max={gop} bframes=0 rc-lookahead=0 threads=2 byte-stream=true aud=false"
                )
            }
            Self::OpenH264 => {
                let complexity = if is_fast { "low" } else { "medium" };
                // With the element's own range OpenH264 never goes coarser than 42, whatever the rate.
                format!(
                    "complexity={complexity} rate-control=bitrate qp-min=12 qp-max=51 gop-size={gop} \
                     scene-change-detection=false multi-thread=2 slice-mode=auto"
                )
            }
            Self::Va => format!("rate-control=cbr key-int-max={gop} b-frames=0"),
            Self::Vaapi => format!("rate-control=cbr keyframe-period={gop} max-bframes=0"),
            Self::Nvenc => {
                format!("rc-mode=cbr gop-size={gop} bframes=0 zerolatency=true preset=low-latency")
            }
        };
        // Graphics processors take NV12 only, and not all of them give every keyframe its sets.
        let (before, after) = match self {
            Self::X264 | Self::OpenH264 => ("", ""),
            Self::Va | Self::Vaapi | Self::Nvenc => {
                ("videoconvert ! video/x-raw,format=NV12 ! ", " ! h264parse config-interval=-1")
            }
        };
        format!("{before}{factory} name=encoder bitrate={rate} {settings}{after}")
    }

    /// Changes the bit rate of a running element.
    pub(crate) fn set_kbps(self, element: &gst::Element, kbps: u32) {
        element.set_property("bitrate", self.rate(kbps));
    }

    /// Elements do not agree on the unit.
    const fn rate(self, kbps: u32) -> u32 {
        match self {
            Self::OpenH264 => kbps * 1_000,
            Self::X264 | Self::Va | Self::Vaapi | Self::Nvenc => kbps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many bytes a second of snow takes.
    fn second_of_snow(encoder: &str) -> usize {
        let picture = "video/x-raw,format=I420,width=640,height=360,framerate=30/1";
        let chain = format!(
            "videotestsrc pattern=snow num-buffers=30 ! {picture} ! {encoder} ! appsink name=sink sync=false"
        );
        let pipeline = gst::parse::launch(&chain).unwrap().downcast::<gst::Pipeline>().unwrap();
        let sink = pipeline.by_name("sink").unwrap();
        let sink = sink.downcast::<gstreamer_app::AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let mut bytes = 0;
        while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(20)) {
            bytes += sample.buffer().unwrap().size();
        }
        assert!(sink.is_eos(), "it ends in time");
        pipeline.set_state(gst::State::Null).unwrap();
        bytes
    }

    #[test]
    fn openh264_goes_as_coarse_as_a_picture_needs() {
        gst::init().unwrap();
        let chain = H264Element::OpenH264.chain(500, 30, false);
        let coarse = second_of_snow(&chain);
        let least_coarse = second_of_snow(&chain.replace("qp-max=51", "qp-max=42"));
        assert!(
            coarse < least_coarse / 2,
            "{coarse} bytes, {least_coarse} if quantizers end at 42"
        );
    }
}
