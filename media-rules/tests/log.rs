//! Goal: a viewer's cursor meets every packet once and in order of arrival, and a lost packet is
//! found while it is of use, never a wrong one in its place.
//! Method: rings of a few slots, virtual time, and random traffic from printed seeds.

use std::time::Duration;

use media_rules::{Log, MediaTime};

const AGE: Duration = Duration::from_secs(1);

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

#[test]
fn a_cursor_meets_packets_in_order_of_arrival_until_they_make_room() {
    let mut log = Log::new(4, AGE);
    assert_eq!((log.begin(), log.end(), log.at(0)), (0, 0, None));
    for (sequence, name) in [(7, "a"), (9, "c"), (8, "b")] {
        log.push(sequence, name, at(0));
    }
    assert_eq!(
        [0, 1, 2, 3].map(|position| log.at(position)),
        [Some(&"a"), Some(&"c"), Some(&"b"), None]
    );
    for (sequence, name) in [(10, "d"), (11, "e")] {
        log.push(sequence, name, at(0));
    }
    assert_eq!((log.begin(), log.end()), (1, 5));
    assert_eq!((log.at(0), log.at(1), log.at(4)), (None, Some(&"c"), Some(&"e")));
}

#[test]
fn a_recent_packet_is_found_across_the_wrap_and_an_old_one_is_not() {
    let mut log = Log::new(8, AGE);
    assert_eq!(log.by_sequence(0, at(0)), None);
    for count in 0..8_u64 {
        log.push(0xfffc_u16.wrapping_add(count as u16), count, at(count));
    }
    assert_eq!(log.by_sequence(0xfffc, at(10)), Some(&0));
    assert_eq!(log.by_sequence(3, at(10)), Some(&7));
    assert_eq!(log.by_sequence(4, at(10)), None, "not sent yet");
    assert_eq!(log.by_sequence(3, at(1_007)), Some(&7));
    assert_eq!(log.by_sequence(3, at(1_008)), None, "too old");
}

#[test]
fn a_lookup_never_returns_another_packet() {
    let (mut found, mut gone) = (0, 0);
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut log = Log::new(64, AGE);
        let first = rng.u16(..);
        let mut pushed = Vec::new();
        for step in 0..300_u16 {
            if rng.u8(..) < 230 {
                let sequence = first.wrapping_add(step);
                log.push(sequence, sequence, at(u64::from(step)));
                pushed.push(sequence);
            }
            let asked = first.wrapping_add(rng.u16(..=step));
            match log.by_sequence(asked, at(u64::from(step))) {
                Some(packet) => {
                    assert_eq!(*packet, asked, "seed {seed}");
                    found += 1;
                }
                None => gone += 1,
            }
        }
        let held: Vec<u16> = (log.begin()..log.end()).filter_map(|p| log.at(p).copied()).collect();
        assert_eq!(held, pushed[pushed.len() - held.len()..], "seed {seed}");
    }
    assert!(found > 10_000 && gone > 10_000, "found {found}, gone {gone}");
}
