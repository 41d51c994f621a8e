//! The receiving end: a process of its own, so that its work is not in the figure. It reads like
//! `lianmai-load swarm` does: joined datagrams, arrival times, one turn every few milliseconds.

use std::io::{BufRead, BufReader, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use rustix::event::epoll;
use rustix::time::Timespec;

const TURN: Duration = Duration::from_millis(2);
const BATCH: usize = 4;
const MESSAGE_LEN: usize = 65_536;
const RECEIVE_BUFFER: usize = 1 << 20;

/// The process that receives.
pub(crate) struct Sink {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    ports: Vec<u16>,
}

impl Sink {
    /// Starts it behind `prefix` and waits until its sockets are there.
    pub(crate) fn start(viewers: usize, prefix: &str) -> Result<Self> {
        let program = std::env::current_exe()?;
        let program = program.to_str().context("the path of this program is not text")?;
        let mut words = prefix.split_whitespace().chain([program, "sink", "--viewers"]);
        let mut child = Command::new(words.next().expect("the program itself"))
            .args(words)
            .arg(viewers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the receivers")?;
        let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let ports = line.split_whitespace().map(str::parse).collect::<Result<Vec<u16>, _>>()?;
        ensure!(ports.len() == viewers, "the receivers did not start");
        Ok(Self { child, output, ports })
    }

    /// Returns where to send to.
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Ends it; returns how many packets it has received.
    pub(crate) fn finish(mut self) -> Result<u64> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.child.wait()?;
        Ok(line.trim().parse()?)
    }
}

/// Opens sockets, prints their ports, receives until the input ends, prints how many came.
pub(crate) fn run(viewers: usize) -> Result<()> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut sockets = Vec::with_capacity(viewers);
    for number in 0..viewers {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&udp))?;
        // As much as may be had; what it is does not matter.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&udp), RECEIVE_BUFFER);
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&poll, &udp, data, epoll::EventFlags::IN)?;
        sockets.push((udp, state));
    }
    let ports: Vec<String> = sockets
        .iter()
        .map(|(udp, _)| udp.local_addr().map(|address| address.port().to_string()))
        .collect::<Result<_, _>>()?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", ports.join(" "))?;
    output.flush()?;

    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        over.store(true, Ordering::Relaxed);
    });
    let mut buffers = vec![vec![0; MESSAGE_LEN]; BATCH];
    let mut events = Vec::with_capacity(viewers.max(1));
    let mut packets = 0;
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(TURN);
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&now))?;
        for event in &events {
            let (udp, state) = &sockets[usize::try_from(event.data.u64())?];
            packets += receive(udp, state, &mut buffers);
        }
    }
    writeln!(output, "{packets}")?;
    Ok(())
}

fn receive(udp: &UdpSocket, state: &UdpSocketState, buffers: &mut [Vec<u8>]) -> u64 {
    let mut metas = [RecvMeta::default(); BATCH];
    let mut buffers = buffers.iter_mut();
    let mut slices: [IoSliceMut<'_>; BATCH] =
        std::array::from_fn(|_| IoSliceMut::new(buffers.next().expect("as many buffers")));
    let count = state.recv(UdpSockRef::from(udp), &mut slices, &mut metas).unwrap_or(0);
    metas[..count].iter().map(|meta| meta.len.div_ceil(meta.stride.max(1)) as u64).sum()
}
