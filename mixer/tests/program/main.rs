//! Goal: a program that never stops, is never black, keeps lips and voices together and outlives
//! its own process, whatever its hosts and its scenes do.
//! Method: the real `lianmai-mixer` with hosts that send real H.264 and Opus in real time; what it
//! makes is decoded and its marks, colours and tones are read. Figures are printed (`--nocapture`).

// Everything here is a test, and it prints figures.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod clip;
mod codecs;
mod films;
mod host;
mod layouts;
mod solo;
mod sound;
mod sync;
mod throttle;
mod viewer;
mod wrapping;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use media_rules::layout::{Choice, Figures, Performer};
use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaTime, Rect, Scene};
use mixer::{Program, ProgramConfig, ProgramEvent};
use tokio::sync::{Mutex, MutexGuard, mpsc};

use clip::{Clip, beep_hz, tone_hz};
use host::Host;
use throttle::Throttle;
use viewer::{Picture, Recorded, Sound, flashes, frames, pictures, record, skews_ms, sound};

const CANVAS: (u32, u32) = (720, 1280);
const WHOLE: Rect = Rect { x: 0, y: 0, width: 720, height: 1280 };
const LEFT: Rect = Rect { x: 0, y: 160, width: 360, height: 640 };
const RIGHT: Rect = Rect { x: 360, y: 160, width: 360, height: 640 };

/// Colours of the hosts 1, 2, 3 as Y, U, V.
const COLOURS: [[u8; 3]; 3] = [[90, 100, 220], [150, 60, 50], [100, 200, 90]];

