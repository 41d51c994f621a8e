//! Decoded sound of one feed, laid onto the program's own sample count.
//!
//! A host's sound card never runs at exactly our pace. Small differences are taken up by making a
//! packet a few samples longer or shorter, which nobody hears; larger ones, as they come when hosts
//! begin to wait for one another, by a period of the voice at a time. A hole is bridged for a moment.

use std::collections::VecDeque;

use media_rules::{FeedFrame, MediaTime};

use crate::expand::Expander;
use crate::sound_decoder::{OpusDecoder, due};
use crate::sound_pass::Packet;
use crate::stretch::stretched;

/// Samples per second of everything in the mix.
pub(crate) const RATE_HZ: u64 = 48_000;

/// One moment of stereo sound.
pub(crate) type Stereo = [i16; 2];

/// What a sample of 1.0 is as a whole number.
pub(crate) const FULL_SCALE: f32 = 32_768.0;

/// Beyond this many samples (10 ms) a difference is a hole or a jump, not drift.
const JUMP: i64 = 480;

/// Differences up to this many samples (1 ms) are left alone.
const DEAD_BAND: i64 = 48;

/// Above this many samples (5 ms) a whole period is repeated or left out.
const SPLICE_ABOVE: i64 = 240;

/// A packet is made longer or shorter by at most this many samples: 0.4 % of 20 ms.
const STRETCH: i64 = 4;

/// Most samples that wait (1 s). Full: the oldest are dropped.
const CAPACITY: usize = RATE_HZ as usize;

/// Most packets that wait to be passed on. Full: the oldest is dropped.
const MOST_PACKETS: usize = 64;

/// Most packets that wait to be decoded (a second). Full: the oldest is dropped, since nobody mixes this
/// voice now. Who begins to mix begins with what is past ([`crate::sound_tick`]), and hosts' packets are
/// here up to 350 ms before they are due.
const MOST_UNDECODED: usize = 50;

/// The sound of one feed that is still to be mixed.
#[derive(Default)]
pub(crate) struct Voice {
    /// `None` where something is missing.
    samples: VecDeque<Option<Stereo>>,
    /// Position after the last sample; `None` until the first packet.
    end: Option<i64>,
    expander: Expander,
    /// The same as it came.
    packets: VecDeque<Packet>,
    undecoded: VecDeque<FeedFrame>,
    /// `None` before the first packet, while it decodes, and for what is played in.
    decoder: Option<OpusDecoder>,
}

impl Voice {
    /// Takes a packet as it came, to be passed on or decoded.
    pub(crate) fn handle_encoded(&mut self, frame: FeedFrame) {
        let (at, lost_before, data) = (due(frame.at), frame.lost_before, frame.data.clone());
        let packet = Packet { at, lost_before, data };
        if self.packets.len() == MOST_PACKETS {
            self.packets.pop_front();
        }
        self.packets.push_back(packet);
        if self.undecoded.len() == MOST_UNDECODED {
            self.undecoded.pop_front();
        }
        self.undecoded.push_back(frame);
    }

    /// Returns what is to be decoded, and by what. The one who mixes this voice decodes it and then returns
    /// the decoder.
    pub(crate) fn take_undecoded(&mut self) -> Option<(OpusDecoder, VecDeque<FeedFrame>)> {
        if self.undecoded.is_empty() {
            return None;
        }
        let decoder = self.decoder.take().unwrap_or_else(OpusDecoder::new);
        Some((decoder, std::mem::take(&mut self.undecoded)))
    }

    /// Takes back what has decoded.
    pub(crate) fn return_decoder(&mut self, decoder: OpusDecoder) {
        self.decoder = Some(decoder);
    }

    /// Returns the packets that are due before `end`.
    pub(crate) fn take_encoded(&mut self, end: MediaTime) -> Vec<Packet> {
        let due = self.packets.iter().take_while(|packet| packet.at < end).count();
        self.packets.drain(..due).collect()
    }

