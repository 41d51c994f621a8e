//! Where TCP connections come in: a thread that waits for each one's first frame, which is a STUN
//! request whose user name tells the peer and with it the worker. The worker checks that it is
//! authentic; here nobody is believed, only sorted.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::Arrival;
use super::frames::Frames;
use crate::stun::BindingRequest;
use crate::ufrag;

/// How long a connection may take to say who it is for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that have not said so yet. Full: the oldest gives way.
const MAX_WAITING: usize = 512;
/// The same, from one address, which may be that of a whole company.
const MAX_WAITING_FROM_ONE: usize = 64;
/// Longest first frame: a request with the longest user names fits.
const MAX_FIRST_LEN: usize = 1_024;
const BACKLOG: i32 = 1_024;
const EVENTS_PER_TURN: usize = 64;
/// When the process has no descriptor left, one may be free again after this.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);
const STOP: u64 = u64::MAX;

/// The listening sockets, not yet open for anybody.
pub(crate) struct Door {
    listeners: Vec<TcpListener>,
}

/// An open door; it is closed when this is dropped.
pub(crate) struct OpenDoor {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for OpenDoor {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but the kernel. A panic was told when it happened.
            let _ = thread.join();
        }
    }
}

impl Door {
    /// Binds one listener for each address; with port 0 each gets a free port of its own.
    pub(crate) fn bind(addresses: &[IpAddr], port: u16) -> io::Result<Self> {
        let bind = |ip: &IpAddr| bind_one(SocketAddr::new(*ip, port));
        Ok(Self { listeners: addresses.iter().map(bind).collect::<io::Result<_>>()? })
    }

    /// Returns the addresses that the kernel gave the listeners.
    pub(crate) fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Lets connections in; `hand_over` gets each with the number of the worker that it is for.
    pub(crate) fn open(
        self,
        hand_over: impl FnMut(usize, Arrival) + Send + 'static,
    ) -> io::Result<OpenDoor> {
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        watch(&epoll, &*stop, STOP)?;
        for (name, listener) in (0..).zip(&self.listeners) {
            watch(&epoll, listener, name)?;
        }
        let next_name = self.listeners.len() as u64;
        let listeners = self.listeners;
        let hall = Hall { epoll, listeners, waiting: HashMap::new(), next_name, hand_over };
        let thread = std::thread::Builder::new().name("sfu-tcp".to_owned());
        let thread = Some(thread.spawn(move || hall.run())?);
        Ok(OpenDoor { stop, thread })
    }
}

/// Those who came in and have not said for whom.
struct Hall<F> {
    epoll: OwnedFd,
    listeners: Vec<TcpListener>,
    /// By name; a greater one came later.
    waiting: HashMap<u64, Waiting>,
    next_name: u64,
    hand_over: F,
}

struct Waiting {
    stream: TcpStream,
    from: SocketAddr,
    since: Instant,
    bytes: Vec<u8>,
}

/// What a connection has said so far.
#[derive(Debug, Eq, PartialEq)]
enum Said {
    NotEnough,
    Worker(usize),
    Nonsense,
}

