//! Header extensions: what a packet says about itself beside its payload.
//!
//! <https://www.rfc-editor.org/rfc/rfc8285#section-4>

use super::MIN_HEADER_LEN;

const ONE_BYTE: u16 = 0xbede;
/// The low four bits are the application's.
const TWO_BYTE: u16 = 0x1000;
const BLOCK_HEADER_LEN: usize = 4;
const MAX_ENTRIES: usize = 8;

/// The extensions of one received packet: pairs of id and value.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    has_long_heads: bool,
}

impl<'a> Extensions<'a> {
    /// Reads a whole packet; one without extensions, or with ones that make no sense, has none.
    pub(super) fn of(packet: &'a [u8]) -> Self {
        Self::find(packet).unwrap_or(Self { rest: &[], has_long_heads: false })
    }

    fn find(packet: &'a [u8]) -> Option<Self> {
        let first = *packet.first()?;
        (first & 0x10 != 0).then_some(())?;
        let start = MIN_HEADER_LEN + 4 * usize::from(first & 0x0f);
        let (head, rest) = packet.get(start..)?.split_first_chunk::<BLOCK_HEADER_LEN>()?;
        let profile = u16::from_be_bytes([head[0], head[1]]);
        let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let has_long_heads = match profile {
            ONE_BYTE => false,
            profile if profile & 0xfff0 == TWO_BYTE => true,
            _ => return None,
        };
        Some(Self { rest: rest.get(..4 * words)?, has_long_heads })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&head, rest) = self.rest.split_first()?;
            if head == 0 {
                // Padding.
                self.rest = rest;
                continue;
            }
            let (id, len, rest) = if self.has_long_heads {
                let (&len, rest) = rest.split_first()?;
                (head, usize::from(len), rest)
            } else if head >> 4 == 15 {
                // Nothing after it may be read (RFC 8285 section 4.2).
                self.rest = &[];
                return None;
            } else {
                (head >> 4, usize::from(head & 0x0f) + 1, rest)
            };
            let Some((value, rest)) = rest.split_at_checked(len) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// Extensions to be written into one packet. Full: what does not fit is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtensionList<'a> {
    entries: [(u8, &'a [u8]); MAX_ENTRIES],
    len: usize,
}

impl<'a> ExtensionList<'a> {
    /// The most extensions that one packet carries.
    pub const MAX: usize = MAX_ENTRIES;

    /// Adds a value under the id that was agreed on; without an id or with an empty value, nothing.
    #[inline]
    pub fn push(&mut self, id: Option<u8>, value: &'a [u8]) {
        let Some(id) = id.filter(|id| (1..=14).contains(id)) else {
            return;
        };
        if self.len < Self::MAX && (1..=255).contains(&value.len()) {
            self.entries[self.len] = (id, value);
            self.len += 1;
        }
    }

    /// Returns how many bytes [`write`](Self::write) takes; 0 if there is nothing to write.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        if self.len == 0 {
            return 0;
        }
        let head = self.head_len();
        let body: usize = self.entries().map(|(_, value)| head + value.len()).sum();
        BLOCK_HEADER_LEN + body.next_multiple_of(4)
    }

    /// Writes the block that follows the fixed header, whose extension bit the caller sets.
    ///
    /// # Panics
    ///
    /// Panics if `out` is shorter than [`encoded_len`](Self::encoded_len).
    #[inline]
    pub fn write(&self, out: &mut [u8]) {
        let len = self.encoded_len();
        if len == 0 {
            return;
        }
        let has_long_heads = self.head_len() == 2;
        let profile = if has_long_heads { TWO_BYTE } else { ONE_BYTE };
        out[..2].copy_from_slice(&profile.to_be_bytes());
        let words = u16::try_from(len / 4 - 1).expect("eight short values are a few hundred words");
        out[2..4].copy_from_slice(&words.to_be_bytes());
        let mut at = BLOCK_HEADER_LEN;
        for (id, value) in self.entries() {
            let short = u8::try_from(value.len()).expect("at most 255 bytes were taken");
            if has_long_heads {
                out[at..at + 2].copy_from_slice(&[id, short]);
                at += 2;
            } else {
                out[at] = id << 4 | (short - 1);
                at += 1;
            }
            out[at..at + value.len()].copy_from_slice(value);
            at += value.len();
        }
        out[at..len].fill(0);
    }

    fn entries(&self) -> impl Iterator<Item = (u8, &'a [u8])> + '_ {
        self.entries[..self.len].iter().copied()
    }

    /// One value that is too long for a short head makes all heads long.
    fn head_len(&self) -> usize {
        if self.entries().any(|(_, value)| value.len() > 16) { 2 } else { 1 }
    }
}
