//! One UDP socket, of one IP family, with the memory that its calls use.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::messages::Messages;
use super::{DATAGRAM_LEN, Offload, RECEIVE_BATCH, sorting};
use crate::egress::Run;

/// The most that the kernel joins into one message.
pub(super) const JOINED_LEN: usize = 65_536;
/// What keeps the beginnings of large buffers, which are what is used mostly, from falling into
/// the same sets of the cache.
const BUFFER_SKEW: usize = 192;
/// A socket buffer holds less than this of anything.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Messages handed to the kernel by one call.
const SEND_BATCH: usize = 64;
const SOCKET_BUFFER_BYTES: libc::c_int = 8 << 20;
/// One path may refuse offload for its own reasons; this many refusals in a row, with nothing
/// taken in between, say that it is the kernel.
pub(super) const GSO_PATIENCE: u8 = 16;

/// A socket of one family.
pub(super) struct Lane {
    udp: UdpSocket,
    is_v4: bool,
    incoming: Messages,
    buffers: Vec<u8>,
    pub(super) buffer_len: usize,
    /// Messages that the last receive wrote to.
    pub(super) used: usize,
    /// How long the first of them had been there.
    pub(super) waited: Duration,
    /// Whether all but media comes here, while media goes to another lane of the same address.
    pub(super) is_aside: bool,
    outgoing: Messages,
    pub(super) has_gso: bool,
    gso_refusals: u8,
}

