//! Makes JPEG files of pictures of the program, in a thread of its own: it may take as long as it
//! takes, the next picture does not wait for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use gstreamer as gst;
use media_rules::MediaTime;
use mixer::link::{Snapshot, SnapshotWish, Up};
use tracing::warn;

use crate::outlet::Outlet;

/// Pictures that may wait. Full: the wish is dropped, and whoever wished gives up.
const CAPACITY: usize = 2;

/// A file that takes longer than this is not made.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(2);

/// A picture of the program and who wants it as a file.
pub(crate) struct Exposure {
    /// What was drawn.
    pub(crate) picture: gst::Sample,
    /// Its width and height in pixels.
    pub(crate) size: (u32, u32),
    /// When it was due.
    pub(crate) at: MediaTime,
    /// What scene it shows.
    pub(crate) revision: u64,
    /// Every wish that it answers.
    pub(crate) wishes: Vec<SnapshotWish>,
}

/// Starts the thread; it ends when the sender is dropped.
pub(crate) fn start(outlet: Arc<Outlet>) -> std::io::Result<SyncSender<Exposure>> {
    let (exposures, inbox) = sync_channel(CAPACITY);
    let run = move || develop_all(&inbox, &outlet);
    std::thread::Builder::new().name("photographer".into()).spawn(run)?;
    Ok(exposures)
}

fn develop_all(inbox: &Receiver<Exposure>, outlet: &Outlet) {
    while let Ok(exposure) = inbox.recv() {
        for wish in &exposure.wishes {
            let jpeg = develop(&exposure, wish.width).unwrap_or_else(|error| {
                warn!(%error, "A snapshot could not be made.");
                Bytes::new()
            });
            let (at, revision) = (exposure.at, exposure.revision);
            outlet.send(Up::Snapshot(Snapshot { number: wish.number, at, revision, jpeg }));
        }
    }
}

/// Scales and encodes a picture.
fn develop(exposure: &Exposure, width: u16) -> anyhow::Result<Bytes> {
    let (whole_width, whole_height) = exposure.size;
    let width = u32::from(width).clamp(16, whole_width) & !1;
    let height = (whole_height * width / whole_width).max(16) & !1;
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    // JPEG's colours are those of BT.601 in full range, and its encoder takes them for granted.
    let scaled = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", side(width))
        .field("height", side(height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", "1:4:0:0")
        .build();
    let scaled = gstreamer_video::convert_sample(&exposure.picture, &scaled, Some(PATIENCE))?;
    let file = gst::Caps::new_empty_simple("image/jpeg");
    let file = gstreamer_video::convert_sample(&scaled, &file, Some(PATIENCE))?;
    let file = file.buffer().and_then(|buffer| buffer.map_readable().ok());
    file.map(|bytes| Bytes::copy_from_slice(&bytes)).ok_or_else(|| anyhow::anyhow!("no file"))
}
