//! What FFmpeg's tools see in a recording.

use std::path::{Path, PathBuf};
use std::time::Duration;

use relay_cdn::{Hub, Recorder, RecorderLimits, RecorderState, RecorderStatus, part_path};

use crate::media::Clip;
use crate::probe::{Clock, decode, probe, seconds_of};
use crate::until;

const PLENTY: RecorderLimits =
    RecorderLimits { duration: Duration::from_secs(60), bytes: u64::MAX };
const SOON: Duration = Duration::from_secs(10);

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("record-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    folder.join("r1.mp4")
}

/// Hands over `pictures` of `clip` and what is heard meanwhile, all at once.
fn play(hub: &Hub, clip: &Clip, pictures: std::ops::Range<usize>) {
    let mut sound = pictures.start * 48_000 / (30 * 1_024);
    for index in pictures {
        let picture = clip.picture(index);
        let shown = picture.at;
        hub.push(picture);
        while clip.sound(sound).at <= shown {
            hub.push(clip.sound(sound));
            sound += 1;
        }
    }
}

async fn until_recorded(recorder: &Recorder, duration: Duration) {
    until("the recorder takes what there is", SOON, || recorder.status().duration >= duration)
        .await;
}

/// Ends the program and returns how its recording went.
async fn finish(hub: Hub, recorder: Recorder) -> RecorderStatus {
    hub.close();
    until("it is written", SOON, || recorder.status().state == RecorderState::Whole).await;
    recorder.stop().await
}

#[tokio::test]
async fn a_recording_is_as_long_as_the_program_and_decodes_although_its_picture_changes() {
    let path = file("whole");
    let (hub, clip) = (Hub::new(), Clip::shared());
    let recorder = Recorder::start(&hub, &path, PLENTY);
    play(&hub, &clip, 0..120);
    until_recorded(&recorder, Duration::from_secs(2)).await;
    assert!(part_path(&path).exists() && !path.exists());
    // A host who is passed on has turned the phone.
    play(&hub, &Clip::make("640", "360"), 120..240);
    let status = finish(hub, recorder).await;

    assert_eq!(status.first_picture, Some(clip.picture(0).at));
    assert_eq!((status.dropped, &status.error), (0, &None));
    assert_eq!(status.bytes, std::fs::metadata(&path).unwrap().len());
    assert!(!part_path(&path).exists());
    let name = path.to_str().unwrap();
    let seen = probe(name, Clock::Stream, 60).await;
    seen.assert_whole();
    assert_eq!(seen.stderr, "");
    assert_eq!(seen.video.len(), 240);
    assert!(seen.longest_gap() < 0.035, "{}", seen.longest_gap());
    let told = seconds_of(name).await;
    assert!((told - 8.0).abs() < 0.05, "{told} s of 8 s");
    assert!((told - status.duration.as_secs_f64()).abs() < 0.05, "{status:?} of {told}");
    assert_eq!(decode(name, 60).await, "");
}

#[tokio::test]
async fn a_recording_that_is_cut_off_anywhere_plays_up_to_there() {
    let path = file("cut");
    let (hub, clip) = (Hub::new(), Clip::shared());
    let recorder = Recorder::start(&hub, &path, PLENTY);
    play(&hub, &clip, 0..120);
    // The fragment before the last keyframe; nobody has ended the film.
    until_recorded(&recorder, Duration::from_secs(3)).await;
    let part = std::fs::read(part_path(&path)).unwrap();

    let starts: Vec<usize> = (4..part.len() - 4)
        .filter(|at| part[*at..].starts_with(b"moof"))
        .map(|at| at - 4)
        .collect();
    assert!(starts.len() >= 3, "{starts:?}");
    // What is left of a fragment, and how many seconds come before it.
    for (rest, seconds) in [(0, 2), (2_000, 2), (0, 1)] {
        let cut = path.with_file_name(format!("cut-{seconds}-{rest}.mp4"));
        std::fs::write(&cut, &part[..starts[seconds] + rest]).unwrap();
        let seen = probe(cut.to_str().unwrap(), Clock::Stream, 60).await;
        assert!(seen.video.len() >= 30 * seconds, "{} of {seconds} s", seen.video.len());
        if rest == 0 {
            assert_eq!(decode(cut.to_str().unwrap(), 60).await, "");
        }
    }
    recorder.stop().await;
}

#[tokio::test]
async fn a_recording_ends_by_itself_at_its_limit_and_fails_where_no_file_can_be() {
    let path = file("limits");
    let (hub, clip) = (Hub::new(), Clip::shared());
    let limits = RecorderLimits { duration: Duration::from_secs(1), ..PLENTY };
    let recorder = Recorder::start(&hub, &path, limits);
    let nowhere = Recorder::start(&hub, &path.with_file_name("no-folder/r1.mp4"), PLENTY);
    play(&hub, &clip, 0..120);
    until("it ends", SOON, || recorder.status().state == RecorderState::Whole).await;
    until("it fails", SOON, || nowhere.status().state == RecorderState::Failed).await;
    assert!(recorder.status().duration < Duration::from_secs(2), "{:?}", recorder.status());
    assert!(nowhere.status().error.is_some());

    // A program without a picture leaves nothing behind.
    let empty = Recorder::start(&Hub::new(), &path.with_file_name("r2.mp4"), PLENTY);
    let status = empty.stop().await;
    assert_eq!(status.error.as_deref(), Some("no picture came"));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
