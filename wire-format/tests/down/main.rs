//! Goal: what the server says is what the protocol promises, field by field.
//! Method: the golden fixtures, which were written by hand from `docs/PROTOCOL.md`, against the
//! encoding of the values they stand for. A fixture without a value fails, and the other way round.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod battle;
mod cue;
mod film;
mod gift;
mod giveaway;
mod goods;
mod layout;
mod order;
mod quality;
mod schema;
mod session;
mod shop;
mod stats;
mod uplink;

use std::collections::BTreeMap;

use room_rules::{
    Areas, ChatContent, ChatId, ChatLine, ChatText, Countdown, CountdownId, CountdownKind,
    CountdownState, EndReason, Event, EventBody, GiftCatalog, Member, OrderId, OrderPlaced,
    Performer, PkId, Quantity, Rejected, Reply, Role, RoomId, RoomState, RoomView, SaleId,
    SaleState, SaleView, Scores, SeatIndex, SeatRequestKind, SeatState, SeatView, ServerTime,
    Silence, Snapshot, Stream, Title, UserId, Watermarks,
};
use serde_json::Value;
use stats::{peer_list, publisher_report, viewer_report};
use wire_format::{
    Code, InsertEnd, Lane, SessionName, Target, TargetState, UplinkNews, encode_ack, encode_cue,
    encode_err, encode_event, encode_gift_catalog, encode_hello_ack, encode_insert_ended,
    encode_insert_started, encode_inserts, encode_layers, encode_layout, encode_layout_applied,
    encode_leaderboard, encode_lottery, encode_media_clock, encode_order, encode_packet,
    encode_peer_report, encode_peers, encode_problem, encode_room, encode_rooms, encode_speaker,
    encode_srs_answer, encode_srs_error, encode_staff, encode_stand_in, encode_target,
    encode_targets, encode_uplink, encode_welcome,
};

const MEDIA: &str = "0123456789abcdef0123456789abcdef";
const RTMP: &str = "rtmp://127.0.0.1:1935/live";

#[test]
fn everything_the_server_says_is_as_the_protocol_has_it() {
    let files = [
        include_str!("../../fixtures/down.json"),
        include_str!("../../fixtures/down-shop.json"),
        include_str!("../../fixtures/down-goods.json"),
    ];
    let fixtures = files.iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).unwrap());
    let mut said = said();

    for fixture in fixtures {
        let name = fixture["name"].as_str().unwrap();
        let text = said.remove(name).unwrap_or_else(|| panic!("no value for {name}"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, fixture["message"], "{name}: {text}");
    }
    assert!(said.is_empty(), "without a fixture: {:?}", said.keys());
}

#[test]
fn the_ack_of_hello_holds_what_a_welcome_holds() {
    let name = SessionName { sid: "s-1", epoch: "01M3251DT7000000000G000001" };
    let ack = encode_hello_ack(Some("1"), name, &snapshot());
    let mut ack: Value = serde_json::from_str(&ack).unwrap();
    let welcome: Value = serde_json::from_str(&encode_welcome(&snapshot())).unwrap();

    assert_eq!(ack["t"].take(), "ack");
    assert_eq!(ack["rid"], "1");
    let d = ack["d"].as_object_mut().unwrap();
    assert_eq!(d.remove("sid"), Some("s-1".into()));
    assert_eq!(d.remove("epoch"), Some("01M3251DT7000000000G000001".into()));
    assert_eq!(d.remove("resumed"), Some(false.into()));
    assert_eq!(ack["d"], welcome["d"]);
}

#[test]
fn lists_hold_what_single_answers_hold() {
    let rooms: Value = serde_json::from_str(&encode_rooms(&[room_view()], None, RTMP)).unwrap();
    let room: Value = serde_json::from_str(&encode_room(&room_view(), RTMP)).unwrap();
    assert_eq!(rooms["rooms"][0], room);

    let targets: Value = serde_json::from_str(&encode_targets(&[target()])).unwrap();
    let one: Value = serde_json::from_str(&encode_target(&target())).unwrap();
    assert_eq!(targets["targets"][0], one);
}

