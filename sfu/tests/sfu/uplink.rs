//! Goal: whoever watches over a publisher hears in time that its network has turned bad.
//!
//! Method: a real client through a relay that begins to lose every tenth packet when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use media_rules::FeedId;
use media_rules::health::Trouble;
use sfu::Event;

use super::client::Client;
use super::relay::Way;
use super::{Server, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_loses_a_tenth_is_reported_within_two_seconds() {
    let mut server = Server::start();
    let feed = FeedId::new("room", "host");
    let mut host = Client::publisher(1_000).await;
    let is_lossy = Arc::new(AtomicBool::new(false));
    let (mut count, switch) = (0_u32, Arc::clone(&is_lossy));
    let peer = server
        .join_through(&mut host, &feed, move |way, datagram| {
            // RTP only, so that the loss is exactly a tenth of what is counted.
            let is_media =
                way == Way::ToServer && matches!(datagram, [128..=191, 0..=191 | 224.., ..]);
            count += u32::from(is_media);
            is_media && switch.load(Ordering::Relaxed) && count % 10 == 0
        })
        .await;
    let sending = tokio::spawn(async move { stream(&host, 0, 500, 25).await });
    let is_good = |event: &Event| matches!(event, Event::Uplink { health, .. } if health.trouble.is_none() && health.fps > 20);
    server.wait("a good report", is_good).await;

    is_lossy.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let bad = server
        .wait("a bad report", |event| {
            matches!(event, Event::Uplink { health, .. } if health.trouble == Some(Trouble::Loss))
        })
        .await;
    let took = began.elapsed();
    assert!(took <= Duration::from_secs(2), "told after {took:?}");
    let Event::Uplink { peer: whose, feed: of, health } = bad else {
        unreachable!("the wait was for nothing else");
    };
    assert_eq!((whose, of), (peer, feed));
    assert!((30..=200).contains(&health.loss_permille), "{health:?}");
    sending.abort();
}
