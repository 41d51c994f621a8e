//! Hosts whose browsers encode in something else than H.264, and who change their mind.

use std::sync::Arc;
use std::time::Duration;

use media_rules::Codec;
use mixer::ProgramEvent;

use crate::clip::Clip;
use crate::host::Host;
use crate::viewer::{Recorded, pictures, record};
use crate::{
    COLOURS, WHOLE, assert_colour, assert_no_gap, clip, cpu_seconds, process_of_program, scene,
    start, until_shown, until_started,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_send_any_codec_and_change_it() {
    let (_alone, program, mut events) = start("codecs").await;
    let codecs = [Codec::Vp8, Codec::Vp9, Codec::Av1];
    let mut clips = vec![clip(1)];
    clips.extend(codecs.map(|codec| Arc::new(Clip::make_in(codec, 1, 360, 640, COLOURS[0]))));
    let alice = Host::start("alice", clips, &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![WHOLE]).await;

    let process = process_of_program();
    // Long enough to hold a keyframe of the program, from which it can be decoded.
    let mut recorded = record(&mut events, Duration::from_millis(1_200)).await;
    for (number, codec) in [Codec::H264].into_iter().chain(codecs).enumerate() {
        alice.switch_clip(number);
        // The change comes with the clip's next keyframe.
        recorded.extend(record(&mut events, Duration::from_millis(1_200)).await);
        let began = recorded.len();
        let cpu = cpu_seconds(process);
        recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
        let cores = (cpu_seconds(process) - cpu) / 1.5;
        let shown = shown(&recorded, began);
        println!("{codec:?}: {shown} new pictures in 1.5 s, {cores:.2} cores for the program");
        assert!(shown > 35, "{codec:?}: {shown} pictures of the host in 1.5 s");
    }
    program.stop().await;

    for picture in &pictures(&recorded) {
        assert_eq!(picture.mark(WHOLE).map(|mark| mark.host), Some(1), "Alice is always seen");
        assert_colour(picture, WHOLE, COLOURS[0]);
    }
    let wanted = ProgramEvent::KeyframeWanted(alice.feed.clone());
    let asked = recorded.iter().filter(|(_, event)| *event == wanted).count();
    assert!(asked <= 4, "asked {asked} times for keyframes that came by themselves");
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_in_the_middle_is_asked_for_a_keyframe_in_any_codec() {
    let (_alone, program, mut events) = start("late-codecs").await;
    for (revision, codec) in [Codec::Vp8, Codec::Vp9, Codec::Av1].into_iter().enumerate() {
        let late = Arc::new(Clip::make_in(codec, 2, 360, 640, COLOURS[1]));
        let name = format!("bob{revision}");
        let bob = Host::start(&name, vec![late], &program);
        // Its first keyframe is gone by now.
        tokio::time::sleep(Duration::from_millis(300)).await;
        program.set_scene(scene(revision as u64 + 1, &[&bob.feed]));
        let asked = async {
            let wanted = ProgramEvent::KeyframeWanted(bob.feed.clone());
            while events.recv().await.is_some_and(|event| event != wanted) {}
        };
        tokio::time::timeout(Duration::from_secs(3), asked).await.expect("a keyframe is asked for");
        until_shown(&mut events, vec![WHOLE]).await;
    }
    program.stop().await;
}

/// Returns how many different pictures of the host are shown from the event `began` on.
fn shown(recorded: &[Recorded], began: usize) -> usize {
    let from = recorded[began].0;
    let mut numbers: Vec<usize> = pictures(recorded)
        .iter()
        .filter(|picture| picture.came >= from)
        .filter_map(|picture| picture.mark(WHOLE))
        .map(|mark| mark.number)
        .collect();
    numbers.dedup();
    numbers.len()
}
