//! The program to CDNs, players and files: RTMP push with back-off, RTMP pull, recordings.
//!
//! One [`Hub`] per program takes every encoded frame and never waits. Each [`PushTarget`] and each
//! player of the [`PullServer`] holds its own bounded [`Subscription`] and its own connection, so
//! one that is dead, slow or hung costs the others nothing. FLV is muxed here, per connection: a
//! muxer shared between outputs would let one stalled output bend the timestamps of all.

#![forbid(unsafe_code)]

mod backoff;
mod dialogue;
mod flv;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod gop;
mod hub;
mod muxer;
mod player;
mod publisher;
mod pull;
mod push;
mod record;
mod rtmp;
mod subscription;
mod target_url;
mod timeline;

pub use hub::Hub;
pub use pull::{BoxFuture, Catalog, PullLimits, PullServer};
pub use push::{PushTarget, TargetState, TargetStatus};
pub use record::{Recorder, RecorderLimits, RecorderState, RecorderStatus, part_path};
pub use subscription::Subscription;
pub use target_url::{TargetError, TargetUrl};
