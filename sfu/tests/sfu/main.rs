//! Goal: what a publisher sends is what a viewer sees, whatever happens on the way.
//!
//! Method: real sockets on loopback, and on the other side another implementation (webrtc-rs' high
//! level crate) with its own ICE, DTLS, SRTP and SCTP. Video is made of packets that look like
//! H.264 to a forwarder; a keyframe begins with parameter sets, and every payload ends with its
//! number, so that order and loss can be told. Waits are for events and bounded.

#![allow(clippy::unwrap_used, reason = "this whole binary is a test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one thing and skips the rest")]

mod client;
mod connect;
mod relay;
mod sessions;
mod stats;
mod uplink;

use std::time::Duration;

use bytes::Bytes;
use client::{AUDIO_PT, Client, PATIENCE, Seen, VIDEO_PT};
use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaKind, MediaTime, TapItem};
use relay::Way;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::sender_report::SenderReport;
use sfu::{Config, Event, PeerId, Session, Sfu, Silence, Stats};
use tokio::sync::mpsc;

struct Server {
    sfu: Sfu,
    events: mpsc::Receiver<Event>,
}

/// A host on air, and a viewer who has not acted upon the answer yet.
struct Answered {
    host: Client,
    viewer: Client,
    offer: String,
    session: Session,
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

    /// A host comes on air, and a viewer gets an answer.
    async fn answer_a_viewer(&self) -> Answered {
        let feed = FeedId::new("room", "host");
        let mut host = Client::publisher(1_000).await;
        self.publish(&mut host, &feed).await;
        let mut viewer = Client::viewer().await;
        let offer = viewer.offer().await;
        let session = self.sfu.play(feed, &offer).await.unwrap();
        Answered { host, viewer, offer, session }
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
            TapItem::Packet(packet) if packet.kind() == MediaKind::Audio => audio += 1,
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
async fn who_is_silenced_is_heard_and_seen_by_nobody_and_comes_back_without_a_gap() {
    let server = Server::start();
    let feed = FeedId::new("room", "guest");
    let mut tap = server.sfu.tap(feed.clone());
    let mut viewer = Client::viewer().await;
    server.play(&mut viewer, &feed).await;
    let mut guest = Client::publisher(1_000).await;
    let peer = server.publish(&mut guest, &feed).await;
    let sending = tokio::spawn(async move {
        stream(&guest, 0, 120, 10).await;
        guest
    });
    let mut newest_video = viewer.next_video().await.header.sequence_number;
    assert_eq!(next_audio(&mut viewer, &mut newest_video).await.payload.len(), 4);

    server.sfu.silence(peer, Silence { audio: true, video: true }).await;
    let mut last = loop {
        let packet = next_audio(&mut viewer, &mut newest_video).await;
        if packet.payload.len() != 4 {
            break packet.header.sequence_number;
        }
    };
    while tap.try_recv().is_ok() {}
    for _ in 0..10 {
        let packet = next_audio(&mut viewer, &mut newest_video).await;
        assert_eq!(packet.payload[..], SILENCE, "silence in its place");
        assert_eq!(packet.header.sequence_number, last.wrapping_add(1), "nothing is missing");
        last = packet.header.sequence_number;
    }
    let mut tapped = 0;
    while let Ok(item) = tap.try_recv() {
        if let TapItem::Packet(packet) = item {
            assert!(packet.rtp.ends_with(&SILENCE), "neither picture nor sound goes on");
            tapped += 1;
        }
    }
    assert!(tapped > 0);

    server.sfu.silence(peer, Silence::default()).await;
    let back = viewer.next_video().await;
    assert_eq!(number(&back.payload) % 30, 0, "it comes back with a keyframe");
    let next = newest_video.wrapping_add(1);
    assert_eq!(back.header.sequence_number, next, "as if nothing had been dropped");
    drop(sending.await.unwrap());
}

/// What is heard of who is silenced.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// Waits for the next audio packet and notes the pictures on the way.
async fn next_audio(viewer: &mut Client, newest_video: &mut u16) -> rtc::rtp::Packet {
    let pick = |seen| match seen {
        Seen::Rtp(packet) if packet.header.payload_type == AUDIO_PT => Some(packet),
        Seen::Rtp(packet) if packet.header.payload_type == VIDEO_PT => {
            *newest_video = packet.header.sequence_number;
            None
        }
        _ => None,
    };
    viewer.wait("sound", pick).await
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
            && packet.kind() == MediaKind::Video
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
    // The mixer's AAC may come first; it must not use up what the reports are made of.
    local.push(&frame(FrameCodec::Aac, true, vec![1, 2, 3]));
    local.push(&frame(FrameCodec::Opus, true, vec![0xfc, 1, 2, 3]));
    local.push(&frame(FrameCodec::H264, true, unit));
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
async fn viewers_of_every_worker_have_reports_from_the_first_packet_on() {
    let mut server = Server::start();
    let feed = FeedId::program("room");
    let local = server.sfu.local_feed(feed.clone());
    let sound = |millis| EncodedFrame {
        codec: FrameCodec::Opus,
        at: MediaTime::from_millis(millis),
        is_key: true,
        data: Bytes::from_static(&[0xfc, 1, 2, 3]),
    };
    // The clocks are told now, and not again for a second.
    local.push(&sound(5_000));
    let mut viewers = [Client::viewer().await, Client::viewer().await];
    for viewer in &mut viewers {
        let peer = server.play(viewer, &feed).await;
        server.wait("a viewer", |event| *event == Event::Connected { peer }).await;
    }
    local.push(&sound(5_020));
    for viewer in &mut viewers {
        viewer.wait("a sender report", |seen| has::<SenderReport>(&seen).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_feeds_that_end_at_once_leave_nothing_behind() {
    let server = Server::start();
    for number in 0..200 {
        let local = server.sfu.local_feed(FeedId::program(&format!("room-{number}")));
        for _ in 0..5 {
            local.push(&EncodedFrame {
                codec: FrameCodec::Opus,
                at: MediaTime::from_millis(5_000),
                is_key: true,
                data: Bytes::from_static(&[0xfc, 1, 2, 3]),
            });
        }
    }
    server.settle(|stats| stats.feeds == 0).await;
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

fn has<P: 'static>(seen: &Seen) -> bool {
    let Seen::Rtcp(packets) = seen else {
        return false;
    };
    packets.iter().any(|packet| packet.as_any().is::<P>())
}
