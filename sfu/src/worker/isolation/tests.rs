//! Goal: whatever place a peer's bug strikes at, it costs that peer alone.
//!
//! Method: one worker with real clients of another implementation on loopback, as in `sfu/tests`. A
//! test names a peer and a place, and the worker panics there as a bug would.

use media_rules::FeedId;

use super::Haunt;
use crate::client::{Client, PATIENCE, VIDEO_PT};
use crate::command::Command;
use crate::{Channel, CloseReason, Config, Event, PeerId, Sfu};

struct Server {
    sfu: Sfu,
    events: tokio::sync::mpsc::Receiver<Event>,
}

impl Server {
    fn start() -> Self {
        let config = Config { first_port: 0, workers: 1, ..Config::default() };
        let (sfu, events) = Sfu::start(config).expect("loopback can be bound");
        Self { sfu, events }
    }

    async fn publisher(&self, feed: &FeedId, ssrc: u32) -> (Client, PeerId) {
        let mut client = Client::publisher(ssrc).await;
        let offer = client.offer().await;
        let session = self.sfu.publish(feed.clone(), &offer).await.expect("a good offer");
        client.connect(session.answer).await;
        (client, session.peer)
    }

    async fn viewer(&self, feed: &FeedId) -> (Client, PeerId) {
        let mut client = Client::viewer().await;
        let offer = client.offer().await;
        let session = self.sfu.play(feed.clone(), &offer).await.expect("a good offer");
        client.connect(session.answer).await;
        (client, session.peer)
    }

    fn haunt(&self, peer: PeerId, place: Haunt) {
        assert!(self.sfu.order(peer, Command::Haunt(peer, place)));
    }

    /// Waits until `peer` is closed for a bug; nobody else may be.
    async fn loses(&mut self, peer: PeerId) {
        let closed = async {
            loop {
                let event = self.events.recv().await.expect("the SFU lives");
                if let Event::Closed { peer, reason } = event {
                    return (peer, reason);
                }
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closed).await.expect("a goodbye in time");
        assert_eq!(closed, (peer, CloseReason::Internal));
    }
}

/// Sends a keyframe every 100 ms, for as long as the test goes on.
fn stream(client: Client) {
    tokio::spawn(async move {
        for frame in 0..u16::MAX {
            let entry = [0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce];
            client.send_video(frame, u32::from(frame) * 1_800, true, &entry).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
}

/// Media of now, not of what lay in the client's queue.
async fn sees_something_new(viewer: &mut Client) {
    while viewer.seen.try_recv().is_ok() {}
    for _ in 0..5 {
        assert_eq!(viewer.next_video().await.header.payload_type, VIDEO_PT);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_sets_off_a_bug_is_closed_and_the_others_go_on() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let (host, _) = server.publisher(&feed, 1_000).await;
    stream(host);
    let (mut bystander, _) = server.viewer(&feed).await;
    for place in [Haunt::Serve, Haunt::Sweep, Haunt::Datagram, Haunt::Command] {
        let (_client, peer) = server.viewer(&feed).await;
        server.haunt(peer, place);
        if place == Haunt::Command {
            server.sfu.send_data(peer, Channel::Chat, "x".into()).expect("room for a command");
        }
        server.loses(peer).await;
        sees_something_new(&mut bystander).await;
    }
    let stats = server.sfu.stats().await;
    assert_eq!((stats.peers, stats.viewers), (2, 1), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_sets_off_a_bug_is_closed_and_the_others_go_on() {
    let mut server = Server::start();
    let (feed, other) = (FeedId::new("room", "host"), FeedId::new("room", "other"));
    let (host, _) = server.publisher(&feed, 1_000).await;
    stream(host);
    let (mut bystander, _) = server.viewer(&feed).await;
    for (place, ssrc) in [(Haunt::Datagram, 3_000), (Haunt::Feedback, 5_000)] {
        let (client, peer) = server.publisher(&other, ssrc).await;
        stream(client);
        server.haunt(peer, place);
        server.loses(peer).await;
        sees_something_new(&mut bystander).await;
    }
    let stats = server.sfu.stats().await;
    assert_eq!((stats.publishers, stats.viewers), (1, 1), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_no_viewer_bears_costs_its_publisher_the_connection_and_few_viewers_theirs() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let (host, publisher) = server.publisher(&feed, 1_000).await;
    let mut viewers = Vec::new();
    for _ in 0..4 {
        viewers.push(server.viewer(&feed).await);
    }
    for (_, peer) in &viewers {
        server.haunt(*peer, Haunt::Serve);
    }
    stream(host);
    let mut closed = Vec::new();
    while closed.len() < 3 {
        let event = tokio::time::timeout(PATIENCE, server.events.recv()).await.expect("in time");
        if let Some(Event::Closed { peer, reason }) = event {
            assert_eq!(reason, CloseReason::Internal);
            closed.push(peer);
        }
    }
    assert!(closed.contains(&publisher), "{closed:?}");
    let stats = server.sfu.stats().await;
    assert_eq!((stats.publishers, stats.viewers), (0, 2), "{stats:?}");
}
