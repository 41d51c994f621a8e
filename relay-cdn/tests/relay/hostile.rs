//! With strangers who knock at the RTMP port and mean no good.

use std::time::Duration;

use relay_cdn::{Hub, PullLimits, PullServer};
use rml_rtmp::handshake::PeerType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::media::Player;
use crate::peer::shake_hands;
use crate::probe::{Clock, probe};
use crate::{serve, until, url_of};

/// Waits until the server closes `stream` and returns how long that took.
pub(crate) async fn closed_after(mut stream: TcpStream) -> Duration {
    let start = Instant::now();
    let mut discarded = [0; 4096];
    let closing = async { while let Ok(1..) = stream.read(&mut discarded).await {} };
    timeout(Duration::from_secs(9), closing).await.expect("the server must close it");
    start.elapsed()
}

async fn connect(server: &PullServer) -> TcpStream {
    TcpStream::connect(server.local_addr()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_handshakes_are_cut_after_five_seconds_and_disturb_nobody() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let server = serve(&hub, PullLimits::default());

    let mut waiting = tokio::task::JoinSet::new();
    for sent in [0, 1, 700, 1537].repeat(10) {
        let mut stream = connect(&server).await;
        let mut bytes = vec![7; sent];
        if let Some(version) = bytes.first_mut() {
            *version = 3;
        }
        stream.write_all(&bytes).await.unwrap();
        waiting.spawn(closed_after(stream));
    }
    until("all are in", Duration::from_secs(2), || server.connections() == 40).await;
    probe(&url_of(&server, "room"), Clock::Stream, 2).await.assert_whole();

    while let Some(took) = waiting.join_next().await {
        let took = took.unwrap();
        assert!((4.5..6.0).contains(&took.as_secs_f64()), "{took:?}");
    }
    until("nothing is left", Duration::from_secs(2), || server.connections() == 0).await;
    probe(&url_of(&server, "room"), Clock::Stream, 2).await.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_answered_by_closing_and_the_server_goes_on() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let server = serve(&hub, PullLimits::default());
    let mut rng = fastrand::Rng::with_seed(1);

    let mut waiting = tokio::task::JoinSet::new();
    for round in 0..40 {
        let mut stream = connect(&server).await;
        let mut junk: Vec<u8> = (0..rng.usize(2_000..60_000)).map(|_| rng.u8(..)).collect();
        match round % 4 {
            0 => junk[0] = 0x47,
            1 => junk = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            // Deeply nested AMF in a well-formed command.
            2 => {
                shake_hands(&mut stream, PeerType::Client).await;
                let nested = [3, 0, 1, b'a'].repeat(12_000);
                junk = vec![3, 0, 0, 0, 0, 0xbb, 0x80, 20, 0, 0, 0, 0];
                for (index, chunk) in nested.chunks(128).enumerate() {
                    junk.extend((index > 0).then_some(0xc3));
                    junk.extend_from_slice(chunk);
                }
            }
            _ => {
                shake_hands(&mut stream, PeerType::Client).await;
            }
        }
        // The server may hang up before it has read all of it.
        let _ = stream.write_all(&junk).await;
        waiting.spawn(async move {
            let _ = stream.shutdown().await;
            closed_after(stream).await
        });
    }
    while let Some(took) = waiting.join_next().await {
        took.unwrap();
    }

    until("nothing is left", Duration::from_secs(2), || server.connections() == 0).await;
    probe(&url_of(&server, "room"), Clock::Stream, 2).await.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_that_never_plays_and_one_too_many_are_cut() {
    let hub = Hub::new();
    let limits =
        PullLimits { connections: 1, request: Duration::from_secs(1), ..PullLimits::default() };
    let server = serve(&hub, limits);
    let mut idle = connect(&server).await;
    shake_hands(&mut idle, PeerType::Client).await;

    let took = closed_after(connect(&server).await).await;
    assert!(took < Duration::from_millis(500), "one too many is closed at once: {took:?}");
    closed_after(idle).await;
    until("its place is free", Duration::from_secs(2), || server.connections() == 0).await;
}
