//! Remembers when a publisher's packets arrived until it is told.
//!
//! A packet that is missing is not spoken of at first. Told as lost, it slows the sender down; told as
//! received, the sender throws it away and cannot send it again. Only when it is settled what became
//! of missing media is each told, mostly as received (see [`Leniency`]). Where packets get lost, so does
//! feedback, and a sender that hears of fewer packets believes that fewer arrived; so what is settled is
//! told several times there.
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
/// What became of a packet is known this long after all media that was missed before it has come or
/// was given up: a gap in one stream may show later than in the numbers of the whole connection.
const SLACK: u64 = 100_000 / TICK_MICROS;
/// It is taken for known after this.
const SETTLED_AFTER: u64 = 800_000 / TICK_MICROS;
/// From this share of lost packets on, what is settled is told again ...
const LOSSY: f32 = 0.05;
/// ... for so long: four messages more, so that at 40 % loss one packet in forty is never told of.
const REPEAT: u64 = 250_000 / TICK_MICROS;
/// A missing packet is told as received so long after the one that followed it. Senders take times in
/// whole milliseconds, and leave a packet that comes after later ones out of what they learn about
/// delay: a time that is made up says nothing about that.
const MADE_UP_TICKS: u64 = 1_000 / TICK_MICROS;
/// Stands for a packet that did not come, and was told as lost.
const LOST: u64 = u64::MAX;

/// The arrivals of one publisher's packets, of all its streams.
#[derive(Debug)]
pub struct Recorder {
    unwrapper: SequenceUnwrapper,
    /// By number modulo the capacity, in ticks; zero if it did not come and was not spoken of.
    arrivals: Box<[u64; CAPACITY]>,
    /// The first number that was not told yet, once there is one.
    base: Option<u64>,
    /// The first number of which it is not known what became.
    unsettled: u64,
    /// Since when media is missing that may still come.
    oldest_missing: Option<MediaTime>,
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
            unsettled: 0,
            oldest_missing: None,
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
            self.unsettled = 0;
            self.waiting_since = None;
            self.handle_packet(number, now);
            return;
        }
        for skipped in newest.map_or(extended, |newest| newest + 1)..extended {
            self.arrivals[slot(skipped)] = 0;
        }
        let arrival = &mut self.arrivals[slot(extended)];
        if ahead == 0 && newest.is_some() && has_come(*arrival) {
            return;
        }
        *arrival = ticks(now);
        self.unwrapper.unwrap(number);
        let base = *self.base.get_or_insert_with(|| {
            // What came before the first one was never sent, or not to us.
            self.unsettled = extended;
            extended
        });
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

    /// A packet of media that had been lost was repaired, so its loss did no harm.
    pub fn handle_repaired(&mut self) {
        self.leniency.handle_repaired();
    }

    /// So many packets of media were lost for good.
    pub fn handle_given_up(&mut self, packets: u64) {
        self.leniency.handle_given_up(u16::try_from(packets).unwrap_or(u16::MAX));
    }

    /// Sets since when media is missing that may still come, if any.
    pub const fn set_oldest_missing(&mut self, since: Option<MediaTime>) {
        self.oldest_missing = since;
    }

    /// Sets whether losses are kept from the sender as long as they may be repaired, and when they were.
    /// Not so while the path has a queue.
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
        let (Some(base), Some(newest)) = (self.base, self.unwrapper.newest()) else {
            return false;
        };
        let head = FeedbackHead { sender, media, number: 0 };
        self.tell_new(base, newest, head, out);
        self.tell_settled(base, now, head, out);
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

    /// Tells of what came, leaving out what did not; or of everything, where loss is a sign.
    fn tell_new(&mut self, base: u64, newest: u64, head: FeedbackHead, out: &mut Vec<u8>) {
        for number in base..=newest {
            let arrival = &mut self.arrivals[slot(number)];
            if has_come(*arrival) {
                self.leniency.handle_arrived();
            } else {
                self.leniency.handle_missing();
                *arrival = if self.is_lenient { *arrival } else { LOST };
            }
        }
        let mut from = base;
        while from <= newest {
            let run = (from..=newest).take_while(|at| self.arrivals[slot(*at)] > 0).count() as u64;
            self.tell(from, from + run, head, out);
            from += run + 1;
        }
    }

    /// Settles what can be by now, and tells of it if there was loss.
    fn tell_settled(&mut self, base: u64, now: MediaTime, head: FeedbackHead, out: &mut Vec<u8>) {
        let now = ticks(now);
        let before = self.oldest_missing.map_or(now, |since| ticks(since).min(now));
        let before = before.saturating_sub(SLACK).max(now.saturating_sub(SETTLED_AFTER));
        let start = self.unsettled.max(base.saturating_sub(CAPACITY as u64 / 2));
        let is_over = |at: &u64| {
            let arrival = self.arrivals[slot(*at)];
            !has_come(arrival) || arrival < before
        };
        let over = (start..base).take_while(is_over);
        // The last one came, so the time of those before it is known.
        let Some(last) = over.filter(|at| has_come(self.arrivals[slot(*at)])).last() else {
            return;
        };
        let had_loss = self.settle(start, last);
        self.unsettled = last + 1;
        let mut from = start;
        if self.is_lenient && self.leniency.share() >= LOSSY {
            let recent = before.saturating_sub(REPEAT).max(1);
            let oldest = last.saturating_sub(CAPACITY as u64 / 2);
            // Saying twice that a packet is lost would make two losses of it.
            let is_recent = |at: &u64| (recent..LOST).contains(&self.arrivals[slot(*at)]);
            from -= (oldest..start).rev().take_while(is_recent).count() as u64;
        } else if !had_loss {
            return;
        }
        self.tell(from, last + 1, head, out);
    }

    /// Decides about the missing packets of a range, of which the last one came: those that were
    /// repaired, by proportion, get an arrival. Returns whether there were any.
    fn settle(&mut self, from: u64, last: u64) -> bool {
        let (mut after, mut had_loss) = (0, false);
        for number in (from..=last).rev() {
            let arrival = &mut self.arrivals[slot(number)];
            if has_come(*arrival) {
                after = *arrival;
            } else if *arrival == 0 {
                had_loss = true;
                let is_lost = self.leniency.is_told_lost() || !self.is_lenient;
                *arrival = if is_lost { LOST } else { after + MADE_UP_TICKS };
            }
        }
        had_loss
    }

    /// Writes what is known of the numbers from `from` up to `end`.
    fn tell(&mut self, mut from: u64, end: u64, head: FeedbackHead, out: &mut Vec<u8>) {
        // Ahead and behind are held to half the ring, so the range fits it.
        let arrivals: Vec<Option<u64>> = (from..end)
            .map(|number| Some(self.arrivals[slot(number)]).filter(|arrival| has_come(*arrival)))
            .collect();
        while from < end {
            let head = FeedbackHead { number: self.message, ..head };
            // Numbers wrap by definition.
            let first = (from & 0xffff) as u16;
            let told = write(out, head, first, &arrivals[arrivals.len() - span(from, end)..]);
            if told == 0 {
                break;
            }
            self.message = self.message.wrapping_add(1);
            from += told as u64;
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

fn span(from: u64, end: u64) -> usize {
    usize::try_from(end - from).expect("at most the capacity")
}

const fn has_come(arrival: u64) -> bool {
    arrival > 0 && arrival < LOST
}
