//! Packets, frames, scenes and the rules for forwarding them, with no I/O.

#![forbid(unsafe_code)]

pub mod assembly;
pub mod bwe;
pub mod bypass;
pub mod codec;
pub mod h264;
pub mod health;
pub mod layer;
pub mod layout;
pub mod packet;
pub mod red;
pub mod redundancy;
pub mod twcc;

mod active_speaker;
mod bits;
mod colour;
mod cue;
mod feed;
mod frame;
mod host_sync;
mod ingest;
mod keyframe_gate;
mod keyframe_wish;
mod later;
mod log;
mod loss;
mod overlay;
mod picture_splice;
mod scene;
mod sequence;
mod shedding;
mod sound_share;
mod sound_splice;
mod splice;
mod tap;
mod thinning;
mod time;

pub use active_speaker::{ActiveSpeaker, Loudness, Voice};
pub use codec::{Codec, FrameInfo, Layers};
pub use colour::Colour;
pub use cue::{CUE_UUID, CuePace, cue_of, with_cue};
pub use feed::{FeedId, MediaKind, PROGRAM};
pub use frame::{EncodedFrame, FeedFrame, FrameCodec};
pub use host_sync::HostSync;
pub use ingest::{Ingest, IngestStats};
pub use keyframe_gate::KeyframeGate;
pub use keyframe_wish::KeyframeWish;
pub use later::Later;
pub use log::Log;
pub use loss::{Arrival, LossDetector};
pub use overlay::{Align, Content, Overlay, Side, TextStyle};
pub use packet::{PacketError, RtpHeader};
pub use picture_splice::PictureSplice;
pub use scene::{
    Border, ClipName, Fill, Fit, ImageName, Placeholder, Rect, Scene, Tile, Transition,
};
pub use sequence::{SequenceUnwrapper, TimestampUnwrapper};
pub use shedding::{Rung, Shedding, Waiting};
pub use sound_share::{Hearing, SoundShare};
pub use sound_splice::SoundSplice;
pub use splice::{Origin, Splice, Stamp};
pub use tap::{SenderReport, TapBatch, TapItem, TapPace, TapPacket};
pub use thinning::{Passage, Thinner};
pub use time::MediaTime;
