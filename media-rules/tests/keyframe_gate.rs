//! Goal: however many ask, a host is asked at most once per interval, and nobody is forgotten.
//! Method: virtual time; edges by name, then random askers from printed seeds.

use std::time::Duration;

use media_rules::{KeyframeGate, MediaTime};

const INTERVAL: Duration = Duration::from_millis(400);

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

#[test]
fn the_first_request_goes_through_at_once() {
    let mut gate = KeyframeGate::new(INTERVAL);

    assert!(gate.handle_request(at(0)));
    assert_eq!(gate.poll_timeout(), None);
}

#[test]
fn a_request_inside_the_interval_goes_through_when_it_ends() {
    let mut gate = KeyframeGate::new(INTERVAL);
    assert!(gate.handle_request(at(0)));
    assert!(!gate.handle_request(at(1)));

    assert_eq!(gate.poll_timeout(), Some(at(400)));
    assert!(!gate.handle_timeout(at(399)));
    assert!(gate.handle_timeout(at(400)));
    assert_eq!(gate.poll_timeout(), None, "only once");
    assert!(!gate.handle_timeout(at(800)), "only once");
}

#[test]
fn a_request_that_waited_starts_the_interval_anew() {
    let mut gate = KeyframeGate::new(INTERVAL);
    assert!(gate.handle_request(at(0)));
    assert!(!gate.handle_request(at(1)));
    assert!(gate.handle_timeout(at(400)));

    assert!(!gate.handle_request(at(799)));
    assert_eq!(gate.poll_timeout(), Some(at(800)));
}

#[test]
fn a_keyframe_serves_those_who_wait() {
    let mut gate = KeyframeGate::new(INTERVAL);
    assert!(gate.handle_request(at(0)));
    assert!(!gate.handle_request(at(1)));

    gate.handle_keyframe();

    assert_eq!(gate.poll_timeout(), None);
    assert!(!gate.handle_timeout(at(400)));
    assert!(gate.handle_request(at(400)));
}

#[test]
fn any_crowd_costs_one_request_per_interval_and_is_served() {
    let mut waited = 0;
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut gate = KeyframeGate::new(INTERVAL);
        let mut last_let_through: Option<u64> = None;
        let mut asked_since: Option<u64> = None;
        for now in 0..3_000 {
            let mut goes_through = gate.handle_timeout(at(now));
            if rng.u32(0..100) == 0 {
                asked_since.get_or_insert(now);
                goes_through |= gate.handle_request(at(now));
            }
            if goes_through {
                let distance = last_let_through.map(|last| now - last);
                assert!(distance.is_none_or(|distance| distance >= 400), "seed {seed} at {now}");
                waited += u32::from(asked_since.is_some_and(|since| since < now));
                (last_let_through, asked_since) = (Some(now), None);
            }
            assert!(asked_since.is_none_or(|since| now - since < 400), "seed {seed} at {now}");
        }
    }
    assert!(waited > 100, "{waited} requests had to wait");
}
