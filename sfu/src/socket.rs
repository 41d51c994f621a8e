#![allow(unsafe_code)]
//! A worker's UDP sockets, one of each IP family at most: many datagrams in by one call, whole frames out by one call.
//!
//! Several packets of one size to one viewer leave as a single message that the kernel (or the
//! network card) cuts apart again (UDP_SEGMENT), which is what makes a fan-out cheap. A kernel
//! without it refuses the first such message; from then on everything goes out one by one.
//!
//! All `unsafe` of this crate is here. Every pointer handed to the kernel points into a buffer
//! that the same function borrows for the whole call.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::egress::{Egress, Run};
use crate::route::Route;

/// Datagrams taken by one call.
pub(crate) const RECEIVE_BATCH: usize = 64;
/// Longest datagram that is taken whole; anything longer is no WebRTC and is cut.
const DATAGRAM_LEN: usize = 2_048;
/// Messages handed to the kernel by one call.
const SEND_BATCH: usize = 64;
const SOCKET_BUFFER_BYTES: libc::c_int = 8 << 20;
/// Room for one control message that holds a 16-bit segment size, aligned like a `cmsghdr`.
const CONTROL_WORDS: usize = 4;

/// A worker's sockets with their receive buffers.
pub(crate) struct Socket {
    /// One or two, of different families.
    lanes: Vec<Lane>,
    buffers: Box<[[u8; DATAGRAM_LEN]; RECEIVE_BATCH]>,
    received: Vec<(Route, usize)>,
    has_gso: bool,
}

/// The socket of one family.
struct Lane {
    udp: UdpSocket,
    is_v4: bool,
}