    /// Takes a decoded packet whose first sample is due at `at`.
    pub(crate) fn handle_packet(&mut self, at: MediaTime, packet: &[Stereo]) {
        // There is nothing in it that could be stretched.
        if packet.is_empty() {
            return;
        }
        let position = position(at);
        let expected = *self.end.get_or_insert(position);
        let late = position - expected;
        if (SPLICE_ABOVE..=JUMP).contains(&late.abs()) {
            let packet = stretched(packet, late);
            self.append_stretched(&packet, 0);
        } else if late.abs() <= JUMP {
            let change = if late.abs() > DEAD_BAND { late.clamp(-STRETCH, STRETCH) } else { 0 };
            self.append_stretched(packet, change);
        } else {
            self.jump(late);
            self.append_stretched(packet, 0);
        }
        while self.samples.len() > CAPACITY {
            self.samples.pop_front();
        }
    }

    /// Puts what is due from `position` on into `block`, 1.0 being full scale; what is missing is made
    /// up for a moment and then silence. Forgets everything before the end of it.
    pub(crate) fn take(&mut self, position: i64, block: &mut [[f32; 2]]) {
        let Some(end) = self.end else { return block.fill([0.0; 2]) };
        let start = end - self.samples.len() as i64;
        let stale = (position - start).clamp(0, self.samples.len() as i64);
        self.samples.drain(..stale as usize);

        let offset = (start + stale - position).clamp(0, block.len() as i64) as usize;
        let length = self.samples.len().min(block.len() - offset);
        if length == block.len() && self.expander.is_at_rest() && self.take_whole(block) {
            return;
        }
        let mut waiting = self.samples.drain(..length);
        for (slot, played) in block.iter_mut().enumerate() {
            let is_there = (offset..offset + length).contains(&slot);
            let sample = if is_there { waiting.next().flatten() } else { None };
            *played = self.expander.next(sample.map(loudness));
        }
    }

    /// Fills `block` with what waits, if nothing of it is missing. Nearly all sound is like this.
    fn take_whole(&mut self, block: &mut [[f32; 2]]) -> bool {
        let mut is_whole = true;
        for (played, sample) in block.iter_mut().zip(&self.samples) {
            is_whole &= sample.is_some();
            *played = loudness(sample.unwrap_or_default());
        }
        if is_whole {
            self.samples.drain(..block.len());
            self.expander.handle_played(block);
        }
        is_whole
    }

    fn jump(&mut self, late: i64) {
        let end = self.end.expect("a jump needs a packet before it");
        let waiting = self.samples.len() as i64;
        if late > 0 && waiting > 0 && late + waiting <= CAPACITY as i64 {
            self.samples.extend(std::iter::repeat_n(None, late as usize));
        } else if late < 0 && -late <= waiting {
            self.samples.truncate((waiting + late) as usize);
        } else {
            self.samples.clear();
        }
        self.end = Some(end + late);
    }

    fn append_stretched(&mut self, packet: &[Stereo], change: i64) {
        let length = (packet.len() as i64 + change).max(0) as usize;
        self.end = self.end.map(|end| end + length as i64);
        if length == packet.len() {
            self.samples.extend(packet.iter().copied().map(Some));
            return;
        }
        let step = packet.len() as f32 / length as f32;
        for index in 0..length {
            let place = index as f32 * step;
            let left = place as usize;
            let right = (left + 1).min(packet.len() - 1);
            let share = place - left as f32;
            self.samples.push_back(Some([0, 1].map(|channel| {
                let (a, b) = (f32::from(packet[left][channel]), f32::from(packet[right][channel]));
                (a + (b - a) * share) as i16
            })));
        }
    }
}

/// Returns a sample as part of full scale.
fn loudness(sample: Stereo) -> [f32; 2] {
    sample.map(|value| f32::from(value) / FULL_SCALE)
}

/// Returns `at` as a count of samples on the media clock.
pub(crate) fn position(at: MediaTime) -> i64 {
    let samples = (u128::from(at.nanos()) * u128::from(RATE_HZ) + 500_000_000) / 1_000_000_000;
    i64::try_from(samples).expect("the machine has not run for six million years")
}

