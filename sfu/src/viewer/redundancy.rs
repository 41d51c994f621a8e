//! What one viewer is sent twice while its network loses packets; `media_rules::redundancy` decides
//! how much.
//!
//! It is there from the first loss that a viewer tells until the loss is forgotten, so a viewer with
//! a good network has none of it. Sound is repeated bit for bit, which a receiver's replay protection
//! makes harmless: it takes the first that comes. That is also why sealed packets are kept and not
//! made anew: other bytes sealed under the same number would give the key stream away (RFC 3711
//! section 9.1). Video is repeated as retransmissions, which have numbers of their own.

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::red::{self, Block};
use media_rules::redundancy::{MediaSize, Policy};
use media_rules::{Later, MediaKind, MediaTime};

use crate::feed::Stream;
use crate::packet::Packet;

/// Room that a packet with the most redundancy takes beyond its own size.
pub(super) const MAX_GROWTH: usize = 1_400;
/// How often the amount is decided anew.
const DECIDE_INTERVAL: Duration = Duration::from_millis(100);
/// How often the state of the path is passed on.
const TELL_INTERVAL: Duration = Duration::from_millis(100);
/// How often the media's rate is measured anew.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);
/// Copies under way to one viewer. Full: the copy is left out, the original was sent.
const MAX_COPIES: usize = 512;
/// Sealed packets of sound: 640 ms, more than any repeat is worth.
const SEALED: usize = 32;
/// Below this loss of both kinds all of it is forgotten, this long after the last lost packet.
const FORGET: f64 = 0.001;
const FORGET_AFTER: Duration = Duration::from_secs(15);
/// What media is taken for until it was measured.
const ASSUMED: MediaSize = MediaSize { audio_bps: 64_000, audio_frame: 160, video_bps: 1_000_000 };

/// One viewer's repetitions.
pub(super) struct Redundancy {
    policy: Policy,
    last_loss: MediaTime,
    decided: MediaTime,
    told: MediaTime,
    size: MediaSize,
    measured: MediaTime,
    /// Bytes of sound and picture since the last measurement.
    octets: [u32; 2],
    /// The largest frame of sound since then.
    largest: usize,
    later: Later<Again>,
    /// Full: the oldest makes room.
    sealed: VecDeque<(u16, Box<[u8]>)>,
    /// The payload that is being put together.
    payload: Vec<u8>,
}

/// A packet to be sent again, by the number that the viewer knows it by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Again {
    Audio(u16),
    Video(u16),
}

impl Redundancy {
    /// Starts when the first loss is told.
    pub(super) fn new(has_red: bool, now: MediaTime) -> Self {
        Self {
            policy: Policy::new(has_red),
            last_loss: now,
            decided: now,
            told: now,
            size: ASSUMED,
            measured: now,
            octets: [0; 2],
            largest: 0,
            later: Later::new(MAX_COPIES),
            sealed: VecDeque::with_capacity(SEALED),
            payload: Vec::new(),
        }
    }

    /// The viewer told how much of a kind it did not get.
    pub(super) fn handle_report(&mut self, kind: MediaKind, lost: u32, total: u32, now: MediaTime) {
        if lost > 0 {
            self.last_loss = now;
        }
        self.policy.handle_report(kind, lost, total, now);
    }

    /// The round trip was measured.
    pub(super) fn handle_rtt(&mut self, rtt: Duration) {
        self.policy.handle_rtt(rtt);
    }

    /// What the path is estimated to carry, and how long packets stand in its queue.
    pub(super) fn handle_path(&mut self, bps: u64, queue: Duration, now: MediaTime) {
        if now.since(self.told) >= TELL_INTERVAL {
            self.told = now;
            self.policy.handle_path(u32::try_from(bps).unwrap_or(u32::MAX), queue, now);
        }
    }

    /// Returns what may be sent in all, in bits per second.
    pub(super) fn allowed_bps(&self) -> u64 {
        self.policy.available_bps().map_or(0, u64::from)
    }

    /// Returns what would be sent, in bits per second, if the path carried it.
    pub(super) const fn wanted_bps(&self) -> u64 {
        self.policy.wanted_bps()
    }

    /// Decides anew if it is time to. Returns `false` if all of it can be forgotten.
    pub(super) fn poll(&mut self, now: MediaTime) -> bool {
        if now.since(self.decided) >= DECIDE_INTERVAL {
            self.decide(now);
        }
        let losses = [MediaKind::Audio, MediaKind::Video].map(|kind| self.policy.loss(kind));
        losses.iter().any(|loss| *loss > FORGET) || now.since(self.last_loss) < FORGET_AFTER
    }

