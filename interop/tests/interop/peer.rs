//! str0m with a socket: it offers, connects, sends frames and keeps what it receives.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// Long enough for a busy machine, short enough to notice a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// str0m is told the time at least this often.
const TICK: Duration = Duration::from_millis(10);

/// One end of a connection.
pub(crate) struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    mids: [Mid; 2],
    pending: Option<SdpPendingOffer>,
    wake: Instant,
    /// When it was told the time last.
    told: Instant,
    pub(crate) is_connected: bool,
    /// Depacketized frames, in order.
    pub(crate) received: Vec<(MediaKind, Vec<u8>)>,
}

impl Peer {
    /// Returns a peer that sends or receives one video and one audio track, and its offer.
    pub(crate) fn offer(direction: Direction) -> (Self, String) {
        let now = Instant::now();
        let mut rtc =
            Rtc::builder().clear_codecs().enable_h264(true).enable_opus(true, false).build(now);
        let (socket, address) = bind();
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut changes = rtc.sdp_api();
        let mids = [MediaKind::Video, MediaKind::Audio]
            .map(|kind| changes.add_media(kind, direction, Some("live".into()), None, None));
        let (offer, pending) = changes.apply().unwrap();
        let sdp = offer.to_sdp_string();
        let (pending, received) = (Some(pending), Vec::new());
        let is_connected = false;
        let (wake, told) = (now, now);
        (Self { rtc, socket, address, mids, pending, wake, told, is_connected, received }, sdp)
    }

    pub(crate) fn accept(&mut self, answer: &str) {
        let pending = self.pending.take().expect("an offer is open");
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        // A restart has forgotten the old ones.
        self.rtc.add_local_candidate(Candidate::host(self.address, "udp").unwrap());
    }

    /// Moves to another socket and starts ICE anew; returns the fragment that says so.
    pub(crate) fn restart_ice(&mut self) -> String {
        (self.socket, self.address) = bind();
        let mut changes = self.rtc.sdp_api();
        let credentials = changes.ice_restart(false);
        let (_, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
            self.mids[0], credentials.ufrag, credentials.pass
        )
    }

    /// Sends one frame; `at_ms` is its time.
    pub(crate) fn send(&mut self, kind: MediaKind, at_ms: u64, data: &[u8]) {
        let (mid, codec) = match kind {
            MediaKind::Video => (self.mids[0], Codec::H264),
            MediaKind::Audio => (self.mids[1], Codec::Opus),
        };
        let writer = self.rtc.writer(mid).expect("negotiated");
        let pt = writer.payload_params().find(|params| params.spec().codec == codec);
        let pt = pt.expect("the codec was agreed on").pt();
        let time = MediaTime::from_90khz(at_ms * 90);
        writer.write(pt, Instant::now(), time, data.to_vec()).unwrap();
        self.drain();
    }

    /// Takes what has arrived and sends what is due, without waiting.
    pub(crate) fn step(&mut self) {
        let mut buffer = [0; 2_000];
        loop {
            self.drain();
            let now = Instant::now();
            let input = match self.socket.recv_from(&mut buffer) {
                Ok((len, source)) => {
                    let (destination, data) = (self.address, &buffer[..len]);
                    let received = Receive::new(Protocol::Udp, source, destination, data);
                    Input::Receive(now, received.expect("a packet of WebRTC"))
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.wake > now && now < self.told + TICK {
                        return;
                    }
                    self.told = now;
                    Input::Timeout(now)
                }
                Err(error) => panic!("{error}"),
            };
            self.rtc.handle_input(input).unwrap();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.wake = at;
                    return;
                }
                Output::Transmit(packet) => {
                    // A path that is not there any more is what a restart is for.
                    let _ = self.socket.send_to(&packet.contents, packet.destination);
                }
                Output::Event(Event::Connected) => self.is_connected = true,
                Output::Event(Event::MediaData(frame)) => {
                    let is_video = frame.mid == self.mids[0];
                    let kind = if is_video { MediaKind::Video } else { MediaKind::Audio };
                    self.received.push((kind, frame.data.to_vec()));
                }
                Output::Event(_) => {}
            }
        }
    }
}

/// Runs `peers` until `is_done`, doing `each` every millisecond.
///
/// # Panics
///
/// Fails with `what` if that takes too long.
pub(crate) fn run(
    what: &str,
    peers: &mut [&mut Peer],
    mut is_done: impl FnMut(&mut [&mut Peer]) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    while !is_done(peers) {
        for peer in peers.iter_mut() {
            peer.step();
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn bind() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
