//! One track's order and clock, across the connections of its publisher.

use std::time::Duration;

use super::reorder::ReorderBuffer;
use super::timeline::Timeline;
use crate::{MediaKind, MediaTime, RtpHeader};

/// Packets of a publisher's former connection are ignored this long after the new one began.
const FORMER_SOURCE: Duration = Duration::from_secs(2);

/// One track's order and clock.
#[derive(Debug)]
pub(super) struct Track<P> {
    source: Option<u32>,
    /// The source before, and when it was replaced.
    former: Option<(u32, MediaTime)>,
    pub(super) reorder: ReorderBuffer<P>,
    pub(super) timeline: Timeline,
}

impl<P> Track<P> {
    pub(super) fn new(kind: MediaKind, wait: Duration, max_held: usize) -> Self {
        Self {
            source: None,
            former: None,
            reorder: ReorderBuffer::new(wait, max_held),
            timeline: Timeline::new(kind.clock_rate_hz()),
        }
    }

    /// Says whose packet this is; a new source starts the track's order and clock anew.
    pub(super) fn admit(&mut self, header: &RtpHeader, now: MediaTime) -> Source {
        if self.source == Some(header.ssrc) {
            return Source::Current;
        }
        if let Some((former, since)) = self.former
            && former == header.ssrc
            && now.since(since) < FORMER_SOURCE
        {
            return Source::Former;
        }
        self.former = self.source.map(|source| (source, now));
        self.source = Some(header.ssrc);
        self.reorder.restart();
        self.timeline.restart();
        Source::New
    }
}

/// Which connection of the publisher a packet belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Current,
    New,
    Former,
}
