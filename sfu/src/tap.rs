//! Who gets a copy of what a feed's publisher sends, beside the viewers. A tap is called by a media
//! worker, so it must never wait; what it does with a full queue is its own affair.

use std::fmt::Debug;

use media_rules::TapItem;
use tokio::sync::mpsc;

/// Takes a copy of a feed's packets and sender reports.
pub trait Tap: Debug + Send + Sync {
    /// Takes the next item. Called on a media worker: it must not wait.
    fn take(&self, item: TapItem);

    /// Returns whether nobody wants anything any more; the tap is forgotten a moment later.
    fn is_closed(&self) -> bool;

    /// Returns the width and height at which the picture will be shown. Of several encodings the
    /// smallest is taken that fills them; whoever says nothing gets the best.
    fn size(&self) -> (u16, u16) {
        (u16::MAX, u16::MAX)
    }
}

/// A tap that ends in a channel. Full: the item is dropped and counted.
#[derive(Debug)]
pub(crate) struct ChannelTap(pub(crate) mpsc::Sender<TapItem>);

impl Tap for ChannelTap {
    fn take(&self, item: TapItem) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.try_send(item) {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "tap_full").increment(1);
        }
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}
