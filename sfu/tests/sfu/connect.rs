//! Ways to reach the SFU: families of addresses, restarts, connections instead of datagrams.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use media_rules::FeedId;
use sfu::Config;

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
