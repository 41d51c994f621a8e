//! Two rooms, one battle.

use std::time::Duration;

use media_rules::FeedId;
use room_rules::{
    BattlePlan, BattleTerms, Command, GiftCount, GiftId, GiftOrder, IdemKey, LinkKind, PkCommand,
    PkId, Reply, Rivals, Role,
};
use serde_json::{Value, json};
use signaling::{IfMatch, MediaId, MediaSession, Refused, RoomRequest};
use wire_format::Code;

use crate::media::{OFFER, patch};
use crate::stage::{NEVER, Person, Stage, member, room_id};

#[tokio::test(start_paused = true)]
async fn two_rooms_link_battle_and_agree_on_who_won() {
    let stage = Stage::new();
    let (mut a, mut b) = (stage.open("a").await, stage.open("b").await);
    stage.go_live(&mut a).await;
    stage.go_live(&mut b).await;
    let mut fan = Person::join(&stage, &b.room, member("fan", Role::Viewer)).await.unwrap();

    let pk = challenge(&a, "b").await;
    battle_is(&mut b, "inviting").await;
    b.says(Command::Pk(PkCommand::Accept(pk))).await.unwrap();
    for host in [&mut a, &mut b] {
        let on_stage = stage_of(host, 2).await;
        assert!(
            on_stage.contains(&"a/host-a".to_owned()) && on_stage.contains(&"b/host-b".to_owned())
        );
        battle_is(host, "battling").await;
    }
    battle_is(&mut fan, "battling").await;
    fan.says(Command::GiftSend(GiftOrder {
        gift: GiftId::parse("rose").unwrap(),
        count: GiftCount::new(2).unwrap(),
        to: None,
        idem: IdemKey::parse("g1").unwrap(),
    }))
    .await
    .unwrap();

    for room in [&mut a, &mut b, &mut fan] {
        let battle = battle_is(room, "punishing").await;
        assert_eq!(battle["scores"], json!({"a": 0, "b": 20}));
        assert_eq!(battle["top"], json!({"b": [{"user": "fan", "name": "fan", "points": 20}]}));
        assert_eq!(battle["result"], json!({"winner": "b", "reason": "time"}));
    }
    for host in [&mut a, &mut b] {
        battle_is(host, "idle").await;
    }
}

#[tokio::test(start_paused = true)]
async fn three_rooms_are_linked_without_a_battle_and_the_platform_ends_it() {
    let stage = Stage::new();
    let mut hosts = Vec::new();
    for name in ["a", "b", "c"] {
        let mut host = stage.open(name).await;
        stage.go_live(&mut host).await;
        hosts.push(host);
    }
    let plan = BattlePlan { link: LinkKind::Link, ..BattlePlan::default() };
    let rooms = Rivals::new(vec![room_id("b"), room_id("c")]).unwrap();
    let invite = PkCommand::Invite { rooms, terms: BattleTerms::of(plan).unwrap() };
    let Reply::Pk { pk } = hosts[0].says(Command::Pk(invite)).await.unwrap() else { panic!() };
    for host in &mut hosts[1..] {
        battle_is(host, "inviting").await;
        host.says(Command::Pk(PkCommand::Accept(pk.clone()))).await.unwrap();
    }

    // Whoever owns the battle is through with it before it looks at its stage, the others are not.
    battle_is(&mut hosts[0], "linked").await;
    for host in &mut hosts {
        let on_stage = stage_of(host, 3).await;
        assert_eq!(on_stage, ["a/host-a", "b/host-b", "c/host-c"], "the inviter's comes first");
    }
    for host in &mut hosts[1..] {
        battle_is(host, "linked").await;
    }

    let room = &hosts[2].room;
    let platform = Person::join(&stage, room, member("platform", Role::Admin)).await.unwrap();
    platform.says(Command::Pk(PkCommand::End(pk))).await.unwrap();
    for host in &mut hosts {
        let last = battle_is(host, "idle").await;
        assert_eq!(last["result"], json!({"winner": null, "reason": "forced"}));
        assert_eq!(stage_of(host, 1).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_challenge_to_a_room_that_is_not_there_comes_to_nothing_at_once() {
    let stage = Stage::new();
    let mut a = stage.open("a").await;
    stage.go_live(&mut a).await;
    let asked_at = stage.parts.clock.now();

    challenge(&a, "nowhere").await;
    let battle = battle_is(&mut a, "idle").await;

    assert_eq!(battle["result"]["winner"], Value::Null);
    assert!(stage.parts.clock.now().since(asked_at) < Duration::from_secs(1));
}

// Time is real here, because the SFU's threads live in it.
#[tokio::test]
async fn the_other_rooms_host_is_played_no_longer_than_the_battle_lasts() {
    let stage = Stage::new();
    let (mut a, mut b) = (stage.open("a").await, stage.open("b").await);
    stage.go_live(&mut a).await;
    stage.go_live(&mut b).await;
    let feed = || FeedId::new("b", "host-b");
    assert_eq!(play(&a, feed()).await.unwrap_err().code, Code::NotFound);
    let pk = challenge(&a, "b").await;
    battle_is(&mut b, "inviting").await;
    b.says(Command::Pk(PkCommand::Accept(pk.clone()))).await.unwrap();
    battle_is(&mut a, "preparing").await;

    let rival = play(&a, feed()).await.unwrap();
    let own = play(&a, FeedId::new("a", "host-a")).await.unwrap();
    b.says(Command::Pk(PkCommand::End(pk))).await.unwrap();
    battle_is(&mut a, "idle").await;

    assert_eq!(trickle(&a, rival.id).await.unwrap_err().code, Code::NotFound);
    trickle(&a, own.id).await.unwrap();
    assert_eq!(play(&a, feed()).await.unwrap_err().code, Code::NotFound);
}

async fn play(person: &Person, feed: FeedId) -> Result<MediaSession, Refused> {
    let (member, offer, feed) = (person.member.clone(), OFFER.to_owned(), Some(feed));
    person.room.ask(|reply| RoomRequest::Play { member, until: NEVER, feed, offer, reply }).await
}

async fn trickle(person: &Person, id: MediaId) -> Result<(), Refused> {
    let fragment = "a=mid:0\r\n";
    patch(&person.room, &person.member, id, IfMatch::Any, fragment).await.map(|_| ())
}

async fn challenge(host: &Person, room: &str) -> PkId {
    let terms = BattleTerms::new(10, 5).unwrap();
    let reply = host
        .says(Command::Pk(PkCommand::Invite { rooms: room_id(room).into(), terms }))
        .await
        .unwrap();
    let Reply::Pk { pk } = reply else { panic!("a challenge was answered with {reply:?}") };
    pk
}

/// Waits until the battle is in `state`, past others, and returns it.
async fn battle_is(person: &mut Person, state: &str) -> Value {
    loop {
        let battle = person.hears_within("pk.updated", Duration::from_secs(40)).await;
        if battle["state"] == state {
            return battle;
        }
    }
}

async fn stage_of(host: &mut Person, performers: usize) -> Vec<String> {
    loop {
        let stage = host.hears("stage.updated").await["stage"].take();
        let stage = stage.as_array().unwrap();
        if stage.len() == performers {
            return stage.iter().map(|p| p["feed"].as_str().unwrap().to_owned()).collect();
        }
    }
}
