//! What a run measured, as JSON and as a table. The names of the JSON's fields are a contract with
//! `benches` and are explained in docs/TESTING.md; a field that could not be measured is null.

use std::time::Duration;

use serde::Serialize;

use super::crowd::Requests;
use super::engine::Snapshot;
use super::process::Usage;
use super::reception::Totals;
use super::viewer::Stats;

/// Everything about one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// `lianmai` or `janus`.
    pub(crate) target: &'static str,
    /// Viewers asked for.
    pub(crate) viewers: usize,
    /// How they came.
    pub(crate) joins: Joins,
    /// What those who were in before the others noticed of them; null without such.
    pub(crate) settled: Option<Settled>,
    /// What they got over the measured seconds.
    pub(crate) steady: Steady,
    /// From the publisher's sending to the viewer's socket; null without our publisher.
    pub(crate) latency_ms: Option<Percentiles>,
    /// What it cost the server; null without `--pid`.
    pub(crate) server: Option<Cost>,
    /// What it cost this process.
    pub(crate) tester: Tester,
}

/// Some values in order of size.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// How viewers came: those of the measured joins, without the settled ones.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Joins {
    pub(crate) asked: usize,
    pub(crate) answered: usize,
    pub(crate) refused: usize,
    pub(crate) busy_answers: usize,
    pub(crate) connected: usize,
    pub(crate) receiving: usize,
    pub(crate) watching: usize,
    pub(crate) answer_ms: Option<Percentiles>,
    pub(crate) connected_ms: Option<Percentiles>,
    pub(crate) first_packet_ms: Option<Percentiles>,
    pub(crate) first_keyframe_ms: Option<Percentiles>,
}

/// What viewers who were in before noticed of the others' joining.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Settled {
    pub(crate) viewers: usize,
    pub(crate) lost: u64,
    pub(crate) silence_ms: Option<Percentiles>,
}

/// What all viewers together got over the measured seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Steady {
    pub(crate) seconds: f64,
    pub(crate) viewers: usize,
    pub(crate) packets: u64,
    pub(crate) packets_per_viewer_s: f64,
    pub(crate) mbit_s: f64,
    pub(crate) fps: f64,
    pub(crate) delivered_ratio: Option<f64>,
    pub(crate) lost: u64,
    pub(crate) video_lost: u64,
    pub(crate) recovered: u64,
    pub(crate) nacked: u64,
    pub(crate) rtx: u64,
    pub(crate) useless: u64,
    pub(crate) dropped_by_tester: u64,
    pub(crate) forged: u64,
    pub(crate) silence_ms: Option<Percentiles>,
    pub(crate) left: usize,
}

/// What the measured seconds cost the server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) cpu_s: f64,
    pub(crate) cores: f64,
    pub(crate) packets_sent: u64,
    pub(crate) us_per_packet: Option<f64>,
    pub(crate) resident_mb: f64,
    pub(crate) kb_per_viewer: Option<f64>,
    pub(crate) threads: u64,
}

/// What the measured seconds cost this process.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tester {
    pub(crate) cpu_s: f64,
    pub(crate) cores: f64,
}

/// A moment of the run.
pub(crate) struct Moment {
    /// What the viewers knew.
    pub(crate) snapshot: Snapshot,
    /// When.
    pub(crate) at: std::time::Instant,
    /// Packets that the publisher of this process had sent.
    pub(crate) published: Option<u64>,
    /// The server.
    pub(crate) server: Option<Usage>,
    /// This process.
    pub(crate) tester: Usage,
}

impl Percentiles {
    /// Sorts `values`; `None` if there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at =
            |share: f64| values.get(((values.len() as f64 * share) as usize).min(values.len() - 1));
        if values.is_empty() {
            return None;
        }
        let (p50, p99, max) = (*at(0.5)?, *at(0.99)?, *values.last()?);
        Some(Self { count: values.len(), p50, p99, max })
    }

    fn of_durations(values: impl Iterator<Item = Duration>) -> Option<Self> {
        Self::of(values.map(|value| value.as_secs_f64() * 1_000.0).collect())
    }
}

impl Joins {
    /// Sums up the viewers whose number is at least `from`.
    pub(crate) fn new(snapshot: &Snapshot, from: usize, requests: &Requests) -> Self {
        let new: Vec<&Stats> =
            snapshot.viewers.iter().filter(|(at, _)| *at >= from).map(|(_, stats)| stats).collect();
        let times = |pick: fn(&Stats) -> Option<Duration>| {
            let times: Vec<Duration> = new.iter().filter_map(|stats| pick(stats)).collect();
            (times.len(), Percentiles::of_durations(times.into_iter()))
        };
        let (connected, connected_ms) = times(|stats| stats.connected);
        let (receiving, first_packet_ms) = times(|stats| stats.first_packet);
        let (watching, first_keyframe_ms) = times(|stats| stats.first_keyframe);
        let answered = requests.answers.len();
        Self {
            asked: answered + requests.refused,
            answered,
            refused: requests.refused,
            busy_answers: requests.busy,
            connected,
            receiving,
            watching,
            answer_ms: Percentiles::of_durations(requests.answers.iter().copied()),
            connected_ms,
            first_packet_ms,
            first_keyframe_ms,
        }
    }
}

