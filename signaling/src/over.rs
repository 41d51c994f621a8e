//! How a WebSocket ends: the close codes of the protocol and the last words before them.

use std::time::Duration;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use wire_format::Code;

use crate::{Ending, Refused};

/// How long a client that is being closed may take to receive why.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a client closes with that does not know an event that it must know.
const CLIENT_OUTDATED: u16 = 4013;

/// Why a WebSocket is closed, and what is said before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Over {
    /// `None`: there is nobody left to tell.
    code: Option<u16>,
    reason: &'static str,
    refused: Option<Refused>,
}

impl Over {
    /// The client closed, or the connection broke.
    pub(crate) const LEFT: Self = Self { code: None, reason: "left", refused: None };
    /// The client closed because it was told something that it must know and does not.
    const OUTDATED: Self = Self { code: None, reason: "outdated", refused: None };
    /// The client did not say `hello` in time.
    pub(crate) const NO_HELLO: Self = Self::with(close_code::POLICY, "no hello");
    /// Nothing came from the client for too long. The close frame will hardly arrive either.
    pub(crate) const DEAD: Self = Self::with(close_code::AWAY, "no sign of life");
    /// The token does not fit, or no longer.
    pub(crate) const TOKEN: Self = Self::with(4001, "token");
    /// This server is shutting down.
    pub(crate) const DRAINING: Self = Self::with(4012, "draining");

    const fn with(code: u16, reason: &'static str) -> Self {
        Self { code: Some(code), reason, refused: None }
    }

    /// Returns the same ending with an `err` before it.
    pub(crate) fn after(self, refused: Refused) -> Self {
        Self { refused: Some(refused), ..self }
    }

    /// The client sent a frame that is not text.
    pub(crate) fn binary() -> Self {
        Self::with(close_code::UNSUPPORTED, "binary")
            .after(Refused::new(Code::BadRequest, "only text frames are understood"))
    }

    /// The client closed.
    pub(crate) fn by_client(frame: Option<&CloseFrame>) -> Self {
        let is_outdated = frame.is_some_and(|frame| frame.code == CLIENT_OUTDATED);
        if is_outdated { Self::OUTDATED } else { Self::LEFT }
    }

    /// Reading failed.
    pub(crate) fn of(error: &Error) -> Self {
        // axum does not let its WebSocket's own error type out, only its text; a test holds this one.
        if error.to_string().starts_with("Space limit exceeded") {
            Self::with(close_code::SIZE, "too large")
                .after(Refused::new(Code::TooLarge, "a frame may hold 4096 bytes"))
        } else {
            Self { reason: "broken", ..Self::LEFT }
        }
    }

    /// Returns the label under which this ending is counted.
    pub(crate) const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Returns what is said before the end.
    pub(crate) const fn last_words(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Says the last words and closes, within a bound of time.
    pub(crate) async fn close(
        self,
        sink: &mut SplitSink<WebSocket, Message>,
        words: Option<String>,
    ) {
        let Some(code) = self.code else {
            return;
        };
        let farewell = async {
            if let Some(words) = words {
                sink.feed(Message::Text(words.into())).await?;
            }
            let frame = CloseFrame { code, reason: self.reason.into() };
            sink.send(Message::Close(Some(frame))).await
        };
        // The client may be gone or not listening; it is closed in any case.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

impl From<Ending> for Over {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::TooSlow => Self::with(4008, "too slow"),
            Ending::Superseded => Self::with(4009, "superseded"),
            Ending::Banned => Self::with(4003, "banned"),
            Ending::RoomEnded => Self::with(4010, "room ended"),
            Ending::RoomFailed => Self::with(close_code::ERROR, "room failed"),
            Ending::Draining => Self::DRAINING,
            Ending::Left => Self::LEFT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_too_old_is_counted_by_itself() {
        let closed = |code| {
            let frame = CloseFrame { code, reason: "chat.deleted".into() };
            Over::by_client(Some(&frame)).reason()
        };
        assert_eq!([closed(4013), closed(1000), closed(4012)], ["outdated", "left", "left"]);
        assert_eq!(Over::by_client(None), Over::LEFT);
    }
}