#[test]
fn every_code_of_the_protocol_is_here_with_its_status_and_no_other() {
    let page = include_str!("../../../docs/PROTOCOL.md");
    let section =
        page.split("## 6. Codes").nth(1).unwrap().split("WebSocket close").next().unwrap();
    let mut listed = BTreeMap::new();
    for group in section.split('·') {
        let status: u16 = group.trim()[..3].parse().unwrap();
        for code in group.split('`').skip(1).step_by(2) {
            listed.insert(code.to_owned(), status);
        }
    }

    let here: BTreeMap<String, u16> =
        Code::ALL.iter().map(|code| (code.as_str().to_owned(), code.http_status())).collect();
    assert_eq!(here, listed);
}

#[test]
fn every_stream_has_the_lane_that_the_protocol_gives_it() {
    for stream in [Stream::Room, Stream::Seat, Stream::Pk, Stream::Sale, Stream::Me] {
        assert_eq!(Lane::of(stream), Lane::Control);
    }
    assert_eq!(Lane::of(Stream::Gift), Lane::Gift);
    assert_eq!(Lane::of(Stream::Chat), Lane::Chat);
    assert_eq!(Lane::of(Stream::React), Lane::Ambient);
    assert!(Lane::Control < Lane::Gift && Lane::Gift < Lane::Chat && Lane::Chat < Lane::Ambient);
}

/// What each fixture stands for, encoded.
fn said() -> BTreeMap<&'static str, String> {
    let ack = |reply: &Reply| encode_ack(Some("7"), reply, now());
    let gift = |score| Reply::Gift { coins: 10, score };
    let sold_out = Rejected::SoldOut { left: 0 };
    let code = Code::from(&sold_out);
    let mut said = BTreeMap::from([
        ("ack", ack(&Reply::Done)),
        ("ack of chat.send", ack(&Reply::Chat { id: line().id })),
        ("ack of gift.send", ack(&gift(None))),
        ("ack of gift.send in a battle", ack(&gift(Some(scores(10))))),
        ("ack of seat.accept", ack(&Reply::Seat { index: SeatIndex::new(1).unwrap() })),
        ("ack of mod.list", ack(&Reply::Moderation(Box::new(order::moderation())))),
        ("ack of pk.invite", ack(&Reply::Pk { pk: pk() })),
        ("ack of sale.announce", ack(&Reply::Sale { sale: sale_id(), open_at: at(3_000) })),
        ("ack of order.place", ack(&Reply::Order(order()))),
        (
            "publish.layers",
            encode_layers(&[("l".to_owned(), true), ("h".to_owned(), false)], now()),
        ),
        ("err", encode_err(Some("7"), code, &sold_out.to_string(), now())),
        ("welcome", encode_welcome(&snapshot())),
        ("RoomView", encode_room(&room_view(), RTMP)),
        ("Target", encode_target(&target())),
        ("OrderResult", encode_order(&Reply::Order(order()))),
        ("RedPacketRecord", encode_packet(&giveaway::packet_record())),
        ("LotteryRecord", encode_lottery(&giveaway::lottery_record())),
        ("ack of packet.open", ack(&giveaway::packet_opened())),
        ("ack of packet.claim", ack(&giveaway::claimed())),
        ("ack of lottery.open", ack(&giveaway::lottery_opened())),
        ("ack of lottery.enter", ack(&giveaway::entered())),
        ("gifts", encode_gift_catalog(&GiftCatalog::default())),
        ("leaderboard", encode_leaderboard(&gift::leaders())),
        ("leaderboard after a battle", encode_leaderboard(&gift::leaders_after_a_battle())),
        ("peers", encode_peers(&peer_list())),
        ("stats of a publisher", encode_peer_report(&publisher_report())),
        ("stats of a viewer", encode_peer_report(&viewer_report())),
        ("SRS answer", encode_srs_answer("v=0\r\n", MEDIA)),
        ("SRS error", encode_srs_error(Code::NotLive, "this feed is not on the stage")),
        ("speaker", encode_speaker(Some(("a", "alice")), now())),
        ("speaker when nobody speaks", encode_speaker(None, now())),
        ("uplink", encode_uplink(UplinkNews::Still, &uplink::fair(), now())),
        ("uplink.bad", encode_uplink(UplinkNews::Bad, &uplink::bad(), now())),
        ("uplink.good", encode_uplink(UplinkNews::Good, &uplink::good(), now())),
        (
            "media.clock",
            encode_media_clock(MEDIA, u32::MAX, now().unix_millis() as f64 - 33.5, now()),
        ),
        ("cue", encode_cue(&cue::battle(), now().unix_millis())),
        ("cue of a host alone", encode_cue(&cue::solo(), now().unix_millis())),
        ("layout.applied", encode_layout_applied(&layout::applied(), now())),
        ("Layout", encode_layout(&layout::view())),
        ("insert.started", encode_insert_started(&film::insert(), at(33), now())),
        ("insert.ended", encode_insert_ended("i1", &InsertEnd::End, now())),
        ("insert.ended of one that failed", encode_insert_ended("i2", &film::broken(), now())),
        ("Inserts", encode_inserts(&film::inserts())),
        ("StandIn", encode_stand_in(&film::stand_in())),
        ("error body", encode_problem(Code::RoomNotFound, "there is no such room", None)),
    ]);
    said.extend(session::said());
    for (sequence, (name, body)) in (1..).zip(events()) {
        said.insert(name, encode_event(&Event { at: now(), sequence, body }));
    }
    for (name, body) in order::events() {
        said.insert(name, encode_event(&Event { at: now(), sequence: 4, body }));
    }
    for (name, news) in order::staff_news() {
        said.insert(name, encode_staff(&news, now()));
    }
    said.extend(shop::said());
    said.extend(goods::said().into_iter().chain(quality::said()));
    said
}

