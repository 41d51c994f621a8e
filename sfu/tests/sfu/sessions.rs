//! Sessions from the first check to goodbye: who is served, who is let go, what stays behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use media_rules::FeedId;
use sfu::{Channel, CloseReason, Config, Event, NegotiateError, Stats};

use crate::client::{AUDIO_PT, Client, Seen};
use crate::relay::{self, Way};
use crate::{Answered, Server, number, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_channels_carry_text_both_ways() {
    let mut server = Server::start();
    let mut viewer = Client::viewer().await;
    let peer = server.play(&mut viewer, &FeedId::program("room")).await;
    let open = Event::DataOpen { peer, channel: Channel::Clk };
    server.wait("the channels", |event| *event == open).await;
    // The other implementation loses what arrives before it has noticed that a channel is open.
    let mut closed: std::collections::BTreeSet<u16> = (0..5).collect();
    while !closed.is_empty() {
        let open = |seen| if let Seen::DataOpen(id) = seen { Some(id) } else { None };
        closed.remove(&viewer.wait("the channels", open).await);
    }
    for (channel, text) in Channel::ALL.into_iter().zip(["ctl", "gift", "chat", "react", "clk"]) {
        server.sfu.send_data(peer, channel, Bytes::from_static(text.as_bytes())).unwrap();
        let (id, data) = viewer
            .wait("a message", |seen| match seen {
                Seen::Data(id, data) => Some((id, data)),
                _ => None,
            })
            .await;
        assert_eq!((id, &data[..]), (channel.stream(), text.as_bytes()));
        viewer.channels[usize::from(channel.stream())].send_text("up").await.unwrap();
        let expected = Event::Data { peer, channel, text: Bytes::from_static(b"up") };
        server.wait("a message", |event| *event == expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_does_not_take_its_control_messages_is_let_go() {
    let mut server = Server::start();
    let mut viewer = Client::viewer().await;
    let deaf = Arc::new(AtomicBool::new(false));
    let is_deaf = Arc::clone(&deaf);
    let feed = FeedId::program("room");
    let peer = server
        .join_through(&mut viewer, &feed, move |way, datagram| {
            // DTLS records, which is what data travels in; checks still get through.
            let is_data = matches!(datagram.first(), Some(20..=63));
            way == Way::ToClient && is_data && is_deaf.load(Ordering::Relaxed)
        })
        .await;
    server
        .wait("the channels", |event| {
            matches!(event, Event::DataOpen { channel: Channel::Ctl, .. })
        })
        .await;
    deaf.store(true, Ordering::Relaxed);
    for _ in 0..40 {
        server.sfu.send_data(peer, Channel::Chat, Bytes::from(vec![b'c'; 16_000])).unwrap();
        server.sfu.send_data(peer, Channel::React, Bytes::from(vec![b'r'; 16_000])).unwrap();
    }
    for _ in 0..40 {
        server.sfu.send_data(peer, Channel::Ctl, Bytes::from(vec![b'x'; 16_000])).unwrap();
    }
    let gone = Event::Closed { peer, reason: CloseReason::TooSlow };
    server.wait("the end", |event| *event == gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_may_have_channels_of_its_own_but_not_without_end() {
    let mut server = Server::start();
    let mut viewer = Client::viewer().await;
    let peer = server.play(&mut viewer, &FeedId::program("room")).await;
    let open = Event::DataOpen { peer, channel: Channel::Clk };
    server.wait("the channels", |event| *event == open).await;
    // The other implementation loses what arrives before it has noticed that a channel is open.
    viewer.wait("ctl", |seen| matches!(seen, Seen::DataOpen(0)).then_some(())).await;
    let mut own = Vec::new();
    for number in 0..3 {
        let channel = viewer.connection.create_data_channel(&format!("own {number}"), None).await;
        own.push(channel.unwrap());
    }
    server.sfu.send_data(peer, Channel::Ctl, Bytes::from_static(b"still here")).unwrap();
    viewer.wait("a message", |seen| matches!(seen, Seen::Data(0, _)).then_some(())).await;
    for number in 3..100 {
        let channel = viewer.connection.create_data_channel(&format!("own {number}"), None).await;
        own.push(channel.unwrap());
    }
    let gone = Event::Closed { peer, reason: CloseReason::Protocol };
    server.wait("the end", |event| *event == gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_insists_on_being_the_dtls_server_is_served() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer().await;
    let offer = viewer.offer().await.replace("a=setup:actpass", "a=setup:passive");
    let session = server.sfu.play(feed, &offer).await.unwrap();
    assert!(session.answer.contains("a=setup:active"));
    viewer.connect(session.answer).await;
    let open = Event::DataOpen { peer: session.peer, channel: Channel::Ctl };
    server.wait("the channels", |event| *event == open).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 40, 5).await });
    viewer.next_video().await;
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_the_sdp_did_not_promise_is_refused() {
    let mut server = Server::start();
    let mut viewer = Client::viewer().await;
    let offer = viewer.offer().await;
    let at = offer.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let end = at + offer[at..].find('\r').unwrap();
    let forged = offer.replace(&offer[at..end], &["00"; 32].join(":"));
    let session = server.sfu.play(FeedId::program("room"), &forged).await.unwrap();
    let answer = rtc::peer_connection::sdp::RTCSessionDescription::answer(session.answer).unwrap();
    viewer.connection.set_remote_description(answer).await.unwrap();
    let gone = Event::Closed { peer: session.peer, reason: CloseReason::Handshake };
    server.wait("the end", |event| *event == gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_whose_address_changes_sees_on() {
    let server = Server::start();
    let Answered { host, mut viewer, session, .. } = server.answer_a_viewer().await;
    let rebind = Arc::new(tokio::sync::Notify::new());
    let answer = relay::insert_nat(&session.answer, Arc::clone(&rebind), |_, _| false);
    viewer.connect(answer.await).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 1_500, 10).await });
    viewer.next_video().await;
    rebind.notify_one();
    // What was on its way before the change may still come; a second of video later it is new.
    let before = number(&viewer.next_video().await.payload);
    while number(&viewer.next_video().await.payload) < before + 150 {}
    assert_eq!(server.sfu.stats().await.addresses, 3, "the old address is remembered for a while");
    sending.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_only_know_aes_cm_are_served_too() {
    let server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher_with(1_000, true).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer_with(true).await;
    server.play(&mut viewer, &feed).await;
    let sending = tokio::spawn(async move { stream(&host, 0, 60, 5).await });
    let first = viewer.next_video().await;
    let next = viewer.next_video().await;
    assert_eq!(number(&next.payload), number(&first.payload) + 1);
    viewer.next_rtp(AUDIO_PT).await;
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_counted_and_nothing_stays_behind() {
    let mut server = Server::start();
    let before = server.sfu.stats().await;
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    let publisher = server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer().await;
    let watcher = server.play(&mut viewer, &feed).await;
    let tap = server.sfu.tap(feed.clone());
    server.settle(|stats| (stats.peers, stats.publishers, stats.taps) == (2, 1, 1)).await;

    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sent = 0;
    for target in server.sfu.candidates() {
        for first in 0..=255_u8 {
            let mut datagram = vec![0; random.usize(1..400)];
            random.fill(&mut datagram);
            datagram[0] = first;
            stranger.send_to(&datagram, target).unwrap();
            sent += 1;
        }
    }
    server.settle(|stats| stats.garbage >= sent).await;
    // Still alive.
    let sending = tokio::spawn(async move {
        stream(&host, 0, 20, 5).await;
        host
    });
    viewer.next_video().await;
    let host = sending.await.unwrap();

    for bad in ["", "v=0", "v=0\r\nm=audio 9 X 0\r\n"] {
        let answer = server.sfu.publish(feed.clone(), bad).await;
        assert!(matches!(answer, Err(NegotiateError::Malformed(_))));
    }
    server.sfu.close(publisher).await;
    let closed = Event::Closed { peer: publisher, reason: CloseReason::Requested };
    server.wait("the end", |event| *event == closed).await;
    // The viewer leaves by itself.
    viewer.connection.close().await.unwrap();
    let left = Event::Closed { peer: watcher, reason: CloseReason::Left };
    server.wait("the end", |event| *event == left).await;
    drop((tap, host));
    let garbage = |stats: &Stats| Stats { garbage: 0, ..stats.clone() };
    server.settle(|stats| garbage(stats) == before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_finish_or_falls_silent_is_let_go() {
    let mut server = Server::start_with(Config {
        connect_timeout: Duration::from_millis(300),
        consent_timeout: Duration::from_millis(800),
        ..Config::default()
    });
    let feed = FeedId::new("room", "host");
    let mut absent = Client::viewer().await;
    let offer = absent.offer().await;
    let session = server.sfu.play(feed.clone(), &offer).await.unwrap();
    let gone = Event::Closed { peer: session.peer, reason: CloseReason::ConnectTimeout };
    server.wait("the end", |event| *event == gone).await;

    let mut server = Server::start_with(Config {
        consent_timeout: Duration::from_millis(800),
        ..Config::default()
    });
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = Arc::clone(&cut);
    let mut silent = Client::viewer().await;
    let peer =
        server.join_through(&mut silent, &feed, move |_, _| is_cut.load(Ordering::Relaxed)).await;
    cut.store(true, Ordering::Relaxed);
    let gone = Event::Closed { peer, reason: CloseReason::ConsentLost };
    server.wait("the end", |event| *event == gone).await;
    server.settle(|stats| (stats.peers, stats.addresses, stats.feeds) == (0, 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_checks_get_lost_stays_as_long_as_its_media_comes() {
    let mut server = Server::start_with(Config {
        consent_timeout: Duration::from_millis(800),
        ..Config::default()
    });
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    let (cut, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (is_cut, count) = (Arc::clone(&cut), Arc::clone(&lost));
    let peer = server
        .join_through(&mut host, &feed, move |_, datagram| {
            let is_lost = is_cut.load(Ordering::Relaxed) && matches!(datagram, [0..=3, ..]);
            count.fetch_add(u32::from(is_lost), Ordering::Relaxed);
            is_lost
        })
        .await;
    cut.store(true, Ordering::Relaxed);

    // Four times the patience.
    stream(&host, 0, 3_200 / 20, 25).await;

    assert!(lost.load(Ordering::Relaxed) > 0, "no check was lost");
    let stats = server.sfu.stats().await;
    assert_eq!((stats.peers, stats.publishers), (1, 1));
    // Without media there is nothing that speaks for it.
    let gone = Event::Closed { peer, reason: CloseReason::ConsentLost };
    server.wait("the end", |event| *event == gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_says_busy_and_takes_the_next_after_one_left() {
    let server = Server::start_with(Config { max_peers: 1, ..Config::default() });
    let feed = FeedId::new("room", "host");
    let mut client = Client::viewer().await;
    let offer = client.offer().await;
    let first = server.sfu.play(feed.clone(), &offer).await.unwrap();
    assert_eq!(server.sfu.play(feed.clone(), &offer).await, Err(NegotiateError::Busy));
    server.sfu.close(first.peer).await;
    server.settle(|stats| stats.peers == 0).await;
    assert!(server.sfu.play(feed, &offer).await.is_ok());
}
