//! With real servers and real players.

use std::time::Duration;

use relay_cdn::{Hub, PullLimits, PushTarget, TargetState};

use crate::media::Player;
use crate::nginx::Nginx;
use crate::probe::{Clock, decode, probe, publish};
use crate::{serve, until, url_of};

const SOON: Duration = Duration::from_secs(10);

async fn until_live(target: &PushTarget) {
    until("the target is live", Duration::from_secs(15), || {
        target.status().state == TargetState::Live
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_and_our_own_url_show_h264_and_aac_in_order() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let nginx = Nginx::start().await;
    let target = PushTarget::start(hub.clone(), "t1".to_owned(), &nginx.url("key")).unwrap();
    let server = serve(&hub, PullLimits::default());
    until_live(&target).await;

    let (at_nginx, ours) = (nginx.url("key"), url_of(&server, "room"));
    let (received, pulled, decoded) = tokio::join!(
        probe(&at_nginx, Clock::Stream, 3),
        probe(&ours, Clock::Stream, 3),
        decode(&ours, 2),
    );

    received.assert_whole();
    pulled.assert_whole();
    assert!(received.longest_gap() < 0.05, "{received:?}");
    assert!(pulled.longest_gap() < 0.05, "{pulled:?}");
    assert_eq!(decoded, "", "every picture and sound decodes");
    assert_eq!((target.status().attempts, target.status().dropped), (1, 0));
    until("players that left are forgotten", SOON, || server.connections() == 0).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_costs_other_targets_nothing_and_is_pushed_to_again() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let (mut victim, bystander) = (Nginx::start().await, Nginx::start().await);
    let first = PushTarget::start(hub.clone(), "t1".to_owned(), &victim.url("key")).unwrap();
    let second = PushTarget::start(hub.clone(), "t2".to_owned(), &bystander.url("key")).unwrap();
    until_live(&first).await;
    until_live(&second).await;

    let other = bystander.url("key");
    let watching = tokio::spawn(async move { probe(&other, Clock::Arrival, 9).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    victim.kill();
    until("the loss is noticed", SOON, || first.status().state != TargetState::Live).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_ne!(first.status().state, TargetState::Live);
    assert!(first.status().error.is_some());
    victim.restart().await;
    until_live(&first).await;
    assert!(first.status().attempts > 1);
    assert_eq!(first.status().error, None);

    probe(&victim.url("key"), Clock::Stream, 2).await.assert_whole();
    let seen = watching.await.unwrap();
    // The victim was away for four seconds; other work on this machine may cost some tenths.
    assert!(seen.video.len() > 200 && seen.longest_gap() < 1.0, "{}", seen.longest_gap());
    assert_eq!((second.status().attempts, second.status().dropped), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_target_frees_its_name_at_once() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let nginx = Nginx::start().await;

    for _ in 0..3 {
        // nginx refuses a name that is still being published.
        let target = PushTarget::start(hub.clone(), "t1".to_owned(), &nginx.url("key")).unwrap();
        until_live(&target).await;
        let status = target.watch();
        assert_eq!(status.borrow().attempts, 1);
        target.stop().await;
        assert_eq!(status.borrow().state, TargetState::Stopped);
    }
    until("nobody takes the program", SOON, || hub.outputs() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_name_that_is_taken_is_an_error_without_the_key() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let nginx = Nginx::start().await;
    let url = nginx.url("secret-key");
    let first = PushTarget::start(hub.clone(), "t1".to_owned(), &url).unwrap();
    until_live(&first).await;

    let second = PushTarget::start(hub.clone(), "t2".to_owned(), &url).unwrap();

    until("it is refused", SOON, || second.status().error.is_some()).await;
    let shown = format!("{:?} {:?} {}", second, second.status(), second.masked_url());
    assert!(shown.contains("***") && !shown.contains("secret"), "{shown}");
    assert_eq!(first.status().attempts, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_are_told_what_is_not_there_and_publishers_are_refused() {
    let hub = Hub::new();
    let _player = Player::start(&hub);
    let server = serve(&hub, PullLimits::default());
    let other_app = format!("rtmp://{}/vod/room", server.local_addr());

    let (nowhere, nothing) = (url_of(&server, "nowhere"), url_of(&server, "room"));
    let (missing, rejected, refused) =
        tokio::join!(probe(&nowhere, Clock::Stream, 1), decode(&other_app, 2), publish(&nothing));

    assert!(missing.streams.is_empty() && missing.stderr.contains("No such stream"), "{missing:?}");
    assert!(rejected.contains("No such application"), "{rejected}");
    assert!(refused.contains("not offered here"), "{refused}");
    probe(&nothing, Clock::Stream, 2).await.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_learn_that_the_program_is_over() {
    let hub = Hub::new();
    let player = Player::start(&hub);
    let server = serve(&hub, PullLimits::default());
    let ours = url_of(&server, "room");
    let watching = tokio::spawn(async move { probe(&ours, Clock::Stream, 20).await });
    until("the player plays", SOON, || hub.outputs() == 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    drop(player);
    hub.close();

    let seen = tokio::time::timeout(Duration::from_secs(5), watching).await.unwrap().unwrap();
    seen.assert_whole();
}
