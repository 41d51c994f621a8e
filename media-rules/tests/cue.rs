//! Goal: what a program says about its pictures travels with exactly the picture it is about, and no
//! relay that copies the stream damages either.
//! Method: random messages from printed seeds written into access units and read back; the pace in
//! virtual time.

use media_rules::h264::{find_user_data, insert_before_slices, is_keyframe, nals, user_data};
use media_rules::{CuePace, MediaTime};

const UUID: [u8; 16] = *b"\x4c\x00\x00\x01-lianmai-te\x00";
const OTHER: [u8; 16] = [7; 16];

#[test]
fn a_message_is_read_back_whatever_its_bytes() {
    let mut escaped = 0;
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Mostly zeros and small numbers, which is where escaping matters.
        let text: Vec<u8> = (0..rng.usize(0..600)).map(|_| rng.u8(0..5)).collect();
        let nal = user_data(&UUID, &text);
        escaped += usize::from(nal.len() > text.len() + 24);
        assert!(!nal.windows(3).any(|w| w[0] == 0 && w[1] == 0 && w[2] < 3), "seed {seed}");

        let picture = [
            &[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 66, 0, 0, 1, 0x68, 7][..],
            &[0, 0, 1, 0x65, 1, 2, 3, 0, 0, 1, 0x65, 4],
        ]
        .concat();
        let with = insert_before_slices(&picture, &nal);
        assert_eq!(find_user_data(&with, &UUID).as_deref(), Some(&text[..]), "seed {seed}");
        assert_eq!(find_user_data(&with, &OTHER), None);

        let kinds: Vec<u8> = nals(&with).map(|unit| unit[0] & 0x1f).collect();
        assert_eq!(kinds, [9, 7, 8, 6, 5, 5], "behind the parameter sets, before the slices");
        let rest: Vec<&[u8]> = nals(&with).filter(|unit| unit[0] & 0x1f != 6).collect();
        assert_eq!(rest, nals(&picture).collect::<Vec<_>>(), "the picture is as it was");
        assert!(is_keyframe(&with));
    }
    assert!(escaped > 100, "{escaped} messages needed escaping");
}

#[test]
fn bytes_that_are_no_message_are_none() {
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut unit = vec![0, 0, 1, 6];
        unit.extend((0..rng.usize(0..40)).map(|_| [0, 5, 16, 255, 3, 0x80][rng.usize(0..6)]));
        assert_eq!(find_user_data(&unit, &UUID), None, "seed {seed}");
    }
}

#[test]
fn keyframes_changes_and_every_second_carry_a_cue() {
    let mut pace = CuePace::default();
    let mut told = Vec::new();
    for number in 0..100_u64 {
        let revision = if number < 40 { 1 } else { 2 };
        let at = MediaTime::from_millis(1_000 + number * 33);
        if pace.handle_picture(at, number == 90, revision) {
            told.push(number);
        }
    }
    // 31 pictures of 33 ms are just over a second.
    assert_eq!(told, [0, 1, 2, 33, 40, 41, 42, 73, 90]);
}
