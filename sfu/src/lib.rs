//! WebRTC in, WebRTC out: sockets, ICE-lite, DTLS, SRTP, SCTP and the fan-out.
//!
//! [`Sfu`] is the handle of the control plane; everything it is asked to do is carried out by media
//! workers, threads that share nothing and never wait for anybody. `worker` is the place to start
//! reading: one turn of it is the way of a packet through this crate.

#![deny(unsafe_code)]

mod abilities;
mod answer;
mod candidate;
mod chunk_guard;
mod client_hello;
mod clock;
mod codec;
mod command;
mod config;
mod data;
mod demux;
mod dtls;
mod egress;
mod event;
mod extension;
mod feed;
mod fragment;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod handle;
mod ice;
mod ladder;
mod link;
mod listen;
mod local_feed;
mod negotiate;
mod offer;
mod packet;
mod path;
mod peer_stats;
mod picture_rate;
mod publisher;
mod reception;
mod record_guard;
mod rollover;
mod route;
mod rtcp;
mod socket;
mod srtp;
mod stun;
mod tap;
mod tcp;
mod ufrag;
mod viewer;
mod worker;

#[cfg(test)]
#[path = "../tests/sfu/client.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test's client"
)]
mod client;

pub use command::Silence;
pub use config::Config;
pub use event::{Channel, CloseReason, Event, PeerId, Stats};
pub use handle::{IceRestart, NegotiateError, QueueFull, RestartError, Session, Sfu, TrickleError};
pub use local_feed::LocalFeed;
pub use peer_stats::{
    HeardReport, PeerStats, Protocol, ReceivedStream, SentStream, StreamCodec, TransportStats,
};
pub use tap::Tap;
