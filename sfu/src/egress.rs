//! Everything a worker sends in one turn, in one piece of memory.
//!
//! Packets to one viewer lie behind one another, so a run of equal sizes can be handed to the
//! kernel as one message without copying it together first. Runs are noted while packets are
//! written; nothing is padded to make sizes equal.

use std::net::SocketAddr;

use crate::route::Route;

/// Media beyond this is sent first: what is written should still be in the core's own cache when the
/// kernel reads it.
const MEDIA_CAPACITY: usize = 384 << 10;
/// Reports and handshakes are never many; this holds those of thousands of viewers.
const CAPACITY: usize = 2 << 20;
/// The kernel takes at most 64 segments and 64 KiB per message.
const MAX_RUN: usize = 32;
const MAX_RUN_BYTES: usize = 60_000;
/// What fits any path (the 1280 bytes that IPv6 promises, less its headers). A message of segments
/// that do not fit the path is refused by the kernel with the same error as one that it has no
/// offload for, so longer packets, which only an odd publisher sends, go one by one.
const MAX_SEGMENT: usize = 1_232;

/// Datagrams waiting for the end of the turn.
pub(crate) struct Egress {
    arena: Vec<u8>,
    used: usize,
    /// Where the last datagram begins.
    last: usize,
    runs: Vec<Run>,
    datagrams: usize,
    /// What leaves by TCP: few, and of no interest to the batches of datagrams.
    frames: Vec<Frame>,
}

impl Egress {
    /// Creates an empty arena.
    pub(crate) fn new() -> Self {
        Self {
            arena: vec![0; CAPACITY],
            used: 0,
            last: 0,
            runs: Vec::with_capacity(1_024),
            datagrams: 0,
            frames: Vec::new(),
        }
    }

    /// Whether media of `len` bytes may be added. If not, the caller sends what is here first.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.used + len <= MEDIA_CAPACITY
    }

    /// Whether a report of `len` bytes fits. If not, it is dropped, which only a flood can bring about.
    pub(crate) fn has_room_for_report(&self, len: usize) -> bool {
        self.used + len <= self.arena.len()
    }

    /// Lets `write` put a datagram of at most `max_len` bytes; it returns the length, or `None` to
    /// send nothing.
    ///
    /// # Panics
    ///
    /// Panics if there is no room; see [`has_room`](Self::has_room) and
    /// [`has_room_for_report`](Self::has_room_for_report).
    pub(crate) fn put(
        &mut self,
        to: Route,
        max_len: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let start = self.used;
        self.last = start;
        let Some(len) = write(&mut self.arena[start..start + max_len]) else {
            return;
        };
        assert!(len <= max_len, "the datagram is longer than announced");
        self.used += len;
        let to = match to {
            Route::Udp(to) => to,
            Route::Tcp(to) => {
                self.frames.push(Frame { to, start, len });
                return;
            }
        };
        self.datagrams += 1;
        match self.runs.last_mut() {
            Some(run) if run.takes(to, start, len) => {
                run.len += len;
                run.count += 1;
            }
            _ => self.runs.push(Run { to, start, len, segment: len, count: 1 }),
        }
    }

    /// Returns the datagram that was put last; empty if it was none.
    pub(crate) fn last(&self) -> &[u8] {
        &self.arena[self.last..self.used]
    }

    /// Copies a datagram in; drops it if there is no room, which only a flood can bring about.
    pub(crate) fn push(&mut self, to: Route, bytes: &[u8]) -> bool {
        let fits = self.has_room_for_report(bytes.len());
        if fits {
            self.put(to, bytes.len(), |out| {
                out.copy_from_slice(bytes);
                Some(bytes.len())
            });
        }
        fits
    }

    /// Returns what waits for TCP connections, by the other end.
    pub(crate) fn frames(&self) -> impl ExactSizeIterator<Item = (SocketAddr, &[u8])> {
        self.frames
            .iter()
            .map(|frame| (frame.to, &self.arena[frame.start..frame.start + frame.len]))
    }

    /// Whether nothing waits, neither a datagram nor a frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.datagrams == 0 && self.frames.is_empty()
    }

    /// Returns how many datagrams wait.
    pub(crate) fn len(&self) -> usize {
        self.datagrams
    }

    /// Returns the memory that runs point into.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.arena[..self.used]
    }

    /// Returns the datagrams that wait, as the messages that the kernel is handed.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Forgets everything, after it was sent.
    pub(crate) fn clear(&mut self) {
        (self.used, self.last) = (0, 0);
        self.datagrams = 0;
        self.runs.clear();
        self.frames.clear();
    }
}

