//! Which of a feed's pictures a viewer is shown; the rule is [`LayerChoice`].

use media_rules::layer::{Pin, Shown};
use media_rules::{MediaKind, MediaTime};

use super::Viewer;
use crate::feed::Feed;
use crate::packet::Slot;

/// What is left to the sound.
const SOUND_BPS: u64 = 64_000;

impl Viewer {
    /// Chooses anew among what the feed has.
    pub(crate) fn choose_layers(&mut self, feed: &Feed, now: MediaTime) {
        let budget = self.pace.known_bps(now).map(|bps| bps.saturating_sub(SOUND_BPS));
        let shown = self.choice.handle_ladder(&feed.ladder, budget, now);
        self.pace.want(self.choice.wanted_bps().map_or(0, |bps| bps + SOUND_BPS), now);
        let Some(shown) = shown else {
            return;
        };
        for track in self.tracks.iter_mut().filter(|track| track.kind == MediaKind::Video) {
            match shown {
                Shown::Picture { encoding, layers } => {
                    track.show(Slot::encoding(usize::from(encoding)), layers);
                }
                Shown::Nothing => track.pause(),
            }
        }
    }

    /// Lets the viewer itself say which picture it wants, or leave that to its network.
    pub(crate) fn pin(&mut self, pin: Option<Pin>) {
        self.choice.set_pin(pin);
    }

    /// Returns the encodings that are shown or to be shown.
    pub(crate) fn taken(&self) -> impl Iterator<Item = Slot> {
        self.tracks.iter().filter(|track| track.kind == MediaKind::Video).flat_map(|t| t.taken())
    }

    /// Returns the encoding that is to be shown.
    pub(crate) fn wanted_slot(&self) -> Option<Slot> {
        let video = self.tracks.iter().find(|track| track.kind == MediaKind::Video);
        video.map(|track| track.wanted)
    }
}
