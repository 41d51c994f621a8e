//! Which stream a track plays, where in it, and what it leaves out.

use media_rules::codec::vp8::PictureNumbers;
use media_rules::{FrameInfo, Layers, MediaKind, MediaTime, Passage, Stamp};

use super::{FRESH_ENTRY, Feeds, MAX_LAG, SendTrack, picture_numbers};
use crate::feed::Stream;
use crate::packet::{Packet, Slot, SourceId, StreamId};

impl SendTrack {
    /// Whether something of `source` is played.
    pub(in crate::viewer) fn plays(&self, source: SourceId) -> bool {
        self.playing.is_some_and(|stream| stream.source == source)
    }

    /// Returns the stream of `source` whose keyframe is waited for.
    pub(in crate::viewer) fn lacks_picture_of(&self, source: SourceId) -> Option<Slot> {
        let wanted = StreamId { source, slot: self.wanted };
        let lacks_layer = self.wanted_layers.spatial != self.layers.spatial;
        let lacks = self.playing != Some(wanted) || lacks_layer;
        (self.kind == MediaKind::Video && !self.is_paused && lacks).then_some(self.wanted)
    }

    /// Plays something else from its next keyframe on; less of the same from the next frame on.
    pub(in crate::viewer) fn show(&mut self, slot: Slot, layers: Layers) {
        (self.wanted, self.wanted_layers) = (slot, layers);
        self.is_paused = false;
    }

    /// Plays nothing until something is to be shown again.
    pub(in crate::viewer) fn pause(&mut self) {
        if !std::mem::replace(&mut self.is_paused, true) {
            metrics::counter!("sfu_video_pauses_total").increment(1);
            (self.playing, self.awaited) = (None, None);
        }
    }

    /// Returns what is played and what is to be played.
    pub(in crate::viewer) fn taken(&self) -> impl Iterator<Item = Slot> + use<> {
        let wanted = (!self.is_paused).then_some(self.wanted);
        wanted.into_iter().chain(self.playing.map(|stream| stream.slot))
    }

    /// Goes over to the wanted stream as soon as there is a place to begin. Returns whether it did.
    pub(in crate::viewer) fn choose(&mut self, feeds: Feeds<'_>, now: MediaTime) -> bool {
        let Some(source) = feeds.wanted.source.filter(|_| !self.is_paused) else {
            return false;
        };
        let wanted = StreamId { source, slot: self.wanted };
        if self.playing == Some(wanted) {
            self.skip_if_behind(feeds, now);
            return false;
        }
        let Some(stream) = feeds.wanted.stream_of(wanted) else {
            return false;
        };
        let from = match self.awaited {
            Some((id, from)) if id == wanted => from,
            _ => fresh_entry(stream, now).unwrap_or(stream.log.end()),
        };
        self.awaited = Some((wanted, from));
        let Some(start) = entry_from(stream, from) else {
            return false;
        };
        self.begin(stream, start, now)
    }

    /// A track that is too far behind begins again at the newest keyframe, or waits for the next.
    fn skip_if_behind(&mut self, feeds: Feeds<'_>, now: MediaTime) {
        let Some(stream) = self.playing.and_then(|id| feeds.stream_of(id)) else {
            return;
        };
        let is_behind = self.cursor < stream.log.begin()
            || stream.log.at(self.cursor).is_some_and(|packet| now.since(packet.arrival) > MAX_LAG);
        if !is_behind {
            return;
        }
        metrics::counter!("sfu_skips_total").increment(1);
        self.has_skipped = true;
        match entry_from(stream, self.cursor + 1) {
            Some(start) => {
                self.begin(stream, start, now);
            }
            None => {
                self.awaited = Some((stream.id, stream.log.end()));
                self.playing = None;
            }
        }
    }

    /// Continues the outgoing stream with `stream`, from `start` on.
    fn begin(&mut self, stream: &Stream, start: u64, now: MediaTime) -> bool {
        let Some(packet) = stream.log.at(start) else {
            return false;
        };
        let rate = self.kind.clock_rate_hz();
        let since = packet.arrival.since(self.last_sent).as_nanos() * u128::from(rate);
        // At least one tick: two frames must not share a timestamp.
        let gap = u32::try_from(since / 1_000_000_000).unwrap_or(rate).clamp(1, 10 * rate);
        let first = Stamp { sequence: packet.sequence, timestamp: packet.timestamp };
        if let Some(thinner) = &mut self.thinner {
            thinner.begin(stream.id.raw(), packet.sequence, picture_numbers(packet));
        }
        (self.layers, self.frame) = (self.wanted_layers, Some(packet.timestamp));
        self.has_lower = true;
        self.splice.switch_source(stream.id.raw(), first, gap);
        self.anchor = stream.anchor;
        self.playing = Some(stream.id);
        self.awaited = None;
        self.cursor = start;
        self.timing.handle_begin(now);
        true
    }

    /// Returns the numbers under which a packet goes on; `None` if it is left out.
    pub(super) fn thin(&mut self, packet: &Packet) -> Option<Passage> {
        let Packet { sequence, timestamp, frame, .. } = packet;
        let Some(thinner) = &mut self.thinner else {
            return Some(Passage { sequence: *sequence, shift: PictureNumbers::default() });
        };
        // A late packet is of a frame that was decided about.
        let is_newer = |known: u32| timestamp.wrapping_sub(known).cast_signed() > 0;
        if self.frame.is_none_or(is_newer) {
            self.frame = Some(*timestamp);
            self.layers = self.layers.toward(self.wanted_layers, frame, self.has_lower);
            self.has_lower |= frame.is_entry;
        }
        if !frame.is_needed_for(self.layers) && thinner.skip(*sequence, *timestamp) {
            self.has_lower &= frame.spatial >= self.layers.spatial;
            return None;
        }
        let place = thinner.pass(*sequence, picture_numbers(packet));
        if place.is_none() {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "before_entry").increment(1);
        }
        place
    }

    /// Whether a picture is over with this frame because higher spatial layers are left out.
    pub(super) const fn ends_picture(&self, frame: &FrameInfo) -> bool {
        frame.ends_frame && frame.spatial == self.layers.spatial
    }
}

/// Returns where to begin with a stream that is met now.
fn fresh_entry(stream: &Stream, now: MediaTime) -> Option<u64> {
    let entry = entry_from(stream, 0)?;
    let packet = stream.log.at(entry)?;
    (now.since(packet.arrival) <= FRESH_ENTRY).then_some(entry)
}

/// Returns the newest place at or after `from` where a viewer can begin.
fn entry_from(stream: &Stream, from: u64) -> Option<u64> {
    let newest = match stream.id.slot.kind() {
        MediaKind::Audio => stream.log.end().checked_sub(1),
        MediaKind::Video => stream.entry,
    };
    newest.filter(|newest| *newest >= from)
}