impl Socket {
    /// Binds non-blocking sockets with large buffers, one for each address.
    ///
    /// With port 0 each family gets a free port of its own.
    pub(crate) fn bind(addresses: &[IpAddr], port: u16) -> io::Result<Self> {
        let mut lanes: Vec<Lane> = Vec::new();
        for &ip in addresses {
            if lanes.iter().any(|lane| lane.is_v4 == ip.is_ipv4()) {
                let text = "media can be bound to one address of each IP family";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            let udp = bind_one(SocketAddr::new(ip, port))?;
            for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
                set_socket_buffer(&udp, option);
            }
            lanes.push(Lane { udp, is_v4: ip.is_ipv4() });
        }
        let first = lanes.first().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            has_gso: kernel_has_gso(&first.udp),
            lanes,
            buffers: Box::new([[0; DATAGRAM_LEN]; RECEIVE_BATCH]),
            received: Vec::with_capacity(RECEIVE_BATCH),
        })
    }

    /// Returns the addresses that the kernel gave the sockets.
    pub(crate) fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.lanes.iter().map(|lane| lane.udp.local_addr()).collect()
    }

    /// Takes up to [`RECEIVE_BATCH`] datagrams that are there already; returns how many.
    pub(crate) fn receive(&mut self) -> usize {
        self.received.clear();
        // In turn, so that a flood of one family does not keep the other out.
        self.lanes.rotate_left(1);
        for at in 0..self.lanes.len() {
            self.receive_from(at);
        }
        self.received.len()
    }

    fn receive_from(&mut self, lane: usize) {
        let start = self.received.len();
        let room = RECEIVE_BATCH - start;
        // SAFETY: all-zero bytes are a valid value of these plain C structures.
        let mut names: [libc::sockaddr_storage; RECEIVE_BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above; null pointers with zero lengths are valid in them.
        let mut slices: [libc::iovec; RECEIVE_BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; RECEIVE_BATCH] = unsafe { std::mem::zeroed() };
        for (at, buffer) in self.buffers[start..].iter_mut().enumerate() {
            slices[at] =
                libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: DATAGRAM_LEN };
            let header = &mut messages[at].msg_hdr;
            header.msg_name = (&raw mut names[at]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut slices[at];
            header.msg_iovlen = 1;
        }
        // SAFETY: the first `room` headers point each to its own name, slice and buffer, all of
        // which are borrowed until after the call; without room nothing is looked at.
        let count = unsafe {
            libc::recvmmsg(
                self.lanes[lane].udp.as_raw_fd(),
                messages.as_mut_ptr(),
                room as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        for (message, name) in messages.iter().zip(&names).take(count) {
            let from = from_storage(name).unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
            self.received.push((Route::Udp(from), (message.msg_len as usize).min(DATAGRAM_LEN)));
        }
    }

    /// Puts something that came by another way in the place of the last
    /// [`receive`](Self::receive), as its only datagram. Returns whether it fits.
    #[allow(dead_code)]
    pub(crate) fn place(&mut self, from: Route, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= DATAGRAM_LEN;
        self.received.clear();
        if fits {
            self.buffers[0][..bytes.len()].copy_from_slice(bytes);
            self.received.push((from, bytes.len()));
        }
        fits
    }

    /// Returns one datagram of the last [`receive`](Self::receive), to be decrypted in place.
    pub(crate) fn datagram(&mut self, at: usize) -> (Route, &mut [u8]) {
        let (from, len) = self.received[at];
        (from, &mut self.buffers[at][..len])
    }

    /// Sends everything in `egress` and empties it. Returns how many datagrams the kernel refused.
    pub(crate) fn send(&mut self, egress: &mut Egress) -> usize {
        let mut refused = 0;
        let mut at = 0;
        let mut runs = Vec::with_capacity(SEND_BATCH);
        while at < egress.len() {
            runs.clear();
            while runs.len() < SEND_BATCH && at < egress.len() {
                let run = egress.run(at, self.has_gso);
                at += run.count;
                runs.push(run);
            }
            refused += self.send_runs(egress.bytes(), &runs);
        }
        egress.clear();
        refused
    }

    fn send_runs(&mut self, arena: &[u8], mut runs: &[Run]) -> usize {
        let mut refused = 0;
        while !runs.is_empty() {
            let Some(lane) = self.lane_to(runs[0].to) else {
                refused += runs[0].count;
                runs = &runs[1..];
                continue;
            };
            match send_messages(lane, arena, runs) {
                Ok(sent) => runs = &runs[sent.max(1)..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The kernel's buffer is full of packets that are late already.
                    return refused + runs.iter().map(|run| run.count).sum::<usize>();
                }
                Err(error) => {
                    let run = runs[0];
                    let is_gso = run.count > 1;
                    if is_gso && error.raw_os_error().is_some_and(refuses_gso) {
                        tracing::warn!(%error, "The kernel refuses UDP segmentation offload.");
                        self.has_gso = false;
                    }
                    refused += if is_gso { self.send_one_by_one(arena, run) } else { 1 };
                    runs = &runs[1..];
                }
            }
        }
        refused
    }

    fn send_one_by_one(&self, arena: &[u8], run: Run) -> usize {
        let Some(lane) = self.lane_to(run.to) else {
            return run.count;
        };
        let mut refused = 0;
        for segment in arena[run.start..run.start + run.len].chunks(run.segment) {
            refused += usize::from(lane.udp.send_to(segment, run.to).is_err());
        }
        refused
    }

    fn lane_to(&self, to: SocketAddr) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.is_v4 == to.is_ipv4())
    }
}

/// Wakes a worker that waits in [`wait`]; cheap to call often.
pub(crate) struct Waker {
    eventfd: OwnedFd,
}

impl Waker {
    /// Creates a waker that nobody has used.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor and nobody else has it.
        Ok(Self { eventfd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Makes the next or current wait return.
    pub(crate) fn wake(&self) {
        let one = 1_u64;
        // SAFETY: writes the eight bytes of a live local. A full counter has woken already.
        unsafe {
            libc::write(self.eventfd.as_raw_fd(), (&raw const one).cast(), size_of::<u64>());
        }
    }

    fn drain(&self) {
        let mut count = 0_u64;
        // SAFETY: reads at most eight bytes into a live local.
        unsafe {
            libc::read(self.eventfd.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>());
        }
    }
}

/// Waits for a datagram, for the waker, or for `timeout`.
pub(crate) fn wait(socket: &Socket, waker: &Waker, timeout: Duration) {
    let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // A negative descriptor is passed over.
    let lane = |at: usize| socket.lanes.get(at).map_or(-1, |lane| lane.udp.as_raw_fd());
    let mut watched = [watch(waker.eventfd.as_raw_fd()), watch(lane(0)), watch(lane(1))];
    let millis = libc::c_int::try_from(timeout.as_micros().div_ceil(1_000)).unwrap_or(1_000);
    // SAFETY: the array is live and its length is given.
    unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, millis) };
    if watched[0].revents != 0 {
        waker.drain();
    }
}

