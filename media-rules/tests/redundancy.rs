//! Goal: a good way costs nothing; a bad one gets what it takes and no more than it carries; rises
//! are followed fast, falls slowly; and at 80 % loss nine of ten audio frames arrive in time.
//! Method: reports in virtual time, made by hand or by a random way from a printed seed whose
//! viewer counts a packet as received if any of its copies is.

use std::time::Duration;

use media_rules::redundancy::{AudioPlan, MediaSize, Policy, VideoPlan};
use media_rules::{Later, MediaKind, MediaTime};

const MEDIA: MediaSize = MediaSize { audio_bps: 48_000, audio_frame: 120, video_bps: 900_000 };
const AUDIO_PERIOD_MS: u64 = 20;

const fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

/// Lets a random way lose `loss` of each kind for `millis`, reported every 100 ms. Returns the end.
fn live(policy: &mut Policy, rng: &mut fastrand::Rng, loss: f64, from: u64, millis: u64) -> u64 {
    for now in (from..from + millis).step_by(100) {
        for (kind, packets, copies) in [
            (MediaKind::Audio, 5, policy.audio().copies),
            // Copies of video count one by one.
            (MediaKind::Video, 12, 0),
        ] {
            let lost = (0..packets).filter(|_| (0..=copies).all(|_| rng.f64() < loss)).count();
            policy.handle_report(kind, lost as u32, packets, at(now));
        }
        policy.decide(MEDIA, at(now));
    }
    from + millis
}

#[test]
fn without_loss_nothing_is_sent_twice() {
    let mut policy = Policy::new(true);
    live(&mut policy, &mut fastrand::Rng::with_seed(1), 0.005, 0, 60_000);
    assert_eq!((policy.audio(), policy.video()), (AudioPlan::NONE, VideoPlan::NONE));
}

#[test]
fn forty_percent_are_answered_within_a_second_and_forgotten_within_half_a_minute() {
    let mut policy = Policy::new(true);
    let mut rng = fastrand::Rng::with_seed(2);
    let mut now = live(&mut policy, &mut rng, 0.4, 0, 1_000);
    assert!(policy.video().copies >= 2, "{:?}", policy.video());
    assert!(policy.audio().sends() >= 3, "{:?}", policy.audio());
    now = live(&mut policy, &mut rng, 0.4, now, 9_000);
    assert!((3..=4).contains(&policy.video().copies), "{:?}", policy.video());
    assert!((5..=7).contains(&policy.audio().sends()), "{:?}", policy.audio());

    now = live(&mut policy, &mut rng, 0.0, now, 1_000);
    assert!(policy.video().copies >= 1, "a second of luck is no good way");
    live(&mut policy, &mut rng, 0.0, now, 29_000);
    assert_eq!((policy.audio(), policy.video()), (AudioPlan::NONE, VideoPlan::NONE));
}

#[test]
fn copies_do_not_hide_the_loss_that_they_mend() {
    // Six copies of everything hide so much that one loss more or less is a wide step.
    for (has_red, loss, above) in
        [(true, 0.8, 0.1), (false, 0.8, 0.1), (true, 0.6, 0.15), (false, 0.4, 0.25)]
    {
        let mut policy = Policy::new(has_red);
        let mut rng = fastrand::Rng::with_seed(3);
        let mut now = live(&mut policy, &mut rng, loss, 0, 5_000);
        for _ in 0..20 {
            now = live(&mut policy, &mut rng, loss, now, 1_000);
            let seen = policy.loss(MediaKind::Audio);
            assert!((loss - 0.12..loss + above).contains(&seen), "{seen} instead of {loss}");
        }
    }
}

#[test]
fn nothing_is_sent_twice_that_the_way_does_not_carry() {
    let mut policy;
    let mut rng = fastrand::Rng::with_seed(4);
    for (available, most_video) in [(10_000_000, 4), (2_500_000, 2), (1_000_000, 1), (300_000, 1)] {
        // A queue all the time, so that no more is tried than the estimate allows.
        policy = Policy::new(true);
        policy.handle_path(available, Duration::from_millis(50), at(0));
        live(&mut policy, &mut rng, 0.4, 0, 3_000);
        let (audio, video) = (policy.audio().sends() as u32, policy.video().copies as u32 + 1);
        assert!(audio * MEDIA.audio_bps <= available / 2, "{audio} of {available}");
        assert!(video <= most_video, "{video} of {available}");
        let is_all = audio * MEDIA.audio_bps + video * MEDIA.video_bps <= available;
        assert!(is_all || video == 1, "{audio} and {video} of {available}");
        assert!(policy.wanted_bps() > 2_000_000, "the wish does not depend on it");
    }
}

