//! Goal: a solo host's own pictures are the program exactly while that is safe, and the program
//! does not flap.
//! Method: pictures with real parameter sets at virtual times, from fitting and unfitting encoders,
//! with pauses and losses; random schedules at the end.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use media_rules::bypass::{Bypass, Limits, Maker, lone_feed};
use media_rules::layout::{Choice, Figures, Performer};
use media_rules::{EncodedFrame, FeedId, FrameCodec, MediaTime, Rect};

const LIMITS: Limits = Limits { canvas: (720, 1280), fps: 30, kbps: 1500 };
const PERIOD_MS: u64 = 33;

#[test]
fn a_fit_host_alone_for_a_second_passes() {
    let mut stage = Stage::new();
    stage.alone("alice");
    stage.play(900);
    assert_eq!(stage.rule.maker(), Maker::Mixer, "scenes settle first");
    stage.play(300);
    assert_eq!(stage.rule.maker(), host("alice"));
}

#[test]
fn a_second_tile_ends_it_at_once_and_costs_no_penalty() {
    let mut stage = Stage::passing();
    stage.rule.handle_scene(None, stage.now);
    assert_eq!(stage.rule.maker(), Maker::Mixer);

    stage.alone("alice");
    stage.play(1_200);
    assert_eq!(stage.rule.maker(), host("alice"));
}

#[test]
fn only_a_lone_tile_over_the_whole_canvas_counts() {
    let feeds = ["alice", "bob"].map(|name| FeedId::new("a", name));
    let drawn = |feeds: &[FeedId], is_battle| {
        let performer =
            |feed: &FeedId| Performer { feed: feed.clone(), name: "A".into(), is_muted: true };
        let performers: Vec<_> = feeds.iter().map(performer).collect();
        Choice::default().scene(1, &performers, is_battle, LIMITS.canvas, Figures::default())
    };
    assert_eq!(lone_feed(&drawn(&feeds[..1], false), LIMITS.canvas), Some(&feeds[0]));
    assert_eq!(lone_feed(&drawn(&feeds[..1], true), LIMITS.canvas), None, "half of a battle");
    assert_eq!(lone_feed(&drawn(&feeds, false), LIMITS.canvas), None);
    assert_eq!(lone_feed(&drawn(&[], false), LIMITS.canvas), None);
    let mut moved = drawn(&feeds[..1], false);
    moved.tiles[0].rect = Rect { x: 0, y: 0, width: 720, height: 1_278 };
    assert_eq!(lone_feed(&moved, LIMITS.canvas), None);
    let mut named = drawn(&feeds[..1], false);
    named.tiles[0].label = Some("Alice".into());
    assert_eq!(lone_feed(&named, LIMITS.canvas), None);
    let mut heard = drawn(&feeds, false);
    heard.tiles[0].rect = Rect { x: 0, y: 0, width: 720, height: 1_280 };
    heard.tiles[1].rect = Rect::NOWHERE;
    assert_eq!(lone_feed(&heard, LIMITS.canvas), Some(&feeds[0]), "the other is only heard");
}

#[test]
fn a_host_that_stalls_half_a_second_is_the_mixers() {
    let mut stage = Stage::passing();
    let due = stage.rule.poll_timeout().unwrap();
    assert_eq!(due, stage.now + Duration::from_millis(500 - PERIOD_MS), "since the last picture");
    stage.rule.handle_timeout(due);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
    assert_eq!(stage.rule.poll_timeout(), None);
}

#[test]
fn a_host_whose_pictures_are_due_far_in_the_future_is_mixed() {
    let mut stage = Stage::passing();
    stage.ahead_ms = 900;
    stage.play(1_000);
    assert_eq!(stage.rule.maker(), host("alice"));
    stage.ahead_ms = 1_100;
    stage.play(PERIOD_MS);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
    stage.play(20_000);
    assert_eq!(stage.rule.maker(), Maker::Mixer, "for as long as that goes on");
    stage.ahead_ms = 0;
    stage.play(10_000);
    assert_eq!(stage.rule.maker(), host("alice"));
}

