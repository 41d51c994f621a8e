//! The sending half of a viewer: one gapless stream per track, whatever feed it carries.
//!
//! A viewer that is switched keeps seeing the feed before until the new one delivers a keyframe;
//! audio changes with its first packet. So for a moment the viewer belongs to two feeds, and each
//! track remembers by its [`Splice`] which source it is on.

use std::time::Duration;

use media_rules::packet::{MIN_HEADER_LEN, PlainHeader};
use media_rules::{FeedId, History, MediaKind, MediaTime, Splice, Stamp};

use crate::clock::NtpClock;
use crate::egress::Egress;
use crate::link::Link;
use crate::negotiate::Track;
use crate::packet::{Anchor, Packet, SourceId};
use crate::rollover::Rollover;
use crate::rtcp::{self, SenderInfo};
use crate::srtp::MAX_OVERHEAD;

/// A viewer is not kept on its old feed for longer than this, even if the new one never comes.
const SWITCH_PATIENCE: Duration = Duration::from_secs(5);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// The same packet is not repeated again within this; its first repeat is still under way.
const REPEAT_INTERVAL: Duration = Duration::from_millis(15);
/// Retransmissions may take this share of what was sent ...
const REPAIR_SHARE: usize = 4;
/// ... and at most this many bytes at once.
const REPAIR_BURST: usize = 96 * 1_024;
/// A receiver that asks for the same packet more often than this does not recognise the answer.
const MAX_REPEATS: u8 = 4;
const REPEATS_REMEMBERED: usize = 256;
/// After this, the same number is another packet.
const REPEAT_MEMORY: Duration = Duration::from_secs(5);

/// What one peer watches.
pub(crate) struct Viewer {
    /// What it shall see.
    pub(crate) feed: FeedId,
    /// What it saw before, until the new feed has a keyframe.
    pub(crate) previous: Option<FeedId>,
    switched: MediaTime,
    cname: String,
    tracks: Vec<SendTrack>,
    reported: MediaTime,
}

/// What a packet did for a track.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forward {
    /// It was sent, or is rightly not sent.
    Done,
    /// The track waits for a keyframe.
    NeedsKeyframe,
}

impl Viewer {
    /// Creates the tracks that the negotiation agreed on.
    pub(crate) fn new(feed: FeedId, tracks: &[Track], cname: String) -> Self {
        let tracks = tracks.iter().map(SendTrack::new).collect();
        Self {
            feed,
            previous: None,
            switched: MediaTime::default(),
            cname,
            tracks,
            reported: MediaTime::default(),
        }
    }

    /// Changes the feed. Returns the feed that the viewer no longer belongs to, if any.
    pub(crate) fn switch(&mut self, feed: FeedId, now: MediaTime) -> Option<FeedId> {
        if feed == self.feed {
            return None;
        }
        self.switched = now;
        let before = std::mem::replace(&mut self.feed, feed);
        match self.previous.take() {
            // Back to what is still on screen.
            Some(previous) if previous == self.feed => Some(before),
            // The one between was never seen.
            Some(previous) => {
                self.previous = Some(previous);
                Some(before)
            }
            None => {
                self.previous = Some(before);
                None
            }
        }
    }

    /// Returns the feed before if no track needs it any more, or if it was waited for long enough.
    pub(crate) fn poll_left(&mut self, now: MediaTime, source: Option<SourceId>) -> Option<FeedId> {
        let is_settled = source.is_some_and(|source| {
            self.tracks.iter().all(|track| track.splice.source() == Some(source.raw()))
        });
        let has_waited = now.since(self.switched) >= SWITCH_PATIENCE;
        if is_settled || has_waited { self.previous.take() } else { None }
    }

    /// Whether there is a video track that has not shown anything of `source`.
    pub(crate) fn lacks_picture_of(&self, source: SourceId) -> bool {
        self.tracks.iter().any(|track| {
            track.kind == MediaKind::Video && track.splice.source() != Some(source.raw())
        })
    }

