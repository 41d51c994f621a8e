//! With peers that stop reading, and what the hub does about them.

use std::time::Duration;

use media_rules::{EncodedFrame, FrameCodec};
use relay_cdn::{Hub, PullLimits, PushTarget, Subscription, TargetState};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::hostile::closed_after;
use crate::media::{Clip, Player};
use crate::peer::{player_that_stops_reading, server_that_stops_reading};
use crate::probe::{Clock, probe};
use crate::{serve, until, url_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_player_is_cut_while_a_fast_one_is_undisturbed() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let limits = PullLimits { write: Duration::from_secs(1), ..PullLimits::default() };
    let server = serve(&hub, limits);
    let ours = url_of(&server, "room");
    let fast = tokio::spawn(async move { probe(&ours, Clock::Arrival, 10).await });
    until("the fast one plays", Duration::from_secs(5), || hub.outputs() == 1).await;

    let slow = player_that_stops_reading(server.local_addr()).await;

    assert_eq!(server.connections(), 2);
    // Sooner than the fast one leaves, so it cannot be that one.
    until("the slow one is cut", Duration::from_secs(7), || server.connections() == 1).await;
    closed_after(slow).await;
    let seen = fast.await.unwrap();
    assert!(seen.video.len() > 200 && seen.longest_gap() < 1.0, "{}", seen.longest_gap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_is_noticed_and_tried_again() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rtmp://{}/live/key", listener.local_addr().unwrap());
    let target = PushTarget::start(hub.clone(), "t1".to_owned(), &url).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let _hung = server_that_stops_reading(stream).await;
    assert_eq!(target.status().state, TargetState::Live);

    until("it is noticed", Duration::from_secs(20), || target.status().error.is_some()).await;

    let error = target.status().error.unwrap();
    assert_eq!(error, "the peer takes no more data");
    let again = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
    again.expect("it must come back").unwrap();
    let start = Instant::now();
    target.stop().await;
    assert!(start.elapsed() < Duration::from_secs(2), "a hung server does not hold up the stop");
}

#[tokio::test]
async fn the_hub_never_waits_and_a_late_reader_goes_on_at_a_keyframe() {
    let (hub, clip) = (Hub::new(), Clip::shared());
    let mut stuck: Vec<_> = (0..50).map(|_| hub.subscribe()).collect();
    let mut longest = Duration::ZERO;
    for index in 0..2_000 {
        let frames = [clip.picture(index), clip.sound(index)];
        for frame in frames {
            let start = Instant::now();
            hub.push(frame);
            longest = longest.max(start.elapsed());
        }
    }

    // 50 outputs that never read; a wait for any of them would have no end.
    assert!(longest < Duration::from_millis(100), "{longest:?}");
    let late = &mut stuck[0];
    assert!(late.dropped() > 1_000, "{}", late.dropped());
    let first = next(late).await;
    assert!(first.codec == FrameCodec::H264 && first.is_key);
    let mut queued = 1;
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(1), late.next()).await {
        queued += 1;
    }
    assert!(queued < 600, "the queue is bounded: {queued}");

    // A newcomer sees the newest keyframe, at most a second old.
    let first = next(&mut hub.subscribe()).await;
    assert_eq!(first, clip.picture(1_980));
    stuck.clear();
    assert_eq!(hub.outputs(), 0);
}

async fn next(subscription: &mut Subscription) -> EncodedFrame {
    let frame = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await;
    frame.expect("a frame must be waiting").unwrap()
}