#[test]
fn trouble_keeps_it_away_for_longer_each_time_and_is_forgiven() {
    let mut stage = Stage::passing();
    let mut away = Vec::new();
    for _ in 0..6 {
        stage.pause(600);
        assert_eq!(stage.rule.maker(), Maker::Mixer);
        away.push(stage.play_until_passing() / 1_000);
    }
    assert_eq!(away, [5, 10, 20, 40, 60, 60]);

    stage.play(61_000);
    stage.pause(600);
    assert_eq!(stage.play_until_passing() / 1_000, 5);
}

#[test]
fn three_losses_in_ten_seconds_are_too_many() {
    let mut stage = Stage::passing();
    for _ in 0..6 {
        stage.rule.handle_loss(stage.now);
        stage.play(5_100);
        assert_eq!(stage.rule.maker(), host("alice"), "a loss now and then is bearable");
    }
    for _ in 0..2 {
        stage.rule.handle_loss(stage.now);
        stage.play(500);
    }
    assert_eq!(stage.rule.maker(), Maker::Mixer);
}

#[test]
fn the_shape_and_the_size_decide() {
    for (size, is_fit) in [
        ((720, 1280), true),
        ((360, 640), true),
        ((1080, 1920), true),
        ((368, 640), false),
        ((352, 640), false),
        ((320, 568), false),
        ((1082, 1922), false),
        ((1280, 720), false),
    ] {
        let mut stage = Stage::new();
        stage.sps = sps(66, 0xc0, size);
        stage.alone("alice");
        stage.play(3_000);
        assert_eq!(stage.rule.maker() == host("alice"), is_fit, "{size:?}");
    }
}

#[test]
fn the_profile_decides() {
    for ((profile, flags), is_fit) in
        [((66, 0xe0), true), ((66, 0), false), ((77, 0), true), ((100, 0), false)]
    {
        let mut stage = Stage::new();
        stage.sps = sps(profile, flags, (720, 1280));
        stage.alone("alice");
        stage.play(3_000);
        assert_eq!(stage.rule.maker() == host("alice"), is_fit, "{profile} {flags:#x}");
    }
}

#[test]
fn an_encoder_that_begins_to_predict_from_the_future_is_mixed() {
    let mut stage = Stage::passing();
    stage.slice = B_SLICE;
    stage.play(100);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
}

#[test]
fn a_host_who_sends_more_than_the_program_may_have_from_now_on_is_mixed() {
    let mut stage = Stage::passing();
    stage.rule.set_kbps(100);
    stage.play(2 * PERIOD_MS);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
    stage.rule.set_kbps(LIMITS.kbps);
    stage.play(6_000);
    assert_eq!(stage.rule.maker(), host("alice"));
}

#[test]
fn more_bits_or_pictures_than_the_program_may_have_are_mixed() {
    let mut stage = Stage::passing();
    // 2400 kbit/s, then 2600.
    stage.bytes = 10_000;
    stage.play(5_000);
    assert_eq!(stage.rule.maker(), host("alice"));
    stage.bytes = 10_900;
    stage.play(5_000);
    assert_eq!(stage.rule.maker(), Maker::Mixer);

    let mut stage = Stage::passing();
    stage.period_ms = 16;
    stage.bytes = 1_000;
    stage.play(3_000);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
}

#[test]
fn a_smaller_picture_of_a_struggling_host_is_mixed_from_its_keyframe_on() {
    let mut stage = Stage::passing();
    stage.sps = sps(66, 0xc0, (180, 320));
    stage.play(1_100);
    assert_eq!(stage.rule.maker(), Maker::Mixer);
}

#[test]
fn whatever_a_host_does_the_program_changes_hands_seldom() {
    let mut most = 0;
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut stage = Stage::passing();
        let (start, mut changes, mut maker) = (stage.now, 0_u32, stage.rule.maker());
        while stage.now.since(start) < Duration::from_secs(120) {
            match rng.u32(0..10) {
                0 => stage.rule.handle_loss(stage.now),
                1 => stage.pause(rng.u64(100..2_000)),
                2 => stage.bytes = rng.usize(1_000..14_000),
                _ => stage.play(rng.u64(50..1_500)),
            }
            if stage.rule.maker() != maker {
                maker = stage.rule.maker();
                changes += 1;
            }
        }
        most = most.max(changes);
        assert!(changes <= 12, "seed {seed}: {changes} changes in two minutes");
    }
    assert!(most >= 5, "the schedules must reach trouble: {most}");
}

