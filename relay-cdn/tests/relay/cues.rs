//! What a picture shows reaches players with that picture, by either of its two ways.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use media_rules::cue_of;
use media_rules::h264::{NalType, nals, push_nal};
use relay_cdn::{Hub, PullLimits, PushTarget, TargetState};
use tokio::process::Command;
use tokio::time::timeout;

use crate::media::{Clip, Player};
use crate::nginx::Nginx;
use crate::{peer, serve, until, url_of};

const LIMIT: Duration = Duration::from_secs(25);

fn every_tenth(number: usize) -> Option<String> {
    number.is_multiple_of(10).then(|| number.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cue_stays_in_its_picture_through_nginx_and_copies_by_ffmpeg() {
    let hub = Hub::new();
    let _player = Player::start_telling(&hub, every_tenth);
    let nginx = Nginx::start().await;
    let target = PushTarget::start(hub.clone(), "t1".to_owned(), &nginx.url("key")).unwrap();
    until("the target is live", LIMIT, || target.status().state == TargetState::Live).await;
    let server = serve(&hub, PullLimits::default());

    for url in [nginx.url("key"), url_of(&server, "room")] {
        let copied = ffmpeg(&["-i", &url, "-t", "3", "-c", "copy", "-f", "flv", "-"], &[]).await;
        let again =
            ffmpeg(&["-f", "flv", "-i", "-", "-c", "copy", "-f", "flv", "-"], &copied).await;
        let stream = ffmpeg(
            &["-f", "flv", "-i", "-", "-map", "0:v", "-c", "copy", "-f", "h264", "-"],
            &again,
        )
        .await;
        let told = pictures_with_cues(&stream);
        assert!(told.len() >= 6, "{url}: {:?}", told.keys());
        let clip = Clip::shared();
        for (number, slice) in told {
            let sent = &clip.pictures[number % clip.pictures.len()];
            assert!(nals(sent).any(|nal| nal == slice), "{url}: cue {number} is in its picture");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cue_is_also_a_data_message() {
    let hub = Hub::new();
    let _player = Player::start_telling(&hub, every_tenth);
    let server = serve(&hub, PullLimits::default());

    // Who copies the stream into another container takes no notice of it.
    let ours = url_of(&server, "room");
    let fragmented = ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"];
    let copy = [&["-i", &ours, "-t", "2", "-c", "copy"][..], &fragmented].concat();
    assert!(ffmpeg(&copy, &[]).await.len() > 10_000);

    let mut stream = peer::player_that_stops_reading(server.local_addr()).await;
    let mut received = Vec::new();
    // The message's name as a string, then an object whose properties come in any order.
    let parts: [&[u8]; 3] =
        [b"\x02\x00\x0conLianmaiCue\x03", b"\x02\x00\x07lianmai", b"\x00\x03cue\x02\x00"];
    let is_there = |received: &[u8], part: &[u8]| received.windows(part.len()).any(|at| at == part);
    let told = async {
        while !parts.iter().all(|part| is_there(&received, part)) {
            received.extend(peer::read(&mut stream).await);
        }
    };
    timeout(LIMIT, told).await.expect("a cue point comes");
}

/// Returns the first slice of each picture that has a cue, by the number that the cue says.
fn pictures_with_cues(stream: &[u8]) -> HashMap<usize, Bytes> {
    let (mut told, mut cue) = (HashMap::new(), None);
    for nal in nals(stream) {
        match NalType::of(nal) {
            NalType::Sei => {
                let mut unit = Vec::new();
                push_nal(&mut unit, nal);
                cue = cue_of(&unit).map(|cue| cue.parse().unwrap()).or(cue);
            }
            NalType::Slice | NalType::Idr => {
                if let Some(number) = cue.take() {
                    told.insert(number, Bytes::copy_from_slice(nal));
                }
            }
            NalType::Sps | NalType::Pps | NalType::Delimiter => {}
            NalType::Filler | NalType::Other(_) => {}
        }
    }
    told
}

async fn ffmpeg(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(arguments).kill_on_drop(true);
    if !input.is_empty() {
        // A file, because FFmpeg reads and writes at once.
        let path = std::env::temp_dir().join(format!("lianmai-cues-{}.flv", std::process::id()));
        std::fs::write(&path, input).unwrap();
        command.stdin(Stdio::from(std::fs::File::open(&path).unwrap()));
        std::fs::remove_file(&path).unwrap();
    } else {
        command.stdin(Stdio::null());
    }
    let output = timeout(LIMIT, command.output()).await.expect("FFmpeg ends").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
