//! The recordings of one room. The film itself is `relay-cdn`'s; here it has a name, and a note beside
//! its file, which survives the process.
//!
//! ```text
//! recording ──stopped, room over, limit──▶ ready
//!     ├──no disk, no picture──▶ failed
//!     └──the process died; noted at the next start──▶ interrupted
//! ```

mod shelf;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use relay_cdn::{Hub, Recorder, RecorderState, RecorderStatus};
use room_rules::RoomId;
use signaling::{Answer, Refused, RoomClock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;
use wire_format::{Code, Recording, RecordingState};

use shelf::Note;
pub use shelf::Shelf;

use crate::cues::room_millis;

/// The note is written anew whenever the film is so much longer.
const NOTE_EVERY_MS: u64 = 10_000;

/// The recordings of one room.
#[derive(Debug)]
pub(crate) struct Recordings {
    room: RoomId,
    shelf: Option<Shelf>,
    clock: RoomClock,
    tasks: TaskTracker,
    /// The newest, until back ends were told that it is over.
    running: Option<Running>,
    /// What back ends have still to be told of those before it; told every second.
    news: VecDeque<Recording>,
}

#[derive(Debug)]
struct Running {
    view: watch::Receiver<Recording>,
    stop: CancellationToken,
    /// Whether back ends know that it has begun.
    is_told: bool,
}

impl Recordings {
    pub(crate) const fn new(
        room: RoomId,
        shelf: Option<Shelf>,
        clock: RoomClock,
        tasks: TaskTracker,
    ) -> Self {
        Self { room, shelf, clock, tasks, running: None, news: VecDeque::new() }
    }

    /// Begins to record what goes through `hub`.
    ///
    /// # Errors
    /// `CONFLICT` if something is being recorded, or nothing may be.
    pub(crate) fn start(&mut self, hub: &Hub) -> Result<Recording, Refused> {
        let Some(shelf) = self.shelf.clone() else {
            return Err(Refused::new(Code::Conflict, "this server records nothing"));
        };
        while let Some(news) = self.newest() {
            self.news.push_back(news);
        }
        if self.running.is_some() {
            return Err(Refused::new(Code::Conflict, "the program is being recorded"));
        }
        // Ours alone, whatever the room is called; the moment sorts them in the folder.
        let id = format!("{:x}-{:08x}", self.clock.now().unix_millis(), fastrand::u32(..));
        let recording = Recording {
            file: format!("{id}.mp4"),
            id,
            state: RecordingState::Recording,
            started_at: None,
            duration_ms: 0,
            bytes: 0,
            dropped: 0,
            error: None,
        };
        let recorder = Recorder::start(hub, &shelf.film(&recording), shelf.limits());
        let (sender, view) = watch::channel(recording.clone());
        let stop = CancellationToken::new();
        let keeper = Keeper {
            room: self.room.clone(),
            shelf,
            clock: self.clock,
            view: sender,
            stop: stop.clone(),
        };
        self.tasks.spawn(keeper.run(recorder));
        self.running = Some(Running { view, stop, is_told: false });
        Ok(recording)
    }

    /// Ends the recording `id`, and answers when it is whole.
    pub(crate) fn stop(&self, id: &str, reply: Answer<Recording>) {
        let Some(running) = self.running.as_ref().filter(|running| running.view.borrow().id == id)
        else {
            let refused = Refused::new(Code::NotFound, "no such recording is being made");
            let _ = reply.send(Err(refused));
            return;
        };
        let over = running.end();
        self.tasks.spawn(async move { reply.send(Ok(over.await)) });
    }

    /// Answers with all of them, the newest first.
    pub(crate) fn list(&self, reply: Answer<Vec<Recording>>) {
        let Some(shelf) = self.shelf.clone() else {
            let _ = reply.send(Ok(Vec::new()));
            return;
        };
        let running = self.running.as_ref().map(|running| running.view.borrow().clone());
        let room = self.room.clone();
        self.tasks.spawn_blocking(move || {
            let mut recordings = shelf.list(&room);
            if let Some(running) = running {
                // Its note is older.
                recordings.retain(|recording| recording.id != running.id);
                recordings.insert(0, running);
            }
            reply.send(Ok(recordings))
        });
    }

    /// Returns the one that began or is over since this was asked last.
    pub(crate) fn news(&mut self) -> Option<Recording> {
        self.news.pop_front().or_else(|| self.newest())
    }

    fn newest(&mut self) -> Option<Recording> {
        let running = self.running.as_mut()?;
        let view = running.view.borrow().clone();
        let has_begun = view.started_at.is_some();
        if has_begun && !running.is_told {
            running.is_told = true;
            return Some(Recording { state: RecordingState::Recording, ..view });
        }
        if view.state == RecordingState::Recording {
            return None;
        }
        self.running = None;
        Some(view)
    }

    /// Ends what is being recorded and waits until it is whole.
    pub(crate) async fn finish(&self) {
        if let Some(running) = &self.running {
            running.end().await;
        }
    }
}

impl Running {
    fn end(&self) -> impl Future<Output = Recording> + use<> {
        self.stop.cancel();
        let mut view = self.view.clone();
        async move {
            // The keeper's last word is that it is over.
            let is_over = |view: &Recording| view.state != RecordingState::Recording;
            let over = view.wait_for(is_over).await.map(|view| view.clone());
            over.unwrap_or_else(|_| view.borrow().clone())
        }
    }
}

/// Looks after one recording until it is over.
struct Keeper {
    room: RoomId,
    shelf: Shelf,
    clock: RoomClock,
    view: watch::Sender<Recording>,
    stop: CancellationToken,
}

impl Keeper {
    async fn run(self, recorder: Recorder) {
        let mut status = recorder.watch();
        let mut noted = None;
        loop {
            let now = status.borrow_and_update().clone();
            let view = self.view_of(&now, RecordingState::Recording);
            self.view.send_replace(view.clone());
            if is_worth_noting(noted.as_ref(), &view) {
                self.note(view.clone()).await;
                noted = Some(view);
            }
            if matches!(now.state, RecorderState::Whole | RecorderState::Failed) {
                break;
            }
            tokio::select! {
                () = self.stop.cancelled() => break,
                changed = status.changed() => if changed.is_err() { break },
            }
        }
        let last = recorder.stop().await;
        let state = match last.state {
            RecorderState::Whole => RecordingState::Ready,
            RecorderState::Waiting | RecorderState::Running | RecorderState::Failed => {
                RecordingState::Failed
            }
        };
        let mut view = self.view_of(&last, state);
        if state == RecordingState::Failed {
            view.file = shelf::part_name(&view.file);
        }
        self.note(view.clone()).await;
        self.view.send_replace(view);
    }

    fn view_of(&self, status: &RecorderStatus, state: RecordingState) -> Recording {
        let before = self.view.borrow();
        // Room time may be corrected later; the film keeps the one that it began with.
        let started_at = before
            .started_at
            .or_else(|| status.first_picture.map(|at| room_millis(self.clock, at).max(0.0) as u64));
        Recording {
            id: before.id.clone(),
            state,
            file: before.file.clone(),
            started_at,
            duration_ms: u64::try_from(status.duration.as_millis()).unwrap_or(u64::MAX),
            bytes: status.bytes,
            dropped: status.dropped,
            error: status.error.clone(),
        }
    }

    async fn note(&self, recording: Recording) {
        let (shelf, room) = (self.shelf.clone(), self.room.to_string());
        let noting = tokio::task::spawn_blocking(move || shelf.note(&Note { room, recording }));
        match noting.await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => warn!(room = %self.room, %error, "A recording cannot be noted."),
        }
    }
}

/// Whether the note, if there is one, does not say enough any more: an interrupted recording is known
/// by it.
fn is_worth_noting(noted: Option<&Recording>, view: &Recording) -> bool {
    noted.is_none_or(|noted| {
        noted.started_at != view.started_at || view.duration_ms >= noted.duration_ms + NOTE_EVERY_MS
    })
}