/// Where a datagram lies in its lane's memory.
#[derive(Clone, Copy)]
pub(super) struct Received {
    pub(super) from: SocketAddr,
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Lane {
    /// Binds a non-blocking socket with large buffers. One of IPv6 takes nothing of IPv4, so that
    /// each can have its own on a port.
    pub(super) fn bind(address: SocketAddr, offload: Offload) -> io::Result<Self> {
        let udp = open(address)?;
        // Before anything is shared, so that a port that another program has is refused.
        rustix::net::bind(&udp, &address)?;
        Ok(Self::new(udp, address, offload))
    }

    /// Makes the lane that takes all but media from here on; `None` where the kernel does not sort.
    pub(super) fn aside(&self, offload: Offload) -> Option<Self> {
        let address = self.local_addr().ok().filter(|_| offload == Offload::Wanted)?;
        let aside = open(address).ok()?;
        let share = |udp| set_option(udp, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1);
        let sorted = share(&self.udp)
            .and_then(|()| share(&aside))
            .and_then(|()| Ok(rustix::net::bind(&aside, &address)?))
            .and_then(|()| sorting::attach(&self.udp));
        match sorted {
            Ok(()) => Some(Self { is_aside: true, ..Self::new(aside, address, offload) }),
            Err(error) => {
                tracing::info!(%error, "The kernel does not tell media from feedback.");
                // Nobody else may join.
                let _ = set_option(&self.udp, libc::SOL_SOCKET, libc::SO_REUSEPORT, 0);
                None
            }
        }
    }

    fn new(udp: UdpSocket, address: SocketAddr, offload: Offload) -> Self {
        for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
            // The kernel gives what it may.
            let _ = set_option(&udp, libc::SOL_SOCKET, option, SOCKET_BUFFER_BYTES);
        }
        // Without it nobody knows how long a packet waited for us, but all else works.
        let _ = set_option(&udp, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
        let wants = offload == Offload::Wanted;
        let has_gro = wants && set_option(&udp, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        let buffer_len = if has_gro { JOINED_LEN } else { DATAGRAM_LEN };
        let mut buffers = vec![0; (buffer_len + BUFFER_SKEW) * RECEIVE_BATCH];
        let mut incoming = Messages::new(RECEIVE_BATCH);
        for (at, buffer) in buffers.chunks_exact_mut(buffer_len + BUFFER_SKEW).enumerate() {
            incoming.set_buffer(at, &mut buffer[..buffer_len]);
        }
        Self {
            has_gso: wants && kernel_has_gso(&udp),
            udp,
            is_v4: address.is_ipv4(),
            incoming,
            buffers,
            buffer_len,
            used: RECEIVE_BATCH,
            waited: Duration::ZERO,
            is_aside: false,
            outgoing: Messages::new(SEND_BATCH),
            gso_refusals: 0,
        }
    }

    /// Whether `to` is reached by this socket.
    pub(super) fn reaches(&self, to: SocketAddr) -> bool {
        self.is_v4 == to.is_ipv4()
    }

    /// Returns the address that the kernel gave the socket.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// Returns the descriptor to wait for.
    pub(super) fn descriptor(&self) -> RawFd {
        self.udp.as_raw_fd()
    }

    /// Takes what is there already, at most `room` messages, and hands out where each of their
    /// datagrams lies.
    pub(super) fn receive(&mut self, room: usize, mut take: impl FnMut(Received)) {
        let room = room.min(self.incoming.len());
        for at in 0..self.used {
            self.incoming.reset(at);
        }
        // SAFETY: the headers lead to their own names and control blocks and to `buffers`, which
        // was never reallocated since `bind` pointed the headers to it; all of them are borrowed
        // by `self` until after the call, and `room` is at most the number of headers.
        let count = unsafe {
            libc::recvmmsg(
                self.udp.as_raw_fd(),
                self.incoming.as_mut_ptr(),
                room as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        // Nothing there, interrupted, or an error of an earlier send, which reading has cleared.
        self.used = usize::try_from(count).unwrap_or(0);
        let mut oldest = None;
        for at in 0..self.used {
            let notes = self.incoming.notes(at);
            // In order of arrival.
            oldest = oldest.or(notes.arrival);
            self.split(at, notes.joined, &mut take);
        }
        self.waited = oldest.map_or(Duration::ZERO, |oldest| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            // The wall clock may have been set meanwhile.
            now.saturating_sub(oldest).min(LONGEST_WAIT)
        });
    }

    /// Hands out the datagrams of message `at`, which may be several joined ones.
    fn split(&self, at: usize, joined: Option<usize>, take: &mut impl FnMut(Received)) {
        let (Some(from), Some(len)) = (self.incoming.from(at), self.incoming.received(at)) else {
            // Cut off, or of a family that the socket does not speak: nobody's.
            return;
        };
        let segment = joined.unwrap_or(len).max(1);
        let first = at * (self.buffer_len + BUFFER_SKEW);
        for start in (0..len.max(1)).step_by(segment) {
            let len = segment.min(len - start);
            if len <= DATAGRAM_LEN {
                take(Received { from, start: first + start, len });
            }
        }
    }

    /// Returns a datagram of the last [`receive`](Self::receive).
    pub(super) fn datagram(&mut self, start: usize, len: usize) -> &mut [u8] {
        &mut self.buffers[start..start + len]
    }

    /// Sends `runs`, all of which this socket reaches. Returns how many datagrams the kernel
    /// refused.
    pub(super) fn send(&mut self, arena: &[u8], mut runs: &[Run]) -> usize {
        let mut refused = 0;
        while !runs.is_empty() {
            if !self.has_gso {
                return refused + self.send_singly(arena, runs);
            }
            let messages = runs.iter().map(|run| {
                let segment = (run.count > 1).then(|| {
                    u16::try_from(run.segment).expect("a segment is at most one datagram")
                });
                (run.to, run.bytes(arena), segment)
            });
            match send_messages(&self.udp, &mut self.outgoing, messages) {
                Ok(sent) => {
                    if runs[..sent].iter().any(|run| run.count > 1) {
                        self.gso_refusals = 0;
                    }
                    runs = &runs[sent..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The kernel's buffer is full of packets that are late already.
                    return refused + runs.iter().map(|run| run.count).sum::<usize>();
                }
                Err(error) => {
                    let (first, after) = runs.split_at(1);
                    runs = after;
                    if first[0].count == 1 {
                        refused += 1;
                        continue;
                    }
                    let lost = self.send_singly(arena, first);
                    refused += lost;
                    if lost == 0 {
                        // It was not the address that was wrong.
                        self.note_gso_refusal(&error);
                    }
                }
            }
        }
        refused
    }

    fn note_gso_refusal(&mut self, error: &io::Error) {
        self.gso_refusals += 1;
        if self.gso_refusals >= GSO_PATIENCE {
            tracing::warn!(%error, "The kernel refuses UDP segmentation offload.");
            self.has_gso = false;
        }
    }

    /// Sends the datagrams of `runs` as one message each. Returns how many were refused.
    fn send_singly(&mut self, arena: &[u8], runs: &[Run]) -> usize {
        let mut all = runs.iter().flat_map(|run| {
            run.bytes(arena).chunks(run.segment.max(1)).map(|one| (run.to, one, None))
        });
        let mut refused = 0;
        let mut batch = Vec::with_capacity(SEND_BATCH);
        loop {
            batch.extend(all.by_ref().take(SEND_BATCH - batch.len()));
            if batch.is_empty() {
                return refused;
            }
            match send_messages(&self.udp, &mut self.outgoing, batch.iter().copied()) {
                Ok(sent) => {
                    batch.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return refused + batch.len() + all.count();
                }
                Err(_) => {
                    batch.remove(0);
                    refused += 1;
                }
            }
        }
    }
}

/// Hands the kernel as many messages as one call takes, from the first on. Returns how many it
/// took, at least one.
fn send_messages<'a>(
    udp: &UdpSocket,
    outgoing: &mut Messages,
    messages: impl Iterator<Item = (SocketAddr, &'a [u8], Option<u16>)>,
) -> io::Result<usize> {
    let mut count = 0;
    for (at, (to, bytes, segment)) in messages.take(outgoing.len()).enumerate() {
        outgoing.set(at, to, bytes, segment);
        count = at + 1;
    }
    // SAFETY: the first `count` headers lead to their own names and control blocks, borrowed until
    // after the call, and to the bytes that the loop above borrowed for `'a`, which are only read.
    let sent = unsafe {
        libc::sendmmsg(
            udp.as_raw_fd(),
            outgoing.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT,
        )
    };
    match usize::try_from(sent) {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Ok(sent) => Ok(sent),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Opens a non-blocking socket; one of IPv6 takes nothing of IPv4.
fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    Ok(socket.into())
}

fn kernel_has_gso(udp: &UdpSocket) -> bool {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: value and len are live locals and len is value's size.
    let result = unsafe {
        libc::getsockopt(
            udp.as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    result == 0
}

fn set_option(
    udp: &UdpSocket,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: points to a live local and gives its size.
    let result = unsafe {
        libc::setsockopt(
            udp.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
