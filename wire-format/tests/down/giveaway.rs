//! Red packets and lotteries as their fixtures have them. The lottery's hashes and winners were
//! computed by the rules of `examples/verify_lottery.py`, not by ours.

use std::process::{Command, Stdio};

use room_rules::{
    EventBody, GiveawayEvent, GiveawayReply, LotteryId, LotteryRecord, LotteryState, LotteryView,
    PacketId, PacketRecord, PacketShare, PacketSplit, PacketState, PacketTaker, PacketView, Reply,
    Seed, Title, Winner,
};
use serde_json::{Value, json};
use wire_format::encode_lottery;

use crate::{at, user};

const SEED: Seed = Seed::new([7; 32]);
/// SHA-256 of the list of bob, cara and dan.
const LIST: [u8; 32] = [
    0xbc, 0x62, 0x17, 0x08, 0x52, 0x06, 0xa5, 0xd5, 0x46, 0x82, 0xbb, 0x4a, 0xad, 0x8c, 0x86, 0xc7,
    0x90, 0x26, 0x0a, 0x2c, 0x28, 0xc9, 0x32, 0xee, 0xac, 0xc5, 0xe1, 0xce, 0x6e, 0x9c, 0xda, 0x7e,
];
const WINNERS: [&str; 2] = ["Dan", "Cara"];

pub(crate) fn packet_event(packet: PacketView) -> EventBody {
    EventBody::Giveaway(GiveawayEvent::Packet(packet))
}

pub(crate) fn lottery_event(lottery: LotteryView) -> EventBody {
    EventBody::Giveaway(GiveawayEvent::Lottery(lottery))
}

pub(crate) fn packet() -> PacketView {
    PacketView {
        packet: PacketId::parse("a-1-packet1").unwrap(),
        title: Title::parse("福气").unwrap(),
        total: 10_000,
        shares: 10,
        split: PacketSplit::Lucky,
        wants_keyword: true,
        open_at: at(3_000),
        close_at: at(63_000),
        left: 8,
        left_total: 7_900,
        state: PacketState::Open,
        luckiest: None,
        refunded: 0,
    }
}

pub(crate) fn over() -> PacketView {
    let luckiest = Some(taker("Bob", 1_500));
    PacketView { state: PacketState::Expired, luckiest, refunded: 7_900, ..packet() }
}

pub(crate) fn packet_record() -> PacketRecord {
    PacketRecord { packet: over(), takers: vec![taker("Bob", 1_500), taker("Cara", 600)] }
}

pub(crate) fn lottery() -> LotteryView {
    LotteryView {
        lottery: LotteryId::parse("a-1-lottery1").unwrap(),
        title: Title::parse("抽奖").unwrap(),
        prize: Title::parse("口红").unwrap(),
        places: 2,
        wants_keyword: true,
        commitment: SEED.commitment(),
        close_at: at(60_000),
        draw_at: at(63_000),
        entries: 3,
        state: LotteryState::Open,
        entries_hash: None,
        seed: None,
        winners: Vec::new(),
    }
}

pub(crate) fn drawn() -> LotteryView {
    LotteryView {
        wants_keyword: false,
        state: LotteryState::Drawn,
        entries_hash: Some(Seed::new(LIST).reveal()),
        seed: Some(SEED.reveal()),
        winners: WINNERS.map(winner).into(),
        ..lottery()
    }
}

pub(crate) fn lottery_record() -> LotteryRecord {
    LotteryRecord { lottery: drawn(), entries: ["bob", "cara", "dan"].map(user).into() }
}

pub(crate) fn packet_opened() -> Reply {
    let PacketView { packet, open_at, .. } = packet();
    Reply::Giveaway(GiveawayReply::PacketOpened { packet, open_at })
}

pub(crate) fn claimed() -> Reply {
    let packet = packet().packet;
    let share = PacketShare { packet, amount: 1_500, place: 1, left: 9 };
    Reply::Giveaway(GiveawayReply::Claimed(share))
}

