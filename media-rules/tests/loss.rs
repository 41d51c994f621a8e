//! Goal: what is missing is asked for at once, not too often, not for ever; what is merely late
//! is not asked for.
//! Method: virtual time by the millisecond over handmade gaps, then a random lossy link from
//! printed seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use media_rules::{Arrival, LossDetector, MediaKind, MediaTime};

const RTT: Duration = Duration::from_millis(50);

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn asked(loss: &mut LossDetector, now: u64) -> Vec<u16> {
    let mut out = Vec::new();
    loss.poll_nack(at(now), RTT, &mut out);
    out
}

#[test]
fn a_packet_overtaken_by_three_is_asked_for_at_once() {
    let mut loss = LossDetector::default();
    for sequence in [10, 12, 13] {
        loss.handle_packet(sequence, at(0));
    }
    assert_eq!(asked(&mut loss, 0), []);

    loss.handle_packet(14, at(0));

    assert_eq!(loss.poll_timeout(), Some(at(0)));
    assert_eq!(asked(&mut loss, 0), [11]);
}

#[test]
fn a_packet_overtaken_by_one_is_asked_for_after_ten_milliseconds() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));
    assert_eq!(loss.handle_packet(12, at(5)), Arrival::AfterGap);

    assert_eq!(loss.poll_timeout(), Some(at(15)));
    assert_eq!(asked(&mut loss, 14), []);
    assert_eq!(asked(&mut loss, 15), [11]);
}

#[test]
fn a_reordered_packet_is_not_asked_for() {
    let mut loss = LossDetector::default();
    for sequence in [10, 12] {
        loss.handle_packet(sequence, at(0));
    }

    assert_eq!(loss.handle_packet(11, at(3)), Arrival::Repaired);
    assert_eq!(loss.handle_packet(11, at(3)), Arrival::Duplicate);

    assert_eq!(asked(&mut loss, 100), []);
    assert_eq!(loss.poll_timeout(), None);
}

#[test]
fn requests_for_one_packet_are_a_round_trip_apart() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));
    loss.handle_packet(12, at(0));

    let times: Vec<u64> = (0..200).filter(|&now| !asked(&mut loss, now).is_empty()).collect();

    assert_eq!(times, [10, 60, 110, 160]);
}

#[test]
fn a_short_round_trip_does_not_make_requests_a_flood() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));
    loss.handle_packet(12, at(0));
    let mut out = Vec::new();

    for now in 0..100 {
        loss.poll_nack(at(now), Duration::ZERO, &mut out);
    }

    assert_eq!(out.len(), 5, "at 10, 30, 50, 70 and 90 ms");
}

#[test]
fn what_does_not_come_is_given_up_once() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));
    loss.handle_packet(13, at(0));

    for now in 0..500 {
        asked(&mut loss, now);
        assert_eq!(loss.poll_given_up(), 0, "at {now}");
    }
    asked(&mut loss, 500);

    assert_eq!(loss.poll_given_up(), 2);
    assert_eq!(loss.poll_given_up(), 0);
    assert_eq!(loss.handle_packet(11, at(501)), Arrival::Duplicate);
    assert_eq!(loss.poll_timeout(), None);
}

#[test]
fn a_packet_is_asked_for_at_most_ten_times() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));
    loss.handle_packet(12, at(0));
    let mut out = Vec::new();

    for now in 0..500 {
        loss.poll_nack(at(now), Duration::from_millis(1), &mut out);
    }

    assert_eq!(out, [11; 10]);
    assert_eq!(loss.poll_given_up(), 1, "given up before its time");
}

#[test]
fn an_outage_is_given_up_as_a_whole() {
    let mut loss = LossDetector::default();
    loss.handle_packet(10, at(0));

    loss.handle_packet(10 + 600, at(0));

    assert_eq!(loss.missing_len(), 0);
    assert_eq!(loss.poll_given_up(), 599);
}

/// Loses every second packet for a while and mends what is missing, so that only the share is left.
fn heavy(kind: MediaKind) -> LossDetector {
    let mut loss = LossDetector::new(kind);
    for sequence in (0..200).step_by(2).chain(0..200) {
        loss.handle_packet(sequence, at(0));
    }
    assert_eq!((loss.missing_len(), loss.share() > 0.15), (0, true), "{}", loss.share());
    loss
}

