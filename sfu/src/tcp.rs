//! Media over TCP, for those whose network drops UDP (RFC 6544, passive candidates; RFC 4571 frames).
//!
//! ```text
//!   door (own thread): accept ──first STUN names the peer──▶ its worker: Streams
//! ```
//! A worker owns the connections of its peers. They hang on one descriptor of their own, so a worker
//! without any pays nothing for them. A connection takes what the network takes; what does not fit
//! its queue is dropped, and a peer whose queue does not drain gets no picture until it does (then
//! from the next keyframe on). Nothing waits without end.

mod door;
pub(crate) mod frames;
mod queue;

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::event::{Timespec, epoll};
use rustix::net::sockopt;

use crate::egress::Egress;
pub(crate) use door::{Door, OpenDoor};
use frames::Frames;
use queue::SendQueue;

/// Longest frame that is taken; anything longer is no WebRTC.
pub(crate) const MAX_FRAME_LEN: usize = 2_048;
/// What one connection may hand over per turn, so that none keeps the worker busy.
const READ_LEN: usize = 16 * 1_024;
/// Connections read per turn; the others come first in the next.
const READY_PER_TURN: usize = 64;
/// What the kernel may hold of ours for one connection. More would be delay, not throughput: it is
/// half a second of a good picture.
const KERNEL_BUFFER_LEN: usize = 96 * 1_024;

/// A connection whose first frame has named its peer.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    pub(crate) from: SocketAddr,
    /// Everything that has been read so far.
    pub(crate) bytes: Vec<u8>,
}

/// The connections of one worker.
pub(crate) struct Streams {
    epoll: OwnedFd,
    connections: HashMap<SocketAddr, Connection>,
    /// By what the kernel calls them.
    names: HashMap<u64, SocketAddr>,
    next_name: u64,
    scratch: Vec<u8>,
    /// Frames that wait to be handled: who sent them and where they end in `inbox_bytes`.
    inbox: Vec<(SocketAddr, usize)>,
    inbox_bytes: Vec<u8>,
    /// Connections that have something to write.
    dirty: Vec<SocketAddr>,
    closed: VecDeque<SocketAddr>,
    pressures: VecDeque<(SocketAddr, Pressure)>,
}

struct Connection {
    stream: TcpStream,
    name: u64,
    frames: Frames,
    queue: SendQueue,
    pressure: Pressure,
}

/// Whether a connection takes what we send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pressure {
    /// Nothing waits in our queue.
    None,
    /// The network is slower than we send: something waits.
    Clogged,
}

/// What became of frames.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sent {
    pub(crate) taken: u64,
    /// There was no room, or no such connection any more.
    pub(crate) dropped: u64,
}

