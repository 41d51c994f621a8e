//! The stream that measurements are made with: 720p of about 1.8 Mbit/s with sound, encoded once and kept.
//!
//! Moving test picture under film grain: the grain keeps every frame near its share of the bitrate, as
//! a camera's noise does, so that packet sizes and bursts are those of a real stream.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::clip::{AUDIO_PACKET_MS, FRAME_RATE};
use crate::mark::LOOP_MS;

/// Name of the clip in the media folder.
pub(crate) const NAME: &str = "film";

/// Makes the clip unless it is in `folder` already.
pub(crate) fn ensure(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let seconds = LOOP_MS / 1_000;
    let picture = format!(
        "-f lavfi -i testsrc2=size=1280x720:rate={FRAME_RATE}:duration={seconds} \
         -vf noise=alls=10:allf=t,format=yuv420p \
         -c:v libx264 -preset veryfast -tune zerolatency -profile:v baseline -threads 1 \
         -g {} -bf 0 -b:v 1800k -maxrate 1800k -bufsize 900k \
         -x264-params aud=1:scenecut=0:repeat-headers=1:sliced-threads=0:slices=1 -f h264",
        2 * FRAME_RATE
    );
    let sound = format!(
        "-f lavfi -i anoisesrc=color=pink:amplitude=0.2:sample_rate=48000:duration={seconds} \
         -ac 2 -c:a libopus -b:a 64k -frame_duration {AUDIO_PACKET_MS} -f ogg"
    );
    encode(&folder.join(format!("{NAME}.h264")), &picture)?;
    encode(&folder.join(format!("{NAME}.ogg")), &sound)
}

/// Runs FFmpeg; the file appears only when it is whole.
fn encode(file: &Path, arguments: &str) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    tracing::info!(clip = %file.display(), "Encoding a clip.");
    // Two testers may begin at once.
    let partial = file.with_extension(format!("part-{}", std::process::id()));
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(arguments.split_whitespace())
        .arg(&partial)
        .status()
        .context("cannot start ffmpeg; `make setup` installs it")?;
    ensure!(status.success(), "ffmpeg could not encode {}", file.display());
    std::fs::rename(&partial, file)?;
    Ok(())
}
