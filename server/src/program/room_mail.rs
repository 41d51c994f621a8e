//! What a program's mixer has to say to its room.

use media_rules::FeedId;
use mixer::link::{ClipNews, Snapshot};
use room_rules::ServerTime;
use signaling::{ProgramPicture, RoomClock};

use crate::cues::room_millis;
use crate::mail::{Mail, Mailbox};

/// The way to the room. What finds its mailbox full is lost; the room does not rely on it.
#[derive(Debug)]
pub(crate) struct RoomMail {
    mailbox: Mailbox,
    clock: RoomClock,
}

impl RoomMail {
    /// Creates the way to `mailbox`.
    pub(crate) const fn new(mailbox: Mailbox, clock: RoomClock) -> Self {
        Self { mailbox, clock }
    }

    /// Tells how a film is doing.
    pub(super) fn tell_clip(&self, feed: FeedId, news: ClipNews) {
        let _ = self.mailbox.send(Mail::Clip { feed, news });
    }

    /// Tells that a mixer has ended.
    pub(super) fn tell_end(&self, has_died: bool) {
        let _ = self.mailbox.send(Mail::MixerEnded { has_died });
    }

    /// Hands over a picture as a file.
    pub(super) fn hand_over(&self, snapshot: Snapshot) {
        let Snapshot { number, at, revision, jpeg } = snapshot;
        let at = ServerTime::from_unix_millis(room_millis(self.clock, at) as u64);
        let picture = ProgramPicture { at, revision, jpeg };
        let _ = self.mailbox.send(Mail::Snapshot { number, picture });
    }
}
