//! A synthetic host: publishes a clip for ever, in step with the wall clock so that the clock burned
//! into the clip is true.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use clap::Args;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

use crate::api::{Api, Server};
use crate::clip::{AUDIO_PACKET_MS, Clip, FRAME_RATE};
use crate::mark::LOOP_MS;
use crate::webrtc_client::{Connection, LocalTrack, Prepared};

/// Command line of `lianmai-load host`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// Room to be the host of; created if missing.
    #[arg(long)]
    room: String,
    /// Which clip to publish, which is also the host's identity.
    #[arg(long, default_value = "alice")]
    clip: String,
    /// Folder that `lianmai-load media` filled.
    #[arg(long, default_value = "target/media")]
    media: PathBuf,
}

/// Publishes until Ctrl-C.
pub(crate) async fn run(options: Options) -> Result<()> {
    let api = options.server.enter(&options.room, &options.clip, "host").await?;
    api.create_room(&options.room, &options.clip).await?;
    let clip = Arc::new(Clip::load(&options.media, &options.clip)?);
    tokio::select! {
        () = publish_forever(&api, &options.room, &clip) => Ok(()),
        stop = tokio::signal::ctrl_c() => Ok(stop?),
    }
}

/// Publishes, and publishes again when the connection is lost.
pub(crate) async fn publish_forever(api: &Api, room: &str, clip: &Arc<Clip>) {
    loop {
        if let Err(error) = publish(api, room, clip).await {
            tracing::warn!(%error, room, "Publishing failed; trying again.");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Publishes until the connection is lost.
async fn publish(api: &Api, room: &str, clip: &Arc<Clip>) -> Result<()> {
    let prepared = Prepared::new(Box::new(|_| {})).await?;
    let audio = prepared.add_track(room, RtpCodecKind::Audio).await?;
    let video = prepared.add_track(room, RtpCodecKind::Video).await?;
    let mut connection = Connection::open(prepared, api, room, "whip").await?;
    tracing::info!(room, "On air.");

    let frame = Duration::from_nanos(1_000_000_000 / FRAME_RATE);
    let packet = Duration::from_millis(AUDIO_PACKET_MS);
    tokio::select! {
        ended = play(&clip.video, &video, frame) => ended?,
        ended = play(&clip.audio, &audio, packet) => ended?,
        () = connection.lost() => tracing::warn!(room, "The connection is lost."),
    }
    connection.close(api).await;
    Ok(())
}

/// Sends each part at its own moment of the loop, for ever.
async fn play(parts: &[Bytes], track: &LocalTrack, duration: Duration) -> Result<()> {
    let started = tokio::time::Instant::now();
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let loop_began = started - Duration::from_millis(now_ms % LOOP_MS);
    let part_of = |index: u64| loop_began + duration_of(index, parts.len() as u64);
    let first = (0..).find(|index| part_of(*index) >= started).expect("time goes on");

    for index in first.. {
        tokio::time::sleep_until(part_of(index)).await;
        track.write(parts[index as usize % parts.len()].clone(), duration).await?;
    }
    unreachable!("a host never runs out of numbers")
}

/// Returns when part `index` is due, counted from the start of a loop. Exact over any number of loops.
fn duration_of(index: u64, parts: u64) -> Duration {
    Duration::from_nanos(index * LOOP_MS * 1_000_000 / parts)
}
