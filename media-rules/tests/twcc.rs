//! Goal: feedback says exactly what arrived, however it is encoded, and no bytes and no numbers from
//! outside can make it panic, grow or spin.
//! Method: handmade messages from the draft, random arrivals written and read back, random and
//! cut bytes from printed seeds, a recorder fed with hostile numbers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use media_rules::MediaTime;
use media_rules::twcc::{Feedback, FeedbackError, FeedbackHead, Recorder, write};

const HEAD: FeedbackHead = FeedbackHead { sender: 1, media: 2, number: 7 };

fn read(bytes: &[u8]) -> Vec<(u16, Option<u64>)> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = 4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let feedback = Feedback::parse(&rest[..len]).expect("what we write is read");
        let start = u64::from(feedback.reference) * 256;
        out.extend(feedback.statuses().map(|status| {
            let at = status.arrival.map(|ticks| start.saturating_add_signed(i64::from(ticks)));
            (status.number, at)
        }));
        rest = &rest[len..];
    }
    out
}

fn part(base: u16, count: u16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    out.extend_from_slice(&base.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&[0, 0, 4, 9]);
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(4), 0);
    let words = u16::try_from(out.len() / 4 - 1).expect("short");
    out[2..4].copy_from_slice(&words.to_be_bytes());
    out
}

#[test]
fn each_kind_of_chunk_is_read_as_the_draft_has_it() {
    // A run of two small deltas, then one bit each, then two bits each.
    let body = [0x20, 2, 0b1010_0000, 0, 0b1100_1000, 0, 1, 2, 3, 0xff, 0xff];
    let bytes = part(65_535, 18, &body);
    let feedback = Feedback::parse(&bytes).expect("valid");
    let came: Vec<_> = feedback
        .statuses()
        .enumerate()
        .filter_map(|(at, status)| Some((at, status.arrival?)))
        .collect();
    // The bit after the first vector's first one, and the two-bit symbols 00, 10.
    assert_eq!(came, [(0, 1), (1, 3), (2, 6), (17, 5)]);
    let numbers: Vec<_> = feedback.statuses().map(|status| status.number).take(3).collect();
    assert_eq!(numbers, [65_535, 0, 1]);
    assert_eq!((feedback.reference, feedback.number), (4, 9));
}

#[test]
fn absurd_messages_are_turned_down() {
    assert_eq!(Feedback::parse(&part(0, 0, &[])).err(), Some(FeedbackError::AbsurdCount));
    assert_eq!(Feedback::parse(&part(0, 65_535, &[])).err(), Some(FeedbackError::AbsurdCount));
    // A run of length zero would never end.
    assert_eq!(Feedback::parse(&part(0, 9, &[0x20, 0])).err(), Some(FeedbackError::BadChunk));
    assert_eq!(Feedback::parse(&part(0, 9, &[0x60, 9])).err(), Some(FeedbackError::BadChunk));
    assert_eq!(Feedback::parse(&part(0, 9, &[0x20, 9])).err(), Some(FeedbackError::TooShort));
}

#[test]
fn what_is_written_is_read_back() {
    for seed in 0..300 {
        eprintln!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut at = 1_000_000 + rng.u64(..1_000_000);
        let (loss, burst) = (rng.f64() * 0.9, rng.f64());
        let arrivals: Vec<Option<u64>> = (0..rng.usize(1..700))
            .map(|_| {
                if rng.f64() > burst {
                    at += rng.u64(..2_000);
                }
                let reordered = if rng.u8(..20) == 0 { at - rng.u64(..300) } else { at };
                (rng.f64() >= loss).then_some(reordered)
            })
            .collect();
        let (mut out, mut done) = (Vec::new(), 0);
        while arrivals[done..].iter().any(Option::is_some) {
            let base = u16::try_from((65_400 + done) % 65_536).expect("wrapped");
            let start = out.len();
            let told = write(&mut out, HEAD, base, &arrivals[done..]);
            assert!(told > 0 && out.len() - start <= 1_200, "{told} in {}", out.len() - start);
            done += told;
        }
        let back: Vec<_> = read(&out).into_iter().map(|(_, arrival)| arrival).collect();
        assert_eq!(back[..], arrivals[..done]);
    }
}

#[test]
fn times_too_far_apart_for_one_message_take_two() {
    let mut out = Vec::new();
    let arrivals = [Some(256), Some(300), None, Some(40_000)];
    assert_eq!(write(&mut out, HEAD, 5, &arrivals), 3);
    assert_eq!(write(&mut out, HEAD, 8, &arrivals[3..]), 1);
    assert_eq!(read(&out)[3], (8, Some(40_000)));
}

