//! What one track received: gaps by sequence number, what to ask for again, what a report says.
//!
//! A lost packet counts as lost only when nothing has filled its place within [`GIVE_UP`]; until then
//! it is missing and may come late or again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A browser's patience with a missing packet, about.
const GIVE_UP: Duration = Duration::from_secs(1);
/// Longest gap that is a gap; beyond it the stream has begun anew.
const MAX_GAP: u64 = 3_000;
/// Most packets that one request names.
const MAX_ASKED: usize = 250;
/// Requests for one packet, as in libwebrtc.
const MAX_TRIES: u8 = 10;

/// What a packet was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    /// The next one, or one beyond a gap.
    New,
    /// One that was missing.
    Filled,
    /// Here before, or too old to matter.
    Useless,
}

/// Totals since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Packets that were of use.
    pub(crate) packets: u64,
    /// Their bytes as they came, without IP and UDP.
    pub(crate) bytes: u64,
    /// Packets given up.
    pub(crate) lost: u64,
    /// Packets that came after they had been asked for.
    pub(crate) recovered: u64,
    /// Packets asked for, each try counted.
    pub(crate) asked: u64,
    /// Packets that were here before.
    pub(crate) useless: u64,
    /// Packets that end a frame.
    pub(crate) frames: u64,
}

/// One stream of RTP packets.
#[derive(Debug)]
pub(crate) struct Reception {
    clock_rate_hz: u64,
    /// Extended number of the newest packet; the first lap is 1, so that late ones stay positive.
    highest: Option<u64>,
    base: u64,
    missing: VecDeque<Missing>,
    totals: Totals,
    unique_since_base: u64,
    reported: (u64, u64),
    jitter: f64,
    transit: Option<i64>,
}

#[derive(Debug)]
struct Missing {
    number: u64,
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

/// What a report block says (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Report {
    /// Of 256 since the last report.
    pub(crate) fraction_lost: u8,
    /// Since the beginning.
    pub(crate) cumulative_lost: u32,
    /// With the lap above.
    pub(crate) highest: u32,
    /// In clock ticks.
    pub(crate) jitter: u32,
}

impl Reception {
    /// Creates the reception of a stream whose timestamps count at `clock_rate_hz`.
    pub(crate) fn new(clock_rate_hz: u64) -> Self {
        Self {
            clock_rate_hz,
            highest: None,
            base: 0,
            missing: VecDeque::new(),
            totals: Totals::default(),
            unique_since_base: 0,
            reported: (0, 0),
            jitter: 0.0,
            transit: None,
        }
    }