pub(crate) fn lottery_opened() -> Reply {
    let LotteryView { lottery, close_at, draw_at, .. } = lottery();
    Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, close_at, draw_at })
}

pub(crate) fn entered() -> Reply {
    let lottery = lottery().lottery;
    Reply::Giveaway(GiveawayReply::Entered { lottery, entries: 3 })
}

#[test]
fn the_verifier_agrees_with_the_record_and_with_no_other() {
    let record: Value = serde_json::from_str(&encode_lottery(&lottery_record())).unwrap();
    let changed = |field: &str, value: Value| {
        let mut changed = record.clone();
        changed[field] = value;
        verify(&changed)
    };

    assert!(verify(&record));
    assert!(!changed("winners", json!([{"user": "cara", "name": "Cara"}])));
    assert!(!changed("seed", json!("08".repeat(32))));
    assert!(!changed("commitment", json!("08".repeat(32))));
    assert!(!changed("entries", json!(["bob", "cara"])));
    assert!(!changed("entries", json!(["bob", "cara", "eve"])));
    assert!(!changed("places", json!(1)));
}

/// A room's own draw, with many entries, is the one that the verifier makes.
#[test]
fn the_verifier_comes_to_the_winners_of_a_room() {
    for (seed, entrants) in [(1, 0), (2, 1), (3, 2), (4, 300)] {
        let record = room_draw(seed, entrants);
        assert_eq!(record["entered"], entrants);
        assert_eq!(record["winners"].as_array().unwrap().len(), entrants.min(3));
        assert!(verify(&record), "seed {seed}");
    }
}

fn room_draw(seed: u8, entrants: usize) -> Value {
    use room_rules::{
        GiveawayCommand, IdemKey, Input, LotteryEntry, LotteryOffer, Member, Role, Room,
        RoomSettings, SaleDuration, Suspense, WinnerCount,
    };
    let mut room =
        Room::new(crate::room("a"), &Title::parse("A").unwrap(), RoomSettings::default(), at(0));
    let offer = LotteryOffer {
        title: lottery().title,
        prize: lottery().prize,
        winners: WinnerCount::new(3).unwrap(),
        keyword: None,
        open_for: SaleDuration::new(60_000).unwrap(),
        suspense: Suspense::new(3_000).unwrap(),
        seed: Some(Seed::new([seed; 32])),
    };
    let mut say = |name: &str, role: Role, command: GiveawayCommand| {
        let by = Member { user: user(name), name: name.into(), role, caps: room_rules::Areas::ALL };
        let command = room_rules::Command::Giveaway(command);
        let input = Input::Command { by, command, about: None, key: None };
        room.handle_input(&input, at(1_000)).unwrap().into_reply()
    };
    let opened = say("alice", Role::Host, GiveawayCommand::LotteryOpen(Box::new(offer)));
    let Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, .. }) = opened else {
        panic!("not a lottery: {opened:?}")
    };
    for number in 0..entrants {
        let (lottery, idem) = (lottery.clone(), IdemKey::parse("k").unwrap());
        let entry = LotteryEntry { lottery, keyword: None, idem };
        say(&format!("v{number}"), Role::Viewer, GiveawayCommand::LotteryEnter(entry));
    }
    room.handle_timeout(at(64_000));
    serde_json::from_str(&encode_lottery(&room.lottery(&lottery).unwrap())).unwrap()
}

/// Returns whether the independent program finds nothing wrong.
fn verify(record: &Value) -> bool {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/verify_lottery.py");
    let mut child = Command::new("python3")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), record).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("WRONG") != output.status.success(), "{text}");
    output.status.success()
}

fn taker(name: &str, amount: u64) -> PacketTaker {
    PacketTaker { user: user(&name.to_lowercase()), name: name.into(), amount }
}

fn winner(name: &str) -> Winner {
    Winner { user: user(&name.to_lowercase()), name: name.into() }
}
