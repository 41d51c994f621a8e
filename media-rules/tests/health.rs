//! Goal: a host hears within two seconds that the uplink has turned bad, and is not bothered by less.
//!
//! Method: packets are sent every few milliseconds of a clock that the test moves, and lost by a
//! seeded generator; many seeds, because loss is chance. Each test says which seed it failed with.

use std::time::Duration;

use media_rules::MediaTime;
use media_rules::health::{Conditions, Counts, Health, SAMPLE_EVERY, Trouble, UplinkHealth};

const SEEDS: u64 = 200;

/// A host that sends 150 packets and 30 pictures a second.
struct Host {
    rule: UplinkHealth,
    counts: Counts,
    conditions: Conditions,
    now: MediaTime,
    seed: u64,
    reports: Vec<(f64, Health)>,
}

impl Host {
    fn new(seed: u64) -> Self {
        Self {
            rule: UplinkHealth::default(),
            counts: Counts::default(),
            conditions: Conditions { rtt: None, jitter: Duration::from_millis(3) },
            now: MediaTime::from_millis(10_000),
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            reports: Vec::new(),
        }
    }

    /// Lets time pass while this share of the packets gets lost.
    fn send(&mut self, seconds: f64, loss: f64, fps: u64) {
        let steps = (seconds / SAMPLE_EVERY.as_secs_f64()).round() as u64;
        for step in 0..steps {
            for _ in 0..150 / 4 {
                self.counts.expected += 1;
                let is_lost = self.chance() < loss;
                self.counts.received += u64::from(!is_lost);
                self.counts.bytes += if is_lost { 0 } else { 1_000 };
            }
            self.counts.frames += fps * (step + 1) / 4 - fps * step / 4;
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.now = self.now + SAMPLE_EVERY;
        self.rule.handle_sample(self.counts, self.conditions, self.now);
        let at = self.now.nanos() as f64 / 1e9;
        self.reports.extend(self.rule.poll_report().map(|health| (at, health)));
    }

    fn chance(&mut self) -> f64 {
        // xorshift64
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn at(&self) -> f64 {
        self.now.nanos() as f64 / 1e9
    }

    fn first_bad(&self) -> Option<f64> {
        self.reports.iter().find(|(_, health)| health.trouble.is_some()).map(|(at, _)| *at)
    }

    fn last(&self) -> Health {
        self.reports.last().expect("there are reports").1
    }
}

#[test]
fn ten_percent_loss_is_told_within_two_seconds() {
    let mut latest: f64 = 0.0;
    for seed in 1..=SEEDS {
        let mut host = Host::new(seed);
        host.send(5.0, 0.0, 30);
        let began = host.at();
        host.send(4.0, 0.1, 30);
        let told = host.first_bad().unwrap_or(f64::MAX) - began;
        assert!(told <= 2.0, "seed {seed}: told after {told} s");
        latest = latest.max(told);
        assert_eq!(host.last().trouble, Some(Trouble::Loss), "seed {seed}");
    }
    assert!(latest > 0.2, "it takes a while to be sure: {latest}");
}

#[test]
fn one_percent_loss_bothers_nobody() {
    for seed in 1..=SEEDS {
        let mut host = Host::new(seed);
        host.send(60.0, 0.01, 30);
        assert_eq!(host.first_bad(), None, "seed {seed}");
        assert!(host.last().score >= 80, "seed {seed}: {:?}", host.last());
    }
}

#[test]
fn good_is_told_once_nothing_was_lost_for_a_while() {
    let mut host = Host::new(7);
    host.send(5.0, 0.0, 30);
    host.send(5.0, 0.2, 30);
    let ended = host.at();
    host.send(8.0, 0.0, 30);
    let back = host.reports.iter().find(|(at, h)| *at > ended && h.trouble.is_none());
    let after = back.expect("it is good again").0 - ended;
    assert!((3.0..=5.5).contains(&after), "{after}");
}

#[test]
fn a_report_comes_every_second_with_what_was_measured() {
    let mut host = Host::new(3);
    host.conditions.rtt = Some(Duration::from_millis(40));
    host.send(20.0, 0.0, 30);
    assert!((19..=21).contains(&host.reports.len()), "{}", host.reports.len());
    let health = host.last();
    assert_eq!((health.score, health.trouble), (100, None));
    assert!((29..=31).contains(&health.fps), "{health:?}");
    assert!((1_100_000..=1_300_000).contains(&health.bitrate_bps), "{health:?}");
    assert_eq!(health.rtt, Some(Duration::from_millis(40)));
}

#[test]
fn a_host_that_sends_nothing_is_silent_within_two_seconds() {
    let mut host = Host::new(3);
    host.send(5.0, 0.0, 30);
    let began = host.at();
    for _ in 0..8 {
        host.tick();
    }
    assert!(host.first_bad().is_some_and(|at| at - began <= 2.0));
    assert_eq!((host.last().score, host.last().trouble), (0, Some(Trouble::Silence)));
}

#[test]
fn half_the_pictures_are_trouble_and_a_camera_that_is_off_is_none() {
    let mut host = Host::new(3);
    host.send(10.0, 0.0, 30);
    host.send(3.0, 0.0, 12);
    assert_eq!(host.last().trouble, Some(Trouble::FrameRate));
    let mut host = Host::new(3);
    host.send(10.0, 0.0, 30);
    host.send(10.0, 0.0, 0);
    assert_eq!(host.last().trouble, None);
    assert!(host.last().score > 90);
}

#[test]
fn a_long_way_and_an_uneven_one_are_trouble_of_their_own() {
    let mut host = Host::new(3);
    host.conditions.rtt = Some(Duration::from_millis(800));
    host.send(3.0, 0.0, 30);
    assert_eq!(host.last().trouble, Some(Trouble::Delay));
    let mut host = Host::new(3);
    host.conditions.jitter = Duration::from_millis(90);
    host.send(3.0, 0.0, 30);
    assert_eq!((host.last().trouble, host.last().score), (Some(Trouble::Jitter), 80));
}
