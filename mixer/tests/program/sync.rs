//! Hosts of different networks who flash and beep at the same moments, and others in the same program at whom faults are made on
//! purpose, which shows that faults are seen.

use std::time::Duration;

use media_rules::layout::{Arrangement, Choice, Figures, Performer, Preset};
use media_rules::{FrameCodec, Rect};

use crate::CANVAS;
use crate::clip::beep_hz;
use crate::host::{Host, Way};
use crate::running::{clip, start, until_shown, until_started};
use crate::viewer::{Picture, Sound, flashes, pictures, record, skews_ms, sound};

const NEAR: Duration = Duration::from_millis(10);
const FAR: Duration = Duration::from_millis(160);

/// Of the deliberate faults.
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
    let (_place, program, mut events) = start("sync").await;
    let near = Way { delay: NEAR, ..Way::default() };
    let far = Way { delay: FAR, ..Way::default() };
    let late_sound = Way { sound_behind: FAULT_PACKETS, ..near };
    let late_start = Way { begins: FAULT, ..far };
    let ways = [("alice", near), ("roberta", far), ("carol", late_sound), ("don", late_start)];
    let clips = [1, 2, 3, 4].map(clip);
    let hosts: Vec<Host> = ways
        .into_iter()
        .zip(clips)
        .map(|((name, way), clip)| Host::start_over(way, name, vec![clip], &program))
        .collect();
    let performer =
        |host: &Host| Performer { feed: host.feed.clone(), name: String::new(), is_muted: false };
    let performers: Vec<_> = hosts.iter().map(performer).collect();
    let grid = Choice { arrangement: Arrangement::Preset(Preset::Grid4), ..Choice::default() };
    let scene = grid.scene(1, &performers, false, CANVAS, Figures::default());
    let tiles: Vec<Rect> = scene.tiles.iter().map(|tile| tile.rect).collect();
    program.set_scene(scene);
    until_started(&mut events).await;
    until_shown(&program, &mut events, tiles.clone()).await;
    // Reports come once a second, and who has to wait begins to do so gently.
    record(&mut events, Duration::from_secs(4)).await;
    program.request_keyframe();
    let recorded = record(&mut events, Duration::from_secs(7)).await;
    program.stop().await;

    let pictures = pictures(&recorded);
    let sounds = [FrameCodec::Opus, FrameCodec::Aac].map(|codec| sound(&recorded, codec));
    let true_ = apart(&pictures, &sounds, [(tiles[0], 1), (tiles[1], 2)]);
    let host_skew = true_.hosts.iter().fold(0.0_f64, |worst, skew| worst.max(skew.abs()));
    let lip_sync = true_.lips.iter().fold(0.0_f64, |worst, skew| worst.max(skew.abs()));
    println!("{true_:.1?}");
    println!("mixer.host_skew_ms {host_skew:.1}");
    println!("mixer.lipsync_ms {lip_sync:.1}");
    assert!(host_skew <= 80.0, "{true_:?}");
    assert!(lip_sync <= 60.0, "{true_:?}");

    // Faults that are made on purpose are seen as what they are.
    let faulty = apart(&pictures, &sounds, [(tiles[2], 3), (tiles[3], 4)]);
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

fn apart(pictures: &[Picture], [opus, aac]: &[Sound; 2], hosts: [(Rect, u8); 2]) -> Apart {
    let flashes = hosts.map(|(tile, _)| flashes(pictures, tile));
    let [one, two] = hosts.map(|(_, id)| [opus, aac].map(|sound| sound.beeps(beep_hz(id))));
    let median = |from: &[f64], to: &[f64]| {
        let mut skews = skews_ms(from, to);
        skews.sort_by(f64::total_cmp);
        assert!(skews.len() >= 5, "{from:?} and {to:?}");
        skews[skews.len() / 2]
    };
    Apart {
        hosts: [median(&flashes[0], &flashes[1]), median(&one[0], &two[0])],
        lips: [
            median(&flashes[0], &one[0]),
            median(&flashes[1], &two[0]),
            median(&flashes[0], &one[1]),
            median(&flashes[1], &two[1]),
        ],
    }
}
