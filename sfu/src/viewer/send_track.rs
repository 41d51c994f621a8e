//! One track of a viewer: which stream it plays, how far it got, and under which numbers.

mod again;
mod choose;
mod tally;

use std::time::Duration;

use media_rules::packet::{ExtensionList, PlainHeader};
use media_rules::{Codec, Layers, MediaKind, MediaTime, Splice, Stamp, Thinner};

use super::descriptor::{Descriptor, picture_numbers};
use super::header::{MAX_PADDING, Outgoing};
use super::pace::Pace;
use super::redundancy::{self, Redundancy};
use super::repair::Repair;
use super::timing::{Timing, Told, Wishes};
use super::{Feeds, Served};
use crate::clock::NtpClock;
use crate::egress::Egress;
use crate::extension::ExtensionIds;
use crate::feed::Stream;
use crate::link::Link;
use crate::negotiate::Track;
use crate::packet::{Anchor, Packet, Slot, StreamId};
use crate::rollover::Rollover;
use crate::rtcp::{Reception, SenderInfo};
use tally::Tally;

/// A keyframe that came no longer ago than this is still a good place to begin.
const FRESH_ENTRY: Duration = Duration::from_millis(150);
/// A track that is further behind than this skips to what is new.
const MAX_LAG: Duration = Duration::from_millis(500);

/// A longer value does not fit the short heads of extensions (RFC 8285 section 4.2), which is all that
/// every viewer can read; its tracks are told apart by the SSRCs of the answer.
const MAX_MID_LEN: usize = 16;

/// How far a track got with what is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// All of it was sent.
    Done,
    /// The rest waits for its time.
    Waits,
    /// The arena is full.
    Cut,
}

/// Where a viewer's packets go, and when.
pub(super) struct Outlet<'a> {
    pub(super) now: MediaTime,
    pub(super) pace: &'a mut Pace,
    pub(super) link: &'a mut Link,
    pub(super) egress: &'a mut Egress,
}

/// A codec's payload types at the viewer.
#[derive(Clone, Copy)]
struct SendCodec {
    codec: Codec,
    payload_type: u8,
    rtx_payload_type: Option<u8>,
    red_payload_type: Option<u8>,
}

/// A track as the negotiation agreed on it.
pub(super) struct SendTrack {
    pub(super) kind: MediaKind,
    pub(super) ssrc: u32,
    /// The section of the viewer's description that this is; empty if it is not told.
    mid: Box<str>,
    /// Which of the source's streams is to be played.
    pub(super) wanted: Slot,
    /// What is to be played of it, and what is: more only from where that is possible.
    wanted_layers: Layers,
    layers: Layers,
    /// Nothing of lower spatial layers was left out since the last keyframe.
    has_lower: bool,
    /// Nothing is to be played until this is over.
    is_paused: bool,
    /// Of the newest frame that was met: what is played of a stream changes between frames.
    frame: Option<u32>,
    /// Video only: the numbers without what is left out.
    thinner: Option<Thinner>,
    /// One for each codec that the viewer knows.
    codecs: Box<[SendCodec]>,
    /// The one of what was sent last.
    codec: Option<SendCodec>,
    extensions: ExtensionIds,
    playing: Option<StreamId>,
    /// Position of the next packet in the log of what is played.
    cursor: u64,
    /// What is waited for, and the position from which on a keyframe of it will do.
    awaited: Option<(StreamId, u64)>,
    splice: Splice,
    rollover: Rollover,
    anchor: Option<Anchor>,
    last_sent: MediaTime,
    tally: Tally,
    /// Whether it skipped since this was asked last.
    has_skipped: bool,
    timing: Timing,
    repair: Repair,
}

impl SendTrack {
    /// Whether sound may be sent with the frames before it.
    pub(super) fn has_red(&self) -> bool {
        self.codecs.iter().any(|codec| codec.red_payload_type.is_some())
    }

    pub(super) fn new(track: &Track, wishes: Wishes) -> Self {
        // Below 32768, so that a receiver that misses the first packets still guesses right.
        let first = Stamp { sequence: fastrand::u16(1..0x4000), timestamp: fastrand::u32(..) };
        let codecs = track.codecs.iter().map(|codec| SendCodec {
            codec: codec.codec,
            payload_type: codec.payload_type,
            rtx_payload_type: codec.rtx_payload_type,
            red_payload_type: codec.red_payload_type,
        });
        Self {
            kind: track.kind,
            ssrc: track.ssrc,
            mid: if track.mid.len() <= MAX_MID_LEN { track.mid.as_str() } else { "" }.into(),
            wanted: track.kind.into(),
            wanted_layers: Layers::ALL,
            layers: Layers::ALL,
            has_lower: true,
            is_paused: false,
            frame: None,
            thinner: (track.kind == MediaKind::Video).then(Thinner::default),
            codecs: codecs.collect(),
            codec: None,
            extensions: track.extensions,
            playing: None,
            cursor: 0,
            awaited: None,
            splice: Splice::new(first),
            rollover: Rollover::default(),
            anchor: None,
            last_sent: MediaTime::default(),
            tally: Tally::default(),
            has_skipped: false,
            timing: Timing::new(wishes),
            repair: Repair::new(track.rtx_ssrc),
        }
    }