    /// Returns the totals.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether something is missing that may still come.
    pub(crate) fn has_missing(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Takes a packet of `len` bytes.
    pub(crate) fn handle_packet(
        &mut self,
        sequence: u16,
        marker: bool,
        len: usize,
        now: Instant,
    ) -> Arrival {
        let arrival = self.place(sequence, now);
        if arrival == Arrival::Useless {
            self.totals.useless += 1;
        } else {
            self.totals.packets += 1;
            self.totals.bytes += len as u64;
            self.totals.frames += u64::from(marker);
            self.unique_since_base += 1;
        }
        arrival
    }

    /// Takes the clock of a new packet, for the jitter (RFC 3550 section A.8).
    pub(crate) fn handle_clock(&mut self, timestamp: u32, arrival: Duration) {
        let part = u64::from(arrival.subsec_nanos()) * self.clock_rate_hz / 1_000_000_000;
        let ticks = arrival.as_secs() * self.clock_rate_hz + part;
        // Both wrap; only the difference of two differences counts.
        let transit = i64::from((ticks as u32).wrapping_sub(timestamp));
        if let Some(before) = self.transit.replace(transit) {
            let step = (transit - before) as i32;
            self.jitter += (f64::from(step.unsigned_abs()) - self.jitter) / 16.0;
        }
    }

    /// Returns the numbers to ask for now; each is asked for again after `again`.
    pub(crate) fn poll_missing(&mut self, now: Instant, again: Duration) -> Vec<u16> {
        self.give_up(now);
        let mut due = Vec::new();
        for missing in &mut self.missing {
            let is_due = missing.asked.is_none_or(|asked| now.duration_since(asked) >= again);
            if is_due && missing.tries < MAX_TRIES && due.len() < MAX_ASKED {
                missing.asked = Some(now);
                missing.tries += 1;
                due.push((missing.number & 0xffff) as u16);
            }
        }
        self.totals.asked += due.len() as u64;
        due
    }

    /// Counts as lost what has been missing too long.
    pub(crate) fn give_up(&mut self, now: Instant) {
        while self.missing.front().is_some_and(|gone| now.duration_since(gone.since) >= GIVE_UP) {
            self.missing.pop_front();
            self.totals.lost += 1;
        }
    }

    /// Returns the next report block; `None` before the first packet.
    pub(crate) fn report(&mut self) -> Option<Report> {
        let highest = self.highest?;
        let expected = highest + 1 - self.base;
        let lost = expected.saturating_sub(self.unique_since_base);
        let (expected_before, lost_before) =
            std::mem::replace(&mut self.reported, (expected, lost));
        let (step, gone) = (expected - expected_before, lost.saturating_sub(lost_before));
        Some(Report {
            fraction_lost: (gone * 256).checked_div(step).unwrap_or(0).min(255) as u8,
            cumulative_lost: lost.min(0x7f_ffff) as u32,
            highest: ((highest - (1 << 16)) & 0xffff_ffff) as u32,
            jitter: self.jitter as u32,
        })
    }

    fn place(&mut self, sequence: u16, now: Instant) -> Arrival {
        let Some(highest) = self.highest else {
            self.begin(sequence);
            return Arrival::New;
        };
        let ahead = sequence.wrapping_sub((highest & 0xffff) as u16);
        if ahead == 0 {
            return Arrival::Useless;
        }
        if ahead < 0x8000 {
            let number = highest + u64::from(ahead);
            if number - highest > MAX_GAP {
                self.totals.lost += self.missing.len() as u64;
                self.begin(sequence);
                return Arrival::New;
            }
            for number in highest + 1..number {
                self.missing.push_back(Missing { number, since: now, asked: None, tries: 0 });
            }
            self.highest = Some(number);
            return Arrival::New;
        }
        let number = highest - u64::from(0u16.wrapping_sub(ahead));
        let found = self.missing.iter().position(|missing| missing.number == number);
        let Some(missing) = found.and_then(|at| self.missing.remove(at)) else {
            return Arrival::Useless;
        };
        self.totals.recovered += u64::from(missing.tries > 0);
        Arrival::Filled
    }

    fn begin(&mut self, sequence: u16) {
        let number = 1 << 16 | u64::from(sequence);
        (self.highest, self.base) = (Some(number), number);
        self.missing.clear();
        self.unique_since_base = 0;
        self.reported = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Duration = Duration::from_millis(100);

    fn receive(reception: &mut Reception, numbers: &[u16], now: Instant) -> Vec<Arrival> {
        numbers.iter().map(|number| reception.handle_packet(*number, false, 10, now)).collect()
    }

    #[test]
    fn a_gap_across_the_wrap_is_asked_for_filled_or_given_up() {
        let mut reception = Reception::new(90_000);
        let start = Instant::now();
        receive(&mut reception, &[65_534, 1], start);
        assert_eq!(reception.poll_missing(start, AGAIN), [65_535, 0]);
        assert!(reception.poll_missing(start + AGAIN / 2, AGAIN).is_empty(), "asked just now");

        assert_eq!(
            receive(&mut reception, &[65_535, 65_535, 1], start),
            [Arrival::Filled, Arrival::Useless, Arrival::Useless]
        );
        assert_eq!(reception.poll_missing(start + AGAIN, AGAIN), [0]);
        reception.give_up(start + GIVE_UP);

        let totals = reception.totals();
        assert_eq!((totals.packets, totals.recovered, totals.lost), (3, 1, 1));
        assert_eq!((totals.asked, totals.useless), (3, 2));
    }

    #[test]
    fn a_report_tells_the_share_lost_since_the_last_one() {
        let mut reception = Reception::new(90_000);
        let now = Instant::now();
        assert_eq!(reception.report(), None);
        receive(&mut reception, &[10, 11, 12, 13], now);
        assert_eq!(reception.report().map(|report| report.fraction_lost), Some(0));
        receive(&mut reception, &[15, 17], now);
        let report = reception.report().expect("there were packets");
        assert_eq!((report.fraction_lost, report.cumulative_lost, report.highest), (128, 2, 17));
    }

    #[test]
    fn jitter_is_what_arrival_adds_to_the_clock_of_the_media() {
        let mut reception = Reception::new(90_000);
        let now = Instant::now();
        // Years since 1970, and every second packet 10 ms late.
        let start = Duration::from_secs(1_800_000_000);
        for packet in 0..200u16 {
            let late = if packet % 2 == 0 { 0 } else { 10 };
            let at = start + Duration::from_millis(u64::from(packet) * 20 + late);
            reception.handle_packet(packet, false, 10, now);
            reception.handle_clock(u32::from(packet) * 1_800, at);
        }
        let jitter = reception.report().expect("there were packets").jitter;
        assert!((895..=900).contains(&jitter), "{jitter}");
    }

    #[test]
    fn a_stream_that_begins_anew_is_no_loss() {
        let mut reception = Reception::new(90_000);
        let now = Instant::now();
        receive(&mut reception, &[10, 20_000, 20_001], now);
        assert!(!reception.has_missing());
        assert_eq!(reception.totals().lost, 0);
    }
}
