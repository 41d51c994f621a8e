//! Two hosts with clocks and networks of their own, whose frames of one moment belong together.

use std::time::Duration;

use media_rules::{Codec, FeedFrame, FeedId, HostSync, Ingest, MediaTime};

use crate::simulated_host::{Host, MS, Recorded, START, mark_of_audio, marks_of_picture};

#[test]
fn what_happened_at_one_moment_is_presented_at_one_moment() {
    for (slower, seed) in [(150, 1), (150, 2), (90, 3), (40, 4)] {
        let hosts = [host(20, 0, seed), host(20 + slower, 0, seed + 10)];
        let lags = Pair::of(&hosts, 20_000).lags_at_end();
        assert!(lags[0].abs_diff(lags[1]) <= 20 * MS, "{slower} ms slower: {lags:?}");
    }
}

#[test]
fn a_detour_on_the_way_here_costs_half_of_it_and_no_more() {
    // The second host's way here is 150 ms longer than its way back.
    let hosts = [host(20, 0, 1), host(20, 150, 2)];
    let lags = Pair::of(&hosts, 20_000).lags_at_end();
    assert!(lags[0].abs_diff(lags[1]) <= 80 * MS, "{lags:?}");
    assert!(lags[0].abs_diff(lags[1]) >= 70 * MS, "nobody can know better: {lags:?}");
}

#[test]
fn hosts_with_like_networks_wait_for_nobody() {
    let alone = Pair::of(&[host(20, 0, 1)], 20_000).lags_at_end();
    let together = Pair::of(&[host(20, 0, 1), host(30, 0, 2)], 20_000).lags_at_end();
    assert_eq!(alone[0], together[0]);
}

#[test]
fn a_wait_comes_and_goes_without_a_jump_and_lips_keep_to_voices() {
    let pair = Pair::of(&[host(20, 0, 1), host(170, 0, 2)], 20_000);
    let held = |frames: &[(u64, FeedFrame)], captured: u64| {
        let (at, frame) = frames.iter().find(|(at, _)| *at >= captured).unwrap();
        frame.at.nanos() - START - at * MS
    };
    let (video, audio) = (&pair.video[0], &pair.audio[0]);
    for steps in audio.windows(2) {
        let step = steps[1].1.at.since(steps[0].1.at);
        assert!(step.abs_diff(Duration::from_millis(20)) <= Duration::from_micros(2_100));
    }
    for captured in (1_000..19_000).step_by(500) {
        let apart = held(video, captured).abs_diff(held(audio, captured));
        assert!(apart <= 5 * MS, "{apart} ns at {captured} ms");
    }
    let (first, last) = (held(audio, 200), held(audio, 19_000));
    assert!(last > first + 120 * MS, "it waits: {first}, {last}");
}

#[test]
fn on_any_network_nobody_waits_beyond_the_bound_and_moments_agree() {
    let mut waited = 0;
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut any = || Host {
            drift_ppm: rng.i64(-100..100),
            reports_every: rng.u64(500..2_000),
            ..host(rng.u64(5..180), 0, rng.u64(..))
        };
        let pair = Pair::of(&[any(), any()], 25_000);
        let lags = pair.lags_at_end();
        assert!(lags[0].abs_diff(lags[1]) <= 30 * MS, "seed {seed}: {lags:?}");
        let wait = pair.longest_wait;
        assert!(wait <= HostSync::LONGEST_WAIT, "seed {seed}: {wait:?}");
        waited += u32::from(wait > Duration::from_millis(50));
    }
    assert!(waited > 15, "{waited} of 40 waited");
}

/// A host whose packets need `way` milliseconds here and back, and `detour` more only here.
fn host(way: u64, detour: u64, seed: u64) -> Host {
    let mut rng = fastrand::Rng::with_seed(seed);
    Host {
        sequence: rng.u16(..),
        video_timestamp: rng.u32(..),
        audio_timestamp: rng.u32(..),
        video_delay: (way + detour + 12) * MS,
        audio_delay: (way + detour + 5) * MS,
        report_delay: (way + detour) * MS,
        round_trip: Some(2 * way * MS + detour * MS),
        reports_every: 1_000,
        wall_ahead: rng.u64(0..1_000_000) * MS,
        ..Host::default()
    }
}

/// What a program makes of some hosts.
struct Pair {
    video: Vec<Vec<(u64, FeedFrame)>>,
    audio: Vec<Vec<(u64, FeedFrame)>>,
    longest_wait: Duration,
}

impl Pair {
    fn of(hosts: &[Host], millis: u64) -> Self {
        let mut recorded: Vec<(usize, Recorded)> = Vec::new();
        for (number, host) in hosts.iter().enumerate() {
            recorded.extend(host.record(millis).into_iter().map(|item| (number, item)));
        }
        recorded.sort_by_key(|(_, item)| item.arrival);
        let feeds: Vec<_> = (0..hosts.len()).map(|n| FeedId::new("room", &n.to_string())).collect();
        let mut ingests: Vec<_> = hosts.iter().map(|_| Ingest::new()).collect();
        let (mut sync, mut synced) = (HostSync::default(), 0);
        let mut pair = Self {
            video: vec![Vec::new(); hosts.len()],
            audio: vec![Vec::new(); hosts.len()],
            longest_wait: Duration::ZERO,
        };
        for (number, Recorded { arrival, item, .. }) in recorded {
            let now = MediaTime::from_nanos(arrival);
            ingests[number].handle(item, now);
            while let Some(frame) = ingests[number].poll_frame(now) {
                match frame.codec {
                    Codec::Opus => {
                        pair.audio[number].push((mark_of_audio(&frame.data), frame));
                    }
                    Codec::H264 | Codec::Vp8 | Codec::Vp9 | Codec::Av1 => {
                        pair.video[number].push((marks_of_picture(&frame.data).1, frame));
                    }
                }
            }
            if arrival >= synced + 100 * MS {
                synced = arrival;
                let lags = feeds.iter().cloned().zip(ingests.iter().map(Ingest::lag));
                sync.handle_lags(&lags.collect::<Vec<_>>());
                for (feed, ingest) in feeds.iter().zip(&mut ingests) {
                    ingest.set_extra(sync.wait(feed));
                    pair.longest_wait = pair.longest_wait.max(sync.wait(feed));
                }
            }
        }
        pair
    }

    /// How long after its capture the last sound of each host is presented.
    fn lags_at_end(&self) -> Vec<u64> {
        let lag = |frames: &Vec<(u64, FeedFrame)>| {
            let (captured, frame) = frames.last().expect("something came out");
            frame.at.nanos() - START - captured * MS
        };
        self.audio.iter().map(lag).collect()
    }
}
