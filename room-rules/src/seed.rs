//! Randomness that was told beforehand. Rules make none: the shell puts a seed into the command that
//! needs one, the room tells its SHA-256 before anybody can act on it, and the seed itself once it
//! has decided. Whoever kept the first can check the second, and do the draw again.

use std::fmt;

use ring::{digest, hmac};
use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;

/// 32 random bytes that nobody may see before their time.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed([u8; 32]);

impl Seed {
    /// Wraps random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, to be told once they are spent.
    pub const fn reveal(&self) -> Digest {
        Digest(self.0)
    }

    /// Returns what is told beforehand: the SHA-256 of the bytes.
    pub fn commitment(&self) -> Digest {
        let hash = digest::digest(&digest::SHA256, &self.0);
        Digest(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Returns the place of `subject` in the draw of `draw`: HMAC-SHA256 of `draw|subject` under the
    /// seed. Lower comes first, and nobody can choose a subject that comes early.
    pub fn rank(&self, draw: &str, subject: &str) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        for part in [draw, "|", subject] {
            context.update(part.as_bytes());
        }
        Digest(context.sign().as_ref().try_into().expect("HMAC-SHA256 has 32 bytes"))
    }
}

impl TryFrom<String> for Seed {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        let digits = text.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(OutOfLimits("Seed"))
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        seed.reveal().to_string()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(***)")
    }
}

/// 32 bytes that may be told, in hexadecimal.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the SHA-256 of a text.
    pub(crate) fn of(text: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
