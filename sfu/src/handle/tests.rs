use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::*;

/// Returns a server whose only worker does nothing, and that worker's queue with room for one
/// command.
fn stuck() -> (Sfu, Receiver<Command>) {
    let (commands, command_end) = sync_channel(1);
    let (media, _) = sync_channel(1);
    let waker = Arc::new(Waker::new().expect("there are descriptors left"));
    let shared = Shared {
        config: Config::default(),
        identity: Arc::new(Identity::generate().expect("a certificate can be made")),
        workers: vec![WorkerLink { commands, media, waker, candidates: [].into() }],
        next: AtomicU64::new(1),
        peer_count: Arc::default(),
        has_failed: watch::Sender::new(false),
        _door: None,
    };
    (Sfu { shared: Arc::new(shared) }, command_end)
}

#[tokio::test]
async fn what_must_not_get_lost_waits_until_a_worker_has_room() {
    let (sfu, commands) = stuck();
    let (feed, peer) = (FeedId::new("a", "alice"), PeerId::new(1, 0));
    sfu.request_keyframe(&feed);
    let tap = sfu.tap(feed.clone());
    drop(sfu.tap(feed.clone()));
    sfu.close(peer).await;
    let asked = sfu.clone();
    let silence = Silence { audio: true, video: false };
    tokio::spawn(async move { asked.silence(peer, silence).await });

    let mut taken = Vec::new();
    let all = async {
        while taken.len() < 4 {
            match commands.try_recv() {
                Ok(Command::WantKeyframe(_)) => taken.push("keyframe"),
                Ok(Command::Tap(_, to)) if !to.is_closed() => taken.push("tap"),
                Ok(Command::Close(whom, _)) if whom == peer => taken.push("close"),
                Ok(Command::Silence(whom, _)) if whom == peer => taken.push("silence"),
                Ok(_) => panic!("nobody asked for that"),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), all).await.is_ok(), "{taken:?}");
    taken.sort_unstable();
    assert_eq!(taken, ["close", "keyframe", "silence", "tap"]);
    drop((commands, tap));
}

#[tokio::test]
async fn a_worker_that_panics_is_noticed_and_one_that_stops_is_no_failure() {
    let config = Config { first_port: 0, ..Config::default() };
    let (stopped, _events) = Sfu::start(config.clone()).expect("loopback can be bound");
    let mut news = stopped.shared.has_failed.subscribe();
    drop(stopped);
    // Ends when the last worker's sender is dropped.
    assert!(news.wait_for(|has_failed| *has_failed).await.is_err(), "a stop is no failure");

    let (sfu, _events) = Sfu::start(config).expect("loopback can be bound");
    assert!(sfu.shared.workers[1].try_command(Command::Panic).is_ok());
    let noticed = tokio::time::timeout(Duration::from_secs(10), sfu.failed()).await;
    assert!(noticed.is_ok(), "the panic was not noticed");
    assert_eq!(sfu.stats().await, Stats::default(), "the others still answer");
}
