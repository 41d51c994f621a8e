//! Whoever breaks off and comes back, and crowds that talk all at once.

use std::collections::BTreeMap;
use std::time::Duration;

use room_rules::{
    ChatText, Command, GiftCount, GiftId, GiftOrder, IdemKey, Role, SeatCommand, SeatPick,
    Watermarks,
};
use serde_json::Value;
use signaling::{Beginning, Ending, Hearing, RoomRequest};
use wire_format::{Code, Resync};

use crate::stage::{Person, Stage, member};

#[tokio::test(start_paused = true)]
async fn who_comes_back_after_five_seconds_hears_everything_once_and_in_order() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let mut viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    let mut heard = Heard::from(viewer.snapshot.watermarks);
    for number in 0..20 {
        busy(&stage, &host, number).await;
        heard.take(&viewer.hears_anything().await);
    }
    while !heard.has(20) {
        heard.take(&viewer.hears_anything().await);
    }

    viewer.leaves().await;
    for number in 20..60 {
        busy(&stage, &host, number).await;
        tokio::time::sleep(Duration::from_millis(125)).await;
    }
    let beginning = viewer.come_back(&stage, heard.marks(), 0).await.unwrap();
    busy(&stage, &host, 60).await;
    while !heard.has(61) {
        heard.take(&viewer.hears_anything().await);
    }

    let Beginning::Resumed { missed } = beginning else { panic!("{beginning:?}") };
    assert!(missed >= 60, "40 requests and the gifts: {missed}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_to_a_server_that_began_anew_goes_on_where_they_broke_off() {
    let stage = Stage::new();
    let mut host = stage.open("a").await;
    stage.go_live(&mut host).await;
    let mut viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    let mut heard = Heard::from(viewer.snapshot.watermarks);
    for number in 0..20 {
        busy(&stage, &host, number).await;
        viewer.says(Command::ChatSend(text("not kept"))).await.ok();
    }
    while !heard.has(20) {
        heard.take(&viewer.hears_anything().await);
    }

    viewer.leaves().await;
    for number in 20..40 {
        busy(&stage, &host, number).await;
        tokio::time::sleep(Duration::from_millis(125)).await;
    }
    let stage = stage.restart().await;
    viewer.room = stage.create("a").await.unwrap();
    let sid = viewer.sid.clone();
    let beginning = viewer.come_back(&stage, heard.marks(), 0).await.unwrap();
    busy(&stage, &viewer, 40).await;
    while !heard.has(41) || heard.interruptions == 0 {
        heard.take(&viewer.hears_anything().await);
    }

    let Beginning::Resumed { missed } = beginning else { panic!("{beginning:?}") };
    assert!(missed >= 40, "20 requests for seats and the gifts: {missed}");
    let mut thief = Person::join(&stage, &viewer.room, member("t", Role::Viewer)).await.unwrap();
    thief.sid = sid;
    assert_anew(&thief.come_back(&stage, heard.marks(), 0).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_of_a_session_takes_the_place_of_the_first() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let mut older = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    let mut newer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    newer.sid = older.sid.clone();

    let beginning = newer.come_back(&stage, older.snapshot.watermarks, 0).await.unwrap();

    assert!(matches!(beginning, Beginning::Resumed { .. }));
    assert_eq!(older.ends().await, Ending::Superseded);
    newer.says(Command::ChatSend(text("still here"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_too_late_or_under_another_name_or_life_begins_anew() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let mut viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    let mut thief = Person::join(&stage, &host.room, member("t", Role::Viewer)).await.unwrap();
    let marks = viewer.snapshot.watermarks;

    thief.sid = viewer.sid.clone();
    assert_anew(&thief.come_back(&stage, marks, 0).await.unwrap());
    viewer.says(Command::ChatSend(text("not cut"))).await.unwrap();
    assert_ne!(thief.sid.as_str(), viewer.sid.as_str());

    viewer.leaves().await;
    tokio::time::sleep(Duration::from_secs(62)).await;
    assert_anew(&viewer.come_back(&stage, marks, 0).await.unwrap());

    viewer.epoch = room_rules::LifeId::parse("another").unwrap();
    assert_anew(&viewer.come_back(&stage, marks, 0).await.unwrap());

    // Numbers that the room has not reached are another room's.
    viewer.epoch = host.epoch.clone();
    let ahead = Watermarks { sale: 1_000, ..marks };
    assert_anew(&viewer.come_back(&stage, ahead, 0).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_filled_as_long_as_the_events_are_kept() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    for number in 0..10 {
        busy(&stage, &host, number).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let (stream, session) = (room_rules::Stream::Gift, viewer.session);
    let resync = |reply| {
        let hearing = Hearing::Resync { resync: Resync { stream, from: 4 }, reply };
        RoomRequest::Hearing { session, hearing }
    };
    assert!(viewer.room.ask(resync).await.unwrap() >= 7);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(viewer.room.ask(resync).await.unwrap_err().code, Code::Expired);
}

#[tokio::test(start_paused = true)]
async fn ten_times_too_much_chat_costs_no_gift_no_seat_and_no_time() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let mut viewer = Person::join(&stage, &host.room, member("v", Role::Viewer)).await.unwrap();
    let mut crowd = Vec::new();
    for number in 0..200 {
        let person = member(&format!("c{number}"), Role::Viewer);
        crowd.push(Person::join(&stage, &host.room, person).await.unwrap());
    }
    let mut heard = Heard::from(viewer.snapshot.watermarks);

    // 200 lines a second for ten seconds, ten times what is shown.
    let mut lines = 0;
    for number in 0..100 {
        for person in crowd.iter().skip(number % 10 * 20).take(20) {
            person.says(Command::ChatSend(text("hi"))).await.unwrap();
        }
        busy(&stage, &host, number as u64).await;
        let tick = tokio::time::Instant::now() + Duration::from_millis(100);
        while let Ok(event) = tokio::time::timeout_at(tick, viewer.hears_anything()).await {
            lines += u32::from(event["t"] == "chat");
            heard.take(&event);
        }
    }
    while !heard.has(100) {
        let event = viewer.hears_anything().await;
        lines += u32::from(event["t"] == "chat");
        heard.take(&event);
    }
    assert!((200..=204).contains(&lines), "20 a second: {lines}");
}

/// Something on a stream of each lane that loses nothing.
async fn busy(stage: &Stage, host: &Person, number: u64) {
    let giver = member(&format!("g{}", number % 10), Role::Viewer);
    let giver = Person::join(stage, &host.room, giver).await.unwrap();
    let order = GiftOrder {
        gift: GiftId::parse("rose").unwrap(),
        count: GiftCount::new(1).unwrap(),
        to: None,
        idem: IdemKey::parse(&format!("g{number}")).unwrap(),
    };
    giver.says(Command::GiftSend(order)).await.unwrap();
    giver.says(Command::Seat(SeatCommand::Apply(SeatPick::ANY))).await.unwrap();
    giver.leaves().await;
}

/// What somebody heard on the streams that lose nothing.
struct Heard {
    /// By stream, the last event.
    last: BTreeMap<String, u64>,
    roses: u64,
    interruptions: u64,
}

impl Heard {
    fn from(marks: Watermarks) -> Self {
        let streams = [("gift", marks.gift), ("seat", marks.seat), ("sale", marks.sale)];
        let others = [("room", marks.room), ("pk", marks.pk)];
        let last = streams.into_iter().chain(others).map(|(s, q)| (s.to_owned(), q)).collect();
        Self { last, roses: 0, interruptions: 0 }
    }

    /// Takes an event, which must be the next one of its stream.
    fn take(&mut self, event: &Value) {
        let Some(last) = event["s"].as_str().and_then(|stream| self.last.get_mut(stream)) else {
            return;
        };
        assert_eq!(event["q"].as_u64(), Some(*last + 1), "{event}");
        *last += 1;
        self.interruptions += u64::from(event["d"]["state"] == "interrupted");
        if event["t"] == "gift.batch" {
            let gifts = event["d"]["gifts"].as_array().unwrap();
            self.roses += gifts.iter().filter_map(|gift| gift["n"].as_u64()).sum::<u64>();
        }
    }

    fn has(&self, roses: u64) -> bool {
        assert!(self.roses <= roses, "{} instead of {roses}", self.roses);
        self.roses == roses
    }

    fn marks(&self) -> Watermarks {
        let of = |stream: &str| self.last[stream];
        let (gift, seat, sale) = (of("gift"), of("seat"), of("sale"));
        Watermarks { room: of("room"), seat, pk: of("pk"), sale, gift, ..Watermarks::default() }
    }
}

fn assert_anew(beginning: &Beginning) {
    assert!(matches!(beginning, Beginning::Anew(_)), "{beginning:?}");
}

fn text(text: &str) -> ChatText {
    ChatText::parse(text).unwrap()
}
