//! Goal: what a publisher sends is what a viewer sees, whatever happens on the way.
//!
//! Method: real sockets on loopback, and on the other side another implementation (webrtc-rs' high
//! level crate) with its own ICE, DTLS, SRTP and SCTP. Video is made of packets that look like
//! H.264 to a forwarder; a keyframe begins with parameter sets, and every payload ends with its
//! number, so that order and loss can be told. Waits are for events and bounded.

#![allow(clippy::unwrap_used, reason = "this whole binary is a test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one thing and skips the rest")]

mod client;
mod relay;

use std::time::Duration;

use bytes::Bytes;
use client::{AUDIO_PT, Client, PATIENCE, Seen, VIDEO_PT};
use media_rules::{Codec, EncodedFrame, FeedId, MediaKind, MediaTime, TapItem};
use relay::Way;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::sender_report::SenderReport;
use sfu::{Channel, CloseReason, Config, Event, NegotiateError, PeerId, Sfu, Stats};
use tokio::sync::mpsc;

struct Server {
    sfu: Sfu,
    events: mpsc::Receiver<Event>,
}

impl Server {
    fn start() -> Self {
        Self::start_with(Config::default())
    }

    #[allow(clippy::needless_pass_by_value, reason = "a literal at every call")]
    fn start_with(config: Config) -> Self {
        let (sfu, events) = Sfu::start(Config { first_port: 0, ..config }).unwrap();
        Self { sfu, events }
    }

    async fn publish(&self, client: &mut Client, feed: &FeedId) -> PeerId {
        let offer = client.offer().await;
        let session = self.sfu.publish(feed.clone(), &offer).await.unwrap();
        client.connect(session.answer).await;
        session.peer
    }

    async fn play(&self, client: &mut Client, feed: &FeedId) -> PeerId {
        let offer = client.offer().await;
        let session = self.sfu.play(feed.clone(), &offer).await.unwrap();
        client.connect(session.answer).await;
        session.peer
    }

    /// As [`play`](Self::play) and [`publish`](Self::publish), through a lossy piece of network.
    async fn join_through(
        &self,
        client: &mut Client,
        feed: &FeedId,
        loses: impl FnMut(Way, &[u8]) -> bool + Send + 'static,
    ) -> PeerId {
        let offer = client.offer().await;
        let session = match client.video {
            Some(_) => self.sfu.publish(feed.clone(), &offer).await.unwrap(),
            None => self.sfu.play(feed.clone(), &offer).await.unwrap(),
        };
        client.connect(relay::insert(&session.answer, loses).await).await;
        session.peer
    }

    async fn wait(&mut self, what: &str, mut is_it: impl FnMut(&Event) -> bool) -> Event {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the SFU lives");
                if is_it(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} in time"))
    }

    /// Waits until the SFU holds exactly this.
    async fn settle(&self, is_it: impl Fn(&Stats) -> bool) {
        let wait = async {
            while !is_it(&self.sfu.stats().await) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, wait).await;
        assert!(done.is_ok(), "still {:?}", self.sfu.stats().await);
    }
}

/// The first packet of a keyframe: SPS and PPS in a STAP-A, then a number.
fn entry(number: u32) -> Vec<u8> {
    let mut payload = vec![0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce, 0, 5, 0x41];
    payload.extend_from_slice(&number.to_be_bytes());
    payload
}

/// A packet in the middle of nowhere.
fn slice(number: u32) -> Vec<u8> {
    let mut payload = vec![0x41; 900];
    payload.extend_from_slice(&number.to_be_bytes());
    payload
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[payload.len() - 4..].try_into().unwrap())
}

