//! Makes the clips of the synthetic hosts: a loop of picture with the test mark burned in, and a
//! loop of sound with a beep at each flash. FFmpeg encodes; the pixels are ours so that the mark is exact.

use std::f64::consts::TAU;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::clip::{AUDIO_PACKET_MS, FRAME_RATE, KEYFRAME_EVERY};
use crate::mark::{self, LOOP_MS};

const WIDTH: usize = 360;
const HEIGHT: usize = 640;
const SAMPLE_RATE: u64 = 48_000;

/// A synthetic host's looks and voice.
pub(crate) struct Cast {
    /// Identity, and the file name of the clip.
    pub(crate) name: &'static str,
    /// The id in the mark; ids above 100 have a clock modulo the loop.
    pub(crate) id: u8,
    /// Hue of the background as Cb, Cr.
    chroma: (u8, u8),
    /// The host's own continuous tone in Hz; a whole number of periods fits the loop.
    tone_hz: f64,
}

/// The two hosts of the demo.
pub(crate) const CAST: [Cast; 2] = [
    Cast { name: "alice", id: 101, chroma: (118, 176), tone_hz: 440.0 },
    Cast { name: "bob", id: 102, chroma: (164, 84), tone_hz: 660.0 },
];

/// Makes each clip that is not in `out` yet.
pub(crate) fn ensure_clips(out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    for cast in &CAST {
        let video = out.join(format!("{}.h264", cast.name));
        let audio = out.join(format!("{}.ogg", cast.name));
        if !video.exists() {
            tracing::info!(clip = %video.display(), "Painting a clip.");
            encode(&video, &video_arguments(cast), |sink| paint_video(cast, sink))?;
        }
        if !audio.exists() {
            encode(&audio, &audio_arguments(), |sink| paint_audio(cast, sink))?;
        }
    }
    Ok(())
}

/// Pipes what `paint` writes through FFmpeg; the file appears only when it is whole.
fn encode(
    file: &Path,
    arguments: &str,
    paint: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let partial = file.with_extension("part");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&partial)
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot start ffmpeg; `make setup` installs it")?;
    let mut sink = std::io::BufWriter::new(ffmpeg.stdin.take().expect("stdin was piped"));
    paint(&mut sink)?;
    drop(sink);
    ensure!(ffmpeg.wait()?.success(), "ffmpeg could not encode {}", file.display());
    std::fs::rename(&partial, file)?;
    Ok(())
}

fn video_arguments(cast: &Cast) -> String {
    let name = cast.name.to_uppercase();
    format!(
        "-f rawvideo -pix_fmt yuv420p -s {WIDTH}x{HEIGHT} -r {FRAME_RATE} -i - \
         -vf drawtext=text={name}:fontsize=44:fontcolor=white:x=(w-tw)/2:y=h-130,\
         drawtext=text=%{{pts}}:fontsize=22:fontcolor=white:x=(w-tw)/2:y=h-70 \
         -c:v libx264 -preset veryfast -tune zerolatency -profile:v baseline -g {KEYFRAME_EVERY} -bf 0 \
         -b:v 900k -maxrate 900k -bufsize 450k -x264-params aud=1:scenecut=0:repeat-headers=1 -f h264"
    )
}

fn audio_arguments() -> String {
    format!(
        "-f s16le -ar {SAMPLE_RATE} -ac 2 -i - -c:a libopus -b:a 64k -frame_duration {AUDIO_PACKET_MS} -f ogg"
    )
}

fn paint_video(cast: &Cast, sink: &mut dyn Write) -> std::io::Result<()> {
    let frames = LOOP_MS * FRAME_RATE / 1_000;
    let mut luma = vec![0; WIDTH * HEIGHT];
    let chroma_u = vec![cast.chroma.0; WIDTH * HEIGHT / 4];
    let chroma_v = vec![cast.chroma.1; WIDTH * HEIGHT / 4];
    for frame in 0..frames {
        let time_ms = frame * 1_000 / FRAME_RATE;
        paint_host(&mut luma, frame as f64 / frames as f64);
        paint_mark(&mut luma, time_ms, cast.id);
        sink.write_all(&luma)?;
        sink.write_all(&chroma_u)?;
        sink.write_all(&chroma_v)?;
    }
    Ok(())
}

/// Draws a gradient with somebody who sways in front of it. `phase` runs from 0 to 1 in a loop.
fn paint_host(luma: &mut [u8], phase: f64) {
    let sway = (phase * TAU * 5.0).sin() * 24.0;
    let nod = (phase * TAU * 10.0).cos() * 8.0;
    let (head_x, head_y) = (WIDTH as f64 / 2.0 + sway, 270.0 + nod);
    for (y, row) in luma.chunks_exact_mut(WIDTH).enumerate() {
        let backdrop = 70.0 + 60.0 * y as f64 / HEIGHT as f64;
        for (x, pixel) in row.iter_mut().enumerate() {
            let (dx, dy) = (x as f64 - head_x, y as f64 - head_y);
            let is_head = dx * dx + dy * dy * 0.7 < 68.0 * 68.0;
            let body_y = y as f64 - 560.0;
            let is_body =
                dx * dx * 0.55 + body_y * body_y < 190.0 * 190.0 && y as f64 > head_y + 60.0;
            *pixel = if is_head {
                200
            } else if is_body {
                160
            } else {
                backdrop as u8
            };
        }
    }
}

fn paint_mark(luma: &mut [u8], time_ms: u64, host: u8) {
    let cell = WIDTH / mark::COLUMNS;
    for (row, cells) in mark::cells(time_ms, host).iter().enumerate() {
        for (column, is_white) in cells.iter().enumerate() {
            for y in row * cell..(row + 1) * cell {
                let start = y * WIDTH + column * cell;
                luma[start..start + cell].fill(if *is_white { 235 } else { 16 });
            }
        }
    }
}

fn paint_audio(cast: &Cast, sink: &mut dyn Write) -> std::io::Result<()> {
    for sample in 0..LOOP_MS * SAMPLE_RATE / 1_000 {
        let time_s = sample as f64 / SAMPLE_RATE as f64;
        let mut level = 0.06 * (TAU * cast.tone_hz * time_s).sin();
        if mark::is_flashing(sample * 1_000 / SAMPLE_RATE) {
            level += 0.4 * (TAU * 1_000.0 * time_s).sin();
        }
        let value = ((level * f64::from(i16::MAX)) as i16).to_le_bytes();
        sink.write_all(&[value[0], value[1], value[0], value[1]])?;
    }
    Ok(())
}
