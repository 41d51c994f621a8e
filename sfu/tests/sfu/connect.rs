//! Ways to reach the SFU: families of addresses, restarts, connections instead of datagrams.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_rules::FeedId;
use sfu::{CloseReason, Config, Event, RestartError};

use crate::client::{AUDIO_PT, Client, Reach, Seen, VIDEO_PT};
use crate::{Answered, Server, number, relay, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_with_nothing_but_ipv6_sees_a_host_with_nothing_but_ipv4() {
    let both = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let config = Config { bind: both.clone(), advertised: both, workers: 1, ..Config::default() };
    let server = Server::start_with(config);
    let told = server.sfu.candidates();
    assert!(told.len() == 2 && told[0].is_ipv4() && told[1].is_ipv6(), "{told:?}");

    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer_by(Reach::V6).await;
    server.play(&mut viewer, &feed).await;
    let sending = tokio::spawn(async move {
        stream(&host, 0, 60, 5).await;
        host
    });
    let first = viewer.next_video().await;
    assert_eq!(number(&viewer.next_video().await.payload), number(&first.payload) + 1);
    sending.await.unwrap();
}

#[test]
fn an_address_that_no_socket_takes_is_not_advertised() {
    let advertised = vec![IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let started = sfu::Sfu::start(Config { first_port: 0, advertised, ..Config::default() });
    let error = started.err().expect("nothing is bound to IPv6");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_restarts_ice_sees_on_from_another_address() {
    let server = Server::start();
    let Answered { host, mut viewer, session, .. } = server.answer_a_viewer().await;
    let (mut answer, peer) = (session.answer, session.peer);
    viewer.connect(answer.clone()).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 1_500, 10).await });
    viewer.next_video().await;

    let mut etags = vec![session.etag];
    for restarts in 1..=2 {
        let fragment = viewer.restart().await;
        let restart = server.sfu.restart_ice(peer, &fragment).await.unwrap();
        for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
            answer = answer.replace(line(&answer, name), line(&restart.fragment, name));
        }
        etags.push(restart.etag);
        viewer.accept(answer.clone()).await;
        // Between its offer and this answer the viewer may hear nothing.
        let before = number(&viewer.next_video().await.payload);
        // Three packets of a frame in 20 ms: two seconds later the new path has been in use.
        while number(&viewer.next_video().await.payload) < before + 300 {}
        let stats = server.sfu.stats().await;
        assert_eq!((stats.peers, stats.addresses), (2, 2 + restarts), "a new path each time");
    }
    etags.dedup();
    assert_eq!(etags.len(), 3);
    sending.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_living_session_restarts_and_only_with_credentials() {
    let server = Server::start();
    let mut viewer = Client::viewer().await;
    let peer = server.play(&mut viewer, &FeedId::program("room")).await;
    let fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef012345\r\n";
    for bad in ["", "nonsense", "a=ice-ufrag:abcd\r\n"] {
        let refused = server.sfu.restart_ice(peer, bad).await;
        assert_eq!(refused, Err(RestartError::Malformed));
    }
    server.sfu.close(peer).await;
    let refused = server.sfu.restart_ice(peer, fragment).await;
    assert_eq!(refused, Err(RestartError::Gone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_flows_over_tcp_both_ways_and_a_closed_connection_leaves_nothing() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher_by(Reach::Tcp, 1_000).await;
    let publisher = server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer_by(Reach::Tcp).await;
    server.play(&mut viewer, &feed).await;
    let sending = tokio::spawn(async move {
        stream(&host, 0, 100, 10).await;
        host
    });
    let first = viewer.next_video().await;
    for count in 1..150 {
        assert_eq!(number(&viewer.next_video().await.payload), number(&first.payload) + count);
    }
    viewer.next_rtp(AUDIO_PT).await;
    assert_eq!(server.sfu.stats().await.addresses, 2);
    sending.await.unwrap().connection.close().await.unwrap();
    let left = Event::Closed { peer: publisher, reason: CloseReason::Left };
    server.wait("the end", |event| *event == left).await;
    viewer.connection.close().await.unwrap();
    server.settle(|stats| (stats.peers, stats.addresses) == (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_viewer_whose_network_stalls_goes_on_with_a_new_picture() {
    let server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer_by(Reach::Tcp).await;
    let offer = viewer.offer().await;
    let session = server.sfu.play(feed, &offer).await.unwrap();
    let is_stalled = Arc::new(AtomicBool::new(false));
    viewer.connect(relay::insert_tcp(&session.answer, Arc::clone(&is_stalled)).await).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 1_500, 25).await });
    viewer.next_video().await;

    is_stalled.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    while viewer.seen.try_recv().is_ok() {}
    is_stalled.store(false, Ordering::Relaxed);
    let (mut last, mut skipped) = (viewer.next_video().await, 0);
    // Five seconds of stall are 750 packets, and five buffers on the way hold some of them.
    for _ in 0..900 {
        let packet = viewer
            .wait("video", |seen| match seen {
                Seen::Rtp(packet) if packet.header.payload_type == VIDEO_PT => Some(packet),
                _ => None,
            })
            .await;
        let sequence = last.header.sequence_number.wrapping_add(1);
        assert_eq!(packet.header.sequence_number, sequence, "what is left out has no number");
        let gap = number(&packet.payload) - number(&last.payload) - 1;
        assert!(
            gap == 0 || number(&packet.payload).is_multiple_of(75),
            "only keyframes are skipped to"
        );
        skipped += gap;
        last = packet;
    }
    assert!(skipped > 100, "{skipped} packets were old and not sent");
    sending.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_at_the_tcp_port_are_sent_away() {
    let server = Server::start();
    let mut viewer = Client::viewer_by(Reach::Tcp).await;
    let offer = viewer.offer().await;
    let session = server.sfu.play(FeedId::program("room"), &offer).await.unwrap();
    let port = relay::tcp_candidate(&session.answer);
    let ufrag = line(&session.answer, "a=ice-ufrag:").split_once(':').unwrap().1;

    let mut talker = connect(port);
    talker.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // A request with the right name, signed with the wrong password: nobody in particular.
    let mut forger = connect(port);
    let request = relay::nomination(&format!("{ufrag}:x"), "not the password");
    forger.write_all(&(request.len() as u16).to_be_bytes()).unwrap();
    forger.write_all(&request).unwrap();
    let mut silent = connect(port);
    let before = std::time::Instant::now();
    for (who, stranger) in
        [("talker", &mut talker), ("forger", &mut forger), ("silent", &mut silent)]
    {
        let ended = tokio::task::block_in_place(|| stranger.read(&mut [0; 64]));
        assert!(matches!(ended, Ok(0)) || ended.is_err(), "{who} got {ended:?}");
    }
    assert!(before.elapsed() < Duration::from_secs(9), "{:?}", before.elapsed());
    assert_eq!(server.sfu.stats().await.addresses, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_not_turned_on_somebody_who_did_not_ask_for_it() {
    let server = Server::start();
    let Answered { host, mut viewer, offer, session } = server.answer_a_viewer().await;
    viewer.connect(session.answer.clone()).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 1_500, 10).await });
    viewer.next_video().await;

    // The viewer's own words, from an address where nobody answers.
    let value = |sdp: &str, name| line(sdp, name).split_once(':').unwrap().1.to_owned();
    let answer = &session.answer;
    let user = format!("{}:{}", value(answer, "a=ice-ufrag:"), value(&offer, "a=ice-ufrag:"));
    let nomination = relay::nomination(&user, &value(answer, "a=ice-pwd:"));
    let victim = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    victim.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let server_address = relay::udp_candidate(answer);
    let (mut buffer, mut checks) = ([0; 2_048], 0);
    let before = number(&viewer.next_video().await.payload);
    for _ in 0..30 {
        victim.send_to(&nomination, server_address).unwrap();
        while let Ok(len) = tokio::task::block_in_place(|| victim.recv(&mut buffer)) {
            assert!(len > 20 && buffer[0] < 2, "something else than STUN was sent to a stranger");
            checks += usize::from(buffer[..2] == [0, 1]);
        }
    }
    assert!(checks > 0, "the server wants to know whether anybody is there");
    while number(&viewer.next_video().await.payload) < before + 300 {}
    sending.abort();
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn line<'a>(sdp: &'a str, start: &str) -> &'a str {
    sdp.lines().find(|line| line.starts_with(start)).unwrap()
}
