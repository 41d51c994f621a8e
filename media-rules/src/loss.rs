//! Finds the packets that a publisher sent and we did not get, and says when to ask for them.
//!
//! The first request leaves as soon as the gap is no mere reordering; the following ones wait a
//! round trip each, because an answer cannot be there earlier. Where much is lost, requests are lost
//! too, so there they come twice a round trip: the sender answers one of the two. What does not come
//! in time is given up; for video the caller asks for a keyframe instead.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{MediaKind, MediaTime, SequenceUnwrapper};

/// A packet overtaken by this many others is taken for lost at once.
const REORDER_PACKETS: u64 = 2;
/// A packet overtaken by fewer is taken for lost after this.
const REORDER_WAIT: Duration = Duration::from_millis(10);
/// Requests for the same packet are never closer together than this.
const MIN_REPEAT: Duration = Duration::from_millis(20);
/// A packet is not asked for after this; its frame would come too late to be shown.
const GIVE_UP_AFTER: Duration = Duration::from_millis(500);
/// Where much is lost, a frame that late still freezes the picture for a shorter time than a keyframe
/// whose packets, and the request for it, get lost as well.
const GIVE_UP_HEAVY_AFTER: Duration = Duration::from_millis(700);
/// Sound goes on without what is missing sooner than a picture does.
const GIVE_UP_AUDIO_AFTER: Duration = Duration::from_millis(300);
/// A packet is not asked for more often than this.
const MAX_TRIES: u32 = 10;
/// From this share of lost packets on, requests come twice a round trip ...
const HEAVY_LOSS: f64 = 0.15;
/// ... and more often, not closer together than this.
const MAX_TRIES_HEAVY: u32 = 30;
const MIN_REPEAT_HEAVY: Duration = Duration::from_millis(15);
/// The share of lost packets is that of about this many.
const LOSS_MEMORY: f64 = 128.0;
/// With more packets missing than this, repairing costs more than a keyframe.
const MAX_MISSING: usize = 512;

/// The gaps in one received stream.
#[derive(Debug)]
pub struct LossDetector {
    unwrapper: SequenceUnwrapper,
    /// By extended sequence number. Full: everything missing is given up.
    missing: BTreeMap<u64, Missing>,
    given_up: u64,
    kind: MediaKind,
    /// The share of packets that did not come at first, whatever became of them.
    share: f64,
}

impl Default for LossDetector {
    fn default() -> Self {
        Self::new(MediaKind::Video)
    }
}

impl LossDetector {
    /// Creates the gaps of a stream that has not begun.
    pub const fn new(kind: MediaKind) -> Self {
        Self {
            unwrapper: SequenceUnwrapper::new(),
            missing: BTreeMap::new(),
            given_up: 0,
            kind,
            share: 0.0,
        }
    }

    /// A packet arrived, for the first time or retransmitted.
    pub fn handle_packet(&mut self, sequence: u16, now: MediaTime) -> Arrival {
        let newest = self.unwrapper.newest();
        let extended = self.unwrapper.unwrap(sequence);
        let Some(newest) = newest else {
            return Arrival::InOrder;
        };
        if extended <= newest {
            return match self.missing.remove(&extended) {
                Some(_) => Arrival::Repaired,
                None => Arrival::Duplicate,
            };
        }
        let gap = newest + 1..extended;
        for is_lost in gap.clone().take(MAX_MISSING).map(|_| 1.0).chain([0.0]) {
            self.share += (is_lost - self.share) / LOSS_MEMORY;
        }
        if gap.is_empty() {
            return Arrival::InOrder;
        }
        let lost = gap.end - gap.start;
        if lost + self.missing.len() as u64 > MAX_MISSING as u64 {
            self.given_up += lost + self.missing.len() as u64;
            self.missing.clear();
        } else {
            let fresh = Missing { since: now, ask_at: now + REORDER_WAIT, tries: 0 };
            self.missing.extend(gap.map(|sequence| (sequence, fresh)));
        }
        Arrival::AfterGap
    }