    /// Returns `packet`'s payload with the frames before it, or `None` if it goes as it is.
    pub(super) fn wrap(
        &mut self,
        stream: &Stream,
        packet: &Packet,
        payload_type: u8,
        now: MediaTime,
    ) -> Option<&[u8]> {
        let depth = u16::try_from(self.policy.audio().depth).ok().filter(|depth| *depth > 0)?;
        let mut blocks = [Block { payload_type, timestamp_offset: 0, payload: &[] }; 8];
        let mut count = 0;
        for back in (1..=depth).rev() {
            let older = stream.log.by_sequence(packet.sequence.wrapping_sub(back), now);
            let Some(older) = older.filter(|older| older.codec == packet.codec) else {
                continue;
            };
            let timestamp_offset = packet.timestamp.wrapping_sub(older.timestamp);
            let block = Block { payload_type, timestamp_offset, payload: older.payload() };
            if block.fits() && timestamp_offset > 0 && count < blocks.len() {
                blocks[count] = block;
                count += 1;
            }
        }
        let primary = Block { payload_type, timestamp_offset: 0, payload: packet.payload() };
        // Frames may have become larger since the depth was decided.
        let first = (0..=count).find(|first| {
            let len = red::encoded_len(&blocks[*first..count], primary.payload.len());
            len <= MAX_GROWTH - 200
        })?;
        self.payload.clear();
        red::write(&blocks[first..count], primary, &mut self.payload);
        Some(&self.payload)
    }

    /// A packet of sound went out as `sealed`.
    pub(super) fn handle_audio(
        &mut self,
        sequence: u16,
        len: usize,
        sealed: &[u8],
        now: MediaTime,
    ) {
        self.measure(MediaKind::Audio, len, now);
        if self.sealed.len() == SEALED {
            self.sealed.pop_front();
        }
        self.sealed.push_back((sequence, sealed.into()));
        let plan = self.policy.audio();
        self.plan(Again::Audio(sequence), plan.copies, plan.spacing, now);
    }

    /// A packet of video went out that can be retransmitted.
    pub(super) fn handle_video(&mut self, sequence: u16, len: usize, now: MediaTime) {
        self.measure(MediaKind::Video, len, now);
        let plan = self.policy.video();
        self.plan(Again::Video(sequence), plan.copies, plan.spacing, now);
    }

    /// A packet of video was retransmitted because it was asked for.
    pub(super) fn handle_answer(&mut self, sequence: u16, now: MediaTime) {
        let plan = self.policy.video();
        self.plan(Again::Video(sequence), plan.answers - 1, plan.spacing, now);
    }

    /// Returns what is to be sent again now.
    pub(super) fn poll_again(&mut self, now: MediaTime) -> Option<Again> {
        self.later.poll(now)
    }

    /// Returns when there is something to be sent again.
    pub(super) fn poll_timeout(&self) -> Option<MediaTime> {
        self.later.poll_timeout()
    }

    /// Returns a packet of sound as it went out.
    pub(super) fn sealed(&self, sequence: u16) -> Option<&[u8]> {
        self.sealed.iter().rev().find(|(known, _)| *known == sequence).map(|(_, bytes)| &**bytes)
    }

    /// Whether packets of sound are sent more than once.
    pub(super) const fn repeats_sound(&self) -> bool {
        self.policy.audio().copies > 0
    }

    /// Whether so much is lost that answering takes more than its usual share.
    pub(super) fn is_heavy(&self) -> bool {
        self.policy.video().answers > 1
    }

    fn plan(&mut self, again: Again, times: usize, spacing: Duration, now: MediaTime) {
        for time in 1..=times {
            let due = now + spacing * u32::try_from(time).expect("a handful");
            if !self.later.push(due, again) {
                metrics::counter!("sfu_packets_dropped_total", "reason" => "copies_full")
                    .increment(1);
            }
        }
    }

    fn measure(&mut self, kind: MediaKind, len: usize, now: MediaTime) {
        let at = usize::from(kind == MediaKind::Video);
        self.octets[at] = self.octets[at].saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        if kind == MediaKind::Audio {
            self.largest = self.largest.max(len);
            self.size.audio_frame = self.size.audio_frame.max(len);
        }
        let elapsed = now.since(self.measured);
        if elapsed >= MEASURE_INTERVAL {
            let bps = |octets: u32| (f64::from(octets) * 8.0 / elapsed.as_secs_f64()) as u32;
            self.size.audio_bps = bps(self.octets[0]);
            self.size.video_bps = bps(self.octets[1]);
            self.size.audio_frame = self.largest;
            (self.octets, self.largest) = ([0; 2], 0);
            self.measured = now;
        }
    }