/// The slate's luma is 64; a picture below this is black to a viewer.
const BLACK: u32 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_are_side_by_side_and_in_time() {
    let (_alone, program, mut events) = start("side-by-side").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![LEFT, RIGHT]).await;

    let process = process_of_program();
    let cpu = cpu_seconds(process);
    let recorded = record(&mut events, Duration::from_secs(6)).await;
    let cores = (cpu_seconds(process) - cpu) / 6.0;
    program.stop().await;

    let pictures = pictures(&recorded);
    // Up to a second is lost before the first keyframe.
    assert!(pictures.len() > 140, "{} pictures in six seconds", pictures.len());
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
    let (_alone, program, mut events) = start("scenes").await;
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
async fn a_killed_mixer_is_back_and_time_goes_on() {
    let (_alone, program, mut events) = start("killed").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![WHOLE]).await;
    let mut recorded = record(&mut events, Duration::from_secs(1)).await;

    let killed = mixer::media_now();
    kill("-KILL", process_of_program());
    recorded.extend(record(&mut events, Duration::from_secs(4)).await);
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
async fn overload_costs_pictures_and_never_time() {
    let (_alone, program, mut events) = start("overload").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![LEFT, RIGHT]).await;

    let rate = |recorded: &[Recorded], seconds: f64| {
        frames(recorded, FrameCodec::H264).len() as f64 / seconds
    };
    let mut throttle = Throttle::start(process_of_program());
    let mut shares = [0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05].into_iter();
    let mut squeezes = Vec::new();
    // Nothing is looked at meanwhile: that would take time from what is measured.
    loop {
        let share = shares.next().expect("some share is too little for thirty pictures a second");
        throttle.set_share(share);
        // Pictures have their number again after four seconds.
        let recorded = record(&mut events, Duration::from_secs(3)).await;
        let is_short = rate(&recorded, 3.0) < 24.0;
        squeezes.push((
            share,
            recorded,
            [&alice, &bob].map(|host| host.sent.lock().unwrap().clone()),
        ));
        if is_short {
            break;
        }
    }
    throttle.end();
    let mut waited = 0;
    while waited < 40 && rate(&record(&mut events, Duration::from_secs(1)).await, 1.0) < 29.0 {
        waited += 1;
    }
    program.stop().await;

    let mut worst = 0.0_f64;
    for (share, recorded, sent) in &squeezes {
        let (fps, late) = (rate(recorded, 3.0), latest_ms(recorded, &throttle));
        let added = added_ms(recorded, &[(LEFT, &sent[0]), (RIGHT, &sent[1])], &throttle);
        println!(
            "{share:.2} of the time: {fps:.1} pictures a second, at most {late:.0} ms late, at most \
             {added:.0} ms after their hosts'"
        );
        worst = worst.max(late);
    }
    println!("at most {worst:.0} ms late; all pictures again after {waited} s");
    assert!(worst <= 250.0, "a picture came {worst:.0} ms after its moment");
    assert!(waited < 40, "the machine has time again, the program does not notice");
    let (_, squeezed, _) = squeezes.last().expect("it was squeezed");
    assert!(rate(squeezed, 3.0) > 3.0, "a slide show is not a program");
    let is_on_grid = |at: MediaTime| {
        let number = (at.nanos() + 1_000) * 30 / 1_000_000_000;
        at.nanos().abs_diff(number * 1_000_000_000 / 30) <= 1_000
    };
    let pictures = frames(squeezed, FrameCodec::H264);
    assert!(pictures.iter().all(|(_, frame)| is_on_grid(frame.at)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixer_that_holds_too_much_memory_is_replaced_within_two_seconds() {
    let _alone = ALONE.lock().await;
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
async fn a_hung_mixer_is_replaced() {
    let (_alone, program, mut events) = start("hung").await;
    until_started(&mut events).await;
    let hung = process_of_program();
    let stopped = mixer::media_now();
    kill("-STOP", hung);

    let recorded = record(&mut events, Duration::from_secs(6)).await;
    assert_ne!(process_of_program(), hung);
    program.stop().await;

    let is_second = |(_, event): &Recorded| *event == ProgramEvent::Started { generation: 2 };
    let (came, _) = recorded.iter().find(|event| is_second(event)).expect("another one starts");
    println!("another mixer after {:?}", came.since(stopped));
    assert!(came.since(stopped) < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_host_freezes_and_then_gives_way_to_an_empty_tile() {
    let (_alone, program, mut events) = start("stalled").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    program.set_scene(scene(1, &[&alice.feed, &bob.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![LEFT, RIGHT]).await;

    bob.set_silent(true);
    let silent = mixer::media_now();
    let mut recorded = record(&mut events, Duration::from_millis(2_500)).await;
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
async fn a_host_may_change_the_size_of_the_picture() {
    let (_alone, program, mut events) = start("sizes").await;
    let wide = Arc::new(Clip::make(1, 480, 270, COLOURS[0]));
    let alice = Host::start("alice", vec![clip(1), wide], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![WHOLE]).await;

    // A recording can be decoded from its first keyframe on, which is at most a second away.
    let mut recorded = record(&mut events, Duration::from_millis(1_200)).await;
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
    let (_alone, program, mut events) = start("garbage").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let mallory = Host::start("mallory", vec![Arc::new(clip(2).garbled())], &program);
    let missing = FeedId::new("a", "missing");
    let scene = scene(1, &[&alice.feed, &mallory.feed, &missing]);
    let first = scene.tiles[0].rect;
    program.set_scene(scene);
    until_started(&mut events).await;
    until_shown(&mut events, vec![first]).await;

    let process = process_of_program();
    let recorded = record(&mut events, Duration::from_secs(3)).await;
    assert_eq!(process_of_program(), process, "the mixer lives on");
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
    let (_alone, program, mut events) = start("guests").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let guest = clip(2);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&mut events, vec![WHOLE]).await;
    let process = process_of_program();
    let alone = Held::by(process);

    let mut most = alone;
    for number in 0..20 {
        let bob = Host::start(&format!("bob{number}"), vec![Arc::clone(&guest)], &program);
        program.set_scene(scene(2 + number, &[&alice.feed, &bob.feed]));
        record(&mut events, Duration::from_millis(400)).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_its_program() {
    let (_alone, program, mut events) = start("stopped").await;
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
    let _alone = ALONE.lock().await;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lianmai-mixer"))
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    drop(ours);
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends").unwrap();
}

/// These tests read clocks and CPU times, so only one runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn start(name: &str) -> (MutexGuard<'static, ()>, Program, mpsc::Receiver<ProgramEvent>) {
    let alone = ALONE.lock().await;
    let (program, events) = launch(name);
    (alone, program, events)
}

fn launch(name: &str) -> (Program, mpsc::Receiver<ProgramEvent>) {
    Program::start(config(name)).unwrap()
}

/// `LIANMAI_TEST_ENCODER=openh264` runs everything here with another encoder.
fn config(name: &str) -> ProgramConfig {
    let mixer = PathBuf::from(env!("CARGO_BIN_EXE_lianmai-mixer"));
    let runtime = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let encoder = std::env::var("LIANMAI_TEST_ENCODER").unwrap_or_else(|_| "auto".to_owned());
    ProgramConfig {
        encoder: encoder.parse().unwrap(),
        ..ProgramConfig::portrait(name, mixer, runtime)
    }
}

async fn until_started(events: &mut mpsc::Receiver<ProgramEvent>) {
    let started =
        async { while !matches!(events.recv().await, Some(ProgramEvent::Started { .. })) {} };
    tokio::time::timeout(Duration::from_secs(10), started).await.expect("the mixer starts");
}

/// Waits until every one of `tiles` shows a host.
async fn until_shown(events: &mut mpsc::Receiver<ProgramEvent>, tiles: Vec<Rect>) {
    // Long enough to hold a keyframe, from which it can be decoded.
    let length = Duration::from_millis(1_100);
    let mut newest = record(events, length).await;
    for _ in 0..8 {
        let (recorded, tiles) = (newest, tiles.clone());
        let shown = tokio::task::spawn_blocking(move || {
            let pictures = pictures(&recorded);
            let is_shown = |tile: &Rect| pictures.last().is_some_and(|p| p.mark(*tile).is_some());
            tiles.iter().all(is_shown)
        });
        // Frames that nobody takes while one looks would be dropped.
        let (next, shown) = tokio::join!(record(events, length), shown);
        if shown.unwrap() {
            return;
        }
        newest = next;
    }
    panic!("the hosts are not shown within ten seconds");
}

/// Hosts' media is made once for all tests.
fn clip(id: u8) -> Arc<Clip> {
    static CLIPS: [OnceLock<Arc<Clip>>; 3] = [const { OnceLock::new() }; 3];
    let index = usize::from(id) - 1;
    CLIPS[index].get_or_init(|| Arc::new(Clip::make(id, 360, 640, COLOURS[index]))).clone()
}

fn scene(revision: u64, feeds: &[&FeedId]) -> Scene {
    let performer =
        |feed: &&FeedId| Performer { feed: (*feed).clone(), name: String::new(), is_muted: false };
    let performers: Vec<_> = feeds.iter().map(performer).collect();
    Choice::default().scene(revision, &performers, false, CANVAS, Figures::default())
}

/// Returns by how much a picture came after its moment at most.
fn latest_ms(recorded: &[Recorded], throttle: &Throttle) -> f64 {
    let frames = frames(recorded, FrameCodec::H264);
    frames.iter().map(|(came, frame)| took_ms(frame.at, *came, throttle)).fold(0.0, f64::max)
}

/// Returns how long after a host had sent a picture it was first seen at most.
fn added_ms(recorded: &[Recorded], hosts: &[(Rect, &[MediaTime])], throttle: &Throttle) -> f64 {
    let (pictures, mut worst) = (pictures(recorded), 0.0_f64);
    for (tile, sent) in hosts {
        let mut before = None;
        for picture in &pictures {
            let Some(mark) = picture.mark(*tile) else { continue };
            if before.replace(mark.number).is_some_and(|before| before != mark.number) {
                worst = worst.max(took_ms(sent[mark.number], picture.came, throttle));
            }
        }
    }
    worst
}

fn took_ms(from: MediaTime, to: MediaTime, throttle: &Throttle) -> f64 {
    to.since(from).saturating_sub(throttle.excess(from, to)).as_secs_f64() * 1e3
}

fn assert_colour(picture: &Picture, tile: Rect, wanted: [u8; 3]) {
    let (x, y) = (tile.x + tile.width / 2, tile.y + tile.height * 2 / 5);
    let seen = picture.colour(x as usize, y as usize);
    let is_near = seen.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 16);
    assert!(is_near, "{seen:?} where {wanted:?} should be");
}

/// A late picture leaves a hole in presentation times, so arrival times, which on a busy machine
/// tell more of the test than of the mixer, are only printed.
fn assert_no_gap(recorded: &[Recorded]) {
    for codec in [FrameCodec::H264, FrameCodec::Opus, FrameCodec::Aac] {
        let frames = frames(recorded, codec);
        let longest = |moment: fn(&(MediaTime, EncodedFrame)) -> MediaTime| {
            let gaps = frames.windows(2).map(|pair| moment(&pair[1]).since(moment(&pair[0])));
            gaps.max().expect("there are frames").as_millis()
        };
        let (came, at) = (longest(|(came, _)| *came), longest(|(_, frame)| frame.at));
        println!("{codec:?}: longest gap {at} ms by presentation, {came} ms by arrival");
        assert!(at <= 100, "{codec:?}: a gap of {at} ms");
    }
}

fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

fn process_of_program() -> u32 {
    let children = children();
    assert_eq!(children.len(), 1, "one mixer runs");
    children[0]
}

fn kill(signal: &str, process: u32) {
    let status =
        std::process::Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Held {
    threads: usize,
    files: usize,
    memory_kib: u64,
}

impl Held {
    fn by(process: u32) -> Self {
        let count =
            |folder| std::fs::read_dir(format!("/proc/{process}/{folder}")).unwrap().count();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self { threads: count("task"), files: count("fd"), memory_kib }
    }
}

fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
