//! What each layer of one encoding costs, measured.

use std::time::Duration;

use super::Rung;
use crate::{FrameInfo, Layers, MediaTime};

/// Spatial layers, and temporal ones of each; what is beyond counts as the highest.
pub const MAX_LAYERS: usize = 4;
const BUCKET: Duration = Duration::from_millis(250);
const BUCKETS: usize = 4;
/// An encoding that has not sent for this long is not there.
const SILENCE: Duration = Duration::from_millis(1_500);

/// The rates of one encoding's layers over the last second.
#[derive(Debug)]
pub struct LayerMeter {
    /// The newest first; the first is still being filled.
    buckets: [Bucket; BUCKETS],
    began: Option<MediaTime>,
    newest: Option<MediaTime>,
    filled: u32,
}

/// Bytes by spatial and temporal layer.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    all: [[u32; MAX_LAYERS]; MAX_LAYERS],
    /// Those of frames that higher spatial layers refer to.
    shared: [[u32; MAX_LAYERS]; MAX_LAYERS],
}

impl Default for LayerMeter {
    fn default() -> Self {
        let buckets = [Bucket::default(); BUCKETS];
        Self { buckets, began: None, newest: None, filled: 0 }
    }
}

impl LayerMeter {
    /// Counts a packet.
    pub fn handle_packet(&mut self, info: &FrameInfo, bytes: usize, now: MediaTime) {
        self.advance(now);
        self.newest = Some(now);
        let layer = |id: u8| usize::from(id).min(MAX_LAYERS - 1);
        let (spatial, temporal) = (layer(info.spatial), layer(info.temporal));
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let count = |cell: &mut u32| *cell = cell.saturating_add(bytes);
        count(&mut self.buckets[0].all[spatial][temporal]);
        if info.serves_higher_layers {
            count(&mut self.buckets[0].shared[spatial][temporal]);
        }
    }

    /// Whether the encoding is being sent.
    pub fn is_live(&self, now: MediaTime) -> bool {
        self.newest.is_some_and(|newest| now.since(newest) < SILENCE)
    }

    /// Appends what can be shown of encoding number `encoding`, smallest first: each picture size at
    /// its full frame rate, and before that, if `with_slower`, the smallest at its lower rates.
    ///
    /// An encoding that has stopped is worth what it cost at last.
    pub fn push_rungs(&self, encoding: u8, with_slower: bool, out: &mut Vec<Rung>) {
        let total = |spatial: usize, temporal: usize| self.bps(spatial, temporal);
        let top = MAX_LAYERS - 1;
        let is_there = |spatial: usize| {
            self.buckets.iter().any(|bucket| bucket.all[spatial].iter().any(|&bytes| bytes > 0))
        };
        let sizes: Vec<usize> = (0..MAX_LAYERS).filter(|&spatial| is_there(spatial)).collect();
        for &spatial in &sizes {
            let full = total(spatial, top);
            let is_smallest = sizes.first() == Some(&spatial);
            let mut cheaper = 0;
            for temporal in 0..if is_smallest && with_slower { top } else { 0 } {
                let bps = total(spatial, temporal);
                if bps > cheaper && bps < full {
                    cheaper = bps;
                    out.push(Rung { encoding, layers: layers(&sizes, spatial, temporal), bps });
                }
            }
            let layers = layers(&sizes, spatial, usize::from(u8::MAX));
            out.push(Rung { encoding, layers, bps: full });
        }
    }

    /// Returns what the layers up to `temporal` of one spatial layer cost, with what they refer to.
    fn bps(&self, spatial: usize, temporal: usize) -> u64 {
        let up_to = |row: &[u32; MAX_LAYERS]| -> u64 {
            row[..=temporal].iter().map(|&bytes| u64::from(bytes)).sum()
        };
        let mut bytes = 0;
        for bucket in &self.buckets {
            bytes += up_to(&bucket.all[spatial]);
            bytes += bucket.shared[..spatial].iter().map(up_to).sum::<u64>();
        }
        let (Some(began), Some(newest)) = (self.began, self.newest) else {
            return 0;
        };
        // The bucket that is being filled counts as far as it is filled.
        let span = BUCKET * self.filled.min(BUCKETS as u32 - 1) + newest.since(began);
        // Before there is much to measure, a moment must not pass for a rate.
        let millis = u64::try_from(span.max(BUCKET).as_millis()).unwrap_or(u64::MAX);
        bytes * 8 * 1_000 / millis
    }

    fn advance(&mut self, now: MediaTime) {
        let began = *self.began.get_or_insert(now);
        let passed = now.since(began).as_nanos() / BUCKET.as_nanos();
        if passed == 0 {
            return;
        }
        if self.newest.is_some_and(|newest| now.since(newest) >= SILENCE) {
            // It begins anew.
            *self = Self { began: Some(now), ..Self::default() };
            return;
        }
        for _ in 0..passed {
            self.buckets.rotate_right(1);
            self.buckets[0] = Bucket::default();
            self.filled = self.filled.saturating_add(1);
            self.began = self.began.map(|began| began + BUCKET);
        }
    }
}

/// Names what is shown so that it stays what it is when layers come and go.
fn layers(sizes: &[usize], spatial: usize, temporal: usize) -> Layers {
    let id = |layer: usize| u8::try_from(layer).unwrap_or(u8::MAX);
    // A stream of one size is shown whatever its packets say.
    let spatial = if sizes.len() == 1 { u8::MAX } else { id(spatial) };
    Layers { spatial, temporal: id(temporal) }
}