    /// Appends to `out` the sequence numbers to ask for now, oldest first.
    ///
    /// `rtt` is the round trip to the sender.
    pub fn poll_nack(&mut self, now: MediaTime, rtt: Duration, out: &mut Vec<u16>) {
        let newest = self.unwrapper.newest().unwrap_or_default();
        let before = self.missing.len();
        let give_up_after = self.give_up_after();
        let (repeat, max_tries) = if self.share >= HEAVY_LOSS {
            ((rtt / 2).max(MIN_REPEAT_HEAVY), MAX_TRIES_HEAVY)
        } else {
            (rtt.max(MIN_REPEAT), MAX_TRIES)
        };
        self.missing.retain(|sequence, missing| {
            if now.since(missing.since) >= give_up_after || missing.tries >= max_tries {
                // The last request still gets its round trip.
                return now.since(missing.since) < give_up_after && now < missing.ask_at;
            }
            if missing.due(*sequence, newest) <= now {
                missing.tries += 1;
                missing.ask_at = now + repeat;
                // Sequence numbers wrap by definition.
                out.push((sequence & 0xffff) as u16);
            }
            true
        });
        self.given_up += (before - self.missing.len()) as u64;
    }

    /// Returns when [`poll_nack`](Self::poll_nack) has something to do.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        let newest = self.unwrapper.newest().unwrap_or_default();
        self.missing
            .iter()
            .map(|(sequence, missing)| {
                missing.due(*sequence, newest).min(missing.since + self.give_up_after())
            })
            .min()
    }

    /// Returns how many packets were given up since the last call; above zero the picture is
    /// broken until the next keyframe.
    pub const fn poll_given_up(&mut self) -> u64 {
        std::mem::replace(&mut self.given_up, 0)
    }

    /// Returns the share of recent packets that did not come at first, from 0 to 1.
    pub const fn share(&self) -> f64 {
        self.share
    }

    /// Whether a packet is missing and not yet given up.
    pub fn is_missing(&self, sequence: u16) -> bool {
        self.missing.contains_key(&self.unwrapper.peek(sequence))
    }

    /// Whether a packet is missing and was asked for, so that it comes as a repeat.
    pub fn is_asked_for(&self, sequence: u16) -> bool {
        let missing = self.missing.get(&self.unwrapper.peek(sequence));
        missing.is_some_and(|missing| missing.tries > 0)
    }

    /// Returns since when the oldest packet is missing that is not given up.
    pub fn missing_since(&self) -> Option<MediaTime> {
        self.missing.values().next().map(|missing| missing.since)
    }

    fn give_up_after(&self) -> Duration {
        match self.kind {
            MediaKind::Audio => GIVE_UP_AUDIO_AFTER,
            MediaKind::Video if self.share >= HEAVY_LOSS => GIVE_UP_HEAVY_AFTER,
            MediaKind::Video => GIVE_UP_AFTER,
        }
    }

    /// Returns how many packets are missing and not yet given up.
    pub fn missing_len(&self) -> usize {
        self.missing.len()
    }
}

/// How a packet fits with those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// The successor of the newest one, or the very first.
    InOrder,
    /// Newer, but packets between are missing.
    AfterGap,
    /// One that was missing.
    Repaired,
    /// One that was not missing: seen before, given up, or from before the first.
    Duplicate,
}

/// One packet that did not come.
#[derive(Clone, Copy, Debug)]
struct Missing {
    since: MediaTime,
    ask_at: MediaTime,
    tries: u32,
}

impl Missing {
    /// When to ask for it next.
    const fn due(&self, sequence: u64, newest: u64) -> MediaTime {
        if self.tries == 0 && newest - sequence > REORDER_PACKETS {
            self.since
        } else {
            self.ask_at
        }
    }
}
