//! Which events push others aside when a member's connection is slow, and which channel each takes.

use room_rules::Stream;

/// What happens to an event when a member's queue is full; strongest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Lane {
    /// Never dropped: the member is cut and comes back with a snapshot.
    Control,
    /// Never dropped either, but waits behind control.
    Gift,
    /// The oldest is dropped.
    Chat,
    /// The latest wins.
    Ambient,
}

impl Lane {
    /// Returns the lane of a stream.
    pub const fn of(stream: Stream) -> Self {
        match stream {
            Stream::Room | Stream::Seat | Stream::Pk | Stream::Sale | Stream::Me => Self::Control,
            Stream::Gift => Self::Gift,
            Stream::Chat => Self::Chat,
            Stream::React => Self::Ambient,
        }
    }
}

/// Returns the stream of a name on the wire.
pub fn stream_of(name: &str) -> Option<Stream> {
    Stream::ALL.into_iter().find(|stream| stream_name(*stream) == name)
}

/// Returns the stream's name on the wire.
pub const fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Room => "room",
        Stream::Seat => "seat",
        Stream::Pk => "pk",
        Stream::Sale => "sale",
        Stream::Gift => "gift",
        Stream::Chat => "chat",
        Stream::React => "react",
        Stream::Me => "me",
    }
}