impl Streams {
    /// Starts without connections.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: HashMap::new(),
            names: HashMap::new(),
            next_name: 0,
            scratch: Vec::new(),
            inbox: Vec::new(),
            inbox_bytes: Vec::new(),
            dirty: Vec::new(),
            closed: VecDeque::new(),
            pressures: VecDeque::new(),
        })
    }

    /// Returns what to poll for something to read, or for room to write where there was none.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    /// Returns how many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Takes over a connection; the frames that it brings are handled like received ones.
    pub(crate) fn adopt(&mut self, arrival: Arrival) -> io::Result<()> {
        let Arrival { stream, from, bytes } = arrival;
        // Frames are small and none waits for the next.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        sockopt::set_socket_send_buffer_size(&stream, KERNEL_BUFFER_LEN)?;
        self.close(from);
        let name = self.next_name;
        self.next_name += 1;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(name), epoll::EventFlags::IN)?;
        self.names.insert(name, from);
        let queue = SendQueue::default();
        let connection =
            Connection { stream, name, frames: Frames::default(), queue, pressure: Pressure::None };
        self.connections.insert(from, connection);
        self.take(from, &bytes);
        Ok(())
    }

    /// Reads what is there, within limits; [`frame`](Self::frame) returns it.
    pub(crate) fn receive(&mut self) {
        let mut ready = Vec::with_capacity(READY_PER_TURN);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let buffer = rustix::buffer::spare_capacity(&mut ready);
        if epoll::wait(&self.epoll, buffer, Some(&at_once)).is_err() {
            return;
        }
        for event in ready {
            let Some(&from) = self.names.get(&event.data.u64()) else {
                continue;
            };
            let flags = event.flags;
            if flags.contains(epoll::EventFlags::OUT) {
                self.flush(from);
            }
            if flags
                .intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR)
            {
                self.read(from);
            }
        }
    }

    /// Returns how many frames have come since [`clear_frames`](Self::clear_frames).
    pub(crate) fn frame_count(&self) -> usize {
        self.inbox.len()
    }

    /// Returns the `at`-th of them, with who sent it.
    pub(crate) fn frame(&self, at: usize) -> (SocketAddr, &[u8]) {
        let start = at.checked_sub(1).map_or(0, |before| self.inbox[before].1);
        let (from, end) = self.inbox[at];
        (from, &self.inbox_bytes[start..end])
    }

    /// Forgets the frames that were handled.
    pub(crate) fn clear_frames(&mut self) {
        self.inbox.clear();
        self.inbox_bytes.clear();
    }

    /// Sends what waits in `egress` for connections, which it leaves there.
    pub(crate) fn send(&mut self, egress: &Egress) -> Sent {
        let mut sent = Sent::default();
        for (to, frame) in egress.frames() {
            let Some(connection) = self.connections.get_mut(&to) else {
                sent.dropped += 1;
                continue;
            };
            if connection.queue.is_empty() {
                self.dirty.push(to);
            }
            if connection.queue.push(frame) {
                sent.taken += 1;
            } else {
                sent.dropped += 1;
            }
        }
        for to in std::mem::take(&mut self.dirty) {
            self.flush(to);
        }
        sent
    }

    /// Closes a connection, if it is still open.
    pub(crate) fn close(&mut self, from: SocketAddr) {
        if let Some(connection) = self.connections.remove(&from) {
            self.names.remove(&connection.name);
            // What can still go out does, which is a goodbye at most.
            let Connection { mut stream, mut queue, .. } = connection;
            let _ = queue.flush(|bytes| stream.write(bytes));
        }
    }

    /// Returns a connection that the other side, or an error, has closed.
    pub(crate) fn poll_closed(&mut self) -> Option<SocketAddr> {
        self.closed.pop_front()
    }

    /// Returns a connection that has begun or ceased to take what we send.
    pub(crate) fn poll_pressure(&mut self) -> Option<(SocketAddr, Pressure)> {
        self.pressures.pop_front()
    }

    fn read(&mut self, from: SocketAddr) {
        self.scratch.resize(READ_LEN, 0);
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = match self.connections.get_mut(&from) {
            Some(connection) => connection.stream.read(&mut scratch),
            None => return,
        };
        match read {
            Ok(0) => self.fail(from),
            Ok(len) => self.take(from, &scratch[..len]),
            Err(error) if is_for_later(&error) => {}
            Err(_) => self.fail(from),
        }
        self.scratch = scratch;
    }

    fn take(&mut self, from: SocketAddr, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&from) else {
            return;
        };
        let (inbox, inbox_bytes) = (&mut self.inbox, &mut self.inbox_bytes);
        let taken = connection.frames.push(bytes, MAX_FRAME_LEN, |frame| {
            inbox_bytes.extend_from_slice(frame);
            inbox.push((from, inbox_bytes.len()));
        });
        if taken.is_err() {
            self.fail(from);
        }
    }

    fn flush(&mut self, to: SocketAddr) {
        let Some(connection) = self.connections.get_mut(&to) else {
            return;
        };
        let Connection { stream, queue, .. } = connection;
        if queue.flush(|bytes| stream.write(bytes)).is_err() {
            self.fail(to);
            return;
        }
        let is_empty = connection.queue.is_empty();
        let pressure = if is_empty { Pressure::None } else { Pressure::Clogged };
        if pressure == connection.pressure {
            return;
        }
        connection.pressure = pressure;
        let mut interest = epoll::EventFlags::IN;
        if pressure == Pressure::Clogged {
            interest |= epoll::EventFlags::OUT;
        }
        let data = epoll::EventData::new_u64(connection.name);
        let watched = epoll::modify(&self.epoll, connection.stream.as_fd(), data, interest);
        self.pressures.push_back((to, pressure));
        if watched.is_err() {
            self.fail(to);
        }
    }

    fn fail(&mut self, from: SocketAddr) {
        self.close(from);
        self.closed.push_back(from);
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
