//! Goal: what the protocol says a client may send is read as it is meant, and nothing else is read.
//! Method: the golden fixtures, against the values they must become; then limits and noise.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "up/giveaway.rs"]
mod giveaway;
#[path = "up/goods.rs"]
mod goods;
#[path = "up/shop.rs"]
mod shop;

use std::collections::BTreeMap;
use std::time::Duration;

use room_rules::{
    Area, BattlePlan, BattleTerms, ChatText, Command, ConfigChange, CountdownId, GiftCount, GiftId,
    GiftOrder, IdemKey, LikeCount, LinkKind, ModerationCommand, OrderRequest, PkCommand, PkId,
    Quantity, ReasonCode, Rivals, RoomCommand, RoomId, SaleDuration, SaleId, SaleOffer, SaleTerms,
    SeatCommand, SeatCount, SeatIndex, SeatLock, SeatMode, SeatPick, SlowMode, StockCount, Stream,
    Tag, Tags, Title, Ttl, UserId, Watermarks, Word,
};
use serde_json::{Value, json};
use wire_format::{
    AddTarget, ClientMessage, Code, CreateRoom, FRAME_MAX, Fired, Hello, QualityChoice,
    RenditionSize, Resume, Resync, SrsOffer, decode_order, encode_err,
};

const UP: &[&str] = &[
    include_str!("../fixtures/up.json"),
    include_str!("../fixtures/up-shop.json"),
    include_str!("../fixtures/up-goods.json"),
];
const REFUSED: &[&str] = &[
    include_str!("../fixtures/up-refused.json"),
    include_str!("../fixtures/up-refused-shop.json"),
    include_str!("../fixtures/up-refused-goods.json"),
];

#[test]
fn every_message_of_the_protocol_is_read_as_it_is_meant() {
    let fixtures = fixtures(UP);
    let mut expected = expected();

    for fixture in fixtures {
        let name = fixture["name"].as_str().unwrap();
        let message = ClientMessage::decode(fixture["message"].to_string().as_bytes()).unwrap();
        let Some(value) = expected.remove(name) else { panic!("no value for {name}") };
        match (&message, value) {
            (ClientMessage::Command { rid, command }, Ok(expected)) => {
                assert_eq!(*command, expected, "{name}");
                assert_eq!(rid.as_deref(), fixture["message"]["rid"].as_str(), "{name}");
            }
            (message, Err(expected)) => assert_eq!(*message, expected, "{name}"),
            (message, Ok(_)) => panic!("{name} became {message:?}"),
        }
    }
    assert!(expected.is_empty(), "without a fixture: {:?}", expected.keys());
}

#[test]
fn what_cannot_be_read_is_refused_with_the_rid_as_far_as_there_is_one() {
    let fixtures = fixtures(REFUSED);

    for fixture in fixtures {
        let text = fixture["text"].as_str().unwrap();
        let error = ClientMessage::decode(text.as_bytes()).unwrap_err();
        let name = &fixture["name"];
        assert_eq!(error.rid.as_deref(), fixture["rid"].as_str(), "{name}");
        assert_eq!(error.code.as_str(), fixture["code"].as_str().unwrap(), "{name}");
        assert!(!error.message.is_empty(), "{name}");
    }
}

#[test]
fn a_frame_of_the_limit_is_read_and_one_byte_more_is_too_large() {
    let frame = |len: usize| {
        let start = r#"{"v":1,"t":"seat.apply","rid":"1","pad":""#;
        format!("{start}{}\"}}", "x".repeat(len - start.len() - 2))
    };

    ClientMessage::decode(frame(FRAME_MAX).as_bytes()).unwrap();
    let error = ClientMessage::decode(frame(FRAME_MAX + 1).as_bytes()).unwrap_err();

    assert_eq!(error.code, Code::TooLarge);
}

#[test]
fn a_frame_cut_anywhere_or_with_one_byte_changed_never_panics() {
    let fixtures = fixtures(UP);
    for fixture in fixtures {
        let frame = fixture["message"].to_string().into_bytes();
        for at in 0..frame.len() {
            let _ = ClientMessage::decode(&frame[..at]);
            for byte in [0, b'"', b'{', b'9', 0xff] {
                let mut changed = frame.clone();
                changed[at] = byte;
                let _ = ClientMessage::decode(&changed);
            }
        }
    }
    let deep = "[".repeat(FRAME_MAX);
    assert!(ClientMessage::decode(deep.as_bytes()).is_err());
}

