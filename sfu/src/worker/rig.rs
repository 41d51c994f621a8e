//! A worker without a thread, a clock or a handshake, for tests and for counting instructions.
//!
//! Host and viewers have the keys of finished handshakes; the host's packets are put where received
//! datagrams lie, and what the worker sends goes through its real socket to real ports.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use media_rules::twcc::{FeedbackHead, write};
use media_rules::{FeedId, MediaTime, RtpHeader};
use rtc_srtp::config::SessionKeys;
use rtc_srtp::protection_profile::ProtectionProfile;
use tokio::sync::mpsc;

use super::{Setup, Worker};
use crate::abilities::Abilities;
use crate::clock::{Now, NtpClock};
use crate::command::{Command, NewPeer, WorkerLink};
use crate::config::Config;
use crate::dtls::{Fingerprint, Identity, Role};
use crate::event::{Event, PeerId};
use crate::negotiate::{Agreement, Direction};
use crate::offer::Offer;
use crate::route::Route;
use crate::socket::{Offload, Socket, Waker};
use crate::srtp::{MAX_OVERHEAD, MAX_RTCP_OVERHEAD, Srtp};
use crate::ufrag;

/// What a browser offers, shortened. Both directions take it.
const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\na=mid:1\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=sendrecv\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
    a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\na=rtcp-fb:102 transport-cc\r\n";
/// To be added to the section of the picture.
const MID: &str = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
const VIDEO: u8 = 102;
const RTX: u8 = 103;
const VIDEO_SSRC: u32 = 7;
const HEADER_LEN: usize = 12;
const PAYLOAD_LEN: usize = 1_100;
const FRAME: Duration = Duration::from_millis(33);

/// A worker with a host and viewers.
pub(super) struct Rig {
    pub(super) worker: Worker,
    host: Far,
    viewers: Vec<Far>,
    sequence: u64,
    frames: u32,
    _events: mpsc::Receiver<Event>,
}

/// The other side of a connection.
struct Far {
    route: Route,
    srtp: Srtp,
}

impl Rig {
    /// Connects a host and one viewer for each address.
    pub(super) fn new(viewers: &[SocketAddr]) -> Self {
        Self::with_viewers(viewers, OFFER, Config::default())
    }

    /// The same, with viewers who offer something else than the host.
    pub(super) fn with_viewers(viewers: &[SocketAddr], offer: &str, config: Config) -> Self {
        let identity = Arc::new(Identity::generate().expect("a certificate"));
        let socket = Socket::bind(&config.bind, 0, Offload::Wanted).expect("loopback is there");
        let (commands, command_end) = sync_channel(1_024);
        let (media, media_end) = sync_channel(64);
        let waker = Arc::new(Waker::new().expect("an eventfd"));
        let link = WorkerLink { commands, media, waker, candidates: [].into() };
        let (events, received) = mpsc::channel(4_096);
        let worker = Worker::new(Setup {
            index: 0,
            config,
            identity,
            clock: NtpClock::start(),
            socket,
            streams: crate::tcp::Streams::new().unwrap(),
            commands: command_end,
            media: media_end,
            workers: vec![link],
            events,
            peer_count: Arc::new(AtomicUsize::new(viewers.len() + 1)),
        });
        // Nobody sends from here; the host's packets are put in place by hand.
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let mut rig = Self {
            worker,
            host: Far { route: Route::Udp(from), srtp: keys().1 },
            viewers: Vec::new(),
            sequence: 1,
            frames: 0,
            _events: received,
        };
        rig.set_time();
        rig.connect(1, Direction::Publish, from, OFFER);
        for (&to, number) in viewers.iter().zip(2..) {
            let far = rig.connect(number, Direction::Play, to, offer);
            rig.viewers.push(far);
        }
        rig
    }

    fn connect(
        &mut self,
        number: u64,
        direction: Direction,
        address: SocketAddr,
        offer: &str,
    ) -> Far {
        let (near, far) = keys();
        let (id, route) = self.add(number, direction, address, offer);
        let now = self.worker.now;
        let peer = self.worker.peers.get_mut(&id).expect("it was added");
        peer.link.connect_without_handshake(route, near, now);
        if number == 1 {
            self.host.srtp = far;
            return Far { route, srtp: keys().1 };
        }
        Far { route, srtp: far }
    }

