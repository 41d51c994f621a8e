//! The recordings of a room's program.

use room_rules::ServerTime;
use signaling::{RecordingRequest, Refused};
use tracing::info;
use wire_format::Recording;

use super::RoomMedia;

impl RoomMedia {
    /// Carries out what somebody wants of the recordings. Whoever asked may have left.
    pub(crate) fn handle_recording(&mut self, request: RecordingRequest, now: ServerTime) {
        match request {
            RecordingRequest::Start { reply } => {
                let _ = reply.send(self.start_recording(now));
            }
            RecordingRequest::List { reply } => self.recordings.list(reply),
            RecordingRequest::Stop { id, reply } => self.recordings.stop(&id, reply),
        }
    }

    /// Returns the recording that began or is over since this was asked last.
    pub(crate) fn recording_news(&mut self) -> Option<Recording> {
        self.recordings.news()
    }

    /// Ends what is being recorded and waits until it is whole.
    pub(crate) async fn finish_recording(&self) {
        self.recordings.finish().await;
    }

    fn start_recording(&mut self, now: ServerTime) -> Result<Recording, Refused> {
        let recording = self.recordings.start(&self.hub)?;
        info!(room = %self.room, recording = recording.id, "Recording begins.");
        // A recorder is an output of the hub, and so a taker of the program.
        self.weigh_demand(now);
        Ok(recording)
    }
}
