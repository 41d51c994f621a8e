//! What FFmpeg's tools see at an RTMP URL or in a file.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(25);

/// What ffprobe read in some seconds.
#[derive(Debug)]
pub(crate) struct Seen {
    /// One `codec,width-or-rate,height-or-channels` per stream.
    pub(crate) streams: Vec<String>,
    /// Video packets' decoding times in seconds, in order of arrival.
    pub(crate) video: Vec<f64>,
    /// Audio packets' decoding times.
    pub(crate) audio: Vec<f64>,
    pub(crate) stderr: String,
}

impl Seen {
    /// Panics unless there are both streams and time runs forward in each.
    pub(crate) fn assert_whole(&self) {
        let mut streams = self.streams.clone();
        streams.sort();
        assert_eq!(streams, ["aac,48000,2", "h264,360,640"], "{self:?}");
        assert!(self.video.len() > 30 && self.audio.len() > 45, "{self:?}");
        for times in [&self.video, &self.audio] {
            let step_back = times.windows(2).find(|pair| pair[1] <= pair[0]);
            assert_eq!(step_back, None, "a timestamp that does not rise");
        }
    }

    /// Returns the longest time between two pictures.
    pub(crate) fn longest_gap(&self) -> f64 {
        self.video.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }
}

/// Which clock ffprobe's times are of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Clock {
    /// The timestamps in the stream.
    Stream,
    /// When each packet arrived.
    Arrival,
}

/// Reads `seconds` of the stream at `url`.
pub(crate) async fn probe(url: &str, clock: Clock, seconds: u32) -> Seen {
    let mut command = Command::new("ffprobe");
    if clock == Clock::Arrival {
        command.args(["-use_wallclock_as_timestamps", "1"]);
    }
    command.args(["-v", "error", "-of", "csv", "-show_entries"]);
    command.arg("packet=codec_type,dts_time:stream=codec_name,width,height,sample_rate,channels");
    command.args(["-read_intervals", &format!("%+{seconds}"), url]);
    let (stdout, stderr) = run(command).await;

    let mut seen = Seen { streams: Vec::new(), video: Vec::new(), audio: Vec::new(), stderr };
    for line in stdout.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        match fields[..] {
            ["packet", "video", time, ..] => seen.video.push(time.parse().unwrap()),
            ["packet", "audio", time, ..] => seen.audio.push(time.parse().unwrap()),
            ["stream", codec, a, b, ..] => seen.streams.push(format!("{codec},{a},{b}")),
            _ => {}
        }
    }
    seen
}

/// Returns how long the file at `path` says it is, in seconds.
pub(crate) async fn seconds_of(path: &str) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0", "-show_entries", "format=duration", path]);
    run(command).await.0.trim().parse().unwrap()
}

/// Decodes `seconds` of the stream at `url` and returns what FFmpeg complains of.
pub(crate) async fn decode(url: &str, seconds: u32) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i", url, "-t", &seconds.to_string()]);
    command.args(["-f", "null", "-"]);
    run(command).await.1
}

/// Publishes a second of nothing to `url` and returns what FFmpeg complains of.
pub(crate) async fn publish(url: &str) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "anullsrc", "-t", "1"]);
    command.args(["-c:a", "aac", "-f", "flv", url]);
    run(command).await.1
}

async fn run(mut command: Command) -> (String, String) {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output()).await.expect("FFmpeg must end in time").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
