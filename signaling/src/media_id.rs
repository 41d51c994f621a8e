//! What a media session is called.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

/// Names a media session in its URL. Drawn at random, because a URL that can be guessed invites
/// strangers to try (RFC 9725 section 5).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MediaId(u128);

impl MediaId {
    /// Draws a name that nobody guesses.
    ///
    /// # Panics
    ///
    /// Panics if the system has no randomness.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
        Self(u128::from_be_bytes(bytes))
    }

    /// Wraps a number, for tests that need to know the name.
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// Reads a name as [`Display`](fmt::Display) writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one =
            text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        u128::from_str_radix(text, 16).ok().filter(|_| is_one).map(Self)
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
