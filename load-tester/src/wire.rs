//! A bad network on loopback: a UDP relay between a browser and a server, or between two browsers,
//! that delays, queues and loses what it carries.
//!
//! Every address that sends to the relay gets a socket of its own towards the other side, as behind
//! a NAT, so answers find their way back. Lines on standard input change the network while it
//! runs (see `wire/line.rs`); `stats` prints what happened as one line of JSON.

mod class;
mod impair;
mod line;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;

use class::{Class, PayloadTypes};
use impair::Direction;
use line::{Line, Way};

use crate::orders::lines_of_stdin;

/// Larger than any datagram of WebRTC.
const MAX_DATAGRAM: usize = 2_048;
/// Datagrams from the far side that wait to be looked at. Full: the socket's own buffer fills.
const INBOX: usize = 1_024;

/// Command line of `lianmai-load wire`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where datagrams of clients go.
    #[arg(long)]
    to: SocketAddr,
    /// Where clients send; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The same seed loses the same packets of the same traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A line to begin with, as on standard input; may be given again.
    #[arg(long = "set")]
    lines: Vec<String>,
}

/// Carries datagrams until standard input ends.
pub(crate) async fn run(options: Options) -> Result<()> {
    let mut wire = Wire::bind(&options).await?;
    for line in &options.lines {
        wire.obey(line)?;
    }
    print(&json!({ "listen": wire.front.local_addr()?.to_string() }));
    wire.carry().await
}

struct Wire {
    front: UdpSocket,
    to: SocketAddr,
    types: PayloadTypes,
    /// From clients, and to them.
    up: Direction<usize>,
    down: Direction<usize>,
    clients: Vec<Client>,
    by_address: HashMap<SocketAddr, usize>,
    answers: mpsc::Receiver<Answer>,
    answers_in: mpsc::Sender<Answer>,
    began: Instant,
}

/// A datagram from the far side, and the client that it is for.
type Answer = (usize, Vec<u8>);

/// One address that sends to us, and the socket that stands for it.
struct Client {
    address: SocketAddr,
    back: Arc<UdpSocket>,
}

impl Wire {
    async fn bind(options: &Options) -> Result<Self> {
        let front = UdpSocket::bind(options.listen).await.context("cannot bind the wire")?;
        let (answers_in, answers) = mpsc::channel(INBOX);
        Ok(Self {
            front,
            to: options.to,
            types: PayloadTypes::default(),
            up: Direction::new(options.seed),
            down: Direction::new(options.seed.wrapping_add(1)),
            clients: Vec::new(),
            by_address: HashMap::new(),
            answers,
            answers_in,
            began: Instant::now(),
        })
    }

    async fn carry(&mut self) -> Result<()> {
        let mut commands = lines_of_stdin();
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            let due =
                [self.up.poll_timeout(), self.down.poll_timeout()].into_iter().flatten().min();
            let due = self.began + due.unwrap_or(Duration::from_secs(3_600));
            tokio::select! {
                got = self.front.recv_from(&mut buffer) => {
                    // An error is an earlier datagram's bounce; the next receive goes on.
                    if let Ok((len, from)) = got {
                        let client = self.client(from).await?;
                        let class = Class::of(&buffer[..len], &self.types);
                        self.up.handle_datagram(class, client, buffer[..len].to_vec(), self.began.elapsed());
                    }
                }
                Some((client, datagram)) = self.answers.recv() => {
                    let class = Class::of(&datagram, &self.types);
                    self.down.handle_datagram(class, client, datagram, self.began.elapsed());
                }
                command = commands.recv() => match command {
                    Some(command) => self.obey(&command)?,
                    None => return Ok(()),
                },
                () = tokio::time::sleep_until(due) => {}
            }
            self.deliver();
        }
    }

    /// Sends what has been on its way for long enough.
    fn deliver(&mut self) {
        let now = self.began.elapsed();
        while let Some((client, datagram)) = self.up.poll_datagram(now) {
            // A refused datagram is lost, as anywhere else.
            let _ = self.clients[client].back.try_send(&datagram);
        }
        while let Some((client, datagram)) = self.down.poll_datagram(now) {
            let _ = self.front.try_send_to(&datagram, self.clients[client].address);
        }
    }

    async fn client(&mut self, address: SocketAddr) -> Result<usize> {
        if let Some(&known) = self.by_address.get(&address) {
            return Ok(known);
        }
        let back = UdpSocket::bind((self.to.ip(), 0)).await?;
        back.connect(self.to).await?;
        let back = Arc::new(back);
        let id = self.clients.len();
        tokio::spawn(receive(id, Arc::clone(&back), self.answers_in.clone()));
        self.clients.push(Client { address, back });
        self.by_address.insert(address, id);
        Ok(id)
    }

    fn obey(&mut self, command: &str) -> Result<()> {
        match command.parse::<Line>()? {
            Line::Stats => print(&json!({ "up": self.up.counts(), "down": self.down.counts() })),
            Line::Audio(payload_types) => self.types.set_audio(payload_types),
            Line::Change { way, change } => {
                for direction in match way {
                    Way::Up => vec![&mut self.up],
                    Way::Down => vec![&mut self.down],
                    Way::Both => vec![&mut self.up, &mut self.down],
                } {
                    direction.change(&change);
                }
            }
        }
        Ok(())
    }
}

async fn receive(id: usize, back: Arc<UdpSocket>, answers: mpsc::Sender<Answer>) {
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        match back.recv(&mut buffer).await {
            Ok(len) if answers.send((id, buffer[..len].to_vec())).await.is_err() => return,
            // Nobody listens there yet, or any more.
            Ok(_) | Err(_) => {}
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer is this program's output")]
fn print(value: &Value) {
    println!("{value}");
}
