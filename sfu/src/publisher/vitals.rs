//! What a publisher's packets say of its voice and of its network.

use media_rules::health::{Conditions, Counts, Health, SAMPLE_EVERY, UplinkHealth};
use media_rules::{Loudness, MediaKind, MediaTime, Voice};

use crate::packet::{Packet, STREAMS};

/// What the control plane is told of a publisher.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) voice: Option<Voice>,
    pub(crate) health: Option<Health>,
}

/// Voice and network of one publisher.
#[derive(Default)]
pub(super) struct Vitals {
    loudness: Loudness,
    health: UplinkHealth,
    /// Pictures by stream, since the beginning and up to the last sample.
    frames: [u64; STREAMS],
    sampled_frames: [u64; STREAMS],
    /// Pictures of whichever encoding had the most of them at each sample.
    pictures: u64,
    bytes: u64,
    sampled: MediaTime,
}

impl Vitals {
    /// Takes a packet that arrived or was repaired.
    pub(super) fn handle_packet(&mut self, packet: &Packet, now: MediaTime) {
        self.bytes += packet.rtp.len() as u64;
        if packet.kind() == MediaKind::Video && packet.marker {
            self.frames[packet.stream.slot.index()] += 1;
        }
        if let Some(level) = packet.extensions.audio_level {
            self.loudness.handle_level(level, now);
        }
    }

    /// Whether a sample is due.
    pub(super) fn is_due(&self, now: MediaTime) -> bool {
        now.since(self.sampled) >= SAMPLE_EVERY
    }

    /// Takes a sample: packets expected and received since the beginning, and what is not counted.
    pub(super) fn sample(
        &mut self,
        expected: u64,
        received: u64,
        conditions: Conditions,
        now: MediaTime,
    ) {
        self.sampled = now;
        let fresh = self.frames.iter().zip(self.sampled_frames).map(|(all, before)| all - before);
        self.pictures += fresh.max().unwrap_or_default();
        self.sampled_frames = self.frames;
        let counts = Counts { expected, received, frames: self.pictures, bytes: self.bytes };
        self.health.handle_sample(counts, conditions, now);
    }

    /// Returns what is to be told now.
    pub(super) fn poll_news(&mut self, now: MediaTime) -> News {
        News { voice: self.loudness.poll_voice(now), health: self.health.poll_report() }
    }
}
