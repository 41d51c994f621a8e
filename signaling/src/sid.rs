//! What this server draws at random: the names of sessions, and the salt of a room's ids.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// The name under which a session comes back after its connection broke. Whoever knows it can cut
/// the session off, so it is drawn at random and told to its owner alone.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Sid(Arc<str>);

impl Sid {
    /// Draws a name that nobody guesses.
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<16>()).into())
    }

    /// Wraps a name that a client brings.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(***)")
    }
}

/// Draws what tells the ids of a new room from those that other servers make.
pub fn random_salt() -> u64 {
    u64::from_be_bytes(random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}
