//! Where clients are told to send to: the candidate lines of an answer (RFC 8839 section 5.1).
//!
//! All are of type host and stand in the operator's order. TCP comes after every UDP one (RFC 6544
//! section 4.2): it is for those whose network lets nothing else through.

use std::fmt;
use std::net::SocketAddr;

/// Type preferences (RFC 8445 section 5.1.2.1): the usual one of a host, and a lower one for TCP.
const UDP_PREFERENCE: u32 = 126;
const TCP_PREFERENCE: u32 = 90;
/// Of a passive TCP candidate (RFC 6544 section 4.2).
const PASSIVE_DIRECTION: u32 = 4;

/// One address of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
    /// Its place among those of its transport; the first is liked best.
    pub(crate) place: u16,
}

/// How packets travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transport {
    Udp,
    /// We wait for the other side to connect.
    TcpPassive,
}

impl Candidate {
    /// Numbers the addresses of one transport in the order in which they are liked.
    pub(crate) fn list(
        transport: Transport,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> impl Iterator<Item = Self> {
        let numbered = (0..).zip(addresses);
        numbered.map(move |(place, address)| Self { transport, address, place })
    }

    /// Which addresses may be frozen and unfrozen together: those of one IP address and transport.
    fn foundation(&self) -> u32 {
        let place = u32::from(self.place);
        match self.transport {
            Transport::Udp => place + 1,
            Transport::TcpPassive => place + 101,
        }
    }

    fn priority(&self) -> u32 {
        let place = u32::from(self.place);
        let (kind, local) = match self.transport {
            Transport::Udp => (UDP_PREFERENCE, 65_535 - place),
            Transport::TcpPassive => (TCP_PREFERENCE, (PASSIVE_DIRECTION << 13) + 8_191 - place),
        };
        // The last part is 256 less the component, and there is one component only.
        kind << 24 | local << 8 | 255
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (foundation, priority) = (self.foundation(), self.priority());
        let (ip, port) = (self.address.ip(), self.address.port());
        match self.transport {
            Transport::Udp => write!(f, "{foundation} 1 udp {priority} {ip} {port} typ host"),
            Transport::TcpPassive => {
                write!(f, "{foundation} 1 tcp {priority} {ip} {port} typ host tcptype passive")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ordered_by_the_operator_and_tcp_comes_last() {
        let addresses: [SocketAddr; 2] =
            ["192.0.2.1:7882", "[2001:db8::1]:7882"].map(|text| text.parse().unwrap());
        let all: Vec<Candidate> = Candidate::list(Transport::TcpPassive, addresses)
            .chain(Candidate::list(Transport::Udp, addresses))
            .collect();
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(lines[2], "1 1 udp 2130706431 192.0.2.1 7882 typ host");
        assert_eq!(lines[3], "2 1 udp 2130706175 2001:db8::1 7882 typ host");
        assert_eq!(lines[0], "101 1 tcp 1520435199 192.0.2.1 7882 typ host tcptype passive");
        let mut by_priority = all.clone();
        by_priority.sort_by_key(|candidate| std::cmp::Reverse(candidate.priority()));
        assert_eq!(by_priority, [all[2], all[3], all[0], all[1]]);
    }
}
