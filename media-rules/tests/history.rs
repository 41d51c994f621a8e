//! Goal: a lost packet is found while it is of use, and never a wrong one in its place.
//! Method: rings of a few slots, virtual time, and random traffic from printed seeds.

use std::time::Duration;

use media_rules::{History, MediaTime};

const AGE: Duration = Duration::from_secs(1);

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

#[test]
fn a_recent_packet_is_found_across_the_wrap() {
    let mut history = History::new(8, AGE);
    for count in 0..8_u64 {
        history.push(0xfffc_u16.wrapping_add(count as u16), count, at(count));
    }

    assert_eq!(history.get(0xfffc, at(10)), Some(&0));
    assert_eq!(history.get(3, at(10)), Some(&7));
    assert_eq!(history.get(4, at(10)), None, "not sent yet");
}

#[test]
fn an_old_packet_is_not_found() {
    let mut history = History::new(8, AGE);
    history.push(1, "packet", at(0));

    assert_eq!(history.get(1, at(1_000)), Some(&"packet"));
    assert_eq!(history.get(1, at(1_001)), None);
}

#[test]
fn a_packet_older_than_the_ring_does_not_push_out_a_newer_one() {
    let mut history = History::new(8, AGE);
    history.push(20, "new", at(0));
    history.push(12, "late", at(1));

    assert_eq!(history.get(20, at(2)), Some(&"new"));
    assert_eq!(history.get(12, at(2)), None);
}

#[test]
fn a_lookup_never_returns_another_packet() {
    let (mut found, mut replaced) = (0, 0);
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut history = History::new(64, AGE);
        let start = rng.u64(0x1_0000..0x2_0000);
        let mut newest = start;
        for now in 0..300 {
            newest += rng.u64(0..3);
            let packet = newest - rng.u64(0..5).min(newest - start);
            history.push(packet as u16, packet, at(now));

            let asked = newest - rng.u64(0..100).min(newest - start);
            match history.get(asked as u16, at(now)) {
                Some(&packet) => {
                    assert_eq!(packet, asked, "seed {seed}");
                    found += 1;
                }
                None => replaced += 1,
            }
        }
    }
    assert!(found > 10_000 && replaced > 10_000, "{found} found, {replaced} not");
}