    /// Sends a packet of `feed` if it is this viewer's turn to see it.
    pub(crate) fn forward(
        &mut self,
        feed: &FeedId,
        packet: &Packet,
        anchor: Option<Anchor>,
        link: &mut Link,
        egress: &mut Egress,
    ) -> Forward {
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind == packet.kind) else {
            return Forward::Done;
        };
        if track.splice.source() != Some(packet.source.raw()) {
            if *feed != self.feed {
                return Forward::Done;
            }
            if !link.is_connected() || !packet.is_entry {
                return Forward::NeedsKeyframe;
            }
            track.begin_source(packet, anchor);
            self.reported = MediaTime::default();
        }
        track.send(packet, link, egress);
        Forward::Done
    }

    /// Notes how the clock of `source` relates to ours.
    pub(crate) fn handle_anchor(&mut self, source: SourceId, kind: MediaKind, anchor: Anchor) {
        for track in &mut self.tracks {
            let is_on_it = track.kind == kind && track.splice.source() == Some(source.raw());
            if is_on_it && track.anchor.replace(anchor).is_none() {
                // Lips are in sync from the first report on, so it does not wait.
                self.reported = MediaTime::default();
            }
        }
    }

    /// Answers a request for lost packets from `histories`, in which packets lie by source.
    pub(crate) fn handle_nack<'a>(
        &mut self,
        ssrc: u32,
        lost: &[u16],
        now: MediaTime,
        histories: impl Fn(SourceId, MediaKind) -> Option<&'a History<Packet>>,
        link: &mut Link,
        egress: &mut Egress,
    ) {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.ssrc == ssrc) {
            for &sequence in lost {
                track.repair(sequence, now, &histories, link, egress);
            }
        }
    }

    /// Whether `ssrc` is the video track.
    pub(crate) fn is_video(&self, ssrc: u32) -> bool {
        self.tracks.iter().any(|track| track.kind == MediaKind::Video && track.ssrc == ssrc)
    }

    /// Writes the sender reports that are due.
    pub(crate) fn poll_reports(&mut self, now: MediaTime, clock: NtpClock, out: &mut Vec<u8>) {
        if now.since(self.reported) < REPORT_INTERVAL {
            return;
        }
        self.reported = now;
        for track in &self.tracks {
            if let Some(info) = track.report(now, clock) {
                rtcp::push_sender_report(out, info, &self.cname);
            }
        }
    }
}

struct SendTrack {
    kind: MediaKind,
    payload_type: u8,
    ssrc: u32,
    splice: Splice,
    rollover: Rollover,
    anchor: Option<Anchor>,
    last_sent: MediaTime,
    packets: u32,
    octets: u32,
    repair: Box<Repair>,
}

impl SendTrack {
    fn new(track: &Track) -> Self {
        // Below 32768, so that a receiver that misses the first packets still guesses right.
        let first = Stamp { sequence: fastrand::u16(1..0x4000), timestamp: fastrand::u32(..) };
        Self {
            kind: track.kind,
            payload_type: track.codec.payload_type,
            ssrc: track.ssrc,
            splice: Splice::new(first),
            rollover: Rollover::default(),
            anchor: None,
            last_sent: MediaTime::default(),
            packets: 0,
            octets: 0,
            repair: Box::new(Repair {
                stream: track.codec.rtx_payload_type.map(|pt| (pt, track.rtx_ssrc)),
                next_index: u64::from(fastrand::u16(1..0x4000)),
                credit: REPAIR_BURST,
                repeated: [Repeat::default(); REPEATS_REMEMBERED],
            }),
        }
    }

    /// Continues the outgoing stream with the source of `packet`, which it begins with.
    fn begin_source(&mut self, packet: &Packet, anchor: Option<Anchor>) {
        let rate = self.kind.clock_rate_hz();
        let since = packet.arrival.since(self.last_sent).as_nanos() * u128::from(rate);
        // At least one tick: two frames must not share a timestamp.
        let gap = u32::try_from(since / 1_000_000_000).unwrap_or(rate).clamp(1, 10 * rate);
        let first = Stamp { sequence: packet.sequence, timestamp: packet.timestamp };
        self.splice.switch_source(packet.source.raw(), first, gap);
        self.anchor = anchor;
    }

