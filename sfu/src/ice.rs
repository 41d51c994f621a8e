//! Whose checks count: those made with the credentials of now, and after a restart also those made
//! with the new ones, the first of which ends the old (RFC 8445 section 9).
//!
//! A session that moves to another network restarts ICE by HTTP while media still flows on the old
//! path, so both generations are good for a while.

use ring::hmac;

use crate::stun::{self, BindingRequest, TransactionId};
use crate::ufrag::Credentials;

/// RFC 8839 section 5.4 allows this much; nobody uses it.
const MAX_LEN: usize = 256;

/// What the other side told of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Remote {
    ufrag: String,
    password: String,
}

impl Remote {
    /// Takes what an SDP says, if it is of an acceptable length.
    pub(crate) fn new(ufrag: &str, password: &str) -> Option<Self> {
        let is_fine =
            (1..=MAX_LEN).contains(&ufrag.len()) && (1..=MAX_LEN).contains(&password.len());
        is_fine.then(|| Self { ufrag: ufrag.to_owned(), password: password.to_owned() })
    }
}

/// The credentials of one peer.
pub(crate) struct Ice {
    current: Generation,
    /// After a restart, until the first check made with them.
    next: Option<Generation>,
}

struct Generation {
    local: String,
    local_key: hmac::Key,
    remote: Remote,
}

impl Generation {
    fn new(local: &Credentials, remote: Remote) -> Self {
        let local_key = stun::integrity_key(&local.password);
        Self { local: local.fragment.clone(), local_key, remote }
    }

    fn made(&self, request: &BindingRequest<'_>) -> bool {
        request.local_ufrag() == self.local && request.is_authentic(&self.local_key)
    }
}

impl Ice {
    /// Starts with what offer and answer say.
    pub(crate) fn new(local: &Credentials, remote: Remote) -> Self {
        Self { current: Generation::new(local, remote), next: None }
    }

    /// Takes new credentials beside those of now.
    pub(crate) fn restart(&mut self, local: &Credentials, remote: Remote) {
        self.next = Some(Generation::new(local, remote));
    }

    /// Whether `request` is the peer's. The first one that is made with new credentials makes them
    /// the only ones.
    pub(crate) fn accept(&mut self, request: &BindingRequest<'_>) -> bool {
        if self.next.as_ref().is_some_and(|next| next.made(request))
            && let Some(next) = self.next.take()
        {
            self.current = next;
            return true;
        }
        self.current.made(request)
    }

    /// Returns the key that answers to the peer's checks are signed with.
    pub(crate) fn local_key(&self) -> &hmac::Key {
        &self.current.local_key
    }

    /// Writes a check of our own.
    pub(crate) fn challenge(&self, id: TransactionId) -> Vec<u8> {
        let Generation { local, remote, .. } = &self.current;
        let user = format!("{}:{local}", remote.ufrag);
        stun::request(&user, id, &stun::integrity_key(&remote.password))
    }

    /// Whether `response` is authentic, for a request that was made by [`challenge`](Self::challenge).
    pub(crate) fn is_answer(&self, response: &stun::BindingSuccess<'_>) -> bool {
        response.is_authentic(&stun::integrity_key(&self.current.remote.password))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PeerId;
    use crate::ufrag::credentials;

    /// A check as the other side makes it.
    fn check(local: &Credentials) -> Vec<u8> {
        let user = format!("{}:theirs", local.fragment);
        stun::request(&user, [7; 12], &stun::integrity_key(&local.password))
    }

    fn accepts(ice: &mut Ice, datagram: &[u8]) -> bool {
        ice.accept(&BindingRequest::parse(datagram).unwrap())
    }

    #[test]
    fn old_credentials_are_good_until_the_first_check_with_the_new_ones() {
        let id = PeerId::new(1, 0);
        let (old, new) = (credentials(id), credentials(id));
        let mut ice = Ice::new(&old, Remote::new("theirs", "their password").unwrap());
        assert!(accepts(&mut ice, &check(&old)));
        assert!(!accepts(&mut ice, &check(&new)), "nobody restarted yet");

        ice.restart(&new, Remote::new("newer", "their new password").unwrap());
        assert!(accepts(&mut ice, &check(&old)), "media still flows on the old path");
        let mixed = Credentials { fragment: new.fragment.clone(), password: old.password.clone() };
        assert!(!accepts(&mut ice, &check(&mixed)));
        assert!(accepts(&mut ice, &check(&old)), "a forged check ended the old credentials");

        assert!(accepts(&mut ice, &check(&new)));
        assert!(!accepts(&mut ice, &check(&old)));
        assert!(accepts(&mut ice, &check(&new)));
    }

    #[test]
    fn our_own_check_is_answered_by_who_has_the_password() {
        let local = credentials(PeerId::new(1, 0));
        let ice = Ice::new(&local, Remote::new("theirs", "their password").unwrap());
        let datagram = ice.challenge([9; 12]);
        let request = BindingRequest::parse(&datagram).unwrap();
        assert_eq!(request.local_ufrag(), "theirs");
        let from = std::net::SocketAddr::from(([192, 0, 2, 1], 5));
        for (password, is_theirs) in [("their password", true), ("another", false)] {
            let answer = request.success(from, &stun::integrity_key(password));
            let answer = stun::BindingSuccess::parse(&answer).unwrap();
            assert_eq!((answer.id(), ice.is_answer(&answer)), ([9; 12], is_theirs));
        }
    }
}
