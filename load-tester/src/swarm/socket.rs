//! A socket for each viewer: the server tells its peers apart by address.
//!
//! The kernel hands over several datagrams of one sender as one message (UDP GRO) and says when they
//! arrived, so a late turn of the tester neither costs a call a packet nor counts as the server's latency.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};

/// Messages taken by one call.
const BATCH: usize = 4;
/// The longest message that the kernel makes of several datagrams.
const MESSAGE_LEN: usize = 65_536;

/// One viewer's socket, connected to the server.
pub(crate) struct Socket {
    /// The socket.
    pub(crate) udp: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    /// Opens a socket to `server` from an address that reaches it.
    pub(crate) fn connect(server: SocketAddr) -> io::Result<Self> {
        let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let from = if server.ip().is_loopback() {
            SocketAddr::new(server.ip(), 0)
        } else {
            any.parse().expect("an address")
        };
        let udp = UdpSocket::bind(from)?;
        udp.connect(server)?;
        let state = UdpSocketState::new(UdpSockRef::from(&udp))?;
        let socket = Self { udp, state };
        // A frame for a viewer whose turn comes late must wait somewhere.
        let _ = socket.state.set_recv_buffer_size(UdpSockRef::from(&socket.udp), 1 << 20);
        Ok(socket)
    }
}

/// The buffers into which every socket of a thread receives.
pub(crate) struct Inbox {
    buffers: Vec<Vec<u8>>,
    messages: [RecvMeta; BATCH],
}

impl Inbox {
    /// Creates empty buffers.
    pub(crate) fn new() -> Self {
        Self { buffers: vec![vec![0; MESSAGE_LEN]; BATCH], messages: [RecvMeta::default(); BATCH] }
    }

    /// Takes what has arrived and hands each datagram to `take` with the time of its arrival.
    pub(crate) fn receive(
        &mut self,
        socket: &Socket,
        mut take: impl FnMut(&[u8], Option<Duration>),
    ) {
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BATCH] =
            std::array::from_fn(|_| IoSliceMut::new(buffers.next().expect("as many buffers")));
        let received =
            socket.state.recv(UdpSockRef::from(&socket.udp), &mut slices, &mut self.messages);
        // Nothing there, or the other side's port is closed: both end by themselves.
        let count = received.unwrap_or(0);
        for (buffer, message) in self.buffers.iter().zip(&self.messages).take(count) {
            for datagram in buffer[..message.len].chunks(message.stride.max(1)) {
                take(datagram, message.timestamp);
            }
        }
    }
}
