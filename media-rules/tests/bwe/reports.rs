//! Receivers that tell less: receiver reports and REMB only; and publishers that understand no more.

use std::time::Duration;

use media_rules::MediaTime;
use media_rules::bwe::{FeedbackKind, ReceiveEstimator, SendConfig, SendEstimator};

use super::link::{Link, Nature};

const MAX_BPS: u32 = 5_000_000;

fn estimator() -> SendEstimator {
    SendEstimator::new(SendConfig {
        feedback: FeedbackKind::Reports,
        start_bps: 1_000_000,
        min_bps: 50_000,
        max_bps: MAX_BPS,
    })
}

/// A second of 2 Mbit/s with its report at the end.
fn second(estimator: &mut SendEstimator, at: u64, loss: f32, rtt: u64) -> u64 {
    let now = MediaTime::from_millis(at * 1_000);
    estimator.handle_sent(0, 250_000, now, None);
    estimator.handle_rtt(Duration::from_millis(rtt));
    estimator.handle_loss(loss, now);
    estimator.target_bps(now)
}

#[test]
fn loss_alone_is_no_congestion_but_loss_with_a_grown_round_trip_is() {
    let mut estimator = estimator();
    for at in 1..20 {
        assert_eq!(second(&mut estimator, at, 0.4, 40), u64::from(MAX_BPS));
    }
    for at in 20..25 {
        second(&mut estimator, at, 0.4, 300);
    }
    let target = second(&mut estimator, 25, 0.4, 300);
    assert!((900_000..1_200_000).contains(&target), "{target}");
    for at in 26..50 {
        second(&mut estimator, at, 0.0, 40);
    }
    assert_eq!(second(&mut estimator, 50, 0.0, 40), u64::from(MAX_BPS));
}

#[test]
fn a_receiver_that_names_a_limit_is_obeyed_until_it_stops_naming_it() {
    let mut estimator = estimator();
    estimator.handle_remb(400_000, MediaTime::from_millis(1_000));
    assert_eq!(estimator.target_bps(MediaTime::from_millis(9_000)), 400_000);
    assert_eq!(estimator.target_bps(MediaTime::from_millis(12_000)), u64::from(MAX_BPS));
    estimator.handle_remb(0, MediaTime::from_millis(13_000));
    assert_eq!(estimator.target_bps(MediaTime::from_millis(13_000)), 50_000);
}

#[test]
fn a_publisher_is_told_within_3_s_that_its_path_narrowed_and_not_troubled_by_loss() {
    let mut link = Link::new(3);
    link.nature = Nature { capacity_bps: 3_000_000, loss: 0.4, ..Nature::default() };
    let mut estimator = ReceiveEstimator::new(100_000, 2_500_000);
    let (mut now, mut bps, mut sent) = (MediaTime::from_millis(1_000), 2_500_000, Vec::new());
    for step in 0..2_000_u64 {
        now = now + Duration::from_millis(5);
        if step % 8 == 0 {
            let mut bytes = bps * 40 / 8_000;
            while bytes > 0 {
                let size = bytes.min(1_200);
                link.send(u16::try_from(sent.len() % 65_536).expect("wrapped"), size as usize, now);
                sent.push((now, size as usize));
                bytes -= size;
            }
        }
        while let Some((number, at)) = link.poll_arrival(now) {
            let (left, size) = sent[usize::from(number)];
            estimator.handle_packet((left.nanos() / 1_000).cast_signed(), size, at);
        }
        if step % 40 == 0 {
            bps = estimator.poll_bps(None, now);
        }
        match step {
            999 => {
                assert!(bps >= 2_400_000, "{bps}");
                link.nature.capacity_bps = 300_000;
            }
            1_600 => assert!(bps <= 500_000, "{bps}"),
            _ => {}
        }
    }
    assert!((150_000..=500_000).contains(&bps), "{bps}");
}
