#![allow(unsafe_code)]
//! A worker's UDP sockets, one of each IP family at most: many datagrams in by one call, whole
//! frames out by one call.
//!
//! Several packets of one size to one viewer leave as a single message that the kernel (or the
//! network card) cuts apart again (UDP_SEGMENT), which is what makes a fan-out cheap; packets of
//! one sender arrive joined in the same way (UDP_GRO). A kernel that has neither, or a path that
//! refuses them, gets and gives everything one by one.
//!
//! Media is told from everything else by the kernel, into a socket of its own ([`sorting`]), so that a
//! worker may let feedback come together without media waiting for it.
//!
//! All `unsafe` of this crate is in this module. Every pointer handed to the kernel points into
//! memory that is borrowed for the whole call.

mod lane;
mod messages;
mod sorting;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use crate::egress::Egress;
use crate::route::Route;
use lane::Lane;

/// Messages taken by one call; fewer datagrams than this say that there were no more.
pub(crate) const RECEIVE_BATCH: usize = 64;
/// Longest datagram that is taken; anything longer is no WebRTC.
const DATAGRAM_LEN: usize = 2_048;

/// What sockets ask the kernel to do for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Offload {
    /// To cut and join packets where it can.
    Wanted,
    /// Nothing: one packet, one message.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests show that all works without"))]
    Unwanted,
}

/// What ends a wait beside the waker, the streams and the clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attention {
    /// Any datagram.
    All,
    /// Media; whatever the kernel does not tell from media, too.
    Media,
    /// No datagram.
    Nothing,
}

/// A worker's sockets with their buffers.
pub(crate) struct Socket {
    /// One or two of each of one or two families; what is sent leaves by a family's first.
    lanes: Vec<Lane>,
    received: Vec<Received>,
    placed: Vec<u8>,
}

/// Where a datagram lies.
#[derive(Clone, Copy)]
struct Received {
    from: Route,
    /// `None`: it was placed.
    lane: Option<usize>,
    start: usize,
    len: usize,
}

impl Socket {
    /// Binds non-blocking sockets with large buffers, one for each address.
    ///
    /// With port 0 each family gets a free port of its own.
    pub(crate) fn bind(addresses: &[IpAddr], port: u16, offload: Offload) -> io::Result<Self> {
        let mut lanes: Vec<Lane> = Vec::new();
        for &ip in addresses {
            let address = SocketAddr::new(ip, port);
            if lanes.iter().any(|lane| lane.reaches(address)) {
                let text = "media can be bound to one address of each IP family";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            let lane = Lane::bind(address, offload)?;
            let aside = lane.aside(offload);
            lanes.push(lane);
            lanes.extend(aside);
        }
        if lanes.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { lanes, received: Vec::with_capacity(RECEIVE_BATCH), placed: Vec::new() })
    }

    /// Returns the addresses that the kernel gave the sockets.
    pub(crate) fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.lanes.iter().filter(|lane| !lane.is_aside).map(Lane::local_addr).collect()
    }

    /// Takes what is there already, at most [`RECEIVE_BATCH`] messages of each lane; returns how
    /// many datagrams they held. Fewer than [`RECEIVE_BATCH`] say that the kernel has no more.
    pub(crate) fn receive(&mut self) -> usize {
        self.received.clear();
        for (lane, of) in self.lanes.iter_mut().enumerate() {
            of.receive(RECEIVE_BATCH, |lane::Received { from, start, len }| {
                let from = Route::Udp(from);
                self.received.push(Received { from, lane: Some(lane), start, len });
            });
        }
        self.received.len()
    }

    /// Returns how long the `at`-th datagram of the last [`receive`](Self::receive) had been there,
    /// or the oldest of those that came with it.
    pub(crate) fn waited(&self, at: usize) -> Duration {
        self.received[at].lane.map_or(Duration::ZERO, |lane| self.lanes[lane].waited)
    }

    /// Whether the last [`receive`](Self::receive) brought anything that was set aside from media.
    pub(crate) fn took_aside(&self) -> bool {
        self.lanes.iter().any(|lane| lane.is_aside && lane.used > 0)
    }

    /// Puts something that came by another way in the place of the last
    /// [`receive`](Self::receive), as its only datagram. Returns whether it fits.
    pub(crate) fn place(&mut self, from: Route, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= DATAGRAM_LEN;
        self.received.clear();
        if fits {
            self.placed.clear();
            self.placed.extend_from_slice(bytes);
            self.received.push(Received { from, lane: None, start: 0, len: bytes.len() });
        }
        fits
    }

    /// Returns who sent the `at`-th datagram of the last [`receive`](Self::receive), if there is one.
    pub(crate) fn sender(&self, at: usize) -> Option<Route> {
        self.received.get(at).map(|received| received.from)
    }

    /// Returns one datagram of the last [`receive`](Self::receive), to be decrypted in place.
    pub(crate) fn datagram(&mut self, at: usize) -> (Route, &mut [u8]) {
        let Received { from, lane, start, len } = self.received[at];
        match lane {
            Some(lane) => (from, self.lanes[lane].datagram(start, len)),
            None => (from, &mut self.placed[start..start + len]),
        }
    }

    /// Sends all datagrams in `egress` and empties it. Returns how many the kernel refused.
    pub(crate) fn send(&mut self, egress: &mut Egress) -> usize {
        let mut refused = 0;
        let mut rest = egress.runs();
        while let Some(first) = rest.first() {
            let is_v4 = first.to.is_ipv4();
            let end = rest.iter().position(|run| run.to.is_ipv4() != is_v4);
            let (runs, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            refused += match self.lanes.iter_mut().find(|lane| lane.reaches(first.to)) {
                Some(lane) => lane.send(egress.bytes(), runs),
                None => runs.iter().map(|run| run.count).sum(),
            };
        }
        egress.clear();
        refused
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

/// Waits for a datagram, for the waker, for the descriptor `streams`, or for `timeout`.
pub(crate) fn wait(
    socket: &Socket,
    waker: &Waker,
    streams: Option<RawFd>,
    attention: Attention,
    timeout: Duration,
) {
    let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let matters = |lane: &&Lane| match attention {
        Attention::All => true,
        Attention::Media => !lane.is_aside,
        Attention::Nothing => false,
    };
    // A negative descriptor is passed over.
    let lane = |at: usize| socket.lanes.get(at).filter(matters).map_or(-1, Lane::descriptor);
    let [first, second, third, fourth] = std::array::from_fn(lane);
    let others = [waker.eventfd.as_raw_fd(), streams.unwrap_or(-1)];
    let mut watched = [others[0], others[1], first, second, third, fourth].map(watch);
    // SAFETY: all-zero bytes are a valid value of this plain C structure.
    let mut limit: libc::timespec = unsafe { std::mem::zeroed() };
    limit.tv_sec = libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX);
    limit.tv_nsec = timeout.subsec_nanos().into();
    // SAFETY: the array is live and its length is given; the limit is live; no signal mask is set.
    let ready = unsafe {
        libc::ppoll(
            watched.as_mut_ptr(),
            watched.len() as libc::nfds_t,
            &raw const limit,
            std::ptr::null(),
        )
    };
    if ready < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            // Out of memory, at worst; the worker must not spin through it.
            tracing::warn!(%error, "A media worker cannot wait for its sockets.");
            std::thread::sleep(timeout.min(Duration::from_millis(1)));
        }
    }
    if ready > 0 && watched[0].revents != 0 {
        waker.drain();
    }
}

#[cfg(test)]
mod tests;
