//! The thread that carries viewers: thousands of sockets in one epoll set, one turn every [`TURN`].
//!
//! It does not wake for each packet. The kernel says when a datagram arrived, so a turn later costs no
//! precision, and neither the tester nor the server it shares the machine with pays for wake-ups.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::time::Timespec;
use tokio::sync::oneshot;

use super::dtls::Identity;
use super::impairment::{Fate, Impairment, Wire};
use super::socket::{Inbox, Socket};
use super::stamps::{Stamps, wall_clock};
use super::viewer::{Latencies, Spec, Stats, Viewer};

/// How long arriving datagrams wait for the thread at most, unless it is busy.
const TURN: Duration = Duration::from_millis(2);
const GAUGES_INTERVAL: Duration = Duration::from_millis(100);
/// Events taken from the kernel at once.
const EVENTS: usize = 1_024;
/// Samples of latency that are kept; more add nothing to a percentile.
const MAX_LATENCIES: usize = 1 << 20;

/// What all viewers of a thread share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Their certificate.
    pub(crate) identity: Arc<Identity>,
    /// When the publisher in this process sent what, if there is one.
    pub(crate) stamps: Option<Arc<Stamps>>,
    /// What happens to their packets.
    pub(crate) impairment: Impairment,
}

/// Counts for a progress bar, renewed ten times a second.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Viewers that got a whole keyframe.
    pub(crate) watching: AtomicUsize,
    /// Viewers that cannot connect.
    pub(crate) failed: AtomicUsize,
    /// Media packets of use to anybody.
    pub(crate) packets: AtomicU64,
}

/// Everything that a thread knows about its viewers.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// Each viewer that ever was, with its number.
    pub(crate) viewers: Vec<(usize, Stats)>,
    /// Latencies since the last mark.
    pub(crate) latencies: Latencies,
    /// Packets that the impairment dropped.
    pub(crate) dropped: u64,
}

enum Command {
    Join { viewer: usize, spec: Box<Spec> },
    Leave { viewer: usize },
    Mark,
    Look(oneshot::Sender<Snapshot>),
}

