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
                    let slot = Slot::encoding(usize::from(encoding));
                    if track.wanted != slot {
                        self.pace.handle_other_picture(now);
                    }
                    track.show(slot, layers);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media_rules::layer::Rung;
    use media_rules::{FeedId, Layers};

    use super::*;
    use crate::abilities::Abilities;
    use crate::clock::NtpClock;
    use crate::event::PeerId;
    use crate::negotiate::{Agreement, Direction};
    use crate::offer::Offer;
    use crate::packet::SourceId;
    use crate::viewer::Wishes;

    const OFFER: &str = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\na=rtcp-mux\r\na=recvonly\r\n\
        a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n";

    #[test]
    fn a_smaller_picture_is_asked_for_at_once_after_the_larger_one_was_skipped() {
        let offer = Offer::parse(OFFER).expect("a good offer");
        let abilities = Abilities::of(Direction::Play);
        let tracks = Agreement::new(&offer, Direction::Play, &abilities).expect("fine").tracks;
        let wishes = Wishes { clock: NtpClock::start(), playout_delay: None };
        let mut viewer = Viewer::new(FeedId::new("r", "h"), &tracks, "c".to_owned(), wishes);
        let source = SourceId::new(PeerId::new(1, 0), 0);
        let mut feed = Feed::new(Duration::from_millis(500));
        feed.handle_source(source);
        let rung = |encoding, bps| Rung { encoding, layers: Layers::ALL, bps };
        feed.ladder = vec![rung(1, 200_000), rung(0, 2_000_000)];
        let now = MediaTime::from_millis(10_000);
        viewer.choose_layers(&feed, now);
        assert_eq!(viewer.lacks_picture_of(source, now), Some(Slot::encoding(0)));

        viewer.pace.handle_skip(now);
        viewer.choose_layers(&feed, now);
        assert_eq!(viewer.lacks_picture_of(source, now), None, "it was too much for the path");
        viewer.handle_remb(400_000, now);
        viewer.choose_layers(&feed, now);

        assert_eq!(viewer.lacks_picture_of(source, now), Some(Slot::encoding(1)));
    }
}
