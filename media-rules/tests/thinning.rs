//! Goal: a receiver of a thinned stream sees no hole that the network did not make, and every number
//! it asks for leads back to the packet that was sent under it.
//! Method: streams of frames in layers, with packets lost, late and left out at random, against a
//! plain record of what was sent.

use std::collections::HashMap;

use media_rules::Thinner;
use media_rules::codec::vp8::PictureNumbers;

#[test]
fn numbers_close_up_behind_what_is_left_out() {
    let mut thinner = Thinner::default();
    thinner.begin(1, 65_534, None);
    let pass = |thinner: &mut Thinner, sequence: u16| {
        thinner.pass(sequence, None).map(|passage| passage.sequence)
    };
    assert_eq!(pass(&mut thinner, 65_534), Some(65_534));
    assert!(thinner.skip(65_535, 10) && thinner.skip(0, 10) && thinner.skip(1, 20));
    assert_eq!(pass(&mut thinner, 2), Some(65_535));
    assert_eq!(pass(&mut thinner, 3), Some(0));
    for (compact, original) in [(65_534, 65_534), (65_535, 2), (0, 3)] {
        assert_eq!(thinner.original(1, compact).map(|passage| passage.sequence), Some(original));
    }
    assert_eq!(thinner.original(2, 0), None);
    // Before the beginning, and in the middle of what was left out.
    assert_eq!(pass(&mut thinner, 65_533), None);
    assert_eq!(pass(&mut thinner, 0), None);
}

#[test]
fn numbers_of_a_view_that_goes_on_for_long_without_a_cut_lead_back() {
    let mut thinner = Thinner::default();
    thinner.begin(1, 10, None);
    let asked = |thinner: &Thinner, source, compact: u16| {
        thinner.original(source, compact).map(|passage| passage.sequence)
    };
    for step in 10..70_000_u32 {
        let sequence = (step & 0xffff) as u16;
        assert_eq!(thinner.pass(sequence, None).map(|passage| passage.sequence), Some(sequence));
        let lost = sequence.wrapping_sub(5);
        assert_eq!(asked(&thinner, 1, lost), (step >= 15).then_some(lost), "after {step}");
    }
    // It was left, and what it had last is still asked for.
    let last = (69_999_u32 & 0xffff) as u16;
    thinner.begin(2, 60_000, None);
    for step in 60_000..64_000 {
        assert!(thinner.pass(step, None).is_some());
        assert_eq!(asked(&thinner, 1, last), Some(last));
    }
    assert_eq!(asked(&thinner, 2, 63_990), Some(63_990));
}

#[test]
fn a_packet_whose_number_is_counted_already_is_not_left_out() {
    let mut thinner = Thinner::default();
    thinner.begin(1, 10, None);
    assert_eq!(thinner.pass(10, None).map(|passage| passage.sequence), Some(10));
    // 11 is late, and nobody knows yet that it belongs to a frame to be left out.
    assert_eq!(thinner.pass(12, None).map(|passage| passage.sequence), Some(12));
    assert!(!thinner.skip(11, 5));
    assert_eq!(thinner.pass(11, None).map(|passage| passage.sequence), Some(11));
    // In the middle of one frame there is no doubt.
    assert!(thinner.skip(13, 6) && thinner.skip(15, 6));
    assert!(thinner.skip(14, 6));
    assert_eq!(thinner.pass(16, None).map(|passage| passage.sequence), Some(13));
}

#[test]
fn vp8_numbers_go_on_across_a_switch_and_over_frames_that_are_left_out() {
    let numbers = |picture, base_layer| Some(PictureNumbers { picture, base_layer });
    let mut thinner = Thinner::default();
    let mut sent = Vec::new();
    let mut send = |thinner: &mut Thinner, sequence, (picture, base_layer): (u16, u8)| {
        let passage = thinner.pass(sequence, numbers(picture, base_layer)).expect("it is passed");
        let out = picture.wrapping_add(passage.shift.picture) & 0x7fff;
        sent.push((out, base_layer.wrapping_add(passage.shift.base_layer)));
    };
    thinner.begin(1, 100, numbers(500, 7));
    send(&mut thinner, 100, (500, 7));
    assert!(thinner.skip(101, 1) && thinner.skip(102, 1));
    send(&mut thinner, 103, (502, 8));
    thinner.begin(2, 9, numbers(32_767, 200));
    send(&mut thinner, 9, (32_767, 200));
    send(&mut thinner, 10, (32_767, 200));
    send(&mut thinner, 11, (0x8000, 201));
    assert_eq!(sent, [(500, 7), (501, 8), (502, 9), (502, 9), (503, 10)]);
    // Asked for again, the packet from before the switch has the numbers that it had.
    let again = thinner.original(1, 101).expect("it is remembered");
    assert_eq!((again.sequence, again.shift.picture), (103, u16::MAX));
}

#[test]
fn whatever_is_lost_late_or_left_out_every_number_leads_back() {
    let (mut gaps_closed, mut late_but_sent) = (0, 0);
    for seed in 1..=300_u64 {
        let mut random = Random(seed);
        let mut thinner = Thinner::default();
        let mut sequence = 65_000_u16.wrapping_add(random.below(2_000) as u16);
        // Frames of one to four packets, every other one of the upper layer.
        let mut packets: Vec<(u16, u32, bool)> = Vec::new();
        for frame in 0..200_u32 {
            for _ in 0..=random.below(4) {
                packets.push((sequence, frame * 3_000, frame % 2 == 1));
                sequence = sequence.wrapping_add(1);
            }
        }
        thinner.begin(seed, packets[0].0, None);
        // Some are swapped with one a little further on, some never come.
        for _ in 0..40 {
            let at = 1 + random.below(packets.len() - 12);
            packets.swap(at, at + 1 + random.below(10));
        }
        let mut sent: HashMap<u16, u16> = HashMap::new();
        let mut newest_out = packets[0].0.wrapping_sub(1);
        for (at, &(sequence, timestamp, is_upper)) in packets.iter().enumerate() {
            if at > 0 && random.below(20) == 0 {
                continue;
            }
            if is_upper && thinner.skip(sequence, timestamp) {
                gaps_closed += 1;
                continue;
            }
            late_but_sent += usize::from(is_upper);
            let Some(passage) = thinner.pass(sequence, None) else {
                assert!(!is_upper, "seed {seed}: {sequence} was to be sent");
                continue;
            };
            let other = sent.insert(passage.sequence, sequence);
            assert_eq!(other, None, "seed {seed}: {} twice", passage.sequence);
            if passage.sequence.wrapping_sub(newest_out) < 0x8000 {
                newest_out = passage.sequence;
            }
            // What was sent lately can be asked for.
            for back in 0..20 {
                let asked = newest_out.wrapping_sub(back);
                if let Some(&expected) = sent.get(&asked) {
                    let original = thinner.original(seed, asked).map(|found| found.sequence);
                    assert_eq!(original, Some(expected), "seed {seed}: {asked}");
                }
            }
        }
    }
    assert!(gaps_closed > 10_000 && late_but_sent > 100, "{gaps_closed} {late_but_sent}");
}

/// A small generator, so that the test needs no other crate and always does the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}
