//! What of somebody's media is dropped, or switched off.

/// What is not to be heard, or not to be seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Silence {
    /// The sound.
    pub audio: bool,
    /// The picture.
    pub video: bool,
}

impl Silence {
    /// Returns what either of the two silences.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self { audio: self.audio || other.audio, video: self.video || other.video }
    }

    /// Returns this with what is wished for sound and picture; what is left out stays.
    pub(crate) fn changed(self, (audio, video): (Option<bool>, Option<bool>)) -> Self {
        Self { audio: audio.unwrap_or(self.audio), video: video.unwrap_or(self.video) }
    }
}