/// Returns when the sample at a position is due.
pub(crate) fn moment(position: i64) -> MediaTime {
    let samples = u128::from(position.unsigned_abs());
    let nanos = (samples * 1_000_000_000).div_ceil(u128::from(RATE_HZ));
    MediaTime::from_nanos(u64::try_from(nanos).expect("a moment has a position"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [Stereo; 960] = [[1_000, -1_000]; 960];

    fn mixed(voice: &mut Voice, from: MediaTime) -> Vec<[i32; 2]> {
        let mut block = vec![[0.0; 2]; 960];
        voice.take(position(from), &mut block);
        block.iter().map(|sample| sample.map(|value| (value * FULL_SCALE) as i32)).collect()
    }

    fn loud(mix: &[[i32; 2]]) -> usize {
        mix.iter().filter(|sample| sample[0] != 0).count()
    }

    #[test]
    fn sound_is_mixed_exactly_when_it_is_due() {
        let mut voice = Voice::default();
        voice.handle_packet(MediaTime::from_millis(110), &PACKET);

        let mix = mixed(&mut voice, MediaTime::from_millis(100));
        // It begins gently.
        assert_eq!((mix[479], mix[480], mix[700]), ([0, 0], [0, 0], [1_000, -1_000]));
        assert!(mix[481][0] > 0);
        voice.handle_packet(MediaTime::from_millis(130), &[[2_000, -2_000]; 960]);
        let mix = mixed(&mut voice, MediaTime::from_millis(120));
        assert_eq!((mix[479], mix[480]), ([1_000, -1_000], [2_000, -2_000]));
    }

    #[test]
    fn a_lost_packet_is_bridged_and_a_long_hole_is_silence() {
        let mut voice = Voice::default();
        for at in [60, 80, 100, 140, 300] {
            voice.handle_packet(MediaTime::from_millis(at), &PACKET);
        }
        let mut loud_at = |at| loud(&mixed(&mut voice, MediaTime::from_millis(at)));
        assert_eq!([60, 80, 100].map(&mut loud_at), [960; 3]);
        assert_eq!(loud_at(120), 960, "the lost one");
        assert_eq!([140, 160, 180, 200].map(&mut loud_at)[0], 960);
        assert_eq!([220, 240, 260, 280].map(&mut loud_at), [0; 4], "too long to be bridged");
        assert!(loud_at(300) > 900);
    }

    #[test]
    fn a_slow_sound_card_leaves_no_hole_and_no_lag() {
        let mut voice = Voice::default();
        // 0.1 % slow: a packet every 20.02 ms.
        for count in 0..1_000_u64 {
            let at = MediaTime::from_nanos(1_000_000_000 + count * 20_020_000);
            voice.handle_packet(at, &PACKET);
            if count > 2 {
                let due = MediaTime::from_nanos(1_000_000_000 + (count - 2) * 20_020_000);
                let mix = mixed(&mut voice, due);
                assert!(loud(&mix) >= 950, "a hole at packet {count}: {}", loud(&mix));
            }
        }
        assert!(voice.samples.len() < 2_000, "{} samples wait", voice.samples.len());
    }

    #[test]
    fn a_position_has_a_moment() {
        for at in [0, 1, 1_024, 960_007, 48_000 * 86_400 * 365 + 5] {
            assert_eq!(position(moment(at)), at);
        }
    }

    #[test]
    fn an_empty_packet_changes_nothing() {
        let mut voice = Voice::default();
        voice.handle_packet(MediaTime::from_millis(100), &PACKET);
        voice.handle_packet(MediaTime::from_millis(125), &[]);
        assert_eq!(voice.samples.len(), 960);
    }

    #[test]
    fn a_wait_that_comes_and_goes_leaves_no_hole_and_is_followed() {
        let mut voice = Voice::default();
        let (mut at, mut holes) = (1_000_000_000_u64, 0);
        for count in 0..1_000_u64 {
            // 5 % slower for 100 packets, then as fast as it came, then 5 % faster.
            at += match count {
                100..200 => 21_000_000,
                400..500 => 19_000_000,
                _ => 20_000_000,
            };
            voice.handle_packet(MediaTime::from_nanos(at), &PACKET);
            let ends = voice.end.unwrap() - position(MediaTime::from_nanos(at + 20_000_000));
            assert!(ends.abs() <= JUMP, "{ends} samples off at packet {count}");
            if count > 3 {
                holes += 960 - loud(&mixed(&mut voice, MediaTime::from_nanos(at - 60_000_000)));
            }
        }
        // Blocks of 20 ms overlap where time was stretched, so nothing but their edges is missing.
        assert!(holes < 100 * 48 * 2, "{holes} samples of silence");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut voice = Voice::default();
        for count in 0..200 {
            voice.handle_packet(MediaTime::from_millis(count * 20), &PACKET);
        }
        assert_eq!(voice.samples.len(), CAPACITY);
    }
}
