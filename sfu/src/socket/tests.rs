//! Goal: every datagram arrives whole and from whom it came, with offload, without it, and on a
//! path that refuses it.
//! Method: real sockets on loopback; the kernel is made to refuse by asking it for more segments
//! than it cuts.

use std::net::{Ipv4Addr, UdpSocket};

use super::lane::{GSO_PATIENCE, JOINED_LEN};
use super::*;
use crate::egress::Run;

fn socket(offload: Offload) -> Socket {
    Socket::bind(&[Ipv4Addr::LOCALHOST.into()], 0, offload).expect("loopback is there")
}

fn plain() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
    socket
}

fn local(socket: &Socket) -> SocketAddr {
    socket.local_addrs().expect("it is bound")[0]
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("it is bound")
}

/// Six packets of which the last is shorter, then a longer one.
fn frame() -> Vec<Vec<u8>> {
    let sizes = [1_000, 1_000, 1_000, 1_000, 1_000, 300, 1_100];
    sizes.iter().zip(1..).map(|(&len, mark)| vec![mark; len]).collect()
}

fn egress(to: SocketAddr, packets: &[Vec<u8>]) -> Egress {
    let mut egress = Egress::new();
    for packet in packets {
        assert!(egress.push(Route::Udp(to), packet));
    }
    egress
}

/// Takes datagrams until `count` are there.
fn take(socket: &mut Socket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let waker = Waker::new().expect("an eventfd");
    let mut all = Vec::new();
    while all.len() < count {
        wait(socket, &waker, None, Attention::All, Duration::from_secs(5));
        let received = socket.receive();
        assert!(received > 0, "{} of {count} datagrams came", all.len());
        all.extend((0..received).map(|at| {
            let (from, bytes) = socket.datagram(at);
            (from.address(), bytes.to_vec())
        }));
    }
    all
}

#[test]
fn a_frame_arrives_packet_by_packet_with_and_without_offload() {
    for offload in [Offload::Wanted, Offload::Unwanted] {
        let (mut sender, receiver) = (socket(offload), plain());
        let mut egress = egress(address(&receiver), &frame());
        assert_eq!(sender.send(&mut egress), 0);
        assert_eq!(egress.len(), 0);
        let mut buffer = [0; DATAGRAM_LEN];
        for packet in frame() {
            let len = receiver.recv(&mut buffer).expect("it was sent");
            assert_eq!(buffer[..len], packet, "{offload:?}");
        }
    }
}

#[test]
fn what_the_kernel_joined_is_taken_apart_again() {
    for offload in [Offload::Wanted, Offload::Unwanted] {
        let (mut receiver, mut first, mut second) =
            (socket(offload), socket(Offload::Wanted), socket(Offload::Wanted));
        let to = local(&receiver);
        for sender in [&mut first, &mut second] {
            assert_eq!(sender.send(&mut egress(to, &frame())), 0);
        }
        let all = take(&mut receiver, 2 * frame().len());
        for sender in [&first, &second] {
            let from = local(sender);
            let of_it = all.iter().filter(|(address, _)| *address == from);
            let packets: Vec<Vec<u8>> = of_it.map(|(_, packet)| packet.clone()).collect();
            assert_eq!(packets, frame(), "{offload:?}");
        }
    }
}

#[test]
fn a_kernel_that_joins_says_so_in_fewer_messages() {
    let (mut receiver, mut sender) = (socket(Offload::Wanted), socket(Offload::Wanted));
    let has_gro = receiver.lanes[0].buffer_len == JOINED_LEN;
    if !(has_gro && sender.lanes[0].has_gso) {
        return;
    }
    let to = local(&receiver);
    assert_eq!(sender.send(&mut egress(to, &frame())), 0);
    assert_eq!(take(&mut receiver, frame().len()).len(), frame().len());
    let messages: usize = receiver.lanes.iter().map(|lane| lane.used).sum();
    assert!(messages < frame().len(), "{messages} messages");
}

#[test]
fn a_message_that_the_kernel_refuses_goes_one_by_one_and_offload_is_given_up_in_the_end() {
    let (mut sender, receiver) = (socket(Offload::Wanted), plain());
    let to = address(&receiver);
    // More segments than any kernel cuts.
    let arena = vec![7; 800];
    let refused = Run { to, start: 0, len: 800, segment: 4, count: 200 };
    let fine = Run { to, start: 0, len: 8, segment: 4, count: 2 };
    let mut buffer = [0; 8];
    let mut arrived =
        |count: usize| (0..count).all(|_| receiver.recv(&mut buffer).expect("it was sent") == 4);
    if !sender.lanes[0].has_gso {
        return;
    }
    for _ in 1..GSO_PATIENCE {
        assert_eq!(sender.lanes[0].send(&arena, &[refused]), 0);
        assert!(arrived(200));
    }
    assert_eq!(sender.lanes[0].send(&arena, &[fine]), 0);
    assert!(arrived(2));
    for _ in 0..GSO_PATIENCE {
        assert!(sender.lanes[0].has_gso);
        assert_eq!(sender.lanes[0].send(&arena, &[refused]), 0);
        assert!(arrived(200));
    }
    assert!(!sender.lanes[0].has_gso);
}

