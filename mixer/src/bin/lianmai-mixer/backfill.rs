//! A feed's pictures since its newest keyframe, still encoded. A decoder that starts late catches up
//! from here, so that nobody has to wait for a keyframe and no host has to send one.

use media_rules::FeedFrame;

/// What takes longer to catch up with than a keyframe takes to come is not kept: some four seconds.
pub(crate) const MAX_PICTURES: usize = 120;
const MAX_BYTES: usize = 4 << 20;

/// The pictures, from a keyframe on.
#[derive(Debug, Default)]
pub(crate) struct Backfill {
    /// Full: emptied, and it begins again at the next keyframe.
    pictures: Vec<FeedFrame>,
    bytes: usize,
}

impl Backfill {
    /// Takes the next picture.
    pub(crate) fn handle_picture(&mut self, picture: &FeedFrame) {
        if picture.is_key {
            self.clear();
        } else if self.pictures.is_empty() {
            return;
        }
        self.bytes += picture.data.len();
        self.pictures.push(picture.clone());
        if self.pictures.len() > MAX_PICTURES || self.bytes > MAX_BYTES {
            self.clear();
        }
    }

    /// Returns the pictures, the newest last.
    pub(crate) fn pictures(&self) -> &[FeedFrame] {
        &self.pictures
    }

    fn clear(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media_rules::{Codec, MediaTime};

    use super::*;

    fn picture(at: u64, is_key: bool) -> FeedFrame {
        let at = MediaTime::from_millis(at);
        FeedFrame {
            codec: Codec::H264,
            at,
            is_key,
            lost_before: Duration::ZERO,
            data: vec![0; 100].into(),
        }
    }

    fn kept(backfill: &Backfill) -> Vec<u64> {
        backfill.pictures().iter().map(|picture| picture.at.millis()).collect()
    }

    #[test]
    fn it_begins_at_the_newest_keyframe() {
        let mut backfill = Backfill::default();
        for (at, is_key) in [(0, false), (33, true), (66, false), (99, true), (132, false)] {
            backfill.handle_picture(&picture(at, is_key));
        }
        assert_eq!(kept(&backfill), [99, 132]);
    }

    #[test]
    fn too_much_is_as_good_as_nothing() {
        let mut backfill = Backfill::default();
        for number in 0..=MAX_PICTURES as u64 {
            backfill.handle_picture(&picture(number, number == 0));
        }
        assert!(kept(&backfill).is_empty());
        backfill.handle_picture(&picture(500, false));
        assert!(kept(&backfill).is_empty(), "the middle of a stream is no beginning");
        backfill.handle_picture(&picture(501, true));
        assert_eq!(kept(&backfill), [501]);
    }
}
