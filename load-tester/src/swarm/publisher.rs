//! The publisher in the swarm's process: the independent `webrtc` crate with a real encoded clip, at the
//! clip's own pace, with a keyframe when the server asks for one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::observer::{self, Observer};
use super::stamps::Stamps;
use super::target::Target;
use crate::clip::{AUDIO_PACKET_MS, Clip, FRAME_RATE};
use crate::webrtc_client::{LocalTrack, Prepared};

/// A running publisher.
pub(crate) struct Publisher {
    stamps: Arc<Stamps>,
    /// Dropped: the publisher hangs up.
    stop: oneshot::Sender<()>,
    playing: JoinHandle<()>,
}

impl Publisher {
    /// Publishes the clip called `name` of folder `media` until [`stop`](Self::stop).
    pub(crate) async fn start(target: &Target, media: &Path, name: &str) -> Result<Self> {
        let clip = Clip::load(media, name)?;
        let stamps = Arc::new(Stamps::default());
        let wants_keyframe = Arc::new(AtomicBool::new(false));
        let observer = Observer::new(Arc::clone(&stamps), Arc::clone(&wants_keyframe));
        let observe =
            |registry: webrtc::peer_connection::Registry| registry.with(observer::slot(), observer);
        let mut prepared = Prepared::observed(Box::new(|_| {}), target.near(), observe).await?;
        let audio = prepared.add_track(name, RtpCodecKind::Audio).await?;
        let video = prepared.add_track(name, RtpCodecKind::Video).await?;
        let answer = target.publish(prepared.offer().await?).await?;
        let mut connection = prepared.accept(answer, None).await?;

        let (stop, stopped) = oneshot::channel::<()>();
        let playing = tokio::spawn(async move {
            let ended = tokio::select! {
                ended = play_video(&clip.video, &video, &wants_keyframe) => ended,
                ended = play_audio(&clip.audio, &audio) => ended,
                () = connection.lost() => Err(anyhow::anyhow!("the connection is lost")),
                _ = stopped => Ok(()),
            };
            connection.hang_up().await;
            if let Err(error) = ended {
                tracing::error!(%error, "The publisher stopped.");
            }
        });
        Ok(Self { stamps, stop, playing })
    }

    /// Returns what was sent when.
    pub(crate) fn stamps(&self) -> &Arc<Stamps> {
        &self.stamps
    }

    /// Whether it still publishes.
    pub(crate) fn is_on_air(&self) -> bool {
        !self.playing.is_finished()
    }

    /// Hangs up.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = self.playing.await;
    }
}

/// Sends frame after frame; a wish for a keyframe skips to the clip's next one.
async fn play_video(
    frames: &[Bytes],
    track: &LocalTrack,
    wants_keyframe: &AtomicBool,
) -> Result<()> {
    let keyframes: Vec<usize> = (0..frames.len()).filter(|at| is_keyframe(&frames[*at])).collect();
    let duration = Duration::from_nanos(1_000_000_000 / FRAME_RATE);
    let mut due = Instant::now();
    let mut at = 0;
    loop {
        tokio::time::sleep_until(due).await;
        if wants_keyframe.swap(false, Ordering::Relaxed) {
            at = keyframes.iter().copied().find(|key| *key >= at).unwrap_or(0);
        }
        track.write(frames[at].clone(), duration).await?;
        at = (at + 1) % frames.len();
        due += duration;
    }
}

async fn play_audio(packets: &[Bytes], track: &LocalTrack) -> Result<()> {
    let duration = Duration::from_millis(AUDIO_PACKET_MS);
    let mut due = Instant::now();
    for packet in packets.iter().cycle() {
        tokio::time::sleep_until(due).await;
        track.write(packet.clone(), duration).await?;
        due += duration;
    }
    Ok(())
}

/// Whether an access unit holds an IDR slice.
fn is_keyframe(unit: &[u8]) -> bool {
    unit.windows(4).any(|window| window[..3] == [0, 0, 1] && window[3] & 0x1f == 5)
}
