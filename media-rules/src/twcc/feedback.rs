//! One feedback message, read and written.
//!
//! A message is read once as a whole, so going through its statuses afterwards cannot fail and
//! allocates nothing.

use super::TICKS_PER_REFERENCE;

const HEAD_LEN: usize = 20;
const TRANSPORT_FEEDBACK: u8 = 205;
const FORMAT: u8 = 15;
/// A message that speaks of more packets than this describes an outage of many seconds, or is made
/// up; it would only cost time.
const MAX_STATUSES: u16 = 8_192;
/// So many statuses fit a datagram however they are encoded.
const MAX_WRITTEN: usize = 400;
const MAX_RUN: usize = 0x1fff;
const ONE_BIT: usize = 14;
const TWO_BITS: usize = 7;

const MISSING: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

/// A message whose form has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Feedback<'a> {
    /// The first number that it speaks of.
    pub base: u16,
    /// How many numbers it speaks of.
    pub count: u16,
    /// The receiver's time in units of 64 ms, 24 bits, that arrivals are relative to.
    pub reference: u32,
    /// The running number of the message itself.
    pub number: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What a message says of one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Status {
    /// The packet's transport-wide number.
    pub number: u16,
    /// When it arrived, in units of 250 microseconds after [`Feedback::reference`]; `None` if it
    /// did not.
    pub arrival: Option<i32>,
}

impl<'a> Feedback<'a> {
    /// Reads one part of a compound RTCP packet, its header included.
    ///
    /// # Errors
    ///
    /// Fails if the part is no such message, is cut, or speaks of more packets than any path holds.
    pub fn parse(part: &'a [u8]) -> Result<Self, FeedbackError> {
        let head = part.first_chunk::<HEAD_LEN>().ok_or(FeedbackError::TooShort)?;
        if head[0] >> 6 != 2 || head[0] & 0x1f != FORMAT || head[1] != TRANSPORT_FEEDBACK {
            return Err(FeedbackError::OtherKind);
        }
        let len = 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        let mut body = part.get(HEAD_LEN..len).ok_or(FeedbackError::TooShort)?;
        if head[0] & 0x20 != 0 {
            let padding = usize::from(*body.last().ok_or(FeedbackError::TooShort)?);
            let kept = body.len().checked_sub(padding).ok_or(FeedbackError::TooShort)?;
            body = &body[..kept];
        }
        let count = u16::from_be_bytes([head[14], head[15]]);
        if count == 0 || count > MAX_STATUSES {
            return Err(FeedbackError::AbsurdCount);
        }
        let (chunks_len, deltas_len) = measure(body, usize::from(count))?;
        let (chunks, deltas) = body.split_at(chunks_len);
        Ok(Self {
            base: u16::from_be_bytes([head[12], head[13]]),
            count,
            reference: u32::from_be_bytes([0, head[16], head[17], head[18]]),
            number: head[19],
            chunks,
            deltas: deltas.get(..deltas_len).ok_or(FeedbackError::TooShort)?,
        })
    }

    /// Returns what is said of each packet, in the order of their numbers.
    pub const fn statuses(&self) -> Statuses<'a> {
        Statuses {
            number: self.base,
            left: self.count,
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: 0,
            in_chunk: 0,
            ticks: 0,
        }
    }
}

/// Returns how many bytes the chunks and the deltas of `count` statuses take.
fn measure(body: &[u8], count: usize) -> Result<(usize, usize), FeedbackError> {
    let (mut seen, mut chunks, mut deltas) = (0, 0, 0);
    while seen < count {
        let chunk = body.get(chunks..chunks + 2).ok_or(FeedbackError::TooShort)?;
        let chunk = u16::from_be_bytes([chunk[0], chunk[1]]);
        chunks += 2;
        let len = chunk_len(chunk).min(count - seen);
        if chunk >> 15 == 0 {
            deltas += len * delta_len(chunk >> 13 & 3)?;
            // A run of nothing would let a message go on for ever.
            if len == 0 {
                return Err(FeedbackError::BadChunk);
            }
        } else {
            for at in 0..len {
                deltas += delta_len(symbol(chunk, at))?;
            }
        }
        seen += len;
    }
    Ok((chunks, deltas))
}

fn chunk_len(chunk: u16) -> usize {
    match (chunk >> 15, chunk >> 14 & 1) {
        (0, _) => usize::from(chunk) & MAX_RUN,
        (_, 0) => ONE_BIT,
        _ => TWO_BITS,
    }
}

/// Returns the symbol of the `at`-th status in a chunk.
fn symbol(chunk: u16, at: usize) -> u16 {
    match (chunk >> 15, chunk >> 14 & 1) {
        (0, _) => chunk >> 13 & 3,
        (_, 0) => chunk >> (ONE_BIT - 1 - at) & 1,
        _ => chunk >> (2 * (TWO_BITS - 1 - at)) & 3,
    }
}

const fn delta_len(symbol: u16) -> Result<usize, FeedbackError> {
    match symbol {
        MISSING => Ok(0),
        SMALL_DELTA => Ok(1),
        LARGE_DELTA => Ok(2),
        _ => Err(FeedbackError::BadChunk),
    }
}

/// Goes through the statuses of a message.
#[derive(Clone, Debug)]
pub struct Statuses<'a> {
    number: u16,
    left: u16,
    chunks: &'a [u8],
    deltas: &'a [u8],
    chunk: u16,
    in_chunk: usize,
    ticks: i32,
}

