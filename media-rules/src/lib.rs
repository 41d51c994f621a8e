//! Packets, frames, scenes and the rules for forwarding them, with no I/O.

mod feed;
mod frame;
mod scene;
mod tap;
mod time;

pub use feed::{FeedId, MediaKind, PROGRAM};
pub use frame::{Codec, EncodedFrame};
pub use scene::{Fit, Rect, Scene, Tile};
pub use tap::{SenderReport, TapItem, TapPacket};
pub use time::MediaTime;
