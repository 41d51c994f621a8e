//! What becomes of a recording when its room ends, however it ends. There is no mixer here, so no
//! picture comes; films that have one are in `server/src/recordings/tests.rs`.

use std::path::PathBuf;
use std::time::Duration;

use ledger::{Ledger, Letter};
use room_rules::{Command, Role};
use serde_json::{Value, json};
use server::{Recordings, RoomParts, Shelf};
use signaling::{RecordingRequest, RoomHandle, RoomRequest};
use wire_format::{Code, Recording, RecordingState};

use crate::shop_letters::{letter_schema, sent};
use crate::stage::{Person, Stage, member, room_id};
use crate::webhooks::{kinds, letters, telling};

#[tokio::test(start_paused = true)]
async fn a_recording_ends_with_its_room_whoever_ends_it_and_back_ends_are_told_once() {
    for role in [Role::Host, Role::Admin] {
        let scene = Scene::new(&format!("by-{}", role.as_str()));
        let host = scene.stage.open("a").await;
        let recording = start(&host.room).await;
        // A host who comes by a second window, or somebody from the platform.
        let ender = Person::join(&scene.stage, &host.room, member("boss", role)).await.unwrap();

        ender.says(Command::RoomEnd).await.unwrap();

        scene.assert_told_that_it_is_over(&recording).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_everybody_forgot_does_not_keep_its_room() {
    let scene = Scene::new("idle");
    let host = scene.stage.open("a").await;
    let recording = start(&host.room).await;
    host.leaves().await;

    tokio::time::sleep(scene.stage.parts.idle + Duration::from_secs(4)).await;

    scene.assert_told_that_it_is_over(&recording).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shuts_down_ends_what_it_records_and_writes_down_what_back_ends_are_told() {
    let scene = Scene::new("draining");
    let host = scene.stage.open("a").await;
    let recording = start(&host.room).await;

    scene.stage.stop().await;

    assert_eq!(of_recordings(&letters(&scene.ledger).await), [failed(&recording)]);
    assert_eq!(scene.noted(&recording).state, RecordingState::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_room_records_one_film_at_a_time_and_one_after_the_other() {
    let scene = Scene::new("turns");
    let host = scene.stage.open("a").await;
    let first = start(&host.room).await;
    let ask = |reply| RoomRequest::Recording(RecordingRequest::Start { reply });
    assert_eq!(host.room.ask(ask).await.unwrap_err().code, Code::Conflict);

    let id = first.id.clone();
    let stop = |reply| RoomRequest::Recording(RecordingRequest::Stop { id, reply });
    let stopped: Recording = host.room.ask(stop).await.unwrap();
    assert_eq!(stopped.state, RecordingState::Failed);
    let second = start(&host.room).await;
    host.says(Command::RoomEnd).await.unwrap();

    scene.gone().await;
    let told = of_recordings(&letters(&scene.ledger).await);
    assert_eq!(told, [failed(&first), failed(&second)]);
}

/// Rooms that may record, and a back end that is told everything.
struct Scene {
    stage: Stage,
    ledger: Ledger,
    folder: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let folder = format!("lianmai-recordings-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let shelf = Shelf::open(folder.clone(), &Recordings::default()).unwrap();
        let ledger = Ledger::inline().unwrap();
        let stage = telling(&ledger).with(|parts| RoomParts { recordings: Some(shelf), ..parts });
        Self { stage, ledger, folder }
    }

    async fn gone(&self) {
        let is_gone = async {
            while self.stage.parts.directory.find(&room_id("a")).is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), is_gone).await.expect("the room never went");
    }

    /// Waits until the room is gone and looks at what it has left behind.
    async fn assert_told_that_it_is_over(&self, recording: &Recording) {
        self.gone().await;
        let letters = letters(&self.ledger).await;
        assert_eq!(of_recordings(&letters), [failed(recording)]);
        assert_eq!(kinds(&letters).iter().filter(|kind| *kind == "room.ended").count(), 1);
        assert_eq!(self.noted(recording).state, RecordingState::Failed);
        let films = std::fs::read_dir(&self.folder).unwrap().flatten();
        let films = films.filter(|file| file.path().extension().is_some_and(|it| it == "mp4"));
        assert_eq!(films.count(), 0, "a film without a picture is not kept");
    }

    fn noted(&self, recording: &Recording) -> Recording {
        let note = std::fs::read(self.folder.join(format!("{}.json", recording.id))).unwrap();
        let note: Value = serde_json::from_slice(&note).unwrap();
        serde_json::from_value(note["recording"].clone()).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn start(room: &RoomHandle) -> Recording {
    let recording: Recording =
        room.ask(|reply| RoomRequest::Recording(RecordingRequest::Start { reply })).await.unwrap();
    assert_eq!(recording.state, RecordingState::Recording);
    recording
}

/// What back ends were told of recordings, in order.
fn of_recordings(letters: &[Letter]) -> Vec<(String, Value)> {
    let schema = letter_schema();
    let about = letters.iter().filter(|letter| letter.kind.starts_with("recording."));
    assert!(about.clone().all(|letter| schema.is_valid(&sent(letter))), "{letters:?}");
    about.map(|letter| (letter.kind.clone(), serde_json::from_str(&letter.body).unwrap())).collect()
}

fn failed(recording: &Recording) -> (String, Value) {
    let file = format!("{}.part.mp4", recording.id);
    let data = json!({"recording": recording.id, "file": file, "error": "no picture came"});
    ("recording.failed".to_owned(), data)
}
