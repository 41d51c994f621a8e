//! Who speaks and how well streams arrive, told to those whom it concerns.

use std::time::Duration;

use media_rules::health::{Health, Trouble};
use media_rules::{FeedId, Voice};
use room_rules::Role;
use serde_json::{Value, json};
use sfu::Event;

use crate::stage::{Person, Stage, member};

fn feed(host: &Person) -> FeedId {
    FeedId::new(host.room.room().as_str(), host.member.user.as_str())
}

fn health(trouble: Option<Trouble>) -> Health {
    Health {
        score: if trouble.is_some() { 40 } else { 100 },
        trouble,
        loss_permille: if trouble.is_some() { 120 } else { 0 },
        rtt: Some(Duration::from_millis(40)),
        jitter: Duration::from_millis(3),
        fps: 30,
        bitrate_bps: 1_500_000,
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_hears_who_speaks_and_who_comes_later_hears_it_at_once() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    stage.go_live(&mut host).await;
    let mut vera = Person::join(&stage, &host.room, member("vera", Role::Viewer)).await.unwrap();
    let speaks = || Event::Voice { feed: feed(&host), voice: Voice::Speaking(30) };
    stage.happens(speaks()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    stage.happens(speaks()).await;

    let said = vera.hears("speaker").await;
    assert_eq!(said, json!({"feed": "a/host-a", "user": "host-a"}));
    let mut late = Person::join(&stage, &host.room, member("late", Role::Viewer)).await.unwrap();
    assert_eq!(late.hears("speaker").await, said);

    // Nothing more is heard of the voice: after a while nobody speaks, without anybody saying so.
    assert_eq!(vera.hears("speaker").await, json!({"feed": null, "user": null}));
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_and_the_host_hear_of_a_bad_uplink_and_nobody_else() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    let mut vera = Person::join(&stage, &host.room, member("vera", Role::Viewer)).await.unwrap();
    let mut ada = Person::join(&stage, &host.room, member("ada", Role::Assistant)).await.unwrap();
    for trouble in [None, Some(Trouble::Loss), Some(Trouble::Loss), None] {
        let peer = stage.some_peer().await;
        stage.happens(Event::Uplink { peer, feed: feed(&host), health: health(trouble) }).await;
    }

    let first = host.hears("uplink").await;
    assert_eq!((&first["user"], &first["trouble"]), (&json!("host-a"), &Value::Null));
    let bad = host.hears("uplink.bad").await;
    assert_eq!((&bad["trouble"], &bad["loss"]), (&json!("loss"), &json!(0.12)));
    assert_eq!(host.hears("uplink").await["trouble"], "loss", "told once as news, then as it is");
    assert_eq!(host.hears("uplink.good").await["score"], 100);
    assert_eq!(ada.hears("uplink.bad").await, bad);
    host.says(room_rules::Command::Like(room_rules::LikeCount::new(1).unwrap())).await.unwrap();
    assert_eq!(vera.kinds_until("react").await, Vec::<String>::new());
}
