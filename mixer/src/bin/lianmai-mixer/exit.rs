//! Where pictures leave, whoever made them: the encoder, or a solo host itself. Both may be at work
//! for a moment; what goes out is one stream without a seam. Sound passes by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_rules::{EncodedFrame, FrameCodec, MediaTime, PictureSplice};
use mixer::RenditionName;

use crate::outlet::Outlet;

/// Who made a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Maker {
    /// Our encoder, from what was composed.
    Encoder,
    /// The host of this turn; every turn of a host has a number of its own.
    Host(u64),
}

/// The only way out for pictures.
pub(crate) struct Exit {
    outlet: Arc<Outlet>,
    /// Held while a picture is queued, so that pictures of two makers cannot overtake each other.
    splice: Mutex<PictureSplice<Maker>>,
}

impl Exit {
    /// Starts with the encoder.
    pub(crate) const fn new(outlet: Arc<Outlet>) -> Self {
        Self { outlet, splice: Mutex::new(PictureSplice::new(Maker::Encoder)) }
    }

    /// Sends what the encoder made; a picture shows the scene `revision`.
    pub(crate) fn send_encoded(&self, frame: EncodedFrame, revision: u64) {
        match frame.codec {
            FrameCodec::H264 => self.send(Maker::Encoder, frame, revision),
            FrameCodec::Opus | FrameCodec::Aac => self.outlet.send_frame(frame, revision),
        }
    }

    /// Sends a picture of the scene `revision` if it is its maker's turn.
    pub(crate) fn send(&self, maker: Maker, picture: EncodedFrame, revision: u64) {
        let mut splice = self.splice();
        if let Some(picture) = splice.handle_picture(maker, picture) {
            self.outlet.send_frame(picture, revision);
        }
    }

    /// Sends a picture of a rendition; only the encoder makes them.
    pub(crate) fn send_rendition(&self, name: RenditionName, frame: EncodedFrame) {
        self.outlet.send_rendition(name, frame);
    }

    /// Goes on with the pictures of `maker` from its next keyframe on.
    pub(crate) fn switch_to(&self, maker: Maker) {
        self.splice().switch_to(maker);
    }

    /// Returns whose turn it is; `None` before the first picture.
    pub(crate) fn current(&self) -> Option<Maker> {
        self.splice().current()
    }

    /// Returns when the newest picture that was sent is due.
    pub(crate) fn newest(&self) -> Option<MediaTime> {
        self.splice().newest()
    }

    /// Returns whether a keyframe of `maker` is waited for.
    pub(crate) fn waits_for(&self, maker: Maker) -> bool {
        let splice = self.splice();
        let is_lost = splice.current() == Some(maker) && self.outlet.needs_key();
        is_lost || splice.waits_for() == Some(maker)
    }

    fn splice(&self) -> MutexGuard<'_, PictureSplice<Maker>> {
        self.splice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
