//! The ICE user fragment: it names the peer, and with it the worker.
//!
//! The first packet from an unknown address can be matched to its peer without a table that would
//! have to be kept in step. Knowing a fragment gives nobody anything; the password does.

use crate::event::PeerId;

const ID_DIGITS: usize = 16;

/// Our half of what checks are made with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) fragment: String,
    pub(crate) password: String,
}

/// Makes a peer's fragment and password (RFC 8839 section 5.4: at least 24 and 128 random bits).
pub(crate) fn credentials(peer: PeerId) -> Credentials {
    let random = ring::rand::SystemRandom::new();
    let mut bytes = [0; 20];
    ring::rand::SecureRandom::fill(&random, &mut bytes).expect("the system has randomness");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (salt, password) = hex.split_at(8);
    let fragment = format!("{:016x}{salt}", peer.raw());
    Credentials { fragment, password: password.to_owned() }
}

/// Returns the peer that a fragment names.
pub(crate) fn peer(fragment: &str) -> Option<PeerId> {
    let digits = fragment.get(..ID_DIGITS)?;
    u64::from_str_radix(digits, 16).ok().map(PeerId::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_names_its_peer_and_its_worker() {
        let id = PeerId::new(77, 3);
        let Credentials { fragment, password } = credentials(id);
        assert_eq!(peer(&fragment), Some(id));
        assert_eq!(peer(&fragment).map(PeerId::worker), Some(3));
        assert_eq!((fragment.len(), password.len()), (24, 32));
        assert_eq!(peer("short"), None);
        assert_eq!(peer("zzzzzzzzzzzzzzzzzzzz"), None);
    }
}
