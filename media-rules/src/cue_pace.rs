//! Decides which pictures of a program carry a cue, the message about what they show.
//!
//! A receiver may begin at any keyframe, so every one of them has a cue. A change is told on the
//! picture that shows it and repeated on the next two, because a relay may drop a picture. In
//! between a cue a second keeps the receiver's clock right.

use std::time::Duration;

use crate::MediaTime;

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
