//! Goal: the outgoing stream has no gap at a switch, wherever the sources start, and every
//! outgoing number leads back to the one packet that was sent under it.
//! Method: random sources, lengths, switch points, losses and reordering from printed seeds; the
//! test keeps its own book of what was sent.

use std::collections::HashMap;

use media_rules::{Origin, Splice, Stamp};

#[test]
fn a_switch_leaves_no_gap() {
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut splice = Splice::default();
        let mut previous: Option<Stamp> = None;

        for source in 0..rng.u64(1..6) {
            let mut stamp = Stamp { sequence: rng.u16(..), timestamp: rng.u32(..) };
            splice.switch_source(source, stamp, 3_000);

            for _ in 0..rng.u32(1..40) {
                let out = splice.rewrite(stamp).unwrap();
                if let Some(previous) = previous {
                    assert_eq!(out.sequence, previous.sequence.wrapping_add(1), "seed {seed}");
                    let step = out.timestamp.wrapping_sub(previous.timestamp);
                    assert_eq!(step, 3_000, "seed {seed}");
                }
                previous = Some(out);
                stamp.sequence = stamp.sequence.wrapping_add(1);
                stamp.timestamp = stamp.timestamp.wrapping_add(3_000);
            }
        }
    }
}

#[test]
fn the_first_packet_carries_the_start() {
    let start = Stamp { sequence: 17, timestamp: 5 };
    let mut splice = Splice::new(start);
    let first = Stamp { sequence: 60_000, timestamp: 70_000 };
    assert_eq!(splice.rewrite(first), None, "there is no source yet");

    splice.switch_source(1, first, 3_000);

    assert_eq!(splice.rewrite(first), Some(start));
}

#[test]
fn a_late_packet_does_not_move_the_splice_point() {
    let mut splice = Splice::new(Stamp { sequence: 10, timestamp: 10_000 });
    splice.switch_source(1, Stamp { sequence: 10, timestamp: 10_000 }, 0);
    splice.rewrite(Stamp { sequence: 10, timestamp: 10_000 });
    splice.rewrite(Stamp { sequence: 12, timestamp: 16_000 });
    splice.rewrite(Stamp { sequence: 11, timestamp: 13_000 });

    let first = Stamp { sequence: 500, timestamp: 0 };
    splice.switch_source(2, first, 3_000);

    assert_eq!(splice.rewrite(first), Some(Stamp { sequence: 13, timestamp: 19_000 }));
}

#[test]
fn a_packet_from_before_the_switch_point_has_no_number() {
    let mut splice = Splice::default();
    splice.switch_source(1, Stamp { sequence: 0, timestamp: 0 }, 0);
    splice.rewrite(Stamp { sequence: 0, timestamp: 0 });

    assert_eq!(splice.rewrite(Stamp { sequence: 0xffff, timestamp: 0 }), None);
    assert_eq!(splice.newest(), Some(Stamp { sequence: 1, timestamp: 0 }));
}

#[test]
fn a_source_that_never_sent_leaves_no_trace() {
    let mut splice = Splice::default();
    splice.switch_source(1, Stamp { sequence: 5, timestamp: 0 }, 0);
    splice.rewrite(Stamp { sequence: 5, timestamp: 0 });

    splice.switch_source(2, Stamp { sequence: 900, timestamp: 77 }, 3_000);
    splice.switch_source(3, Stamp { sequence: 40, timestamp: 99 }, 4_000);

    let out = splice.rewrite(Stamp { sequence: 40, timestamp: 99 });
    assert_eq!(out, Some(Stamp { sequence: 2, timestamp: 4_000 }));
    assert_eq!(splice.source_of(2).map(|origin| origin.source), Some(3));
}

#[test]
fn sources_that_never_sent_do_not_push_out_one_that_did() {
    let mut splice = Splice::default();
    let stamp = Stamp { sequence: 5, timestamp: 0 };
    splice.switch_source(1, stamp, 0);
    splice.rewrite(stamp);

    for source in 2..20 {
        splice.switch_source(source, stamp, 3_000);
    }

    assert_eq!(splice.source_of(1).map(|origin| origin.source), Some(1));
}

#[test]
fn a_number_that_was_not_sent_yet_has_no_origin() {
    let mut splice = Splice::default();
    assert_eq!(splice.source_of(1), None);
    splice.switch_source(1, Stamp { sequence: 5, timestamp: 0 }, 0);
    assert_eq!(splice.source_of(1), None);
    splice.rewrite(Stamp { sequence: 5, timestamp: 0 });

    assert!(splice.source_of(1).is_some());
    assert_eq!(splice.source_of(2), None);
    assert_eq!(splice.source_of(0), None, "before the start");
}

#[test]
fn every_number_leads_back_to_the_packet_sent_under_it() {
    let (mut of_earlier_source, mut across_a_wrap, mut too_early) = (0, 0, 0);
    for seed in 0..1_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut splice = Splice::new(Stamp { sequence: rng.u16(..), timestamp: rng.u32(..) });
        // The numbers handed out are fewer than 65536, so each names one packet.
        let mut sent: HashMap<u16, (u64, Stamp, Stamp)> = HashMap::new();

        for source in 0..rng.u64(1..4) {
            let start = if rng.bool() { rng.u16(..) } else { rng.u16(0xffd0..) };
            let first = Stamp { sequence: start, timestamp: rng.u32(..) };
            splice.switch_source(source, first, rng.u32(1..9_000));
            let mut newest = 0;
            for _ in 0..rng.u32(1..60) {
                let count = if newest == 0 { 0 } else { newest - rng.i32(-3..4) };
                newest = newest.max(count) + 1;
                let stamp = Stamp {
                    sequence: first.sequence.wrapping_add(count as u16),
                    timestamp: first.timestamp.wrapping_add((count * 3_000) as u32),
                };
                match splice.rewrite(stamp) {
                    None => {
                        assert!(count < 0, "seed {seed}: packet {count} was refused");
                        too_early += 1;
                    }
                    Some(out) => {
                        assert!(count >= 0, "seed {seed}: packet {count} was let in");
                        let before = sent.insert(out.sequence, (source, stamp, out));
                        let clash = before.filter(|before| (before.0, before.1) != (source, stamp));
                        assert_eq!(clash, None, "seed {seed}: one number for two packets");
                    }
                }
            }
            for (&sequence, &(from, stamp, out)) in &sent {
                let origin = splice.source_of(sequence).unwrap();
                let expected = Origin {
                    source: from,
                    sequence: stamp.sequence,
                    timestamp_offset: out.timestamp.wrapping_sub(stamp.timestamp),
                };
                assert_eq!(origin, expected, "seed {seed}");
                of_earlier_source += u32::from(from != source);
                across_a_wrap += u32::from(stamp.sequence < first.sequence && from == source);
            }
        }
    }
    assert!(of_earlier_source > 1_000, "{of_earlier_source} asked of an earlier source");
    assert!(across_a_wrap > 100, "{across_a_wrap} wrapped");
    assert!(too_early > 10, "{too_early} came from before the switch");
}

#[test]
fn a_number_of_a_forgotten_source_is_given_up() {
    let mut splice = Splice::default();
    for source in 0..5 {
        let stamp = Stamp { sequence: 100, timestamp: 0 };
        splice.switch_source(source, stamp, 1);
        splice.rewrite(stamp);
    }

    assert_eq!(splice.source_of(1), None);
    assert_eq!(splice.source_of(2).map(|origin| origin.source), Some(1));
}
