//! Goal: hosts wait for one another only as long as it helps, and never without bound.
//! Method: lags set by hand and at random.

use std::time::Duration;

use media_rules::{FeedId, HostSync};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn feeds(count: usize) -> Vec<FeedId> {
    (0..count).map(|number| FeedId::new("room", &format!("host{number}"))).collect()
}

fn waits(sync: &mut HostSync, lags: &[Option<Duration>]) -> Vec<Duration> {
    let feeds = feeds(lags.len());
    let lags: Vec<_> = feeds.iter().cloned().zip(lags.iter().copied()).collect();
    sync.handle_lags(&lags);
    feeds.iter().map(|feed| sync.wait(feed)).collect()
}

#[test]
fn the_faster_waits_for_the_slower() {
    let mut sync = HostSync::default();
    let lags = [Some(ms(50)), Some(ms(200)), None];
    assert_eq!(waits(&mut sync, &lags), [ms(150), ms(0), ms(0)]);
    assert_eq!(waits(&mut sync, &[Some(ms(50))]), [ms(0)], "who is alone waits for nobody");
}

#[test]
fn nobody_waits_longer_than_the_bound() {
    let mut sync = HostSync::default();
    assert_eq!(waits(&mut sync, &[Some(ms(50)), Some(ms(900))]), [HostSync::LONGEST_WAIT, ms(0)]);
}

#[test]
fn a_difference_that_nobody_notices_costs_no_latency_and_does_not_flap() {
    let mut sync = HostSync::default();
    let mut wait = |lag| waits(&mut sync, &[Some(ms(50)), Some(ms(lag))])[0];
    assert_eq!(wait(69), ms(0));
    assert_eq!(wait(75), ms(25), "now it is worth it");
    assert_eq!(wait(78), ms(25), "a little more is not");
    assert_eq!(wait(62), ms(12), "once it waits it goes on, to be in time");
    assert_eq!(wait(59), ms(0));
    assert_eq!(wait(69), ms(0));
}

#[test]
fn whatever_the_lags_are_presented_moments_agree_as_far_as_the_bound_allows() {
    let mut bounded = 0;
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut sync = HostSync::default();
        for _ in 0..20 {
            let mut lag = || (rng.u32(0..8) > 0).then(|| ms(rng.u64(30..400)));
            let lags: Vec<_> = (0..9).map(|_| lag()).collect();
            let waits = waits(&mut sync, &lags);

            let slowest = lags.iter().flatten().max().copied().unwrap_or_default();
            for (lag, wait) in lags.iter().zip(waits) {
                assert!(wait <= HostSync::LONGEST_WAIT, "seed {seed}");
                let Some(lag) = lag else {
                    assert_eq!(wait, ms(0), "seed {seed}: of whom nothing is known");
                    continue;
                };
                let apart = slowest.abs_diff(*lag + wait);
                let is_bounded = wait + ms(5) >= HostSync::LONGEST_WAIT;
                assert!(apart < ms(20) || is_bounded, "seed {seed}: {apart:?} apart");
                bounded += u32::from(is_bounded);
            }
        }
    }
    assert!(bounded > 1_000, "the bound was reached {bounded} times");
}
