//! Goal: a picture that broke comes back, however many requests for it get lost, and costs no more
//! keyframes than that.
//! Method: virtual time; edges by name, then a path that loses requests and packets by printed seeds.

use std::time::Duration;

use media_rules::{KeyframeGate, KeyframeWish, MediaTime};

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn repeats(loss: f64) -> Vec<u64> {
    let mut wish = KeyframeWish::default();
    wish.handle_asked(loss, at(0));
    (0..1_000).filter(|now| wish.poll_repeat(at(*now))).collect()
}

#[test]
fn a_request_is_said_once_where_nothing_is_lost_and_often_where_much_is() {
    assert_eq!(repeats(0.0), []);
    assert_eq!(repeats(0.2), [20]);
    assert_eq!(repeats(0.4), [20, 40]);
    assert_eq!(repeats(0.8), [20, 40, 60]);
}

#[test]
fn a_keyframe_ends_the_wish_and_the_repeats() {
    let mut wish = KeyframeWish::default();
    wish.handle_broken(at(0));
    wish.handle_asked(0.4, at(0));
    assert!(wish.is_broken(at(10)));
    wish.handle_keyframe();
    assert!(!wish.is_broken(at(10)) && !wish.poll_repeat(at(100)));
}

#[test]
fn a_stream_that_rests_is_not_asked_for_ever() {
    let mut wish = KeyframeWish::default();
    wish.handle_broken(at(0));
    assert!(wish.is_broken(at(9_999)));
    assert!(!wish.is_broken(at(10_000)));
}

/// Returns after how many milliseconds a keyframe begins to arrive, and how many were made.
fn recovers_after(seed: u64, loss: f64) -> (u64, u32) {
    const WAY_MS: u64 = 20;
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut wish, mut gate) = (KeyframeWish::default(), KeyframeGate::default());
    let (mut made, mut next_allowed, mut arrives) = (0, 0, None);
    wish.handle_broken(at(0));
    for now in 0..20_000 {
        let asks = wish.is_broken(at(now)) && gate.handle_request(at(now));
        if asks || gate.handle_timeout(at(now)) {
            wish.handle_asked(loss, at(now));
        }
        let is_said = asks || wish.poll_repeat(at(now));
        // The sender makes one keyframe per 300 ms, whose first packet is repaired if it is lost.
        if is_said && rng.f64() >= loss && now + WAY_MS >= next_allowed {
            next_allowed = now + WAY_MS + 300;
            made += 1;
            let mut due = now + 2 * WAY_MS;
            while rng.f64() < loss {
                due += 70;
            }
            arrives = Some(arrives.map_or(due, |earlier: u64| earlier.min(due)));
        }
        if arrives.is_some_and(|due| due <= now) {
            return (now, made);
        }
    }
    panic!("no keyframe, seed {seed}");
}

#[test]
fn at_forty_percent_loss_a_keyframe_is_there_within_a_second() {
    let (mut sum, mut keyframes) = (0, 0);
    for seed in 0..1_000 {
        let (millis, made) = recovers_after(seed, 0.4);
        assert!(millis <= 1_500, "seed {seed}: {millis} ms");
        (sum, keyframes) = (sum + millis, keyframes + made);
    }
    assert!(sum / 1_000 <= 150, "{} ms on average", sum / 1_000);
    assert!(keyframes <= 1_300, "{keyframes} keyframes for a thousand breaks");
}

#[test]
fn at_eighty_percent_loss_the_wish_outlasts_it() {
    let slowest = (0..1_000).map(|seed| recovers_after(seed, 0.8).0).max();
    let patience = Duration::from_secs(10).as_millis();
    assert!(slowest.is_some_and(|slowest| u128::from(slowest) < patience), "{slowest:?}");
}
