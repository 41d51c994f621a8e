//! A solo host's own pictures: passed on, taken over and given back, and a process whose pictures
//! rest.

use std::time::Duration;

use media_rules::{FrameCodec, Rect};
use mixer::{Duty, ProgramEvent};

use crate::clip::beep_hz;
use crate::host::Host;
use crate::judging::assert_no_gap;
use crate::process::{cpu_seconds, process_of, sleeps};
use crate::running::{Events, clip, scene, start, until_shown, until_started};
use crate::viewer::{flashes, frames, pictures, record, record_until, skews_ms, sound};
use crate::{BLACK, CANVAS, LEFT, RIGHT, WHOLE};

/// The hosts' own size, which is not the program's.
pub(crate) const OWN: Rect = Rect { x: 0, y: 0, width: 360, height: 640 };

#[tokio::test(flavor = "multi_thread")]
async fn a_solo_hosts_own_pictures_come_and_go_without_a_seam() {
    let (_place, program, mut events) = start("bypass").await;
    let [first, second] = [1, 2].map(|id| vec![clip(id)]);
    let alice = Host::start("alice", first, &program);
    let bob = Host::start("bob", second, &program);
    program.set_duty(Duty::MixOrPass);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_passing(&mut events).await;
    let process = process_of("bypass");
    let (cpu, slept) = (cpu_seconds(process), sleeps(process, "sound-tick"));
    // Both hosts send keyframes at the same moments: not now, so the guest's comes in time.
    let mut recorded = record(&mut events, Duration::from_millis(4_400)).await;
    println!("passing on takes {:.3} cores", (cpu_seconds(process) - cpu) / 4.4);
    let passed = recorded.clone();
    // 220 blocks: it mixes for half a second until the host's sound is known to be whole.
    let slept = sleeps(process, "sound-tick") - slept;
    assert!(
        slept < 110,
        "the desk mixes while a host is passed on; the thread slept {slept} times"
    );

    for round in 0..2 {
        program.set_scene(scene(2 + 2 * round, &[&alice.feed, &bob.feed]));
        recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
        program.set_scene(scene(3 + 2 * round, &[&alice.feed]));
        recorded.extend(record(&mut events, Duration::from_millis(3_500)).await);
    }
    program.stop().await;

    let pictures = pictures(&recorded);
    let mut seen = Vec::new();
    for picture in &pictures {
        assert!(picture.mean_luma() > BLACK, "a black picture");
        let is_own = picture.size() == (OWN.width, OWN.height);
        let tiles = if is_own { [OWN, OWN] } else { [LEFT, RIGHT] };
        let hosts = tiles.map(|tile| picture.mark(tile).map(|mark| mark.host));
        let is_whole = !is_own && picture.mark(WHOLE).is_some_and(|mark| mark.host == 1);
        let now = match hosts {
            [Some(1), Some(1)] if is_own => "passed",
            [Some(1), Some(2)] => "both",
            _ if is_whole => "alone",
            other => panic!("a picture of {other:?}"),
        };
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // Alone she is composed while the scene settles, and perhaps until the guest's first picture.
    seen.dedup_by(|now, _| *now == "alone");
    seen.retain(|now| *now != "alone");
    seen.dedup();
    assert_eq!(seen, ["passed", "both", "passed", "both", "passed"]);
    assert_no_gap(&recorded);
    let [h264, aac] = [FrameCodec::H264, FrameCodec::Aac].map(|codec| frames(&recorded, codec));
    assert!(h264.is_sorted_by(|(_, a), (_, b)| a.at < b.at));
    // 1024 samples of 48 kHz, whether they were encoded one block at a time or several.
    let steps = aac.windows(2).map(|pair| pair[1].1.at.since(pair[0].1.at).as_micros());
    assert!(steps.clone().all(|step| (21_300..21_370).contains(&step)), "{:?}", steps.max());
    let passed_aac = frames(&passed, FrameCodec::Aac);
    let waits = passed_aac.windows(2).filter(|pair| pair[1].0.since(pair[0].0).as_millis() > 10);
    let (bunches, of) = (waits.count() + 1, passed_aac.len());
    assert!(2 * bunches < of, "{of} pieces of AAC are encoded in {bunches} goes");

    for codec in [FrameCodec::Opus, FrameCodec::Aac] {
        let flashes = flashes(&self::pictures(&passed), OWN);
        let skews = skews_ms(&flashes, &sound(&passed, codec).beeps(beep_hz(1)));
        println!("{codec:?}: the beep after a passed flash by {skews:.1?} ms");
        let mean = skews.iter().sum::<f64>() / skews.len() as f64;
        assert!(skews.len() >= 2 && mean.abs() < 30.0, "{codec:?}: {skews:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stalls_is_taken_over_with_the_last_picture() {
    let (_place, program, mut events) = start("bypass-stall").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_duty(Duty::MixOrPass);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_passing(&mut events).await;

    alice.set_silent(true);
    let mut recorded = record(&mut events, Duration::from_millis(3_500)).await;
    alice.set_silent(false);
    recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
    program.set_scene(scene(2, &[]));
    let nobody = record(&mut events, Duration::from_millis(1_500)).await;
    program.stop().await;

    let pictures = pictures(&recorded);
    let taken = pictures.iter().find(|picture| picture.size() == CANVAS).expect("it is composed");
    assert_eq!(taken.mark(WHOLE).map(|mark| mark.host), Some(1), "the last picture is held");
    assert!(pictures.iter().all(|picture| picture.mean_luma() > BLACK));
    assert!(
        pictures.iter().any(|picture| picture.size() == CANVAS && picture.mark(WHOLE).is_none())
    );
    let last = pictures.last().unwrap();
    assert!(last.size() == CANVAS && last.mark(WHOLE).is_some(), "back, and still composed");
    // Half a second of patience, and a decoder that catches up.
    let frames = frames(&recorded, FrameCodec::H264);
    let longest = frames.windows(2).map(|pair| pair[1].1.at.since(pair[0].1.at)).max().unwrap();
    println!("the takeover took {longest:?}");
    assert!(longest < Duration::from_millis(1_000), "{longest:?}");
    assert_no_gap(&nobody);
    let slate = self::pictures(&nobody);
    assert!(slate.last().is_some_and(|picture| picture.mean_luma() > BLACK), "the slate");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_rest_and_wake_with_the_newest_picture_while_sound_goes_on() {
    let (_place, program, mut events) = start("rest").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;
    let process = process_of("rest");

    program.set_duty(Duty::Rest);
    record(&mut events, Duration::from_millis(300)).await;
    let cpu = cpu_seconds(process);
    // Longer than a process that makes nothing is believed to live.
    let resting = record(&mut events, Duration::from_secs(4)).await;
    println!("resting takes {:.3} cores", (cpu_seconds(process) - cpu) / 4.0);
    program.set_duty(Duty::Mix);
    let woken = mixer::media_now();
    let awake = record(&mut events, Duration::from_millis(1_500)).await;
    assert_eq!(process_of("rest"), process, "nobody took it for dead");
    program.stop().await;

    assert!(frames(&resting, FrameCodec::H264).is_empty());
    assert!(frames(&resting, FrameCodec::Opus).len() > 190);
    let pictures = pictures(&awake);
    let first = &pictures[0];
    println!("awake after {:?}", first.came.since(woken));
    assert!(frames(&awake, FrameCodec::H264)[0].1.is_key);
    assert!(first.came.since(woken) < Duration::from_millis(700));
    let sent = alice.sent.lock().unwrap()[first.mark(WHOLE).expect("a host").number];
    assert!(first.came.since(sent) < Duration::from_millis(700), "and not an old picture");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_pictures_never_began_makes_sound() {
    let (_place, program, mut events) = start("rest-first").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_duty(Duty::Rest);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    let recorded = record(&mut events, Duration::from_secs(2)).await;
    program.stop().await;

    for codec in [FrameCodec::Opus, FrameCodec::Aac] {
        assert!(frames(&recorded, codec).len() > 80, "{codec:?}");
    }
}

/// Waits until the host's own pictures come.
pub(crate) async fn until_passing(events: &mut Events) {
    let is_own = |event: &ProgramEvent| match event {
        ProgramEvent::Frame { frame, .. } if frame.is_key => {
            let sets = media_rules::h264::ParameterSets::find(&frame.data);
            let sets =
                sets.and_then(|sets| media_rules::h264::SequenceParameters::parse(&sets.sps));
            sets.is_some_and(|sets| sets.width == OWN.width)
        }
        ProgramEvent::Frame { .. }
        | ProgramEvent::SideFrame { .. }
        | ProgramEvent::Loudness(_)
        | ProgramEvent::Clip { .. }
        | ProgramEvent::Snapshot(_)
        | ProgramEvent::Rendition { .. }
        | ProgramEvent::KeyframeWanted(_)
        | ProgramEvent::Started { .. }
        | ProgramEvent::Died { .. } => false,
    };
    let recorded = record_until(events, Duration::from_secs(10), is_own).await;
    assert!(
        recorded.last().is_some_and(|(_, event)| is_own(event)),
        "the host's own pictures come"
    );
}