/// Binds one socket. One of IPv6 takes nothing of IPv4, so that each can have its own on a port.
fn bind_one(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

/// Sends the first runs, as far as they go by `lane` and one call takes them.
fn send_messages(lane: &Lane, arena: &[u8], runs: &[Run]) -> io::Result<usize> {
    // SAFETY: all-zero bytes are a valid value of these plain C structures.
    let mut names: [libc::sockaddr_storage; SEND_BATCH] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut slices: [libc::iovec; SEND_BATCH] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut messages: [libc::mmsghdr; SEND_BATCH] = unsafe { std::mem::zeroed() };
    let mut controls = [[0_u64; CONTROL_WORDS]; SEND_BATCH];
    let mut count = 0;
    let fitting = runs.iter().take_while(|run| run.to.is_ipv4() == lane.is_v4);
    for (at, run) in fitting.take(SEND_BATCH).enumerate() {
        count += 1;
        let name_len = to_storage(run.to, &mut names[at]);
        let bytes = &arena[run.start..run.start + run.len];
        slices[at] =
            libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let header = &mut messages[at].msg_hdr;
        header.msg_name = (&raw mut names[at]).cast();
        header.msg_namelen = name_len;
        header.msg_iov = &raw mut slices[at];
        header.msg_iovlen = 1;
        if run.count > 1 {
            let segment = u16::try_from(run.segment).expect("a segment is at most one datagram");
            header.msg_control = controls[at].as_mut_ptr().cast();
            set_segment(header, segment);
        }
    }
    // SAFETY: every header points to its own name, slice and control block, all live until after
    // the call; the kernel only reads the bytes that the slices point to.
    let sent = unsafe {
        libc::sendmmsg(
            lane.udp.as_raw_fd(),
            messages.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Fills `header`'s control block, which must be [`CONTROL_WORDS`] words, with a segment size.
fn set_segment(header: &mut libc::msghdr, segment: u16) {
    let len = u32::from(size_of::<u16>() as u8);
    // SAFETY: these only compute sizes.
    let (space, length) = unsafe { (libc::CMSG_SPACE(len), libc::CMSG_LEN(len)) };
    assert!(space as usize <= CONTROL_WORDS * size_of::<u64>(), "the control block is too small");
    header.msg_controllen = space as _;
    // SAFETY: the block is large enough for one message of this size (asserted above) and aligned
    // to eight bytes, so the first header exists and its data holds two bytes.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(header);
        (*control).cmsg_len = length as _;
        (*control).cmsg_level = libc::SOL_UDP;
        (*control).cmsg_type = libc::UDP_SEGMENT;
        libc::CMSG_DATA(control).cast::<u16>().write_unaligned(segment);
    }
}

fn refuses_gso(code: i32) -> bool {
    matches!(code, libc::EINVAL | libc::EIO | libc::ENOPROTOOPT | libc::EOPNOTSUPP)
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

/// Asks for a large buffer; the kernel gives what it may.
fn set_socket_buffer(udp: &UdpSocket, option: libc::c_int) {
    let bytes = SOCKET_BUFFER_BYTES;
    // SAFETY: points to a live local and gives its size.
    unsafe {
        libc::setsockopt(
            udp.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const bytes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

fn from_storage(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage, which is larger, holds a sockaddr_in.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the storage, which is larger, holds a sockaddr_in6.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn to_storage(address: SocketAddr, name: &mut libc::sockaddr_storage) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            // SAFETY: the storage is larger than a sockaddr_in, aligned for it, and zeroed.
            let v4 = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in>() };
            v4.sin_family = libc::AF_INET as libc::sa_family_t;
            v4.sin_port = address.port().to_be();
            v4.sin_addr.s_addr = u32::from(*address.ip()).to_be();
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            // SAFETY: the storage is larger than a sockaddr_in6, aligned for it, and zeroed.
            let v6 = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in6>() };
            v6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            v6.sin6_port = address.port().to_be();
            v6.sin6_addr.s6_addr = address.ip().octets();
            v6.sin6_scope_id = address.scope_id();
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}
