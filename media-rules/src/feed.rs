//! What one publisher sends: the name under which others watch or mix it.

use std::fmt;
use std::sync::Arc;

/// The identity under which a room's mixed program is published. No user may take it.
pub const PROGRAM: &str = "program";

/// Begins the identity of whatever is played in; no user's identity may hold it.
const PLAYED_IN: char = '~';

/// Names one audio and one video track that belong together, as `room/identity`.
///
/// The name outlives the connection behind it: a viewer may subscribe before the host is there and
/// stays subscribed when the host comes back on a new connection.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FeedId(Arc<str>);

impl FeedId {
    /// Names the feed of `identity` in `room`.
    pub fn new(room: &str, identity: &str) -> Self {
        Self(format!("{room}/{identity}").into())
    }

    /// Names the mixed program of `room`.
    pub fn program(room: &str) -> Self {
        Self::new(room, PROGRAM)
    }

    /// Names what is played into the program of `room` under the number `number`.
    pub fn clip(room: &str, number: u64) -> Self {
        Self::new(room, &format!("{PLAYED_IN}{number}"))
    }

    /// Returns whether this is something that is played in and not somebody.
    pub fn is_clip(&self) -> bool {
        self.identity().starts_with(PLAYED_IN)
    }

    /// Reads `room/identity`; `None` if there is no such pair.
    pub fn parse(name: &str) -> Option<Self> {
        let (room, identity) = name.split_once('/')?;
        (!room.is_empty() && !identity.is_empty() && !identity.contains('/'))
            .then(|| Self(name.into()))
    }

    /// Returns the room's part.
    pub fn room(&self) -> &str {
        self.0.split_once('/').expect("a feed id always holds a slash").0
    }

    /// Returns the identity's part.
    pub fn identity(&self) -> &str {
        self.0.split_once('/').expect("a feed id always holds a slash").1
    }

    /// Returns the whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of a feed's two tracks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MediaKind {
    /// Opus at 48 kHz.
    Audio,
    /// At 90 kHz.
    Video,
}

impl MediaKind {
    /// Returns the RTP clock rate in Hz.
    pub const fn clock_rate_hz(self) -> u32 {
        match self {
            Self::Audio => 48_000,
            Self::Video => 90_000,
        }
    }
}