    fn send(&mut self, packet: &Packet, link: &mut Link, egress: &mut Egress) {
        let stamp = Stamp { sequence: packet.sequence, timestamp: packet.timestamp };
        let Some(stamp) = self.splice.rewrite(stamp) else {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "before_entry").increment(1);
            return;
        };
        let index = self.rollover.guess(stamp.sequence);
        self.rollover.accept(index);
        let header = PlainHeader {
            marker: packet.marker,
            payload_type: self.payload_type,
            sequence: stamp.sequence,
            timestamp: stamp.timestamp,
            ssrc: self.ssrc,
        };
        let payload = packet.payload();
        seal(header, &[], payload, index, link, egress);
        self.last_sent = packet.arrival;
        self.packets = self.packets.wrapping_add(1);
        // Counted modulo 2^32 (RFC 3550 section 6.4.1).
        self.octets = self.octets.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        self.repair.credit = (self.repair.credit + payload.len() / REPAIR_SHARE).min(REPAIR_BURST);
    }

    fn repair<'a>(
        &mut self,
        sequence: u16,
        now: MediaTime,
        histories: &impl Fn(SourceId, MediaKind) -> Option<&'a History<Packet>>,
        link: &mut Link,
        egress: &mut Egress,
    ) {
        let Some(origin) = self.splice.source_of(sequence) else {
            return;
        };
        let source = SourceId::from_raw(origin.source);
        let packet =
            histories(source, self.kind).and_then(|history| history.get(origin.sequence, now));
        let Some(packet) = packet.filter(|packet| packet.source == source) else {
            metrics::counter!("sfu_rtx_missed_total").increment(1);
            return;
        };
        if !self.repair.may_repeat(sequence, packet.rtp.len(), now) {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "rtx_budget").increment(1);
            return;
        }
        let mut header = PlainHeader {
            marker: packet.marker,
            payload_type: self.payload_type,
            sequence,
            timestamp: packet.timestamp.wrapping_add(origin.timestamp_offset),
            ssrc: self.ssrc,
        };
        metrics::counter!("sfu_rtx_sent_total").increment(1);
        let Some((payload_type, ssrc)) = self.repair.stream else {
            // Without a stream of its own it is the same packet again, bit for bit: sealing it
            // anew under the same index reveals nothing.
            let index = self.rollover.guess(sequence);
            seal(header, &[], packet.payload(), index, link, egress);
            return;
        };
        let index = self.repair.next_index;
        self.repair.next_index += 1;
        // Sequence numbers wrap by definition.
        (header.payload_type, header.ssrc) = (payload_type, ssrc);
        header.sequence = (index & 0xffff) as u16;
        seal(header, &sequence.to_be_bytes(), packet.payload(), index, link, egress);
    }

    fn report(&self, now: MediaTime, clock: NtpClock) -> Option<SenderInfo> {
        let anchor = self.anchor.filter(|_| self.packets > 0)?;
        let timestamp = anchor.timestamp_at(now, self.kind.clock_rate_hz());
        Some(SenderInfo {
            ssrc: self.ssrc,
            ntp: clock.at(now),
            rtp_timestamp: self.splice.timestamp(timestamp)?,
            packets: self.packets,
            octets: self.octets,
        })
    }
}

/// The retransmissions of one track (RFC 4588).
struct Repair {
    /// Payload type and SSRC, if the other side knows retransmission as a stream of its own.
    stream: Option<(u8, u32)>,
    next_index: u64,
    /// Bytes that may be repeated now. Empty: the request is ignored and the viewer asks again.
    credit: usize,
    /// By sequence number modulo the length.
    repeated: [Repeat; REPEATS_REMEMBERED],
}

/// What became of one request.
#[derive(Clone, Copy, Default)]
struct Repeat {
    sequence: u16,
    last: MediaTime,
    times: u8,
}

impl Repair {
    fn may_repeat(&mut self, sequence: u16, len: usize, now: MediaTime) -> bool {
        let entry = &mut self.repeated[usize::from(sequence) % REPEATS_REMEMBERED];
        if entry.sequence != sequence || now.since(entry.last) >= REPEAT_MEMORY {
            *entry = Repeat { sequence, ..Repeat::default() };
        }
        let is_recent = entry.times > 0 && now.since(entry.last) < REPEAT_INTERVAL;
        if is_recent || entry.times >= MAX_REPEATS || self.credit < len {
            return false;
        }
        entry.last = now;
        entry.times += 1;
        self.credit -= len;
        true
    }
}

/// Writes header, an optional prefix and payload into the arena and seals them there.
fn seal(
    header: PlainHeader,
    prefix: &[u8],
    payload: &[u8],
    index: u64,
    link: &mut Link,
    egress: &mut Egress,
) {
    let Some((srtp, path)) = link.media() else {
        return;
    };
    let len = MIN_HEADER_LEN + prefix.len() + payload.len();
    if !egress.has_room(len + MAX_OVERHEAD) {
        metrics::counter!("sfu_packets_dropped_total", "reason" => "egress_full").increment(1);
        return;
    }
    egress.put(path, len + MAX_OVERHEAD, |out| {
        let (head, rest) = out.split_at_mut(MIN_HEADER_LEN);
        head.copy_from_slice(&header.to_bytes());
        let (start, rest) = rest.split_at_mut(prefix.len());
        start.copy_from_slice(prefix);
        rest[..payload.len()].copy_from_slice(payload);
        srtp.seal_rtp(out, MIN_HEADER_LEN, len, index)
    });
}
