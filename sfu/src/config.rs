//! What an operator can set on the SFU, with the defaults of a single machine.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// How the SFU listens, how much it takes and how long it waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Addresses that every worker's UDP sockets are bound to, one of IPv4, one of IPv6, or both.
    pub bind: Vec<IpAddr>,
    /// Addresses that clients are told to send to, the preferred one first; they differ from `bind`
    /// behind a 1:1 NAT and where `bind` means every address.
    pub advertised: Vec<IpAddr>,
    /// UDP port of the first worker, the next worker has the next one; 0 takes any free ports.
    pub first_port: u16,
    /// Whether peers may also connect by TCP (RFC 6544), on one port: the first UDP port's number.
    pub tcp: bool,
    /// Media threads, each with its own socket; 1 to 64.
    pub workers: usize,
    /// Peers beyond this many are turned down as busy.
    pub max_peers: usize,
    /// The most that a publisher is told to send (REMB), in bits per second.
    pub publish_max_bps: u32,
    /// Where a browser starts its bitrate instead of at 300 kbit/s, in kbit/s.
    pub publish_start_kbps: u32,
    /// A peer that has not finished ICE and DTLS by then is closed.
    pub connect_timeout: Duration,
    /// A peer of whom nothing authentic came for this long is closed (RFC 7675): no check, and no media or
    /// feedback on its path.
    pub consent_timeout: Duration,
    /// A published feed without a packet for this long has stopped.
    pub silence_timeout: Duration,
    /// Shortest and longest time that viewers' players may hold a picture back; `None`: as they like.
    pub playout_delay: Option<(Duration, Duration)>,
    /// Shortest time between two keyframes asked of one feed.
    pub keyframe_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            advertised: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            first_port: 7882,
            tcp: true,
            workers: 2,
            max_peers: 4_000,
            publish_max_bps: 2_500_000,
            publish_start_kbps: 1_500,
            connect_timeout: Duration::from_secs(15),
            consent_timeout: Duration::from_secs(30),
            silence_timeout: Duration::from_secs(2),
            playout_delay: None,
            keyframe_interval: Duration::from_millis(500),
        }
    }
}