fn events() -> Vec<(&'static str, EventBody)> {
    let ended = EventBody::RoomState {
        state: RoomState::Ended,
        reason: Some(EndReason::HostLeft),
        note: None,
    };
    let joining = SeatView {
        index: SeatIndex::new(1).unwrap(),
        state: SeatState::Joining,
        user: Some(user("bob")),
        muted: true,
        mic: false,
        lock: Silence { audio: true, video: false },
        rev: 7,
        ..host_seat()
    };
    let apply = EventBody::SeatRequest { user: user("bob"), kind: SeatRequestKind::Apply };
    vec![
        ("room.state", EventBody::RoomState { state: RoomState::Live, reason: None, note: None }),
        ("room.state at the end", ended),
        ("stage.updated", EventBody::StageUpdated(vec![host("a", "Alice"), host("b", "Ben")])),
        ("seat.updated", EventBody::SeatUpdated(joining)),
        ("seat.request", apply),
        ("pk.updated", EventBody::PkUpdated(battle::decided())),
        ("pk.updated before the start", EventBody::PkUpdated(battle::invited())),
        ("pk.score", EventBody::PkScore { pk: pk(), version: 9, scores: scores(10), top: None }),
        ("countdown of a sale", EventBody::Countdown(sale_countdown())),
        ("countdown of a battle", EventBody::Countdown(battle::countdown())),
        ("sale.updated", EventBody::SaleUpdated(sale())),
        ("gift.batch", EventBody::Gifts(vec![gift::roses(), gift::over()])),
        ("chat", EventBody::Chat(line())),
        ("react", EventBody::React(gift::reactions())),
        ("pk.score of other givers", battle::score()),
        ("packet.updated", giveaway::packet_event(giveaway::packet())),
        ("packet.updated when it is over", giveaway::packet_event(giveaway::over())),
        ("lottery.updated", giveaway::lottery_event(giveaway::lottery())),
        ("lottery.updated after the draw", giveaway::lottery_event(giveaway::drawn())),
    ]
}

fn now() -> ServerTime {
    at(0)
}

