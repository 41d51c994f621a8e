//! Joins packets of several sources into one stream that a receiver cannot tell was joined.
//!
//! A viewer keeps one RTP stream while the server switches what it carries: the other host of a
//! battle, the mixed program. Receivers read a jump in sequence number as loss and a jump in
//! timestamp as a stall, so both are shifted to continue where the previous source stopped.
//!
//! A packet that a source sent before the switch point has no place in the joined stream: its
//! number would be one that the previous source already used. And a receiver may still ask for
//! a number from before the switch, so the splice remembers its last few pieces.
//!
//! <https://www.rfc-editor.org/rfc/rfc3550#section-5.1>

use crate::SequenceUnwrapper;
use crate::sequence::nearest;

/// How many earlier pieces stay answerable; even with a switch a second that reaches further back
/// than a receiver asks.
const EARLIER_PIECES: usize = 3;

/// The two header fields that must stay continuous.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, in units of the codec clock.
    pub timestamp: u32,
}

/// Rewrites stamps of the current source onto one outgoing stream.
#[derive(Debug)]
pub struct Splice {
    start: Stamp,
    current: Option<Piece>,
    /// Newest first, in place because every viewer has one. Full: the oldest is forgotten and its
    /// packets can no longer be asked for.
    earlier: [Option<Piece>; EARLIER_PIECES],
}

impl Splice {
    /// Starts a stream whose first packet will carry `start`.
    ///
    /// A sequence number below 32768 keeps the receiver's SRTP rollover counter unambiguous when
    /// the first packets are lost (RFC 3711 section 3.3.1).
    pub const fn new(start: Stamp) -> Self {
        Self { start, current: None, earlier: [const { None }; EARLIER_PIECES] }
    }

    /// Continues the outgoing stream with a source whose first packet is `first`.
    ///
    /// `source` is the caller's own number for it, not reused while the stream lives. `gap` is
    /// the time since the last outgoing packet, in units of the codec clock.
    pub fn switch_source(&mut self, source: u64, first: Stamp, gap: u32) {
        let (sequence, timestamp) = match &self.current {
            None => (0x1_0000 | u64::from(self.start.sequence), self.start.timestamp),
            // This also holds for a piece that never sent anything: it ends before it begins.
            Some(piece) => (piece.newest_out + 1, piece.newest_timestamp.wrapping_add(gap)),
        };
        let mut unwrapper = SequenceUnwrapper::default();
        let first_in = unwrapper.unwrap(first.sequence);
        let ended = self.current.replace(Piece {
            source,
            unwrapper,
            first_in,
            first_out: sequence,
            newest_out: sequence - 1,
            // Before its first packet is sent, a piece ends where the one before it ended.
            newest_timestamp: timestamp.wrapping_sub(gap),
            timestamp_offset: timestamp.wrapping_sub(first.timestamp),
        });
        if ended.as_ref().is_some_and(Piece::has_sent) {
            self.earlier.rotate_right(1);
            self.earlier[0] = ended;
        }
    }

    /// Returns the stamp to send in place of `stamp`, a packet of the current source.
    ///
    /// Returns `None` for a packet from before the switch point, which must not be sent, and
    /// before the first [`switch_source`](Self::switch_source).
    #[inline]
    pub fn rewrite(&mut self, stamp: Stamp) -> Option<Stamp> {
        let piece = self.current.as_mut()?;
        let extended = piece.unwrapper.peek(stamp.sequence);
        let steps = extended.checked_sub(piece.first_in)?;
        piece.unwrapper.unwrap(stamp.sequence);
        let out = piece.first_out + steps;
        let timestamp = stamp.timestamp.wrapping_add(piece.timestamp_offset);
        if out > piece.newest_out {
            piece.newest_out = out;
            piece.newest_timestamp = timestamp;
        }
        Some(Stamp { sequence: low_bits(out), timestamp })
    }

    /// Returns which packet was, or would have been, sent as `sequence`.
    ///
    /// Returns `None` if that number is still ahead or too long ago to tell.
    pub fn source_of(&self, sequence: u16) -> Option<Origin> {
        let newest = self.current.as_ref()?.newest_out;
        let out = nearest(newest, sequence);
        let piece =
            self.pieces().find(|piece| (piece.first_out..=piece.newest_out).contains(&out))?;
        Some(Origin {
            source: piece.source,
            sequence: low_bits(piece.first_in + (out - piece.first_out)),
            timestamp_offset: piece.timestamp_offset,
        })
    }

    /// Returns the current source.
    pub fn source(&self) -> Option<u64> {
        self.current.as_ref().map(|piece| piece.source)
    }

    /// Returns the stamp of the newest outgoing packet, `None` if nothing was sent yet.
    pub fn newest(&self) -> Option<Stamp> {
        let piece = self.pieces().find(|piece| piece.has_sent())?;
        Some(Stamp { sequence: low_bits(piece.newest_out), timestamp: piece.newest_timestamp })
    }

    /// Returns the outgoing timestamp for a timestamp of the current source, as sender reports
    /// need it.
    pub fn timestamp(&self, timestamp: u32) -> Option<u32> {
        self.current.as_ref().map(|piece| timestamp.wrapping_add(piece.timestamp_offset))
    }

    /// The newest first.
    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.current.iter().chain(self.earlier.iter().flatten())
    }
}

impl Default for Splice {
    fn default() -> Self {
        Self::new(Stamp { sequence: 1, timestamp: 0 })
    }
}

/// The packet behind an outgoing sequence number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The number given to [`Splice::switch_source`].
    pub source: u64,
    /// The packet's own sequence number, to look it up in that source's history.
    pub sequence: u16,
    /// What to add, wrapping, to the packet's own timestamp before it is sent again.
    pub timestamp_offset: u32,
}

/// What one source contributed to the outgoing stream, in extended sequence numbers.
#[derive(Debug)]
struct Piece {
    source: u64,
    unwrapper: SequenceUnwrapper,
    first_in: u64,
    first_out: u64,
    /// Below `first_out` until something was sent.
    newest_out: u64,
    newest_timestamp: u32,
    timestamp_offset: u32,
}

impl Piece {
    const fn has_sent(&self) -> bool {
        self.newest_out >= self.first_out
    }
}

/// Sequence numbers wrap by definition; see RFC 3550.
const fn low_bits(extended: u64) -> u16 {
    (extended & 0xffff) as u16
}
