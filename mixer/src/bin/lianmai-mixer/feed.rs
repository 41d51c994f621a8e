//! One host's way into the program: packets to frames, frames to pictures and sound.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use media_rules::codec::coded_size;
use media_rules::{Codec, FeedFrame, Ingest, MediaKind, MediaTime, TapItem};
use tracing::warn;

use crate::backfill::{Backfill, MAX_PICTURES};
use crate::decoder::{Decoder, Taken};
use crate::picture_tick::SharedPictures;
use crate::sound_tick::SharedVoice;

/// A host is asked for a keyframe at most this often; one takes a moment to come.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Pictures wider or higher than this are not decoded: a few bytes from a host could otherwise
/// claim gigabytes.
const MOST_PIXELS: u32 = 1920;

/// A feed of the scene.
pub(crate) struct Feed {
    ingest: Ingest,
    video: Option<(Codec, Decoder)>,
    pictures: SharedPictures,
    voice: SharedVoice,
    /// Set at joining and by every break; cleared by the keyframe.
    needs_key: bool,
    asked: Option<MediaTime>,
    /// When it left the scene; its last pictures may still be shown for a moment.
    left: Option<MediaTime>,
    /// The same where it is only not seen any more.
    hidden: Option<MediaTime>,
    backfill: Backfill,
    picture_use: PictureUse,
    losses: Losses,
}

/// What becomes of a feed's pictures.
enum PictureUse {
    /// They are decoded, after those that wait for a decoder that started late to catch up. Full
    /// (twice what [`Backfill`] keeps): emptied, and it starts at a keyframe.
    Decode {
        waiting: VecDeque<FeedFrame>,
        /// Until everything that was kept is decoded, nothing is too late.
        is_catching_up: bool,
    },
    /// They are only kept.
    Keep,
}

impl PictureUse {
    const fn decode() -> Self {
        Self::Decode { waiting: VecDeque::new(), is_catching_up: false }
    }
}

/// Breaks in the picture.
#[derive(Default)]
struct Losses {
    is_broken: bool,
    untold: bool,
}

impl Feed {
    /// Joins a feed, to decode its pictures or only to keep them.
    pub(crate) fn new(is_decoding: bool) -> Self {
        Self {
            ingest: Ingest::default(),
            video: None,
            pictures: Arc::default(),
            voice: Arc::default(),
            needs_key: true,
            asked: None,
            left: None,
            hidden: None,
            backfill: Backfill::default(),
            picture_use: if is_decoding {
                // A decoder needs a moment to start.
                PictureUse::Decode { waiting: VecDeque::new(), is_catching_up: true }
            } else {
                PictureUse::Keep
            },
            losses: Losses::default(),
        }
    }

    /// Takes media of the host.
    pub(crate) fn handle(&mut self, item: TapItem, now: MediaTime) {
        self.ingest.handle(item, now);
    }

