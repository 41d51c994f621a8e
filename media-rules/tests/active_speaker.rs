//! Goal: the one who speaks is named soon, and a cough does not take the word from anybody.
//!
//! Method: voices are told of every 200 ms as `Loudness` does it, on a clock that the test moves.

use std::time::Duration;

use media_rules::{ActiveSpeaker, Loudness, MediaTime, Voice};

/// A stage and its clock.
struct Stage {
    rule: ActiveSpeaker<&'static str>,
    now: MediaTime,
    changes: Vec<(u64, Option<&'static str>)>,
}

impl Stage {
    fn new() -> Self {
        Self { rule: ActiveSpeaker::new(), now: MediaTime::from_millis(0), changes: Vec::new() }
    }

    /// Lets time pass while these speak, this many decibels below the loudest.
    fn pass(&mut self, millis: u64, voices: &[(&'static str, u8)]) {
        for step in 0..millis / 50 {
            if step % 4 == 0 {
                for (who, level) in voices {
                    self.rule.handle_voice(who, Voice::Speaking(*level), self.now);
                }
            }
            self.now = self.now + Duration::from_millis(50);
            if self.rule.poll_timeout().is_some_and(|at| at <= self.now) {
                self.rule.handle_timeout(self.now);
            }
            let millis = self.now.nanos() / 1_000_000;
            self.changes.extend(self.rule.poll_change().map(|who| (millis, who)));
        }
    }

    fn falls_silent(&mut self, who: &'static str) {
        self.rule.handle_voice(who, Voice::Silent, self.now);
    }

    fn speaker(&self) -> Option<&'static str> {
        self.changes.last().and_then(|(_, who)| *who)
    }
}

#[test]
fn whoever_speaks_alone_is_named_within_a_quarter_of_a_second() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30)]);
    assert_eq!(stage.changes, [(200, Some("a"))]);
}

#[test]
fn a_cough_takes_the_word_from_nobody() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30)]);
    stage.pass(400, &[("a", 30), ("b", 10)]);
    stage.falls_silent("b");
    stage.pass(1_000, &[("a", 30)]);
    assert_eq!(stage.changes, [(200, Some("a"))]);
}

#[test]
fn a_clearly_louder_voice_takes_the_word_after_a_moment_and_a_slightly_louder_one_never() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30)]);
    stage.pass(5_000, &[("a", 30), ("b", 27)]);
    assert_eq!(stage.speaker(), Some("a"));
    stage.pass(2_000, &[("a", 30), ("b", 20)]);
    assert_eq!(stage.speaker(), Some("b"));
    let (at, _) = stage.changes[1];
    assert!((6_800..7_200).contains(&at), "{at}");
}

#[test]
fn a_breath_changes_nothing_and_a_pause_gives_the_word_away() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30), ("b", 40)]);
    stage.falls_silent("a");
    stage.pass(400, &[("b", 40)]);
    assert_eq!(stage.speaker(), Some("a"), "a breath");
    stage.pass(400, &[("b", 40)]);
    assert_eq!(stage.speaker(), Some("b"), "a pause");
}

#[test]
fn after_two_seconds_of_silence_nobody_speaks() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30)]);
    stage.falls_silent("a");
    stage.pass(3_000, &[]);
    assert_eq!(stage.changes.last().map(|change| change.1), Some(None));
    let (at, _) = stage.changes[1];
    assert!((2_750..3_050).contains(&at), "{at}");
}

#[test]
fn whoever_leaves_without_a_word_is_the_speaker_no_more() {
    let mut stage = Stage::new();
    stage.pass(1_000, &[("a", 30)]);
    stage.pass(4_000, &[]);
    assert_eq!(stage.speaker(), None, "nothing was heard of a for long");
    stage.pass(1_000, &[("a", 30)]);
    stage.rule.handle_gone(&"a", stage.now);
    assert_eq!(stage.rule.poll_change(), Some(None));
}

#[test]
fn a_voice_is_told_of_a_few_times_a_second_and_its_end_once() {
    let mut loudness = Loudness::default();
    let (mut speaking, mut silent) = (0, 0);
    for packet in 0..200_u64 {
        let now = MediaTime::from_millis(1_000 + packet * 20);
        // Two seconds of speech with the flag for voice, two of a quiet room.
        loudness.handle_level(if packet < 100 { 0x80 | 25 } else { 90 }, now);
        match loudness.poll_voice(now) {
            Some(Voice::Speaking(level)) => {
                assert!((20..=50).contains(&level), "{level}");
                speaking += 1;
            }
            Some(Voice::Silent) => silent += 1,
            None => {}
        }
    }
    assert!((8..=12).contains(&speaking), "{speaking}");
    assert_eq!(silent, 1);
}

#[test]
fn a_voice_whose_packets_stop_falls_silent() {
    let mut loudness = Loudness::default();
    for packet in 0..50_u64 {
        let now = MediaTime::from_millis(1_000 + packet * 20);
        loudness.handle_level(20, now);
        loudness.poll_voice(now);
    }
    assert_eq!(loudness.poll_voice(MediaTime::from_millis(2_500)), Some(Voice::Silent));
    assert_eq!(loudness.poll_voice(MediaTime::from_millis(9_000)), None);
}
