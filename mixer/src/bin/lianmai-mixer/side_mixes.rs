//! The program's sound without one voice, for whoever that voice belongs to and who hears the mix and
//! not the others one by one: nobody wants to hear himself, late.

use std::sync::Arc;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use media_rules::{FeedId, FrameCodec, MediaTime};
use mixer::link::{SideMix, Up};
use tracing::warn;

use crate::encoder::{AAC_DELAY, OPUS_DELAY, encoded_frame, stamp};
use crate::limiter::Limiter;
use crate::outlet::Outlet;
use crate::sound_tick::push_pcm;

/// The mixes that somebody asked for.
pub(crate) struct SideMixes {
    outlet: Arc<Outlet>,
    /// A handful: each costs an encoder.
    open: Vec<Open>,
}

struct Open {
    wanted: SideMix,
    limiter: Limiter,
    encoder: SideEncoder,
}

impl SideMixes {
    /// Makes none.
    pub(crate) const fn new(outlet: Arc<Outlet>) -> Self {
        Self { outlet, open: Vec::new() }
    }

    /// Makes exactly these from now on; those that were made already go on without a gap.
    pub(crate) fn handle_wanted(&mut self, wanted: &[SideMix]) {
        self.open.retain(|open| wanted.contains(&open.wanted));
        for side in wanted {
            if self.open.iter().any(|open| open.wanted == *side) {
                continue;
            }
            match SideEncoder::start(side.clone(), Arc::clone(&self.outlet)) {
                Ok(encoder) => {
                    let (wanted, limiter) = (side.clone(), Limiter::default());
                    self.open.push(Open { wanted, limiter, encoder });
                }
                Err(error) => warn!(%error, "A mix for one host could not be started."),
            }
        }
    }

    /// Encodes a block of each: `mix` without what `own` says that a feed added to it.
    pub(crate) fn push<'a>(
        &mut self,
        at: MediaTime,
        mix: &[[f32; 2]],
        own: impl Fn(&FeedId) -> Option<&'a [[f32; 2]]>,
    ) {
        for open in &mut self.open {
            let mut rest = mix.to_vec();
            for (sample, own) in rest.iter_mut().zip(own(&open.wanted.without).unwrap_or_default())
            {
                *sample = [sample[0] - own[0], sample[1] - own[1]];
            }
            open.limiter.process(&mut rest);
            let mut samples = Vec::new();
            push_pcm(&rest, &mut samples);
            open.encoder.push(at, samples);
        }
    }
}

/// The pipeline that encodes one of them.
struct SideEncoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
}

impl SideEncoder {
    fn start(side: SideMix, outlet: Arc<Outlet>) -> anyhow::Result<Self> {
        let bps = side.kbps * 1000;
        let (chain, delay) = match side.codec {
            FrameCodec::Opus => (
                format!(
                    "opusenc bitrate={bps} bitrate-type=constrained-vbr frame-size=20 complexity=5"
                ),
                OPUS_DELAY,
            ),
            FrameCodec::Aac => (
                format!(
                    "audioconvert ! avenc_aac bitrate={bps} ! audio/mpeg,mpegversion=4,stream-format=raw"
                ),
                AAC_DELAY,
            ),
            FrameCodec::H264 => anyhow::bail!("H.264 is no sound"),
        };
        let pipeline = gst::parse::launch(&format!(
            "appsrc name=in format=time is-live=true max-buffers=100 leaky-type=downstream \
               caps=audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved \
             ! {chain} ! appsink name=out sync=false"
        ))
        .context("a pipeline for sound")?
        .downcast::<gst::Pipeline>()
        .expect("a chain always makes a pipeline");
        let source = pipeline.by_name("in").and_then(|source| source.downcast::<AppSrc>().ok());
        let sink = pipeline.by_name("out").and_then(|sink| sink.downcast::<AppSink>().ok());
        let (source, sink) = source.zip(sink).expect("the description names both");
        let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(frame) = encoded_frame(&sample, side.codec, delay) {
                outlet.send_sound(Up::SideFrame { without: side.without.clone(), frame });
            }
            Ok(gst::FlowSuccess::Ok)
        });
        sink.set_callbacks(callbacks.build());
        // What goes wrong here costs one host the sound of the others, never the program.
        pipeline.bus().expect("every pipeline has a bus").set_sync_handler(|_, message| {
            if let gst::MessageView::Error(failure) = message.view() {
                warn!(error = %failure.error(), "A mix for one host failed.");
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).context("starting to encode sound")?;
        Ok(Self { pipeline, source })
    }

    fn push(&self, at: MediaTime, samples: Vec<u8>) {
        let mut block = gst::Buffer::from_mut_slice(samples);
        stamp(&mut block, at);
        let _ = self.source.push_buffer(block);
    }
}

impl Drop for SideEncoder {
    fn drop(&mut self) {
        // A pipeline that was never stopped would keep its threads.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