impl<F: FnMut(usize, Arrival)> Hall<F> {
    fn run(mut self) {
        let mut ready = Vec::with_capacity(EVENTS_PER_TURN);
        loop {
            ready.clear();
            // Somebody is asked to leave at most a second late; without anybody nothing is due.
            let second = Timespec { tv_sec: 1, tv_nsec: 0 };
            let limit = (!self.waiting.is_empty()).then_some(&second);
            let buffer = rustix::buffer::spare_capacity(&mut ready);
            if let Err(error) = epoll::wait(&self.epoll, buffer, limit)
                && error != rustix::io::Errno::INTR
            {
                tracing::error!(%error, "The TCP door cannot wait for its sockets.");
                return;
            }
            let names: HashSet<u64> = ready.iter().map(|event| event.data.u64()).collect();
            if names.contains(&STOP) {
                return;
            }
            for name in names {
                match usize::try_from(name).ok().filter(|at| *at < self.listeners.len()) {
                    Some(listener) => self.accept(listener),
                    None => self.read(name),
                }
            }
            let before = self.waiting.len();
            self.waiting.retain(|_, waiting| waiting.since.elapsed() < PATIENCE);
            count_refused("silent", before - self.waiting.len());
        }
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..EVENTS_PER_TURN {
            match self.listeners[listener].accept() {
                Ok((stream, from)) => self.admit(stream, from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "The TCP door cannot accept connections.");
                    std::thread::sleep(NO_DESCRIPTOR_PAUSE);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, from: SocketAddr) {
        let of_one = self.waiting.values().filter(|waiting| waiting.from.ip() == from.ip());
        if of_one.count() >= MAX_WAITING_FROM_ONE {
            count_refused("too_many", 1);
            return;
        }
        if self.waiting.len() >= MAX_WAITING
            && let Some(oldest) = self.waiting.keys().min().copied()
        {
            self.waiting.remove(&oldest);
            count_refused("too_many", 1);
        }
        let name = self.next_name;
        self.next_name += 1;
        if stream.set_nonblocking(true).is_ok() && watch(&self.epoll, &stream, name).is_ok() {
            let waiting = Waiting { stream, from, since: Instant::now(), bytes: Vec::new() };
            self.waiting.insert(name, waiting);
        }
    }

    fn read(&mut self, name: u64) {
        let Some(waiting) = self.waiting.get_mut(&name) else {
            return;
        };
        let mut buffer = [0; MAX_FIRST_LEN + 2];
        let said = match waiting.stream.read(&mut buffer) {
            Ok(0) => Said::Nonsense,
            Ok(len) => {
                waiting.bytes.extend_from_slice(&buffer[..len]);
                said(&waiting.bytes)
            }
            Err(error) if super::is_for_later(&error) => return,
            Err(_) => Said::Nonsense,
        };
        match said {
            Said::NotEnough => {}
            Said::Nonsense => {
                self.waiting.remove(&name);
                count_refused("not_stun", 1);
            }
            Said::Worker(worker) => {
                if let Some(Waiting { stream, from, bytes, .. }) = self.waiting.remove(&name) {
                    // The worker watches it from now on.
                    let _ = epoll::delete(&self.epoll, &stream);
                    (self.hand_over)(worker, Arrival { stream, from, bytes });
                }
            }
        }
    }
}

/// Reads the first frame of what a connection has sent.
fn said(bytes: &[u8]) -> Said {
    let mut worker = None;
    let pushed = Frames::default().push(bytes, MAX_FIRST_LEN, |frame| {
        let named = BindingRequest::parse(frame).and_then(|r| ufrag::peer(r.local_ufrag()));
        worker = worker.or(Some(named.map(crate::event::PeerId::worker)));
    });
    match (worker, pushed) {
        (Some(Some(worker)), _) => Said::Worker(worker),
        (Some(None), _) | (None, Err(_)) => Said::Nonsense,
        // Nothing but empty frames.
        (None, Ok(())) if bytes.len() > MAX_FIRST_LEN + 2 => Said::Nonsense,
        (None, Ok(())) => Said::NotEnough,
    }
}

fn watch(epoll: &OwnedFd, what: impl AsFd, name: u64) -> rustix::io::Result<()> {
    epoll::add(epoll, what, epoll::EventData::new_u64(name), epoll::EventFlags::IN)
}

fn count_refused(reason: &'static str, count: usize) {
    if count > 0 {
        metrics::counter!("sfu_tcp_refused_total", "reason" => reason).increment(count as u64);
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    // A restarted server need not wait for the connections of the one before.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PeerId;
    use crate::stun;

    #[test]
    fn the_first_request_names_the_worker_and_nothing_else_does() {
        let user = format!("{}:theirs", ufrag::credentials(PeerId::new(5, 3)).fragment);
        let request = stun::request(&user, [1; 12], &stun::integrity_key("password"));
        let mut bytes = (request.len() as u16).to_be_bytes().to_vec();
        bytes.extend_from_slice(&request);
        for len in 0..bytes.len() {
            assert_eq!(said(&bytes[..len]), Said::NotEnough);
        }
        assert_eq!(said(&bytes), Said::Worker(3));
        bytes.extend_from_slice(&[0xff, 0xff]);
        assert_eq!(said(&bytes), Said::Worker(3), "what follows is for the worker to judge");
        assert_eq!(said(b"GET / HTTP/1.1\r\n"), Said::Nonsense);
        assert_eq!(said(&[0, 3, 1, 2, 3]), Said::Nonsense);
        // Empty frames say nothing, and nobody says it for ever.
        assert_eq!(said(&[0; 64]), Said::NotEnough);
        assert_eq!(said(&[0; 2 * MAX_FIRST_LEN]), Said::Nonsense);
    }
}
