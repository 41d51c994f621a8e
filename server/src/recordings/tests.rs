//! Films that have a picture, without a room around them.

use std::time::Duration;

use media_rules::{EncodedFrame, FrameCodec, MediaTime};

use super::*;
use crate::config;

#[tokio::test]
async fn a_room_that_ends_leaves_a_whole_film_and_tells_of_its_beginning_and_its_end() {
    let folder = std::env::temp_dir().join(format!("lianmai-whole-{}", std::process::id()));
    let shelf = Shelf::open(folder.clone(), &config::Recordings::default()).unwrap();
    let clock = RoomClock::start_at(Duration::from_secs(1_750_000_000));
    let room = RoomId::parse("a").unwrap();
    let mut recordings =
        Recordings::new(room.clone(), Some(shelf.clone()), clock, TaskTracker::new());
    let hub = Hub::new();
    hub.push(keyframe());
    let begun = recordings.start(&hub).unwrap();
    assert!(!hub.is_played() && hub.outputs() == 1, "a taker, but nobody who watches");

    recordings.finish().await;

    let told: Vec<Recording> = std::iter::from_fn(|| recordings.news()).collect();
    let states: Vec<_> = told.iter().map(|recording| recording.state).collect();
    assert_eq!(states, [RecordingState::Recording, RecordingState::Ready]);
    assert!(told[1].started_at.is_some() && told[1].duration_ms > 0);
    assert_eq!((&told[1].id, &told[1].file), (&begun.id, &begun.file));
    let film = std::fs::metadata(folder.join(&begun.file)).unwrap();
    assert_eq!(film.len(), told[1].bytes);
    assert_eq!(shelf.list(&room), told[1..]);
    std::fs::remove_dir_all(folder).unwrap();
}

fn keyframe() -> EncodedFrame {
    let data: &[u8] =
        &[0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 1, 0x65, 0xff];
    let at = MediaTime::from_millis(1_000);
    EncodedFrame { codec: FrameCodec::H264, at, is_key: true, data: data.to_vec().into() }
}
