//! Posts frames of running programs to whoever moderates, and never keeps anybody waiting: what finds
//! the queue full, or is old by the time its turn comes, is dropped and counted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use signaling::{ProgramPicture, RoomClock, TokenKey};
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::config::Moderation;

/// Frames that wait. Full: the newest is dropped.
const CAPACITY: usize = 64;

/// Posts under way at once.
const WORKERS: usize = 4;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A frame that waited longer is of no use.
const OLD: Duration = Duration::from_secs(10);

/// The pause after a post that failed, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The way to whoever moderates; clones lead to the same queue.
#[derive(Clone)]
pub struct Inspector {
    every: Duration,
    width: u16,
    frames: mpsc::Sender<Frame>,
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inspector")
    }
}

struct Frame {
    room: String,
    picture: ProgramPicture,
}

/// What the workers share.
struct Desk {
    client: reqwest::Client,
    url: reqwest::Url,
    key: TokenKey,
    clock: RoomClock,
    frames: Mutex<mpsc::Receiver<Frame>>,
}

impl Inspector {
    /// Starts the workers in `tasks`; they end with the last clone. `None` if nobody is to be told.
    ///
    /// # Errors
    /// If the address or the secret cannot be used.
    pub fn start(
        settings: &Moderation,
        tokens: &TokenKey,
        clock: RoomClock,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Option<Self>> {
        if settings.frame_url.is_empty() {
            return Ok(None);
        }
        // An address may hold a secret, so it is not named.
        let url: reqwest::Url =
            settings.frame_url.parse().context("moderation.frame_url is no address")?;
        let is_web = matches!(url.scheme(), "http" | "https");
        anyhow::ensure!(is_web, "moderation.frame_url must be http or https");
        let key = match settings.secret.as_str() {
            "" => tokens.clone(),
            secret => TokenKey::new(secret.as_bytes()).context("moderation.secret")?,
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .context("cannot set up a client for frames")?;
        let (frames, queue) = mpsc::channel(CAPACITY);
        let desk = Arc::new(Desk { client, url, key, clock, frames: Mutex::new(queue) });
        for _ in 0..WORKERS {
            tasks.spawn(work(Arc::clone(&desk)));
        }
        let every = Duration::from_secs(settings.frame_every_s.max(1));
        Ok(Some(Self { every, width: settings.frame_width, frames }))
    }

    /// Returns how often a frame of each program is wanted.
    pub(crate) const fn every(&self) -> Duration {
        self.every
    }

    /// Returns how wide it is to be.
    pub(crate) const fn width(&self) -> u16 {
        self.width
    }

    /// Leaves a frame of the program of `room`.
    pub(crate) fn post(&self, room: &str, picture: &ProgramPicture) {
        let frame = Frame { room: room.to_owned(), picture: picture.clone() };
        if self.frames.try_send(frame).is_err() {
            count("full");
        }
    }
}

async fn work(desk: Arc<Desk>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(Frame { room, picture }) = desk.frames.lock().await.recv().await else { return };
        if desk.clock.now().since(picture.at) > OLD {
            count("old");
            continue;
        }
        match desk.post(&room, &picture).await {
            Ok(()) => {
                count("ok");
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                count("failed");
                warn!(%room, error = format!("{error:#}"), ?pause, "A frame was not taken.");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl Desk {
    async fn post(&self, room: &str, picture: &ProgramPicture) -> anyhow::Result<()> {
        let jpeg: Bytes = picture.jpeg.clone();
        let answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "image/jpeg")
            .header(AUTHORIZATION, self.key.sign_body(&jpeg, self.clock.now()))
            .header("x-lianmai-room", room)
            .header("x-lianmai-at", picture.at.unix_millis())
            .header("x-lianmai-layout", picture.revision)
            .body(jpeg)
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        anyhow::ensure!(answer.status().is_success(), "it is answered {}", answer.status());
        Ok(())
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("server_moderation_frames_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use room_rules::ServerTime;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn key() -> TokenKey {
        TokenKey::new(b"0123456789abcdef0123456789abcdef").unwrap()
    }

    fn picture(at: ServerTime) -> ProgramPicture {
        ProgramPicture { at, revision: 7, jpeg: Bytes::from_static(b"jpeg") }
    }

    fn settings(url: String) -> Moderation {
        Moderation { frame_url: url, ..Moderation::default() }
    }

    #[tokio::test]
    async fn a_frame_is_posted_and_signed_with_its_room_time_and_layout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/frames", listener.local_addr().unwrap());
        let (clock, tasks) = (RoomClock::start(), TaskTracker::new());
        let inspector = Inspector::start(&settings(url), &key(), clock, &tasks).unwrap().unwrap();
        inspector.post("a", &picture(clock.now()));

        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.ends_with("jpeg") {
            let mut part = [0; 1_024];
            let length = stream.read(&mut part).await.unwrap();
            request.push_str(std::str::from_utf8(&part[..length]).unwrap());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        assert!(request.starts_with("POST /frames"), "{request}");
        assert!(
            request.contains("x-lianmai-room: a\r\n") && request.contains("x-lianmai-layout: 7")
        );
        let token = request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
        assert!(key().verifies_body(token, b"jpeg") && !key().verifies_body(token, b"jpg"));
        drop(inspector);
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn nobody_waits_for_a_place_that_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/frames", listener.local_addr().unwrap());
        let (clock, tasks) = (RoomClock::start(), TaskTracker::new());
        let inspector = Inspector::start(&settings(url), &key(), clock, &tasks).unwrap().unwrap();
        let begun = std::time::Instant::now();
        for _ in 0..10 * CAPACITY {
            inspector.post("a", &picture(clock.now()));
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert_eq!(inspector.frames.capacity(), 0, "what is too much is dropped");
    }

    #[test]
    fn an_address_that_is_none_is_refused_at_start() {
        for url in ["no address", "ftp://host/frames"] {
            let tasks = TaskTracker::new();
            let started =
                Inspector::start(&settings(url.into()), &key(), RoomClock::start(), &tasks);
            assert!(started.is_err(), "{url}");
        }
    }
}
