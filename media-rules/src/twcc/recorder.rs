//! Remembers when a publisher's packets arrived until it is told.
//!
//! Memory and the length of a message are bounded whatever numbers the publisher uses: a jump that
//! no path explains starts the record anew.

use std::time::Duration;

use super::TICK_MICROS;
use super::feedback::{FeedbackHead, write};
use super::leniency::Leniency;
use crate::{MediaTime, SequenceUnwrapper};

/// At 5 Mbit/s about two seconds of packets; further jumps start anew.
const CAPACITY: usize = 1_024;
/// A packet that comes after it was told missing is still told of when it is no older than this.
const LATE: u64 = 256;
/// Feedback is never later than this ...
const MAX_INTERVAL: Duration = Duration::from_millis(100);
/// ... and never more frequent than this,
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// which is how often so many packets bring it about.
const HURRY: u64 = 16;

/// The arrivals of one publisher's packets, of all its streams.
#[derive(Debug)]
pub struct Recorder {
    unwrapper: SequenceUnwrapper,
    /// By number modulo the capacity, in ticks; zero if it did not come.
    arrivals: Box<[u64; CAPACITY]>,
    /// The first number that was not told yet, once there is one.
    base: Option<u64>,
    told: MediaTime,
    /// When the first packet came that was not told yet.
    waiting_since: Option<MediaTime>,
    message: u8,
    leniency: Leniency,
    is_lenient: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            unwrapper: SequenceUnwrapper::default(),
            arrivals: Box::new([0; CAPACITY]),
            base: None,
            told: MediaTime::default(),
            waiting_since: None,
            message: 0,
            leniency: Leniency::default(),
            is_lenient: true,
        }
    }
}

impl Recorder {
    /// A packet with this transport-wide number arrived.
    pub fn handle_packet(&mut self, number: u16, now: MediaTime) {
        let newest = self.unwrapper.newest();
        let extended = self.unwrapper.peek(number);
        let ahead = newest.map_or(0, |newest| extended.saturating_sub(newest));
        let behind = newest.map_or(0, |newest| newest.saturating_sub(extended));
        if ahead >= CAPACITY as u64 / 2 || behind >= CAPACITY as u64 / 2 {
            // The message's own number runs on: the other side tells by it what it missed.
            self.unwrapper = SequenceUnwrapper::default();
            self.arrivals.fill(0);
            self.base = None;
            self.waiting_since = None;
            self.handle_packet(number, now);
            return;
        }
        for skipped in newest.map_or(extended, |newest| newest + 1)..extended {
            self.arrivals[slot(skipped)] = 0;
        }
        if ahead > 0 || newest.is_none() || self.arrivals[slot(extended)] == 0 {
            self.arrivals[slot(extended)] = ticks(now);
        } else {
            return;
        }
        self.unwrapper.unwrap(number);
        let base = *self.base.get_or_insert(extended);
        if extended < base {
            if base - extended > LATE {
                return;
            }
            self.base = Some(extended);
        }
        // Many jumps in a row: what lies a whole ring back has been overwritten.
        let oldest = extended.saturating_sub(CAPACITY as u64 - 1);
        self.base = self.base.map(|base| base.max(oldest));
        self.waiting_since.get_or_insert(now);
    }

    /// A packet that had been lost was repaired, so its loss did no harm.
    pub fn handle_repaired(&mut self) {
        self.leniency.handle_repaired();
    }

    /// Sets whether repaired losses are kept from the sender. Not so while the path has a queue.
    pub const fn set_lenient(&mut self, is_lenient: bool) {
        self.is_lenient = is_lenient;
    }

    /// Writes the feedback that is due. Returns whether there was any.
    ///
    /// `sender` is our own SSRC, `media` one of the publisher's.
    pub fn poll_feedback(
        &mut self,
        now: MediaTime,
        sender: u32,
        media: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return false;
        }
        let (Some(mut base), Some(newest)) = (self.base, self.unwrapper.newest()) else {
            return false;
        };
        // Ahead and behind are held to half the ring, so the range fits it.
        let mut arrivals: Vec<Option<u64>> = (base..=newest)
            .map(|number| Some(self.arrivals[slot(number)]).filter(|ticks| *ticks > 0))
            .collect();
        self.forgive(&mut arrivals);
        while base <= newest {
            let head = FeedbackHead { sender, media, number: self.message };
            // Numbers wrap by definition.
            let first = (base & 0xffff) as u16;
            let told = write(out, head, first, &arrivals[arrivals.len() - span(base, newest)..]);
            if told == 0 {
                break;
            }
            self.message = self.message.wrapping_add(1);
            base += told as u64;
        }
        self.base = Some(newest + 1);
        self.told = now;
        self.waiting_since = None;
        true
    }

    /// Returns when [`poll_feedback`](Self::poll_feedback) has something to write.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        let since = self.waiting_since?;
        let waiting = self.unwrapper.newest()?.saturating_sub(self.base?);
        let patience = if waiting >= HURRY { MIN_INTERVAL } else { MAX_INTERVAL };
        Some((self.told + patience).max(since))
    }

    /// Gives missing packets that will be repaired the arrival of the packet after them.
    fn forgive(&mut self, arrivals: &mut [Option<u64>]) {
        let mut after = None;
        for arrival in arrivals.iter_mut().rev() {
            if arrival.is_some() {
                after = *arrival;
            } else {
                let is_told_lost = self.leniency.handle_missing() || !self.is_lenient;
                *arrival = after.filter(|_| !is_told_lost);
            }
        }
    }
}

fn ticks(now: MediaTime) -> u64 {
    // Zero means that it did not come.
    (now.nanos() / 1_000 / TICK_MICROS).max(1)
}

/// The capacity is a power of two, so consecutive numbers take consecutive slots.
const fn slot(extended: u64) -> usize {
    (extended & (CAPACITY as u64 - 1)) as usize
}

fn span(base: u64, newest: u64) -> usize {
    usize::try_from(newest + 1 - base).expect("at most the capacity")
}