    /// Somebody comes whose handshake has not begun, and says something.
    pub(super) fn stranger(&mut self, number: u64, address: SocketAddr, datagram: &[u8]) {
        let (_, route) = self.add(number, Direction::Play, address, OFFER);
        assert!(self.worker.setup.socket.place(route, datagram));
        self.worker.handle_datagram(0);
    }

    fn add(
        &mut self,
        number: u64,
        direction: Direction,
        address: SocketAddr,
        offer: &str,
    ) -> (PeerId, Route) {
        let offer = Offer::parse(offer).expect("a good offer");
        let agreement =
            Agreement::new(&offer, direction, &Abilities::of(direction)).expect("we can do that");
        let (id, route) = (PeerId::new(number, 0), Route::Udp(address));
        self.worker.handle_command(Command::Add(Box::new(NewPeer {
            id,
            feed: FeedId::new("room", "host"),
            direction,
            local: ufrag::credentials(id),
            remote: offer.ice,
            role: Role::Server,
            fingerprint: Fingerprint::parse("sha-256 AB").expect("a fingerprint"),
            tracks: agreement.tracks,
            has_data: false,
            cname: "rig".to_owned(),
        })));
        self.worker.addresses.insert(route, id);
        (id, route)
    }

    /// The host sends a picture of so many packets and the worker takes a turn.
    pub(super) fn frame(&mut self, packets: usize) {
        self.set_time();
        for number in 0..packets {
            let datagram = self.packet(number, number + 1 == packets);
            assert!(self.worker.setup.socket.place(self.host.route, &datagram));
            self.worker.handle_datagram(0);
        }
        self.worker.fan_out();
        self.worker.flush();
        self.frames += 1;
    }

    /// One viewer says something, and the worker takes note.
    pub(super) fn feedback(&mut self, viewer: usize, rtcp: &[u8]) {
        let far = &mut self.viewers[viewer];
        let mut datagram = rtcp.to_vec();
        datagram.resize(rtcp.len() + MAX_RTCP_OVERHEAD, 0);
        let len = far.srtp.seal_rtcp(&mut datagram, rtcp.len()).expect("it can be sealed");
        assert!(self.worker.setup.socket.place(far.route, &datagram[..len]));
        self.worker.handle_datagram(0);
        self.worker.flush();
    }

    /// Opens what viewer `at` was sent.
    pub(super) fn open(&mut self, at: usize, datagram: &mut [u8]) -> Option<usize> {
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        let ssrc = u32::from_be_bytes(datagram[8..12].try_into().expect("four bytes"));
        let has_block = datagram[0] & 0x10 != 0;
        let words = if has_block { 1 + usize::from(datagram[15]) } else { 0 };
        self.viewers[at].srtp.open_rtp(datagram, HEADER_LEN + 4 * words, ssrc, sequence)
    }

    fn packet(&mut self, number: usize, is_last: bool) -> Vec<u8> {
        let sequence = self.sequence;
        self.sequence += 1;
        let mut packet = vec![0x80, VIDEO | u8::from(is_last) << 7];
        packet.extend_from_slice(&sequence.to_be_bytes()[6..]);
        packet.extend_from_slice(&(self.frames * 3_000).to_be_bytes());
        packet.extend_from_slice(&VIDEO_SSRC.to_be_bytes());
        // The first frame is a keyframe: parameters, then slices in fragments.
        let payload: &[u8] = match (self.frames, number) {
            (0, 0) => &[0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce],
            (0, _) => &[0x7c, 0x05],
            _ => &[0x5c, 0x01],
        };
        packet.extend_from_slice(payload);
        let len = if is_last { HEADER_LEN + 400 } else { HEADER_LEN + PAYLOAD_LEN };
        packet.resize(len, 0x5a);
        packet.resize(len + MAX_OVERHEAD, 0);
        self.host.srtp.seal_rtp(&mut packet, HEADER_LEN, len, sequence).expect("it can be sealed");
        packet
    }