fn at(millis: u64) -> ServerTime {
    ServerTime::from_unix_millis(1_790_000_000_000 + millis)
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn pk() -> PkId {
    PkId::parse("a-1-pk1").unwrap()
}

fn sale_id() -> SaleId {
    SaleId::parse("a-1-sale2").unwrap()
}

fn scores(of_a: u64) -> Scores {
    Scores { rooms: vec![room("a"), room("b")], points: vec![of_a, 0] }
}

fn host(in_room: &str, name: &str) -> Performer {
    Performer {
        room: room(in_room),
        user: user(&name.to_lowercase()),
        name: name.into(),
        seat: SeatIndex::HOST,
        muted: false,
    }
}

fn sale() -> SaleView {
    SaleView {
        sale: sale_id(),
        title: Title::parse("口红").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: 100,
        left: 83,
        per_user: 1,
        open_at: at(3_000),
        close_at: at(63_000),
        state: SaleState::Open,
        fair: true,
        buyers: Some(9),
        pay_within: None,
        draw: None,
    }
}

fn sale_countdown() -> Countdown {
    Countdown {
        id: CountdownId::parse("a-1-sale2-open").unwrap(),
        revision: 1,
        kind: CountdownKind::SaleOpen,
        open_at: at(3_000),
        close_at: Some(at(63_000)),
        state: CountdownState::Counting,
        labels: &["3", "2", "1", "上链接!"],
        subject: "a-1-sale2".to_owned(),
        fair: true,
    }
}

fn line() -> ChatLine {
    ChatLine {
        id: ChatId::parse("a-1-c3").unwrap(),
        user: user("bob"),
        name: "Bob".into(),
        role: Role::Viewer,
        content: ChatContent::Text(ChatText::parse("\"你好\" <b>&</b>").unwrap()),
    }
}

fn order() -> OrderPlaced {
    OrderPlaced {
        order: OrderId::parse("a-1-sale2-17").unwrap(),
        seq: 17,
        sale: sale_id(),
        quantity: Quantity::new(1).unwrap(),
        stock: 83,
        pay_by: None,
    }
}

fn target() -> Target {
    Target {
        id: "t1".to_owned(),
        url: "rtmp://host/app/***".to_owned(),
        state: TargetState::Waiting,
        attempts: 3,
        error: Some("connection refused".to_owned()),
    }
}

fn host_seat() -> SeatView {
    SeatView {
        index: SeatIndex::HOST,
        state: SeatState::Live,
        user: Some(user("alice")),
        muted: false,
        unseen: false,
        mic: true,
        cam: true,
        locked: false,
        lock: Silence::default(),
        rev: 2,
    }
}

fn room_view() -> RoomView {
    RoomView {
        room: room("a"),
        title: "Alice's shop".into(),
        state: RoomState::Live,
        hidden: false,
        tags: order::tags(),
        host: Some(user("alice")),
        seats: vec![host_seat()],
        stage: vec![host("a", "Alice")],
        battle: None,
        online: 12,
    }
}

fn snapshot() -> Snapshot {
    let index = SeatIndex::new(1).unwrap();
    let idle =
        SeatView { index, state: SeatState::Idle, user: None, locked: true, rev: 0, ..host_seat() };
    Snapshot {
        room: room("a"),
        title: "Alice's shop".into(),
        state: RoomState::Live,
        you: Member { user: user("bob"), name: "Bob".into(), role: Role::Viewer, caps: Areas::ALL },
        seats: vec![host_seat(), idle],
        stage: vec![host("a", "Alice")],
        battle: None,
        sales: vec![sale()],
        packets: Vec::new(),
        lotteries: Vec::new(),
        shop: room_rules::ShopView::default(),
        countdowns: vec![sale_countdown()],
        chat: vec![line()],
        questions: Vec::new(),
        settings: order::settings(),
        wishes: vec![order::wish()],
        moderation: Some(order::moderation()),
        muted: Some(None),
        reactions: gift::reactions(),
        at: now(),
        watermarks: Watermarks { room: 1, seat: 2, pk: 3, sale: 4, gift: 5, chat: 6, react: 7 },
    }
}
