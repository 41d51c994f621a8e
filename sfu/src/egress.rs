//! Everything a worker sends in one turn, in one piece of memory.
//!
//! Packets to one viewer lie behind one another, so a run of equal sizes can be handed to the
//! kernel as one message without copying it together first.

use std::net::SocketAddr;

use crate::route::Route;

/// Fits a turn in which a keyframe goes to a few hundred viewers; beyond it the caller sends first.
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
    datagrams: Vec<Datagram>,
    /// What leaves by TCP: few, and of no interest to the batches of datagrams.
    frames: Vec<Datagram>,
}

impl Egress {
    /// Creates an empty arena.
    pub(crate) fn new() -> Self {
        Self {
            arena: vec![0; CAPACITY],
            used: 0,
            datagrams: Vec::with_capacity(1_024),
            frames: Vec::new(),
        }
    }

    /// Whether a datagram of `len` bytes still fits. If not, the caller sends what is here first.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.used + len <= self.arena.len()
    }

    /// Lets `write` put a datagram of at most `max_len` bytes; it returns the length, or `None` to
    /// send nothing.
    ///
    /// # Panics
    ///
    /// Panics if there is no room; see [`has_room`](Self::has_room).
    pub(crate) fn put(
        &mut self,
        to: Route,
        max_len: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let start = self.used;
        if let Some(len) = write(&mut self.arena[start..start + max_len]) {
            assert!(len <= max_len, "the datagram is longer than announced");
            self.used += len;
            match to {
                Route::Udp(to) => self.datagrams.push(Datagram { to, start, len }),
                Route::Tcp(to) => self.frames.push(Datagram { to, start, len }),
            }
        }
    }

    /// Copies a datagram in; drops it if there is no room, which only a flood can bring about.
    pub(crate) fn push(&mut self, to: Route, bytes: &[u8]) -> bool {
        let fits = self.has_room(bytes.len());
        if fits {
            self.put(to, bytes.len(), |out| {
                out.copy_from_slice(bytes);
                Some(bytes.len())
            });
        }
        fits
    }

    /// Returns what waits for TCP connections, by the other end.
    #[allow(dead_code)]
    pub(crate) fn frames(&self) -> impl ExactSizeIterator<Item = (SocketAddr, &[u8])> {
        self.frames
            .iter()
            .map(|frame| (frame.to, &self.arena[frame.start..frame.start + frame.len]))
    }

    /// Returns how many datagrams wait.
    pub(crate) fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Returns the memory that runs point into.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.arena[..self.used]
    }

    /// Returns the run that starts with datagram `at`: one address, equal sizes, the last may be
    /// shorter.
    pub(crate) fn run(&self, at: usize, may_join: bool) -> Run {
        let first = &self.datagrams[at];
        let mut run =
            Run { to: first.to, start: first.start, len: first.len, segment: first.len, count: 1 };
        for next in &self.datagrams[at + 1..] {
            let joins = may_join
                && run.segment <= MAX_SEGMENT
                && next.to == run.to
                && next.len <= run.segment
                && run.count < MAX_RUN
                && run.len + next.len <= MAX_RUN_BYTES;
            if !joins {
                break;
            }
            run.len += next.len;
            run.count += 1;
            if next.len < run.segment {
                break;
            }
        }
        run
    }

    /// Forgets everything, after it was sent.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.datagrams.clear();
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

struct Datagram {
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
        let mut out = Vec::new();
        let mut at = 0;
        while at < egress.len() {
            let run = egress.run(at, true);
            out.push((run.to.port(), run.count, run.len));
            at += run.count;
        }
        out
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