#[test]
fn where_much_is_lost_requests_come_twice_a_round_trip() {
    let mut loss = heavy(MediaKind::Video);
    loss.handle_packet(201, at(0));

    let times: Vec<u64> = (0..900).filter(|&now| !asked(&mut loss, now).is_empty()).collect();

    assert_eq!(times[..4], [10, 35, 60, 85]);
    assert_eq!(times.len(), 28, "up to the deadline, which is later then");
    assert_eq!(loss.poll_given_up(), 1);
}

#[test]
fn sound_is_given_up_sooner_than_a_picture() {
    for (kind, deadline) in [(MediaKind::Audio, 300), (MediaKind::Video, 500)] {
        let mut loss = LossDetector::new(kind);
        loss.handle_packet(10, at(0));
        loss.handle_packet(12, at(0));
        asked(&mut loss, deadline - 1);
        assert_eq!((loss.poll_given_up(), loss.missing_len()), (0, 1), "{kind:?}");
        asked(&mut loss, deadline);
        assert_eq!((loss.poll_given_up(), loss.missing_len()), (1, 0), "{kind:?}");
    }
}

#[test]
fn forty_percent_of_packets_requests_and_answers_lost_leave_hardly_a_hole() {
    // The sender answers a request unless it answered one for the same packet a round trip ago.
    const WAY_MS: u64 = 20;
    let (mut rng, mut sent, mut holes) = (fastrand::Rng::with_seed(1), 0_u16, 0);
    let mut loss = LossDetector::default();
    let mut arrivals: BTreeSet<(u64, u16)> = BTreeSet::new();
    let mut answered = BTreeMap::new();
    for now in 0..100_000_u64 {
        if now % 10 == 0 {
            sent = sent.wrapping_add(1);
            if rng.f64() >= 0.4 {
                arrivals.insert((now + WAY_MS, sent));
            }
        }
        while arrivals.first().is_some_and(|(due, _)| *due <= now) {
            let (_, sequence) = arrivals.pop_first().expect("there is one");
            loss.handle_packet(sequence, at(now));
        }
        let mut out = Vec::new();
        loss.poll_nack(at(now), Duration::from_millis(2 * WAY_MS), &mut out);
        for sequence in out.into_iter().filter(|_| rng.f64() >= 0.4).collect::<Vec<_>>() {
            let last = answered.get(&sequence).copied();
            if last.is_none_or(|last| now + WAY_MS >= last + 2 * WAY_MS) {
                answered.insert(sequence, now + WAY_MS);
                if rng.f64() >= 0.4 {
                    arrivals.insert((now + 2 * WAY_MS, sequence));
                }
            }
        }
        holes += loss.poll_given_up();
    }
    assert!(holes <= 5, "{holes} of 10,000 packets");
}

#[test]
fn on_any_lossy_link_exactly_what_is_missing_is_asked_for() {
    let (mut losses, mut repairs) = (0, 0);
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut loss = LossDetector::default();
        let start = rng.u64(0..0x1_0000);
        let mut sent = start;
        let mut missing = BTreeSet::new();
        loss.handle_packet(sent as u16, at(0));

        for now in 1..450 {
            for _ in 0..rng.u32(0..3) {
                sent += 1;
                if rng.u32(0..10) == 0 {
                    missing.insert(sent as u16);
                    losses += 1;
                } else {
                    loss.handle_packet(sent as u16, at(now));
                }
            }
            for sequence in asked(&mut loss, now) {
                assert!(missing.contains(&sequence), "seed {seed}: {sequence} is not missing");
                if rng.bool() {
                    assert_eq!(loss.handle_packet(sequence, at(now)), Arrival::Repaired);
                    missing.remove(&sequence);
                    repairs += 1;
                }
            }
        }
        assert!(loss.missing_len() <= missing.len(), "seed {seed}");
    }
    assert!(losses > 1_000 && repairs > 1_000, "{losses} lost, {repairs} repaired");
}
