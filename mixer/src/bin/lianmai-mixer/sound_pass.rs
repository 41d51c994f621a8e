//! Passes on the sound of a host whose pictures are passed on, as the host encoded it. Packets leave when
//! the mix of the same moment would, so a viewer's buffer meets one stream.
//!
//! ```text
//! mixing ──wanted, and nothing was missing for 500 ms──▶ passing
//! mixing ◀──not wanted, or nothing came for 60 ms──────── passing
//! ```
//!
//! What surprises: a packet does not keep its moment but follows the one before it to the sample, because a
//! player hears every step in between. The moments only say where packets are missing, and when the host's
//! clock has run away by most of a packet, which is then left out or missed.

use std::time::Duration;

use bytes::Bytes;
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

/// Nothing was missing for this long before a host's sound is passed on.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// A host of whom nothing came for this long is mixed: what is missing is made up.
const MISSED: Duration = Duration::from_millis(60);

/// A packet of Opus as a host sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet {
    /// When it is due to a player that plays every decoded sample.
    pub(crate) at: MediaTime,
    /// How much was lost before it.
    pub(crate) lost_before: Duration,
    /// The packet.
    pub(crate) data: Bytes,
}

/// Who makes the program's Opus.
#[derive(Debug, Default)]
pub(crate) struct SoundPass {
    is_on: bool,
    /// Where the sound that was sent ends.
    end: Option<MediaTime>,
    /// Since when the host's sound has been whole, and where what came of it ends.
    good_since: Option<MediaTime>,
    heard: MediaTime,
}

impl SoundPass {
    /// Takes the host's packets that are due with the block of the mix from `at` to `end`; returns what
    /// goes out instead of that block, if anything does.
    pub(crate) fn handle_block(
        &mut self,
        is_wanted: bool,
        (at, end): (MediaTime, MediaTime),
        packets: Vec<Packet>,
    ) -> Option<Vec<EncodedFrame>> {
        for packet in &packets {
            let is_whole = packet.lost_before.is_zero() && packet.at <= self.heard + MISSED;
            self.good_since = self.good_since.filter(|_| is_whole).or(Some(packet.at));
            self.heard = packet.at + length(&packet.data);
        }
        let is_heard = at <= self.heard + MISSED;
        let is_good = |since: MediaTime| at >= since + GOOD_FOR;
        self.is_on = is_wanted && is_heard && (self.is_on || self.good_since.is_some_and(is_good));
        if !self.is_on {
            self.end = Some(end);
            return None;
        }
        Some(packets.into_iter().filter_map(|packet| self.follow(packet)).collect())
    }

    /// Lets a packet follow what was sent before it.
    fn follow(&mut self, packet: Packet) -> Option<EncodedFrame> {
        let length = length(&packet.data);
        let end = self.end.unwrap_or(packet.at) + packet.lost_before;
        let most = length * 3 / 4;
        if length.is_zero() || end > packet.at + most {
            return None;
        }
        // Whole packets are missing, or a host began anew.
        let missing = (packet.at.since(end) + (length - most)).as_nanos() / length.as_nanos();
        let at = end + length * u32::try_from(missing).unwrap_or(u32::MAX);
        self.end = Some(at + length);
        Some(EncodedFrame { codec: FrameCodec::Opus, at, is_key: true, data: packet.data })
    }
}