    /// Whether every packet can be sent again under a number of its own. Where that is not so a
    /// repeat must equal the first bit for bit, or it would give the key away (RFC 3711 section 9.1).
    pub(super) fn has_rtx(&self) -> bool {
        self.codecs.iter().all(|codec| codec.rtx_payload_type.is_some())
    }

    /// Reads a little of each piece of the track that sending takes, so that memory brings it.
    pub(super) fn touch(&self) -> u64 {
        let numbers = self.rollover.guess(0) ^ self.splice.source().unwrap_or(0) ^ self.cursor;
        let times = self.last_sent.nanos() ^ self.timing.began().nanos() ^ self.tally.packets();
        numbers ^ times ^ u64::from(self.repair.ssrc) ^ u64::from(self.thinner.is_some())
    }

    /// Leaves the transport-wide number out of packets.
    pub(super) const fn forgo_numbers(&mut self) {
        self.extensions.transport_cc = None;
    }

    /// Sends what the log holds from the cursor on. Sound does not wait for its time.
    pub(super) fn send_pending(
        &mut self,
        feeds: Feeds<'_>,
        redundancy: &mut Option<Box<Redundancy>>,
        served: &mut Served,
        out: &mut Outlet<'_>,
    ) -> Progress {
        let Some(stream) = self.playing.and_then(|id| feeds.stream_of(id)) else {
            return Progress::Done;
        };
        while let Some(packet) = stream.log.at(self.cursor) {
            if self.kind == MediaKind::Video && !out.pace.has_budget() {
                return Progress::Waits;
            }
            let before = self.tally.packets();
            if !self.send(stream, packet, redundancy.as_deref_mut(), out) {
                return Progress::Cut;
            }
            if self.tally.packets() != before {
                // What it begins with may have come long before anything could be sent.
                served.note_packet(packet.received.max(self.timing.began()));
            }
            self.cursor += 1;
        }
        Progress::Done
    }

    /// Returns whether the track skipped since the last time.
    pub(super) const fn poll_skipped(&mut self) -> bool {
        std::mem::replace(&mut self.has_skipped, false)
    }

    /// Sends `len` bytes of padding as retransmissions of nothing. Returns `false` if it cannot.
    pub(super) fn pad(&mut self, mut len: usize, out: &mut Outlet<'_>) -> bool {
        let payload_type = self.codecs.iter().find_map(|codec| codec.rtx_payload_type);
        let (Some(payload_type), Some(_), Some(newest)) =
            (payload_type, self.extensions.transport_cc, self.splice.newest())
        else {
            return false;
        };
        // Who is served late owes more than the probe takes.
        while len > 0 && out.pace.is_probing() {
            let index = self.repair.next_index();
            let header = PlainHeader {
                marker: false,
                payload_type,
                // Sequence numbers wrap by definition.
                sequence: (index & 0xffff) as u16,
                timestamp: newest.timestamp,
                ssrc: self.repair.ssrc,
            };
            let number = out.pace.number();
            let mut extensions = ExtensionList::default();
            extensions.push(self.extensions.transport_cc, &number);
            let outgoing =
                Outgoing { header, extensions, prefix: &[], descriptor: &[], payload: &[] };
            let size = outgoing.max_len() + MAX_PADDING;
            if !outgoing.seal_padding(index, out.link, out.egress) {
                return true;
            }
            out.pace.handle_sent(size, true, out.now);
            len = len.saturating_sub(size);
        }
        true
    }

    /// Notes how a stream's clock relates to ours. Returns whether it is news that cannot wait.
    pub(super) fn handle_anchor(&mut self, stream: StreamId, anchor: Anchor) -> bool {
        self.playing == Some(stream) && self.anchor.replace(anchor).is_none()
    }

    /// Takes a report. Returns how many packets were lost of how many since the one before.
    pub(super) fn handle_reception(
        &mut self,
        report: &Reception,
        rtt: Option<Duration>,
    ) -> (u32, u32) {
        if let Some(rtt) = rtt {
            self.repair.handle_rtt(rtt);
        }
        self.tally.handle_report(report, rtt)
    }

    /// The viewer asked for a keyframe. Returns the stream that it is to be of.
    pub(super) const fn handle_keyframe_request(&mut self) -> Slot {
        self.tally.handle_keyframe_request();
        self.wanted
    }

    /// The viewer asked for lost packets.
    pub(super) const fn handle_nack(&mut self) {
        self.tally.handle_nack();
    }

    /// Works out what a timer looks at.
    pub(super) fn look(&mut self, now: MediaTime) {
        self.tally.look(now);
    }

