//! Processes that are killed, hang, grow or lose their server.

use std::time::Duration;

use media_rules::{FeedId, FrameCodec};
use mixer::{Program, ProgramConfig, ProgramEvent};

use crate::WHOLE;
use crate::host::Host;
use crate::process::{children, kill, process_of, processes_of};
use crate::running::{
    alone, clip, config, launch, place, scene, start, until_shown, until_started,
};
use crate::viewer::{Recorded, frames, pictures, record, record_until, sound};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_mixer_is_back_and_time_goes_on() {
    let (_place, program, mut events) = start("killed").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;
    let mut recorded = record(&mut events, Duration::from_secs(1)).await;

    let killed = mixer::media_now();
    kill("-KILL", process_of("killed"));
    recorded.extend(record(&mut events, Duration::from_secs(3)).await);
    program.stop().await;

    let is_death = |(_, event): &Recorded| matches!(event, ProgramEvent::Died { .. });
    let death = recorded.iter().position(is_death).expect("the death is told");
    let after = pictures(&recorded[death..]);
    let back = after[0].came.since(killed);
    let host = after.iter().find(|picture| picture.mark(WHOLE).is_some()).expect("Alice is back");
    println!("picture back after {back:?}, the host's after {:?}", host.came.since(killed));
    assert!(back < Duration::from_secs(2));
    for codec in [FrameCodec::H264, FrameCodec::Opus, FrameCodec::Aac] {
        let frames = frames(&recorded, codec);
        assert!(frames.is_sorted_by(|(_, a), (_, b)| a.at < b.at), "{codec:?} steps back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_asked_for_a_keyframe_before_the_next_mixer_can_ask() {
    let _place = place().await;
    // `cat -` listens and says nothing.
    let config = ProgramConfig { mixer_bin: "/bin/cat".into(), ..config("-") };
    let (program, mut events) = Program::start(config).unwrap();
    let feed = FeedId::new("a", "alice");
    program.set_scene(scene(1, &[&feed]));
    let mut starts = (0..500).map(|_| std::thread::sleep(Duration::from_millis(10)));
    while processes_of("-").is_empty() {
        starts.next().expect("a process is started");
    }
    kill("-KILL", process_of("-"));

    let is_asked = |event: &ProgramEvent| *event == ProgramEvent::KeyframeWanted(feed.clone());
    let recorded = record_until(&mut events, Duration::from_secs(5), is_asked).await;
    program.stop().await;
    let is_death = |(_, event): &Recorded| matches!(event, ProgramEvent::Died { .. });
    assert!(is_death(&recorded[0]), "nobody is asked while the first one starts");
    assert!(is_asked(&recorded.last().unwrap().1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_mixer_is_replaced() {
    let (_place, program, mut events) = start("hung").await;
    until_started(&mut events).await;
    let hung = process_of("hung");
    let stopped = mixer::media_now();
    kill("-STOP", hung);

    let is_second = |event: &ProgramEvent| *event == ProgramEvent::Started { generation: 2 };
    let recorded = record_until(&mut events, Duration::from_secs(6), is_second).await;
    assert_ne!(process_of("hung"), hung);
    program.stop().await;

    let (came, last) = recorded.last().expect("events");
    assert!(is_second(last), "another one starts");
    println!("another mixer after {:?}", came.since(stopped));
    assert!(came.since(stopped) < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixer_that_holds_too_much_memory_is_replaced_within_two_seconds() {
    let _alone = alone().await;
    // Less than any mixer needs, so each of them is replaced when it is weighed first.
    let config = ProgramConfig { memory_limit_bytes: 1 << 20, ..config("heavy") };
    let (program, mut events) = Program::start(config).unwrap();
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    let recorded = record(&mut events, Duration::from_secs(4)).await;
    program.stop().await;

    let reason = recorded.iter().find_map(|(_, event)| {
        let ProgramEvent::Died { reason, .. } = event else { return None };
        Some(reason.clone())
    });
    assert!(reason.expect("it is replaced").contains("MiB of memory"));
    for (codec, longest) in
        [(FrameCodec::H264, 2_000), (FrameCodec::Opus, 100), (FrameCodec::Aac, 100)]
    {
        let frames = frames(&recorded, codec);
        assert!(frames.is_sorted_by(|(_, a), (_, b)| a.at < b.at), "{codec:?} steps back");
        let gaps = frames.windows(2).map(|pair| pair[1].1.at.since(pair[0].1.at).as_millis());
        let gap = gaps.max().expect("there are frames");
        println!("{codec:?}: {gap} ms without a frame while the mixer is replaced");
        assert!(gap <= longest, "{codec:?}: nothing for {gap} ms");
    }
    // What stands in for the sound can be decoded like the sound itself.
    for codec in [FrameCodec::Opus, FrameCodec::Aac] {
        let samples = sound(&recorded, codec).samples;
        assert!(samples.len() > 3 * 48_000, "{} samples of {codec:?}", samples.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_its_program() {
    let _alone = alone().await;
    let (program, mut events) = launch("stopped");
    until_started(&mut events).await;
    program.stop().await;
    assert!(children().is_empty());

    let (program, mut events) = launch("dropped");
    until_started(&mut events).await;
    drop(program);
    let gone = async { while events.recv().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(3), gone).await.expect("the keeper ends");
    assert!(children().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixer_without_a_server_ends_by_itself() {
    let _place = place().await;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lianmai-mixer"))
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    drop(ours);
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends").unwrap();
}
