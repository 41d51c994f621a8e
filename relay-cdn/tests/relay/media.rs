//! Real media: a moving picture and a tone, encoded once by FFmpeg and played in real time.

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use media_rules::h264::is_keyframe;
use media_rules::{EncodedFrame, FrameCodec, MediaTime, with_cue};
use relay_cdn::Hub;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

pub(crate) const WIDTH: &str = "360";
pub(crate) const HEIGHT: &str = "640";
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const AAC_FRAME: Duration = Duration::from_nanos(1_024_000_000_000 / 48_000);
/// The encoder of sound is this much later than that of the picture.
const SOUND_LAG: Duration = Duration::from_millis(40);

/// Four seconds, a keyframe each second, about 3 Mbit/s.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) pictures: Vec<Bytes>,
    pub(crate) sounds: Vec<Bytes>,
}

impl Clip {
    /// Returns the clip, made on first use.
    pub(crate) fn shared() -> Arc<Self> {
        static CLIP: OnceLock<Arc<Clip>> = OnceLock::new();
        Arc::clone(CLIP.get_or_init(|| Arc::new(Self::make(WIDTH, HEIGHT))))
    }

    /// Makes such a clip with a picture of another size.
    pub(crate) fn make(width: &str, height: &str) -> Self {
        let video = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &format!("testsrc2=size={width}x{height}:rate=30:duration=4"),
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-bf",
            "0",
            "-g",
            "30",
            "-b:v",
            "3M",
            "-minrate",
            "3M",
            "-maxrate",
            "3M",
            "-bufsize",
            "3M",
            "-x264-params",
            "aud=1:nal-hrd=cbr",
            "-pix_fmt",
            "yuv420p",
            "-f",
            "h264",
            "-",
        ]);
        let audio = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000:duration=4",
            "-c:a",
            "aac",
            "-ac",
            "2",
            "-b:a",
            "96k",
            "-f",
            "adts",
            "-",
        ]);
        let clip = Self { pictures: access_units(&video), sounds: adts_frames(&audio) };
        assert_eq!(clip.pictures.len(), 120);
        assert!(is_keyframe(&clip.pictures[0]) && is_keyframe(&clip.pictures[30]));
        assert!(clip.sounds.len() > 180);
        clip
    }

    pub(crate) fn picture(&self, index: usize) -> EncodedFrame {
        let data = self.pictures[index % self.pictures.len()].clone();
        let is_key = is_keyframe(&data);
        EncodedFrame { codec: FrameCodec::H264, at: at(FRAME, index), is_key, data }
    }

    pub(crate) fn sound(&self, index: usize) -> EncodedFrame {
        let data = self.sounds[index % self.sounds.len()].clone();
        EncodedFrame { codec: FrameCodec::Aac, at: at(AAC_FRAME, index), is_key: true, data }
    }
}

/// Plays the clip into a hub, over and over, until dropped.
#[derive(Debug)]
pub(crate) struct Player {
    task: JoinHandle<()>,
}

impl Player {
    pub(crate) fn start(hub: &Hub) -> Self {
        Self::start_telling(hub, |_| None)
    }

    /// Also tells what `cue` says of a picture's number.
    pub(crate) fn start_telling(
        hub: &Hub,
        cue: impl Fn(usize) -> Option<String> + Send + 'static,
    ) -> Self {
        let (hub, clip) = (hub.clone(), Clip::shared());
        let task = tokio::spawn(async move {
            let start = Instant::now();
            let (mut pictures, mut sounds) = (0, 0);
            loop {
                let picture_due = FRAME * u32::try_from(pictures).unwrap();
                let sound_due = AAC_FRAME * u32::try_from(sounds).unwrap() + SOUND_LAG;
                sleep_until(start + picture_due.min(sound_due)).await;
                if picture_due <= sound_due {
                    let mut picture = clip.picture(pictures);
                    if let Some(cue) = cue(pictures) {
                        picture.data = with_cue(&picture.data, &cue);
                    }
                    hub.push(picture);
                    pictures += 1;
                } else {
                    hub.push(clip.sound(sounds));
                    sounds += 1;
                }
            }
        });
        Self { task }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn at(step: Duration, index: usize) -> MediaTime {
    // As on a machine that has been up for some days.
    MediaTime::from_millis(300_000_000) + step * u32::try_from(index).unwrap()
}

fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Cuts a byte stream before each access unit delimiter.
fn access_units(stream: &[u8]) -> Vec<Bytes> {
    let delimiter = [0, 0, 0, 1, 9];
    let mut starts: Vec<usize> =
        (0..stream.len()).filter(|at| stream[*at..].starts_with(&delimiter)).collect();
    starts.push(stream.len());
    starts.windows(2).map(|pair| Bytes::copy_from_slice(&stream[pair[0]..pair[1]])).collect()
}

/// Takes the ADTS headers off (ISO 13818-7 section 6.2).
fn adts_frames(mut stream: &[u8]) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while let [0xff, _, _, a, b, c, ..] = *stream {
        let length = usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c >> 5);
        frames.push(Bytes::copy_from_slice(&stream[7..length]));
        stream = &stream[length..];
    }
    frames
}
