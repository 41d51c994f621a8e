//! Who is asked before something happens: a back end that says who may join, what may be said, and
//! whether a gift is paid for. It is asked here, at the edge, while the one connection that wants it
//! waits; a room never waits for anybody outside.

use futures_util::future::BoxFuture;
use room_rules::{Command, Member, RoomId};

use crate::Refused;

/// A back end that is asked.
pub trait Hooks: Send + Sync + 'static {
    /// Says whether `member` may come into `room`.
    fn may_come<'a>(
        &'a self,
        room: &'a RoomId,
        member: &'a Member,
        to: Coming,
    ) -> BoxFuture<'a, Result<(), Refused>>;

    /// Returns whether a command is to be shown to [`look`](Self::look) at all.
    fn concerns(&self, command: &Command) -> bool;

    /// Returns the command as it may be carried out.
    fn look<'a>(
        &'a self,
        room: &'a RoomId,
        member: &'a Member,
        command: Command,
    ) -> BoxFuture<'a, Result<Command, Refused>>;
}

/// What somebody comes for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coming {
    /// To hear and speak, on a WebSocket.
    Join,
    /// To send picture and sound.
    Publish,
    /// To watch.
    Play,
}

impl Coming {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Publish => "publish",
            Self::Play => "play",
        }
    }
}

/// Nobody is asked.
#[derive(Clone, Copy, Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn may_come<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a Member,
        _: Coming,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(async { Ok(()) })
    }

    fn concerns(&self, _: &Command) -> bool {
        false
    }

    fn look<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a Member,
        command: Command,
    ) -> BoxFuture<'a, Result<Command, Refused>> {
        Box::pin(async { Ok(command) })
    }
}
