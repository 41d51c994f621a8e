//! Which of its encodings a host is asked to send: those that somebody takes.
//!
//! An encoding that nobody takes costs the host's uplink and its processor for nothing. It is let
//! rest after a while, and wanted again at once when somebody could use it. One of them never rests,
//! so that whoever comes is shown something at once.

use std::time::Duration;

use crate::MediaTime;

/// How long nobody has to take an encoding before it may rest.
const PATIENCE: Duration = Duration::from_secs(6);
const MAX_ENCODINGS: usize = 8;

/// Encodings by number, as bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EncodingSet(u8);

impl EncodingSet {
    /// Adds an encoding; a number beyond 7 is ignored.
    pub fn insert(&mut self, encoding: u8) {
        self.0 |= 1_u8.checked_shl(u32::from(encoding)).unwrap_or(0);
    }

    /// Returns both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether an encoding is among them.
    pub fn contains(self, encoding: u8) -> bool {
        self.0 & 1_u8.checked_shl(u32::from(encoding)).unwrap_or(0) != 0
    }

    /// Returns the numbers, smallest first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..MAX_ENCODINGS as u8).filter(move |encoding| self.contains(*encoding))
    }
}

impl Extend<u8> for EncodingSet {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, encodings: I) {
        for encoding in encodings {
            self.insert(encoding);
        }
    }
}

impl FromIterator<u8> for EncodingSet {
    fn from_iter<I: IntoIterator<Item = u8>>(encodings: I) -> Self {
        let mut set = Self::default();
        set.extend(encodings);
        set
    }
}

/// What one host is asked for.
#[derive(Debug)]
pub struct Demand {
    all: EncodingSet,
    /// Which one never rests.
    base: u8,
    wanted: EncodingSet,
    /// By encoding: when it was last taken.
    taken: [Option<MediaTime>; MAX_ENCODINGS],
}

impl Demand {
    /// Begins with a host that sends `all` of its encodings.
    pub fn new(all: EncodingSet, base: u8, now: MediaTime) -> Self {
        Self { all, base, wanted: all, taken: [Some(now); MAX_ENCODINGS] }
    }

    /// Takes note of which one never rests: the smallest, once that is known.
    pub fn set_base(&mut self, base: u8) {
        self.base = base;
    }

    /// Takes note of what is taken now. Returns what the host is to send from now on, if that
    /// changes.
    pub fn handle_taken(&mut self, taken: EncodingSet, now: MediaTime) -> Option<EncodingSet> {
        for encoding in taken.iter() {
            self.taken[usize::from(encoding)] = Some(now);
        }
        let is_wanted = |encoding: &u8| {
            let last = self.taken[usize::from(*encoding)];
            *encoding == self.base || last.is_some_and(|last| now.since(last) < PATIENCE)
        };
        let wanted: EncodingSet = self.all.iter().filter(is_wanted).collect();
        (std::mem::replace(&mut self.wanted, wanted) != wanted).then_some(wanted)
    }

    /// Returns what the host is to send.
    pub const fn wanted(&self) -> EncodingSet {
        self.wanted
    }
}
