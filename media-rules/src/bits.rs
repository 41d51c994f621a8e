//! Reads numbers of any width out of bytes, most significant bit first. Every read may fail, because
//! what is read comes off the wire.

/// A place in some bytes.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns how many bytes have been begun.
    pub(crate) const fn bytes_read(&self) -> usize {
        self.at.div_ceil(8)
    }

    /// Reads `count` bits, at most 32.
    pub(crate) fn fixed(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Reads at most 8 bits.
    pub(crate) fn small(&mut self, count: u32) -> Option<u8> {
        debug_assert!(count <= 8, "{count} bits do not fit");
        self.fixed(count).map(|value| (value & 0xff) as u8)
    }

    /// Reads one bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.fixed(1).map(|bit| bit == 1)
    }

    /// Reads an unsigned Exp-Golomb number (ITU-T H.264 section 9.1) below 65535.
    pub(crate) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.fixed(1)? == 0 {
            zeros += 1;
            if zeros > 15 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.fixed(zeros)?)
    }

    /// Reads a signed Exp-Golomb number.
    pub(crate) fn signed_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }

    /// Reads a number below `count`, which is not zero, in as few bits as it needs (AV1 section
    /// 4.10.7).
    pub(crate) fn below(&mut self, count: u32) -> Option<u32> {
        let width = u32::BITS - count.leading_zeros();
        let short = (1 << width) - count;
        let value = self.fixed(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.fixed(1)?)
    }
}
