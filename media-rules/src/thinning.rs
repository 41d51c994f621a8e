//! Leaves packets out of a stream so that its receiver cannot tell that there were any.
//!
//! A receiver reads a gap in sequence numbers as loss and asks for what it missed, and reads one in
//! VP8's picture numbers as a lost frame. So the numbers behind a packet that was left out move up.
//! Sequence numbers of a source that is thinned are *compact* ones: counted without what was left out.
//! They go on to a [`Splice`](crate::Splice); a request for a lost packet comes back the same way.
//!
//! Whether a packet that has not arrived is one to leave out cannot be known, so it keeps its number,
//! and when it comes it has to be sent whatever it is.

use std::collections::VecDeque;

use crate::SequenceUnwrapper;
use crate::codec::vp8::PictureNumbers;
use crate::sequence::nearest;

/// At 60 frames a second, of which every other one is left out, two seconds.
const MAX_CUTS: usize = 64;

/// The numbers of one outgoing track, whose source may change.
#[derive(Debug, Default)]
pub struct Thinner {
    current: Option<Current>,
    /// Where numbers began to be counted differently, oldest first. Full: the oldest is forgotten
    /// and its packets can no longer be asked for.
    cuts: VecDeque<Cut>,
    /// The newest VP8 numbers that were sent.
    newest_picture: Option<PictureNumbers>,
}

#[derive(Debug)]
struct Current {
    source: u64,
    unwrapper: SequenceUnwrapper,
    /// Packets left out so far.
    skipped: u64,
    shift: PictureNumbers,
    /// The timestamp of the frame that is being left out.
    skipping: Option<u32>,
}

impl Current {
    /// Returns the newest compact number.
    fn newest(&self) -> Option<u64> {
        self.unwrapper.newest().map(|newest| newest - self.skipped)
    }
}

/// From a packet on, how numbers differ from those that it is sent under. What is left out lies
/// right before it. A source begins with a cut that leaves out nothing.
#[derive(Clone, Copy, Debug)]
struct Cut {
    source: u64,
    /// The first compact number that it is about.
    from: u64,
    skipped: u64,
    shift: PictureNumbers,
    /// The newest compact number of its source when that was left, which numbers that are asked
    /// for later are near to; `None` while the source is the current one.
    ended: Option<u64>,
}

/// The numbers of a packet on the other side of a thinner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passage {
    /// In place of the sequence number: the compact one of a packet that is passed on, the source's
    /// own of one that is asked for again.
    pub sequence: u16,
    /// To be added, wrapping, to its VP8 numbers when it is sent.
    pub shift: PictureNumbers,
}

impl Thinner {
    /// Goes over to a source whose first packet is numbered `first` and, if it is VP8, carries
    /// `numbers`.
    ///
    /// `source` is the caller's own number for it; it may come back to one that it was on before.
    pub fn begin(&mut self, source: u64, first: u16, numbers: Option<PictureNumbers>) {
        let mut unwrapper = SequenceUnwrapper::default();
        // The first packet itself is yet to be passed.
        let from = unwrapper.unwrap(first.wrapping_sub(1)) + 1;
        let shift = match (self.newest_picture, numbers) {
            (Some(newest), Some(first)) => PictureNumbers {
                picture: newest.picture.wrapping_add(1).wrapping_sub(first.picture),
                base_layer: newest.base_layer.wrapping_add(1).wrapping_sub(first.base_layer),
            },
            _ => PictureNumbers::default(),
        };
        if let Some(newest) = self.current.as_ref().and_then(Current::newest) {
            let left = self.cuts.iter_mut().rev().take_while(|cut| cut.ended.is_none());
            left.for_each(|cut| cut.ended = Some(newest));
        }
        self.current = Some(Current { source, unwrapper, skipped: 0, shift, skipping: None });
        self.cut(Cut { source, from, skipped: 0, shift, ended: None });
    }

    /// Returns how to send a packet; `None` if it belongs to what was left out, or to before the
    /// source's beginning.
    pub fn pass(&mut self, sequence: u16, numbers: Option<PictureNumbers>) -> Option<Passage> {
        let current = self.current.as_mut()?;
        let newest = current.unwrapper.newest();
        let extended = current.unwrapper.unwrap(sequence);
        if Some(extended) <= newest {
            return self.place(extended);
        }
        current.skipping = None;
        let shift = current.shift;
        if let Some(numbers) = numbers {
            self.newest_picture = Some(PictureNumbers {
                picture: numbers.picture.wrapping_add(shift.picture),
                base_layer: numbers.base_layer.wrapping_add(shift.base_layer),
            });
        }
        Some(Passage { sequence: low_bits(extended - current.skipped), shift })
    }

    /// Leaves a packet out. Returns `false` if its number is counted already, so that it has to be
    /// passed on like any other.
    ///
    /// `timestamp` is its own; all packets of a frame are left out, or none.
    #[must_use]
    pub fn skip(&mut self, sequence: u16, timestamp: u32) -> bool {
        let Some(current) = self.current.as_mut() else {
            return true;
        };
        let newest = current.unwrapper.newest().unwrap_or_default();
        let extended = current.unwrapper.unwrap(sequence);
        if extended <= newest {
            return self.place(extended).is_none();
        }
        if current.skipping == Some(timestamp) {
            // What is missing between two packets of one frame belongs to the frame.
            current.skipped += extended - newest;
            if let Some(cut) = self.cuts.back_mut() {
                cut.skipped = current.skipped;
            }
            return true;
        }
        let from = extended - current.skipped;
        current.skipping = Some(timestamp);
        current.skipped += 1;
        current.shift.picture = current.shift.picture.wrapping_sub(1);
        let Current { source, skipped, shift, .. } = *current;
        // Nothing was passed since the last frame that was left out: it is one gap.
        if self.cuts.back().is_some_and(|cut| cut.from == from && cut.skipped > 0) {
            self.cuts.pop_back();
        }
        self.cut(Cut { source, from, skipped, shift, ended: None });
        true
    }

    /// Returns which packet of `source` was, or would have been, passed on as `compact`; `None` if
    /// that is too long ago to tell.
    pub fn original(&self, source: u64, compact: u16) -> Option<Passage> {
        let newest = self.current.as_ref()?.newest()?;
        let cuts = self.cuts.iter().rev().filter(|cut| cut.source == source);
        // A cut may be any number of laps ago; what is asked for is near the newest.
        let mut placed = cuts.map(|cut| (nearest(cut.ended.unwrap_or(newest), compact), cut));
        let (extended, cut) = placed.find(|(extended, cut)| *extended >= cut.from)?;
        Some(Passage { sequence: low_bits(extended + cut.skipped), shift: cut.shift })
    }

    /// Returns the place of a packet of the current source that is older than the newest.
    fn place(&self, extended: u64) -> Option<Passage> {
        let mut gap_from = u64::MAX;
        for cut in self.cuts.iter().rev() {
            if extended >= cut.from + cut.skipped {
                let compact = extended - cut.skipped;
                let passage = Passage { sequence: low_bits(compact), shift: cut.shift };
                return (compact < gap_from).then_some(passage);
            }
            if cut.skipped == 0 {
                // Where the source began.
                return None;
            }
            gap_from = cut.from;
        }
        None
    }

    fn cut(&mut self, cut: Cut) {
        if self.cuts.len() == MAX_CUTS {
            self.cuts.pop_front();
        }
        self.cuts.push_back(cut);
    }
}

/// Sequence numbers wrap by definition; see RFC 3550.
const fn low_bits(extended: u64) -> u16 {
    (extended & 0xffff) as u16
}