/// Returns how much sound a packet of Opus holds (RFC 6716 section 3.1); none if it is no such packet.
fn length(packet: &[u8]) -> Duration {
    let Some(&first) = packet.first() else { return Duration::ZERO };
    let configuration = usize::from(first >> 3);
    let frame_us = match configuration {
        0..12 => [10_000, 20_000, 40_000, 60_000][configuration & 3],
        12..16 => [10_000, 20_000][configuration & 1],
        _ => [2_500, 5_000, 10_000, 20_000][configuration & 3],
    };
    let frames = match (first & 3, packet.get(1)) {
        (0, _) => 1,
        (1 | 2, _) => 2,
        (_, Some(count)) => u64::from(count & 0x3f),
        (_, None) => 0,
    };
    Duration::from_micros(frame_us * frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 ms of CELT.
    const SOUND: &[u8] = &[0xfc, 1, 2];

    fn packet(at_us: u64, lost_ms: u64) -> Packet {
        let at = MediaTime::from_nanos(at_us * 1_000);
        let data = Bytes::from_static(SOUND);
        Packet { at, lost_before: Duration::from_millis(lost_ms), data }
    }

    /// Lets packets through, one block of the mix after another; returns the moments, in microseconds, of
    /// what was sent in the place of the mix.
    fn passed(pass: &mut SoundPass, is_wanted: bool, packets: &[Packet], blocks: u64) -> Vec<u64> {
        let mut sent = Vec::new();
        let mut waiting = packets.iter().peekable();
        let first = packets.first().map_or(0, |packet| packet.at.nanos() / 20_000_000);
        for block in first..first + blocks {
            let [at, end] = [block, block + 1].map(|block| MediaTime::from_millis(20 * block));
            let due = std::iter::from_fn(|| waiting.next_if(|packet| packet.at < end));
            let frames = pass.handle_block(is_wanted, (at, end), due.cloned().collect());
            sent.extend(frames.into_iter().flatten().map(|frame| frame.at.nanos() / 1_000));
        }
        sent
    }

    fn steady(count: u64) -> Vec<Packet> {
        (0..count).map(|n| packet(1_007_000 + 20_000 * n, 0)).collect()
    }

    #[test]
    fn sound_that_was_whole_for_half_a_second_is_passed_on_right_after_the_mix() {
        let mut pass = SoundPass::default();
        let sent = passed(&mut pass, true, &steady(100), 100);
        assert_eq!(sent[0], 1_520_000, "where the mix has ended");
        assert!(sent.is_sorted_by(|a, b| a + 20_000 == *b));
        assert_eq!(sent.len(), 100 - 26);
        assert!(passed(&mut SoundPass::default(), false, &steady(100), 100).is_empty());
    }

    #[test]
    fn a_lost_packet_is_a_hole_of_its_length() {
        let mut packets = steady(100);
        packets.remove(50);
        packets[50].lost_before = Duration::from_millis(20);
        let sent = passed(&mut SoundPass::default(), true, &packets, 100);
        let steps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(steps.iter().filter(|step| **step == 40_000).count(), 1);
        assert!(steps.iter().all(|step| [20_000, 40_000].contains(step)));
    }

    #[test]
    fn a_clock_that_runs_away_costs_a_packet_now_and_then_and_never_more() {
        for step in [19_990, 20_010] {
            let packets: Vec<Packet> =
                (0..10_000).map(|n| packet(1_007_000 + step * n, 0)).collect();
            let sent = passed(&mut SoundPass::default(), true, &packets, 10_000 * step / 20_000);
            let steps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let holes = steps.iter().filter(|step| **step == 40_000).count();
            assert!(steps.iter().all(|step| [20_000, 40_000].contains(step)));
            // 0.5 per mille of 200 s are five packets.
            let (few, many) = if step > 20_000 { (4, 6) } else { (0, 0) };
            assert!((few..=many).contains(&holes), "{holes} holes at {step}");
            let (last, due) = (*sent.last().unwrap(), packets.last().unwrap().at.nanos() / 1_000);
            assert!(last.abs_diff(due) <= 20_000, "{last} for {due}");
        }
    }

    #[test]
    fn a_host_who_falls_silent_is_mixed_and_comes_back_after_a_while() {
        let mut pass = SoundPass::default();
        let mut packets = steady(50);
        packets.extend((100..200).map(|n| packet(1_007_000 + 20_000 * n, 0)));
        let mut mixed = Vec::new();
        let mut waiting = packets.iter().peekable();
        for block in 50..250 {
            let [at, end] = [block, block + 1].map(|block| MediaTime::from_millis(20 * block));
            let due = std::iter::from_fn(|| waiting.next_if(|packet| packet.at < end));
            if pass.handle_block(true, (at, end), due.cloned().collect()).is_none() {
                mixed.push(block);
            }
        }
        assert!((50..76).chain(104..176).all(|block| mixed.contains(&block)), "{mixed:?}");
        assert!(!mixed.contains(&80) && !mixed.contains(&180), "{mixed:?}");
    }

    #[test]
    fn packets_tell_their_length() {
        let millis = |packet: &[u8]| length(packet).as_micros();
        assert_eq!(millis(SOUND), 20_000);
        assert_eq!(millis(&[0x03 << 3]), 60_000);
        assert_eq!(millis(&[0x01 << 3 | 1]), 40_000, "two frames");
        assert_eq!(millis(&[0x1c << 3 | 3, 4]), 10_000, "four of 2.5 ms");
        assert_eq!(millis(&[0x1c << 3 | 3]), 0);
        assert_eq!(millis(&[]), 0);
    }
}