#[test]
fn no_bytes_make_it_panic_or_run_on() {
    let mut valid = 0;
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let body: Vec<u8> = (0..rng.usize(..64)).map(|_| rng.u8(..)).collect();
        let mut bytes = part(rng.u16(..), rng.u16(..64), &body);
        if rng.bool() {
            bytes[0] |= 0x20;
        }
        if rng.bool() {
            bytes.truncate(rng.usize(..=bytes.len()));
        }
        if let Ok(feedback) = Feedback::parse(&bytes) {
            valid += 1;
            assert_eq!(feedback.statuses().count(), usize::from(feedback.count));
        }
    }
    assert!(valid > 1_000, "{valid} of the random messages were valid");
}

fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

#[test]
fn a_recorder_tells_each_packet_once_with_its_time() {
    let mut recorder = Recorder::default();
    recorder.set_lenient(false);
    let mut out = Vec::new();
    let mut told = Vec::new();
    for step in 0..200_u64 {
        let number = u16::try_from((65_500 + step) % 65_536).expect("wrapped");
        if step % 5 != 3 {
            recorder.handle_packet(number, at(1_000 + step * 4));
        }
        if recorder.poll_feedback(at(1_000 + step * 4), 1, 2, &mut out) {
            told.append(&mut read(&out));
            out.clear();
        }
    }
    assert!(told.len() > 180, "{}", told.len());
    for (step, (number, arrival)) in told.into_iter().enumerate() {
        assert_eq!(number, 65_500_u16.wrapping_add(u16::try_from(step).expect("small")));
        let expected = (step % 5 != 3).then_some((1_000 + step as u64 * 4) * 4);
        assert_eq!(arrival, expected);
    }
}

#[test]
fn feedback_is_neither_rare_nor_frequent() {
    for (gap, least, most) in [(2, 17, 21), (20, 9, 12), (500, 2, 3)] {
        let mut recorder = Recorder::default();
        let mut messages = 0;
        for now in 1_000..2_000 {
            if now % gap == 0 {
                recorder.handle_packet(u16::try_from(now / gap).expect("small"), at(now));
            }
            let mut out = Vec::new();
            messages += u32::from(recorder.poll_feedback(at(now), 1, 2, &mut out));
        }
        assert!((least..=most).contains(&messages), "{messages} for a packet each {gap} ms");
    }
}

#[test]
fn a_packet_that_comes_late_is_told_of_after_all() {
    let mut recorder = Recorder::default();
    recorder.set_lenient(false);
    let mut out = Vec::new();
    for number in [1, 2, 4, 5] {
        recorder.handle_packet(number, at(1_000));
    }
    assert!(recorder.poll_feedback(at(1_100), 1, 2, &mut out));
    assert!(read(&out).contains(&(3, None)));
    recorder.handle_packet(3, at(1_110));
    out.clear();
    assert!(recorder.poll_feedback(at(1_250), 1, 2, &mut out));
    assert!(read(&out).contains(&(3, Some(4_440))));
}

/// What a sender has been told of each number, and when first that it arrived.
#[derive(Default)]
struct Told {
    lost: BTreeSet<u16>,
    arrived: BTreeMap<u16, u64>,
}

impl Told {
    fn handle(&mut self, feedback: &[u8], now: u64) {
        for (number, arrival) in read(feedback) {
            if arrival.is_some() {
                self.arrived.entry(number).or_insert(now);
                self.lost.remove(&number);
            } else {
                self.lost.insert(number);
            }
        }
    }
}

/// How a host's packets fare on a path that loses 40 % of them and of our feedback.
struct Uplink {
    recorder: Recorder,
    rng: fastrand::Rng,
    missing: BTreeSet<u16>,
    told: Told,
}

const GAP_MS: u64 = 4;
const PACKETS: u64 = 4_000;

/// Sends packets and repairs each missing one after `repaired_after`, if at all.
fn uplink(seed: u64, feedback_loss: f64, repaired_after: Option<u64>) -> Uplink {
    let (recorder, rng) = (Recorder::default(), fastrand::Rng::with_seed(seed));
    let mut path = Uplink { recorder, rng, missing: BTreeSet::new(), told: Told::default() };
    let mut open = VecDeque::new();
    for step in 0..PACKETS {
        let now = 1_000 + step * GAP_MS;
        let number = u16::try_from(step).expect("small");
        if path.rng.f64() < 0.4 {
            path.missing.insert(number);
            open.push_back(now);
        } else {
            path.recorder.handle_packet(number, at(now));
        }
        let due = repaired_after.unwrap_or(500);
        while open.front().is_some_and(|since| since + due <= now) {
            open.pop_front();
            match repaired_after {
                Some(_) => path.recorder.handle_repaired(),
                None => path.recorder.handle_given_up(1),
            }
        }
        path.recorder.set_oldest_missing(open.front().map(|since| at(*since)));
        let mut out = Vec::new();
        path.recorder.poll_feedback(at(now), 1, 2, &mut out);
        if path.rng.f64() >= feedback_loss {
            path.told.handle(&out, now);
        }
    }
    path
}

