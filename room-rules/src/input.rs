//! Everything that may change a room. What is durable of it makes the journal: a room that is fed
//! the same durable inputs at the same times gives the same answers, ids and events, whatever else
//! it was told in between and whenever its timeouts were called. So nothing durable may depend on
//! what is not: chat, likes, and who is present. Of likes only their number is kept, now and then.

use serde::{Deserialize, Serialize};

use crate::{Command, IdemKey, MediaChange, Member, PeerMessage, Reply, RoomId, UserId};

/// Something that happened to a room. [`Room::command_of`] and [`Room::handle_leave`] make those
/// that depend on who is present, [`Room::unkept`] those that sum up what is not written down.
///
/// [`Room::command_of`]: crate::Room::command_of
/// [`Room::handle_leave`]: crate::Room::handle_leave
/// [`Room::unkept`]: crate::Room::unkept
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A member asks for something.
    Command {
        /// Who asks.
        by: Member,
        /// What for.
        command: Command,
        /// Whom the command names, if it needs them to be present and they are; of a line that is
        /// taken away, who said it, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Member>,
        /// Makes a repeated request harmless that says no key itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<IdemKey>,
    },
    /// A publisher came on air or went off.
    Media {
        /// Who.
        user: UserId,
        /// What their connection did.
        change: MediaChange,
    },
    /// A member wants to publish; if they may, their seat waits for their media.
    Publish {
        /// Who.
        by: Member,
    },
    /// Another room says something.
    Letter {
        /// Which room.
        from: RoomId,
        /// What it says.
        message: PeerMessage,
    },
    /// A user who waited for a seat left the room.
    Absent {
        /// Who.
        user: UserId,
    },
    /// So many likes have been given.
    Likes {
        /// Since the room was created.
        total: u64,
    },
    /// The room's process began anew: nobody is connected any more.
    Restarted,
}

impl Input {
    /// Returns whether this belongs in the journal.
    pub const fn is_durable(&self) -> bool {
        match self {
            Self::Command { command, .. } => command.is_durable(),
            Self::Media { .. }
            | Self::Publish { .. }
            | Self::Letter { .. }
            | Self::Absent { .. }
            | Self::Likes { .. }
            | Self::Restarted => true,
        }
    }

    /// Returns the client's key and whose it is, if there is one.
    pub fn idem(&self) -> Option<(&UserId, &IdemKey)> {
        match self {
            Self::Command { by, command, key, .. } => {
                command.idem().or(key.as_ref()).map(|key| (&by.user, key))
            }
            Self::Media { .. }
            | Self::Publish { .. }
            | Self::Letter { .. }
            | Self::Absent { .. }
            | Self::Likes { .. }
            | Self::Restarted => None,
        }
    }

    /// Returns the same under a client's key. What is not written down is not remembered, so it gets
    /// none.
    #[must_use]
    pub fn under(mut self, client_key: Option<IdemKey>) -> Self {
        if let Self::Command { command, key, .. } = &mut self
            && command.is_durable()
        {
            *key = client_key;
        }
        self
    }

    /// Returns a word for people who read journals.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Media { .. } => "media",
            Self::Publish { .. } => "publish",
            Self::Letter { .. } => "letter",
            Self::Absent { .. } => "absent",
            Self::Likes { .. } => "likes",
            Self::Restarted => "restarted",
        }
    }
}

/// How an input that was not refused was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decided {
    /// It is done.
    Fresh(Reply),
    /// It was done before, under the same key; nothing has changed now.
    Repeated(Reply),
}

impl Decided {
    /// Returns the answer, which is the same in both cases.
    pub fn into_reply(self) -> Reply {
        match self {
            Self::Fresh(reply) | Self::Repeated(reply) => reply,
        }
    }
}
