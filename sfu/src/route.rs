//! Where a peer is reached: by datagrams, or by frames on a connection that it opened.
//!
//! A connection to our one TCP port is named by its other end, which no second connection has at
//! the same time; so both kinds are told apart by a word and need no table of names.

use std::net::SocketAddr;

/// One way to a peer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Route {
    /// Datagrams to and from this address.
    Udp(SocketAddr),
    /// The TCP connection that came from this address (RFC 6544).
    Tcp(SocketAddr),
}

impl Route {
    /// Returns the other side's address.
    pub(crate) fn address(self) -> SocketAddr {
        match self {
            Self::Udp(address) | Self::Tcp(address) => address,
        }
    }
}
