//! Binds what the SFU listens on, and says where clients will be told to send to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::candidate::{Candidate, Transport};
use crate::config::Config;
use crate::socket::{Offload, Socket};
use crate::tcp::Door;

/// Everything that is bound.
pub(crate) struct Listeners {
    /// One for each worker, with its candidates; those of TCP are the same for all.
    pub(crate) workers: Vec<(Socket, Vec<Candidate>)>,
    pub(crate) door: Option<Door>,
}

impl Listeners {
    /// Binds the sockets of `count` workers, and the port for TCP.
    ///
    /// # Errors
    ///
    /// Fails if a port is taken, or if an advertised address has no socket behind it.
    pub(crate) fn bind(config: &Config, count: u16) -> io::Result<Self> {
        let door = match config.tcp {
            true => Some(Door::bind(&config.bind, config.first_port)?),
            false => None,
        };
        let by_tcp = match &door {
            Some(door) => reachable(&config.advertised, &door.local_addrs()?)?,
            None => Vec::new(),
        };
        let mut workers = Vec::new();
        for offset in 0..count {
            let port = match config.first_port {
                0 => 0,
                first => first.checked_add(offset).ok_or(io::ErrorKind::InvalidInput)?,
            };
            let socket = Socket::bind(&config.bind, port, Offload::Wanted)?;
            let by_udp = reachable(&config.advertised, &socket.local_addrs()?)?;
            let candidates = Candidate::list(Transport::Udp, by_udp)
                .chain(Candidate::list(Transport::TcpPassive, by_tcp.iter().copied()))
                .collect();
            workers.push((socket, candidates));
        }
        Ok(Self { workers, door })
    }
}

/// Joins each advertised address with the port of the socket that takes its family.
fn reachable(advertised: &[IpAddr], bound: &[SocketAddr]) -> io::Result<Vec<SocketAddr>> {
    let join = |ip: &IpAddr| {
        let socket = bound.iter().find(|socket| socket.is_ipv4() == ip.is_ipv4());
        let socket = socket.ok_or_else(|| {
            let text = format!("no media socket is bound for the advertised address {ip}");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        Ok(SocketAddr::new(*ip, socket.port()))
    };
    advertised.iter().map(join).collect()
}
