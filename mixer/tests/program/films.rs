//! Films that are played in, as FFmpeg makes them: over the hosts and in time, again and again without a seam, and never to the
//! harm of the program. And pictures of it as files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::time::Duration;

use media_rules::{FeedId, FrameCodec, MediaTime, Rect, Scene, Tile};
use mixer::link::{Clip as Order, ClipNews, Snapshot, SnapshotWish};
use mixer::{Duty, Program, ProgramEvent};

use crate::clip::{FPS, beep_hz, packet, picture, tone_hz};
use crate::host::Host;
use crate::judging::assert_no_gap;
use crate::process::process_of;
use crate::running::{Events, clip, scene, start, until_shown, until_started};
use crate::solo::until_passing;
use crate::viewer::{
    Picture, Recorded, Sound, frames, pictures, record, record_until, skews_ms, sound,
};
use crate::{BLACK, CANVAS, WHOLE};

/// Whose mark the film has.
const FILM: u8 = 9;
const FILM_COLOUR: [u8; 3] = [120, 160, 90];
const SECONDS: usize = 3;
/// What hosts' sound loses while the film sounds.
const DUCK_DB: u8 = 18;

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_played_over_the_hosts_in_time_and_gives_way_without_a_gap() {
    let (_place, program, mut events) = start("film").await;
    let film =
        film("over.mp4", &["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", "-b:a", "96k"]);
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;

    let mut recorded = record(&mut events, Duration::from_millis(1_000)).await;
    let feed = FeedId::clip("a", 1);
    program.set_clips(vec![order(&feed, &film, false)]);
    recorded.extend(until_news(&mut events, &feed).await);
    let ClipNews::Ready { length } = news(&recorded, &feed) else { panic!("it can be played") };
    assert_eq!(length.unwrap().as_millis() / 100, 30);
    program.set_scene(with_film(scene(2, &[&alice.feed]), &feed));
    recorded.extend(until_news(&mut events, &feed).await);
    assert_eq!(news(&recorded, &feed), ClipNews::Ended);
    program.set_scene(scene(3, &[&alice.feed]));
    program.set_clips(Vec::new());
    recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
    program.stop().await;

    let pictures = pictures(&recorded);
    assert!(pictures.iter().all(|picture| picture.mean_luma() > BLACK), "no picture is black");
    let marks: Vec<_> =
        pictures.iter().map(|picture| picture.mark(WHOLE).expect("a whole mark")).collect();
    let mut hosts: Vec<u8> = marks.iter().map(|mark| mark.host).collect();
    let shown = hosts.iter().filter(|host| **host == FILM).count();
    hosts.dedup();
    assert_eq!(hosts, [1, FILM, 1], "the host, the film, the host");
    let whole = FPS * SECONDS;
    assert!(shown.abs_diff(whole) <= 4, "{shown} pictures of a film of {whole}");
    let of_film: Vec<_> =
        marks.iter().filter(|mark| mark.host == FILM).map(|mark| mark.number).collect();
    assert!(of_film[0] <= 1 && *of_film.last().unwrap() >= whole - 2, "{of_film:?}");
    let longest = of_film.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest <= 3 && of_film.is_sorted(), "{of_film:?}");
    assert_no_gap(&recorded);

    for codec in [FrameCodec::Opus, FrameCodec::Aac] {
        let sound = sound(&recorded, codec);
        let seen: Vec<_> = pictures
            .iter()
            .filter(|picture| picture.mark(WHOLE).is_some_and(|mark| mark.host == FILM))
            .collect();
        let skews = skews_ms(&flashes_of(&seen), &sound.beeps(beep_hz(FILM)));
        println!("{codec:?}: the film's beep after its flash by {skews:.1?} ms");
        assert!(skews.len() >= 2, "{skews:?}");
        assert!(skews.iter().all(|skew| skew.abs() < 60.0), "{codec:?}: {skews:?}");
        let level = |from: MediaTime, length: f64| {
            let start = ((from.nanos() as f64 / 1e9 - sound.start) * 48_000.0) as usize;
            Sound::level(&sound.samples[start..start + (length * 48_000.0) as usize], tone_hz(1))
        };
        let first = seen[0].at;
        let loud = level(MediaTime::from_nanos(first.nanos() - 700_000_000), 0.5);
        let down = level(first + Duration::from_secs(1), 1.0);
        let lost = 20.0 * (loud / down).log10();
        println!("{codec:?}: the host loses {lost:.1} dB");
        assert!((lost - f64::from(DUCK_DB)).abs() < 3.0, "{lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_has_no_seam_and_lies_where_its_tile_is() {
    let (_place, program, mut events) = start("loop").await;
    let film = film("loop.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]);
    let feed = FeedId::clip("a", 1);
    until_started(&mut events).await;
    program.set_clips(vec![order(&feed, &film, true)]);
    let mut recorded = until_news(&mut events, &feed).await;
    assert!(matches!(news(&recorded, &feed), ClipNews::Ready { .. }), "{recorded:?}");
    let corner = Rect { x: 216, y: 0, width: 216, height: 384 };
    let tile = Tile { z: 99, ..Tile::new(feed.clone(), corner) };
    program.set_scene(Scene::new(1, vec![tile]));
    recorded = record(&mut events, Duration::from_secs(5)).await;
    program.stop().await;

    let pictures = pictures(&recorded);
    let marks: Vec<_> = pictures.iter().map(|picture| picture.mark(corner)).collect();
    let first = marks.iter().position(Option::is_some).expect("it is shown");
    let numbers: Vec<_> =
        marks[first..].iter().map(|mark| mark.expect("it never goes away").number).collect();
    let times = pictures[first..].iter().map(|picture| picture.at);
    let mut changed = pictures[first].at;
    let (mut longest, mut passes) = (Duration::ZERO, 1);
    for ((before, now), at) in numbers.iter().zip(&numbers[1..]).zip(times.skip(1)) {
        passes += usize::from(now < before);
        if now != before {
            longest = longest.max(at.since(changed));
            changed = at;
        }
    }
    println!("{passes} passes, longest still {longest:?}");
    assert!(passes >= 2, "{numbers:?}");
    assert!(longest <= Duration::from_millis(100), "{longest:?}: {numbers:?}");
    assert_no_gap(&recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_film_harms_nobody_and_says_what_is_wrong() {
    let (_place, program, mut events) = start("bad-films").await;
    let good = film("good.mp4", &["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"]);
    let bytes = std::fs::read(&good).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut garbled = bytes.clone();
    let media = bytes.windows(4).position(|kind| kind == b"mdat").unwrap() + 4;
    for byte in &mut garbled[media + 2_000..media + 60_000] {
        *byte = byte.wrapping_mul(37) ^ 0x5a;
    }
    let large = folder().join("large.mp4");
    ffmpeg(
        &["-f", "lavfi", "-i", "color=size=2560x1440:rate=5:duration=1", "-c:v", "libx264"],
        &large,
    );
    let mute = folder().join("blind.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac"], &mute);
    let bad = [
        (write("words.mp4", b"these are words and not a film"), Some("MP4")),
        (write("cut.mp4", &bytes[..bytes.len() / 2]), None),
        (write("garbled.mp4", &garbled), None),
        (large, Some("too large")),
        (mute, Some("no picture")),
        (folder().join("missing.mp4"), Some("opening")),
    ];

    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;
    let process = process_of("bad-films");
    let mut recorded = record(&mut events, Duration::from_millis(300)).await;
    for ((path, reason), number) in bad.iter().zip(1..) {
        let feed = FeedId::clip("a", number);
        program.set_clips(vec![order(&feed, path, false)]);
        recorded.extend(until_news(&mut events, &feed).await);
        let mut last = news(&recorded, &feed);
        if matches!(last, ClipNews::Ready { .. }) {
            // It begins well.
            program.set_scene(with_film(scene(2 * number, &[&alice.feed]), &feed));
            recorded.extend(until_news(&mut events, &feed).await);
            last = news(&recorded, &feed);
            program.set_scene(scene(2 * number + 1, &[&alice.feed]));
        }
        println!("{}: {last:?}", path.display());
        if let Some(reason) = reason {
            assert!(matches!(&last, ClipNews::Failed { reason: told } if told.contains(reason)));
        }
        assert!(!matches!(last, ClipNews::Ready { .. }), "it is over one way or the other");
    }
    recorded.extend(record(&mut events, Duration::from_millis(1_500)).await);
    assert_eq!(process_of("bad-films"), process, "the mixer lives on");
    program.stop().await;
    assert_no_gap(&recorded);
    let last = pictures(&recorded).pop().unwrap();
    assert_eq!(last.mark(WHOLE).map(|mark| mark.host), Some(1), "Alice is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_of_now_also_while_pictures_are_passed_on_or_rest() {
    let (_place, program, mut events) = start("snapshot").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    program.set_scene(scene(7, &[&alice.feed]));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![WHOLE]).await;
    let process = process_of("snapshot");
    assert_snapshot(&program, &mut events, 1).await;

    program.set_duty(Duty::MixOrPass);
    until_passing(&mut events).await;
    assert_snapshot(&program, &mut events, 2).await;
    let after = record(&mut events, Duration::from_millis(2_500)).await;
    let is_own = |picture: &Picture| picture.size() != CANVAS;
    assert!(pictures(&after).iter().all(is_own), "the host's own pictures go on");

    program.set_duty(Duty::Rest);
    record(&mut events, Duration::from_millis(500)).await;
    assert_snapshot(&program, &mut events, 3).await;
    let after = record(&mut events, Duration::from_millis(2_500)).await;
    assert!(frames(&after, FrameCodec::H264).is_empty(), "nobody asked for pictures");
    assert_eq!(process_of("snapshot"), process, "the mixer lives on");
    program.stop().await;
}

async fn assert_snapshot(program: &Program, events: &mut Events, number: u64) {
    let asked = mixer::media_now();
    program.request_snapshot(SnapshotWish { number, width: 360 });
    let snapshot = async {
        loop {
            if let Some(ProgramEvent::Snapshot(snapshot)) = events.recv().await {
                return snapshot;
            }
        }
    };
    let snapshot = tokio::time::timeout(Duration::from_secs(3), snapshot).await.expect("it comes");
    let took = mixer::media_now().since(asked);
    let Snapshot { number: answered, at, revision, jpeg } = snapshot;
    println!("snapshot {number}: {} bytes after {took:?}", jpeg.len());
    assert_eq!((answered, revision), (number, 7));
    assert!(at >= asked || asked.since(at) < Duration::from_millis(100), "it is of now");
    let image = image::load_from_memory(&jpeg).expect("a JPEG file").into_rgb8();
    assert_eq!(image.dimensions(), (360, 640));
    // The colour of the first host in RGB (BT.709, limited range), above its noisy half.
    let seen = image.get_pixel(180, 260).0;
    let is_near = seen.iter().zip([251_u8, 43, 27]).all(|(a, b)| a.abs_diff(b) < 10);
    assert!(is_near, "{seen:?}");
    if let Some(folder) = std::env::var_os("LIANMAI_KEEP") {
        std::fs::write(Path::new(&folder).join(format!("snapshot-{number}.jpg")), &jpeg).unwrap();
    }
}

fn order(feed: &FeedId, file: &Path, is_loop: bool) -> Order {
    let longest = Duration::from_secs(60);
    Order { feed: feed.clone(), file: file.to_owned(), is_loop, longest }
}

/// A scene with a film over all of it.
fn with_film(mut scene: Scene, feed: &FeedId) -> Scene {
    let tile = Tile { z: 99, duck_db: DUCK_DB, ..Tile::new(feed.clone(), WHOLE) };
    scene.tiles.push(tile);
    scene
}

/// Records until there is news of a film.
async fn until_news(events: &mut Events, feed: &FeedId) -> Vec<Recorded> {
    let is_it =
        |event: &ProgramEvent| matches!(event, ProgramEvent::Clip { feed: of, .. } if of == feed);
    let recorded = record_until(events, Duration::from_secs(15), is_it).await;
    assert!(recorded.last().is_some_and(|(_, event)| is_it(event)), "there is news of the film");
    recorded
}

/// Returns the newest news of a film.
fn news(recorded: &[Recorded], feed: &FeedId) -> ClipNews {
    let news = |(_, event): &Recorded| {
        let ProgramEvent::Clip { feed: of, news } = event else { return None };
        (of == feed).then(|| news.clone())
    };
    recorded.iter().rev().find_map(news).expect("there was some")
}

fn flashes_of(pictures: &[&Picture]) -> Vec<f64> {
    let mut flashes = Vec::new();
    let mut was_flash = true;
    for picture in pictures {
        let Some(mark) = picture.mark(WHOLE) else { continue };
        if mark.is_flash && !was_flash {
            flashes.push(picture.at.nanos() as f64 / 1e9);
        }
        was_flash = mark.is_flash;
    }
    flashes
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("films");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Makes a film of flashes and beeps. FFmpeg takes picture and sound from files.
fn film(name: &str, encoders: &[&str]) -> PathBuf {
    let folder = folder();
    let (raw, pcm, film) =
        (folder.join(format!("{name}.yuv")), folder.join(format!("{name}.pcm")), folder.join(name));
    let mut file = std::fs::File::create(&raw).unwrap();
    for number in 0..FPS * SECONDS {
        file.write_all(&picture(FILM, number, 360, 640, FILM_COLOUR)).unwrap();
    }
    let packets = (0..50 * SECONDS).flat_map(|number| packet(FILM, number));
    std::fs::write(&pcm, packets.collect::<Vec<u8>>()).unwrap();
    let mut arguments = vec!["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "360x640", "-r", "30"];
    arguments.extend(["-i", raw.to_str().unwrap(), "-f", "s16le", "-ar", "48000", "-ac", "2"]);
    arguments.extend(["-i", pcm.to_str().unwrap()]);
    arguments.extend(encoders);
    ffmpeg(&arguments, &film);
    std::fs::remove_file(raw).unwrap();
    std::fs::remove_file(pcm).unwrap();
    film
}

fn ffmpeg(arguments: &[&str], file: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .status()
        .expect("FFmpeg is there");
    assert!(made.success());
}
