//! The statistics of one received stream, as a receiver report tells them.
//!
//! <https://www.rfc-editor.org/rfc/rfc3550#appendix-A>

use std::time::Duration;

use media_rules::{MediaTime, SequenceUnwrapper};

use crate::rtcp::ReceptionBlock;

/// Loss and jitter of one SSRC.
#[derive(Debug)]
pub(crate) struct Reception {
    clock_rate_hz: u32,
    unwrapper: SequenceUnwrapper,
    first: Option<u64>,
    received: u64,
    /// Those of them that came by themselves, not as a repeat.
    arrived: u64,
    /// Expected and received when the last report was made.
    reported: (u64, u64),
    transit: Option<i64>,
    /// Sixteen times the jitter, as the RFC's integer arithmetic wants it.
    jitter_x16: i64,
    /// Middle 32 bits of the last sender report's NTP time, and when it came.
    last_sr: Option<(u32, MediaTime)>,
}

impl Reception {
    /// Creates the statistics of a stream that has not begun.
    pub(crate) fn new(clock_rate_hz: u32) -> Self {
        Self {
            clock_rate_hz,
            unwrapper: SequenceUnwrapper::default(),
            first: None,
            received: 0,
            arrived: 0,
            reported: (0, 0),
            transit: None,
            jitter_x16: 0,
            last_sr: None,
        }
    }

    /// A packet arrived.
    pub(crate) fn handle_packet(&mut self, sequence: u16, timestamp: u32, now: MediaTime) {
        let extended = self.unwrapper.unwrap(sequence);
        self.first.get_or_insert(extended);
        self.received += 1;
        self.arrived += 1;
        let arrival = now.rtp_timestamp(self.clock_rate_hz);
        let transit = i64::from(arrival.wrapping_sub(timestamp).cast_signed());
        if let Some(previous) = self.transit.replace(transit) {
            // Both wrap, so a difference of more than half the space is none.
            let step = (transit - previous).abs().min(i64::from(self.clock_rate_hz));
            self.jitter_x16 += step - ((self.jitter_x16 + 8) >> 4);
        }
    }

    /// A packet that was missing came by retransmission. What is reported is the loss that remains,
    /// because senders that know no better slow down for loss of any cause.
    pub(crate) fn handle_repaired(&mut self) {
        self.received += 1;
    }

    /// Returns how many packets were sent by their numbers, and how many arrived by themselves, since
    /// the beginning.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let highest = self.unwrapper.newest().unwrap_or_default();
        (self.first.map_or(0, |first| (highest + 1).saturating_sub(first)), self.arrived)
    }

    /// Returns how many packets came by retransmission only.
    pub(crate) const fn repaired(&self) -> u64 {
        self.received - self.arrived
    }

    /// Returns the interarrival jitter.
    pub(crate) fn jitter(&self) -> Duration {
        let ticks = self.jitter_x16.unsigned_abs() >> 4;
        Duration::from_nanos(ticks * 1_000_000_000 / u64::from(self.clock_rate_hz))
    }

    /// A sender report arrived.
    pub(crate) fn handle_sender_report(&mut self, ntp: u64, now: MediaTime) {
        let middle = (ntp >> 16 & u64::from(u32::MAX)) as u32;
        self.last_sr = Some((middle, now));
    }

    /// Returns what to report, and starts the next interval.
    pub(crate) fn block(&mut self, ssrc: u32, now: MediaTime) -> ReceptionBlock {
        let highest = self.unwrapper.newest().unwrap_or_default();
        let expected = self.first.map_or(0, |first| highest - first + 1);
        let (last_expected, last_received) =
            std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_now = expected.saturating_sub(last_expected);
        let lost_now = expected_now.saturating_sub(self.received - last_received);
        let fraction = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255);
        let (last_sr, delay_since_sr) = self.last_sr.map_or((0, 0), |(middle, at)| {
            let delay = now.since(at).as_nanos() * 65_536 / 1_000_000_000;
            (middle, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        let low = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        ReceptionBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).expect("at most 255"),
            cumulative_lost: low(expected.saturating_sub(self.received)),
            // The unwrapper starts one lap in.
            highest_sequence: low(highest.saturating_sub(0x1_0000) & u64::from(u32::MAX)),
            jitter: low(self.jitter_x16.unsigned_abs() >> 4),
            last_sr,
            delay_since_sr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fourth_packet_lost_is_a_quarter() {
        let mut reception = Reception::new(90_000);
        for sequence in (65_500..=u16::MAX).chain(0..64).filter(|sequence| sequence % 4 != 1) {
            reception.handle_packet(sequence, 0, MediaTime::default());
        }
        let block = reception.block(7, MediaTime::default());
        assert_eq!(block.fraction_lost, 64);
        assert_eq!(block.cumulative_lost, 25);
        assert_eq!(block.highest_sequence, 65_536 + 63);
    }

    #[test]
    fn an_even_stream_has_no_jitter_and_an_uneven_one_has() {
        for (wobble, expected) in [(0, 0..1), (10, 500..1_000)] {
            let mut reception = Reception::new(90_000);
            for step in 0..400_u64 {
                let late = if step % 2 == 0 { wobble } else { 0 };
                let timestamp = u32::try_from(step * 1_800).expect("small");
                let now = MediaTime::from_millis(1_000 + step * 20 + late);
                reception.handle_packet(u16::try_from(step).expect("small"), timestamp, now);
            }
            let jitter = reception.block(7, MediaTime::default()).jitter;
            assert!(expected.contains(&jitter), "{jitter}");
        }
    }
}
