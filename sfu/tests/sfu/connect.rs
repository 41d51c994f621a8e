//! Ways to reach the SFU: families of addresses, restarts, connections instead of datagrams.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use media_rules::FeedId;
use sfu::{Config, RestartError};

use crate::client::Client;
use crate::{Server, number, stream};

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
    let mut viewer = Client::viewer_on_v6().await;
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
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer().await;
    let offer = viewer.offer().await;
    let session = server.sfu.play(feed, &offer).await.unwrap();
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
        let before = number(&viewer.next_video().await.payload);
        viewer.accept(answer.clone()).await;
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

fn line<'a>(sdp: &'a str, start: &str) -> &'a str {
    sdp.lines().find(|line| line.starts_with(start)).unwrap()
}