#[test]
fn an_address_that_cannot_be_sent_to_costs_the_others_nothing_and_offload_stays() {
    let (mut sender, receiver) = (socket(Offload::Wanted), plain());
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let has_gso = sender.lanes[0].has_gso;
    let mut buffer = [0; DATAGRAM_LEN];
    for _ in 0..2 * GSO_PATIENCE {
        let mut egress = egress(nowhere, &frame());
        assert!(egress.push(Route::Udp(address(&receiver)), &[9; 9]));
        assert_eq!(sender.send(&mut egress), frame().len());
        assert_eq!(receiver.recv(&mut buffer).expect("it was sent"), 9);
    }
    assert_eq!(sender.lanes[0].has_gso, has_gso);
}

#[test]
fn a_datagram_longer_than_any_of_webrtc_is_nobodys() {
    for offload in [Offload::Wanted, Offload::Unwanted] {
        let (mut receiver, sender) = (socket(offload), plain());
        let to = local(&receiver);
        sender.send_to(&[1; 4_000], to).expect("it can be sent");
        sender.send_to(&[2; 40], to).expect("it can be sent");
        assert_eq!(take(&mut receiver, 1), [(address(&sender), vec![2; 40])]);
    }
}

#[test]
fn a_wait_ends_by_the_waker_and_by_a_timeout_below_a_millisecond() {
    let (socket, waker) = (socket(Offload::Wanted), Waker::new().expect("an eventfd"));
    waker.wake();
    let begun = std::time::Instant::now();
    wait(&socket, &waker, None, Attention::All, Duration::from_secs(60));
    assert!(begun.elapsed() < Duration::from_secs(30), "the waker ended it");
    let begun = std::time::Instant::now();
    wait(&socket, &waker, None, Attention::All, Duration::from_micros(300));
    assert!(begun.elapsed() >= Duration::from_micros(300), "the wake was used up");
}

#[test]
fn who_waits_for_media_is_not_woken_by_anything_else_and_loses_none_of_it() {
    let waker = Waker::new().expect("an eventfd");
    let (moment, long) = (Duration::from_millis(20), Duration::from_secs(60));
    for ip in [Ipv4Addr::LOCALHOST.into(), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)] {
        let sender = UdpSocket::bind((ip, 0)).expect("loopback is there");
        let bind = |offload| Socket::bind(&[ip], 0, offload).expect("loopback is there");
        let (mut sorted, unsorted) = (bind(Offload::Wanted), bind(Offload::Unwanted));
        assert_eq!(sorted.lanes.len(), 2, "Linux sorts since 4.5");
        // RTCP, STUN, DTLS, and what nobody sends.
        let aside =
            [&[128, 192, 0][..], &[0x8f, 223], &[0, 1], &[22, 0xfe], &[192, 96], &[127, 96]];
        for datagram in aside {
            sender.send_to(datagram, local(&sorted)).expect("it can be sent");
            let begun = std::time::Instant::now();
            wait(&sorted, &waker, None, Attention::Media, moment);
            assert!(begun.elapsed() >= moment, "{datagram:?} is no media");
            sender.send_to(datagram, local(&unsorted)).expect("it can be sent");
            wait(&unsorted, &waker, None, Attention::Media, long);
            assert!(begun.elapsed() < long, "without sorting all counts");
        }
        for media in [[128, 191], [191, 96], [0x90, 224]] {
            sender.send_to(&media, local(&sorted)).expect("it can be sent");
            let begun = std::time::Instant::now();
            wait(&sorted, &waker, None, Attention::Media, long);
            assert!(begun.elapsed() < long, "{media:?} is media");
            let first = sorted.receive();
            let taken: Vec<Vec<u8>> = (0..first).map(|at| sorted.datagram(at).1.to_vec()).collect();
            assert!(taken.contains(&media.to_vec()));
            assert_eq!(sorted.took_aside(), media == [128, 191], "with the first came all else");
            assert!(!sorted.took_aside() || taken.len() == 1 + aside.len());
        }
    }
}

#[test]
fn a_port_that_is_sorted_is_not_shared_with_another_server() {
    let first = socket(Offload::Wanted);
    let port = local(&first).port();
    assert!(Socket::bind(&[Ipv4Addr::LOCALHOST.into()], port, Offload::Wanted).is_err());
}