    fn decide(&mut self, now: MediaTime) {
        self.decided = now;
        self.policy.decide(self.size, now);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media_rules::Codec;
    use media_rules::packet::{PlainHeader, RtpHeader};

    use super::*;
    use crate::event::PeerId;
    use crate::feed::{Feed, Gathering};
    use crate::packet::{PacketExtensions, Slot, SourceId, StreamId};

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(100_000 + millis)
    }

    fn frame(number: u16) -> Packet {
        let source = SourceId::new(PeerId::new(1, 0), 0);
        let stream = StreamId { source, slot: Slot::AUDIO };
        let timestamp = u32::from(number) * 960;
        let header =
            PlainHeader { marker: false, payload_type: 111, sequence: number, timestamp, ssrc: 7 };
        let rtp = [&header.to_bytes()[..], &number.to_be_bytes()].concat();
        let header = RtpHeader::parse(&rtp).expect("just written");
        let extensions = PacketExtensions::default();
        Packet::new(stream, Codec::Opus, at(0), &header, extensions, Bytes::from(rtp))
    }

    /// A feed with frames 1 to 9, and a viewer that loses `percent` of them.
    fn lossy(percent: u32) -> (Feed, Redundancy) {
        let mut feed = Feed::new(Duration::from_secs(1));
        for number in 1..10 {
            let packet = frame(number);
            feed.handle_source(packet.stream.source);
            feed.push(packet, Gathering::All, at(0));
        }
        let mut redundancy = Redundancy::new(true, at(0));
        for step in 0..20 {
            redundancy.handle_report(MediaKind::Audio, percent, 100, at(step * 10));
            redundancy.handle_report(MediaKind::Video, percent, 100, at(step * 10));
        }
        redundancy.poll(at(1_000));
        (feed, redundancy)
    }

    #[test]
    fn sound_goes_with_the_frames_before_it_as_deep_as_the_loss_is() {
        let (feed, mut redundancy) = lossy(20);
        let stream = feed.stream(Slot::AUDIO).expect("it has begun");
        let depth = redundancy.policy.audio().depth;
        assert!(depth >= 2, "{depth}");

        let payload = redundancy.wrap(stream, &frame(9), 111, at(1_000)).expect("wrapped");

        let blocks = red::parse(payload).expect("redundant audio");
        assert_eq!(blocks.primary().payload, [0, 9]);
        let newest = blocks.redundant().last().expect("there is one");
        assert_eq!((newest.timestamp_offset, newest.payload), (960, &[0, 8][..]));
        assert_eq!(blocks.redundant().len(), depth);
    }

    #[test]
    fn without_loss_sound_goes_as_it_is() {
        let (feed, mut redundancy) = lossy(0);
        let stream = feed.stream(Slot::AUDIO).expect("it has begun");
        assert!(redundancy.wrap(stream, &frame(9), 111, at(1_000)).is_none());
        redundancy.handle_audio(9, 2, b"sealed", at(1_000));
        redundancy.handle_video(9, 1_000, at(1_000));
        assert_eq!(redundancy.poll_timeout(), None, "nothing is sent again");
    }

    #[test]
    fn a_copy_of_sound_is_the_very_bytes_and_comes_later() {
        let (_, mut redundancy) = lossy(80);
        redundancy.handle_audio(9, 2, b"sealed", at(1_000));
        assert!(redundancy.poll_again(at(1_000)).is_none(), "not at once");
        let copies: Vec<_> = std::iter::from_fn(|| redundancy.poll_again(at(1_100))).collect();
        assert_eq!(copies.len(), redundancy.policy.audio().copies);
        assert!(!copies.is_empty() && copies.iter().all(|copy| *copy == Again::Audio(9)));
        assert_eq!(redundancy.sealed(9), Some(&b"sealed"[..]));
    }

    #[test]
    fn it_is_over_a_while_after_the_last_loss_and_not_before_the_first_window() {
        let mut redundancy = Redundancy::new(true, at(0));
        redundancy.handle_report(MediaKind::Video, 1, 10, at(0));
        assert!(redundancy.poll(at(100)), "too few packets to know the loss, but there is one");
        assert!(redundancy.poll(at(14_900)));
        assert!(!redundancy.poll(at(15_100)));
    }
}