    /// Returns how long after its capture the host is presented if it waits for nobody.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.ingest.lag()
    }

    /// Lets it wait for others.
    pub(crate) const fn set_wait(&mut self, wait: Duration) {
        self.ingest.set_extra(wait);
    }

    /// Decodes what is ready and shows every whole picture to `look`; returns whether the host must
    /// be asked for a keyframe now.
    pub(crate) fn advance(&mut self, now: MediaTime, mut look: impl FnMut(&FeedFrame)) -> bool {
        while let Some(frame) = self.ingest.poll_frame(now) {
            match frame.codec.kind() {
                MediaKind::Video => {
                    if self.is_usable(&frame) {
                        look(&frame);
                        self.use_picture(frame);
                    }
                }
                MediaKind::Audio => {
                    let mut voice = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
                    voice.handle_encoded(frame);
                }
            }
        }
        self.decode_waiting();
        let is_broken = self.ingest.poll_keyframe_wanted();
        self.losses.untold |= is_broken && !self.losses.is_broken;
        self.losses.is_broken = is_broken;
        self.needs_key |= is_broken;

        self.needs_key && self.may_ask(now)
    }

    /// Returns when [`advance`](Self::advance) has something to do without a new packet.
    pub(crate) fn poll_timeout(&self) -> Option<MediaTime> {
        self.ingest.poll_timeout()
    }

    /// Returns whether pictures wait for the decoder.
    pub(crate) fn has_waiting(&self) -> bool {
        matches!(&self.picture_use, PictureUse::Decode { waiting, .. } if !waiting.is_empty())
    }

    /// Returns whether its host may be asked for a keyframe now, which then counts as done.
    pub(crate) fn may_ask(&mut self, now: MediaTime) -> bool {
        let is_time = self.asked.is_none_or(|asked| now.since(asked) >= ASK_AGAIN);
        let may_ask = is_time && self.left.is_none();
        if may_ask {
            self.asked = Some(now);
        }
        may_ask
    }

    /// Returns whether pictures were lost since the last call.
    pub(crate) const fn take_loss(&mut self) -> bool {
        std::mem::replace(&mut self.losses.untold, false)
    }

    /// Decodes pictures from now on, or only keeps them. What is shown first is the newest that was
    /// kept.
    pub(crate) fn set_decoding(&mut self, is_decoding: bool) {
        if is_decoding == matches!(self.picture_use, PictureUse::Decode { .. }) {
            return;
        }
        self.video = None;
        let kept = self.backfill.pictures();
        let newest = kept.last().map_or(MediaTime::default(), |picture| picture.at);
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner).restart(newest);
        self.picture_use = if is_decoding {
            self.needs_key |= kept.is_empty();
            PictureUse::Decode { waiting: kept.iter().cloned().collect(), is_catching_up: true }
        } else {
            PictureUse::Keep
        };
    }

    /// Returns where its pictures are.
    pub(crate) const fn pictures(&self) -> &SharedPictures {
        &self.pictures
    }

    /// Returns where its sound is.
    pub(crate) fn voice(&self) -> SharedVoice {
        Arc::clone(&self.voice)
    }

    /// Notes whether the feed is in the scene.
    pub(crate) fn set_in_scene(&mut self, is_in_scene: bool, now: MediaTime) {
        self.left = if is_in_scene { None } else { self.left.or(Some(now)) };
    }

    /// Notes whether it has a place in the picture.
    pub(crate) fn set_seen(&mut self, is_seen: bool, now: MediaTime) {
        self.hidden = if is_seen { None } else { self.hidden.or(Some(now)) };
    }

    /// Returns whether it is seen, or was less than `grace` ago.
    pub(crate) fn is_seen(&self, grace: Duration, now: MediaTime) -> bool {
        self.hidden.is_none_or(|hidden| now.since(hidden) <= grace)
    }

    /// Returns whether it is in the scene.
    pub(crate) const fn is_in_scene(&self) -> bool {
        self.left.is_none()
    }

    /// Returns whether it left the scene longer than `grace` ago.
    pub(crate) fn is_gone(&self, grace: Duration, now: MediaTime) -> bool {
        self.left.is_some_and(|left| now.since(left) > grace)
    }

    fn is_usable(&mut self, frame: &FeedFrame) -> bool {
        // Sizes may come with any picture, and a decoder obeys them wherever they are.
        let is_affordable = is_affordable(frame.codec, &frame.data);
        self.needs_key &= !frame.is_key;
        self.needs_key |= !is_affordable;
        !self.needs_key
    }

    fn use_picture(&mut self, frame: FeedFrame) {
        self.backfill.handle_picture(&frame);
        match &mut self.picture_use {
            PictureUse::Decode { waiting, .. } => {
                waiting.push_back(frame);
                if waiting.len() > 2 * MAX_PICTURES {
                    waiting.clear();
                    self.needs_key = true;
                }
            }
            PictureUse::Keep => {}
        }
    }

    fn decode_waiting(&mut self) {
        while let PictureUse::Decode { waiting, is_catching_up } = &mut self.picture_use
            && (waiting.len() <= 1
                || self.video.as_ref().is_none_or(|(_, decoder)| decoder.has_room()))
            && let Some(frame) = waiting.pop_front()
        {
            let decoder = self.video.as_ref();
            *is_catching_up &=
                !waiting.is_empty() || decoder.is_none_or(|(_, decoder)| !decoder.has_caught_up());
            let may_wait = *is_catching_up;
            self.decode_picture(frame, may_wait);
        }
    }

    fn decode_picture(&mut self, frame: FeedFrame, may_wait: bool) {
        let codec = frame.codec;
        // A host that goes on in another codec begins with a keyframe of it.
        self.video.take_if(|(held, _)| *held != codec);
        let pictures = || Decoder::video(codec, Arc::clone(&self.pictures));
        let taken = made(&mut self.video, || pictures().map(|decoder| (codec, decoder)))
            .map_or(Taken::Broken, |(_, decoder)| decoder.push(frame, may_wait));
        match taken {
            Taken::Yes => return,
            Taken::NoTime => {}
            Taken::Broken => self.video = None,
        }
        self.needs_key = true;
        self.picture_use = PictureUse::decode();
    }
}

/// Returns whether a picture asks the decoder for no more room than any camera needs.
pub(crate) fn is_affordable(codec: Codec, picture: &[u8]) -> bool {
    coded_size(codec, picture)
        .is_some_and(|(width, height)| width <= MOST_PIXELS && height <= MOST_PIXELS)
}

fn made<T>(slot: &mut Option<T>, make: impl FnOnce() -> anyhow::Result<T>) -> Option<&T> {
    if slot.is_none() {
        match make() {
            Ok(decoder) => *slot = Some(decoder),
            Err(error) => warn!(%error, "A decoder could not be started."),
        }
    }
    slot.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets of 4096x4096 pixels, cropped to 16x16.
    const HUGE: &[u8] = &[
        0x67, 0x42, 0xc0, 0x3c, 0xda, 0x00, 0x40, 0x00, 0x20, 0x1e, 0x00, 0x7f, 0x98, 0x01, 0xfe,
        0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x02,
    ];
    const SLICE: &[u8] = &[0x41, 0x9a, 0x02];

    #[test]
    fn a_picture_with_parameter_sets_of_a_huge_picture_never_reaches_the_decoder() {
        let unit = |nals: &[&[u8]]| [&[&[0, 0, 1][..]][..], nals].concat().concat();
        let is_affordable = |unit: Vec<u8>| is_affordable(Codec::H264, &unit);
        assert!(is_affordable(unit(&[SLICE])));
        assert!(!is_affordable(unit(&[HUGE])), "although all but 16x16 is cropped away");
        assert!(!is_affordable(unit(&[&[0x67, 0x42]])), "nor what cannot be read");

        let mut feed = Feed::new(true);
        feed.needs_key = false;
        let data = unit(&[HUGE, &[0, 0, 1], SLICE]).into();
        let at = MediaTime::from_millis(1);
        let lost_before = Duration::ZERO;
        let codec = Codec::H264;
        let frame = FeedFrame { codec, at, is_key: false, lost_before, data };
        assert!(!feed.is_usable(&frame) && feed.needs_key, "although it is no keyframe");
    }
}
