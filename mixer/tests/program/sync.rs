//! Two hosts of different networks who flash and beep at the same moments.

use std::time::Duration;

use media_rules::FrameCodec;

use crate::clip::beep_hz;
use crate::host::{Host, Way};
use crate::viewer::{Recorded, flashes, pictures, record, skews_ms, sound};
use crate::{LEFT, RIGHT, clip, scene, start, until_shown, until_started};

const NEAR: Duration = Duration::from_millis(10);
const FAR: Duration = Duration::from_millis(160);

/// Of the deliberate faults by which it is shown that faults are seen.
const FAULT: Duration = Duration::from_millis(200);
const FAULT_PACKETS: u64 = 10;

/// How far what belongs together is apart, in milliseconds.
#[derive(Debug)]
struct Apart {
    /// The second host's flash after the first one's, and the same of their beeps.
    hosts: [f64; 2],
    /// Each host's beep after its flash, in Opus and in AAC.
    lips: [f64; 4],
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_different_networks_are_seen_and_heard_at_one_moment() {
    let near = Way { delay: NEAR, ..Way::default() };
    let far = Way { delay: FAR, ..Way::default() };
    let true_ = measure("in-sync", near, far).await;
    let host_skew = true_.hosts.iter().fold(0.0_f64, |worst, skew| worst.max(skew.abs()));
    let lip_sync = true_.lips.iter().fold(0.0_f64, |worst, skew| worst.max(skew.abs()));
    println!("{true_:.1?}");
    println!("mixer.host_skew_ms {host_skew:.1}");
    println!("mixer.lipsync_ms {lip_sync:.1}");
    assert!(host_skew <= 80.0, "{true_:?}");
    assert!(lip_sync <= 60.0, "{true_:?}");

    // Faults that are made on purpose are seen as what they are.
    let near = Way { sound_behind: FAULT_PACKETS, ..near };
    let far = Way { begins: FAULT, ..far };
    let faulty = measure("out-of-sync", near, far).await;
    println!("with faults of {FAULT:?}: {faulty:.1?}");
    let is_fault = |skew: f64| (180.0..=220.0).contains(&skew);
    let [flash, beep] = faulty.hosts;
    assert!(is_fault(flash - true_.hosts[0]), "the second host begins later: {faulty:?}");
    assert!(is_fault(beep + 200.0 - true_.hosts[1]), "and its beep with it: {faulty:?}");
    for codec in [0, 2] {
        let late = faulty.lips[codec] - true_.lips[codec];
        assert!(is_fault(late), "the first host's sound is late by {late} ms");
        assert!((faulty.lips[codec + 1] - true_.lips[codec + 1]).abs() < 20.0, "{faulty:?}");
    }
}

async fn measure(name: &str, first: Way, second: Way) -> Apart {
    let (_alone, program, mut events) = start(name).await;
    let clips = [clip(1), clip(2)];
    let [one, two] = clips;
    let alice = Host::start_over(first, "alice", vec![one], &program);
    let bob = Host::start_over(second, "roberta", vec![two], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![LEFT, RIGHT]).await;
    // Reports come once a second, and who has to wait begins to do so gently.
    record(&mut events, Duration::from_secs(4)).await;
    let recorded = record(&mut events, Duration::from_secs(8)).await;
    program.stop().await;
    tokio::task::spawn_blocking(move || apart(&recorded)).await.unwrap()
}

fn apart(recorded: &[Recorded]) -> Apart {
    let pictures = pictures(recorded);
    let flashes = [LEFT, RIGHT].map(|tile| flashes(&pictures, tile));
    let [opus, aac] = [FrameCodec::Opus, FrameCodec::Aac].map(|codec| sound(recorded, codec));
    let beeps = |id: u8| [opus.beeps(beep_hz(id)), aac.beeps(beep_hz(id))];
    let [beeps_1, beeps_2] = [beeps(1), beeps(2)];
    let median = |from: &[f64], to: &[f64]| {
        let mut skews = skews_ms(from, to);
        skews.sort_by(f64::total_cmp);
        assert!(skews.len() >= 5, "{from:?} and {to:?}");
        skews[skews.len() / 2]
    };
    Apart {
        hosts: [median(&flashes[0], &flashes[1]), median(&beeps_1[0], &beeps_2[0])],
        lips: [
            median(&flashes[0], &beeps_1[0]),
            median(&flashes[1], &beeps_2[0]),
            median(&flashes[0], &beeps_1[1]),
            median(&flashes[1], &beeps_2[1]),
        ],
    }
}
