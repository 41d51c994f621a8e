//! Extends 16-bit RTP sequence numbers to SRTP's 48-bit index, and refuses one seen before.
//!
//! SRTP never sends the upper 32 bits; both sides guess them from the order of arrival
//! (RFC 3711 section 3.3.1), so a guess counts only once the packet has proved authentic.

const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;

/// The highest index of one SSRC so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rollover {
    highest: Option<u64>,
}

impl Rollover {
    /// Returns the index nearest to the highest so far that ends in `sequence`.
    pub(crate) fn guess(&self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            return u64::from(sequence);
        };
        let roc = highest >> 16;
        let newest = (highest & 0xffff) as u16;
        let ahead = sequence.wrapping_sub(newest);
        let roc = if ahead < 0x8000 {
            // At or after the newest; a smaller number has wrapped.
            roc + u64::from(sequence < newest)
        } else {
            // Before the newest; a greater number is from before the wrap.
            roc.saturating_sub(u64::from(sequence > newest))
        };
        roc << 16 | u64::from(sequence)
    }

    /// Takes an index that proved authentic, or that is about to be sent.
    pub(crate) fn accept(&mut self, index: u64) {
        self.highest = Some(self.highest.map_or(index, |highest| highest.max(index)));
    }
}

/// Which of the last 1024 indexes have been received (RFC 3711 section 3.3.2).
#[derive(Debug)]
pub(crate) struct ReplayWindow {
    rollover: Rollover,
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// Creates a window that has seen one packet.
    pub(crate) fn starting_with(index: u64) -> Self {
        let mut new = Self { rollover: Rollover::default(), seen: [0; WORDS] };
        new.accept(index);
        new
    }

    /// Returns the index to try `sequence` with, or `None` if it was here before or is too old.
    pub(crate) fn check(&self, sequence: u16) -> Option<u64> {
        let index = self.rollover.guess(sequence);
        self.is_new(index).then_some(index)
    }

    /// Whether a whole index, as SRTCP sends it, was not here before and is not too old.
    pub(crate) fn is_new(&self, index: u64) -> bool {
        let Some(highest) = self.rollover.highest else {
            return true;
        };
        let is_seen = self.seen[word(index)] & bit(index) != 0;
        index > highest || (highest - index < WINDOW && !is_seen)
    }

    /// Marks an index from [`check`](Self::check) as received, after it proved authentic.
    pub(crate) fn accept(&mut self, index: u64) {
        let highest = self.rollover.highest.unwrap_or(index);
        if index > highest {
            if index - highest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in highest + 1..index {
                    self.seen[word(skipped)] &= !bit(skipped);
                }
            }
        }
        self.seen[word(index)] |= bit(index);
        self.rollover.accept(index);
    }
}

fn word(index: u64) -> usize {
    (index % WINDOW / 64) as usize
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_goes_on_across_the_wrap_and_back() {
        let mut rollover = Rollover::default();
        rollover.accept(rollover.guess(65_535));
        assert_eq!(rollover.guess(0), 1 << 16);
        rollover.accept(rollover.guess(3));
        assert_eq!(rollover.guess(65_534), 65_534);
        assert_eq!(rollover.guess(4), (1 << 16) + 4);
    }

    #[test]
    fn every_index_passes_exactly_once() {
        let mut window = ReplayWindow::starting_with(0);
        assert!(window.check(0).is_none());
        for round in 0..3_u32 {
            for sequence in u16::from(round == 0)..=u16::MAX {
                let index = window.check(sequence).expect("never seen");
                assert_eq!(index, u64::from(round) << 16 | u64::from(sequence));
                window.accept(index);
                assert!(window.check(sequence).is_none());
            }
        }
    }

    #[test]
    fn a_late_packet_passes_once_and_a_very_late_one_never() {
        let mut window = ReplayWindow::starting_with(100);
        for sequence in [105, 1_000] {
            let index = window.check(sequence).expect("never seen");
            window.accept(index);
        }
        let late = window.check(103).expect("late, but not seen");
        window.accept(late);
        assert!(window.check(103).is_none());
        assert!(window.check(105).is_none());
        window.accept(window.check(2_000).expect("never seen"));
        assert!(window.check(101).is_none(), "beyond the window");
    }
}