    /// Returns what a sender report says of this track, once there is something to say.
    pub(super) fn report(&self, now: MediaTime, clock: NtpClock) -> Option<SenderInfo> {
        let (packets, octets) = self.tally.reported()?;
        let rtp_timestamp = self.timestamp_at(now)?;
        Some(SenderInfo { ssrc: self.ssrc, ntp: clock.at(now), rtp_timestamp, packets, octets })
    }

    /// Returns the timestamp, as the viewer sees it, of what was captured at `at`.
    pub(super) fn timestamp_at(&self, at: MediaTime) -> Option<u32> {
        self.splice.timestamp(self.anchor?.timestamp_at(at, self.kind.clock_rate_hz()))
    }

    /// Returns what is told of time beside a packet, and whether its section is, until the viewer has
    /// heard of it (RFC 9143 section 15). What is told is of the moment, so nothing beside one that may
    /// be sent again under its old number, which has to be the same bit for bit.
    fn tell(&mut self, packet: &Packet, codec: SendCodec, now: MediaTime) -> (Told, Option<u8>) {
        let is_for_once = self.kind == MediaKind::Audio || codec.rtx_payload_type.is_some();
        if !is_for_once {
            return (Told::default(), None);
        }
        let mid = self.extensions.mid.filter(|_| !self.tally.is_heard());
        (self.timing.tell(packet, self.anchor, now), mid)
    }

    fn codec_of(&mut self, packet: &Packet) -> Option<SendCodec> {
        let is_it = |known: &SendCodec| known.codec == packet.codec;
        self.codec = self.codec.filter(is_it).or_else(|| self.codecs.iter().copied().find(is_it));
        if self.codec.is_none() {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "codec").increment(1);
        }
        self.codec
    }

    /// Returns `false` if the arena has no room.
    fn send(
        &mut self,
        stream: &Stream,
        packet: &Packet,
        mut redundancy: Option<&mut Redundancy>,
        out: &mut Outlet<'_>,
    ) -> bool {
        let growth = redundancy.as_ref().map_or(Outgoing::MAX_GROWTH, |_| redundancy::MAX_GROWTH);
        if !out.egress.has_room(packet.rtp.len() + growth) {
            return false;
        }
        let Some(codec) = self.codec_of(packet) else {
            return true;
        };
        let Some(place) = self.thin(packet) else {
            return true;
        };
        let stamp = Stamp { sequence: place.sequence, timestamp: packet.timestamp };
        let Some(stamp) = self.splice.rewrite(stamp) else {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "before_entry").increment(1);
            return true;
        };
        let index = self.rollover.guess(stamp.sequence);
        self.rollover.accept(index);
        let payload = packet.payload();
        let repeats_sound = redundancy.as_ref().is_some_and(|to| to.repeats_sound());
        let red = redundancy
            .as_deref_mut()
            .zip(codec.red_payload_type)
            .and_then(|(r, red)| Some((red, r.wrap(stream, packet, codec.payload_type, out.now)?)));
        let payload_type = red.map_or(codec.payload_type, |(red, _)| red);
        let header = PlainHeader {
            marker: packet.marker || self.ends_picture(&packet.frame),
            payload_type,
            sequence: stamp.sequence,
            timestamp: stamp.timestamp,
            ssrc: self.ssrc,
        };
        let (descriptor, content) = match red {
            Some((_, content)) => (Descriptor::default(), content),
            None => Descriptor::shift(packet, place.shift),
        };
        let number = out.pace.number();
        // What is repeated bit for bit may arrive late under the same number, as if from a queue.
        let has_number = self.kind == MediaKind::Video || !repeats_sound;
        let number_id = self.extensions.transport_cc.filter(|_| has_number);
        let (told, mid) = self.tell(packet, codec, out.now);
        let mut extensions = ExtensionList::default();
        packet.push_extensions(&self.extensions, &mut extensions);
        extensions.push(number_id, &number);
        told.push(&self.extensions, &mut extensions);
        extensions.push(mid, self.mid.as_bytes());
        let octets = descriptor.len + content.len();
        let (prefix, descriptor): (&[u8], _) = (&[], descriptor.bytes());
        let marker = header.marker;
        let outgoing = Outgoing { header, extensions, prefix, descriptor, payload: content };
        let len = outgoing.max_len();
        outgoing.seal(index, out.link, out.egress);
        out.pace.handle_sent(len, number_id.is_some(), out.now);
        self.last_sent = packet.arrival;
        self.tally.handle_sent(codec, octets, marker);
        let is_lossy = redundancy.as_ref().is_some_and(|redundancy| redundancy.is_heavy());
        self.repair.handle_sent(payload.len(), is_lossy);
        let Some(redundancy) = redundancy else {
            return true;
        };
        match self.kind {
            MediaKind::Audio => {
                let sealed = out.egress.last();
                redundancy.handle_audio(stamp.sequence, payload.len(), sealed, out.now);
            }
            MediaKind::Video if codec.rtx_payload_type.is_some() => {
                redundancy.handle_video(stamp.sequence, payload.len(), out.now);
            }
            // Copies without a number of their own are not worth keeping so much video for.
            MediaKind::Video => {}
        }
        true
    }
}
