//! A chain of elements that works in the thread of whoever pushes: what goes in has come out when the call
//! returns. A pipeline behind an `appsrc` hands every packet from thread to thread, which for sound costs
//! more than encoding it.

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;

/// A running chain.
pub(crate) struct Chain {
    bin: gst::Bin,
    source: gst::Pad,
    /// The chain itself holds on to neither end.
    sink: gst::Pad,
}

impl Chain {
    /// Starts a chain for buffers of `caps`; what it makes goes to `take`, its messages to `hear`.
    pub(crate) fn start(
        description: &str,
        caps: &str,
        take: impl FnMut(gst::Buffer) + Send + 'static,
        hear: impl Fn(&gst::MessageRef) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let bin =
            gst::parse::bin_from_description(description, true).context(description.to_owned())?;
        let bus = gst::Bus::new();
        bus.set_sync_handler(move |_, message| {
            hear(message);
            gst::BusSyncReply::Drop
        });
        bin.set_bus(Some(&bus));

        let source = gst::Pad::builder(gst::PadDirection::Src).build();
        // Only the pushing thread comes here; GStreamer does not know that.
        let take = Mutex::new(take);
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .chain_function(move |_, _, buffer| {
                take.lock().unwrap_or_else(PoisonError::into_inner)(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        let chain = Self { bin, source, sink };
        chain.connect(&caps.parse().context("caps")?)?;
        Ok(chain)
    }

    /// Lets a buffer through. Returns false once the chain cannot go on.
    pub(crate) fn push(&self, buffer: gst::Buffer) -> bool {
        self.source.push(buffer).is_ok()
    }

    fn connect(&self, caps: &gst::Caps) -> anyhow::Result<()> {
        let ends = self.bin.static_pad("sink").zip(self.bin.static_pad("src"));
        let (first, last) = ends.context("a chain has two ends")?;
        self.source.link(&first).context("the chain's beginning")?;
        last.link(&self.sink).context("the chain's end")?;
        self.sink.set_active(true)?;
        self.bin.set_state(gst::State::Playing).context("starting a chain")?;
        self.source.set_active(true)?;
        self.source.push_event(gst::event::StreamStart::new("chain"));
        self.source.push_event(gst::event::Caps::new(caps));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        self.source.push_event(gst::event::Segment::new(&segment));
        Ok(())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // What was never stopped would stay in memory.
        let _ = self.source.set_active(false);
        let _ = self.bin.set_state(gst::State::Null);
    }
}