#[test]
fn more_than_the_estimate_is_tried_until_a_queue_builds_up() {
    let mut policy = Policy::new(true);
    live(&mut policy, &mut fastrand::Rng::with_seed(4), 0.4, 0, 3_000);
    let wanted = policy.wanted_bps();
    let tell = |policy: &mut Policy, millis: std::ops::Range<u64>, queue: u64| {
        for now in millis.step_by(100) {
            policy.handle_path(1_000_000, Duration::from_millis(queue), at(now));
        }
        u64::from(policy.available_bps().expect("just told"))
    };
    assert!(tell(&mut policy, 3_000..3_500, 0) < 2_000_000, "not at once");
    let most = tell(&mut policy, 3_500..6_000, 0);
    assert!((wanted - 10..=wanted).contains(&most), "{most} instead of {wanted}");

    let less = tell(&mut policy, 6_000..6_100, 50);
    assert!(less < most * 3 / 4, "{less} after {most}");
    assert_eq!(tell(&mut policy, 6_100..11_000, 0), less, "five seconds later");
    assert!(tell(&mut policy, 11_000..12_000, 0) > less);
    assert_eq!(tell(&mut policy, 12_000..15_000, 50), 1_000_000, "never below the estimate");
}

#[test]
fn a_viewer_that_says_nothing_any_more_gets_the_plain_stream() {
    let mut policy = Policy::new(true);
    live(&mut policy, &mut fastrand::Rng::with_seed(5), 0.4, 0, 2_000);
    policy.decide(MEDIA, at(16_000));
    assert!(policy.video().copies > 0, "before its time");
    policy.decide(MEDIA, at(17_000));
    assert_eq!((policy.audio(), policy.video()), (AudioPlan::NONE, VideoPlan::NONE));
}

#[test]
fn a_kind_that_is_not_heard_of_is_taken_to_fare_like_the_other() {
    let mut policy = Policy::new(true);
    for now in (0..2_000).step_by(500) {
        policy.handle_report(MediaKind::Audio, 0, 50, at(now));
        policy.handle_report(MediaKind::Video, 40, 100, at(now));
    }
    policy.decide(MEDIA, at(2_000));
    assert_eq!(policy.audio(), AudioPlan::NONE, "it says that it fares well");
    policy.handle_report(MediaKind::Video, 40, 100, at(4_000));
    policy.decide(MEDIA, at(4_600));
    assert!(policy.audio().sends() >= 4, "{:?}", policy.audio());
}

#[test]
fn large_frames_are_repeated_in_packets_that_are_not_cut() {
    let mut policy = Policy::new(true);
    let mut rng = fastrand::Rng::with_seed(6);
    live(&mut policy, &mut rng, 0.8, 0, 5_000);
    let media = MediaSize { audio_bps: 128_000, audio_frame: 320, ..MEDIA };
    policy.decide(media, at(5_000));
    let plan = policy.audio();
    assert!((plan.depth + 1) * media.audio_frame <= 1_200, "{plan:?}");
    assert!(plan.sends() >= 14, "{plan:?}");
}

#[test]
fn at_eighty_percent_loss_nine_of_ten_frames_arrive_within_their_time() {
    const FRAMES: usize = 3_000;
    for seed in 0..5 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut policy = Policy::new(true);
        let settled = live(&mut policy, &mut rng, 0.8, 0, 5_000);
        let plan = policy.audio();
        let mut queue = Later::new(256);
        // By frame: how late it first arrived.
        let mut arrived = [None; FRAMES];
        let end = settled + (FRAMES as u64 + 30) * AUDIO_PERIOD_MS;
        for now in settled..end {
            let frame = ((now - settled) / AUDIO_PERIOD_MS) as usize;
            if (now - settled).is_multiple_of(AUDIO_PERIOD_MS) && frame < FRAMES {
                for copy in 0..=plan.copies as u32 {
                    assert!(queue.push(at(now) + plan.spacing * copy, frame));
                }
            }
            while let Some(packet) = queue.poll(at(now)) {
                if rng.f64() < 0.8 {
                    continue;
                }
                let first: usize = packet - plan.depth.min(packet);
                for (frame, late) in arrived.iter_mut().enumerate().take(packet + 1).skip(first) {
                    let sent = settled + frame as u64 * AUDIO_PERIOD_MS;
                    late.get_or_insert(Duration::from_millis(now - sent));
                }
            }
        }
        let in_time = arrived.iter().flatten().filter(|late| **late <= Duration::from_millis(200));
        let share = in_time.count() as f64 / FRAMES as f64;
        assert!(share > 0.93, "seed {seed}: {share} with {plan:?}");
    }
}

#[test]
fn what_is_due_first_comes_first_and_a_full_queue_refuses() {
    let mut queue = Later::new(3);
    assert!(queue.push(at(20), 'b') && queue.push(at(10), 'a') && queue.push(at(20), 'c'));
    assert!(!queue.push(at(5), 'd'), "full");
    assert_eq!(queue.poll_timeout(), Some(at(10)));
    assert_eq!(queue.poll(at(9)), None);
    let order: String = std::iter::from_fn(|| queue.poll(at(20))).collect();
    assert_eq!(order, "abc");
    assert!(queue.is_empty());
}
