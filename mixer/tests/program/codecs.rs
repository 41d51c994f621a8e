//! Hosts whose browsers encode in something else than H.264, and who change their mind.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use media_rules::Codec;
use mixer::ProgramEvent;

use crate::clip::Clip;
use crate::host::Host;
use crate::judging::{assert_colour, assert_no_gap};
use crate::process::{cpu_seconds, process_of};
use crate::running::{clip, scene, start, until_shown, until_started};
use crate::viewer::{Picture, pictures, record};
use crate::{COLOURS, WHOLE};

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_send_any_codec_and_change_it() {
    let (_place, program, mut events) = start("codecs").await;
    let codecs = [Codec::Vp8, Codec::Vp9, Codec::Av1];
    let mut clips = vec![clip(1)];
    clips.extend(codecs.map(clip_in));
    let alice = Host::start("alice", clips, &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;

    let process = process_of("codecs");
    let (mut recorded, mut parts) = (Vec::new(), Vec::new());
    for (number, codec) in [Codec::H264].into_iter().chain(codecs).enumerate() {
        alice.switch_clip(number);
        // The change comes with the clip's next keyframe.
        recorded.extend(record(&mut events, Duration::from_millis(1_200)).await);
        let (began, cpu) = (mixer::media_now(), cpu_seconds(process));
        recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
        let cores = (cpu_seconds(process) - cpu) / 1.5;
        parts.push((codec, began..mixer::media_now(), cores));
    }
    program.stop().await;

    let pictures = pictures(&recorded);
    for (codec, part, cores) in parts {
        let shown = shown(pictures.iter().filter(|picture| part.contains(&picture.came)));
        println!("{codec:?}: {shown} new pictures in 1.5 s, {cores:.2} cores for the program");
        assert!(shown > 35, "{codec:?}: {shown} pictures of the host in 1.5 s");
    }
    for picture in &pictures {
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
    let (_place, program, mut events) = start("late-codecs").await;
    for (revision, codec) in [Codec::Vp8, Codec::Vp9, Codec::Av1].into_iter().enumerate() {
        let late = clip_in(codec);
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
        until_shown(&program, &mut events, vec![WHOLE]).await;
    }
    program.stop().await;
}

/// Alice's media in another codec, made once for all tests.
fn clip_in(codec: Codec) -> Arc<Clip> {
    static CLIPS: [OnceLock<Arc<Clip>>; 3] = [const { OnceLock::new() }; 3];
    let index = match codec {
        Codec::Vp8 => 0,
        Codec::Vp9 => 1,
        Codec::Av1 => 2,
        Codec::H264 | Codec::Opus => panic!("other clips are made in H.264"),
    };
    CLIPS[index].get_or_init(|| Arc::new(Clip::make_in(codec, 1, 360, 640, COLOURS[0]))).clone()
}

/// Returns how many different pictures of the host there are.
fn shown<'a>(pictures: impl Iterator<Item = &'a Picture>) -> usize {
    let mut numbers: Vec<usize> =
        pictures.filter_map(|picture| picture.mark(WHOLE)).map(|mark| mark.number).collect();
    numbers.dedup();
    numbers.len()
}