#[test]
fn losses_that_get_repaired_are_not_held_against_the_sender_and_others_are() {
    for (repaired_after, least, most) in [(Some(120), 0.0, 0.01), (None, 0.3, 0.42)] {
        let Uplink { told, .. } = uplink(7, 0.0, repaired_after);
        let share = told.lost.len() as f64 / (told.lost.len() + told.arrived.len()) as f64;
        assert!((least..=most).contains(&share), "{share} with repairs after {repaired_after:?}");
        assert!(told.lost.len() + told.arrived.len() > 3_800, "all but the newest are told of");
    }
}

#[test]
fn what_may_still_be_asked_for_is_not_told_as_received() {
    // A sender throws away what it hears has arrived.
    let Uplink { told, missing, .. } = uplink(3, 0.0, Some(250));
    let told_early = missing.iter().filter(|number| {
        let told = told.arrived.get(*number);
        told.is_some_and(|told| *told < 1_000 + u64::from(**number) * GAP_MS + 250)
    });
    assert_eq!(told_early.count(), 0);
    assert!(missing.iter().filter(|number| told.arrived.contains_key(number)).count() > 1_400);
}

#[test]
fn where_feedback_gets_lost_hardly_a_packet_is_never_told_of() {
    let Uplink { told, .. } = uplink(5, 0.4, Some(120));
    let heard = (told.arrived.len() + told.lost.len()) as f64 / PACKETS as f64;
    assert!(heard > 0.93, "{heard} of all packets");
}

#[test]
fn a_made_up_arrival_comes_after_that_of_the_next_packet() {
    let mut recorder = Recorder::default();
    for (number, millis) in [(1, 1_000), (3, 1_004), (4, 1_200)] {
        recorder.handle_packet(number, at(millis));
    }
    let mut out = Vec::new();
    assert!(recorder.poll_feedback(at(1_200), 1, 2, &mut out));
    assert!(!read(&out).iter().any(|(number, _)| *number == 2), "nothing is known of it yet");
    recorder.handle_packet(5, at(1_400));
    out.clear();
    assert!(recorder.poll_feedback(at(1_400), 1, 2, &mut out));
    assert!(read(&out).contains(&(2, Some(4 * 1_005))), "{:?}", read(&out));
}

#[test]
fn nothing_is_told_of_numbers_before_the_first() {
    for first in [0_u16, 1, 300, 65_535] {
        let mut recorder = Recorder::default();
        let mut out = Vec::new();
        // A loss among them, so that what became of it is told later.
        for step in (0..120_u16).filter(|step| *step != 60) {
            let now = at(1_000 + u64::from(step) * 20);
            recorder.handle_packet(first.wrapping_add(step), now);
            recorder.poll_feedback(now, 1, 2, &mut out);
        }
        let told: BTreeSet<u16> =
            read(&out).iter().map(|(number, _)| number.wrapping_sub(first)).collect();
        assert!(told.contains(&0) && told.contains(&60), "from {first}: {told:?}");
        assert!(told.iter().all(|number| *number < 120), "from {first}: {told:?}");
    }
}

#[test]
fn a_queue_ends_the_leniency() {
    let mut recorder = Recorder::default();
    recorder.set_lenient(false);
    for number in [1, 2, 4] {
        recorder.handle_packet(number, at(1_000));
    }
    let mut out = Vec::new();
    assert!(recorder.poll_feedback(at(1_000), 1, 2, &mut out));
    assert_eq!(read(&out)[2], (3, None));
}

#[test]
fn what_is_lost_beyond_half_is_told_even_if_it_is_repaired() {
    let mut recorder = Recorder::default();
    let mut told = Told::default();
    for step in 0..2_000_u16 {
        let now = 1_000 + u64::from(step) * GAP_MS;
        recorder.handle_repaired();
        if step % 4 == 0 {
            recorder.handle_packet(step, at(now));
        }
        let mut out = Vec::new();
        recorder.poll_feedback(at(now), 1, 2, &mut out);
        told.handle(&out, now);
    }
    let share = told.lost.len() as f64 / 2_000.0;
    assert!((0.15..0.3).contains(&share), "{share}");
}

#[test]
fn hostile_numbers_neither_fill_memory_nor_make_long_messages() {
    for seed in 0..20 {
        eprintln!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut recorder = Recorder::default();
        let step = rng.u16(1..600);
        let mut number = 0_u16;
        for now in 0..3_000 {
            let jump = if seed % 2 == 0 { rng.u16(..) } else { step };
            number = number.wrapping_add(jump);
            recorder.handle_packet(number, at(now));
            let mut out = Vec::new();
            recorder.poll_feedback(at(now), 1, 2, &mut out);
            assert!(out.len() <= 4_096, "{}", out.len());
        }
        assert!(recorder.poll_timeout().unwrap_or_default() <= at(3_000) + Duration::from_secs(1));
    }
}
