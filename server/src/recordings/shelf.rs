//! The folder of recordings: a film each, and a note beside it (`<id>.json`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use relay_cdn::{RecorderLimits, part_path};
use room_rules::RoomId;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use wire_format::{Recording, RecordingState};

use crate::config;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How often what is old is looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Where recordings are kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: Arc<Path>,
    limits: RecorderLimits,
    /// How long films are kept once they are over, if not for ever.
    keep: Option<Duration>,
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
        let keep = (settings.keep_days > 0).then(|| DAY * settings.keep_days);
        let shelf = Self { folder: folder.into(), limits, keep };
        for (_, mut note) in shelf.notes() {
            if note.recording.state != RecordingState::Recording {
                continue;
            }
            // A film has its name once it is whole; only the note of that may be missing.
            note.recording.state = if shelf.film(&note.recording).exists() {
                RecordingState::Ready
            } else {
                note.recording.file = part_name(&note.recording.file);
                RecordingState::Interrupted
            };
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
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        // A name that reaches the disk before what it names would leave an empty note.
        file.sync_all()?;
        std::fs::rename(new, path)
    }

    /// Returns the recordings of `room`, the newest first.
    pub(super) fn list(&self, room: &RoomId) -> Vec<Recording> {
        let mut recordings: Vec<_> = self
            .notes()
            .filter(|(_, note)| note.room == room.as_str())
            .map(|(_, note)| note.recording)
            .collect();
        recordings.sort_by(|a, b| b.id.cmp(&a.id));
        recordings
    }

    /// Takes away now and then what was kept long enough. Ends at once if everything is kept.
    pub(crate) async fn keep(self) {
        let Some(keep) = self.keep else { return };
        let mut ticks = tokio::time::interval(PRUNE_EVERY);
        loop {
            ticks.tick().await;
            let shelf = self.clone();
            let Some(before) = SystemTime::now().checked_sub(keep) else { continue };
            let pruning = tokio::task::spawn_blocking(move || shelf.prune(before));
            match pruning.await {
                Ok(0) | Err(_) => {}
                Ok(pruned) => info!(pruned, "Old recordings were deleted."),
            }
        }
    }

    /// Takes away films that were over before `before`, and returns how many. A film goes before its
    /// note, so that one which cannot be deleted is tried again.
    fn prune(&self, before: SystemTime) -> usize {
        let is_old = |note: &Path| {
            std::fs::metadata(note).and_then(|note| note.modified()).is_ok_and(|at| at < before)
        };
        let over = self.notes().filter(|(path, note)| {
            note.recording.state != RecordingState::Recording && is_old(path)
        });
        let gone = over.filter(|(path, _)| {
            // Named by the note's own place, not by what is in it.
            let film = path.with_extension("mp4");
            let files = [part_path(&film), film, path.clone()];
            files.iter().all(|file| match std::fs::remove_file(file) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) => {
                    warn!(path = %file.display(), %error, "An old recording cannot be deleted.");
                    false
                }
            })
        });
        gone.count()
    }

    /// Reads every note in the folder, with its place; one that cannot be read is left out.
    fn notes(&self) -> impl Iterator<Item = (PathBuf, Note)> + use<> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths: Vec<PathBuf> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.into_iter().filter_map(|path| {
            let read = std::fs::read(&path).and_then(|text| Ok(serde_json::from_slice(&text)?));
            let note = read.inspect_err(|error| {
                warn!(path = %path.display(), %error, "A note of a recording cannot be read.");
            });
            Some((path, note.ok()?))
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
        // The process died between the film's name and its note.
        shelf.note(&note("4-d", "a", RecordingState::Recording)).unwrap();
        std::fs::write(folder.join("4-d.mp4"), b"1234567").unwrap();
        std::fs::write(folder.join("2-b.part.mp4"), b"12345").unwrap();
        std::fs::write(folder.join("9-z.json"), b"torn").unwrap();

        let shelf = Shelf::open(folder.clone(), &settings).unwrap();
        let listed = shelf.list(&RoomId::parse("a").unwrap());
        // Whatever is over before tomorrow goes, with its film; what is being made, and what is not ours, stays.
        shelf.note(&note("5-e", "a", RecordingState::Recording)).unwrap();
        std::fs::write(folder.join("5-e.part.mp4"), b"1").unwrap();
        assert_eq!(shelf.prune(SystemTime::now() - DAY), 0, "nothing is so old");
        assert_eq!(shelf.prune(SystemTime::now() + DAY), 4);
        let left = std::fs::read_dir(&folder).unwrap().flatten();
        let mut left: Vec<_> = left.map(|file| file.file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["5-e.json", "5-e.part.mp4", "9-z.json"]);
        std::fs::remove_dir_all(folder).unwrap();
        let interrupted = Recording {
            bytes: 5,
            file: "2-b.part.mp4".into(),
            ..note("2-b", "a", RecordingState::Interrupted).recording
        };
        let whole = Recording { bytes: 7, ..note("4-d", "a", RecordingState::Ready).recording };
        let ready = note("1-a", "a", RecordingState::Ready).recording;
        assert_eq!(listed, [whole, interrupted, ready]);
    }
}
