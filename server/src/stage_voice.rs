//! Who speaks on a room's stage, on the room's clock.

use media_rules::{ActiveSpeaker, FeedId, MediaTime, Voice};
use room_rules::ServerTime;

/// The rule, told in room time.
pub(crate) struct StageVoice {
    rule: ActiveSpeaker<FeedId>,
    stage: Vec<FeedId>,
    speaker: Option<FeedId>,
}

impl StageVoice {
    /// Creates a stage on which nobody stands.
    pub(crate) const fn new() -> Self {
        Self { rule: ActiveSpeaker::new(), stage: Vec::new(), speaker: None }
    }

    /// Takes who is on stage and may be heard.
    pub(crate) fn handle_stage(&mut self, stage: Vec<FeedId>, now: ServerTime) {
        let before = std::mem::replace(&mut self.stage, stage);
        for gone in before.iter().filter(|feed| !self.stage.contains(feed)) {
            self.rule.handle_gone(gone, media(now));
        }
    }

    /// Takes what is told of a voice; one that is not on stage does not count.
    pub(crate) fn handle_voice(&mut self, feed: FeedId, voice: Voice, now: ServerTime) {
        if self.stage.contains(&feed) {
            self.rule.handle_voice(feed, voice, media(now));
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        // A rule's deadlines may lie between two milliseconds; the later one is late enough.
        self.rule
            .poll_timeout()
            .map(|at| ServerTime::from_unix_millis(at.nanos().div_ceil(1_000_000)))
    }

    /// Looks whether the time that has passed changes who speaks.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) {
        self.rule.handle_timeout(media(now));
    }

    /// Returns who speaks now, if that has changed since it was asked last.
    pub(crate) fn poll_change(&mut self) -> Option<Option<&FeedId>> {
        self.speaker = self.rule.poll_change()?;
        Some(self.speaker())
    }

    /// Returns who speaks.
    pub(crate) const fn speaker(&self) -> Option<&FeedId> {
        self.speaker.as_ref()
    }
}

fn media(now: ServerTime) -> MediaTime {
    MediaTime::from_millis(now.unix_millis())
}
