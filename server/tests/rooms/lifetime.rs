//! From the first visitor to the last.

use std::time::Duration;

use room_rules::{Command, Role};
use signaling::{Ending, RoomRequest};
use wire_format::Code;

use crate::stage::{NEVER, Person, Stage, member, room_id};

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_lets_everyone_go_and_its_name_is_free_again() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    let mut viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();

    host.says(Command::RoomEnd).await.unwrap();

    assert_eq!(host.ends().await, Ending::RoomEnded);
    assert_eq!(viewer.ends().await, Ending::RoomEnded);
    gone(&stage, "a").await;
    let again = stage.open("a").await;
    assert_eq!(again.snapshot.chat, []);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_is_in_is_not_kept_for_ever() {
    let stage = Stage::new();
    stage.create("a").await.unwrap();

    tokio::time::sleep(stage.parts.idle - Duration::from_secs(2)).await;
    assert!(stage.parts.directory.find(&room_id("a")).is_some());
    tokio::time::sleep(Duration::from_secs(4)).await;

    gone(&stage, "a").await;
}

#[tokio::test(start_paused = true)]
async fn one_room_too_many_is_turned_down() {
    let stage = Stage::new();
    for room in ["a", "b", "c", "d"] {
        stage.create(room).await.unwrap();
    }

    assert_eq!(stage.create("e").await.unwrap_err().code, Code::Busy);
    assert!(stage.create("a").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shuts_down_tells_its_members_and_opens_no_more_rooms() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;

    stage.parts.draining.cancel();
    stage.parts.tasks.close();

    assert_eq!(host.ends().await, Ending::Draining);
    tokio::time::timeout(Duration::from_secs(5), stage.parts.tasks.wait()).await.unwrap();
    assert_eq!(stage.create("b").await.unwrap_err().code, Code::Draining);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_may_not_publish_and_a_feed_that_is_not_on_stage_cannot_be_watched() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let viewer = member("v", Role::Viewer);

    let (publisher, player) = (viewer.clone(), viewer);
    let publish = host
        .room
        .ask(|reply| RoomRequest::Publish {
            member: publisher,
            until: NEVER,
            offer: String::new(),
            reply,
        })
        .await;
    let feed = media_rules::FeedId::parse("b/somebody");
    let play = host
        .room
        .ask(|reply| RoomRequest::Play {
            member: player,
            until: NEVER,
            feed,
            offer: String::new(),
            reply,
        })
        .await;

    assert_eq!(publish.unwrap_err().code, Code::Forbidden);
    assert_eq!(play.unwrap_err().code, Code::NotFound);
}

async fn gone(stage: &Stage, room: &str) {
    let is_gone = async {
        while stage.parts.directory.find(&room_id(room)).is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), is_gone).await.expect("the room never went");
}
