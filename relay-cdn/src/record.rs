//! A program that is written into a file: fragmented MP4, so that what was written plays whatever
//! happens after it.
//!
//! ```text
//! Waiting ──first keyframe──▶ Running ──stopped, over, or at a limit──▶ Whole (.mp4)
//!    └──────────no file, no space, or no picture at all──────────────▶ Failed (.part.mp4 stays)
//! ```
//!
//! A recorder is one more output of a hub: while the disk is slow its queue fills, and then frames
//! are missing in this file and nowhere else.

mod boxes;
mod film;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use media_rules::MediaTime;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::{Hub, Subscription};
use film::Film;

/// A program that is being written into a file. Dropping it ends the film as well, without waiting.
#[derive(Debug)]
pub struct Recorder {
    status: watch::Receiver<RecorderStatus>,
    task: JoinHandle<()>,
    stop: DropGuard,
}

impl Recorder {
    /// Writes `hub`'s program to `path`, which ends in `.mp4`; while it does, it ends in `.part.mp4`.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub fn start(hub: &Hub, path: &Path, limits: RecorderLimits) -> Self {
        let (sender, status) = watch::channel(RecorderStatus::default());
        let stop = CancellationToken::new();
        let task = Task {
            subscription: hub.subscribe_to_record(),
            path: path.to_owned(),
            limits,
            status: sender,
            stop: stop.clone(),
        };
        Self { status, task: tokio::spawn(task.run()), stop: stop.drop_guard() }
    }

    /// Returns how it goes.
    pub fn status(&self) -> RecorderStatus {
        self.status.borrow().clone()
    }

    /// Returns a receiver that wakes whenever the status changes.
    pub fn watch(&self) -> watch::Receiver<RecorderStatus> {
        self.status.clone()
    }

    /// Writes the end of the film and waits until it is on the disk. Returns how it went.
    pub async fn stop(self) -> RecorderStatus {
        let Self { status, task, stop } = self;
        drop(stop);
        // A task that panicked has left its status as it was.
        let _ = task.await;
        status.borrow().clone()
    }
}

/// Where a film ends by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecorderLimits {
    /// The longest film.
    pub duration: Duration,
    /// The largest file, but for the last second.
    pub bytes: u64,
}

/// How a recorder is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecorderStatus {
    /// What it is doing now.
    pub state: RecorderState,
    /// When the first picture of the film was shown.
    pub first_picture: Option<MediaTime>,
    /// How long the film is in the file.
    pub duration: Duration,
    /// How large the file is.
    pub bytes: u64,
    /// Frames that are missing because the disk was too slow.
    pub dropped: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// What a recorder is doing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RecorderState {
    /// Waiting for the first keyframe.
    #[default]
    Waiting,
    /// Writing.
    Running,
    /// The film is whole and has its name.
    Whole,
    /// What could be written is in the `.part.mp4` file.
    Failed,
}

/// Returns where the film of `path` is until it is whole.
pub fn part_path(path: &Path) -> PathBuf {
    path.with_extension("part.mp4")
}

struct Task {
    subscription: Subscription,
    path: PathBuf,
    limits: RecorderLimits,
    status: watch::Sender<RecorderStatus>,
    stop: CancellationToken,
}

impl Task {
    async fn run(mut self) {
        let result = self.record().await;
        self.status.send_modify(|status| match &result {
            Ok(()) => status.state = RecorderState::Whole,
            Err(error) => {
                status.state = RecorderState::Failed;
                status.error = Some(error.to_string());
            }
        });
        match result {
            Ok(()) => info!(path = %self.path.display(), "A recording is whole."),
            Err(error) => {
                metrics::counter!("relay_recordings_failed_total").increment(1);
                warn!(path = %self.path.display(), %error, "A recording failed.");
            }
        }
    }

    async fn record(&mut self) -> io::Result<()> {
        let part = part_path(&self.path);
        let (file, created) = (part.clone(), part.clone());
        let mut disk = Disk::new(blocking(move || File::create_new(file)).await?);
        let Some((mut film, head)) = self.first_picture().await else {
            let _ = blocking(move || std::fs::remove_file(created)).await;
            return Err(io::Error::other("no picture came"));
        };
        disk = disk.append(head).await?;
        loop {
            let frame = tokio::select! {
                () = self.stop.cancelled() => break,
                frame = self.subscription.next() => frame,
            };
            let Some(frame) = frame else { break };
            let Some(fragment) = film.handle_frame(&frame) else { continue };
            disk = disk.append(fragment).await?;
            self.report(&film, &disk);
            if film.duration() >= self.limits.duration || disk.bytes >= self.limits.bytes {
                info!(path = %self.path.display(), "A recording is as long as it may be.");
                break;
            }
        }
        let ending = film.finish();
        let duration = ending.duration;
        let bytes = disk.end(ending, part, self.path.clone()).await?;
        self.status.send_modify(|status| {
            status.duration = duration;
            status.bytes = bytes;
        });
        Ok(())
    }

    /// Waits for the picture that the film can begin with.
    async fn first_picture(&mut self) -> Option<(Film, Vec<u8>)> {
        loop {
            let frame = tokio::select! {
                // What is queued comes first: a film that is stopped at once still holds a picture.
                biased;
                frame = self.subscription.next() => frame?,
                () = self.stop.cancelled() => return None,
            };
            if let Some(begun) = Film::begin(&frame) {
                self.status.send_modify(|status| {
                    status.state = RecorderState::Running;
                    status.first_picture = Some(frame.at);
                });
                return Some(begun);
            }
        }
    }

    fn report(&self, film: &Film, disk: &Disk) {
        let dropped = self.subscription.dropped();
        self.status.send_modify(|status| {
            status.duration = film.duration();
            status.bytes = disk.bytes;
            status.dropped = dropped;
        });
    }
}

/// The file, which is written to where waiting for a disk holds nobody up.
#[derive(Debug)]
struct Disk {
    file: File,
    bytes: u64,
}

impl Disk {
    const fn new(file: File) -> Self {
        Self { file, bytes: 0 }
    }

    /// Appends `data`, or leaves the file as it was.
    async fn append(mut self, data: Vec<u8>) -> io::Result<Self> {
        blocking(move || {
            if let Err(error) = self.file.write_all(&data) {
                // Half a fragment plays nowhere.
                let _ = self.file.set_len(self.bytes);
                return Err(error);
            }
            self.bytes += data.len() as u64;
            metrics::counter!("relay_recorded_bytes_total").increment(data.len() as u64);
            Ok(self)
        })
        .await
    }

    /// Makes the file whole and gives it its name; returns how large it is.
    async fn end(self, ending: film::Ending, part: PathBuf, path: PathBuf) -> io::Result<u64> {
        let film::Ending { tail, patch: (place, patch), duration: _ } = ending;
        let mut disk = self.append(tail).await?;
        blocking(move || {
            disk.file.seek(SeekFrom::Start(place))?;
            disk.file.write_all(&patch)?;
            disk.file.sync_all()?;
            std::fs::rename(part, path)?;
            Ok(disk.bytes)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(act).await.map_err(io::Error::other)?
}
