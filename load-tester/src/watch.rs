//! Synthetic viewers: watch a room's program and count what arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use crate::api::Server;
use crate::webrtc_client::{Connection, Prepared};

/// Command line of `lianmai-load watch`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// Room whose program is watched.
    #[arg(long)]
    room: String,
    /// Viewers at once.
    #[arg(long, default_value_t = 1)]
    viewers: u32,
    /// How long to watch, in seconds; Ctrl-C ends it earlier.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// What all viewers together got.
#[derive(Default)]
struct Counts {
    audio_packets: AtomicU64,
    video_packets: AtomicU64,
    video_frames: AtomicU64,
    lost: AtomicU64,
    /// Widest step between two timestamps, in microseconds of media time.
    audio_step_us: AtomicU64,
    video_step_us: AtomicU64,
}

/// Watches and prints one line of JSON.
pub(crate) async fn run(options: Options) -> Result<()> {
    let counts = Arc::new(Counts::default());
    let mut connections = Vec::new();
    for viewer in 0..options.viewers {
        let identity = format!("load-{viewer}");
        let api = options.server.enter(&options.room, &identity, "viewer").await?;
        let counts = Arc::clone(&counts);
        let prepared = Prepared::new(Box::new(move |track| {
            tokio::spawn(count(track, Arc::clone(&counts)));
        }))
        .await?;
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let direction = RTCRtpTransceiverDirection::Recvonly;
            let init = RTCRtpTransceiverInit { direction, ..Default::default() };
            prepared.peer.add_transceiver_from_kind(kind, Some(init)).await?;
        }
        let connection = Connection::open(prepared, &api, &options.room, "whep").await?;
        connections.push((connection, api));
    }
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(options.seconds)) => {}
        stop = tokio::signal::ctrl_c() => stop?,
    }
    report(&options, &counts);
    for (connection, api) in connections {
        connection.close(&api).await;
    }
    Ok(())
}

async fn count(track: Arc<dyn TrackRemote>, counts: Arc<Counts>) {
    let is_video = track.kind().await == RtpCodecKind::Video;
    let (step, clock_rate_hz) =
        if is_video { (&counts.video_step_us, 90_000) } else { (&counts.audio_step_us, 48_000) };
    let mut newest: Option<(u16, u32)> = None;
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let packets = if is_video { &counts.video_packets } else { &counts.audio_packets };
        packets.fetch_add(1, Ordering::Relaxed);
        if is_video && packet.header.marker {
            counts.video_frames.fetch_add(1, Ordering::Relaxed);
        }
        let (sequence, timestamp) = (packet.header.sequence_number, packet.header.timestamp);
        let (last, last_timestamp) = newest.unwrap_or((sequence.wrapping_sub(1), timestamp));
        let ahead = sequence.wrapping_sub(last);
        if ahead < 0x8000 {
            counts.lost.fetch_add(u64::from(ahead.saturating_sub(1)), Ordering::Relaxed);
            let ticks = u64::from(timestamp.wrapping_sub(last_timestamp));
            step.fetch_max(ticks * 1_000_000 / clock_rate_hz, Ordering::Relaxed);
            newest = Some((sequence, timestamp));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the result is this program's output")]
fn report(options: &Options, counts: &Counts) {
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let line = serde_json::json!({
        "viewers": options.viewers,
        "seconds": options.seconds,
        "audio_packets": of(&counts.audio_packets),
        "video_packets": of(&counts.video_packets),
        "video_frames": of(&counts.video_frames),
        "lost": of(&counts.lost),
        "audio_step_max_ms": of(&counts.audio_step_us) as f64 / 1_000.0,
        "video_step_max_ms": of(&counts.video_step_us) as f64 / 1_000.0,
    });
    println!("{line}");
}
