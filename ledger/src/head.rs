//! How far the journal of a life had come when somebody looked. Kept where whoever may write to the
//! ledger may not, it shows what a chain by itself cannot: that its newest rows were cut off.

use std::fmt;
use std::str::FromStr;

use crate::LifeId;

/// The last row of a life. As a line of text: room, life, row, moment, hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// The name of the room.
    pub room: String,
    /// Which of its lives.
    pub life: LifeId,
    /// The row.
    pub seq: u64,
    /// When it happened, in Unix milliseconds.
    pub at: u64,
    /// Its hash, which stands for all rows up to it.
    pub hash: [u8; 32],
}

/// A line that is no head.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is not a line that `lianmai ledger heads` prints")]
pub struct NotAHead;

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room, life, seq, at, hash } = self;
        write!(f, "{room} {} {seq} {at} ", life.0)?;
        hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(line: &str) -> Result<Self, NotAHead> {
        let words: Vec<&str> = line.split(' ').collect();
        let [room, life, seq, at, hash] = words[..] else { return Err(NotAHead) };
        let number = |word: &str| word.parse().map_err(|_| NotAHead);
        Ok(Self {
            room: room.to_owned(),
            life: LifeId(number(life)?),
            seq: number(seq)?,
            at: number(at)?,
            hash: bytes(hash).ok_or(NotAHead)?,
        })
    }
}

fn bytes(hash: &str) -> Option<[u8; 32]> {
    let digits = hash.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}
