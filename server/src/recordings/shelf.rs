//! The folder of recordings: a film each, and a note beside it (`<id>.json`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use relay_cdn::{RecorderLimits, part_path};
use room_rules::RoomId;
use serde::{Deserialize, Serialize};
use tracing::warn;
use wire_format::{Recording, RecordingState};

use crate::config;

/// Where recordings are kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: Arc<Path>,
    limits: RecorderLimits,
}

/// What is written beside a film.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Note {
    pub(super) room: String,
    pub(super) recording: Recording,
}

impl Shelf {
    /// Opens `folder`. What was being recorded there when a process died is noted as interrupted.
    ///
    /// # Errors
    /// If there can be no such folder.
    pub fn open(folder: PathBuf, settings: &config::Recordings) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let limits = RecorderLimits {
            duration: Duration::from_secs(settings.max_hours.saturating_mul(3_600)),
            bytes: settings.max_mb.saturating_mul(1 << 20),
        };
        let shelf = Self { folder: folder.into(), limits };
        for mut note in shelf.notes() {
            if note.recording.state != RecordingState::Recording {
                continue;
            }
            note.recording.state = RecordingState::Interrupted;
            note.recording.file = part_name(&note.recording.file);
            if let Ok(film) = std::fs::metadata(shelf.folder.join(&note.recording.file)) {
                note.recording.bytes = film.len();
            }
            shelf.note(&note)?;
        }
        Ok(shelf)
    }

    pub(super) const fn limits(&self) -> RecorderLimits {
        self.limits
    }

    /// Returns where the film goes.
    pub(super) fn film(&self, recording: &Recording) -> PathBuf {
        self.folder.join(&recording.id).with_extension("mp4")
    }

    /// Writes `note` in place of the one before it.
    pub(super) fn note(&self, note: &Note) -> io::Result<()> {
        let path = self.folder.join(&note.recording.id).with_extension("json");
        let new = path.with_extension("json.part");
        std::fs::write(&new, serde_json::to_vec(note)?)?;
        std::fs::rename(new, path)
    }

    /// Returns the recordings of `room`, the newest first.
    pub(super) fn list(&self, room: &RoomId) -> Vec<Recording> {
        let mut recordings: Vec<_> = self
            .notes()
            .filter(|note| note.room == room.as_str())
            .map(|note| note.recording)
            .collect();
        recordings.sort_by(|a, b| b.id.cmp(&a.id));
        recordings
    }

    /// Reads every note in the folder; one that cannot be read is left out.
    fn notes(&self) -> impl Iterator<Item = Note> + use<> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths: Vec<PathBuf> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.into_iter().filter_map(|path| {
            let read = std::fs::read(&path).and_then(|text| Ok(serde_json::from_slice(&text)?));
            read.inspect_err(|error| {
                warn!(path = %path.display(), %error, "A note of a recording cannot be read.");
            })
            .ok()
        })
    }
}

/// Returns what a file is called that is not whole.
pub(super) fn part_name(file: &str) -> String {
    part_path(Path::new(file)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_being_recorded_when_a_process_died_is_interrupted_and_listed_by_its_room() {
        let folder = std::env::temp_dir().join(format!("lianmai-shelf-{}", std::process::id()));
        let settings = config::Recordings::default();
        let shelf = Shelf::open(folder.clone(), &settings).unwrap();
        let note = |id: &str, room: &str, state| Note {
            room: room.to_owned(),
            recording: Recording {
                id: id.to_owned(),
                state,
                file: format!("{id}.mp4"),
                started_at: Some(7),
                duration_ms: 20_000,
                bytes: 0,
                dropped: 0,
                error: None,
            },
        };
        shelf.note(&note("1-a", "a", RecordingState::Ready)).unwrap();
        shelf.note(&note("2-b", "a", RecordingState::Recording)).unwrap();
        shelf.note(&note("3-c", "b", RecordingState::Recording)).unwrap();
        std::fs::write(folder.join("2-b.part.mp4"), b"12345").unwrap();
        std::fs::write(folder.join("9-z.json"), b"torn").unwrap();

        let shelf = Shelf::open(folder.clone(), &settings).unwrap();
        let listed = shelf.list(&RoomId::parse("a").unwrap());
        std::fs::remove_dir_all(folder).unwrap();
        let interrupted = Recording {
            bytes: 5,
            file: "2-b.part.mp4".into(),
            ..note("2-b", "a", RecordingState::Interrupted).recording
        };
        assert_eq!(listed, [interrupted, note("1-a", "a", RecordingState::Ready).recording]);
    }
}
