//! Who looks at what rooms show.

use serde::{Deserialize, Serialize};

/// Frames for whoever moderates.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moderation {
    /// Where a JPEG of every running program is posted to. Empty: nowhere.
    pub frame_url: String,
    /// How often, in seconds.
    pub frame_every_s: u64,
    /// Its width in pixels.
    pub frame_width: u16,
    /// What the posts are signed with, at least 32 bytes. Empty: the secret of tokens.
    pub secret: String,
}

impl Default for Moderation {
    fn default() -> Self {
        Self {
            frame_url: String::new(),
            frame_every_s: 10,
            frame_width: 480,
            secret: String::new(),
        }
    }
}

impl std::fmt::Debug for Moderation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A configuration may be logged; the secret may not, nor what may be in the address.
        let every_s = self.frame_every_s;
        f.debug_struct("Moderation").field("frame_every_s", &every_s).finish_non_exhaustive()
    }
}
