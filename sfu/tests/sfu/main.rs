//! Goal: what a publisher sends is what a viewer sees, whatever happens on the way.
//!
//! Method: real sockets on loopback, and on the other side another implementation (webrtc-rs' high
//! level crate) with its own ICE, DTLS, SRTP and SCTP. Video is made of packets that look like
//! H.264 to a forwarder; a keyframe begins with parameter sets, and every payload ends with its
//! number, so that order and loss can be told. Waits are for events and bounded.

#![allow(clippy::unwrap_used, reason = "this whole binary is a test")]

mod client;

use std::time::Duration;

use client::{Client, PATIENCE, Seen};
use media_rules::{FeedId, MediaKind, TapItem};
use sfu::{Config, Event, PeerId, Sfu, Stats};
use tokio::sync::mpsc;

struct Server {
    sfu: Sfu,
    events: mpsc::Receiver<Event>,
}

impl Server {
    fn start() -> Self {
        Self::start_with(Config::default())
    }

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
            let payload =
                if part == 0 && frame % every == 0 { entry(count) } else { slice(count) };
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
        let distance = u32::from(packet.header.sequence_number.wrapping_sub(first.header.sequence_number));
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