impl Iterator for Statuses<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        if self.in_chunk == 0 {
            let (chunk, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunk = u16::from_be_bytes(*chunk);
            self.chunks = rest;
            self.in_chunk = chunk_len(self.chunk);
        }
        let at = chunk_len(self.chunk) - self.in_chunk;
        self.in_chunk -= 1;
        let number = self.number;
        self.number = number.wrapping_add(1);
        let delta = match symbol(self.chunk, at) {
            SMALL_DELTA => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i32::from(*delta))
            }
            LARGE_DELTA => {
                let (delta, rest) = self.deltas.split_first_chunk::<2>()?;
                self.deltas = rest;
                Some(i32::from(i16::from_be_bytes(*delta)))
            }
            _ => None,
        };
        // 8192 deltas of 16 bits stay far below 2^31.
        let arrival = delta.map(|delta| {
            self.ticks += delta;
            self.ticks
        });
        Some(Status { number, arrival })
    }
}

/// What stands in front of the statuses of a message that we write.
#[derive(Clone, Copy, Debug)]
pub struct FeedbackHead {
    /// Our own SSRC.
    pub sender: u32,
    /// An SSRC of the other side.
    pub media: u32,
    /// The running number of the message itself.
    pub number: u8,
}

/// Writes a message about the packets from `base` on, of which `arrivals` tells the times in units
/// of 250 microseconds. Returns how many of them it speaks of: those that fit one datagram, and
/// whose times are near enough to one another. Zero, and nothing is written, if none arrived.
pub fn write(out: &mut Vec<u8>, head: FeedbackHead, base: u16, arrivals: &[Option<u64>]) -> usize {
    let mut arrivals = &arrivals[..arrivals.len().min(MAX_WRITTEN)];
    let Some(first) = arrivals.iter().flatten().next() else {
        return 0;
    };
    let reference = first / TICKS_PER_REFERENCE;
    let mut symbols = [MISSING; MAX_WRITTEN];
    let mut deltas: Vec<u8> = Vec::with_capacity(2 * arrivals.len());
    let mut last = reference * TICKS_PER_REFERENCE;
    for (at, arrival) in arrivals.iter().enumerate() {
        let Some(arrival) = *arrival else {
            continue;
        };
        let delta = arrival.cast_signed() - last.cast_signed();
        if let Ok(small) = u8::try_from(delta) {
            symbols[at] = SMALL_DELTA;
            deltas.push(small);
        } else if let Ok(large) = i16::try_from(delta) {
            symbols[at] = LARGE_DELTA;
            deltas.extend_from_slice(&large.to_be_bytes());
        } else {
            arrivals = &arrivals[..at];
            break;
        }
        last = arrival;
    }
    let symbols = &symbols[..arrivals.len()];
    let start = out.len();
    out.extend_from_slice(&[0x80 | FORMAT, TRANSPORT_FEEDBACK, 0, 0]);
    out.extend_from_slice(&head.sender.to_be_bytes());
    out.extend_from_slice(&head.media.to_be_bytes());
    out.extend_from_slice(&base.to_be_bytes());
    let count = u16::try_from(symbols.len()).expect("at most MAX_WRITTEN");
    out.extend_from_slice(&count.to_be_bytes());
    // 24 bits, which wrap every twelve days (section 3.1).
    out.extend_from_slice(&reference.to_be_bytes()[5..]);
    out.push(head.number);
    push_chunks(out, symbols);
    out.extend_from_slice(&deltas);
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    let words = u16::try_from((out.len() - start) / 4 - 1).expect("a datagram's worth");
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    symbols.len()
}

fn push_chunks(out: &mut Vec<u8>, mut symbols: &[u16]) {
    while let Some(&first) = symbols.first() {
        let run = symbols.iter().take(MAX_RUN).take_while(|symbol| **symbol == first).count();
        let near = &symbols[..symbols.len().min(ONE_BIT)];
        let (chunk, taken) = if run >= near.len().min(ONE_BIT) {
            (first << 13 | u16::try_from(run).expect("cut to 13 bits"), run)
        } else if near.iter().all(|symbol| *symbol <= SMALL_DELTA) {
            (0x8000 | vector(near, ONE_BIT, 1), near.len())
        } else {
            let near = &near[..near.len().min(TWO_BITS)];
            (0xc000 | vector(near, TWO_BITS, 2), near.len())
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        symbols = &symbols[taken..];
    }
}

fn vector(symbols: &[u16], capacity: usize, bits: usize) -> u16 {
    let place = |at: usize| bits * (capacity - 1 - at);
    symbols.iter().enumerate().fold(0, |chunk, (at, symbol)| chunk | symbol << place(at))
}

/// Why bytes are no feedback message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FeedbackError {
    /// The bytes end inside the message.
    #[error("the feedback ends inside a field")]
    TooShort,
    /// It is another RTCP message.
    #[error("the message is no transport-wide feedback")]
    OtherKind,
    /// It speaks of no packet, or of more than any path holds.
    #[error("the feedback speaks of an absurd number of packets")]
    AbsurdCount,
    /// A chunk is of length zero or holds the reserved symbol.
    #[error("a status chunk of the feedback makes no sense")]
    BadChunk,
}
