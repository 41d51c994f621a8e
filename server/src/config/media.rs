//! WebRTC: where media comes and goes, and what helps clients to find a path.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The WebRTC sockets.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// The addresses that media sockets listen on: one of IPv4, one of IPv6, or both.
    pub bind: Vec<IpAddr>,
    /// The addresses that browsers are told, the preferred one first; empty means `bind`.
    pub advertised: Vec<IpAddr>,
    /// UDP port of the first worker, the others follow; 0 takes free ones.
    pub first_port: u16,
    /// Whether media may also come by TCP (ICE-TCP), on the number of the first UDP port.
    pub tcp: bool,
    /// Media threads, one socket each.
    pub workers: usize,
    /// The shortest and the longest time that players may hold a picture back, in milliseconds up to
    /// 40950; a longest of 0 leaves it to them.
    pub playout_min_ms: u16,
    /// See `playout_min_ms`.
    pub playout_max_ms: u16,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            advertised: Vec::new(),
            first_port: 7882,
            tcp: true,
            workers: 2,
            playout_min_ms: 0,
            playout_max_ms: 0,
        }
    }
}

impl Media {
    /// Returns how long players may hold a picture back, if they are told.
    pub(crate) fn playout_delay(&self) -> Option<(Duration, Duration)> {
        let of = |millis: u16| Duration::from_millis(u64::from(millis));
        (self.playout_max_ms > 0).then(|| (of(self.playout_min_ms), of(self.playout_max_ms)))
    }
}

/// STUN and TURN servers that clients are told of.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ice {
    /// Their URLs (`stun:`, `turn:`, `turns:`), separated by commas.
    pub servers: String,
    /// The TURN servers' shared secret: each client gets credentials of its own.
    pub turn_secret: String,
    /// How long those are good, in seconds.
    pub turn_ttl_s: u64,
    /// Without a secret: the name that all clients use.
    pub turn_username: String,
    /// Without a secret: the password that all clients use.
    pub turn_password: String,
}

impl Default for Ice {
    fn default() -> Self {
        Self {
            servers: String::new(),
            turn_secret: String::new(),
            turn_ttl_s: 43_200,
            turn_username: String::new(),
            turn_password: String::new(),
        }
    }
}

impl std::fmt::Debug for Ice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A configuration may be logged; secrets may not.
        f.debug_struct("Ice").field("servers", &self.servers).finish_non_exhaustive()
    }
}
