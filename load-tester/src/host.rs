//! A synthetic performer: publishes a clip for ever, in step with the wall clock so that the clock burned
//! into the clip is true. Lines on standard input change what is sent: `clip NAME` (another picture, of
//! another size perhaps, from its next keyframe on), `camera on|off`, `microphone on|off`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::Args;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::{Api, Server};
use crate::clip::{AUDIO_PACKET_MS, Clip, FRAME_RATE, KEYFRAME_EVERY};
use crate::control::Control;
use crate::mark::LOOP_MS;
use crate::orders::lines_of_stdin;
use crate::webrtc_client::{Connection, LocalTrack, Prepared};

/// Command line of `lianmai-load host`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// Room to be the host of; created if missing.
    #[arg(long)]
    room: String,
    /// Which clip to publish.
    #[arg(long, default_value = "alice")]
    clip: String,
    /// Who to be; the clip's name unless told otherwise.
    #[arg(long)]
    identity: Option<String>,
    /// Take a guest's seat instead of the host's.
    #[arg(long)]
    guest: bool,
    /// Folder that `lianmai-load media` filled.
    #[arg(long, default_value = "target/media")]
    media: PathBuf,
}

/// What a performer sends at the moment.
#[derive(Clone)]
pub(crate) struct Show {
    clip: Arc<Clip>,
    camera: bool,
    microphone: bool,
}

impl Show {
    /// Shows and plays all of `clip`.
    pub(crate) const fn all(clip: Arc<Clip>) -> Self {
        Self { clip, camera: true, microphone: true }
    }

    /// Carries out one line of standard input.
    fn turn(&mut self, line: &str, media: &Path) -> Result<()> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["clip", name] => self.clip = Arc::new(Clip::load(media, name)?),
            ["camera", state] => self.camera = state == "on",
            ["microphone", state] => self.microphone = state == "on",
            _ => bail!("no such order: {line}"),
        }
        Ok(())
    }
}

/// Publishes until Ctrl-C.
pub(crate) async fn run(options: Options) -> Result<()> {
    let name = options.identity.as_ref().unwrap_or(&options.clip);
    let role = if options.guest { "guest" } else { "host" };
    let api = options.server.enter(&options.room, name, role).await?;
    // A guest's seat is kept by being in the room.
    let _seated = if options.guest {
        let control = Control::join(&api, &options.room).await?;
        control.send("seat.apply", serde_json::json!({})).await?;
        Some(control)
    } else {
        api.create_room(&options.room, name).await?;
        None
    };
    let clip = Arc::new(Clip::load(&options.media, &options.clip)?);
    let (change, show) = watch::channel(Show::all(clip));
    tokio::select! {
        () = publish_forever(&api, &options.room, &show) => Ok(()),
        never = take_orders(&change, &options.media) => never,
        stop = tokio::signal::ctrl_c() => Ok(stop?),
    }
}

async fn take_orders(change: &watch::Sender<Show>, media: &Path) -> Result<()> {
    let mut orders = lines_of_stdin();
    while let Some(line) = orders.recv().await {
        let mut show = change.borrow().clone();
        show.turn(&line, media)?;
        change.send_replace(show);
    }
    std::future::pending().await
}

/// Publishes, and publishes again when the connection is lost.
pub(crate) async fn publish_forever(api: &Api, room: &str, show: &watch::Receiver<Show>) {
    loop {
        if let Err(error) = publish(api, room, show).await {
            tracing::warn!(%error, room, "Publishing failed; trying again.");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Publishes until the connection is lost.
async fn publish(api: &Api, room: &str, show: &watch::Receiver<Show>) -> Result<()> {
    let prepared = Prepared::new(Box::new(|_| {})).await?;
    let audio = prepared.add_track(room, RtpCodecKind::Audio).await?;
    let video = prepared.add_track(room, RtpCodecKind::Video).await?;
    let mut connection = Connection::open(prepared, api, room, "whip").await?;
    tracing::info!(room, "On air.");

    tokio::select! {
        ended = show_pictures(show, &video) => ended?,
        ended = play_sound(show, &audio) => ended?,
        () = connection.lost() => tracing::warn!(room, "The connection is lost."),
    }
    connection.close(api).await;
    Ok(())
}

/// Sends each picture at its own moment of the loop, for ever. Clips change at a keyframe only.
async fn show_pictures(show: &watch::Receiver<Show>, track: &LocalTrack) -> Result<()> {
    let mut clip = Arc::clone(&show.borrow().clip);
    let duration = Duration::from_nanos(1_000_000_000 / FRAME_RATE);
    let mut parts = Schedule::new(clip.video.len())?;
    let mut is_cut = false;
    loop {
        let index = parts.next().await;
        let (wanted, camera) = {
            let show = show.borrow();
            (Arc::clone(&show.clip), show.camera)
        };
        if (index as u64).is_multiple_of(KEYFRAME_EVERY) {
            (clip, is_cut) = (wanted, false);
        }
        // After a camera was off nothing can be shown before a keyframe.
        is_cut |= !camera;
        if !is_cut {
            track.write(clip.video[index].clone(), duration).await?;
        }
    }
}

/// Sends each packet of sound at its own moment of the loop, for ever.
async fn play_sound(show: &watch::Receiver<Show>, track: &LocalTrack) -> Result<()> {
    let mut parts = Schedule::new(show.borrow().clip.audio.len())?;
    loop {
        let index = parts.next().await;
        let (clip, microphone) = {
            let show = show.borrow();
            (Arc::clone(&show.clip), show.microphone)
        };
        if microphone {
            let packet = clip.audio[index].clone();
            track.write(packet, Duration::from_millis(AUDIO_PACKET_MS)).await?;
        }
    }
}

/// When each part of a loop is due.
struct Schedule {
    loop_began: Instant,
    parts: u64,
    index: u64,
}

impl Schedule {
    fn new(parts: usize) -> Result<Self> {
        let started = Instant::now();
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
        let loop_began = started - Duration::from_millis(now_ms % LOOP_MS);
        let parts = parts as u64;
        let due = |index: &u64| loop_began + duration_of(*index, parts) >= started;
        let index = (0..).find(due).expect("time goes on");
        Ok(Self { loop_began, parts, index })
    }

    /// Waits until the next part is due and returns its place in the loop.
    async fn next(&mut self) -> usize {
        tokio::time::sleep_until(self.loop_began + duration_of(self.index, self.parts)).await;
        let place = self.index % self.parts;
        self.index += 1;
        place as usize
    }
}

/// Returns when part `index` is due, counted from the start of a loop. Exact over any number of loops.
fn duration_of(index: u64, parts: u64) -> Duration {
    Duration::from_nanos(index * LOOP_MS * 1_000_000 / parts)
}