impl Settled {
    /// Compares two moments of the viewers whose number is below `below`.
    pub(crate) fn new(before: &Snapshot, after: &Snapshot, below: usize) -> Self {
        let lost = |snapshot: &Snapshot| -> u64 {
            let settled = snapshot.viewers.iter().filter(|(at, _)| *at < below);
            settled.map(|(_, stats)| stats.audio.lost + stats.video.lost).sum()
        };
        let settled = after.viewers.iter().filter(|(at, _)| *at < below);
        Self {
            viewers: below,
            lost: lost(after).saturating_sub(lost(before)),
            silence_ms: Percentiles::of_durations(settled.map(|(_, stats)| stats.silence)),
        }
    }
}

impl Steady {
    /// Compares two moments between which `viewers` watched.
    pub(crate) fn new(before: &Moment, after: &Moment, viewers: usize, left: usize) -> Self {
        let seconds = (after.at - before.at).as_secs_f64();
        let (start, end) = (Sums::of(&before.snapshot), Sums::of(&after.snapshot));
        let of = |pick: fn(&Sums) -> u64| pick(&end).saturating_sub(pick(&start));
        let packets = of(|sums| sums.all.packets);
        let per_viewer = |count: u64| count as f64 / viewers.max(1) as f64 / seconds;
        let published = after.published.zip(before.published).map(|(end, start)| end - start);
        let silences = after.snapshot.viewers.iter().map(|(_, stats)| stats.silence);
        Self {
            seconds,
            viewers,
            packets,
            packets_per_viewer_s: per_viewer(packets),
            mbit_s: of(|sums| sums.all.bytes) as f64 * 8e-6 / seconds,
            fps: per_viewer(of(|sums| sums.frames)),
            delivered_ratio: published
                .filter(|published| *published > 0 && viewers > 0)
                .map(|published| packets as f64 / (published as f64 * viewers as f64)),
            lost: of(|sums| sums.all.lost),
            video_lost: of(|sums| sums.video_lost),
            recovered: of(|sums| sums.all.recovered),
            nacked: of(|sums| sums.all.asked),
            rtx: of(|sums| sums.rtx),
            useless: of(|sums| sums.all.useless),
            dropped_by_tester: after.snapshot.dropped - before.snapshot.dropped,
            forged: of(|sums| sums.forged),
            silence_ms: Percentiles::of_durations(silences.filter(|silence| !silence.is_zero())),
            left,
        }
    }

    /// Packets that the server must have sent.
    fn sent(&self) -> u64 {
        self.packets
            + self.useless
            + self.rtx.saturating_sub(self.recovered)
            + self.dropped_by_tester
    }
}

impl Cost {
    /// Compares two moments with one of an idle server.
    pub(crate) fn new(idle: &Usage, before: &Usage, after: &Usage, steady: &Steady) -> Self {
        let cpu_s = (after.cpu.saturating_sub(before.cpu)).as_secs_f64();
        let sent = steady.sent();
        let grown = after.resident.saturating_sub(idle.resident) as f64 / 1_024.0;
        Self {
            cpu_s,
            cores: cpu_s / steady.seconds,
            packets_sent: sent,
            us_per_packet: (sent > 0).then(|| cpu_s * 1e6 / sent as f64),
            resident_mb: after.resident as f64 / (1 << 20) as f64,
            kb_per_viewer: (steady.viewers > 0).then(|| grown / steady.viewers as f64),
            threads: after.threads,
        }
    }
}

/// Sums over all viewers.
#[derive(Default)]
struct Sums {
    all: Totals,
    frames: u64,
    video_lost: u64,
    rtx: u64,
    forged: u64,
}

impl Sums {
    fn of(snapshot: &Snapshot) -> Self {
        let mut sums = Self::default();
        for (_, stats) in &snapshot.viewers {
            for one in [stats.audio, stats.video] {
                sums.all.packets += one.packets;
                sums.all.bytes += one.bytes;
                sums.all.lost += one.lost;
                sums.all.recovered += one.recovered;
                sums.all.asked += one.asked;
                sums.all.useless += one.useless;
            }
            // Opus packets may carry the marker too.
            sums.frames += stats.video.frames;
            sums.video_lost += stats.video.lost;
            sums.rtx += stats.rtx;
            sums.forged += stats.forged;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = (1..=200).rev().map(f64::from).collect();
        let percentiles = Percentiles::of(values).expect("there are values");
        assert_eq!((percentiles.p50, percentiles.p99, percentiles.max), (101.0, 199.0, 200.0));
        assert!(Percentiles::of(Vec::new()).is_none());
    }
}