    /// Time stands still within a turn.
    fn set_time(&mut self) {
        let media = MediaTime::from_millis(10_000) + FRAME * self.frames;
        self.worker.received = media;
        self.worker.now = Now { media, instant: self.worker.now.instant };
    }
}

/// Both ends of a connection.
fn keys() -> (Srtp, Srtp) {
    let profile = ProtectionProfile::AeadAes128Gcm;
    let provider = rtc_crypto::default_provider().expect("ring is compiled in");
    let end = |ours: u8, theirs: u8| {
        let keys = SessionKeys {
            local_master_key: vec![ours; profile.key_len()],
            local_master_salt: vec![ours; profile.salt_len()],
            remote_master_key: vec![theirs; profile.key_len()],
            remote_master_salt: vec![theirs; profile.salt_len()],
        };
        Srtp::new(profile, &keys, provider.crypto()).expect("the keys fit")
    };
    (end(1, 2), end(2, 1))
}

/// Receives for a viewer.
fn port() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
    socket
}

#[test]
fn a_picture_reaches_every_viewer_whole_and_in_order() {
    let ports = [port(), port(), port()];
    let addresses = ports.each_ref().map(|port| port.local_addr().expect("it is bound"));
    let mut rig = Rig::new(&addresses);
    rig.frame(5);
    rig.frame(3);
    for (at, port) in ports.iter().enumerate() {
        let mut sequences = Vec::new();
        for number in 0..8 {
            let mut buffer = [0; 2_048];
            let len = port.recv(&mut buffer).expect("it was sent");
            let clear = rig.open(at, &mut buffer[..len]).expect("authentic");
            let expected = if number == 4 || number == 7 { 400 } else { PAYLOAD_LEN };
            assert!(buffer[..clear].ends_with(&vec![0x5a; expected - 20]), "packet {number}");
            sequences.push(u16::from_be_bytes([buffer[2], buffer[3]]));
        }
        let first = sequences[0];
        assert!(sequences.iter().zip(first..).all(|(sequence, next)| *sequence == next));
    }
}

#[test]
fn what_is_sent_again_under_its_old_number_is_the_same_packet_bit_for_bit() {
    // A viewer without a stream for retransmissions, who is told how long pictures may wait.
    let offer = OFFER
        .replace(" 103\r\n", "\r\n")
        .replace("a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n", "")
        + "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
        + MID;
    let delay = (Duration::from_millis(100), Duration::from_millis(400));
    let port = port();
    let address = port.local_addr().expect("it is bound");
    let config = Config { playout_delay: Some(delay), ..Config::default() };
    let mut rig = Rig::with_viewers(&[address], &offer, config);
    rig.frame(3);
    let receive = || {
        let mut buffer = [0; 2_048];
        let len = port.recv(&mut buffer).expect("it was sent");
        buffer[..len].to_vec()
    };
    let sent: Vec<Vec<u8>> = (0..3).map(|_| receive()).collect();
    for packet in &sent {
        // Under one index other bytes would give the key away (RFC 3711 section 9.1).
        rig.feedback(0, &nack(packet));
        assert_eq!(receive(), *packet);
    }
}

#[test]
fn packets_name_their_section_until_the_viewer_has_told_how_it_receives_them() {
    let port = port();
    let address = port.local_addr().expect("it is bound");
    let mut rig = Rig::with_viewers(&[address], &(OFFER.to_owned() + MID), Config::default());
    let mids = |rig: &mut Rig| {
        rig.frame(2);
        let mut ssrc = [0; 4];
        let mids: Vec<Option<Vec<u8>>> = (0..2)
            .map(|_| {
                let mut buffer = [0; 2_048];
                let len = port.recv(&mut buffer).expect("it was sent");
                let clear = rig.open(0, &mut buffer[..len]).expect("authentic");
                ssrc.copy_from_slice(&buffer[8..12]);
                let header = RtpHeader::parse(&buffer[..clear]).expect("RTP");
                let mut told = header.extensions(&buffer[..clear]);
                told.find(|(id, _)| *id == 4).map(|(_, mid)| mid.to_vec())
            })
            .collect();
        (mids, ssrc)
    };
    let (first, ssrc) = mids(&mut rig);
    assert_eq!(first, [Some(b"1".to_vec()), Some(b"1".to_vec())]);
    let mut report = receiver_report();
    report[8..12].copy_from_slice(&ssrc);
    rig.feedback(0, &report);
    assert_eq!(mids(&mut rig).0, [None, None]);
}

