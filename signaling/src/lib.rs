//! HTTP and WebSocket in, room requests out.
//!
//! This crate knows who asks, whether their token is good, how fast they may speak and how a room's
//! answer looks on the wire. What a room does with a request is not decided here: every request goes
//! through a [`RoomHandle`] to whoever owns the room.

#![forbid(unsafe_code)]

mod admission;
mod api;
mod auth;
mod body;
mod clock;
mod cors;
mod dead_letters;
mod dev_token;
mod directory;
mod gifts;
mod giveaways;
mod hooks;
mod ice;
mod ice_servers;
mod inserts;
mod layout;
mod linger;
mod look;
mod media;
mod media_id;
mod named;
mod orders;
mod outbox;
mod over;
mod pages;
mod path;
mod peers;
mod quality;
mod rate;
mod recordings;
mod refused;
mod request;
mod rooms;
mod router;
mod serve;
mod services;
mod session;
mod sid;
mod snapshot;
mod socket;
mod srs;
mod stats;
mod targets;
mod token;
mod user_pace;
mod whep;
mod whip;

pub use clock::RoomClock;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use directory::{Directory, RoomHandle};
pub use hooks::{Coming, Hooks, NoHooks};
pub use ice::{IceCredentials, IceFragment, IceSession, IceStep, IfMatch};
pub use ice_servers::{IceServers, NoIceServer, TurnAccess};
pub use look::LookRequest;
pub use media_id::MediaId;
pub use outbox::{Delivery, Ending, Outbox, OutboxLimits, OutboxReader, outbox};
pub use quality::QualityRequest;
pub use rate::RateLimit;
pub use recordings::RecordingRequest;
pub use refused::Refused;
pub use request::{
    Answer, BackEndRequest, Beginning, Created, Entered, Hearing, LayoutRequest, Lobby,
    MediaSession, Occasion, Patched, ProgramPicture, ProgramRequest, RoomRequest, TargetUrl,
};
pub use router::router;
pub use serve::serve;
pub use services::{Limits, Services, SessionNumbers};
pub use sid::{Sid, random_salt};
pub use token::{Claims, MIN_SECRET_BYTES, SecretTooShort, TokenError, TokenKey};

/// A message as it is sent, encoded once and shared by all sessions that receive it.
pub type Text = axum::extract::ws::Utf8Bytes;
