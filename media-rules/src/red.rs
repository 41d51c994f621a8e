//! Redundant audio (RFC 2198): one packet that carries a frame and the frames before it, so that any
//! later packet replaces a lost one.
//!
//! A redundant block reaches back at most 16,383 ticks (341 ms of 48 kHz) and holds at most 1,023
//! bytes, because that is what its header can say; what fits neither is left out by the writer.
//!
//! <https://www.rfc-editor.org/rfc/rfc2198#section-3>

/// Blocks in one packet, the primary one included. More than any sender makes; a reader that took
/// any number would let four bytes a block cost it work.
pub const MAX_BLOCKS: usize = 16;

/// How far back a redundant block can reach, in ticks of the RTP clock.
pub const MAX_OFFSET: u32 = (1 << 14) - 1;

/// How long a redundant block can be, in bytes.
pub const MAX_BLOCK_LEN: usize = (1 << 10) - 1;

const REDUNDANT_HEADER_LEN: usize = 4;
const PRIMARY_HEADER_LEN: usize = 1;

/// One frame of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block<'a> {
    /// Payload type of what the block holds, 0-127.
    pub payload_type: u8,
    /// How much older than the packet's timestamp; zero for the primary block.
    pub timestamp_offset: u32,
    /// The frame.
    pub payload: &'a [u8],
}

impl Block<'_> {
    /// Whether a header can describe this as a redundant block.
    pub const fn fits(&self) -> bool {
        self.timestamp_offset <= MAX_OFFSET
            && !self.payload.is_empty()
            && self.payload.len() <= MAX_BLOCK_LEN
    }
}

/// Returns the length of a packet's payload with these redundant blocks, all of which must
/// [fit](Block::fits), and a primary one of `primary_len` bytes.
pub fn encoded_len(redundant: &[Block<'_>], primary_len: usize) -> usize {
    let blocks: usize =
        redundant.iter().map(|block| REDUNDANT_HEADER_LEN + block.payload.len()).sum();
    blocks + PRIMARY_HEADER_LEN + primary_len
}

/// Appends a payload with `redundant` blocks, oldest first, and the primary one.
///
/// # Panics
///
/// Panics if a redundant block does not [fit](Block::fits).
pub fn write(redundant: &[Block<'_>], primary: Block<'_>, out: &mut Vec<u8>) {
    for block in redundant {
        assert!(block.fits(), "{} ticks, {} bytes", block.timestamp_offset, block.payload.len());
        let len = u32::try_from(block.payload.len()).expect("a block that fits is short");
        let header = 1 << 31
            | u32::from(block.payload_type & 0x7f) << 24
            | block.timestamp_offset << 10
            | len;
        out.extend_from_slice(&header.to_be_bytes());
    }
    out.push(primary.payload_type & 0x7f);
    for block in redundant {
        out.extend_from_slice(block.payload);
    }
    out.extend_from_slice(primary.payload);
}

/// Reads a payload into its blocks, oldest first; the last one is the primary.
///
/// # Errors
///
/// Returns what makes the bytes no redundant audio.
pub fn parse(payload: &[u8]) -> Result<Blocks<'_>, RedError> {
    let mut headers = [(0, 0, 0); MAX_BLOCKS];
    let mut count = 0;
    let mut rest = payload;
    let primary_type = loop {
        let (&first, after) = rest.split_first().ok_or(RedError::TooShort)?;
        if first & 0x80 == 0 {
            rest = after;
            break first;
        }
        let (header, after) = rest.split_first_chunk::<4>().ok_or(RedError::TooShort)?;
        if count + 1 == MAX_BLOCKS {
            return Err(RedError::TooManyBlocks);
        }
        let word = u32::from_be_bytes(*header);
        headers[count] = (first & 0x7f, word >> 10 & MAX_OFFSET, (word & 0x3ff) as usize);
        count += 1;
        rest = after;
    };
    let mut blocks = [Block { payload_type: 0, timestamp_offset: 0, payload: &[] }; MAX_BLOCKS];
    for (block, (payload_type, timestamp_offset, len)) in blocks.iter_mut().zip(headers).take(count)
    {
        let (payload, after) = rest.split_at_checked(len).ok_or(RedError::TooShort)?;
        *block = Block { payload_type, timestamp_offset, payload };
        rest = after;
    }
    blocks[count] = Block { payload_type: primary_type, timestamp_offset: 0, payload: rest };
    Ok(Blocks { blocks, count: count + 1 })
}

/// The blocks of one packet; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    blocks: [Block<'a>; MAX_BLOCKS],
    count: usize,
}

impl<'a> Blocks<'a> {
    /// Returns the newest frame, the one that the packet's timestamp is for.
    pub const fn primary(&self) -> Block<'a> {
        self.blocks[self.count - 1]
    }

    /// Returns the older frames, oldest first. A sender that has none sends none.
    pub fn redundant(&self) -> &[Block<'a>] {
        &self.blocks[..self.count - 1]
    }
}

/// Why bytes are no redundant audio.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RedError {
    /// The bytes end inside a header or a block.
    #[error("the payload ends inside a block")]
    TooShort,
    /// More blocks than we read.
    #[error("the payload has more than {MAX_BLOCKS} blocks")]
    TooManyBlocks,
}