/// Run under `valgrind` with two numbers of rounds, by e2e/bench/instructions.mjs: the difference
/// is what the rounds cost. `LIANMAI_RIG` is viewers, packets a picture, rounds, reports a round.
#[test]
#[ignore = "a measurement, not a test"]
fn rounds() {
    let words = std::env::var("LIANMAI_RIG").expect("LIANMAI_RIG is set");
    let numbers: Vec<usize> =
        words.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [viewers, packets, rounds, reports] = numbers[..] else {
        panic!("LIANMAI_RIG has four numbers");
    };
    // Nobody listens there, which costs nobody but the kernel.
    let address = |number: usize| {
        let port = 10_000 + u16::try_from(number).expect("a few thousand viewers");
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    };
    let mut rig = Rig::new(&(0..viewers).map(address).collect::<Vec<_>>());
    let mut spent = Duration::ZERO;
    // Between two pictures of a real stream the caches see other things.
    let mut others = vec![0_u8; 8 << 20];
    for round in 0..rounds {
        if std::env::var_os("LIANMAI_RIG_COLD").is_some() {
            others.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        }
        let started = Instant::now();
        rig.frame(packets);
        spent += started.elapsed();
        for report in 0..reports {
            rig.feedback((round + report) % viewers, &receiver_report());
        }
    }
    let sent = (viewers * packets * rounds).max(1);
    eprintln!("{} ns a packet", spent.as_nanos() / sent as u128);
}

#[test]
fn a_probe_that_was_kept_waiting_is_no_larger_for_it() {
    let port = port();
    port.set_nonblocking(true).expect("it can be");
    let mut rig = Rig::new(&[port.local_addr().expect("it is bound")]);
    // The path ends somewhere, and this is more than it is thought to carry, so that finding out is
    // worth while once somebody tells.
    rig.feedback(0, &most_wanted());
    rig.frame(60);
    rig.feedback(0, &transport_feedback());
    let mut padding = Vec::new();
    for round in 0..12 {
        // Half a second between two turns, as in a worker that has far too much to do.
        rig.frames += 15;
        rig.frame(1);
        let mut buffer = [0; 2_048];
        let mut bytes = 0;
        while let Ok(len) = port.recv(&mut buffer) {
            bytes += if buffer[1] & 0x7f == RTX { len } else { 0 };
        }
        padding.push((round, bytes));
    }
    // Twice the 1.5 Mbit/s that are supposed at first, for 20 ms, and a packet more.
    let most = padding.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
    assert!((1_000..=7_500 + 300).contains(&most), "{padding:?}");
}

/// Tells of one packet.
fn transport_feedback() -> Vec<u8> {
    let mut out = vec![0x80, 201, 0, 1, 0, 0, 0, 9];
    let head = FeedbackHead { sender: 9, media: 7, number: 0 };
    write(&mut out, head, 1, &[Some(1_000)]);
    out
}

/// Wants no more than 102 Mbit/s (REMB).
fn most_wanted() -> Vec<u8> {
    let mut out = vec![0x8f, 206, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, b'R', b'E', b'M', b'B'];
    out.extend_from_slice(&(10_u32 << 18 | 100_000).to_be_bytes());
    out
}

/// Asks for a packet.
fn nack(packet: &[u8]) -> Vec<u8> {
    let mut nack = vec![0x81, 205, 0, 3, 0, 0, 0, 9];
    nack.extend_from_slice(&packet[8..12]);
    nack.extend_from_slice(&packet[2..4]);
    nack.extend_from_slice(&[0, 0]);
    nack
}

/// A receiver report with one block.
fn receiver_report() -> Vec<u8> {
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    report.extend_from_slice(&[0; 24]);
    report
}
