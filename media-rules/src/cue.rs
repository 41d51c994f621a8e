//! A cue says what a picture shows. It travels inside that picture, as SEI.
//!
//! Not every picture has one: a receiver may begin at any keyframe, so every one of them has a cue. A change is told on the
//! picture that shows it and repeated on the next two, because a relay may drop a picture. In
//! between a cue a second keeps the receiver's clock right.

use std::time::Duration;

use bytes::Bytes;

use crate::MediaTime;
use crate::h264::{find_user_data, insert_before_slices, user_data};

/// Names the SEI messages that hold a cue: 6c69616e-6d61-4940-8f2e-6375652d7631.
pub const CUE_UUID: [u8; 16] = *b"lianmaI@\x8f.cue-v1";

/// Returns an H.264 access unit with a cue in it.
pub fn with_cue(access_unit: &[u8], cue: &str) -> Bytes {
    insert_before_slices(access_unit, &user_data(&CUE_UUID, cue.as_bytes()))
}

/// Returns the cue in an H.264 access unit, if it has one.
pub fn cue_of(access_unit: &[u8]) -> Option<String> {
    String::from_utf8(find_user_data(access_unit, &CUE_UUID)?).ok()
}

/// A change is told this many times in a row.
const TOLD: u8 = 3;
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// When to write cues into one program's pictures.
#[derive(Debug, Default)]
pub struct CuePace {
    newest: Option<MediaTime>,
    revision: u64,
    to_tell: u8,
}

impl CuePace {
    /// Returns whether the picture shown at `at` carries a cue. `revision` changes with what the cue
    /// would say; `is_key` is whether a receiver may begin with this picture.
    pub fn handle_picture(&mut self, at: MediaTime, is_key: bool, revision: u64) -> bool {
        if self.newest.is_none() || revision != self.revision {
            self.revision = revision;
            self.to_tell = TOLD;
        }
        let is_old = self.newest.is_none_or(|newest| at.since(newest) >= AT_LEAST_EVERY);
        let wanted = is_key || is_old || self.to_tell > 0;
        if wanted {
            self.newest = Some(at);
            self.to_tell = self.to_tell.saturating_sub(1);
        }
        wanted
    }
}
