//! What reaches a room from inside the server. Requests of users come by another way (signaling's
//! `RoomHandle`), so a crowd of users cannot keep the SFU's news from being heard.

use media_rules::FeedId;
use mixer::link::ClipNews;
use relay_cdn::Subscription;
use room_rules::ServerTime;
use signaling::ProgramPicture;
use tokio::sync::{mpsc, oneshot};

use crate::films::LocalFilm;
use crate::ice_restart::Restarted;
use crate::negotiation::Negotiated;

/// Half of this is kept for events that may not be lost; see [`Mailbox::is_crowded`].
const CAPACITY: usize = 2048;

/// News for a room.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Something happened to one of its feeds or peers.
    Sfu(sfu::Event),
    /// An SDP negotiation that it started is over.
    Negotiated(Box<Negotiated>),
    /// An ICE restart that it started is over.
    Restarted(Box<Restarted>),
    /// The first picture of a layout is on its way to viewers.
    LayoutApplied {
        /// Which layout.
        revision: u64,
        /// The picture's time, as viewers are told it.
        at: ServerTime,
    },
    /// A film that was asked for is here, or cannot be had.
    Fetched {
        /// Under which number it was asked for.
        number: u64,
        /// Where it is, or what went wrong.
        fetched: Result<LocalFilm, String>,
    },
    /// The mixer has news of a film.
    Clip {
        /// Which.
        feed: FeedId,
        /// What.
        news: ClipNews,
    },
    /// The mixer has ended, and what it played in with it.
    MixerEnded {
        /// Whether nobody asked it to.
        has_died: bool,
    },
    /// A picture of the program as a file.
    Snapshot {
        /// The wish that it answers.
        number: u64,
        /// The picture; its file is empty if it could not be made.
        picture: ProgramPicture,
    },
    /// Somebody wants to pull its program.
    OpenPull {
        /// Which rendition; `None` for the whole picture.
        rendition: Option<String>,
        /// Receives where to take the frames. Dropped if the puller left meanwhile.
        reply: oneshot::Sender<Subscription>,
    },
}

/// Leaves mail for a room without ever waiting for it.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(mpsc::Sender<Mail>);

impl Mailbox {
    /// Creates a mailbox and the end that the room reads.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Mail>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), receiver)
    }

    /// Returns whether only mail that may not be lost should still be sent.
    pub(crate) fn is_crowded(&self) -> bool {
        self.0.capacity() < CAPACITY / 2
    }

    /// Leaves `mail`.
    ///
    /// # Errors
    /// Says why it could not; the mail is lost.
    pub(crate) fn send(&self, mail: Mail) -> Result<(), Undelivered> {
        self.0.try_send(mail).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Undelivered::MailboxFull,
            mpsc::error::TrySendError::Closed(_) => Undelivered::RoomGone,
        })
    }
}

/// Why mail did not reach its room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Undelivered {
    /// The room does not read its mail fast enough.
    MailboxFull,
    /// The room is over; nobody misses the mail.
    RoomGone,
}
