//! The program's sound without one voice, for whoever that voice belongs to and who hears the mix and
//! not the others one by one: nobody wants to hear himself, late.

use std::sync::Arc;

use gstreamer as gst;
use media_rules::{FeedId, MediaTime};
use mixer::link::{SideMix, Up};
use tracing::warn;

use crate::limiter::Limiter;
use crate::outlet::Outlet;
use crate::sound_encoder::SoundEncoder;
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
    encoder: SoundEncoder,
}

impl SideMixes {
    /// Makes none.
    pub(crate) const fn new(outlet: Arc<Outlet>) -> Self {
        Self { outlet, open: Vec::new() }
    }

    /// Whether nobody asked for any.
    pub(crate) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Makes exactly these from now on; those that were made already go on without a gap.
    pub(crate) fn handle_wanted(&mut self, wanted: &[SideMix]) {
        self.open.retain(|open| wanted.contains(&open.wanted));
        for side in wanted {
            if self.open.iter().any(|open| open.wanted == *side) {
                continue;
            }
            match start(side.clone(), Arc::clone(&self.outlet)) {
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

fn start(side: SideMix, outlet: Arc<Outlet>) -> anyhow::Result<SoundEncoder> {
    let SideMix { without, codec, kbps } = side;
    let take = move |frame| outlet.send_sound(Up::SideFrame { without: without.clone(), frame });
    // What goes wrong here costs one host the sound of the others, never the program.
    SoundEncoder::start(codec, kbps, take, |message| {
        if let gst::MessageView::Error(failure) = message.view() {
            warn!(error = %failure.error(), "A mix for one host failed.");
        }
    })
}