/// One message to the kernel: `count` datagrams of `segment` bytes each, the last may be shorter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Run {
    pub(crate) to: SocketAddr,
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) segment: usize,
    pub(crate) count: usize,
}

impl Run {
    /// Returns what the run sends.
    pub(crate) fn bytes<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.start..self.start + self.len]
    }

    /// Whether a datagram of `len` bytes at `start` can leave with this run: it lies right behind
    /// it, none shorter has ended it, and it stays within what the kernel takes. Joining as long as
    /// possible makes the fewest messages, because the rest of a run is a run too.
    fn takes(&self, to: SocketAddr, start: usize, len: usize) -> bool {
        self.len == self.segment * self.count
            && len <= self.segment
            && len > 0
            && to == self.to
            && start == self.start + self.len
            && self.segment <= MAX_SEGMENT
            && self.count < MAX_RUN
            && self.len + len <= MAX_RUN_BYTES
    }
}

/// One packet on its way to a TCP connection.
struct Frame {
    to: SocketAddr,
    start: usize,
    len: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Route {
        Route::Udp(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    fn runs(egress: &Egress) -> Vec<(u16, usize, usize)> {
        egress.runs().iter().map(|run| (run.to.port(), run.count, run.len)).collect()
    }

    #[test]
    fn equal_sizes_to_one_address_form_a_run_that_a_shorter_one_ends() {
        let mut egress = Egress::new();
        for (port, len) in [(1, 100), (1, 100), (1, 60), (1, 60), (2, 60), (2, 80)] {
            assert!(egress.push(address(port), &vec![7; len]));
        }
        assert_eq!(runs(&egress), [(1, 3, 260), (1, 1, 60), (2, 1, 60), (2, 1, 80)]);
    }

    #[test]
    fn what_leaves_by_tcp_is_in_no_run_and_ends_none() {
        let mut egress = Egress::new();
        let stream = SocketAddr::from(([127, 0, 0, 1], 2));
        assert!(egress.push(address(1), &[7; 100]));
        assert!(egress.push(Route::Tcp(stream), &[8; 90]));
        assert!(egress.push(address(2), &[9; 100]));
        assert_eq!(runs(&egress), [(1, 1, 100), (2, 1, 100)]);
        assert_eq!(egress.frames().collect::<Vec<_>>(), [(stream, &[8; 90][..])]);
    }

    #[test]
    fn a_longer_packet_begins_a_run_of_its_own() {
        let mut egress = Egress::new();
        for len in [100, 100, 101, 101, 40, 0, 100] {
            assert!(egress.push(address(1), &vec![7; len]));
        }
        assert_eq!(egress.len(), 7);
        assert_eq!(runs(&egress), [(1, 2, 200), (1, 3, 242), (1, 1, 0), (1, 1, 100)]);
    }

    #[test]
    fn what_is_not_written_leaves_no_trace() {
        let mut egress = Egress::new();
        egress.put(address(1), 100, |_| None);
        assert_eq!((egress.len(), egress.bytes().len(), egress.runs().len()), (0, 0, 0));
    }

    #[test]
    fn packets_that_some_path_could_refuse_form_no_run() {
        let mut egress = Egress::new();
        for len in [1_232, 1_232, 1_400, 1_400] {
            assert!(egress.push(address(1), &vec![7; len]));
        }
        assert_eq!(runs(&egress), [(1, 2, 2_464), (1, 1, 1_400), (1, 1, 1_400)]);
    }

    #[test]
    fn a_run_stays_within_what_the_kernel_takes() {
        let mut egress = Egress::new();
        for _ in 0..100 {
            assert!(egress.push(address(1), &[7; 1_200]));
        }
        assert!(runs(&egress).iter().all(|&(_, count, len)| count <= 32 && len <= 60_000));
        assert_eq!(runs(&egress).iter().map(|run| run.1).sum::<usize>(), 100);
    }
}