const P_SLICE: [u8; 2] = [0b1001_1000, 0x80];
const B_SLICE: [u8; 2] = [0b1001_1100, 0x80];

/// A host with an encoder, and the rule that watches it.
struct Stage {
    rule: Bypass,
    now: MediaTime,
    sps: Vec<u8>,
    slice: [u8; 2],
    bytes: usize,
    period_ms: u64,
    /// How long after they came pictures are due.
    ahead_ms: u64,
    sent: u64,
}

impl Stage {
    fn new() -> Self {
        Self {
            rule: Bypass::new(LIMITS),
            now: MediaTime::from_millis(1_000),
            sps: sps(66, 0xc0, (720, 1280)),
            slice: P_SLICE,
            bytes: 5_000,
            period_ms: PERIOD_MS,
            ahead_ms: 0,
            sent: 0,
        }
    }

    fn passing() -> Self {
        let mut stage = Self::new();
        stage.alone("alice");
        stage.play(1_500);
        assert_eq!(stage.rule.maker(), host("alice"));
        stage
    }

    fn alone(&mut self, name: &str) {
        self.rule.handle_scene(Some(&FeedId::new("a", name)), self.now);
    }

    /// Sends pictures for so long, a keyframe a second.
    fn play(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while self.now < end {
            let is_key = self.sent.is_multiple_of(30);
            let mut data = Vec::new();
            if is_key {
                data.extend([&[0, 0, 0, 1][..], &self.sps, &[0, 0, 0, 1, 0x68, 0xce]].concat());
            }
            data.extend([0, 0, 0, 1, if is_key { 0x65 } else { 0x41 }]);
            data.extend(self.slice);
            data.resize(self.bytes.max(data.len()), 0xff);
            let at = self.now + Duration::from_millis(self.ahead_ms);
            let frame = EncodedFrame { codec: FrameCodec::H264, at, is_key, data: data.into() };
            self.rule.handle_picture(&frame, self.now);
            self.sent += 1;
            self.now = self.now + Duration::from_millis(self.period_ms);
            self.rule.handle_timeout(self.now);
        }
    }

    fn pause(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        self.rule.handle_timeout(self.now);
    }

    /// Returns how many milliseconds it took.
    fn play_until_passing(&mut self) -> u64 {
        let start = self.now;
        while self.rule.maker() == Maker::Mixer {
            assert!(self.now.since(start) < Duration::from_secs(100));
            self.play(10);
        }
        self.now.since(start).as_millis() as u64
    }
}

fn host(name: &str) -> Maker {
    Maker::Host(FeedId::new("a", name))
}

/// Writes a sequence parameter set (ITU-T H.264 section 7.3.2.1.1) for an even size.
fn sps(profile: u8, flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    let mut bits = String::new();
    let golomb = |bits: &mut String, value: u32| {
        let code = format!("{:b}", value + 1);
        bits.push_str(&"0".repeat(code.len() - 1));
        bits.push_str(&code);
    };
    let round = |pixels: u32| pixels.div_ceil(16);
    golomb(&mut bits, 0);
    if profile == 100 {
        // 4:2:0 with eight bits, nothing special.
        for value in [1, 0, 0] {
            golomb(&mut bits, value);
        }
        bits.push_str("00");
    }
    for value in [0, 2, 1] {
        golomb(&mut bits, value);
    }
    bits.push('0');
    golomb(&mut bits, round(width) - 1);
    golomb(&mut bits, round(height) - 1);
    bits.push_str("111");
    for value in [0, (round(width) * 16 - width) / 2, 0, (round(height) * 16 - height) / 2] {
        golomb(&mut bits, value);
    }
    bits.push_str("01");
    let mut nal = vec![0x67, profile, flags, 31];
    for byte in bits.as_bytes().chunks(8) {
        let text = format!("{:0<8}", std::str::from_utf8(byte).unwrap());
        nal.push(u8::from_str_radix(&text, 2).unwrap());
    }
    nal
}
