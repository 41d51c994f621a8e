//! Recordings of a room's program, as HTTP tells of them and as they are noted beside their files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A recording.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Recording {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: RecordingState,
    /// The file's name in the operator's folder.
    pub file: String,
    /// The room time of its first picture, in milliseconds; none while no picture has come.
    pub started_at: Option<u64>,
    /// How long it is; of one that was interrupted, at least.
    pub duration_ms: u64,
    /// How large the file is.
    pub bytes: u64,
    /// Frames that are missing because the disk was too slow.
    pub dropped: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Being written.
    Recording,
    /// Whole.
    Ready,
    /// The server died while it was written; the file plays up to there.
    Interrupted,
    /// It could not be written any further, or at all.
    Failed,
}

/// Encodes one recording.
pub fn encode_recording(recording: &Recording) -> String {
    crate::encode::write(recording)
}

/// Encodes the answer of `GET /v1/rooms/{room}/recordings`.
pub fn encode_recordings(recordings: &[Recording]) -> String {
    crate::encode::write(&RecordingsBody { recordings })
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Recordings")]
pub(crate) struct RecordingsBody<'a> {
    recordings: &'a [Recording],
}