/// Sends frames of three packets every 20 ms; each keyframe is the `every`-th frame.
async fn stream(client: &Client, first: u32, frames: u32, every: u32) {
    for frame in first..first + frames {
        for part in 0..3 {
            let count = frame * 3 + part;
            let payload = if part == 0 && frame % every == 0 { entry(count) } else { slice(count) };
            let sequence = (count & 0xffff) as u16;
            client.send_video(sequence, frame * 1_800, part == 2, &payload).await;
        }
        client.send_audio((frame & 0xffff) as u16, frame * 960, &frame.to_be_bytes()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_played_in_order_and_tapped() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut tap = server.sfu.tap(feed.clone());
    let mut viewer = Client::viewer().await;
    server.play(&mut viewer, &feed).await;
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;

    let sending = tokio::spawn(async move {
        stream(&host, 0, 60, 10).await;
        host
    });
    let first = viewer.next_video().await;
    let mut expected = number(&first.payload);
    assert_eq!(expected % 30, 0, "the first packet is a keyframe's");
    for _ in 0..90 {
        let packet = viewer.next_video().await;
        expected += 1;
        assert_eq!(number(&packet.payload), expected);
        let distance =
            u32::from(packet.header.sequence_number.wrapping_sub(first.header.sequence_number));
        assert_eq!(distance, expected - number(&first.payload));
    }
    server.wait("the feed", |event| *event == Event::MediaStarted { feed: feed.clone() }).await;
    let host = sending.await.unwrap();

    let (mut audio, mut video) = (0, 0);
    while let Ok(item) = tap.try_recv() {
        match item {
            TapItem::Packet(packet) if packet.kind == MediaKind::Audio => audio += 1,
            TapItem::Packet(packet) => {
                assert_eq!(number(&packet.rtp), video);
                video += 1;
            }
            TapItem::Report(_) => {}
        }
    }
    assert_eq!((audio, video), (60, 180));
    drop(host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_viewer_begins_with_a_keyframe_that_was_asked_for() {
    let server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    // No keyframe but the very first, unless somebody asks.
    stream(&host, 0, 5, 1_000).await;
    let mut viewer = Client::viewer().await;
    server.play(&mut viewer, &feed).await;
    let mut next = 5;
    let asked = async {
        loop {
            stream(&host, next, 1, 1_000).await;
            next += 1;
            while let Ok(seen) = host.seen.try_recv() {
                if has::<PictureLossIndication>(&seen) {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("a PLI in time");
    host.send_video((next * 3) as u16, next * 1_800, false, &entry(next * 3)).await;
    let first = viewer.next_video().await;
    assert_eq!(number(&first.payload), next * 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_keeps_the_stream_whole_and_starts_at_a_keyframe() {
    let server = Server::start();
    let (one, two) = (FeedId::new("room", "one"), FeedId::new("room", "two"));
    let mut first = Client::publisher(1_000).await;
    let mut second = Client::publisher(2_000).await;
    server.publish(&mut first, &one).await;
    server.publish(&mut second, &two).await;
    let mut viewer = Client::viewer().await;
    let peer = server.play(&mut viewer, &one).await;
    let streams = tokio::spawn(async move {
        tokio::join!(stream(&first, 0, 150, 10), stream(&second, 100_000, 150, 10));
        (first, second)
    });
    let mut last = viewer.next_video().await;
    let (mut switched, mut seen_after) = (false, 0);
    let mut steps = 0;
    while seen_after < 60 {
        let packet = viewer.next_video().await;
        steps += 1;
        if steps == 30 {
            server.sfu.switch(peer, two.clone()).await;
        }
        assert_eq!(packet.header.ssrc, last.header.ssrc);
        let step = packet.header.sequence_number.wrapping_sub(last.header.sequence_number);
        assert_eq!(step, 1, "a hole after {steps} packets");
        let ticks = packet.header.timestamp.wrapping_sub(last.header.timestamp);
        assert!(ticks < 90_000, "the timestamp jumped by {ticks}");
        if number(&packet.payload) >= 300_000 {
            if !switched {
                assert_eq!(number(&packet.payload) % 30, 0, "the new feed begins with a keyframe");
                switched = true;
            }
            seen_after += 1;
        } else {
            assert!(!switched, "the old feed came back");
        }
        last = packet;
    }
    drop(streams.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_network_loses_on_either_side_is_repaired() {
    let server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut tap = server.sfu.tap(feed.clone());
    // Every tenth video packet, but no retransmission: those have a payload type of their own.
    let every_tenth = |wanted: Way| {
        let mut count = 0;
        move |way: Way, datagram: &[u8]| {
            count += u32::from(way == wanted && relay::is_rtp(datagram, VIDEO_PT));
            way == wanted && relay::is_rtp(datagram, VIDEO_PT) && count % 10 == 7
        }
    };
    let mut host = Client::publisher(1_000).await;
    server.join_through(&mut host, &feed, every_tenth(Way::ToServer)).await;
    let mut viewer = Client::viewer().await;
    server.join_through(&mut viewer, &feed, every_tenth(Way::ToClient)).await;
    let sending = tokio::spawn(async move {
        stream(&host, 0, 100, 10).await;
        host
    });
    let first = number(&viewer.next_video().await.payload);
    let mut missing: std::collections::BTreeSet<u32> = (first + 1..first + 200).collect();
    let repaired = tokio::time::timeout(PATIENCE, async {
        while !missing.is_empty() {
            let seen = viewer.seen.recv().await.expect("the client lives");
            if let Seen::Rtp(packet) = seen
                && packet.header.payload_type != AUDIO_PT
                && packet.payload.len() >= 4
            {
                missing.remove(&number(&packet.payload));
            }
        }
    });
    let is_repaired = repaired.await.is_ok();
    let mut tapped = std::collections::BTreeSet::new();
    while let Ok(item) = tap.try_recv() {
        if let TapItem::Packet(packet) = item
            && packet.kind == MediaKind::Video
        {
            assert_eq!(packet.rtp[1] & 0x7f, VIDEO_PT, "a retransmission is put in its place");
            assert!(tapped.insert(number(&packet.rtp)), "nothing comes twice");
        }
    }
    let untapped: Vec<u32> =
        (first + 1..first + 200).filter(|number| !tapped.contains(number)).collect();
    assert!(
        is_repaired && untapped.is_empty(),
        "from {first} on the viewer misses {missing:?}, the tap misses {untapped:?}"
    );
    drop(sending.await.unwrap());
}

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
    let deaf = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_deaf = std::sync::Arc::clone(&deaf);
    let feed = FeedId::program("room");
    let peer = server
        .join_through(&mut viewer, &feed, move |way, datagram| {
            // DTLS records, which is what data travels in; checks still get through.
            let is_data = matches!(datagram.first(), Some(20..=63));
            way == Way::ToClient && is_data && is_deaf.load(std::sync::atomic::Ordering::Relaxed)
        })
        .await;
    server
        .wait("the channels", |event| {
            matches!(event, Event::DataOpen { channel: Channel::Ctl, .. })
        })
        .await;
    deaf.store(true, std::sync::atomic::Ordering::Relaxed);
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
async fn a_local_feed_is_cut_into_packets_that_make_the_frame_again() {
    let mut server = Server::start();
    let feed = FeedId::program("room");
    let local = server.sfu.local_feed(feed.clone());
    let mut viewer = Client::viewer().await;
    server.play(&mut viewer, &feed).await;
    server.wait("a request", |event| *event == Event::KeyframeWanted { feed: feed.clone() }).await;
    let idr: Vec<u8> =
        std::iter::once(0x65).chain((0..5_000_u32).map(|at| (at % 251) as u8 | 1)).collect();
    let mut unit = vec![0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];
    unit.extend_from_slice(&[0, 0, 0, 1]);
    unit.extend_from_slice(&idr);
    let at = MediaTime::from_millis(5_000);
    let frame =
        |codec, is_key, data: Vec<u8>| EncodedFrame { codec, at, is_key, data: Bytes::from(data) };
    local.push(&frame(Codec::Opus, true, vec![0xfc, 1, 2, 3]));
    local.push(&frame(Codec::Aac, true, vec![1, 2, 3]));
    local.push(&frame(Codec::H264, true, unit));
    let sets = viewer.next_video().await;
    assert_eq!(sets.payload[0] & 0x1f, 24, "the parameter sets travel together");
    let mut whole = Vec::new();
    loop {
        let packet = viewer.next_video().await;
        assert_eq!(packet.header.timestamp, sets.header.timestamp);
        assert_eq!(packet.payload[0] & 0x1f, 28);
        if whole.is_empty() {
            whole.push(packet.payload[0] & 0xe0 | packet.payload[1] & 0x1f);
        }
        whole.extend_from_slice(&packet.payload[2..]);
        if packet.header.marker {
            break;
        }
    }
    assert!(whole == idr, "the slice is whole");
    // Reports come though the feed is fed by nobody but us.
    viewer.wait("a sender report", |seen| has::<SenderReport>(&seen).then_some(())).await;
    drop(local);
    server.settle(|stats| stats.feeds == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_survives_its_publisher() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut viewer = Client::viewer().await;
    server.play(&mut viewer, &feed).await;
    let mut host = Client::publisher(1_000).await;
    let peer = server.publish(&mut host, &feed).await;
    let started = Event::MediaStarted { feed: feed.clone() };
    let sending = tokio::spawn(async move { stream(&host, 0, 40, 5).await });
    server.wait("the feed", |event| *event == started).await;
    let mut last = viewer.next_video().await;
    sending.await.unwrap();
    server.sfu.close(peer).await;
    let stopped = Event::MediaStopped { feed: feed.clone() };
    server.wait("the feed's end", |event| *event == stopped).await;

    let mut host = Client::publisher(7_000).await;
    server.publish(&mut host, &feed).await;
    let sending = tokio::spawn(async move { stream(&host, 200_000, 40, 5).await });
    server.wait("the feed", |event| *event == started).await;
    loop {
        let packet = viewer.next_video().await;
        assert_eq!(packet.header.ssrc, last.header.ssrc);
        assert_eq!(packet.header.sequence_number.wrapping_sub(last.header.sequence_number), 1);
        last = packet;
        if number(&last.payload) >= 600_030 {
            break;
        }
    }
    sending.await.unwrap();
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
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    server.publish(&mut host, &feed).await;
    let mut viewer = Client::viewer().await;
    let offer = viewer.offer().await;
    let session = server.sfu.play(feed, &offer).await.unwrap();
    let rebind = std::sync::Arc::new(tokio::sync::Notify::new());
    let answer = relay::insert_nat(&session.answer, std::sync::Arc::clone(&rebind), |_, _| false);
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
    let cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_cut = std::sync::Arc::clone(&cut);
    let mut silent = Client::viewer().await;
    let peer = server
        .join_through(&mut silent, &feed, move |_, _| {
            is_cut.load(std::sync::atomic::Ordering::Relaxed)
        })
        .await;
    cut.store(true, std::sync::atomic::Ordering::Relaxed);
    let gone = Event::Closed { peer, reason: CloseReason::ConsentLost };
    server.wait("the end", |event| *event == gone).await;
    server.settle(|stats| (stats.peers, stats.addresses, stats.feeds) == (0, 0, 0)).await;
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

fn has<P: 'static>(seen: &Seen) -> bool {
    let Seen::Rtcp(packets) = seen else {
        return false;
    };
    packets.iter().any(|packet| packet.as_any().is::<P>())
}