/// A running thread. Dropping it ends the thread.
pub(crate) struct Engine {
    /// Unbounded: a command per join and leave.
    commands: Option<mpsc::Sender<Command>>,
    gauges: Arc<Gauges>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts a thread without viewers.
    pub(crate) fn start(shared: Shared) -> std::io::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let gauges = Arc::new(Gauges::default());
        let turning = Turning::new(shared, Arc::clone(&gauges))?;
        let thread = std::thread::Builder::new()
            .name("viewers".to_owned())
            .spawn(move || turning.run(&inbox))?;
        Ok(Self { commands: Some(commands), gauges, thread: Some(thread) })
    }

    /// Adds a viewer whose join was answered.
    pub(crate) fn join(&self, viewer: usize, spec: Spec) {
        self.tell(Command::Join { viewer, spec: Box::new(spec) });
    }

    /// Removes a viewer.
    pub(crate) fn leave(&self, viewer: usize) {
        self.tell(Command::Leave { viewer });
    }

    /// Begins a new measurement of latency and silence.
    pub(crate) fn mark(&self) {
        self.tell(Command::Mark);
    }

    /// Returns what is known now.
    pub(crate) async fn look(&self) -> Snapshot {
        let (reply, answer) = oneshot::channel();
        self.tell(Command::Look(reply));
        answer.await.expect("the thread lives as long as its handle")
    }

    /// Returns the counts for a progress bar.
    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    fn tell(&self, command: Command) {
        let commands = self.commands.as_ref().expect("only dropping takes it");
        commands.send(command).expect("the thread lives as long as its handle");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One viewer with its socket.
struct Seat {
    number: usize,
    viewer: Viewer,
    socket: Socket,
    /// The earliest entry in the heap.
    armed: Option<Instant>,
}

struct Turning {
    shared: Shared,
    gauges: Arc<Gauges>,
    epoll: std::os::fd::OwnedFd,
    /// By the number in the epoll set; a seat is never used again.
    seats: Vec<Option<Seat>>,
    gone: Vec<(usize, Stats)>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    wire: Wire,
    inbox: Inbox,
    latencies: Latencies,
    gauged: Instant,
}

impl Turning {
    fn new(shared: Shared, gauges: Arc<Gauges>) -> std::io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            wire: Wire::new(shared.impairment, 1),
            shared,
            gauges,
            seats: Vec::new(),
            gone: Vec::new(),
            timers: BinaryHeap::new(),
            inbox: Inbox::new(),
            latencies: Vec::new(),
            gauged: Instant::now(),
        })
    }

    fn run(mut self, commands: &mpsc::Receiver<Command>) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let began = Instant::now();
            loop {
                match commands.try_recv() {
                    Ok(command) => self.handle_command(command, began),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            while self.receive(&mut events) == EVENTS {}
            let now = Instant::now();
            self.deliver(now);
            self.handle_timers(now);
            if now.duration_since(self.gauged) >= GAUGES_INTERVAL {
                self.gauged = now;
                self.write_gauges();
            }
            std::thread::sleep(TURN.saturating_sub(began.elapsed()));
        }
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Join { viewer, spec } => self.join(viewer, *spec, now),
            Command::Leave { viewer } => self.leave(viewer, now),
            Command::Mark => {
                self.latencies.clear();
                for seat in self.seats.iter_mut().flatten() {
                    seat.viewer.mark(now);
                }
            }
            Command::Look(reply) => {
                let _ = reply.send(self.snapshot(now));
            }
        }
    }

    fn join(&mut self, number: usize, spec: Spec, now: Instant) {
        let Shared { identity, stamps, .. } = &self.shared;
        let viewer = Viewer::new(spec, Arc::clone(identity), stamps.clone(), now);
        let socket = Socket::connect(viewer.address()).and_then(|socket| {
            let data = epoll::EventData::new_u64(self.seats.len() as u64);
            epoll::add(&self.epoll, &socket.udp, data, epoll::EventFlags::IN)?;
            Ok(socket)
        });
        match socket {
            Ok(socket) => {
                self.seats.push(Some(Seat { number, viewer, socket, armed: None }));
                self.settle(self.seats.len() - 1);
            }
            Err(error) => {
                let failure = Some(format!("no socket: {error}"));
                self.gone.push((number, Stats { failure, ..Stats::default() }));
            }
        }
    }

    fn leave(&mut self, number: usize, now: Instant) {
        let is_it = |seat: &Option<Seat>| seat.as_ref().is_some_and(|seat| seat.number == number);
        if let Some(mut seat) =
            self.seats.iter().position(is_it).and_then(|at| self.seats[at].take())
        {
            seat.viewer.close(now);
            seat.transmit();
            self.gone.push((number, seat.viewer.stats()));
        }
    }

    fn snapshot(&mut self, now: Instant) -> Snapshot {
        let mut viewers = self.gone.clone();
        for seat in self.seats.iter_mut().flatten() {
            seat.viewer.measure(now);
            viewers.push((seat.number, seat.viewer.stats()));
        }
        let latencies = std::mem::take(&mut self.latencies);
        Snapshot { viewers, latencies, dropped: self.wire.dropped() }
    }

    /// Takes what has arrived; returns how many sockets had something.
    fn receive(&mut self, events: &mut Vec<epoll::Event>) -> usize {
        events.clear();
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let spare = rustix::buffer::spare_capacity(events);
        if epoll::wait(&self.epoll, spare, Some(&at_once)).is_err() {
            return 0;
        }
        for event in events.iter() {
            let at = event.data.u64() as usize;
            let Some(seat) = self.seats[at].as_mut() else { continue };
            let now = Instant::now();
            let (viewer, wire, latencies) = (&mut seat.viewer, &mut self.wire, &mut self.latencies);
            self.inbox.receive(&seat.socket, |datagram, arrival| {
                let arrival = arrival.unwrap_or_else(wall_clock);
                match wire.decide(datagram) {
                    Fate::Arrives => viewer.handle_datagram(now, arrival, datagram, latencies),
                    Fate::Delayed => wire.push(at, now, arrival, datagram),
                    Fate::Dropped => {}
                }
            });
            self.settle(at);
        }
        self.latencies.truncate(MAX_LATENCIES);
        events.len()
    }

    fn deliver(&mut self, now: Instant) {
        while let Some(packet) = self.wire.poll(now) {
            if let Some(seat) = self.seats[packet.viewer].as_mut() {
                let latencies = &mut self.latencies;
                seat.viewer.handle_datagram(now, packet.arrival, &packet.datagram, latencies);
                self.settle(packet.viewer);
            }
        }
    }

    fn handle_timers(&mut self, now: Instant) {
        while let Some(Reverse((at, number))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            let Some(seat) = self.seats[number].as_mut() else { continue };
            // An earlier entry was pushed after this one, and has been here.
            if seat.armed != Some(at) {
                continue;
            }
            seat.armed = None;
            seat.viewer.handle_timeout(now);
            self.settle(number);
        }
    }

    /// Sends what a viewer has to say and notes when it wants to be called.
    fn settle(&mut self, number: usize) {
        let Some(seat) = self.seats[number].as_mut() else { return };
        seat.transmit();
        let at = seat.viewer.poll_timeout();
        if seat.armed.is_none_or(|armed| at < armed) {
            seat.armed = Some(at);
            self.timers.push(Reverse((at, number)));
        }
    }

    fn write_gauges(&self) {
        let (mut watching, mut failed, mut packets) = (0, 0, 0);
        let seated = self.seats.iter().flatten().map(|seat| seat.viewer.stats());
        for stats in seated.chain(self.gone.iter().map(|(_, stats)| stats.clone())) {
            watching += usize::from(stats.first_keyframe.is_some());
            failed += usize::from(stats.failure.is_some() && stats.first_keyframe.is_none());
            packets += stats.audio.packets + stats.video.packets;
        }
        self.gauges.watching.store(watching, Ordering::Relaxed);
        self.gauges.failed.store(failed, Ordering::Relaxed);
        self.gauges.packets.store(packets, Ordering::Relaxed);
    }
}

impl Seat {
    fn transmit(&mut self) {
        while let Some(datagram) = self.viewer.poll_transmit() {
            // A full or refused socket loses the datagram, as a network would.
            let _ = self.socket.udp.send(&datagram);
        }
    }
}