#[test]
fn a_number_of_the_client_comes_back_as_it_was_written() {
    let ping = br#"{"v":1,"t":"clk.ping","d":{"c0":1234567.0625}}"#;
    let Ok(ClientMessage::ClockPing { c0 }) = ClientMessage::decode(ping) else { panic!() };

    let pong: Value =
        serde_json::from_str(&wire_format::encode_pong(&c0, 1_000.25, 1_000.5)).unwrap();

    let d = json!({"c0": 1_234_567.062_5, "s1": 1_000.25, "s2": 1_000.5});
    assert_eq!(pong, json!({"v": 1, "t": "clk.pong", "d": d}));
}

#[test]
fn bodies_of_http_requests_are_read_like_messages() {
    let order = decode_order(br#"{"sale":"a-1-sale2","qty":1,"idem":"o-1"}"#).unwrap();
    assert_eq!(order, order_request());
    assert!(decode_order(br#"{"sale":"a-1-sale2","qty":1}"#).is_err());
    assert!(decode_order(b"\xff").is_err());

    let room = CreateRoom::decode(br#"{"room":"a"}"#).unwrap();
    assert_eq!((room.room.as_str(), room.title.as_str()), ("a", "a"));
    assert!(CreateRoom::decode(br#"{"room":"a/b"}"#).is_err());
    let target = AddTarget::decode(br#"{"url":"rtmp://host/app/key"}"#).unwrap();
    assert_eq!(target.url, "rtmp://host/app/key");
    assert!(!format!("{target:?}").contains("key"), "a stream key is not for logs");
    let quality = QualityChoice::decode(br#"{"video_kbps":900,"renditions":["sd","ld"]}"#).unwrap();
    assert_eq!(quality.video_kbps, Some(900));
    assert_eq!(quality.renditions, Some(vec![RenditionSize::Ld, RenditionSize::Sd]));
    assert_eq!(QualityChoice::decode(b"{}").unwrap(), QualityChoice::default());
    for wrong in [r#"{"renditions":["ld","ld"]}"#, r#"{"renditions":["xd"]}"#, r#"{"kbps":1}"#] {
        assert_eq!(QualityChoice::decode(wrong.as_bytes()).unwrap_err().code, Code::BadRequest);
    }
}

#[test]
fn an_offer_of_an_srs_client_is_read_and_its_token_is_not_for_logs() {
    let body = r#"{"api":"http://h/rtc/v1/play/","tid":"2f3a","streamurl":"webrtc://h/live/a?token=t",
        "clientip":null,"sdp":"v=0\r\n"}"#;
    let offer = SrsOffer::decode(body.as_bytes()).unwrap();
    assert_eq!(
        (offer.stream_url.as_str(), offer.sdp.as_str()),
        ("webrtc://h/live/a?token=t", "v=0\r\n")
    );
    assert!(!format!("{offer:?}").contains("token"));

    assert_eq!(SrsOffer::decode(br#"{"sdp":"v=0"}"#).unwrap_err().code, Code::BadRequest);
    let long = |url: usize, sdp: usize| {
        let (url, sdp) = ("u".repeat(url), "s".repeat(sdp));
        SrsOffer::decode(json!({"streamurl": url, "sdp": sdp}).to_string().as_bytes())
    };
    assert!(long(8192, 65_536).is_ok());
    assert_eq!(long(8193, 1).unwrap_err().code, Code::TooLarge);
    assert_eq!(long(1, 65_537).unwrap_err().code, Code::TooLarge);
}

#[test]
fn an_error_without_a_rid_says_nothing_of_one() {
    let at = room_rules::ServerTime::from_unix_millis(5);
    let error: Value = serde_json::from_str(&encode_err(None, Code::Busy, "later", at)).unwrap();
    let d = json!({"message": "later"});
    assert_eq!(
        error,
        json!({"v": 1, "t": "err", "code": "BUSY", "retry_ms": 2000, "st": 5, "d": d})
    );
}

fn fixtures(files: &[&str]) -> Vec<Value> {
    let read = |file: &&str| serde_json::from_str::<Vec<Value>>(file).unwrap();
    files.iter().flat_map(read).collect()
}

/// The value of each fixture: a command, or another message.
fn expected() -> BTreeMap<&'static str, Result<Command, ClientMessage>> {
    let bob = || UserId::parse("bob").unwrap();
    let room = |name| RoomId::parse(name).unwrap();
    let idem = |key| IdemKey::parse(key).unwrap();
    let gift = |gift, count, to, key| {
        let (gift, count) = (GiftId::parse(gift).unwrap(), GiftCount::new(count).unwrap());
        Command::GiftSend(GiftOrder { gift, count, to, idem: idem(key) })
    };
    let commands = [
        ("chat.send", Command::ChatSend(ChatText::parse("你好, room").unwrap())),
        ("like", Command::Like(LikeCount::new(5).unwrap())),
        ("gift.send", gift("rose", 2, Some(room("b")), "g-1")),
        ("gift.send to the own room", gift("like_sticker", 1, None, "g-2")),
        ("packet.open", giveaway::packet_open(Some("来,链接"), 3_000, 30_000)),
        ("packet.open with the usual terms", giveaway::packet_open(None, 0, 60_000)),
        ("packet.claim", giveaway::packet_claim()),
        ("packet.cancel", giveaway::packet_cancel()),
        ("lottery.open", giveaway::lottery_open(3, Some("666"), 30_000, 5_000)),
        ("lottery.open with the usual terms", giveaway::lottery_open(1, None, 60_000, 3_000)),
        ("lottery.enter", giveaway::lottery_enter()),
        ("lottery.abort", giveaway::lottery_abort()),
        ("seat.apply", Command::Seat(SeatCommand::Apply(SeatPick::ANY))),
        ("seat.accept", Command::Seat(SeatCommand::Accept { user: bob(), pick: SeatPick::ANY })),
        ("seat.reject", Command::Seat(SeatCommand::Reject(bob()))),
        ("seat.invite", Command::Seat(SeatCommand::Invite { user: bob(), pick: SeatPick::ANY })),
        ("seat.join", Command::Seat(SeatCommand::Join)),
        ("seat.decline", Command::Seat(SeatCommand::Decline)),
        ("seat.leave", Command::Seat(SeatCommand::Leave)),
        ("seat.kick", Command::Seat(SeatCommand::Kick(bob()))),
        (
            "seat.mute",
            Command::Seat(SeatCommand::Mute { user: bob(), audio: Some(true), video: None }),
        ),
        ("sale.announce", sale_announce(2, 5_000, 30_000)),
        ("sale.announce with the usual terms", sale_announce(1, 3_000, 60_000)),
        ("sale.cancel", Command::SaleCancel(SaleId::parse("a-1-sale2").unwrap())),
        ("order.place", Command::OrderPlace(order_request())),
        ("room.end", Command::RoomEnd),
        ("unknown fields are ignored", Command::RoomEnd),
    ];
    let commands = commands.into_iter().chain(seat_orders()).chain(room_orders());
    let commands = commands.chain(battles());
    let others = session_messages().map(|(name, message)| (name, Err(message)));
    commands
        .chain(shop::commands())
        .chain(goods::commands())
        .map(|(name, command)| (name, Ok(command)))
        .chain(others)
        .collect()
}

fn battles() -> Vec<(&'static str, Command)> {
    let pk = || PkId::parse("a-1-pk1").unwrap();
    let invite = |rooms: &[&str], plan: BattlePlan| {
        let rooms = rooms.iter().map(|name| RoomId::parse(name).unwrap()).collect();
        let rooms = Rivals::new(rooms).unwrap();
        PkCommand::Invite { rooms, terms: BattleTerms::of(plan).unwrap() }
    };
    let usual = BattlePlan::default;
    let a_minute = BattlePlan { battle_s: 60, punish_s: 0, ..usual() };
    let several =
        BattlePlan { prepare_s: 5, rush_s: 10, rush_factor: 2, link: LinkKind::Stay, ..a_minute };
    let battles = [
        ("pk.invite", invite(&["b"], a_minute)),
        ("pk.invite with the usual terms", invite(&["b"], usual())),
        ("pk.invite of several, on terms", invite(&["b", "c"], several)),
        ("pk.invite to a link", invite(&["b"], BattlePlan { link: LinkKind::Link, ..usual() })),
        ("pk.rematch", PkCommand::Rematch),
        ("pk.start", PkCommand::Start(pk())),
        ("pk.accept", PkCommand::Accept(pk())),
        ("pk.reject", PkCommand::Reject(pk())),
        ("pk.cancel", PkCommand::Cancel(pk())),
        ("pk.end", PkCommand::End(pk())),
    ];
    battles.into_iter().map(|(name, command)| (name, Command::Pk(command))).collect()
}

fn seat_orders() -> Vec<(&'static str, Command)> {
    let bob = || UserId::parse("bob").unwrap();
    let three = SeatIndex::new(3).unwrap();
    let pick = SeatPick { index: Some(three), rev: Some(7) };
    let seats = [
        ("seat.apply for one", SeatCommand::Apply(pick)),
        ("seat.invite to one", SeatCommand::Invite { user: bob(), pick }),
        (
            "seat.mute of all",
            SeatCommand::Mute { user: bob(), audio: Some(true), video: Some(false) },
        ),
        (
            "seat.lock",
            SeatCommand::Lock(SeatLock {
                index: three,
                rev: Some(7),
                seat: Some(true),
                audio: Some(false),
                video: None,
                force: true,
            }),
        ),
        ("seat.move", SeatCommand::Move { user: Some(bob()), pick, swap: true }),
        (
            "seat.move of oneself",
            SeatCommand::Move { user: None, pick: SeatPick::of(three), swap: false },
        ),
        ("seat.switch", SeatCommand::Switch { mic: Some(false), cam: None }),
    ];
    seats.into_iter().map(|(name, command)| (name, Command::Seat(command))).collect()
}

fn room_orders() -> Vec<(&'static str, Command)> {
    let bob = || UserId::parse("bob").unwrap();
    let reason = || ReasonCode::parse("spam").unwrap();
    let word = |text| Word::parse(text).unwrap();
    let change = ConfigChange {
        features: vec![(Area::Chat, true), (Area::Gift, false)],
        seat_mode: Some(SeatMode::Free),
        seats: SeatCount::new(2),
        tags: Tags::new(["Beauty", "折扣"].map(|tag| Tag::parse(tag).unwrap())),
    };
    let rooms = [
        ("room.open", RoomCommand::Open),
        ("room.configure", RoomCommand::Configure(change)),
        ("room.hide", RoomCommand::Hide(true)),
        ("room.force_end", RoomCommand::ForceEnd(reason())),
    ];
    let orders = [
        ("mod.mute", ModerationCommand::Mute { user: bob(), ttl: Ttl::new(60) }),
        ("mod.unmute", ModerationCommand::Unmute(bob())),
        (
            "mod.ban",
            ModerationCommand::Ban {
                user: bob(),
                ttl: Ttl::new(3_600),
                reason: Some(reason()),
                wipe: true,
            },
        ),
        (
            "mod.ban for good",
            ModerationCommand::Ban { user: bob(), ttl: None, reason: None, wipe: false },
        ),
        ("mod.unban", ModerationCommand::Unban(bob())),
        ("mod.slow", ModerationCommand::SlowMode(SlowMode::new(10).unwrap())),
        ("mod.mute_all", ModerationCommand::MuteAll(true)),
        (
            "mod.words",
            ModerationCommand::Words { add: vec![word("scam")], remove: vec![word("加微信")] },
        ),
        ("mod.list", ModerationCommand::List),
    ];
    let rooms = rooms.into_iter().map(|(name, command)| (name, Command::Room(command)));
    rooms
        .chain(orders.into_iter().map(|(name, command)| (name, Command::Moderation(command))))
        .collect()
}

fn session_messages() -> [(&'static str, ClientMessage); 8] {
    let room = |name| RoomId::parse(name).unwrap();
    let rid = |rid: &str| Some(rid.to_owned());
    let hello = |room, token, resume| ClientMessage::Hello {
        rid: rid("1"),
        hello: Hello { room, token, resume },
    };
    let q = Watermarks { room: 1, seat: 2, pk: 3, sale: 4, gift: 5, chat: 6, react: 7 };
    let epoch = "01M3251DT7000000000G000001".to_owned();
    let resume = Box::new(Resume { sid: "s-1".to_owned(), epoch, q, me: 8 });
    let resync = Resync { stream: Stream::Gift, from: 5 };
    let c0 = serde_json::Number::from_f64(12.5).unwrap();
    let countdown = CountdownId::parse("01J-sale_open").unwrap();
    let fired = Fired { countdown, revision: 2, lag_ms: -12, unsure_ms: 8 };
    [
        ("hello", hello(room("a"), None, None)),
        ("hello that resumes", hello(room("a"), None, Some(resume))),
        ("hello to another room", hello(room("b"), Some("t.o.k".to_owned()), None)),
        ("resync", ClientMessage::Resync { rid: rid("7"), resync }),
        ("me.ack", ClientMessage::MeAck { rid: None, q: 8 }),
        ("carrier", ClientMessage::Carrier { rid: rid("7"), by_data_channel: true }),
        ("cd.fired", ClientMessage::Fired { rid: None, fired }),
        ("clk.ping", ClientMessage::ClockPing { c0 }),
    ]
}

fn sale_announce(per_user: u32, lead_ms: u64, open_for_ms: u32) -> Command {
    Command::SaleAnnounce(SaleOffer {
        title: Title::parse("口红").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(100).unwrap(),
        per_user: Quantity::new(per_user).unwrap(),
        lead: Duration::from_millis(lead_ms),
        open_for: SaleDuration::new(open_for_ms).unwrap(),
        terms: SaleTerms::default(),
    })
}

fn order_request() -> OrderRequest {
    OrderRequest {
        sale: SaleId::parse("a-1-sale2").unwrap(),
        quantity: Quantity::new(1).unwrap(),
        idem: IdemKey::parse("o-1").unwrap(),
    }
}
