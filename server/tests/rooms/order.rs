//! Who is banned is gone.

use std::time::Duration;

use media_rules::FeedId;
use room_rules::{Command, ModerationCommand, Role, Ttl};
use signaling::{Ending, Refused, RoomRequest};
use wire_format::Code;

use crate::media::OFFER;
use crate::stage::{NEVER, Person, Stage, member};

#[tokio::test]
async fn a_ban_ends_every_session_and_connection_of_the_user_within_a_second() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    stage.go_live(&mut host).await;
    let dan = member("dan", Role::Viewer);
    let mut first = Person::join(&stage, &host.room, dan.clone()).await.unwrap();
    let mut second = Person::join(&stage, &host.room, dan.clone()).await.unwrap();
    let mut vera = Person::join(&stage, &host.room, member("vera", Role::Viewer)).await.unwrap();
    play(&first).await.unwrap();
    play(&vera).await.unwrap();
    let peers = |stage: &Stage| {
        let sfu = stage.parts.sfu.clone();
        async move { sfu.stats().await.peers }
    };
    assert_eq!(peers(&stage).await, 2);
    let banned_at = stage.parts.clock.now();

    let user = dan.user.clone();
    let ban = ModerationCommand::Ban { user, ttl: Ttl::new(2), reason: None, wipe: false };
    host.says(Command::Moderation(ban)).await.unwrap();

    let until = first.hears("me.banned").await["until"].as_u64().unwrap();
    assert!((2_000..3_000).contains(&(until - banned_at.unix_millis())), "{until}");
    assert_eq!(first.ends().await, Ending::Banned);
    assert_eq!(second.ends().await, Ending::Banned);
    while peers(&stage).await > 1 {
        tokio::task::yield_now().await;
    }
    assert!(stage.parts.clock.now().since(banned_at) < Duration::from_secs(1));
    assert_eq!(play(&first).await.unwrap_err().code, Code::Banned);
    let again = Person::join(&stage, &host.room, dan.clone()).await.map(|_| ());
    assert_eq!(again.unwrap_err().code, Code::Banned);
    host.says(Command::Moderation(ModerationCommand::Unban(dan.user.clone()))).await.unwrap();
    Person::join(&stage, &host.room, dan).await.unwrap();
    assert_eq!(vera.kinds_until("react").await.iter().filter(|t| t.starts_with("mod.")).count(), 0);
}

async fn play(person: &Person) -> Result<(), Refused> {
    let (member, offer) = (person.member.clone(), OFFER.to_owned());
    let feed = Some(FeedId::new("a", "host-a"));
    let play = |reply| RoomRequest::Play { member, until: NEVER, feed, offer, reply };
    person.room.ask(play).await.map(|_| ())
}
