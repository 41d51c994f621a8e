//! A sender of layered video and audio that obeys its estimator, and a receiver that tells what came.

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::MediaTime;
use media_rules::bwe::{FeedbackKind, Probe, SendConfig, SendEstimator};
use media_rules::twcc::{Feedback, Recorder};

use super::link::Link;

const TICK: Duration = Duration::from_millis(5);
const FRAME: Duration = Duration::from_millis(40);
const AUDIO: Duration = Duration::from_millis(20);
const AUDIO_BYTES: usize = 120;
const AUDIO_BPS: u64 = 48_000;
const PACKET: usize = 1_200;
const PADDING: usize = 260;

pub(crate) struct Session {
    pub(crate) link: Link,
    pub(crate) estimator: SendEstimator,
    /// The rates of the layers, lowest first.
    pub(crate) layers: Vec<u64>,
    pub(crate) layer: usize,
    pub(crate) now: MediaTime,
    pub(crate) probe_bytes: u64,
    pub(crate) sent_bytes: u64,
    recorder: Recorder,
    answers: VecDeque<(MediaTime, Vec<u8>)>,
    number: u16,
    /// Sizes of the packets that wait for the pacer.
    queued: VecDeque<usize>,
    next_frame: MediaTime,
    next_audio: MediaTime,
    budget: f64,
    probe: Option<(Probe, u32, u32)>,
    trace: bool,
}

impl Session {
    pub(crate) fn new(seed: u64, layers: &[u64]) -> Self {
        let config = SendConfig {
            feedback: FeedbackKind::Transport,
            start_bps: 1_000_000,
            min_bps: 50_000,
            max_bps: 10_000_000,
        };
        let mut estimator = SendEstimator::new(config);
        estimator.set_wanted_bps(layers.iter().max().map_or(0, |top| top + AUDIO_BPS));
        let mut recorder = Recorder::default();
        recorder.set_lenient(false);
        Self {
            link: Link::new(seed),
            estimator,
            layers: layers.to_vec(),
            layer: 0,
            now: MediaTime::from_millis(1_000),
            probe_bytes: 0,
            sent_bytes: 0,
            recorder,
            answers: VecDeque::new(),
            // So that the numbers wrap within every test.
            number: 65_000,
            queued: VecDeque::new(),
            next_frame: MediaTime::from_millis(1_000),
            next_audio: MediaTime::from_millis(1_000),
            budget: 0.0,
            probe: None,
            trace: std::env::var_os("BWE_TRACE").is_some(),
        }
    }

    /// Lets time pass; tells `each` tick's target.
    pub(crate) fn run(&mut self, time: Duration, mut each: impl FnMut(&Self, u64)) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + TICK;
            self.tick();
            each(self, self.target());
            if self.trace && self.now.millis().is_multiple_of(250) {
                eprintln!(
                    "{:>7} ms target {:>5} kbit/s layer {} loss {:.2} queue {:>4} ms waiting {}",
                    self.now.millis() - 1_000,
                    self.target() / 1_000,
                    self.layer,
                    self.estimator.loss().unwrap_or_default(),
                    self.estimator.queue().as_millis(),
                    self.queued.len(),
                );
            }
        }
    }

    pub(crate) fn target(&self) -> u64 {
        self.estimator.target_bps(self.now)
    }

    /// Sets what the sender would send if it could, instead of its topmost layer.
    pub(crate) fn want(&mut self, bps: u64) {
        self.estimator.set_wanted_bps(bps);
    }

    fn tick(&mut self) {
        self.link.handle_timeout(self.now);
        self.receive();
        self.produce();
        if self.probe.is_none() {
            self.probe = self.estimator.poll_probe(self.now).map(|probe| (probe, 0, 0));
        }
        self.pace();
    }

    fn receive(&mut self) {
        while let Some((number, at)) = self.link.poll_arrival(self.now) {
            self.recorder.handle_packet(number, at);
        }
        let mut out = Vec::new();
        if self.recorder.poll_feedback(self.now, 1, 2, &mut out) && !self.link.loses_back() {
            self.answers.push_back((self.now + self.link.nature.delay, out));
        }
        while let Some((_, bytes)) = self.answers.pop_front_if(|(at, _)| *at <= self.now) {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let len = 4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                let feedback = Feedback::parse(&rest[..len]).expect("what we write is read");
                self.estimator.handle_feedback(&feedback, self.now);
                rest = &rest[len..];
            }
        }
    }

    fn produce(&mut self) {
        // What is lost is sent again, and again if that is lost.
        let loss = f64::from(self.estimator.loss().unwrap_or_default()).min(0.5);
        let spare = 1.0 / (1.0 - loss);
        let target = self.target();
        let fits = |bps: u64| ((bps + AUDIO_BPS) as f64 * spare) as u64 <= target;
        if self.now >= self.next_frame {
            self.next_frame = self.next_frame + FRAME;
            self.layer =
                (0..self.layers.len()).rev().find(|at| fits(self.layers[*at])).unwrap_or(0);
            let mut bytes = (self.layers[self.layer] as f64 * spare * 0.04 / 8.0) as usize;
            // A frame that waits is worthless once the next ones are there.
            if self.queued.iter().sum::<usize>() > 3 * bytes + 6_000 {
                self.queued.clear();
            }
            while bytes > 0 {
                self.queued.push_back(bytes.min(PACKET));
                bytes -= bytes.min(PACKET);
            }
        }
        while self.now >= self.next_audio {
            self.next_audio = self.next_audio + AUDIO;
            self.send(AUDIO_BYTES, false);
        }
    }

    fn pace(&mut self) {
        let probe_bps = self.probe.map_or(0, |(probe, ..)| probe.bps);
        let bps = self.estimator.pacing_bps(self.now).max(probe_bps) as f64;
        self.budget = (self.budget + bps * TICK.as_secs_f64() / 8.0).min(bps * 0.01 / 8.0);
        let mut sent = 0;
        while self.budget > 0.0 {
            let Some(bytes) = self.queued.pop_front() else {
                break;
            };
            self.budget -= bytes as f64;
            sent += bytes;
            self.send(bytes, false);
        }
        let due = (probe_bps as f64 * TICK.as_secs_f64() / 8.0) as usize;
        while self.probe.is_some() && sent < due {
            sent += PADDING;
            self.send(PADDING, true);
        }
    }

    fn send(&mut self, bytes: usize, is_padding: bool) {
        let id = self.probe.map(|(probe, ..)| probe.id);
        self.estimator.handle_sent(self.number, bytes, self.now, id);
        self.link.send(self.number, bytes, self.now);
        self.number = self.number.wrapping_add(1);
        self.sent_bytes += bytes as u64;
        self.probe_bytes += if is_padding { bytes as u64 } else { 0 };
        if let Some((probe, sent, packets)) = &mut self.probe {
            *sent += bytes as u32;
            *packets += 1;
            if *sent >= probe.bytes && *packets >= probe.packets {
                self.probe = None;
            }
        }
    }
}
