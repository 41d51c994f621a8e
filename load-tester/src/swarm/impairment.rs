//! Loss and delay between the kernel and the viewers: media that is dropped here was never received as
//! far as a viewer knows, so it asks for it again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is done to arriving media.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Impairment {
    /// Share of packets that are dropped, 0 to 1.
    pub(crate) loss: f64,
    /// How much later packets arrive.
    pub(crate) delay: Duration,
}

/// The packets under way. Full: never, a delay is a fraction of a second.
#[derive(Debug)]
pub(crate) struct Wire {
    impairment: Impairment,
    random: fastrand::Rng,
    queue: VecDeque<Packet>,
    dropped: u64,
}

/// A packet that waits for its time.
#[derive(Debug)]
pub(crate) struct Packet {
    /// When it is there.
    pub(crate) due: Instant,
    /// Whose it is.
    pub(crate) viewer: usize,
    /// Arrival by the wall clock, delay included.
    pub(crate) arrival: Duration,
    /// The datagram.
    pub(crate) datagram: Vec<u8>,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It is there.
    Arrives,
    /// It is lost.
    Dropped,
    /// It goes into the queue.
    Delayed,
}

impl Wire {
    /// Creates a wire; the same seed drops the same packets.
    pub(crate) fn new(impairment: Impairment, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { impairment, random, queue: VecDeque::new(), dropped: 0 }
    }

    /// Decides about a datagram. Only media and its reports are touched: joining must work.
    pub(crate) fn decide(&mut self, datagram: &[u8]) -> Fate {
        let is_media = matches!(datagram.first(), Some(128..=191));
        if !is_media {
            return Fate::Arrives;
        }
        if self.impairment.loss > 0.0 && self.random.f64() < self.impairment.loss {
            self.dropped += 1;
            return Fate::Dropped;
        }
        if self.impairment.delay.is_zero() { Fate::Arrives } else { Fate::Delayed }
    }

    /// Keeps a delayed datagram.
    pub(crate) fn push(&mut self, viewer: usize, now: Instant, arrival: Duration, datagram: &[u8]) {
        let Impairment { delay, .. } = self.impairment;
        let (due, arrival) = (now + delay, arrival + delay);
        self.queue.push_back(Packet { due, viewer, arrival, datagram: datagram.to_vec() });
    }

    /// Returns a packet that is due.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Packet> {
        if self.queue.front()?.due > now { None } else { self.queue.pop_front() }
    }

    /// Returns how many packets were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_lost_at_the_given_rate_and_a_handshake_never() {
        let loss = Impairment { loss: 0.25, delay: Duration::ZERO };
        let mut wire = Wire::new(loss, 7);
        let fates = (0..10_000).map(|_| wire.decide(&[0x80, 102]));
        let dropped = fates.filter(|fate| *fate == Fate::Dropped).count();
        assert!((2_300..2_700).contains(&dropped), "{dropped}");
        assert!((0..100).all(|_| wire.decide(&[22, 254]) == Fate::Arrives));
        assert_eq!(wire.dropped(), dropped as u64);
    }

    #[test]
    fn a_delayed_packet_comes_when_it_is_due() {
        let delay = Duration::from_millis(20);
        let mut wire = Wire::new(Impairment { loss: 0.0, delay }, 7);
        let start = Instant::now();
        assert_eq!(wire.decide(&[0x80]), Fate::Delayed);
        wire.push(3, start, Duration::ZERO, &[0x80]);
        assert!(wire.poll(start + delay - Duration::from_millis(1)).is_none());
        let packet = wire.poll(start + delay).expect("due");
        assert_eq!((packet.viewer, packet.arrival), (3, delay));
    }
}
