//! Hosts who come, go, stall, change and break: the program goes on.

use std::sync::Arc;
use std::time::Duration;

use media_rules::{FeedId, FrameCodec, Rect, Scene, Tile};
use mixer::ProgramEvent;

use crate::clip::{Clip, FPS, beep_hz, tone_hz};
use crate::host::Host;
use crate::judging::{assert_colour, assert_no_gap};
use crate::process::{Held, cpu_seconds, process_of};
use crate::running::{clip, scene, start, until_shown, until_started};
use crate::viewer::{Picture, Recorded, Sound, flashes, pictures, record, skews_ms, sound};
use crate::{BLACK, COLOURS, LEFT, RIGHT, WHOLE};

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_are_side_by_side_and_in_time() {
    let (_place, program, mut events) = start("side-by-side").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![LEFT, RIGHT]).await;

    let process = process_of("side-by-side");
    let cpu = cpu_seconds(process);
    let recorded = record(&mut events, Duration::from_secs(5)).await;
    let cores = (cpu_seconds(process) - cpu) / 5.0;
    program.stop().await;

    let pictures = pictures(&recorded);
    // A few are lost before the first keyframe.
    assert!(pictures.len() > 130, "{} pictures in five seconds", pictures.len());
    let mut latency = Vec::new();
    for picture in &pictures {
        for (tile, id, host) in [(LEFT, 1, &alice), (RIGHT, 2, &bob)] {
            let mark = picture.mark(tile).expect("every tile shows a whole mark");
            assert_eq!(mark.host, id);
            assert_colour(picture, tile, COLOURS[usize::from(id) - 1]);
            latency.push(picture.came.since(host.sent.lock().unwrap()[mark.number]).as_secs_f64());
        }
    }
    latency.sort_by(f64::total_cmp);
    let percentile = |share: f64| latency[(latency.len() as f64 * share) as usize] * 1e3;
    println!(
        "latency RTP in -> encoded out: p50 {:.1} ms, p95 {:.1} ms, {cores:.2} cores, {} pictures",
        percentile(0.5),
        percentile(0.95),
        pictures.len()
    );

    for codec in [FrameCodec::Opus, FrameCodec::Aac] {
        let sound = sound(&recorded, codec);
        for id in [1, 2] {
            let level = Sound::level(&sound.samples, tone_hz(id));
            assert!(level > 0.02, "{codec:?}: host {id} is heard at {level}");
        }
        for (tile, id) in [(LEFT, 1), (RIGHT, 2)] {
            let skews = skews_ms(&flashes(&pictures, tile), &sound.beeps(beep_hz(id)));
            println!("{codec:?}: host {id}'s beep after its flash by {skews:.1?} ms");
            let mean = skews.iter().sum::<f64>() / skews.len() as f64;
            assert!(skews.len() >= 3 && mean.abs() < 30.0, "{codec:?}: {skews:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn solo_co_host_battle_solo_is_seamless_to_eye_and_ear() {
    let (_place, program, mut events) = start("scenes").await;
    // Made before time counts.
    let [first, second, third] = [1, 2, 3].map(|id| vec![clip(id)]);
    let alice = Host::start("alice", first, &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    let mut recorded = record(&mut events, Duration::from_secs(2)).await;

    let bob = Host::start("bob", second, &program);
    program.set_scene(scene(2, &[&alice.feed, &bob.feed]));
    let co_host = record(&mut events, Duration::from_secs(2)).await;

    let carol = Host::start("carol", third, &program);
    let mut battle = scene(3, &[&alice.feed, &carol.feed]);
    battle.tiles[0].gain_percent = 0;
    program.set_scene(battle);
    let battle = record(&mut events, Duration::from_secs(2)).await;

    program.set_scene(scene(4, &[&alice.feed]));
    let solo = record(&mut events, Duration::from_secs(1)).await;
    program.stop().await;

    for (recorded, heard) in [(&co_host, [true, true, false]), (&battle, [false, false, true])] {
        // The newcomer's first packets and the leaver's last ones are not looked at.
        let samples = &sound(recorded, FrameCodec::Opus).samples[48_000..];
        let is_heard = [1, 2, 3].map(|id| Sound::level(samples, tone_hz(id)) > 0.02);
        assert_eq!(is_heard, heard, "whose tones are in the mix");
    }
    recorded.extend([co_host, battle, solo].into_iter().flatten());

    let pictures = pictures(&recorded);
    let mut seen = Vec::new();
    for picture in &pictures {
        let host_in = |(name, tile)| picture.mark(tile).map(|mark| (name, mark.host));
        let places = [("whole", WHOLE), ("left", LEFT), ("right", RIGHT)];
        let now: Vec<_> = places.into_iter().filter_map(host_in).collect();
        assert!(picture.mean_luma() > BLACK, "a black picture");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // Until Alice's first picture there is the slate.
    seen.retain(|hosts| !hosts.is_empty());
    let both = |guest| vec![("left", 1), ("right", guest)];
    assert_eq!(seen, [vec![("whole", 1)], both(2), both(3), vec![("whole", 1)]]);
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_host_freezes_and_then_gives_way_to_an_empty_tile() {
    let (_place, program, mut events) = start("stalled").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![LEFT, RIGHT]).await;

    bob.set_silent(true);
    let silent = mixer::media_now();
    let mut recorded = record(&mut events, Duration::from_millis(2_200)).await;
    // A keyframe that comes at once need not be asked for.
    while !(3..15).contains(&(bob.newest() % FPS)) {
        recorded.extend(record(&mut events, Duration::from_millis(20)).await);
    }
    bob.set_silent(false);
    recorded.extend(record(&mut events, Duration::from_millis(2_500)).await);
    program.stop().await;

    let pictures = pictures(&recorded);
    let of_bob = |picture: &Picture| picture.mark(RIGHT).is_some_and(|mark| mark.host == 2);
    let is_frozen = |picture: &&Picture| picture.at.since(silent) < Duration::from_millis(1_400);
    assert!(pictures.iter().take_while(is_frozen).all(of_bob), "the picture freezes first");
    let empty = pictures.iter().find(|picture| !of_bob(picture)).expect("then the tile is empty");
    assert!(empty.luma(RIGHT) > BLACK && !empty.at.since(silent).is_zero());
    assert!(of_bob(pictures.last().unwrap()), "Bob is back");
    assert!(pictures.iter().all(|picture| picture.mark(LEFT).is_some()), "Alice never left");
    let wants_bob =
        |(_, event): &Recorded| *event == ProgramEvent::KeyframeWanted(bob.feed.clone());
    assert!(recorded.iter().any(wants_bob), "after a gap the host is asked for a keyframe");
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whom_no_layout_shows_costs_no_decoder_and_is_back_with_the_first_picture() {
    let (_place, program, mut events) = start("hidden").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    let both = scene(1, &[&alice.feed, &bob.feed]);
    program.set_scene(both.clone());
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![LEFT, RIGHT]).await;
    let process = process_of("hidden");
    let seen = Held::by(process);

    let mut alone = scene(2, &[&alice.feed]);
    alone.tiles.push(Tile { rect: Rect::NOWHERE, ..both.tiles[1].clone() });
    program.set_scene(alone);
    // The scene before may be shown for a moment.
    record(&mut events, Duration::from_millis(1_500)).await;
    let hidden = Held::by(process);
    program.request_keyframe();
    let mut recorded = record(&mut events, Duration::from_millis(500)).await;
    program.set_scene(Scene { revision: 3, ..both });
    recorded.extend(record(&mut events, Duration::from_millis(800)).await);
    program.stop().await;

    println!("seen {seen:?}, hidden {hidden:?}");
    assert!(hidden.files < seen.files, "his decoder is gone, and what it held");
    let asked = ProgramEvent::KeyframeWanted(bob.feed.clone());
    assert!(!recorded.iter().any(|(_, event)| *event == asked), "nor has he to do anything");
    let pictures = pictures(&recorded);
    let first = pictures.iter().position(|picture| picture.mark(LEFT).is_some());
    let shown = &pictures[first.expect("both are shown again")..];
    for picture in shown {
        assert_eq!(picture.mark(RIGHT).map(|mark| mark.host), Some(2), "Bob is seen at once");
    }
    let sent = bob.sent.lock().unwrap()[shown[0].mark(RIGHT).unwrap().number];
    assert!(shown[0].came.since(sent) < Duration::from_millis(700), "with a picture of now");
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_change_the_size_of_the_picture() {
    let (_place, program, mut events) = start("sizes").await;
    let wide = Arc::new(Clip::make(1, 480, 270, COLOURS[0]));
    let alice = Host::start("alice", vec![clip(1), wide], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;

    let mut recorded = record(&mut events, Duration::from_millis(300)).await;
    alice.switch_clip(1);
    recorded.extend(record(&mut events, Duration::from_secs(2)).await);
    program.stop().await;

    let pictures = pictures(&recorded);
    assert!(pictures[0].mark(WHOLE).is_some(), "first the tall picture");
    assert!(pictures.last().unwrap().mark(WHOLE).is_none(), "then the middle of the wide one");
    for picture in &pictures {
        assert_colour(picture, WHOLE, COLOURS[0]);
        assert!(picture.mean_luma() > BLACK);
    }
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_of_one_host_does_not_disturb_another() {
    let (_place, program, mut events) = start("garbage").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let mallory = Host::start("mallory", vec![Arc::new(clip(2).garbled())], &program);
    let missing = FeedId::new("a", "missing");
    let scene = scene(1, &[&alice.feed, &mallory.feed, &missing]);
    let first = scene.tiles[0].rect;
    program.set_scene(scene);
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![first]).await;

    let process = process_of("garbage");
    let recorded = record(&mut events, Duration::from_secs(3)).await;
    assert_eq!(process_of("garbage"), process, "the mixer lives on");
    program.stop().await;

    for picture in pictures(&recorded) {
        assert_eq!(picture.mark(first).map(|mark| mark.host), Some(1), "Alice is seen");
    }
    let wanted = ProgramEvent::KeyframeWanted(mallory.feed.clone());
    let asked = recorded.iter().filter(|(_, event)| *event == wanted).count();
    assert!(asked <= 7, "asked {asked} times in three seconds");
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_that_come_and_go_leave_nothing_behind() {
    let (_place, program, mut events) = start("guests").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let guest = clip(2);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;
    let process = process_of("guests");
    let alone = Held::by(process);

    let mut most = alone;
    for number in 0..20 {
        let bob = Host::start(&format!("bob{number}"), vec![Arc::clone(&guest)], &program);
        program.set_scene(scene(2 + number, &[&alice.feed, &bob.feed]));
        record(&mut events, Duration::from_millis(300)).await;
        most = most.max(Held::by(process));
    }
    assert!(most.threads > alone.threads, "guests are decoded");
    program.set_scene(scene(30, &[&alice.feed]));
    // Who leaves is kept for a moment, because the scene before may still be shown.
    record(&mut events, Duration::from_secs(2)).await;

    let after = Held::by(process);
    println!("alone {alone:?}, at most {most:?}, alone again {after:?}");
    assert_eq!(after.files, alone.files);
    // GLib keeps a worker or two for later.
    assert!(after.threads <= alone.threads + 2, "{after:?}");
    assert!(after.memory_kib < most.memory_kib + 8_000, "{after:?}");
    assert!(most.memory_kib < alone.memory_kib + 60_000, "{most:?}");
    program.stop().await;
}
